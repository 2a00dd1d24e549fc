package lake_test

import (
	"errors"
	"testing"
	"time"
)

// TestCatalogueBehind merges twice while the catalogue cannot be written: what the first merge replaced must not be
// missed by a start that finds only the second.
func TestCatalogueBehind(t *testing.T) {
	t.Parallel()
	dir, c, f := t.TempDir(), newClock(), newFaults()
	config := small(c)
	config.FS = f
	l := open(t, dir, config)
	recs := records(7, 2100, "fw")
	appendAll(t, l, recs)
	flush(t, l)
	c.add(24 * time.Hour)
	f.set(sometimes(1, 1, "catalogue"))
	for range 5 {
		if err := l.Tidy(t.Context()); !errors.Is(err, errFault) {
			t.Errorf("merged on: %v", err)
		}
	}
	f.set(nil)
	crashed := copyDir(t, dir)
	for _, dir := range []string{dir, crashed} {
		if dir != crashed {
			if err := l.Tidy(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
		again := open(t, dir, small(c))
		same(t, "opened again", all(t, again), want(recs))
		if s := again.Stats(); len(s.Alarms) != 0 || dir != crashed && s.Files != 1 {
			t.Errorf("%+v", s)
		}
	}
}
