package sample

import (
	"sync"
	"time"

	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// Clock is the clock of a demo: it stands on the days of the history while that is made, and follows the
// real one afterwards. It is safe for concurrent use.
type Clock struct {
	mu     sync.Mutex
	follow func() time.Time
	set    bool
	now    time.Time
}

// The first act of a day is at nine in the morning; each look at the clock is later than the one before, so
// that what happened on one day keeps its order.
const (
	opening = 9 * time.Hour
	tick    = time.Second
)

// NewClock returns a clock that follows the given one until Set.
func NewClock(follow func() time.Time) *Clock { return &Clock{follow: follow} }

// Now gives the present instant of the demo; it never lies ahead of the real clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	actual := c.follow()
	if !c.set {
		return actual
	}
	c.now = c.now.Add(tick)
	if c.now.After(actual) {
		return actual
	}
	return c.now
}

// Set puts the clock on the morning of a day; on the same day it just goes on.
func (c *Clock) Set(day jdate.Day) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.set && jdate.Of(c.now) == day {
		return
	}
	c.set, c.now = true, day.Start().Add(opening)
}

// Follow lets the clock follow the real one from now on.
func (c *Clock) Follow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set = false
}
