package lake

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestImportGrown: of a log that grew, or was renamed and grew, only what is new comes in; another beginning, another
// folder or another source is another log.
func TestImportGrown(t *testing.T) {
	t.Parallel()
	dir, data := t.TempDir(), t.TempDir()
	l := open(t, data, &clock{november})
	write := func(name, text string) string {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	steps := []struct {
		name, text, source string
		kept, before       uint64
		after              int
	}{
		{"app.log", "one\n\ntwo\nhal", "", 3, 0, 0},
		{"app.log", "one\n\ntwo\nhalf a line\nthree\n", "", 2, 2, 12}, // the line that was not whole comes as a whole
		{"app.log", "one\n\ntwo\nhalf a line\nthree\nfour\n", "", 1, 4, 27},
		{"app.log.1", "one\n\ntwo\nhalf a line\nthree\nfour\nfive\n", "", 1, 5, 32},
		{"app.log", "six\n", "", 1, 0, 0},
		{"app.log", "One\n\ntwo\nhalf a line\nthree\nfour\n", "", 5, 0, 0},
		{"other/app.log", "one\n\ntwo\nhalf a line\nthree\nfour\nfive\nsix\n", "", 7, 0, 0},
		{"app.log", "six\nseven\n", "web", 2, 0, 0},
		{"app.log", "six\nseven\neight\n", "web", 1, 2, 10},
		{"list.jsonl", "{\"a\":1}\n{\"a\":2}\n", "", 2, 0, 0},
		{"list.jsonl", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n", "", 1, 2, 16},
		{"cp932.log", "\x94\x46\x8f\xd8\n\x94\x46\x8f\xd8\n", "", 2, 0, 0},
		{"cp932.log", "\x94\x46\x8f\xd8\n\x94\x46\x8f\xd8\n\x94\x46\n", "", 1, 2, 10},
	}
	for i, s := range steps {
		done, err := take(t.Context(), t, l, ImportOptions{Source: s.source}, write(s.name, s.text))
		if err != nil || len(done) != 1 {
			t.Fatal(done, err)
		}
		f := done[0]
		if f.State != Done || f.Kept != s.kept || f.Before != s.before || f.After != int64(s.after) || f.Read != s.kept+s.before || (f.At != nil) != (s.after > 0) {
			t.Errorf("step %d: kept %d, before %d, read %d, behind %d, %s", i, f.Kept, f.Before, f.Read, f.After, f.State)
		}
		if err := l.Close(); err != nil { // each time a command of its own
			t.Fatal(err)
		}
		l = open(t, data, &clock{november})
	}
	want := []string{"one", "two", "hal", "half a line", "three", "four", "five", "six", "One", "two", "half a line", "three", "four", "one", "two", "half a line", "three", "four", "five", "six"}
	if got := lines(t, l)["app"]; !slices.Equal(got, want) {
		t.Errorf("kept %q", got)
	}
}

// second stops an import after its first batch.
func second(stop func()) func(done, total int64) {
	calls := 0
	return func(int64, int64) {
		if calls++; calls == 2 {
			stop()
		}
	}
}

// TestImportGrownGoesOn: a log that grew while its import was stopped again and again has each line once, and in order.
func TestImportGrownGoesOn(t *testing.T) {
	t.Parallel()
	const n = 2*batchBytes/8000 + 17
	path, data := filepath.Join(t.TempDir(), "a.log"), t.TempDir()
	text := numbered("a", 4*n)
	whole := bytes.SplitAfter(text, []byte("\n"))
	whole = whole[:len(whole)-1]
	stops := 0
	for part := 1; part <= 4; part++ {
		if err := os.WriteFile(path, bytes.Join(whole[:part*n], nil), 0o600); err != nil {
			t.Fatal(err)
		}
		for stopped := true; stopped; {
			l := open(t, data, &clock{november})
			ctx, stop := context.WithCancel(t.Context())
			done, err := take(ctx, t, l, ImportOptions{Source: "log", Progress: second(stop)}, path)
			if stop(); err != nil {
				stops++
			}
			if stopped = err != nil; stopped && (len(done) != 1 || done[0].State != Interrupted) {
				t.Fatal(done, err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if part == 2 { // it goes on growing instead
				break
			}
		}
	}
	if stops < 4 {
		t.Errorf("stopped %d times only", stops)
	}
	got := lines(t, open(t, data, &clock{november}))["log"]
	if len(got) != len(whole) {
		t.Fatalf("%d lines, want %d", len(got), len(whole))
	}
	for i := range got {
		if got[i]+"\n" != string(whole[i]) {
			t.Fatalf("line %d is %.40q, want %.40q", i, got[i], whole[i])
		}
	}
}

// TestImportStoppedWhilePassing: an import that is stopped before it met anything new forgets nothing of the one before.
func TestImportStoppedWhilePassing(t *testing.T) {
	t.Parallel()
	path, data := file(t, "a.log", numbered("a", 3*batchBytes/8000)), t.TempDir()
	l := open(t, data, &clock{november})
	stopped := func(stop func(), o ImportOptions, ctx context.Context) Imported {
		t.Helper()
		done, err := take(ctx, t, l, o, path)
		if stop(); err == nil || len(done) != 1 || done[0].State != Interrupted {
			t.Fatal(done, err)
		}
		return done[0]
	}
	ctx, stop := context.WithCancel(t.Context())
	first := stopped(stop, ImportOptions{Progress: second(stop)}, ctx)
	ctx, stop = context.WithCancel(t.Context())
	ends := 0
	again := stopped(stop, ImportOptions{Checking: func(done, total int64) {
		if done == total {
			if ends++; ends == 2 { // it was read to its end, and that was told
				stop()
			}
		}
	}}, ctx)
	third, err := take(t.Context(), t, l, ImportOptions{}, path)
	if err != nil || first.Kept == 0 || again.Kept != 0 || third[0].Before != first.Kept || len(lines(t, l)["a"]) != 3*batchBytes/8000 {
		t.Errorf("first %d, second %d, third %+v, %v", first.Kept, again.Kept, third, err)
	}
}

// TestImportWhileItGrows: lines that come in behind what was hashed are for the next import, and come in once.
func TestImportWhileItGrows(t *testing.T) {
	t.Parallel()
	path, data := file(t, "a.log", []byte("one\ntw")), t.TempDir()
	l := open(t, data, &clock{november})
	grow := func(text string) func(done, total int64) {
		ends := 0
		return func(done, total int64) {
			if done < total {
				return
			}
			if ends++; ends != 2 {
				return
			}
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
			if err == nil {
				_, err = fmt.Fprint(f, text)
			}
			if err != nil || f.Close() != nil {
				t.Error(err)
			}
		}
	}
	for i, more := range []string{"o\nthree\n", "four\nfi", "ve\n", ""} {
		done, err := take(t.Context(), t, l, ImportOptions{Checking: grow(more)}, path)
		if err != nil || done[0].State != Done {
			t.Fatal(i, done, err)
		}
	}
	if got := strings.Join(lines(t, l)["a"], ","); got != "one,two,three,four,five" {
		t.Errorf("kept %s", got)
	}
}
