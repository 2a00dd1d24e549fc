package correlate

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"slices"

	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/internal/fold"
	"github.com/kizuki-security/kizuki/sigma/internal/pattern"
)

// entry is one thing remembered of a group. What v is depends on the type: how many events, the hash of a value, the
// bits of a number. temporal keeps one entry for each rule, the time it was last seen; temporal_ordered a table.
type entry struct {
	at int64
	v  uint64
}

// seed makes the hashes of counted values unforeseeable, so that nobody can make them collide.
var seed = maphash.MakeSeed()

// tuple hashes the counted values of an input.
func (e *Engine) tuple(n *node, in *input) (uint64, bool) {
	e.folded = e.folded[:0]
	for _, r := range n.sources[in.source].values {
		v, ok := e.lookup(in, r)
		if !ok {
			return 0, false
		}
		e.folded = binary.LittleEndian.AppendUint64(e.folded, uint64(len(v)))
		e.folded, _ = fold.Append(e.folded, v)
	}
	return maphash.Bytes(seed, e.folded), true
}

// number reads a decimal number.
func number(v []byte) (float64, bool) {
	n, ok := pattern.ParseNumber(v)
	if !ok {
		return 0, false
	}
	f := n.Float()
	return f, !math.IsInf(f, 0)
}

// add remembers an input. It gives how many entries were given up for the limit.
func (g *group) add(n *node, source int32, at int64, value float64, tuple uint64, limit int) (dropped int) {
	e := entry{at: at, v: 1}
	switch n.c.Type {
	case sigma.EventCount, sigma.Regularity:
		g.total++
		if k := len(g.entries); k > int(g.head) && g.entries[k-1].at == at {
			g.entries[k-1].v++
			return 0
		}
	case sigma.ValueCount:
		e.v = tuple
	case sigma.ValueSum, sigma.ValueAvg, sigma.ValueMin, sigma.ValueMax, sigma.ValuePercentile:
		e.v = math.Float64bits(value)
		g.total += value
		if !whole(value) {
			g.broken++
		}
	case sigma.Temporal:
		for len(g.entries) < len(n.sources) {
			g.entries = append(g.entries, entry{at: none})
		}
		g.entries[source].at = at
		return 0
	case sigma.TemporalOrdered:
		g.chain(len(n.sources), int(source), at)
		return 0
	default:
		return 0
	}
	g.entries = append(g.entries, e)
	if len(g.entries)-int(g.head) > limit {
		g.dropOldest(n)
		return 1
	}
	return 0
}

const exact = 1 << 52

// whole says whether sums of such numbers stay exact.
func whole(f float64) bool { return f == math.Trunc(f) && math.Abs(f) < exact }

// chain keeps, for each rule i and each length k, the latest time at which a chain of k rules began that ends with
// rule i: whether such a chain lies inside the window is all that ever matters, so that no event is kept.
func (g *group) chain(rules, i int, at int64) {
	for len(g.entries) < rules*rules {
		g.entries = append(g.entries, entry{at: none})
	}
	g.entries[i*rules].at = at
	for k := 1; k <= i; k++ {
		best := &g.entries[i*rules+k].at
		for j := range i {
			*best = max(*best, g.entries[j*rules+k-1].at)
		}
	}
}

// drop forgets the oldest entry.
func (g *group) drop() {
	e := g.entries[g.head]
	g.head++
	g.total -= float64(e.v)
	if int(g.head) > len(g.entries)/2 && g.head >= 8 {
		g.entries = append(g.entries[:0], g.entries[g.head:]...)
		g.head = 0
	}
}

// dropValue is drop for numbers.
func (g *group) dropValue() {
	v := math.Float64frombits(g.entries[g.head].v)
	total := g.total - v
	if !whole(v) {
		g.broken--
	}
	g.drop()
	g.total = total
}

func (g *group) dropOldest(n *node) {
	switch n.c.Type {
	case sigma.ValueSum, sigma.ValueAvg, sigma.ValueMin, sigma.ValueMax, sigma.ValuePercentile:
		g.dropValue()
	default:
		g.drop()
	}
}

// slide forgets what is before the window.
func (g *group) slide(n *node, at int64) {
	from := before(at, n.span)
	for int(g.head) < len(g.entries) && g.entries[g.head].at < from {
		g.dropOldest(n)
	}
}

