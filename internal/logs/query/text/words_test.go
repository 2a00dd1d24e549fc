package text

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func wordsOf(text string) []string {
	var got []string
	Words(text, func(w string) { got = append(got, w) })
	return got
}

func TestWords(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", MaxWord-1)
	for text, want := range map[string]string{
		"":                                   "",
		" \t--":                              "",
		"Failed password for root_1 (UID=0)": "failed|password|for|root_1|uid|0",
		"Ｆａｉｌｅｄ　ＬＯＧＩＮ":                       "failed|login",
		"東京都":                                "東京|京都",
		"京":                                  "京",
		"app東x":                              "app|東|x",
		"ｶﾞｽ停止":                              "ガス|ス停|停止",
		"ガス":                                 "ガス",
		"src=10.1.2.3:443":                   "src|10|1|2|10.1.2.3|3|443",
		"1.2.3.4.5":                          "1|2|3|1.2.3.4|4|2.3.4.5|5",
		"1..2.3.4 1234.1.1.1":                "1|2|3|4|1234|1|1|1",
		"a\xffb\xe3\x81c":                    "a|b|c",
		"Ünal ΣΊΣΥΦΟΣ":                       "ünal|σίσυφοσ",
		"NUL\x00byte":                        "nul|byte",
		long + "éa":                          long,
	} {
		want := strings.Split(want, "|")
		got := wordsOf(text)
		slices.Sort(want)
		slices.Sort(got)
		if text == "" || text == " \t--" {
			want = nil
		}
		if !slices.Equal(got, want) {
			t.Errorf("Words(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"abc-1":          "abc-1",
		"ABC":            "abc",
		"Ａｂ１！～〜　x":       "ab1!~~ x",
		"ﾊﾟｿｺﾝ ｳﾞ ﾜﾞｦﾞ":  "パソコン ヴ ヷヺ",
		"か\u3099は\u309A": "がぱ",
		"ﾞｱﾞ":            "\u3099ア\u3099",
		"\xffA\xe3\x81":  "\xffa\xe3\x81",
		"\u212A":         "k",
	} {
		if got := Fold(s); got != want {
			t.Errorf("Fold(%q) = %q, want %q", s, got, want)
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"Failed 10.1.2.3", "東京都ｶﾞ", "a\xff", "ﾞﾟ゛", "İK"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		folded := Fold(s)
		if again := Fold(folded); again != folded {
			t.Fatalf("Fold(%q) = %q, again %q", s, folded, again)
		}
		if utf8.ValidString(s) != utf8.ValidString(folded) {
			t.Fatalf("Fold(%q) = %q", s, folded)
		}
		for _, w := range wordsOf(s) {
			if w == "" || len(w) > MaxWord || !utf8.ValidString(w) || !strings.Contains(folded, w) {
				t.Fatalf("Words(%q) gave %q", s, w)
			}
		}
	})
}

func BenchmarkWords(b *testing.B) {
	line := strings.Repeat("date=2026-11-23 devname=\"FGT-01\" srcip=10.20.30.40 dstport=443 action=\"accept\" ", 5)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		Words(line, func(string) {})
	}
}

// A pattern made insensitive by (?i) may be looked for by its folded letters only if Fold is as coarse as (?i).
func TestFoldIsAsCoarseAsSimpleFold(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if next := unicode.SimpleFold(r); next != r && Fold(string(r)) != Fold(string(next)) {
			t.Errorf("Fold(%U) = %q, Fold(%U) = %q", r, Fold(string(r)), next, Fold(string(next)))
		}
		if utf8.ValidRune(r) && Fold(Fold(string(r))) != Fold(string(r)) {
			t.Errorf("Fold(Fold(%U)) = %q, Fold = %q", r, Fold(Fold(string(r))), Fold(string(r)))
		}
	}
}
