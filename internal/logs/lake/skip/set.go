package skip

import (
	"maps"
	"slices"
)

// set holds the hashes of the words of a block, with open addressing; 0 is a place that is free. The first bits of a hash
// are its place, so that the hashes stand nearly in their order. Those that find that and the next places taken are late:
// only lines made for it have many of them.
type set struct {
	slots  []uint32
	shift  int
	n      int
	late   map[uint32]bool
	missed []uint32
}

const (
	fewestBits = 15
	tried      = 256 // places
)

func (s *set) reset() {
	if s.slots == nil {
		s.slots, s.shift = make([]uint32, 1<<fewestBits+tried), 32-fewestBits
	}
	clear(s.slots)
	clear(s.late)
	s.n = 0
}

// addAll adds hashes. Nine words of ten are there already, and no processor foresees which: so all are looked for first,
// without a branch, and only those that do not stand in their own place go through add.
func (s *set) addAll(hashes []uint32) {
	if len(s.missed) < len(hashes) {
		s.missed = make([]uint32, 2*len(hashes))
	}
	slots, missed, shift, n := s.slots, s.missed[:len(hashes)], s.shift&31, 0
	for _, h := range hashes {
		missed[n] = h
		if slots[h>>shift] != h {
			n++
		}
	}
	for _, h := range missed[:n] {
		s.add(h)
	}
}

func (s *set) add(h uint32) {
	place := h >> s.shift
	for i, there := range s.slots[place : place+tried] {
		switch there {
		case h:
			return
		case 0:
			s.slots[int(place)+i] = h
			if s.n++; s.n > len(s.slots)/8*5 {
				s.grow()
			}
			return
		}
	}
	if s.late == nil {
		s.late = map[uint32]bool{}
	}
	s.late[h] = true
}

func (s *set) grow() {
	old := s.slots
	s.slots, s.shift, s.n = make([]uint32, 2*(len(old)-tried)+tried), s.shift-1, 0
	for _, h := range old {
		if h != 0 {
			s.add(h)
		}
	}
}

// sorted gives the hashes in ascending order, in room if they fit.
func (s *set) sorted(room []uint32) []uint32 {
	out := room[:0]
	for _, h := range s.slots {
		if h == 0 {
			continue
		}
		out = append(out, h)
		for i := len(out) - 1; i > 0 && out[i-1] > h; i-- { // a few places
			out[i-1], out[i] = h, out[i-1]
		}
	}
	if len(s.late) > 0 {
		out = slices.AppendSeq(out, maps.Keys(s.late))
		slices.Sort(out)
		out = slices.Compact(out) // one that was late may have found a place when the set had grown
	}
	return out
}
