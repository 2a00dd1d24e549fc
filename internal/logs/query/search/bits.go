package search

import (
	"math/bits"
	"slices"
)

// rows is a set of the rows of a block, a bit for each; bits beyond the rows are 0.
type rows []uint64

func (r rows) empty() bool {
	for _, w := range r {
		if w != 0 {
			return false
		}
	}
	return true
}

func (r rows) count() int {
	n := 0
	for _, w := range r {
		n += bits.OnesCount64(w)
	}
	return n
}

// fill sets the first n rows.
func (r rows) fill(n int) {
	for i := range r {
		r[i] = ^uint64(0)
	}
	if n%64 != 0 {
		r[len(r)-1] = 1<<(n%64) - 1
	}
}

// each calls do for each row of the set in rising order, until it returns false.
func (r rows) each(do func(row int) bool) {
	for i, w := range r {
		for ; w != 0; w &= w - 1 {
			if !do(i<<6 + bits.TrailingZeros64(w)) {
				return
			}
		}
	}
}

// back calls do for each row of the set in falling order, until it returns false.
func (r rows) back(do func(row int) bool) {
	for i, w := range slices.Backward(r) {
		for w != 0 {
			bit := 63 - bits.LeadingZeros64(w)
			if !do(i<<6 + bit) {
				return
			}
			w &^= 1 << bit
		}
	}
}
