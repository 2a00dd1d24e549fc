package lake_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/language"
	"github.com/kizuki-security/kizuki/internal/logs/query/querytest"
	"github.com/kizuki-security/kizuki/internal/logs/query/search"
)

// TestOlderColumns gives the lake a file from before the last key was promoted: the key is found in its lines, also after
// a merge with a file that has a column for it.
func TestOlderColumns(t *testing.T) {
	t.Parallel()
	c, dir := newClock(), folder(t)
	key := event.Promoted[len(event.Promoted)-1]
	pipe := func(seq uint64) event.Record {
		return event.Record{
			Source: "windows", Seq: seq, Time: c.Now(), Received: c.Now(), Format: event.JSON,
			Raw: []byte(`{"` + key + `":"evil"}`), Fields: []event.Field{{Name: key, Value: "evil"}},
		}
	}
	l, err := lake.Open(dir, small(c))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	old := pipe(1)
	writeOlder(t, filepath.Join(dir, "sealed", "2026-11-23", "0000000000000001.parquet"), &old)

	l = open(t, dir, small(c))
	appendAll(t, l, []event.Record{pipe(0)})
	flush(t, l)
	for _, when := range []string{"beside a newer file", "merged with it"} {
		q, err := language.Parse(key+"=evil | count", language.Options{Now: c.Now()})
		if err != nil {
			t.Fatal(err)
		}
		got, err := search.Run(t.Context(), l, q, query.Options{Decode: querytest.Decode})
		if err != nil || got.Count != 2 {
			t.Errorf("%s: %+v, %v", when, got, err)
		}
		c.add(24 * time.Hour)
		if err := l.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if files := l.Stats().Files; files != 1 {
		t.Errorf("%d files: nothing was merged", files)
	}
}

func writeOlder(t *testing.T, name string, r *event.Record) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w, err := segment.NewWriter(f, segment.Columns{Promoted: len(event.Promoted) - 1})
	if err != nil {
		t.Fatal(err)
	}
	tab := table.New()
	tab.Add(r)
	var block table.Block
	if err := w.Add(tab.View().Into(&block, []int32{0})); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Close(1, 0, int32(r.Received.Unix()/86400), nil); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
