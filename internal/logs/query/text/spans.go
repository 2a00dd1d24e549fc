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
	edges []uint32
	spans []Span
}

// Padding is how many zero bytes stand behind what Cut returns, so that sixteen bytes may be read at once at every place.
const Padding = 16

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
	other := uint64(0)
	for i := 0; i < len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		other |= x
		low := x | 0x20*ones
		letters := (low + (0x80-'a')*ones) &^ (low + (0x80-'z'-1)*ones)
		binary.LittleEndian.PutUint64(b[i:], x|letters&high>>2)
		m := letters | (x+(0x80-'0')*ones)&^(x+(0x80-'9'-1)*ones) | ^(x ^ '_'*ones + 0x7F*ones)
		mask = mask>>8 | m&high>>7*0x0102040810204080&(0xFF<<56)
	}
	return mask, other&high == 0
}

// bounds makes spans of the runs of marked bytes, and of four numbers that are joined by dots. Where words begin and end
// is gathered first, eight edges in one step: how many there are is not foreseen by a processor, and words are short.
func (c *Cutter) bounds(lower []byte, masks []uint64) {
	if most := len(lower) + 128; cap(c.edges) < most {
		c.edges = make([]uint32, 2*most)
	}
	edges, n := c.edges[:cap(c.edges)], 0
	before := uint64(0)
	for i, m := range masks {
		rest := m ^ (m<<1 | before)
		before = m >> 63
		count := bits.OnesCount64(rest)
		base := uint32(64 * i)
		for at := n; at < n+count; at += 8 {
			e := (*[8]uint32)(edges[at:])
			for j := range e {
				e[j] = base + uint32(bits.TrailingZeros64(rest))
				rest &= rest - 1
			}
		}
		n += count
	}
	if n%2 == 1 {
		edges[n] = uint32(len(lower))
		n++
	}
	c.words(lower, edges[:n])
}

// words makes spans of edges.
func (c *Cutter) words(lower []byte, edges []uint32) {
	if cap(c.spans) < len(edges) { // a word is two edges, and ends at most one row of numbers
		c.spans = make([]Span, 2*len(edges))
	}
	spans, n := c.spans[:len(edges)], 0
	last, joined := uint32(0), 0
	for i := 0; i+1 < len(edges); i += 2 {
		from, to := edges[i], edges[i+1]
		spans[n] = Span{from, min(to, from+MaxWord)}
		n++
		if from != last+1 || lower[last] != '.' {
			joined = 0
		} else if joined++; joined >= 3 {
			if start := quad(lower, int(to)); start >= 0 {
				spans[n] = Span{uint32(start), to}
				n++
			}
		}
		last = to
	}
	c.spans = spans[:n]
}

// quad returns where four numbers of up to three digits start that are joined by dots and end at to, or -1.
func quad(lower []byte, to int) int {
	at := to
	for numbers := 1; ; numbers++ {
		end := at
		for at > 0 && end-at < 4 && lower[at-1] >= '0' && lower[at-1] <= '9' {
			at--
		}
		switch {
		case at == end, end-at > 3:
			return -1
		case numbers == 4:
			if at > 0 && asciiLetter[lower[at-1]] {
				return -1
			}
			return at
		case at == 0, lower[at-1] != '.':
			return -1
		}
		at--
	}
}
