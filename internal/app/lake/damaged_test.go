package lake

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// TestCountWithoutAFile: lines of a file that is gone, or has another size, are not counted as if they were there.
func TestCountWithoutAFile(t *testing.T) {
	t.Parallel()
	spoil := map[string]func(name string) error{
		"gone":   os.Remove,
		"longer": func(name string) error { return os.WriteFile(name, make([]byte, 9000), 0o600) },
	}
	for name, how := range spoil {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, c := t.TempDir(), &clock{november}
			l := open(t, dir, c)
			if _, err := take(t.Context(), t, l, ImportOptions{}, file(t, "fw.log", numbered("a", 20))); err != nil {
				t.Fatal(err)
			}
			if err := l.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			names, err := filepath.Glob(filepath.Join(dir, Folder, "sealed", "*", "*.parquet"))
			if err != nil || len(names) != 1 {
				t.Fatal(names, err)
			}
			if err := how(names[0]); err != nil {
				t.Fatal(err)
			}
			r, err := OpenReader(Config{Dir: dir, Now: c.now})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = r.Close() }()
			for _, text := range []string{"| count", "| histogram 1d", "| newest 5"} {
				q, err := Question{Text: text}.Parse()
				if err != nil {
					t.Fatal(err)
				}
				result, err := r.Ask(t.Context(), q, 0, nil)
				if err != nil || !result.Partial() || result.Count != 0 {
					t.Errorf("%s: %+v, %v", text, result, err)
				}
			}
		})
	}
}

// TestHoldsUnread: a list of holds that cannot be read is not written over by putting or lifting one.
func TestHoldsUnread(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), &clock{november}
	l := open(t, dir, c)
	if _, err := take(t.Context(), t, l, ImportOptions{}, file(t, "fw.log", []byte("a line\n"))); err != nil {
		t.Fatal(err)
	}
	if err := l.Hold(t.Context(), NewHold{Name: "case-7", Why: "調査", Who: "sato"}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, Folder, "holds.json")
	const torn = `[{"name":"case-7","why`
	if err := os.WriteFile(name, []byte(torn), 0o600); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, c)
	for _, err := range []error{
		l.HoldsUnread(), l.Release(t.Context(), "unreadable"), l.Release(t.Context(), "case-7"),
		l.Hold(t.Context(), NewHold{Name: "case-8", Why: "調査", Who: "sato"}), l.store.Release("unreadable"),
	} {
		if all := problem.All(err); err == nil || len(all) > 0 && all[0].Key != "app.lake.holds_damaged" {
			t.Errorf("got %v", err)
		}
	}
	if data, err := os.ReadFile(name); err != nil || string(data) != torn {
		t.Errorf("the file is %s, %v", data, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name, name+".old"); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, c) // set aside by hand
	if err := l.Hold(t.Context(), NewHold{Name: "case-7", Why: "調査", Who: "sato"}); err != nil || l.HoldsUnread() != nil {
		t.Errorf("set aside: %v", err)
	}
}
