package search

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// counter counts rows; that is all.
type counter struct{}

func (counter) passes(query.Stat) bool      { return false }
func (counter) whole(query.Stat) bool       { return true }
func (counter) take(*view, int, rows) error { return nil }
func (counter) merge(sink) error            { return nil }

func (r *run) count(ctx context.Context) (*query.Result, error) {
	if _, err := r.each(ctx, func() sink { return counter{} }); err != nil {
		return nil, err
	}
	return r.finish(&query.Result{}), nil
}

// key is a bucket and a value by its number in names.
type key struct {
	start int64
	id    uint32
}

// groups counts rows by bucket and by value of a field.
type groups struct {
	by     string // "": not by a field
	every  int64  // microseconds; 0: one bucket for all
	offset int64  // of the borders
	empty  bool   // rows without a value make a group, too
	limits query.Limits

	ids     map[string]uint32
	names   []string
	bytes   int64
	counts  map[key]int64
	without int64

	local  []int64  // counts of the present bucket by code
	used   []uint16 // codes whose count is not 0
	global []uint32 // ids of codes, from 1; 0: not known yet
}

func newGroups(by string, every, offset time.Duration, empty bool, l query.Limits) *groups {
	return &groups{
		by: by, every: every.Microseconds(), offset: offset.Microseconds(), empty: empty, limits: l,
		ids: map[string]uint32{}, counts: map[key]int64{},
	}
}

func (*groups) passes(query.Stat) bool { return false }

// whole takes blocks that lie in one bucket.
func (g *groups) whole(s query.Stat) bool {
	if g.by != "" {
		return false
	}
	start := g.bucket(s.From)
	if start != g.bucket(s.To) {
		return false
	}
	return g.add(start, "", int64(s.Rows)) == nil
}

// bucket gives the start of the bucket of a time.
func (g *groups) bucket(t int64) int64 {
	if g.every == 0 {
		return 0
	}
	rest := (t + g.offset) % g.every
	if rest < 0 {
		rest += g.every
	}
	return t - rest
}

// id gives the number of a value.
func (g *groups) id(value string) (uint32, error) {
	if id, ok := g.ids[value]; ok {
		return id, nil
	}
	id := uint32(len(g.names))
	value = strings.Clone(value) // the block's memory goes
	g.ids[value] = id
	g.names = append(g.names, value)
	if g.bytes += int64(len(value)); g.bytes > g.limits.Bytes {
		return 0, &query.Error{Reason: query.TooLarge, At: -1, End: -1}
	}
	return id, nil
}

func (g *groups) add(start int64, value string, n int64) error {
	id, err := g.id(value)
	if err != nil {
		return err
	}
	return g.addID(start, id, n)
}

func (g *groups) addID(start int64, id uint32, n int64) error {
	g.counts[key{start, id}] += n
	if len(g.counts) > g.limits.Groups {
		return &query.Error{Reason: query.TooManyGroups, At: -1, End: -1, Found: strconv.Itoa(g.limits.Groups)}
	}
	return nil
}

// take counts the rows of a block: by code first, by value where the bucket ends.
func (g *groups) take(v *view, _ int, found rows) error {
	var column *query.Column
	var err error
	if g.by != "" {
		if column, err = v.column(g.by, found); err != nil {
			return err
		}
	}
	values := []string{""}
	if column != nil {
		values = column.Values
	}
	if cap(g.local) < len(values) {
		g.local, g.global = make([]int64, max(len(values), 8193)), make([]uint32, max(len(values), 8193))
	}
	g.local, g.global = g.local[:cap(g.local)], g.global[:cap(g.global)]
	clear(g.global[:len(values)])
	if g.every == 0 {
		g.tally(column, found)
		return g.flush(0, values)
	}
	times, err := v.loadTimes()
	if err != nil {
		return err
	}
	return g.tallyBuckets(column, values, times, found)
}

// tally counts the rows by code.
func (g *groups) tally(column *query.Column, found rows) {
	if column == nil {
		g.count(0, int64(found.count()))
		return
	}
	found.each(func(row int) bool {
		g.count(column.Codes[row], 1)
		return true
	})
}

func (g *groups) count(code uint16, n int64) {
	if g.local[code] == 0 {
		g.used = append(g.used, code)
	}
	g.local[code] += n
}