// measure gives what the condition looks at, and whether it holds.
func (e *Engine) measure(n *node, g *group, at int64) (float64, bool) {
	switch n.c.Type {
	case sigma.OffHours:
		return 1, n.calendar.off(at)
	case sigma.FirstSeen:
		fresh := g.before == none || n.span > 0 && at-g.before > n.span
		return 1, fresh && at-n.began >= int64(n.c.Extension.Learn/tick)
	case sigma.Temporal:
		return n.compareRules(g.seen(before(at, n.span)))
	case sigma.TemporalOrdered:
		return n.compareRules(g.longest(len(n.sources), before(at, n.span)))
	}
	g.slide(n, at)
	window := g.entries[g.head:]
	var x float64
	switch n.c.Type {
	case sigma.EventCount:
		x = g.total
	case sigma.ValueCount:
		x = float64(e.distinct(window))
	case sigma.ValueSum:
		x = g.sum()
	case sigma.ValueAvg:
		x = g.sum() / float64(len(window))
	case sigma.ValueMin, sigma.ValueMax, sigma.ValuePercentile:
		x = e.ranked(n, window)
	case sigma.Regularity:
		return regular(n, window)
	}
	return x, n.compare(x)
}

// seen counts the rules last seen in the window.
func (g *group) seen(from int64) int {
	count := 0
	for _, e := range g.entries {
		if e.at >= from && e.at != none {
			count++
		}
	}
	return count
}

// longest gives the length of the longest chain that began in the window.
func (g *group) longest(rules int, from int64) int {
	for k := rules; k > 0; k-- {
		for i := k - 1; i < rules; i++ {
			if t := g.entries[i*rules+k-1].at; t >= from && t != none {
				return k
			}
		}
	}
	return 0
}

func (n *node) compareRules(count int) (float64, bool) {
	if len(n.c.Compare) == 0 {
		return float64(count), count == len(n.sources)
	}
	return float64(count), n.compare(float64(count))
}

func (n *node) compare(x float64) bool {
	for _, c := range n.c.Compare {
		ok := false
		switch c.Op {
		case "gt":
			ok = x > c.Value
		case "gte":
			ok = x >= c.Value
		case "lt":
			ok = x < c.Value
		case "lte":
			ok = x <= c.Value
		case "eq":
			ok = x == c.Value
		case "neq":
			ok = x != c.Value
		}
		if !ok {
			return false
		}
	}
	return true
}

// sum is exact for whole numbers; others are added anew, so that no error grows.
func (g *group) sum() float64 {
	if g.broken == 0 && math.Abs(g.total) < exact {
		return g.total
	}
	sum := 0.0
	for _, e := range g.entries[g.head:] {
		sum += math.Float64frombits(e.v)
	}
	g.total = sum
	return sum
}

const fewValues = 24

// distinct counts different hashes.
func (e *Engine) distinct(window []entry) int {
	if len(window) <= fewValues {
		count := 0
		for i := range window {
			first := true
			for k := range i {
				if window[k].v == window[i].v {
					first = false
					break
				}
			}
			if first {
				count++
			}
		}
		return count
	}
	e.hashes = e.hashes[:0]
	for _, w := range window {
		e.hashes = append(e.hashes, w.v)
	}
	slices.Sort(e.hashes)
	count := 1
	for i := 1; i < len(e.hashes); i++ {
		if e.hashes[i] != e.hashes[i-1] {
			count++
		}
	}
	return count
}

// ranked gives least, greatest or percentile (nearest rank).
func (e *Engine) ranked(n *node, window []entry) float64 {
	e.scratch = e.scratch[:0]
	for _, w := range window {
		e.scratch = append(e.scratch, math.Float64frombits(w.v))
	}
	switch n.c.Type {
	case sigma.ValueMin:
		return slices.Min(e.scratch)
	case sigma.ValueMax:
		return slices.Max(e.scratch)
	}
	slices.Sort(e.scratch)
	rank := int(math.Ceil(n.c.Percentile / 100 * float64(len(e.scratch))))
	return e.scratch[max(rank, 1)-1]
}

// regular judges the gaps between the moments of a window: their deviation in per cent of their mean.
func regular(n *node, window []entry) (float64, bool) {
	x := n.c.Extension
	if len(window) < x.Events {
		return 0, false
	}
	gaps := float64(len(window) - 1)
	mean := float64(window[len(window)-1].at-window[0].at) / gaps
	sum := 0.0
	for i := 1; i < len(window); i++ {
		d := float64(window[i].at-window[i-1].at) - mean
		sum += d * d
	}
	deviation := math.Sqrt(sum/gaps) / mean * 100
	return deviation, deviation <= x.Jitter
}
