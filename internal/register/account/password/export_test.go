package password

// Occupy takes every slot; release gives them back.
func (h *Hasher) Occupy() (release func()) {
	for range atOnce {
		h.slots <- struct{}{}
	}
	return func() {
		for range atOnce {
			<-h.slots
		}
	}
}

// Queue makes n callers wait, as far as the hasher knows.
func (h *Hasher) Queue(n int32) { h.waiting.Store(n) }
