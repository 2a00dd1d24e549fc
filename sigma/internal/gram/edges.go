package gram

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// class is the number of bytes at one end that are hashed for a group of literals. Exact literals hash both ends.
type class struct {
	kind Kind
	n    uint8
}

var classes = [...]uint8{12, 8, 4, 2, 1}

type edge struct {
	text    []byte
	kind    Kind
	next    int32
	payload int32
}

type slot struct {
	hash  uint64
	first int32 // -1 is free
}

type edges struct {
	classes []class
	slots   []slot
	shift   uint8
	entries []edge
}

func (x *edges) build(all []Literal) {
	if len(all) == 0 {
		return
	}
	logSlots := max(bits.Len(uint(2*len(all))), 3)
	x.shift = uint8(64 - logSlots)
	x.slots = make([]slot, 1<<logSlots)
	for i := range x.slots {
		x.slots[i].first = -1
	}
	for _, l := range all {
		e := edge{text: []byte(l.Text), kind: l.Kind, next: -1, payload: l.Payload}
		c := class{kind: l.Kind}
		if l.Kind != Exact {
			for _, n := range classes {
				if int(n) <= len(e.text) {
					c.n = n
					break
				}
			}
		}
		x.use(c)
		s := x.slot(hash(c, e.text))
		e.next = s.first
		x.entries = append(x.entries, e)
		s.first = int32(len(x.entries) - 1)
	}
}

func (x *edges) use(c class) {
	if slices.Contains(x.classes, c) {
		return
	}
	x.classes = append(x.classes, c)
}

// slot gives the slot of a hash, taking a free one for it.
func (x *edges) slot(h uint64) *slot {
	for i := h >> x.shift; ; i = (i + 1) & uint64(len(x.slots)-1) {
		s := &x.slots[i]
		if s.first < 0 {
			s.hash = h
		}
		if s.hash == h {
			return s
		}
	}
}

func (x *edges) find(dst []int32, v []byte) []int32 {
	for _, c := range x.classes {
		if len(v) < int(c.n) {
			continue
		}
		h := hash(c, v)
		mask := uint64(len(x.slots) - 1)
		for i := h >> (x.shift & 63); x.slots[i&mask].first >= 0; i++ {
			s := &x.slots[i&mask]
			if s.hash != h {
				continue
			}
			for e := s.first; e >= 0; {
				this := &x.entries[e]
				e = this.next
				if this.holds(v) {
					dst = append(dst, this.payload)
				}
			}
			break
		}
	}
	return dst
}

func (e *edge) holds(v []byte) bool {
	n := len(e.text)
	if len(v) < n {
		return false
	}
	switch e.kind {
	case Prefix:
		return string(v[:n]) == string(e.text)
	case Suffix:
		return string(v[len(v)-n:]) == string(e.text)
	case Exact, Contains:
	}
	return string(v) == string(e.text)
}

// hash mixes the bytes of the class; v has at least so many.
func hash(c class, v []byte) uint64 {
	var a, b uint64
	n := len(v)
	switch {
	case c.kind == Exact:
		a, b = head(v, min(n, 8)), tail(v, min(n, 8))
		b += uint64(n) << 56
	case c.kind == Suffix && c.n == 12:
		a, b = tail(v, 8), uint64(binary.LittleEndian.Uint32(v[n-12:]))
	case c.kind == Suffix:
		a = tail(v, int(c.n))
	case c.n == 12:
		a, b = head(v, 8), uint64(binary.LittleEndian.Uint32(v[8:]))
	default:
		a = head(v, int(c.n))
	}
	h := (a + uint64(c.kind)<<4 + uint64(c.n)) * 0x9E3779B97F4A7C15
	h = (bits.RotateLeft64(h, 29) ^ b) * 0xD6E8FEB86659FD93
	return h ^ h>>32*0x9E3779B97F4A7C15
}

// head gives the first n bytes, at most 8, as a number.
func head(v []byte, n int) uint64 {
	if len(v) >= 8 {
		return binary.LittleEndian.Uint64(v) << (64 - 8*uint(n)) >> (64 - 8*uint(n))
	}
	var w uint64
	for i := range n {
		w |= uint64(v[i]) << (8 * i)
	}
	return w
}

// tail gives the last n bytes, at most 8, as a number.
func tail(v []byte, n int) uint64 {
	if len(v) >= 8 {
		return binary.LittleEndian.Uint64(v[len(v)-8:]) >> (64 - 8*uint(n))
	}
	var w uint64
	for i := range n {
		w |= uint64(v[len(v)-n+i]) << (8 * i)
	}
	return w
}
