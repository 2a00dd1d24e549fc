package lake

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// verified wants all to be as it was signed.
func verified(t *testing.T, l *Lake) {
	t.Helper()
	check, err := l.Verify(t.Context(), VerifyOptions{})
	if err != nil || !check.Good() {
		t.Errorf("verify: %+v, %v", check, err)
	}
}

// TestRetention: days that are over go, with a signed note, unless a hold covers them; what stays is as it was signed.
func TestRetention(t *testing.T) {
	t.Parallel()
	ctx, dir, c := t.Context(), t.TempDir(), &clock{november}
	l := open(t, dir, c)
	for _, name := range []string{"fw.log", "web.log"} {
		if _, err := take(ctx, t, l, ImportOptions{}, file(t, name, []byte(strings.Repeat(name+" an old line\n", 300)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	c.at = november.AddDate(0, 0, 40)
	if _, err := take(ctx, t, l, ImportOptions{}, file(t, "fw.log", []byte("a new line\n"))); err != nil {
		t.Fatal(err)
	}
	if err := l.SetDays(ctx, Change{Days: 30, Why: "社内規程第8条", Who: "sato"}); err != nil {
		t.Fatal(err)
	}
	if err := l.SetDays(ctx, Change{Source: "web", Days: 365, Why: "契約", Who: "sato"}); err != nil {
		t.Fatal(err)
	}
	if err := l.Hold(ctx, NewHold{Name: "case-7", Source: "fw", Why: "調査", Who: "sato"}); err != nil {
		t.Fatal(err)
	}
	if err := l.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	due := l.Due()
	if len(due) != 1 || due[0].Source != "fw" || due[0].Held != 1 || due[0].Files != 0 {
		t.Errorf("due under a hold: %+v", due)
	}
	if tombs, err := l.Expire(ctx, "sato", "満了", false); err != nil || len(tombs) != 0 {
		t.Errorf("deleted under a hold: %+v, %v", tombs, err)
	}
	if err := l.Release(ctx, "case-7"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Expire(ctx, "sato", " ", false); problem.CodeOf(err) != problem.CodeInvalid {
		t.Errorf("without a reason: %v", err)
	}
	before, _ := filepath.Glob(filepath.Join(dir, Folder, "sealed", "*", "*.parquet"))
	if due = l.Due(); len(due) != 1 || due[0].Rows != 300 || due[0].Held != 0 || due[0].Days != 30 {
		t.Errorf("due: %+v", due)
	}
	tombs, err := l.Expire(ctx, "sato", "満了", false)
	if err != nil || len(tombs) != 1 || tombs[0].Source != "fw" || tombs[0].Rows != 300 || tombs[0].Why != "満了" {
		t.Fatalf("deleted: %+v, %v", tombs, err)
	}
	if after, _ := filepath.Glob(filepath.Join(dir, Folder, "sealed", "*", "*.parquet")); len(after) != len(before)-1 {
		t.Errorf("%d files of %d are left", len(after), len(before))
	}
	if count(t, l, "source=fw") != 1 || count(t, l, "source=web") != 300 {
		t.Error("what stays is one new line, and the source that is kept for longer")
	}
	verified(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, c) // and after a new start
	verified(t, l)
	if got := l.Tombstones(); len(got) != 1 || got[0].Who != "sato" {
		t.Errorf("the notes: %+v", got)
	}
	if got, err := l.Expire(ctx, "sato", "満了", false); err != nil || len(got) != 0 {
		t.Errorf("once more: %+v, %v", got, err)
	}
}

// TestExpireClock: a clock far beyond the newest line deletes nothing without somebody's word.
func TestExpireClock(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), &clock{november}
	l := open(t, t.TempDir(), c)
	if _, err := take(ctx, t, l, ImportOptions{}, file(t, "fw.log", []byte("a line\n"))); err != nil {
		t.Fatal(err)
	}
	if err := l.SetDays(ctx, Change{Days: 1, Why: "試験", Who: "sato"}); err != nil {
		t.Fatal(err)
	}
	if err := l.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	c.at = c.at.AddDate(1, 0, 0)
	if tombs, err := l.Expire(ctx, "sato", "満了", false); problem.CodeOf(err) != problem.CodeConflict || len(tombs) > 0 {
		t.Errorf("%+v, %v", tombs, err)
	}
	if tombs, err := l.Expire(ctx, "sato", "満了", true); err != nil || len(tombs) != 1 {
		t.Errorf("with a word: %+v, %v", tombs, err)
	}
	verified(t, l)
}

// TestSetDays refuses what cannot be.
func TestSetDays(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir(), &clock{november})
	for _, c := range []Change{{Days: 30}, {Days: -1, Why: "x"}, {Days: mostDays + 1, Why: "x"}, {Days: 1, Why: "x", Source: "Ü"}} {
		if err := l.SetDays(t.Context(), c); problem.CodeOf(err) != problem.CodeInvalid {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, c := range []Change{{Days: 30, Why: "a"}, {Source: "fw", Days: 0, Why: "b"}, {Source: "web", Days: 7, Why: "c"}, {Source: "web", Days: -1, Why: "d"}} {
		if err := l.SetDays(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if l.Days("fw") != 0 || l.Days("web") != 30 || l.Days("") != 30 || len(l.Changes()) != 4 {
		t.Errorf("fw %d, web %d, others %d", l.Days("fw"), l.Days("web"), l.Days(""))
	}
}

// TestSince gives each line once, those with old times too, and reads only files that may have new ones.
func TestSince(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), &clock{november}
	l := open(t, t.TempDir(), c)
	add := func(name, text string) {
		if _, err := take(ctx, t, l, ImportOptions{}, file(t, name, []byte(text))); err != nil {
			t.Fatal(err)
		}
	}
	q, err := Question{Text: "line"}.Parse()
	if err != nil {
		t.Fatal(err)
	}
	marks := Marks{}
	since := func(want ...string) {
		t.Helper()
		var got []string
		damaged, err := l.Since(ctx, q, marks, func(r *Record) error { got = append(got, string(r.Raw)); return nil })
		slices.Sort(got)
		if err != nil || damaged > 0 || !slices.Equal(got, want) {
			t.Errorf("new are %q, want %q; %v", got, want, err)
		}
	}
	add("a.log", "line 1\nother\nline 2\n")
	since("line 1", "line 2")
	since()
	add("b.jsonl", "{\"@timestamp\":\"1999-01-01T00:00:00Z\",\"m\":\"an old line\"}\n")
	since(`{"@timestamp":"1999-01-01T00:00:00Z","m":"an old line"}`)
	if err := l.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	since()
	add("a.log", "line 3\n")
	if err := l.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	since("line 3")
	c.at = c.at.AddDate(0, 0, 2) // the day is over and merged
	if err := l.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	since()
}

// TestCopySealed copies whole files of a time and a source, takes no other's place, and leaves nothing half.
func TestCopySealed(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	l := open(t, t.TempDir(), &clock{november})
	if _, err := take(ctx, t, l, ImportOptions{}, file(t, "fw.log", []byte("a line\nanother\n"))); err != nil {
		t.Fatal(err)
	}
	if err := l.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	copied := func(from, to time.Time, source, target string) (n int, err error) {
		err = l.CopySealed(ctx, from, to, source, target, func(c Copied) error { n += c.Records; return nil })
		return n, err
	}
	target := t.TempDir()
	none := time.Time{}
	if n, err := copied(november.AddDate(0, 0, 1), none, "", target); n != 0 || err != nil {
		t.Errorf("of another time %d, %v", n, err)
	}
	if n, err := copied(none, none, "web", target); n != 0 || err != nil {
		t.Errorf("of another source %d, %v", n, err)
	}
	if n, err := copied(none, none, "fw", target); n != 2 || err != nil {
		t.Errorf("copied %d, %v", n, err)
	}
	if _, err := copied(none, none, "fw", target); err == nil {
		t.Error("a file was written over")
	}
	if parts, _ := filepath.Glob(filepath.Join(target, "*", "*.part")); len(parts) > 0 {
		t.Errorf("left behind: %v", parts)
	}
}
