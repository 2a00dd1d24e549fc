package text

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// alphabet holds what is hard: cases, widths, voice marks, broken bytes, borders of words.
var alphabet = []string{
	"a", "A", "ａ", "Ａ", "s", "S", "ſ", "k", "\u212A", "i", "İ", "ı", "1", ".", " ", "　", "-", "~", "〜", "～", "_",
	"カ", "ｶ", "ガ", "ﾞ", "\u3099", "は", "ぱ", "ﾊ", "ﾟ", "ヴ", "ウ", "京", "東", "é", "É", "e\u0301", "σ", "ς", "Σ",
	"\xff", "\xe3", "\xe3\x81", "\x82", "\uFFFD", "\xef\xbc", "（", "(", "\x00", "ü", "Ü",
}

func phrase(r *rand.Rand, longest int) string {
	var b strings.Builder
	for range r.IntN(longest) {
		b.WriteString(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

// block joins lines as blocks do.
func block(lines []string) (text []byte, ends []uint32) {
	for _, l := range lines {
		text = append(text, l...)
		ends = append(ends, uint32(len(text)))
	}
	return text, ends
}

func TestFinderRowsAndNeed(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	var scratch Scratch
	found := 0
	rounds := 1500
	if os.Getenv("KIZUKI_PROVE") != "" {
		rounds = 100_000
	}
	for range rounds {
		lines := make([]string, 1+r.IntN(70))
		for i := range lines {
			lines[i] = phrase(r, 9)
		}
		needle := phrase(r, 4)
		if needle == "" {
			continue
		}
		starts, ends, cased := r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(3) == 0
		checkRows(t, r, lines, needle, starts, ends, cased, &scratch, &found)
	}
	if found < rounds/3 {
		t.Errorf("only %d lines were found", found)
	}
}

func checkRows(t *testing.T, r *rand.Rand, lines []string, needle string, starts, ends, cased bool, s *Scratch, found *int) {
	t.Helper()
	f := NewFinder(needle, starts, ends, cased)
	need := Need(needle, starts, ends, cased)
	text, rowEnds := block(lines)
	words := (len(lines) + 63) / 64
	in, out := make([]uint64, words), make([]uint64, words)
	for i := range lines {
		if r.IntN(4) > 0 {
			in[i>>6] |= 1 << (i & 63)
		}
	}
	f.Rows(text, rowEnds, in, out, s)
	for i, line := range lines {
		want := f.MatchString(line)
		if got := f.Match([]byte(line), s); got != want {
			t.Fatalf("Match(%q in %q) = %t, MatchString %t", needle, line, got, want)
		}
		if want != naive(line, needle, starts, ends, cased) {
			t.Fatalf("MatchString(%q in %q, %t, %t, cased %t) = %t", needle, line, starts, ends, cased, want)
		}
		chosen := in[i>>6]>>(i&63)&1 != 0
		if got := out[i>>6]>>(i&63)&1 != 0; got != (want && chosen) {
			t.Fatalf("Rows(%q, cased %t, starts %t, ends %t) has row %d %q: %t, want %t (chosen: %t)",
				needle, cased, starts, ends, i, line, got, want, chosen)
		}
		if !want {
			continue
		}
		*found++
		has := wordsOf(line)
		for _, w := range need {
			if !slices.Contains(has, w) {
				t.Fatalf("%q is in %q, but word %q is not among %q", needle, line, w, has)
			}
		}
	}
}

// naive says the same without bytes and tables: over characters, broken bytes being characters of their own.
func naive(line, needle string, starts, ends, cased bool) bool {
	if !cased {
		line, needle = Fold(line), Fold(needle)
	}
	word := func(s string) bool {
		w := wordsOf(s)
		class, _ := classAt(Fold(s))
		return len(w) == 1 && class == letter
	}
	split := func(s string) (chars []string) {
		for i, r := range s {
			if r == '\uFFFD' && !strings.HasPrefix(s[i:], "\uFFFD") {
				chars = append(chars, s[i:i+1])
			} else {
				chars = append(chars, string(r))
			}
		}
		return chars
	}
	n := split(needle)
	for i := 0; i+len(needle) <= len(line); i++ {
		if line[i:i+len(needle)] != needle {
			continue
		}
		before, after := split(line[:i]), split(line[i+len(needle):])
		if starts && word(n[0]) && len(before) > 0 && word(before[len(before)-1]) {
			continue
		}
		if ends && word(n[len(n)-1]) && len(after) > 0 && word(after[0]) {
			continue
		}
		return true
	}
	return false
}

func TestNeed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		needle              string
		starts, ends, cased bool
		want                string
	}{
		{"Access Denied", true, true, false, "access denied"},
		{"Access Denied", true, false, false, "access"},
		{"access was denied", false, false, false, "was"},
		{"10.1.2.3", true, true, false, "10 1 2 3 10.1.2.3"},
		{"10.1.2.3", false, false, false, "1 2"},
		{"東京都", false, false, false, "東京 京都"},
		{"京", true, true, false, ""},
		{"x 京 y", true, true, false, "x 京 y"},
		{"アカ", false, false, true, ""},
		{"Error", true, true, true, "error"},
		{"\xffab cd", true, true, false, ""},
	} {
		got := Need(test.needle, test.starts, test.ends, test.cased)
		want := strings.Fields(test.want)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("Need(%+v) = %q", test, got)
		}
	}
}

