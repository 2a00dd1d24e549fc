// Package gram finds which of many literals occur in a value, without reading most of it twice: four bytes at a time
// are looked up in a bitmap that is small enough to stay in the first cache; only where it says "perhaps" is
// a literal compared. Ends, beginnings and whole values are looked up by hash alone. It imports nothing of ours.
package gram

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Kind says where a literal must stand.
type Kind uint8

// The places.
const (
	Contains Kind = iota
	Prefix
	Suffix
	Exact
)

// Literal is one text to find. Payload comes back when it is found.
type Literal struct {
	Kind    Kind
	Text    string
	Payload int32
}

// Index is ready to search. It never changes.
type Index struct {
	grams grams
	edges edges
}

// Build makes an index. commonness says how often four bytes occur in usual values; each literal is looked up by
// its least common four.
func Build(literals []Literal, commonness func(gram uint32) int) *Index {
	x := &Index{}
	var inner, outer []Literal
	for _, l := range literals {
		switch {
		case l.Kind != Contains:
			outer = append(outer, l)
		default:
			inner = append(inner, l)
		}
	}
	x.grams.build(inner, commonness)
	x.edges.build(outer)
	return x
}

// Find appends the payloads of the literals that v holds. One may be appended more than once.
func (x *Index) Find(dst []int32, v []byte) []int32 {
	if len(x.edges.classes) > 0 {
		dst = x.edges.find(dst, v)
	}
	if len(x.grams.bitmap) > 0 && len(v) >= 4 {
		dst = x.grams.find(dst, v)
	}
	for i := range x.grams.short {
		if s := &x.grams.short[i]; bytes.Contains(v, s.text) {
			dst = append(dst, s.payload)
		}
	}
	return dst
}

// Size gives the bytes that the index holds, about.
func (x *Index) Size() int {
	n := 8*len(x.grams.bitmap) + 4*len(x.grams.heads) + 12*len(x.grams.entries) + 16*len(x.edges.slots)
	for _, l := range x.grams.literals {
		n += len(l.text) + 32
	}
	for _, l := range x.edges.entries {
		n += len(l.text) + 40
	}
	return n
}

const multiplier = 0x9E3779B1

type literal struct {
	text    []byte
	at      int32 // where in text its four bytes stand
	payload int32
}

type entry struct {
	gram    uint32
	next    int32 // -1 ends
	literal int32
}

type grams struct {
	bitmap    []uint64
	shift     uint8 // from 32-bit hash to bit
	headShift uint8
	heads     []int32
	entries   []entry
	literals  []literal
	short     []literal // less than four bytes
}

func (g *grams) build(all []Literal, commonness func(gram uint32) int) {
	for _, l := range all {
		one := literal{text: []byte(l.Text), payload: l.Payload}
		if len(one.text) < 4 {
			g.short = append(g.short, one)
			continue
		}
		least := -1
		for i := 0; i+4 <= len(one.text); i++ {
			if c := commonness(binary.LittleEndian.Uint32(one.text[i:])); least < 0 || c < least {
				least, one.at = c, int32(i)
			}
		}
		g.literals = append(g.literals, one)
	}
	n := len(g.literals)
	if n == 0 {
		return
	}
	// 64 bits for each literal let about one window in 64 through by chance; 2^17 bits are 16 KiB.
	logBits := min(max(bits.Len(uint(n*64)), 9), 17)
	g.bitmap = make([]uint64, 1<<logBits/64)
	g.shift = uint8(32 - logBits)
	logHeads := max(bits.Len(uint(2*n)), 4)
	g.headShift = uint8(32 - logHeads)
	g.heads = make([]int32, 1<<logHeads)
	for i := range g.heads {
		g.heads[i] = -1
	}
	for i := range g.literals {
		l := &g.literals[i]
		gram := binary.LittleEndian.Uint32(l.text[l.at:])
		h := gram * multiplier
		g.bitmap[h>>g.shift>>6] |= 1 << (h >> g.shift & 63)
		head := &g.heads[h>>g.headShift]
		g.entries = append(g.entries, entry{gram: gram, next: *head, literal: int32(i)})
		*head = int32(len(g.entries) - 1)
	}
}

func (g *grams) find(dst []int32, v []byte) []int32 {
	bitmap, shift := g.bitmap, g.shift&31
	i := 0
	for ; i+8 <= len(v); i += 4 {
		w := binary.LittleEndian.Uint64(v[i:])
		h0 := uint32(w) * multiplier >> shift
		h1 := uint32(w>>8) * multiplier >> shift
		h2 := uint32(w>>16) * multiplier >> shift
		h3 := uint32(w>>24) * multiplier >> shift
		b0 := bitmap[h0>>6] >> (h0 & 63)
		b1 := bitmap[h1>>6] >> (h1 & 63)
		b2 := bitmap[h2>>6] >> (h2 & 63)
		b3 := bitmap[h3>>6] >> (h3 & 63)
		if (b0|b1|b2|b3)&1 == 0 {
			continue
		}
		if b0&1 != 0 {
			dst = g.check(dst, v, i, uint32(w))
		}
		if b1&1 != 0 {
			dst = g.check(dst, v, i+1, uint32(w>>8))
		}
		if b2&1 != 0 {
			dst = g.check(dst, v, i+2, uint32(w>>16))
		}
		if b3&1 != 0 {
			dst = g.check(dst, v, i+3, uint32(w>>24))
		}
	}
	for ; i+4 <= len(v); i++ {
		w := binary.LittleEndian.Uint32(v[i:])
		h := w * multiplier >> shift
		if bitmap[h>>6]>>(h&63)&1 != 0 {
			dst = g.check(dst, v, i, w)
		}
	}
	return dst
}

// check compares the literals that are looked up by these four bytes, which stand at i.
func (g *grams) check(dst []int32, v []byte, i int, gram uint32) []int32 {
	for e := g.heads[gram*multiplier>>(g.headShift&31)]; e >= 0; {
		this := &g.entries[e]
		e = this.next
		if this.gram != gram {
			continue
		}
		l := &g.literals[this.literal]
		start := i - int(l.at)
		if start >= 0 && start+len(l.text) <= len(v) && string(v[start:start+len(l.text)]) == string(l.text) {
			dst = append(dst, l.payload)
		}
	}
	return dst
}
