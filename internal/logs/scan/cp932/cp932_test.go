package cp932

import (
	"testing"
	"unicode/utf8"
)

// back writes a text in CP932 by turning the table around; it fails where two pairs of bytes share a character.
func back(t *testing.T) map[rune][]byte {
	t.Helper()
	m := map[rune][]byte{}
	for c := range 0x80 {
		m[rune(c)] = []byte{byte(c)}
	}
	for c := 0xa1; c <= 0xdf; c++ {
		m[0xff61+rune(c-0xa1)] = []byte{byte(c)}
	}
	for at, r := range letters() {
		if r == 0 {
			continue
		}
		pair := []byte{byte(at/trails + 0x81), byte(at%trails + 0x40)}
		if old, there := m[rune(r)]; there {
			t.Errorf("%c is %x and %x", rune(r), old, pair)
		}
		m[rune(r)] = pair
	}
	return m
}

// TestEveryPair: each pair of bytes that is taken comes back as it was; those that Windows knows once more do not pass.
func TestEveryPair(t *testing.T) {
	t.Parallel()
	m := back(t)
	taken := 0
	for lead := range 256 {
		for trail := range 256 {
			line := []byte{byte(lead), byte(trail)}
			text, _, ok := Append(nil, line)
			if !ok {
				continue
			}
			taken++
			var again []byte
			for _, r := range string(text) {
				again = append(again, m[r]...)
			}
			if string(again) != string(line) || !utf8.Valid(text) {
				t.Errorf("%x became %q, and that %x", line, text, again)
			}
		}
	}
	// Pairs of single bytes, and Microsoft's 7,724 pairs of bytes without the 398 that Windows writes otherwise, with 1,880
	// of the user: as many as other programs read and write back.
	if want := 191*191 + 9_206; taken != want {
		t.Errorf("%d pairs are taken, want %d", taken, want)
	}
}

// TestTraps are letters that programs are known to lose.
func TestTraps(t *testing.T) {
	t.Parallel()
	tests := []struct {
		bytes, text string
		ok          bool
	}{
		{"\x95\x5c\x83\x5c\\~", `表ソ\~`, true},
		{"\x81\x60\x81\x7c\x81\x61", "～－∥", true}, // as Windows, not 〜−‖
		{"\xfb\xfc\x8b\xb4\xfa\xb1", "髙橋﨑", true}, // IBM's, which Windows writes
		{"\x87\x40\x87\x8a", "①㈱", true},
		{"\xee\xe0", "", false},                    // NEC's 髙
		{"\xfa\x4a", "", false},                    // IBM's Ⅰ; Windows writes 8754
		{"\xfa\x40", "ⅰ", true},                    // and of the small one IBM's
		{"\x87\x90", "", false},                    // NEC's ≒; Windows writes 81E0
		{"\xfa\x54", "", false},                    // IBM's ￢
		{"\xf0\x40\xf9\xfc", "\ue000\ue757", true}, // the first and the last of the user
		{"\xb1\xb2\xb3", "ｱｲｳ", true},
		{"\x80", "", false},
		{"\xa0", "", false},
		{"\xfd\x40", "", false},
		{"abc\x82", "", false}, // cut inside a letter
		{"\x82\x0a", "", false},
		{"", "", true},
	}
	for _, tt := range tests {
		got, _, ok := Append([]byte("x"), []byte(tt.bytes))
		if ok != tt.ok || string(got) != "x"+tt.text {
			t.Errorf("%x became %q, %t; want %q, %t", tt.bytes, got, ok, tt.text, tt.ok)
		}
	}
}

// TestLook tells CP932 from what is valid by chance.
func TestLook(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		line             string
		likely, possible bool
	}{
		"認証に失敗":            {"\x94\x46\x8f\xd8\x82\xc9\x8e\xb8\x94\x73", true, true},
		"ﾕｰｻﾞｰ":            {"\xd5\xb0\xbb\xde\xb0", false, true},
		"one kanji":        {"5\x8c\x8e", false, true},
		"認証に失敗 in EUC-JP":  {"\xc7\xa7\xbe\xda\xa4\xcb\xbc\xba\xc7\xd4", false, true}, // half-width kana, even: only beside sure lines
		"Latin-1 cafés":    {"caf\xe9s r\xe9sum\xe9s \xe0t\xe9", false, false},
		"ASCII is nothing": {"abc", false, true},
	}
	for name, tt := range tests {
		_, look, _ := Append(nil, []byte(tt.line))
		if look.Likely() != tt.likely || look.Possible() != tt.possible {
			t.Errorf("%s: %+v is likely %t, possible %t; want %t, %t", name, look, look.Likely(), look.Possible(), tt.likely, tt.possible)
		}
	}
}

// FuzzAppend: whatever comes, what is taken comes back as it was.
func FuzzAppend(f *testing.F) {
	for _, seed := range []string{"\x94\x46\x8f\xd8", "\x95\x5c", "a\xb1\xdf", "\xfb\xfc", "\xf9\xfc", "\x81"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		text, _, ok := Append(nil, line)
		if !ok {
			return
		}
		m := back(t)
		var again []byte
		for _, r := range string(text) {
			again = append(again, m[r]...)
		}
		if string(again) != string(line) {
			t.Errorf("%x became %q, and that %x", line, text, again)
		}
	})
}