func TestLiteral(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern string
		cased   bool
		want    string
	}{
		{`Foo.*Barbaz\d+`, false, "barbaz"},
		{`(?i:Foo)xy`, true, "xy"},
		{`a|bcd`, false, ""},
		{`(ｶﾞｽ)+[a-z]`, false, "ガス"},
		{`x{2,}`, false, "x"},
		{`(?:long)?ab`, false, "ab"},
		{`（失敗）`, false, "(失敗)"},
	} {
		p, err := Compile(test.pattern, test.cased, 1000)
		if err != nil || p.Literal != test.want {
			t.Errorf("literal of %q is %q, %v, want %q", test.pattern, p.Literal, err, test.want)
		}
	}
}

func TestPattern(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, line string
		cased, want   bool
	}{
		{`fail(ed|ure)`, "LOGIN ＦＡＩＬＵＲＥ", false, true},
		{`fail`, "FAIL", true, false},
		{`（失敗）`, "ログイン(失敗)", false, true},
		{`\QＡ（\E`, "a(", false, true},
		{`[Ａ-Ｃ]+z`, "bz", false, true},
		{`ｶﾞ`, "ガ", false, true},
		{`^a.c$`, "a\xffc", false, true},
		{`a\W`, "aB", false, false},
	} {
		p, err := Compile(test.pattern, test.cased, 1000)
		if err != nil || p.Match(test.line) != test.want {
			t.Errorf("%q in %q: %v, want %t", test.pattern, test.line, err, test.want)
		}
	}
	if _, err := Compile("(a{1000}){1000}", false, 1000); err == nil {
		t.Error("a million instructions were taken")
	}
}

func benchmarkRows(b *testing.B, needle, line string) {
	b.Helper()
	lines := make([]string, 8192)
	for i := range lines {
		lines[i] = line
	}
	text, ends := block(lines)
	in, out := make([]uint64, 128), make([]uint64, 128)
	for i := range in {
		in[i] = ^uint64(0)
	}
	f := NewFinder(needle, false, false, false)
	var s Scratch
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		f.Rows(text, ends, in, out, &s)
	}
}

const asciiLine = `date=2026-11-23 time=10:11:12 devname="FGT-01" type="traffic" srcip=10.20.30.40 dstip=203.0.113.7 dstport=443 ` +
	`action="accept" policyid=12 service="HTTPS" sentbyte=1234 rcvdbyte=5678 duration=33 app="Microsoft.Portal" level="notice" `

func BenchmarkRows(b *testing.B) {
	japanese := asciiLine + "アカウントがログオンに失敗しました（理由: パスワードが正しくありません）。"
	for _, n := range []string{"sekurlsa", "error", "パスワード不明", "ログオフ"} {
		b.Run("ascii/"+n, func(b *testing.B) { benchmarkRows(b, n, asciiLine) })
		b.Run("japanese/"+n, func(b *testing.B) { benchmarkRows(b, n, japanese) })
	}
}
