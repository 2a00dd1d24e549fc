package i18n_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func files(ja, en string) fstest.MapFS {
	return fstest.MapFS{"messages.ja.json": {Data: []byte(ja)}, "messages.en.json": {Data: []byte(en)}}
}

func messages(t *testing.T) *i18n.Messages {
	t.Helper()
	m, err := i18n.New(files(
		`{"a.n": "{n}名です", "a.two": "{x}と{y}", "a.word": "語", "a.in": "〔{m}〕"}`,
		`{"a.n": "{n} {n?person|people}", "a.two": "{y} and {x}", "a.word": "word", "a.in": "[{m}]"}`,
	))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestNewFindsDifferences(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, ja, en string
		want         []string // parts of the error; none is fine
	}{
		{"same", `{"a": "あ{n}"}`, `{"a": "{n?one|more} a"}`, nil},
		{"missing in English", `{"a": "あ", "b": "い"}`, `{"a": "a"}`, []string{"message b: missing in en"}},
		{"missing in Japanese", `{"a": "あ"}`, `{"a": "a", "b": "b"}`, []string{"message b: missing in ja"}},
		{"other parameters", `{"a": "あ{n}"}`, `{"a": "a {m}"}`, []string{"message a: parameters differ"}},
		{"twice in one file", `{"a": "あ", "a": "い"}`, `{"a": "a"}`, []string{"message a: defined twice in ja"}},
		{"everything at once", `{"a": "あ", "c": "う{x}"}`, `{"b": "b", "c": "c"}`, []string{"message a: missing", "message b: missing", "message c: parameters"}},
		{"not an object", `["あ"]`, `{}`, []string{"parse messages.ja.json"}},
		{"not a text", `{"a": {"b": "あ"}}`, `{}`, []string{"parse messages.ja.json", "text of a"}},
		{"cut off", `{"a": "あ"`, `{}`, []string{"parse messages.ja.json"}},
		{"something behind", `{"a": "あ"} {}`, `{"a": "a"}`, []string{"parse messages.ja.json"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := i18n.New(files(tc.ja, tc.en))
			if len(tc.want) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil {
				t.Fatal("nothing was found")
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not tell %q", err, part)
				}
			}
		})
	}
	if _, err := i18n.New(files(`{"a": "あ"}`, `{"a": "a"}`), files(`{"a": "あ"}`, `{"a": "a"}`)); err == nil || !strings.Contains(err.Error(), "defined twice") {
		t.Errorf("one key in two packages: %v", err)
	}
	if _, err := i18n.New(fstest.MapFS{}); err == nil {
		t.Error("a package without message files was taken")
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	m := messages(t)
	tests := []struct {
		name, locale, key string
		args              problem.Args
		want              string
	}{
		{"Japanese", "ja", "a.n", problem.Args{"n": 3}, "3名です"},
		{"English, one", "en", "a.n", problem.Args{"n": 1}, "1 person"},
		{"English, several", "en", "a.n", problem.Args{"n": 1200}, "1,200 people"},
		{"order is that of the language", "en", "a.two", problem.Args{"x": "A", "y": "B"}, "B and A"},
		{"a value is not filled again", "ja", "a.two", problem.Args{"x": "{y}", "y": "B"}, "{y}とB"},
		{"missing parameter stays visible", "ja", "a.n", nil, "{n}名です"},
		{"unknown language", "fr", "a.word", nil, "語"},
		{"unknown key", "ja", "a.other", nil, "[a.other]"},
		{"message in a message", "en", "a.in", problem.Args{"m": i18n.Msg{Key: "a.n", Args: problem.Args{"n": 2}}}, "[2 people]"},
		{"text by language", "en", "a.in", problem.Args{"m": i18n.Text{JA: "日", EN: "day"}}, "[day]"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := m.T(tc.locale, tc.key, tc.args); got != tc.want {
				t.Errorf("T = %q, want %q", got, tc.want)
			}
		})
	}
	if got := m.Fill("ja", "残り{n", problem.Args{"n": 1}); got != "残り{n" {
		t.Errorf("a brace that never closes: %q", got)
	}
	if diff := cmp.Diff([]string{"a.in", "a.n", "a.two", "a.word"}, m.Keys()); diff != "" {
		t.Errorf("Keys (-want +got):\n%s", diff)
	}
	if !m.Has("a.n") || m.Has("a.other") {
		t.Error("Has is wrong")
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	m := messages(t)
	tests := []struct {
		name string
		v    any
		want string
	}{
		{"thousands", 1234567, "1,234,567"},
		{"negative", int64(-1234), "-1,234"},
		{"unsigned", uint64(300000), "300,000"},
		{"below a thousand", -999, "-999"},
		{"number from JSON", float64(1200), "1200"},
		{"day", jdate.On(2026, time.November, 23), "2026-11-23"},
		{"time is that of Tokyo", time.Date(2026, 11, 22, 15, 30, 0, 0, time.UTC), "2026-11-23 00:30"},
		{"text", "x", "x"},
		{"anything else", true, "true"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := m.Format("ja", tc.v); got != tc.want {
				t.Errorf("Format = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestProblem(t *testing.T) {
	t.Parallel()
	m := messages(t)
	list := problem.List{problem.Invalid("f", "a.n", "n", 1), problem.Conflict("a.word")}
	if got, want := m.Problem("en", list), "1 person\nword"; got != want {
		t.Errorf("Problem = %q, want %q", got, want)
	}
	if got := m.Problem("en", errors.New("x")); got != "" {
		t.Errorf("Problem of another error = %q", got)
	}
}
