package scan_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/scan"
)

// TestWrongClock: one record of a wrong clock must not make the others late and so hide what they show together.
func TestWrongClock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.json"), []byte(strings.ReplaceAll(eventAt("whoami", 1), "2026", "2999")))
	write(t, filepath.Join(dir, "b.json"), []byte(eventAt("whoami", 1)+"\n"+eventAt("whoami", 2)+"\n"+eventAt("whoami", 3)))
	rules := load(t, whoami, often)
	latest := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	told, total, err := outcome(t.Context(), t, rules, scan.Options{Latest: latest}, nil, dir)
	if err != nil || !slices.Contains(told, "hit critical . 0") || total.Future != 1 || total.Late != 0 {
		t.Errorf("%v; %v; %+v", err, told, total)
	}
	if _, total, _ := outcome(t.Context(), t, rules, scan.Options{}, nil, dir); total.Late != 3 {
		t.Errorf("without Latest the record should make three late: %+v", total)
	}
}

// TestBombInZip: members behind a bomb are not read, and the archive says so.
func TestBombInZip(t *testing.T) {
	t.Parallel()
	one := eventAt("whoami", 1)
	bomb := append([]byte("{"), bytes.Repeat([]byte(" "), 8<<20)...)
	file := write(t, filepath.Join(t.TempDir(), "all.zip"), zipped(t, "a.json", one, "bomb.json", bomb, "c.json", one, "d.json", one))
	told, total, err := outcome(t.Context(), t, load(t, whoami), scan.Options{Limits: scan.Limits{Object: 2000, Free: 1 << 20}}, nil, file)
	want := []string{"hit high a.json 1", "file a.json 1 1 map[] -", "file bomb.json 1 0 map[too_large:1] expansion", "file all.zip 0 0 map[] expansion"}
	if err != nil || !slices.Equal(told, want) || total.FilesRefused != 2 {
		t.Errorf("%v; %q; %+v", err, told, total)
	}
}

func TestUnclosedLists(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		strings.Repeat("[", 1000): "file a.json 1 0 map[cut_short:1] -",
		"[]":                      "file a.json 0 0 map[] -",
		`{"Records":[]}`:          "file a.json 0 0 map[] -",
		`{"Records":[`:            "file a.json 1 0 map[cut_short:1] -",
	} {
		file := write(t, filepath.Join(t.TempDir(), "a.json"), []byte(text))
		if told, _, err := outcome(t.Context(), t, load(t, whoami), scan.Options{}, nil, file); err != nil || !slices.Equal(told, []string{want}) {
			t.Errorf("%.20s: %v; %q", text, err, told)
		}
	}
}

// TestExcludeOfNamedFiles: a shell writes names for logs/*, and the pattern still leaves out what it says.
func TestExcludeOfNamedFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := write(t, filepath.Join(dir, "a.json"), []byte("{}"))
	old := write(t, filepath.Join(dir, "Archive-1.json"), []byte("{}"))
	files, err := scan.Find([]string{a, old}, []string{"Archive-*"})
	if err != nil || len(files) != 1 || files[0].Path != a {
		t.Errorf("%v, %v", files, err)
	}
}

// TestHarmlessJSON: a line on a terminal steers nothing, and a program reads what stood in the log.
func TestHarmlessJSON(t *testing.T) {
	t.Parallel()
	value := "\x1b[2J\x7f\u009b31m\u202egnp.exe\u2066日本語\U0001f600"
	h := scan.Hit{Fields: []scan.Field{{Name: "a\u202e", Value: value}}}
	text := h.AppendJSON(nil)
	if bytes.ContainsAny(text, "\x1b\x7f\u009b\u202e\u2066") || !bytes.Contains(text, []byte("日本語\U0001f600")) {
		t.Errorf("%q", text)
	}
	var got struct{ Fields map[string]string }
	if err := json.Unmarshal(text, &got); err != nil || got.Fields["a\u202e"] != value {
		t.Errorf("%v: %q", err, got)
	}
}

// TestFiltersAreCounted: a filter takes hits away from every rule, so people must see that there is one.
func TestFiltersAreCounted(t *testing.T) {
	t.Parallel()
	const filter = "title: All is well\nid: 11111111-2222-4333-8444-999999999999\nlogsource: {product: windows}\nfilter: {rules: any, s: {Channel: '*'}, condition: not s}\n"
	rules := load(t, whoami, filter)
	file := write(t, filepath.Join(t.TempDir(), "a.json"), []byte(eventAt("whoami", 1)))
	_, total, err := outcome(t.Context(), t, rules, scan.Options{}, nil, file)
	if err != nil || rules.Filters != 1 || total.Hits != 0 {
		t.Errorf("%v: %d filters, %d hits", err, rules.Filters, total.Hits)
	}
	if rules := load(t, whoami, often); rules.Filters != 0 {
		t.Errorf("%d filters without any", rules.Filters)
	}
}
