package skip

// set holds the hashes of the words of a block, with open addressing; 0 is a place that is free.
type set struct {
	slots []uint64
	n     int
}

const fewest = 1 << 15

func (s *set) reset() {
	if s.slots == nil {
		s.slots = make([]uint64, fewest)
	}
	clear(s.slots)
	s.n = 0
}

func (s *set) add(h uint64) {
	mask := uint64(len(s.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case h:
			return
		case 0:
			s.slots[i] = h
			if s.n++; s.n > len(s.slots)/2 {
				s.grow()
			}
			return
		}
	}
}

func (s *set) grow() {
	old := s.slots
	s.slots = make([]uint64, 2*len(old))
	mask := uint64(len(s.slots) - 1)
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

func (s *set) each(act func(h uint64)) {
	for _, h := range s.slots {
		if h != 0 {
			act(h)
		}
	}
}
