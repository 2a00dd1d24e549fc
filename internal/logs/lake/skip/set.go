package skip

// set holds the hashes of the words of a block, with open addressing; 0 is a place that is free.
type set struct {
	slots  []uint32
	n      int
	missed []uint32
}

const fewest = 1 << 15

func (s *set) reset() {
	if s.slots == nil {
		s.slots = make([]uint32, fewest)
	}
	clear(s.slots)
	s.n = 0
}

// addAll adds hashes. Nine words of ten are there already, and no processor foresees which: so all are looked for first,
// without a branch, and only those that do not stand in their own place go through add.
func (s *set) addAll(hashes []uint32) {
	if len(s.missed) < len(hashes) {
		s.missed = make([]uint32, 2*len(hashes))
	}
	slots, missed, n := s.slots, s.missed[:len(hashes)], 0
	mask := uint32(len(slots) - 1)
	for _, h := range hashes {
		missed[n] = h
		if slots[h&mask] != h {
			n++
		}
	}
	for _, h := range missed[:n] {
		s.add(h)
	}
}

func (s *set) add(h uint32) {
	mask := uint32(len(s.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case h:
			return
		case 0:
			s.slots[i] = h
			if s.n++; s.n > len(s.slots)/8*5 {
				s.grow()
			}
			return
		}
	}
}

func (s *set) grow() {
	old := s.slots
	s.slots = make([]uint32, 2*len(old))
	mask := uint32(len(s.slots) - 1)
	for _, h := range old {
		if h == 0 {
			continue
		}
		i := h & mask
		for s.slots[i] != 0 {
			i = (i + 1) & mask
		}
		s.slots[i] = h
	}
}

func (s *set) each(act func(h uint32)) {
	for _, h := range s.slots {
		if h != 0 {
			act(h)
		}
	}
}
