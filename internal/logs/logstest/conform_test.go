package logstest_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/logstest"
	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/logsql"
	"github.com/kizuki-security/kizuki/internal/logs/query/querytest"
	"github.com/kizuki-security/kizuki/internal/logs/query/search"
	"github.com/kizuki-security/kizuki/internal/logs/victoria"
	"github.com/kizuki-security/kizuki/internal/logs/victoria/victoriatest"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// sizes are those of a short test, or of a proof.
func sizes() (records, queries int) {
	if os.Getenv("KIZUKI_PROVE") != "" {
		return 4000, 2000
	}
	return 800, 150
}

// filled is a lake with the records in it.
func filled(t *testing.T, clock func() time.Time, rows int, records []event.Record) *lake.Lake {
	t.Helper()
	l, err := lake.Open(t.TempDir(), lake.Config{Clock: clock, Limits: lake.Limits{SegmentRows: rows}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for batch := range slices.Chunk(slices.Clone(records), 111) {
		if n, err := l.Append(t.Context(), batch); err != nil || n != len(batch) {
			t.Fatal(n, err)
		}
	}
	return l
}

func answers(store query.Store) logstest.Store {
	return logstest.Store{Answer: func(ctx context.Context, q query.Query, o query.Options) (*query.Result, error) {
		return search.Run(ctx, store, q, o)
	}}
}

// A lake answers alike from memory and log, from sealed segments, and from merged days.
func TestLake(t *testing.T) {
	t.Parallel()
	n, queries := sizes()
	records := querytest.Corpus(rand.New(rand.NewPCG(20261123, 8)), n)
	for _, state := range []string{"hot", "sealed", "merged"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			var later atomic.Int64
			rows := 300
			if state == "hot" {
				rows = 2 * n
			}
			l := filled(t, func() time.Time { return now.Add(time.Duration(later.Load())) }, rows, records)
			if state != "hot" {
				if err := l.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if state == "merged" {
				later.Store(int64(48 * time.Hour))
				if err := l.Tidy(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			s := l.Stats()
			if (s.HotRows == n) != (state == "hot") || (s.SealedRows == n) != (state != "hot") || (s.Merged > 0) != (state == "merged") {
				t.Fatalf("the lake is not %s: %+v", state, s)
			}
			logstest.Conform(t, answers(l), records, queries)
		})
	}
}

// feed gives the records that a sender asks for.
type feed []event.Record

func (f feed) Records(_ context.Context, source string, after uint64, limit int) ([]event.Record, error) {
	var out []event.Record
	for _, r := range f {
		if r.Source == source && r.Seq > after && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, nil
}

// noMarks forgets how far it came.
type noMarks struct{}

func (noMarks) Load() (map[string]victoria.Mark, error) { return map[string]victoria.Mark{}, nil }
func (noMarks) Save(_ map[string]victoria.Mark) error   { return nil }

// A cluster of two storage nodes answers alike about the records that it keeps; the others were named when they were sent.
func TestVictoriaLogs(t *testing.T) {
	t.Parallel()
	n, queries := sizes()
	records := querytest.Corpus(rand.New(rand.NewPCG(20261123, 8)), n)
	cluster := victoriatest.Start(t)
	client, err := victoria.NewClient(victoria.Config{Insert: cluster.Front.URL})
	if err != nil {
		t.Fatal(err)
	}
	at := now
	sender, err := victoria.NewSender(victoria.SenderConfig{
		Client: client, Feed: feed(records), Marks: noMarks{}, Now: func() time.Time { return at },
		Wait: func(ctx context.Context, d time.Duration) error { at = at.Add(d); return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	type id struct {
		source string
		seq    uint64
	}
	refused := map[id]bool{}
	sources := map[string]bool{}
	for i := range records {
		sources[records[i].Source] = true
	}
	for source := range sources {
		for {
			p, err := sender.Step(t.Context(), source)
			if err != nil {
				t.Fatal(err)
			}
			for _, seq := range p.Refused {
				refused[id{source, seq}] = true
			}
			if p.Idle {
				break
			}
		}
	}
	kept := slices.DeleteFunc(slices.Clone(records), func(r event.Record) bool { return refused[id{r.Source, r.Seq}] })
	for _, r := range records {
		if refused[id{r.Source, r.Seq}] != (r.Time.Year() == 1601) {
			t.Errorf("record %d of %s of %v: refused %t", r.Seq, r.Source, r.Time, refused[id{r.Source, r.Seq}])
		}
	}
	logstest.Conform(t, logstest.Store{
		Answer: client.Answer,
		Refused: func(err error) bool {
			_, ok := errors.AsType[*logsql.Error](err)
			return ok
		},
	}, kept, queries)
}
