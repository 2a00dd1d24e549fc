package evidence_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// After the catalogue is lost, days that were signed are merged, and the days after them.
func TestRebuiltCatalogue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.append(t, 1000)
	}
	if err := w.lake.Tidy(t.Context()); err != nil { // the notes of the last segments
		t.Fatal(err)
	}
	for range 2 {
		w.close(t)
		if err := os.Remove(filepath.Join(w.dir, "lake", "catalogue")); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(24 * time.Hour)
		w.open(t)
		if err := w.lake.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, f := range w.lake.Files() {
			if f.Level == 0 {
				t.Errorf("%s is not merged", f.Name)
			}
		}
		if s := w.lake.Stats(); s.SealedRows != 3000 || len(s.Alarms) != 0 {
			t.Errorf("%+v", s)
		}
		for _, source := range []string{"fw", "web"} {
			if r := w.verify(t, source); !r.Good() || r.Records != 1500 {
				t.Errorf("%s: %+v", source, r)
			}
		}
	}
}
