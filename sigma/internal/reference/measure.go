package reference

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"
)

// holds says whether the inputs of one window meet the condition.
func (c *correlation) holds(inputs []input) bool {
	if c.kind == "regularity" {
		return c.regular(inputs)
	}
	measure, ok := c.measure(inputs)
	return ok && c.met(measure)
}

// measure gives what the condition compares. It fails when there is no number to compare.
func (c *correlation) measure(inputs []input) (*big.Rat, bool) {
	count := func(n int) (*big.Rat, bool) { return big.NewRat(int64(n), 1), true }
	switch c.kind {
	case "event_count":
		return count(len(once(inputs)))
	case "value_count":
		distinct := map[string]bool{}
		for _, in := range inputs {
			distinct[fmt.Sprintf("%q", in.counts)] = true
		}
		return count(len(distinct))
	case "temporal":
		distinct := map[int]bool{}
		for _, in := range inputs {
			distinct[in.rule] = true
		}
		return count(len(distinct))
	case "temporal_ordered":
		return count(longest(inputs))
	default:
		return c.numbers(inputs)
	}
}

// longest gives how many rules occur in their order. The inputs are sorted by time, those of one time by rule.
func longest(inputs []input) int {
	best := 0
	lengths := make([]int, len(inputs)) // of the longest chain that ends here
	for i, last := range inputs {
		lengths[i] = 1
		for j := range i {
			if inputs[j].rule < last.rule {
				lengths[i] = max(lengths[i], lengths[j]+1)
			}
		}
		best = max(best, lengths[i])
	}
	return best
}

// countable says whether an input has what the correlation counts: for a sum and its like, a number.
func (c *correlation) countable(counts []string) bool {
	switch c.kind {
	case "value_sum", "value_avg", "value_min", "value_max", "value_percentile":
		_, ok := decimal(counts[0])
		return ok
	default:
		return true
	}
}

func (c *correlation) numbers(inputs []input) (*big.Rat, bool) {
	var numbers []*big.Rat
	sum := new(big.Rat)
	for _, in := range once(inputs) {
		if n, ok := decimal(in.counts[0]); ok { // always: see countable
			numbers = append(numbers, n)
			sum.Add(sum, n)
		}
	}
	if len(numbers) == 0 {
		return nil, false
	}
	slices.SortFunc(numbers, func(a, b *big.Rat) int { return a.Cmp(b) })
	size := big.NewRat(int64(len(numbers)), 1)
	switch c.kind {
	case "value_sum":
		return sum, true
	case "value_avg":
		return sum.Quo(sum, size), true
	case "value_min":
		return numbers[0], true
	case "value_max":
		return numbers[len(numbers)-1], true
	}
	// value_percentile: the smallest value with at least so many at or below it.
	for i, n := range numbers {
		part := new(big.Rat).Quo(big.NewRat(int64(i+1)*100, 1), size)
		if part.Cmp(c.percentile) >= 0 {
			return n, true
		}
	}
	return nil, false
}

// regular says whether the times of a window are evenly spaced: deviation² ≤ (jitter × mean)².
func (c *correlation) regular(inputs []input) bool {
	times := (&group{inputs: inputs}).times()
	if len(times) < c.least {
		return false
	}
	var gaps []*big.Rat
	sum := new(big.Rat)
	for i := 1; i < len(times); i++ {
		gap := big.NewRat(int64(times[i].Sub(times[i-1])), 1)
		gaps = append(gaps, gap)
		sum.Add(sum, gap)
	}
	size := big.NewRat(int64(len(gaps)), 1)
	mean := new(big.Rat).Quo(sum, size)
	variance := new(big.Rat)
	for _, gap := range gaps {
		off := new(big.Rat).Sub(gap, mean)
		variance.Add(variance, off.Mul(off, off))
	}
	variance.Quo(variance, size)
	allowed := new(big.Rat).Mul(c.jitter, mean)
	return variance.Cmp(allowed.Mul(allowed, allowed)) <= 0
}

// firstSeen fires for values new to their group.
func firstSeen(c *correlation, groups []*group, fire report) []occurrence {
	var start time.Time
	for i, g := range groups {
		if i == 0 || g.inputs[0].time.Before(start) {
			start = g.inputs[0].time
		}
	}
	var found []occurrence
	for _, g := range groups {
		fired := map[string]bool{}
		for _, in := range g.inputs {
			if in.time.Sub(start) < c.learn || slices.ContainsFunc(g.inputs, func(old input) bool { return c.remembers(old, in) }) {
				continue
			}
			names := maps.Clone(g.names)
			for i, field := range c.fields {
				names[field] = in.counts[i]
			}
			if key := fmt.Sprintf("%q %d", in.counts, in.time.UnixNano()); !fired[key] {
				fired[key] = true
				fire(in.time, names)
			}
			found = append(found, in.with(names))
		}
	}
	return found
}

// remembers says whether an earlier input has the same value, not too long ago.
func (c *correlation) remembers(old, in input) bool {
	return old.time.Before(in.time) && slices.Equal(old.counts, in.counts) && (c.forget == 0 || in.time.Sub(old.time) <= c.forget)
}

// absence fires where a group stays silent for longer than the timespan.
func (s *scan) absence(c *correlation, groups []*group, fire report) []occurrence {
	var found []occurrence
	for _, g := range groups {
		times := g.times()
		for i, at := range times {
			next := s.newest
			if i+1 < len(times) {
				next = times[i+1]
			}
			silent := at.Add(c.timespan)
			if !next.After(silent) {
				continue
			}
			fire(silent, g.names)
			for _, o := range latest(g.inputs, at, g.names) {
				o.time = silent
				found = append(found, o)
			}
		}
	}
	return found
}

// offHours fires at each time that is outside working hours.
func offHours(c *correlation, groups []*group, fire report) []occurrence {
	var found []occurrence
	for _, g := range groups {
		for _, at := range g.times() {
			if !c.office.open(at) {
				fire(at, g.names)
				found = append(found, latest(g.inputs, at, g.names)...)
			}
		}
	}
	return found
}
