package search_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/language"
	"github.com/kizuki-security/kizuki/internal/logs/query/querytest"
	"github.com/kizuki-security/kizuki/internal/logs/query/search"
)

// differ runs a query both ways and compares; it tells how many lines were found.
func differ(t *testing.T, store query.Store, records []event.Record, q query.Query, o query.Options) int64 {
	t.Helper()
	got, err := search.Run(t.Context(), store, q, o)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	want := querytest.Naive(records, q, o)
	if got.Partial() {
		t.Fatalf("%s: partial: %v", q, got.Damaged)
	}
	switch q.Verb.(type) {
	case query.Newest, nil: // it may stop early
	default:
		if got.Count != want.Count {
			t.Fatalf("%s: %d lines, want %d", q, got.Count, want.Count)
		}
	}
	got.Count, got.Stats = want.Count, query.Stats{}
	if len(got.Groups)+len(want.Groups) == 0 {
		got.Groups, want.Groups = nil, nil
	}
	if len(got.Records) != len(want.Records) {
		t.Fatalf("%s: %d records, want %d", q, len(got.Records), len(want.Records))
	}
	for i := range got.Records {
		if len(got.Records[i].Raw)+len(want.Records[i].Raw) == 0 {
			got.Records[i].Raw, want.Records[i].Raw = nil, nil
		}
		if !reflect.DeepEqual(got.Records[i], want.Records[i]) {
			t.Fatalf("%s: record %d is\n%+v, want\n%+v", q, i, got.Records[i], want.Records[i])
		}
	}
	if !reflect.DeepEqual(got.Groups, want.Groups) || !reflect.DeepEqual(got.Table, want.Table) ||
		got.Values != want.Values || got.Without != want.Without {
		t.Fatalf("%s: got\n%+v\n%+v, want\n%+v\n%+v", q, got, got.Table, want, want.Table)
	}
	return want.Count
}

// The search gives what a look at every record gives, whatever the blocks, with and without an index, and the tree
// survives being written and read.
func TestDiffer(t *testing.T) {
	t.Parallel()
	queries, size := 200, 800
	if os.Getenv("KIZUKI_PROVE") != "" {
		queries, size = 2000, 4000
	}
	r := rand.New(rand.NewPCG(20261123, 6))
	records := querytest.Corpus(r, size)
	stores := []*querytest.Memory{
		querytest.NewMemory(records, 1000, 130), querytest.NewMemory(records, len(records), 8192),
		querytest.NewMemory(records, 700, 64),
	}
	stores[1].Blind = true
	stores[2].NotKept = []string{"Image", "LogonType"}
	g := querytest.Generator{Rand: r, Records: records}
	hits := 0
	for i := range queries {
		q := g.Query()
		o := query.Options{Decode: querytest.Decode, Offset: time.Duration(i%2) * 9 * time.Hour, Keys: i%3 == 0, Workers: 1 + i%3}
		if differ(t, stores[i%3], records, q, o) > 0 {
			hits++
		}
		again, err := language.Parse(q.String(), language.Options{})
		if err != nil || !reflect.DeepEqual(again, query.Query{Where: query.Normalize(q.Where), Verb: q.Verb}) {
			t.Fatalf("%s reads as %#v, %v", q, again, err)
		}
	}
	if hits < queries/2 {
		t.Errorf("only %d of %d queries found something", hits, queries)
	}
}

func FuzzDiffer(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	records := querytest.Corpus(r, 600)
	store := querytest.NewMemory(records, 200, 70)
	for _, s := range []string{
		`access denied | top 3 by user per 1d`, `~ログオン not cased:/x/ | histogram 1h by severity`, "ip in (10.0.0.0/8, ::1) | count",
		`extra.key~second n>=5 | distinct n`, `"nul\x00byte" or user=田中`, "time>2026-11-18 severity>=high | newest 3 | fields time, raw",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := language.Parse(s, language.Options{Limits: query.Limits{Pattern: 60, Program: 300, Length: 300}})
		if err != nil {
			return
		}
		o := query.Options{Decode: querytest.Decode}
		if _, err := search.Run(context.Background(), store, q, o); err != nil {
			if _, ok := errors.AsType[*query.Error](err); !ok {
				t.Fatalf("%s: %v", q, err)
			}
			return
		}
		differ(t, store, records, q, o)
	})
}
