package search

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// pair is a value by its number in names, and how often it was counted.
type pair struct {
	n  int64
	id uint32
}

// bucket is what was counted between two borders. A value may be in several pairs until they are put together.
type bucket struct {
	start  int64
	pairs  []pair
	values int // different values, as far as is known: at least one
	full   int // so many pairs are put together
}

// smallBucket is how many pairs are worth putting together.
const smallBucket = 256

// into adds pairs to a bucket.
func (g *groups) into(start int64, pairs ...pair) error {
	b := g.last
	if b == nil || b.start != start {
		if b = g.buckets[start]; b == nil {
			b = &bucket{start: start, values: 1, full: smallBucket}
			g.buckets[start] = b
			g.known++
		}
		g.last = b
	}
	b.pairs = append(b.pairs, pairs...)
	if len(b.pairs) >= b.full {
		g.gather(b)
	}
	return g.check()
}

// gather puts the pairs of equal values together.
func (g *groups) gather(b *bucket) {
	if n := len(g.names); len(g.sums) < n {
		g.sums = make([]int64, n+n/2)
	}
	for _, p := range b.pairs {
		g.sums[p.id] += p.n
	}
	kept := b.pairs[:0]
	for _, p := range b.pairs {
		if n := g.sums[p.id]; n != 0 {
			g.sums[p.id] = 0
			kept = append(kept, pair{n, p.id})
		}
	}
	b.pairs = kept
	g.known += len(kept) - b.values
	b.values, b.full = len(kept), max(smallBucket, 2*len(kept))
}

func (g *groups) check() error {
	if g.known > g.limits.Groups {
		return &query.Error{Reason: query.TooManyGroups, At: -1, End: -1, Found: strconv.Itoa(g.limits.Groups)}
	}
	return nil
}

// all gives the buckets in their order, each value once.
func (g *groups) all() ([]*bucket, error) {
	list := make([]*bucket, 0, len(g.buckets))
	for _, b := range g.buckets {
		g.gather(b)
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b *bucket) int { return cmp.Compare(a.start, b.start) })
	return list, g.check()
}

// list gives the first n groups of each bucket in an order of values and counts; 0: all.
func (g *groups) list(order func(a, b pair) int, n int) ([]query.Group, error) {
	buckets, err := g.all()
	if err != nil {
		return nil, err
	}
	list := make([]query.Group, 0, min(g.known, max(n, 1)*len(buckets)))
	if n == 0 {
		list = slices.Grow(list, g.known)
	}
	for _, b := range buckets {
		for _, p := range first(b.pairs, n, order) {
			list = append(list, query.Group{Start: b.start, Value: g.names[p.id], Count: p.n})
		}
	}
	return list, nil
}

// first gives the first n pairs in an order, or all of them in it; 0: all.
func first(pairs []pair, n int, order func(a, b pair) int) []pair {
	const few = 100 // beyond that, sorting is not slower than looking for the first ones
	if n == 0 || n > few || len(pairs) <= n {
		slices.SortFunc(pairs, order)
		if n > 0 {
			pairs = pairs[:min(n, len(pairs))]
		}
		return pairs
	}
	kept := pairs[:n]
	slices.SortFunc(kept, order)
	for _, p := range pairs[n:] {
		if p.n < kept[n-1].n || order(p, kept[n-1]) > 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(kept, p, order)
		copy(kept[at+1:], kept[at:])
		kept[at] = p
	}
	return kept
}

// byValue is the order of values.
func (g *groups) byValue(a, b pair) int { return strings.Compare(g.names[a.id], g.names[b.id]) }

// byRank is the order of counts, the highest first; equal counts go by value.
func (g *groups) byRank(a, b pair) int {
	if a.n != b.n {
		return cmp.Compare(b.n, a.n)
	}
	return g.byValue(a, b)
}
