// Package sqlitetest opens real databases for tests.
package sqlitetest

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

// Clock is a clock that tests set by hand. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that stands at noon in Tokyo on an ISO day, e.g. "2026-11-23".
func NewClock(day string) *Clock {
	c := &Clock{}
	c.SetDay(day)
	return c
}

// Now gives the time of the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// SetDay moves the clock to noon in Tokyo on an ISO day; a wrong day panics.
func (c *Clock) SetDay(day string) {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t.Add(3 * time.Hour) // noon in Tokyo
}

// Advance moves the clock by d.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Open returns a new database in a temporary folder, with all migrations run; it closes with the test.
func Open(t testing.TB, clock *Clock, migrations ...sqlite.Migration) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "kizuki.db"), clock.Now)
	if err != nil {
		t.Fatalf("open database: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	if err := db.Migrate(t.Context(), migrations); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	return db
}
