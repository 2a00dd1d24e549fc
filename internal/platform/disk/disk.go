// Package disk watches the room that is left where the data lies. Below a floor an office stops writing before
// the disk stops it: what is begun can still be finished, people can still read, and the machine itself stays
// usable. It imports nothing of ours.
package disk

import (
	"sync"
	"time"
)

// DefaultFloor is the room below which an office stops writing, in bytes: some large imports, and what the
// database needs to tidy up behind them.
const DefaultFloor = 200 << 20

// hold is how long a disk counts as full after an act found it so: a quota, which the free room does not show,
// must not be run against by every request.
const hold = 10 * time.Second

// Watch tells whether there is room. It is safe for concurrent use.
type Watch struct {
	// Dir is where the data lies.
	Dir string
	// Floor is the room below which Low is true, in bytes; 0 watches nothing but Full.
	Floor uint64
	// Free asks the system; Free of this package where nothing else is given.
	Free func(dir string) (uint64, error)
	// Now is the clock.
	Now func() time.Time

	mu   sync.Mutex
	full time.Time // when an act found the disk full
}

// Left is the room left in bytes; ok is false where the system does not tell.
func (w *Watch) Left() (free uint64, ok bool) {
	ask := w.Free
	if ask == nil {
		ask = Free
	}
	free, err := ask(w.Dir)
	return free, err == nil
}

// Low says whether nothing should be written now. It is false again by itself once there is room.
func (w *Watch) Low() bool {
	w.mu.Lock()
	full := w.full
	w.mu.Unlock()
	if !full.IsZero() && w.Now().Sub(full) < hold {
		return true
	}
	free, ok := w.Left()
	return ok && free < w.Floor
}

// Full notes that an act found no room.
func (w *Watch) Full() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.full = w.Now()
}
