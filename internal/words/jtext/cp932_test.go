package jtext_test

import (
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/words/jtext"
)

func TestDecodeCP932(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in     string
		want   string
		broken []jtext.Spot
	}{
		"plain":          {"abc", "abc", nil},
		"kanji":          {"\x8A\xBF\x8E\x9A", "漢字", nil},
		"extensions":     {"\x87\x40\xFB\xFC\xED\x95", "①髙﨑", nil},
		"half width":     {"\xB6\xDE", "ｶﾞ", nil},
		"wave dash":      {"\x81\x60", "～", nil},
		"broken inside":  {"ab\r\n\x8A\xBFc\xFF\x8E\x9A", "ab\r\n漢c\uFFFD字", []jtext.Spot{{2, 3, "\uFFFD"}}},
		"cut at the end": {"\x8A\xBF\n\x8E", "漢\n\uFFFD", []jtext.Spot{{2, 1, "\uFFFD"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, broken := jtext.DecodeCP932([]byte(test.in))
			if got != test.want {
				t.Errorf("text = %q, want %q", got, test.want)
			}
			if diff := cmp.Diff(test.broken, broken); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEncodeCP932(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   string
		back string // what a reader of the bytes sees
		lost []jtext.Spot
	}{
		"kanji":       {"漢字①㈱髙﨑", "漢字①㈱髙﨑", nil},
		"look-alikes": {"10〜12−3‖—¥500", `10～12－3∥―\500`, nil},
		"signs":       {"¢£¬\u00A0–", "￠￡￢ -", nil},
		"decomposed":  {"か\u3099", "が", nil},
		"lost":        {"café\n𠮷野家", "caf〓\n〓野家", []jtext.Spot{{1, 4, "é"}, {2, 1, "𠮷"}}},
		"emoji":       {"よし👍", "よし〓", []jtext.Spot{{1, 3, "👍"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, lost := jtext.EncodeCP932(test.in)
			back, broken := jtext.DecodeCP932(out)
			if back != test.back || broken != nil {
				t.Errorf("reads back as %q (%v), want %q", back, broken, test.back)
			}
			if diff := cmp.Diff(test.lost, lost); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSpotsAreLimited(t *testing.T) {
	t.Parallel()
	broken := make([]byte, 5*jtext.MaxSpots)
	for i := range broken {
		broken[i] = 0xFF
	}
	if _, got := jtext.DecodeCP932(broken); len(got) != jtext.MaxSpots {
		t.Errorf("%d spots, want %d", len(got), jtext.MaxSpots)
	}
}

func TestDetectAndDecode(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   string
		want jtext.Decoded
	}{
		"utf-8":               {"漢字", jtext.Decoded{Text: "漢字", Encoding: jtext.UTF8}},
		"utf-8 mark":          {"\xEF\xBB\xBF漢字", jtext.Decoded{Text: "漢字", Encoding: jtext.UTF8BOM}},
		"cp932":               {"\x8A\xBF\x8E\x9A", jtext.Decoded{Text: "漢字", Encoding: jtext.CP932}},
		"utf-16le":            {"\xFF\xFE\x22\x6F\x57\x5B", jtext.Decoded{Text: "漢字", Encoding: jtext.UTF16LE}},
		"utf-16be":            {"\xFE\xFF\x6F\x22\x5B\x57", jtext.Decoded{Text: "漢字", Encoding: jtext.UTF16BE}},
		"utf-16 cut":          {"\xFF\xFE\x22\x6F\x57", jtext.Decoded{Text: "漢\uFFFD", Encoding: jtext.UTF16LE, Broken: []jtext.Spot{{1, 2, "\uFFFD"}}}},
		"replacement in file": {"a\uFFFD", jtext.Decoded{Text: "a\uFFFD", Encoding: jtext.UTF8}},
		"utf-8 with one slip": {"漢字の確認\n項目\xFFです", jtext.Decoded{Text: "漢字の確認\n項目\uFFFDです", Encoding: jtext.UTF8, Broken: []jtext.Spot{{2, 3, "\uFFFD"}}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, jtext.DetectAndDecode([]byte(test.in))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzCP932 asserts that what is written without a report is read back, look-alikes apart.
func FuzzCP932(f *testing.F) {
	for _, seed := range []string{"漢字\n①㈱髙", "\x8A\xBF\xFF", "a〜b−c", "\xFF\xFE\x22\x6F", "\xEF\xBB\xBFa"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		text, broken := jtext.DecodeCP932(b)
		if !utf8.ValidString(text) {
			t.Fatalf("decoding %q gives broken UTF-8", b)
		}
		if broken == nil {
			out, lost := jtext.EncodeCP932(text)
			again, rebroken := jtext.DecodeCP932(out)
			if lost == nil && (rebroken != nil || len([]rune(again)) > len([]rune(text))) {
				t.Fatalf("%q is written as %q, read as %q", text, out, again)
			}
		}
		d := jtext.DetectAndDecode(b)
		if len(d.Broken) == 0 && !utf8.ValidString(d.Text) {
			t.Fatalf("%s text of %q is not UTF-8 and nothing was reported", d.Encoding, b)
		}
	})
}
