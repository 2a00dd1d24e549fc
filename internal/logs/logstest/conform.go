package logstest

import (
	"context"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/querytest"
)

// Store is a store that must answer as every other does.
type Store struct {
	// Answer answers a query, as search.Run does.
	Answer func(ctx context.Context, q query.Query, o query.Options) (*query.Result, error)
	// Refused says that an error names a query which this store cannot be asked. Nil: it can be asked every query.
	Refused func(error) bool
}

// Conform asks a store so many random queries about the records that it holds, and compares each answer with what a look
// at every record gives. At least a third must not be refused, and half of the others must find something.
func Conform(t *testing.T, s Store, records []event.Record, queries int) {
	t.Helper()
	g := querytest.Generator{Rand: rand.New(rand.NewPCG(20261123, 9)), Records: records} //nolint:gosec // a repeatable test
	answered, found := 0, 0
	for i := range queries {
		q := g.Query()
		o := query.Options{Decode: querytest.Decode, Offset: time.Duration(i%2) * 9 * time.Hour, Keys: i%3 == 0}
		got, err := s.Answer(t.Context(), q, o)
		if err != nil {
			if s.Refused == nil || !s.Refused(err) {
				t.Fatalf("%s: %v", q, err)
			}
			continue
		}
		answered++
		want := querytest.Naive(records, q, o)
		if want.Count > 0 {
			found++
		}
		same(t, q, got, want)
	}
	t.Logf("%d of %d queries answered, %d found something", answered, queries, found)
	if answered < queries/3 || found < answered/2 {
		t.Errorf("of %d queries %d were answered, and %d found something", queries, answered, found)
	}
}

// same wants an answer to be the other one, apart from what may differ: stats, and the count of a query that may stop.
func same(t *testing.T, q query.Query, got, want *query.Result) {
	t.Helper()
	if got.Partial() {
		t.Fatalf("%s: partial: %v", q, got.Damaged)
	}
	switch q.Verb.(type) {
	case query.Newest, nil:
		got.Count = want.Count
	}
	got.Stats = query.Stats{}
	for _, r := range []*query.Result{got, want} {
		if len(r.Groups) == 0 {
			r.Groups = nil
		}
		if len(r.Records) == 0 {
			r.Records = nil
		}
		for i := range r.Records {
			if len(r.Records[i].Raw) == 0 {
				r.Records[i].Raw = nil
			}
			if len(r.Records[i].Fields) == 0 {
				r.Records[i].Fields = nil
			}
		}
	}
	for i := range min(len(got.Records), len(want.Records)) {
		if !reflect.DeepEqual(got.Records[i], want.Records[i]) {
			t.Fatalf("%s: record %d is\n%+v, want\n%+v", q, i, got.Records[i], want.Records[i])
		}
	}
	if !reflect.DeepEqual(got, want) { //nolint:govet // no error is in it: it is not partial
		t.Fatalf("%s:\ngot  %+v\n%+v\nwant %+v\n%+v", q, got, got.Table, want, want.Table)
	}
}
