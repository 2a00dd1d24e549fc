package table_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/logstest/corpus"
)

// piece makes records of which some have columns that those of other pieces have not.
func piece(t *testing.T, seed uint64, n int, sources ...string) []event.Record {
	t.Helper()
	var recs []event.Record
	for batch := range corpus.Batches(corpus.Config{Events: 20 * n, Seed: seed}, n) {
		for _, r := range batch {
			if slices.Contains(sources, r.Source) {
				recs = append(recs, r)
			}
		}
		if len(recs) >= n {
			return recs[:n]
		}
	}
	t.Fatalf("%d records of %d", len(recs), n)
	return nil
}

func fill(tab *table.Table, recs []event.Record) *table.View {
	for i := range recs {
		tab.Add(&recs[i])
	}
	return tab.View()
}

// content is everything of a view in its order.
func content(v *table.View) (recs []event.Record) {
	var b table.Block
	for _, rows := range v.Cut(v.Order(0, v.Rows())) {
		v.Into(&b, rows)
		for row := range b.Rows() {
			r := b.Record(row)
			r.Raw = slices.Clone(r.Raw)
			recs = append(recs, r)
		}
	}
	return recs
}

// A table that was emptied holds what a new one would, whatever it held before.
func TestReset(t *testing.T) {
	used := table.New()
	for i, recs := range [][]event.Record{
		piece(t, 1, 9000, "windows"), piece(t, 2, 300, "firewall"), piece(t, 3, 20, "web", "syslog"),
		{{Source: "x", Seq: 1, Raw: make([]byte, 2<<20)}},
		piece(t, 4, 3000, "windows", "proxy"),
	} {
		used.Reset()
		got, fresh := fill(used, recs), fill(table.New(), recs)
		if !reflect.DeepEqual(content(got), content(fresh)) {
			t.Errorf("piece %d: not what a new table has", i)
		}
		if got.Absent() != fresh.Absent() || !slices.Equal(got.Binary(), fresh.Binary()) || !maps.Equal(got.CountSources(), fresh.CountSources()) {
			t.Errorf("piece %d: absent %x %x, sources %v", i, got.Absent(), fresh.Absent(), got.CountSources())
		}
	}
}

// Rows stand by source, time and sequence, in whatever order they came.
func TestOrder(t *testing.T) {
	recs := piece(t, 5, 2000, "windows", "proxy", "web")
	for i := range recs {
		if i%7 == 0 { // some come late, some at the same time
			recs[i].Time = recs[max(0, i-50)].Time
		}
	}
	got := content(fill(table.New(), recs))
	sorted := slices.IsSortedFunc(got, func(a, b event.Record) int {
		if a.Source != b.Source {
			return map[bool]int{true: -1, false: 1}[a.Source < b.Source]
		}
		if c := a.Time.Compare(b.Time); c != 0 {
			return c
		}
		return int(a.Seq) - int(b.Seq)
	})
	if !sorted || len(got) != len(recs) {
		t.Errorf("%d of %d rows, sorted: %v", len(got), len(recs), sorted)
	}
}