// tallyBuckets counts the rows by bucket and code. Times rise for each source, so that buckets are long runs.
func (g *groups) tallyBuckets(column *query.Column, values []string, times []int64, found rows) error {
	var start int64
	from, to := int64(math.MaxInt64), int64(math.MinInt64)
	var err error
	found.each(func(row int) bool {
		if t := times[row]; t < from || t >= to {
			if err = g.flush(start, values); err != nil {
				return false
			}
			start = g.bucket(t)
			from, to = start, start+g.every
		}
		code := uint16(0)
		if column != nil {
			code = column.Codes[row]
		}
		if g.local[code] == 0 {
			g.used = append(g.used, code)
		}
		g.local[code]++
		return true
	})
	if err != nil {
		return err
	}
	return g.flush(start, values)
}

// flush moves the counts by code into those by value.
func (g *groups) flush(start int64, values []string) error {
	var failed error
	for _, code := range g.used {
		n := g.local[code]
		g.local[code] = 0
		if values[code] == "" && !g.empty {
			g.without += n
			continue
		}
		if failed != nil {
			continue
		}
		id := g.global[code]
		if id == 0 {
			first, err := g.id(values[code])
			if err != nil {
				failed = err
				continue
			}
			id = first + 1
			g.global[code] = id
		}
		failed = g.addID(start, id-1, n)
	}
	g.used = g.used[:0]
	return failed
}

func (g *groups) merge(other sink) error {
	o, ok := other.(*groups)
	if !ok {
		return fmt.Errorf("query: merge: %T", other)
	}
	g.without += o.without
	ids := make([]uint32, len(o.names))
	for i, name := range o.names {
		id, err := g.id(name)
		if err != nil {
			return err
		}
		ids[i] = id
	}
	for k, n := range o.counts {
		if err := g.addID(k.start, ids[k.id], n); err != nil {
			return err
		}
	}
	return nil
}

// list gives the groups in an order.
func (g *groups) list(order func(a, b query.Group) int) []query.Group {
	list := make([]query.Group, 0, len(g.counts))
	for k, n := range g.counts {
		list = append(list, query.Group{Start: k.start, Value: g.names[k.id], Count: n})
	}
	slices.SortFunc(list, order)
	return list
}

// byValue is the order by start and value.
func byValue(a, b query.Group) int {
	if a.Start != b.Start {
		return cmp.Compare(a.Start, b.Start)
	}
	return strings.Compare(a.Value, b.Value)
}

// byRank is the order by start and count, the highest first; equal counts go by value.
func byRank(a, b query.Group) int {
	if a.Start == b.Start && a.Count != b.Count {
		return cmp.Compare(b.Count, a.Count)
	}
	return byValue(a, b)
}

// grouped runs the query with groups.
func (r *run) grouped(ctx context.Context, by string, every time.Duration, empty bool) (*groups, error) {
	if by != "" {
		r.field(by)
	}
	s, err := r.each(ctx, func() sink { return newGroups(by, every, r.options.Offset, empty, r.options.Limits) })
	if err != nil {
		return nil, err
	}
	g, ok := s.(*groups)
	if !ok {
		return nil, fmt.Errorf("query: groups: %T", s)
	}
	return g, nil
}

func (r *run) histogram(ctx context.Context, verb query.Histogram) (*query.Result, error) {
	g, err := r.grouped(ctx, verb.By, verb.Every, true)
	if err != nil {
		return nil, err
	}
	return r.finish(&query.Result{Groups: g.list(byValue)}), nil
}

func (r *run) distinct(ctx context.Context, verb query.Distinct) (*query.Result, error) {
	g, err := r.grouped(ctx, verb.By, 0, false)
	if err != nil {
		return nil, err
	}
	return r.finish(&query.Result{Groups: g.list(byValue), Values: len(g.names), Without: g.without}), nil
}

func (r *run) top(ctx context.Context, verb query.Top) (*query.Result, error) {
	g, err := r.grouped(ctx, verb.By, verb.Per, false)
	if err != nil {
		return nil, err
	}
	list := g.list(byRank)
	kept := list[:0]
	rank := 0
	for i, one := range list {
		if rank++; i == 0 || one.Start != list[i-1].Start {
			rank = 1
		}
		if rank <= verb.N {
			kept = append(kept, one)
		}
	}
	return r.finish(&query.Result{Groups: kept, Values: len(g.names), Without: g.without}), nil
}
