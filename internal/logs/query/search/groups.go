package search

import (
	"context"
	"fmt"
	"math"
	"math/bits"
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

// groups counts rows by bucket and by value of a field.
type groups struct {
	by     string // "": not by a field
	every  int64  // microseconds; 0: one bucket for all
	offset int64  // of the borders
	empty  bool   // rows without a value make a group, too
	limits query.Limits

	ids     map[string]uint32
	names   []string
	texts   strings.Builder // of names
	bytes   int64
	buckets map[int64]*bucket
	last    *bucket // the one that was used last
	known   int     // values of all buckets
	without int64

	local  []int64  // counts of the present bucket by code
	used   []uint16 // codes whose count is not 0
	global []uint32 // ids of codes, from 1; 0: not known yet
	moved  []pair   // those on their way into a bucket
	sums   []int64  // by id, for putting pairs together; 0 between
}

func newGroups(by string, every, offset time.Duration, empty bool, l query.Limits) *groups {
	return &groups{
		by: by, every: every.Microseconds(), offset: offset.Microseconds(), empty: empty, limits: l,
		ids: make(map[string]uint32, 1024), buckets: map[int64]*bucket{},
	}
}

func (*groups) passes(query.Stat) bool { return false }

// whole takes blocks that lie in one bucket.
func (g *groups) whole(s query.Stat) bool {
	if g.by != "" {
		return false
	}
	start := g.startOf(s.From)
	if start != g.startOf(s.To) {
		return false
	}
	return g.add(start, "", int64(s.Rows)) == nil
}

// startOf gives the start of the bucket of a time.
func (g *groups) startOf(t int64) int64 {
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
	value = g.keep(value)
	g.ids[value] = id
	g.names = append(g.names, value)
	if g.bytes += int64(len(value)); g.bytes > g.limits.Bytes {
		return 0, &query.Error{Reason: query.TooLarge, At: -1, End: -1}
	}
	return id, nil
}

// keep copies a value, since the block's memory goes; many lie in one piece of memory.
func (g *groups) keep(value string) string {
	if from := g.texts.Len(); from+len(value) <= g.texts.Cap() {
		g.texts.WriteString(value)
		return g.texts.String()[from:]
	}
	g.texts = strings.Builder{}
	g.texts.Grow(max(len(value), 16<<10))
	g.texts.WriteString(value)
	return g.texts.String()
}

func (g *groups) add(start int64, value string, n int64) error {
	id, err := g.id(value)
	if err != nil {
		return err
	}
	return g.into(start, pair{n, id})
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
	for i, w := range found {
		for ; w != 0; w &= w - 1 {
			g.count(column.Codes[i<<6+bits.TrailingZeros64(w)], 1)
		}
	}
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
	for i, w := range found {
		for ; w != 0; w &= w - 1 {
			row := i<<6 + bits.TrailingZeros64(w)
			if t := times[row]; t < from || t >= to {
				if err := g.flush(start, values); err != nil {
					return err
				}
				start = g.startOf(t)
				from, to = start, start+g.every
			}
			code := uint16(0)
			if column != nil {
				code = column.Codes[row]
			}
			g.count(code, 1)
		}
	}
	return g.flush(start, values)
}

// flush moves the counts by code into those by value.
func (g *groups) flush(start int64, values []string) error {
	var failed error
	pairs := g.moved[:0]
	for _, code := range g.used {
		n := g.local[code]
		g.local[code] = 0
		if values[code] == "" && !g.empty {
			g.without += n
			continue
		}
		id := g.global[code]
		if id == 0 && failed == nil {
			id, failed = g.id(values[code])
			id++
			g.global[code] = id
		}
		pairs = append(pairs, pair{n, id - 1})
	}
	g.used, g.moved = g.used[:0], pairs
	if failed != nil || len(pairs) == 0 {
		return failed
	}
	return g.into(start, pairs...)
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
	buckets, err := o.all()
	if err != nil {
		return err
	}
	for _, b := range buckets {
		for i := range b.pairs {
			b.pairs[i].id = ids[b.pairs[i].id]
		}
		if err := g.into(b.start, b.pairs...); err != nil {
			return err
		}
	}
	return nil
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
	list, err := g.list(g.byValue, 0)
	if err != nil {
		return nil, err
	}
	return r.finish(&query.Result{Groups: list}), nil
}

func (r *run) distinct(ctx context.Context, verb query.Distinct) (*query.Result, error) {
	g, err := r.grouped(ctx, verb.By, 0, false)
	if err != nil {
		return nil, err
	}
	list, err := g.list(g.byValue, 0)
	if err != nil {
		return nil, err
	}
	return r.finish(&query.Result{Groups: list, Values: len(g.names), Without: g.without}), nil
}

func (r *run) top(ctx context.Context, verb query.Top) (*query.Result, error) {
	g, err := r.grouped(ctx, verb.By, verb.Per, false)
	if err != nil {
		return nil, err
	}
	list, err := g.list(g.byRank, verb.N)
	if err != nil {
		return nil, err
	}
	return r.finish(&query.Result{Groups: list, Values: len(g.names), Without: g.without}), nil
}
