package segment

import (
	"math/bits"
	"sync"
)

// pool keeps memory to be used again, by powers of two, so that a small need does not take what a large one wants.
type pool[T any] [33]sync.Pool

// take gives n elements with any content.
func (p *pool[T]) take(n int) *[]T {
	class := bits.Len(uint(max(n, 1) - 1))
	if b, ok := p[class].Get().(*[]T); ok {
		*b = (*b)[:n]
		return b
	}
	b := make([]T, n, 1<<class)
	return &b
}

func (p *pool[T]) give(b *[]T) { p[bits.Len(uint(cap(*b))-1)].Put(b) }

// Memory that is read into.
var (
	buffers pool[byte]
	longs   pool[int64]
	numbers pool[uint64]
	texts   pool[string]
	codes   pool[uint16]
	places  pool[uint32]
	ints    pool[int32]
)

// Room is memory that what is read of a block lies in, but for the bytes of texts. Free lets it be used again, and
// nothing of it may be touched after that. A nil Room gives memory that is the reader's for good. The zero value is
// ready; it is for one goroutine.
type Room struct {
	buffers []*[]byte
	longs   []*[]int64
	numbers []*[]uint64
	texts   []*[]string
	codes   []*[]uint16
	places  []*[]uint32
	ints    []*[]int32
}

// borrow takes from a pool and remembers it.
func borrow[T any](from *pool[T], taken *[]*[]T, n int) []T {
	b := from.take(n)
	*taken = append(*taken, b)
	return *b
}

func (m *Room) buffer(n int) []byte {
	if m == nil {
		return make([]byte, n)
	}
	return borrow(&buffers, &m.buffers, n)
}

func (m *Room) long(n int) []int64 {
	if m == nil {
		return make([]int64, n)
	}
	return borrow(&longs, &m.longs, n)
}

func (m *Room) seq(n int) []uint64 {
	if m == nil {
		return make([]uint64, n)
	}
	return borrow(&numbers, &m.numbers, n)
}

func (m *Room) text(n int) []string {
	if m == nil {
		return make([]string, n)
	}
	return borrow(&texts, &m.texts, n)
}

func (m *Room) code(n int) []uint16 {
	if m == nil {
		return make([]uint16, n)
	}
	return borrow(&codes, &m.codes, n)
}

func (m *Room) place(n int) []uint32 {
	if m == nil {
		return make([]uint32, n)
	}
	return borrow(&places, &m.places, n)
}

func (m *Room) int(n int) []int32 { return borrow(&ints, &m.ints, n) }

func giveAll[T any](to *pool[T], taken *[]*[]T) {
	for _, b := range *taken {
		to.give(b)
	}
	*taken = (*taken)[:0]
}

// Free gives the memory back.
func (m *Room) Free() {
	giveAll(&buffers, &m.buffers)
	giveAll(&longs, &m.longs)
	giveAll(&numbers, &m.numbers)
	giveAll(&texts, &m.texts)
	giveAll(&codes, &m.codes)
	giveAll(&places, &m.places)
	giveAll(&ints, &m.ints)
}
