package search_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/language"
	"github.com/kizuki-security/kizuki/internal/logs/query/querytest"
	"github.com/kizuki-security/kizuki/internal/logs/query/search"
)

// lines makes records of one source, a second apart, in blocks of ten.
func lines(n int, line func(i int) string) *querytest.Memory {
	var records []event.Record
	for i := range n {
		at := time.Date(2026, 11, 23, 0, 0, i, 0, time.UTC)
		records = append(records, event.Record{
			Source: "fgt", Seq: uint64(i + 1), Time: at, Received: at, Format: event.Raw, Raw: []byte(line(i)), Host: fmt.Sprint("host", i%7),
		})
	}
	return querytest.NewMemory(records, 100, 10)
}

func parse(t *testing.T, text string) query.Query {
	t.Helper()
	q, err := language.Parse(text, language.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func run(t *testing.T, store query.Store, text string, o query.Options) *query.Result {
	t.Helper()
	r, err := search.Run(t.Context(), store, parse(t, text), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNewestStopsEarly(t *testing.T) {
	t.Parallel()
	store := lines(1000, func(i int) string { return fmt.Sprint("line ", i) })
	r := run(t, store, "line | newest 15", query.Options{Workers: 1})
	if len(r.Records) != 15 || r.Records[0].Seq != 1000 || r.Records[14].Seq != 986 {
		t.Fatalf("%d records: %+v", len(r.Records), r.Records)
	}
	if r.Stats.Blocks != 100 || r.Stats.Skipped != 98 || r.Stats.Rows != 20 {
		t.Errorf("stats are %+v, want 98 of 100 blocks skipped", r.Stats)
	}
}

func TestIndexRulesBlocksOut(t *testing.T) {
	t.Parallel()
	store := lines(1000, func(i int) string {
		if i == 777 {
			return "needle 10.9.8.7"
		}
		return fmt.Sprint("hay ", i)
	})
	for _, text := range []string{"needle", "10.9.8.7", "needle or absent", "(needle or absent) not hay", "/hay|needle/ NEEDLE", "~\"e 10.9.8.7\" | count"} {
		r := run(t, store, text, query.Options{})
		if r.Count != 1 || r.Stats.Skipped != 99 {
			t.Errorf("%s found %d lines, stats %+v", text, r.Count, r.Stats)
		}
		cost, err := search.Estimate(t.Context(), store, parse(t, text), query.Options{})
		if err != nil || cost.Blocks != 100 || cost.Read != 1 || cost.Rows != 10 || !cost.Text || cost.Bytes < 60 {
			t.Errorf("%s would cost %+v, %v", text, cost, err)
		}
	}
	if cost, err := search.Estimate(t.Context(), store, parse(t, "host=host3 time<2026-11-23T00:00:30"), query.Options{}); err != nil || cost.Blocks != 3 || cost.Text {
		t.Errorf("a column would cost %+v, %v", cost, err)
	}
}

// A count of what is known of blocks alone opens none.
func TestCountWithoutOpening(t *testing.T) {
	t.Parallel()
	store := lines(1000, func(int) string { return "x" })
	store.Break = func(int, string) error { return errors.New("opened") }
	r := run(t, store, "source=fgt | count", query.Options{})
	if r.Count != 1000 || r.Partial() {
		t.Errorf("found %d, damaged %v", r.Count, r.Damaged)
	}
	if r = run(t, store, "* | histogram 1h", query.Options{}); len(r.Groups) != 1 || r.Groups[0].Count != 1000 || r.Partial() {
		t.Errorf("histogram %+v, damaged %v", r.Groups, r.Damaged)
	}
}

func TestDamageIsNamedAndTheRestAnswered(t *testing.T) {
	t.Parallel()
	store := lines(100, func(i int) string { return fmt.Sprint("line ", i) })
	for _, part := range []string{"open", "may", "messages", "column", "panic"} {
		store.Break = func(i int, p string) error {
			if i == 4 && part == "panic" && p == "messages" {
				panic("index out of range")
			}
			if i == 4 && p == part {
				return errors.New("bad checksum")
			}
			return nil
		}
		for _, verb := range []string{"count", "top 100 by host", "newest 500"} {
			r := run(t, store, "line host~host | "+verb, query.Options{})
			found := r.Count
			if verb == "newest 500" {
				found = int64(len(r.Records))
			}
			if !r.Partial() || len(r.Damaged) != 1 || r.Damaged[0].Stat.Rows != 10 || found != 90 {
				t.Errorf("%s, %s: %d lines, damaged %v", part, verb, found, r.Damaged)
			}
		}
	}
	store.Break = func(i int, p string) error {
		if i == 4 && p == "received" { // read only for the lines given out
			return errors.New("bad checksum")
		}
		return nil
	}
	for _, verb := range []string{"newest 500", "newest 500 | fields received"} {
		r := run(t, store, "line | "+verb, query.Options{})
		n := len(r.Records)
		if r.Table != nil {
			n = len(r.Table.Rows)
		}
		if !r.Partial() || n != 90 {
			t.Errorf("%s: %d lines, damaged %v", verb, n, r.Damaged)
		}
	}
}

// brokenShape is a store whose columns do not fit.
type brokenShape struct{ query.Store }

func (s brokenShape) Blocks(ctx context.Context, from, to int64, sources []string) (query.Blocks, error) {
	b, err := s.Store.Blocks(ctx, from, to, sources)
	return brokenBlocks{b}, err
}

type brokenBlocks struct{ query.Blocks }

func (b brokenBlocks) Open(i int) (query.Block, error) {
	block, err := b.Blocks.Open(i)
	return brokenBlock{block, i}, err
}

type brokenBlock struct {
	query.Block
	i int
}

func (b brokenBlock) Column(name string) (*query.Column, error) {
	c, err := b.Block.Column(name)
	switch b.i {
	case 0:
		c = &query.Column{Codes: c.Codes[:5], Values: c.Values}
	case 1:
		c = &query.Column{Codes: c.Codes, Values: c.Values[:1]}
	}
	return c, err
}

func (b brokenBlock) Times() ([]int64, error) {
	times, err := b.Block.Times()
	if b.i == 2 {
		times = times[1:]
	}
	return times, err
}

func (b brokenBlock) Messages() ([]byte, []uint32, error) {
	text, ends, err := b.Block.Messages()
	switch b.i {
	case 3:
		text = text[:3]
	case 4:
		ends = append([]uint32{}, ends...)
		ends[3] = 1 << 30
	}
	return text, ends, err
}

func TestContradictionsAreDamage(t *testing.T) {
	t.Parallel()
	store := lines(100, func(i int) string { return fmt.Sprint("line ", i) })
	r := run(t, brokenShape{store}, "line host~host | histogram 7s", query.Options{})
	if len(r.Damaged) != 5 || r.Count != 60 {
		t.Errorf("%d lines, damaged %v", r.Count, r.Damaged)
	}
}

func TestLimitsAreErrors(t *testing.T) {
	t.Parallel()
	store := lines(1000, func(i int) string { return strings.Repeat("x", 1000) + strconv.Itoa(i) })
	for text, want := range map[string]query.Reason{
		"* | histogram 1s":                  query.TooManyGroups,
		"* | newest 500":                    query.TooLarge,
		"~xxx | newest 500":                 query.TooLarge,
		"* | newest 501":                    query.TooManyRows,
		"* | top 501 by host":               query.TooManyRows,
		"/" + strings.Repeat("a", 50) + "/": query.BadRegex,
	} {
		q, err := language.Parse(text, language.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = search.Run(t.Context(), store, q, query.Options{Limits: query.Limits{Groups: 100, Bytes: 100_000, Rows: 500, Pattern: 40}})
		if e, ok := errors.AsType[*query.Error](err); !ok || e.Reason != want {
			t.Errorf("%.20s: %v, want %s", text, err, want)
		}
	}
}

func TestCancelAndProgress(t *testing.T) {
	t.Parallel()
	store := lines(1000, func(i int) string { return fmt.Sprint("line ", i) })
	ctx, cancel := context.WithCancel(t.Context())
	var seen []query.Progress
	_, err := search.Run(ctx, store, parse(t, "~line | count"), query.Options{Progress: func(p query.Progress) {
		if seen = append(seen, p); p.Done == 10 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || len(seen) < 10 || len(seen) > 12 {
		t.Errorf("%d blocks, then %v", len(seen), err)
	}
	if p := seen[4]; p.Done != 5 || p.Blocks != 100 || p.Found != 50 || p.Bytes == 0 {
		t.Errorf("progress is %+v", p)
	}
}

func TestUnknownNumbersAreEmpty(t *testing.T) {
	t.Parallel()
	store := lines(20, func(int) string { return "" })
	r := run(t, store, `severity="" src_port="" not severity>=0 | distinct host`, query.Options{})
	if r.Count != 20 || r.Values != 7 || len(r.Groups) != 7 || r.Groups[0] != (query.Group{Value: "host0", Count: 3}) {
		t.Errorf("%+v", r)
	}
}

// Equal queries give equal results whoever takes which block.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	records := querytest.Corpus(rand.New(rand.NewPCG(3, 3)), 3000)
	store := querytest.NewMemory(records, 1000, 50)
	for _, text := range []string{"* | newest 200", "* | top 3 by user per 1d", "* | fields time, seq, source"} {
		want := run(t, store, text, query.Options{Workers: 1})
		want.Stats, want.Count = query.Stats{}, 0
		for range 5 {
			got := run(t, store, text, query.Options{Workers: 4})
			got.Stats, got.Count = query.Stats{}, 0
			if !reflect.DeepEqual(got.Records, want.Records) || !reflect.DeepEqual(got.Groups, want.Groups) ||
				!reflect.DeepEqual(got.Table, want.Table) {
				t.Fatalf("%s differs from run to run", text)
			}
		}
	}
}

func TestEach(t *testing.T) {
	t.Parallel()
	records := querytest.Corpus(rand.New(rand.NewPCG(4, 4)), 2000)
	store := querytest.NewMemory(records, 500, 60)
	where := parse(t, "user=tanaka or ~京").Where
	want := querytest.Naive(records, query.Query{Where: where, Verb: query.Newest{N: 10_000}}, query.Options{}).Records
	place := func(r *event.Record) string { return r.Source + strconv.FormatUint(r.Seq, 10) }
	all := map[string]event.Record{}
	r, err := search.Each(t.Context(), store, where, query.Options{}, func(r *event.Record) error {
		all[place(r)] = *r
		return nil
	})
	if err != nil || len(all) != len(want) || r.Count != int64(len(want)) || len(want) < 100 {
		t.Fatalf("%d records, %+v, %v, want %d", len(all), r, err, len(want))
	}
	for _, w := range want {
		got := all[place(&w)]
		if len(got.Raw)+len(w.Raw) == 0 {
			got.Raw = w.Raw
		}
		if !reflect.DeepEqual(got, w) {
			t.Fatalf("got %+v, want %+v", got, w)
		}
	}
	enough := errors.New("enough")
	if _, err = search.Each(t.Context(), store, where, query.Options{}, func(*event.Record) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("after an error of the receiver: %v", err)
	}
	store.Break = func(i int, p string) error {
		if i == 3 && p == "received" {
			return errors.New("bad checksum")
		}
		return nil
	}
	n := 0
	r, err = search.Each(t.Context(), store, where, query.Options{}, func(*event.Record) error {
		n++
		return nil
	})
	if err != nil || len(r.Damaged) != 1 || n >= len(want) || n < len(want)/2 {
		t.Errorf("%d records, %+v, %v", n, r, err)
	}
}
