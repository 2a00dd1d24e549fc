package lake_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/querytest"
	"github.com/kizuki-security/kizuki/internal/logs/query/search"
)

// compare asks the lake and a look at every record the same questions.
func compare(t *testing.T, what string, l *lake.Lake, recs []event.Record, queries int) {
	t.Helper()
	g := querytest.Generator{Rand: rand.New(rand.NewPCG(uint64(queries), uint64(len(what)))), Records: recs}
	hits := 0
	for i := range queries {
		q := g.Query()
		o := query.Options{Decode: querytest.Decode, Keys: i%3 == 0}
		got, err := search.Run(t.Context(), l, q, o)
		if err != nil || got.Partial() {
			t.Fatalf("%s: %s: %v %v", what, q, err, got)
		}
		want := querytest.Naive(recs, q, o)
		switch q.Verb.(type) {
		case query.Newest, nil: // it may stop early
		default:
			if got.Count != want.Count {
				t.Fatalf("%s: %s: %d lines, want %d", what, q, got.Count, want.Count)
			}
		}
		if want.Count > 0 {
			hits++
		}
		if !slices.EqualFunc(got.Records, want.Records, func(a, b event.Record) bool {
			return a.Source == b.Source && a.Seq == b.Seq && a.Time.Equal(b.Time) && bytes.Equal(a.Raw, b.Raw) && a.User == b.User
		}) {
			t.Fatalf("%s: %s: got %d records, want %d", what, q, len(got.Records), len(want.Records))
		}
		if len(got.Groups)+len(want.Groups) > 0 && !reflect.DeepEqual(got.Groups, want.Groups) || !reflect.DeepEqual(got.Table, want.Table) {
			t.Fatalf("%s: %s: got\n%+v\n%+v, want\n%+v\n%+v", what, q, got.Groups, got.Table, want.Groups, want.Table)
		}
	}
	if hits < queries/3 {
		t.Errorf("%s: only %d of %d queries found something", what, hits, queries)
	}
}

// Hot, sealed and merged records answer as a look at every record does.
func TestQueries(t *testing.T) {
	t.Parallel()
	queries := 60
	if os.Getenv("KIZUKI_PROVE") != "" {
		queries = 700
	}
	c := newClock()
	config := small(c)
	config.Limits.SegmentRows = 5000
	l := open(t, folder(t), config)
	recs := querytest.Corpus(rand.New(rand.NewPCG(20261123, 8)), 1500)
	for i := range recs {
		if recs[i].Received.IsZero() {
			recs[i].Received = c.Now()
		}
	}
	half := len(recs) / 2
	appendAll(t, l, recs[:half])
	compare(t, "hot", l, recs[:half], queries)
	flush(t, l)
	appendAll(t, l, recs[half:])
	compare(t, "hot and sealed", l, recs, queries)
	flush(t, l)
	compare(t, "sealed", l, recs, queries)
	c.add(24 * time.Hour)
	if err := l.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	compare(t, "merged", l, recs, queries)
}
