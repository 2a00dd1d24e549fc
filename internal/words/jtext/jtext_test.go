package jtext_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/words/jtext"
)

type textTest struct{ in, want string }

func checkTexts(t *testing.T, f func(string) string, tests map[string]textTest) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := f(test.in); got != test.want {
				t.Errorf("%q becomes %q, want %q", test.in, got, test.want)
			}
		})
	}
}

func TestStore(t *testing.T) {
	t.Parallel()
	checkTexts(t, jtext.Store, map[string]textTest{
		"full-width letters":      {"ＡＢＣ１２３", "ABC123"},
		"half-width katakana":     {"ｶﾞｷﾞﾊﾟ", "ガギパ"},
		"ideographic space":       {"　山田　太郎　", "山田 太郎"},
		"kept signs":              {"①㈱髙﨑", "①㈱髙﨑"},
		"wave dash and yen stay":  {"１０時～１２時￥５００", "10時～12時￥500"},
		"decomposed":              {"か\u3099", "が"},
		"line ends":               {"一行\r\n二行\r三行", "一行\n二行\n三行"},
		"controls become a space": {"a\x00\x01\tb", "a b"},
		"direction marks vanish":  {"\uFEFFfile\u202Egpj.exe", "filegpj.exe"},
		"broken bytes":            {"a\xFFb", "a\uFFFDb"},
		"name variants stay":      {"葛\U000E0100城", "葛\U000E0100城"},
	})
}

func TestLine(t *testing.T) {
	t.Parallel()
	checkTexts(t, jtext.Line, map[string]textTest{
		"line breaks": {" 生産\n 管理　課 ", "生産 管理 課"},
		"empty":       {"", ""},
	})
}

func TestASCII(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"ａ@ｂ．ｃｏｍ　": "a@b.com", "": "", "host-1": "host-1"} {
		if got, ok := jtext.ASCII(in); got != want || !ok {
			t.Errorf("ASCII(%q) = %q, %v", in, got, ok)
		}
	}
	for _, in := range []string{"山田@b.com", "host－一", "a\nｂé"} {
		if got, ok := jtext.ASCII(in); ok {
			t.Errorf("ASCII(%q) = %q passes", in, got)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	checkTexts(t, jtext.Number, map[string]textTest{
		"long vowel mark":   {"１ー２－３", "1-2-3"},
		"half-width mark":   {"03ｰ1234ｰ5678", "03-1234-5678"},
		"minus and dashes":  {"1−2‐3–4—5―6", "1-2-3-4-5-6"},
		"blank at the ends": {"　１２　", "12"},
	})
}

func TestSearchKey(t *testing.T) {
	t.Parallel()
	checkTexts(t, jtext.SearchKey, map[string]textTest{
		"company":            {"㈱さとう", "(株)サトウ"},
		"circled":            {"①", "1"},
		"case and width":     {"Ｋｉｚｕｋｉ", "kizuki"},
		"spaces and hyphens": {"03-1234 5678", "0312345678"},
		"mark after a digit": {"１ー２", "12"},
		"mark in a word":     {"さーばー", "サーバー"},
		"half-width":         {"ｻｰﾊﾞｰ", "サーバー"},
		"wave dashes":        {"10〜12", "10~12"},
		"iteration":          {"いすゞ", "イスヾ"},
	})
}

func TestKatakana(t *testing.T) {
	t.Parallel()
	checkTexts(t, jtext.Katakana, map[string]textTest{
		"hiragana":   {"さとう　はなこ", "サトウ ハナコ"},
		"half-width": {"ｻﾄｳ", "サトウ"},
		"kanji stay": {"佐藤", "佐藤"},
	})
}

func TestSortKeyGivesOfficeOrder(t *testing.T) {
	t.Parallel()
	want := []string{"かとう", "ガトウ", "サイトウ", "ささき", "さとう", "ハットリ", "はやし", "バンドウ"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortStableFunc(got, func(a, b string) int { return bytes.Compare(jtext.SortKey(a), jtext.SortKey(b)) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Two ways to write one reading share a key: the list falls back to its own second column.
func TestSortKeyIgnoresKind(t *testing.T) {
	t.Parallel()
	if !bytes.Equal(jtext.SortKey("さとう"), jtext.SortKey("サトウ")) {
		t.Error("さとう and サトウ sort apart")
	}
}

func TestWidths(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		in             string
		display, print int
	}{
		"ascii": {"abc", 3, 3}, "kanji": {"漢字", 4, 4}, "half-width kana": {"ｶﾅ", 2, 2}, "ambiguous": {"○①", 2, 4},
		"mark": {"か\u3099", 2, 2}, "control": {"\x1b", 0, 0}, "mixed": {"No.1 達成", 9, 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d, p := jtext.DisplayWidth(test.in), jtext.PrintWidth(test.in); d != test.display || p != test.print {
				t.Errorf("widths of %q are %d and %d, want %d and %d", test.in, d, p, test.display, test.print)
			}
		})
	}
}

func TestTruncate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		in    string
		limit int
		want  string
	}{
		"fits": {"漢字", 4, "漢字"}, "cut": {"漢字です", 5, "漢字…"}, "no half characters": {"漢字です", 4, "漢…"}, "one": {"漢字", 1, "…"},
		"none": {"漢字", 0, ""}, "mark stays": {"か\u3099き", 3, "か\u3099…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := jtext.Truncate(test.in, test.limit); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func FuzzStore(f *testing.F) {
	for _, seed := range []string{"ＡＢＣ　ｶﾞ", "①㈱髙﨑", "a\r\nb\tc", "か\u3099", "ﾞ", "\u200d\u3000", "１ー２"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, form := range map[string]func(string) string{
			"Store": jtext.Store, "Line": jtext.Line, "SearchKey": jtext.SearchKey, "Number": jtext.Number,
		} {
			once := form(s)
			if twice := form(once); twice != once {
				t.Errorf("%s(%q) = %q, again %q", name, s, once, twice)
			}
			if !utf8.ValidString(once) {
				t.Errorf("%s(%q) is not UTF-8", name, s)
			}
		}
		if jtext.SearchKey(jtext.Store(s)) != jtext.SearchKey(s) && !strings.ContainsAny(s, "\x00\t") {
			t.Logf("storing changes the search key of %q", s)
		}
		if got := jtext.DisplayWidth(jtext.Truncate(s, 7)); got > 7 {
			t.Errorf("Truncate(%q, 7) is %d wide", s, got)
		}
		jtext.SortKey(s)
	})
}
