package lake_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/lake"
)

// TestKeptName starts on a folder where the names of a segment and of its log came back that was merged, after one of the
// merged files was deleted for good: what a tombstone names stays away, nothing is there twice, and the merge of the others
// is not undone.
func TestKeptName(t *testing.T) {
	t.Parallel()
	dir, c := folder(t), newClock()
	config := small(c)
	config.Keep = func(source string) int { return map[string]int{"web": 3}[source] }
	l, err := lake.Open(dir, config)
	if err != nil {
		t.Fatal(err)
	}
	recs := records(3, 200, "web", "fw")
	appendAll(t, l, recs)
	kept := map[string][]byte{}
	keep := func(name string) {
		if kept[name], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	keep(filepath.Join(dir, "wal", "0000000000000001.wal"))
	flush(t, l)
	day := filepath.Join(dir, "sealed", "2026-11-23")
	names, err := filepath.Glob(filepath.Join(day, "*.parquet"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	keep(names[0])
	keep(strings.TrimSuffix(names[0], ".parquet") + ".skip")
	c.add(5 * 24 * time.Hour)
	if err := l.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tombs, err := l.Expire(t.Context(), lake.Deletion{Sure: true}); err != nil || len(tombs) != 1 {
		t.Fatal(tombs, err)
	}
	left := all(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for name, data := range kept {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l = open(t, dir, config)
	same(t, "opened again", all(t, l), left)
	if s := l.Stats(); len(s.Alarms) > 0 || s.Files != 1 {
		t.Errorf("%+v", s)
	}
}
