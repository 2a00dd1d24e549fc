package text

import (
	"encoding/binary"
	"math/bits"
)

// Span is a piece of a text: From ≤ i < To, in bytes.
type Span struct{ From, To uint32 }

// Cutter finds the words of many lines, one after another, in memory that it uses again. The zero value is ready. One
// goroutine uses it.
type Cutter struct {
	line  []byte
	masks []uint64
	spans []Span
}

// Padding is how many zero bytes stand behind what Cut returns, so that eight bytes may be read at once at every place.
const Padding = 8

// Cut finds the words of a line of ASCII as Words does: lower is the folded line, spans are where the words stand in it,
// those that repeat too. ok is false, and nothing else is told, where the line has other bytes: Words cuts those.
// Both results are good until the next call, and Padding zero bytes stand behind lower.
func (c *Cutter) Cut(line []byte) (lower []byte, spans []Span, ok bool) {
	n := len(line)
	if whole := (n + 63) / 64 * 64; cap(c.line) < whole+Padding {
		c.line = make([]byte, 2*whole+Padding)
		c.masks = make([]uint64, 2*whole/64)
	}
	padded := c.line[:(n+63)/64*64+Padding]
	copy(padded, line)
	clear(padded[n:])
	masks := c.masks[:len(padded)/64]
	for i := range masks {
		masks[i], ok = lowerAndMask((*[64]byte)(padded[64*i:]))
		if !ok {
			return nil, nil, false
		}
	}
	c.bounds(padded[:n], masks)
	return padded[:n], c.spans, true
}

// Every byte of these words is the same.
const (
	ones = 0x0101010101010101
	high = 0x80 * ones
)

// lowerAndMask puts capital letters of 64 bytes of ASCII in lower case and marks the bytes that belong to words, the
// first in the lowest bit; false: there are other bytes. Eight bytes are looked at in one step: adding 0x80-c to a byte
// below 0x80 sets its highest bit exactly when it is c or more.
func lowerAndMask(b *[64]byte) (mask uint64, ok bool) {
	for i := 0; i < len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		if x&high != 0 {
			return 0, false
		}
		capital := (x + (0x80-'A')*ones) &^ (x + (0x80-'Z'-1)*ones) & high
		x |= capital >> 2
		binary.LittleEndian.PutUint64(b[i:], x)
		m := (x+(0x80-'a')*ones)&^(x+(0x80-'z'-1)*ones) | (x+(0x80-'0')*ones)&^(x+(0x80-'9'-1)*ones) |
			^(x ^ '_'*ones + 0x7F*ones)
		mask |= (m & high >> 7 * 0x0102040810204080) >> 56 << i
	}
	return mask, true
}

// bounds makes spans of the runs of marked bytes, and of four numbers that are joined by dots.
func (c *Cutter) bounds(lower []byte, masks []uint64) {
	c.spans = c.spans[:0]
	var quad dotted
	before, from := uint64(0), uint32(0)
	inside := false
	for i, m := range masks {
		edges := m ^ (m<<1 | before)
		before = m >> 63
		for ; edges != 0; edges &= edges - 1 {
			at := uint32(64*i + bits.TrailingZeros64(edges))
			if inside = !inside; inside {
				from = at
				continue
			}
			c.word(lower, from, at, &quad)
		}
	}
	if inside {
		c.word(lower, from, uint32(len(lower)), &quad)
	}
}

func (c *Cutter) word(lower []byte, from, to uint32, quad *dotted) {
	c.spans = append(c.spans, Span{from, min(to, from+MaxWord)})
	if lower[from] > '9' || to-from > 3 {
		quad.count = 0
		return
	}
	if start := next(quad, lower, int(from), int(to)); start >= 0 {
		c.spans = append(c.spans, Span{uint32(start), to})
	}
}
