package evidence_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/evidence"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
)

type world struct {
	now    time.Time
	dir    string
	config lake.Config
	proofs proof.Config
	keeper *evidence.Keeper
	lake   *lake.Lake
}

func newWorld(t *testing.T) *world {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, "plant")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), dir: t.TempDir()}
	w.proofs = proof.Config{Dir: filepath.Join(w.dir, "proof"), Lake: "plant", Signer: signer, Keys: []proof.Verifier{verifier}}
	w.config = lake.Config{
		Clock: func() time.Time { return w.now }, Keep: func(source string) int { return map[string]int{"web": 5}[source] },
		Limits: lake.Limits{SegmentRows: 700, GroupWait: time.Millisecond, MergeFiles: 2},
	}
	w.open(t)
	t.Cleanup(func() { w.close(t) })
	return w
}

func (w *world) open(t *testing.T) {
	t.Helper()
	w.keeper = evidence.New(w.proofs)
	w.config.Evidence = w.keeper
	var err error
	if w.lake, err = lake.Open(filepath.Join(w.dir, "lake"), w.config); err != nil {
		t.Fatal(err)
	}
}

func (w *world) close(t *testing.T) {
	t.Helper()
	if err := w.lake.Close(); err != nil {
		t.Error(err)
	}
	if err := w.keeper.Close(); err != nil {
		t.Error(err)
	}
}

func (w *world) append(t *testing.T, n int) {
	t.Helper()
	recs := make([]event.Record, n)
	for i := range recs {
		recs[i] = event.Record{Source: []string{"fw", "web"}[i%2], Format: event.Raw, Raw: fmt.Appendf(nil, "行 %d at %v", i, w.now)}
	}
	if _, err := w.lake.Append(t.Context(), recs); err != nil {
		t.Fatal(err)
	}
	if err := w.lake.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) verify(t *testing.T, source string) *proof.Report {
	t.Helper()
	report, bad, err := w.keeper.Verify(t.Context(), w.lake, source, nil)
	if err != nil || len(bad) != 0 {
		t.Fatalf("%v %v", bad, err)
	}
	return report
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.append(t, 1000)
	}
	if err := w.lake.Tidy(t.Context()); err != nil { // the notes of the last segments
		t.Fatal(err)
	}
	for _, source := range []string{"fw", "web"} {
		if r := w.verify(t, source); !r.Good() || r.Records != 1500 || r.Signed != 1500 {
			t.Errorf("%s: %+v", source, r)
		}
	}
	w.now = w.now.Add(24 * time.Hour)
	if err := w.lake.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.append(t, 300)
	w.now = w.now.Add(6 * 24 * time.Hour)
	w.close(t)
	w.open(t)
	if err := w.lake.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := w.verify(t, "fw"); !r.Good() || r.Records != 1650 || r.Signed != 1650 {
		t.Errorf("merged: %+v", r)
	}
	p, err := w.keeper.Prove(w.lake, "fw", 1234)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := p.Check(w.proofs.Keys...); err != nil || !c.Covers(1234) {
		t.Errorf("%v", err)
	}
	tombs, err := w.lake.Expire(t.Context(), lake.Deletion{Sure: true, Who: "山田", Why: "期限"})
	if err != nil || len(tombs) != 1 || tombs[0].Rows == 0 || len(tombs[0].Notes) != len(tombs[0].Names) {
		t.Fatalf("%+v %v", tombs, err)
	}
	if r := w.verify(t, "web"); !r.Good() || len(r.Deleted) == 0 {
		t.Errorf("deleted: %+v", r)
	}
	for _, a := range w.lake.Stats().Alarms {
		t.Errorf("alarm %+v", a)
	}
}

func TestForgedFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append(t, 600)
	other := newWorld(t) // a lake that holds other lines under the same numbers
	other.now = other.now.Add(time.Second)
	other.append(t, 600)
	w.close(t)
	other.close(t)
	for _, pattern := range []string{"lake/sealed/*/*.parquet", "lake/sealed/*/*.skip"} {
		names, err := filepath.Glob(filepath.Join(other.dir, pattern))
		if err != nil || len(names) != 1 {
			t.Fatalf("%v %v", names, err)
		}
		data, err := os.ReadFile(names[0])
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(other.dir, names[0])
		if err != nil {
			t.Fatal(err)
		}
		if mine, err := os.ReadFile(filepath.Join(w.dir, rel)); err != nil || bytes.Equal(mine, data) {
			t.Fatalf("the files are the same: %v", err)
		}
		if err := os.WriteFile(filepath.Join(w.dir, rel), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(w.dir, "lake", "catalogue")); err != nil { // what else knows the sums
		t.Fatal(err)
	}
	w.open(t)
	other.open(t)
	r := w.verify(t, "fw")
	if r.Good() || r.First() == nil {
		t.Errorf("a forged file is not found: %+v", r)
	}
}

// flip changes one bit in the middle of each file that a pattern names.
func (w *world) flip(t *testing.T, pattern string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(w.dir, pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("%v %v", names, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 4
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// put appends records that stay in the log, each group in a frame of its own.
func (w *world) put(t *testing.T, groups, n int) {
	t.Helper()
	for g := range groups {
		recs := make([]event.Record, n)
		for i := range recs {
			recs[i] = event.Record{Source: []string{"fw", "web"}[i%2], Format: event.Raw, Raw: fmt.Appendf(nil, "行 %d of group %d", i, g)}
		}
		if _, err := w.lake.Append(t.Context(), recs); err != nil {
			t.Fatal(err)
		}
	}
}

// After acknowledged lines were lost with a damaged log, signing, merging and deleting go on, and what is lost is named.
func TestLostWithADamagedLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append(t, 400)
	w.put(t, 5, 100)
	w.close(t)
	w.flip(t, "lake/wal/*.wal")
	w.open(t)
	w.append(t, 300)
	if err := w.lake.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	check := func(source string) *proof.Report {
		t.Helper()
		r := w.verify(t, source)
		if r.Good() || len(r.Missing) != 1 || len(r.Lost) != 1 || r.Lost[0] != r.Missing[0] || r.Missing[0].Last-r.Missing[0].First != 49 ||
			r.Unsigned != 0 || len(r.Faults) != 0 || r.Signed != 200+250+150 {
			t.Errorf("%s: %+v", source, r)
		}
		return r
	}
	lost := check("fw").Missing[0]
	for _, seq := range []uint64{lost.First - 1, lost.Last + 1, 550} {
		p, err := w.keeper.Prove(w.lake, "fw", seq)
		if err != nil {
			t.Fatalf("record %d: %v", seq, err)
		}
		if c, err := p.Check(w.proofs.Keys...); err != nil || len(c.Missing) != 1 {
			t.Errorf("record %d: %v", seq, err)
		}
	}
	w.now = w.now.Add(24 * time.Hour)
	if err := w.lake.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, f := range w.lake.Files() {
		if f.Level == 0 {
			t.Errorf("%s is not merged", f.Name)
		}
	}
	check("fw")
	check("web")
	w.now = w.now.Add(6 * 24 * time.Hour)
	tombs, err := w.lake.Expire(t.Context(), lake.Deletion{Sure: true, Who: "山田", Why: "期限"})
	if err != nil || len(tombs) != 1 {
		t.Fatalf("%+v %v", tombs, err)
	}
	// The tree can be made again all the same.
	w.append(t, 100)
	w.close(t)
	for _, source := range []string{"fw", "web"} {
		if err := os.Remove(filepath.Join(w.dir, "proof", source, "tree")); err != nil {
			t.Fatal(err)
		}
	}
	w.open(t)
	for _, source := range []string{"fw", "web"} {
		if err := w.keeper.Sound(t.Context(), w.lake, source); err != nil {
			t.Fatal(err)
		}
		if r := w.verify(t, source); len(r.Missing) != 1 || len(r.Faults) != 0 || r.Short || r.Nodes != 0 {
			t.Errorf("%s: %+v", source, r)
		}
	}
	w.append(t, 100)
	if r := w.verify(t, "web"); r.Unsigned != 0 || r.Signed != 700 {
		t.Errorf("%+v", r)
	}
}

// mute signs no segment.
type mute struct{ *evidence.Keeper }

func (mute) Sealed(context.Context, lake.Unit, func(string) ([]uint64, []proof.Hash, error)) ([]byte, error) {
	return nil, errors.New("the process ended")
}

// What is in a file that cannot be read, or that nobody looked at, is never signed as missing; when the file can be read
// again, signing goes on.
func TestNotLost(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		hide  func(t *testing.T, w *world, name string) error
		again func(w *world, name string) error
	}{
		{"unreadable", func(_ *testing.T, _ *world, name string) error { return os.Rename(name, name+".away") }, func(_ *world, name string) error {
			return os.Rename(name+".away", name)
		}},
		{"unknown", func(t *testing.T, w *world, name string) error {
			t.Helper()
			if err := os.Remove(filepath.Join(w.dir, "lake", "catalogue")); err != nil {
				return err
			}
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(w.dir, "copy"), data, 0o600); err != nil {
				return err
			}
			return os.Truncate(name, 100)
		}, func(w *world, name string) error { return os.Rename(filepath.Join(w.dir, "copy"), name) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.append(t, 200)
			// Two segments are sealed, and the process ends before they are signed.
			w.close(t)
			w.config.Evidence, w.config.Limits.MergeFiles = mute{w.keeper}, 100
			var err error
			if w.lake, err = lake.Open(filepath.Join(w.dir, "lake"), w.config); err != nil {
				t.Fatal(err)
			}
			w.append(t, 100)
			w.append(t, 100)
			w.close(t)
			names, err := filepath.Glob(filepath.Join(w.dir, "lake/sealed/*/*.parquet"))
			if err != nil || len(names) != 3 {
				t.Fatalf("%v %v", names, err)
			}
			if err := tt.hide(t, w, names[1]); err != nil {
				t.Fatal(err)
			}
			w.open(t)
			w.append(t, 100)
			if err := w.lake.Tidy(t.Context()); err != nil {
				t.Fatal(err)
			}
			log, err := w.keeper.Log("fw")
			if err != nil {
				t.Fatal(err)
			}
			if len(log.Missing()) != 0 || log.Records() != 100 {
				t.Fatalf("signed as missing: %+v of %d", log.Missing(), log.Records())
			}
			w.close(t)
			if err := tt.again(w, names[1]); err != nil {
				t.Fatal(err)
			}
			w.open(t)
			if err := w.lake.Tidy(t.Context()); err != nil {
				t.Fatal(err)
			}
			if r := w.verify(t, "fw"); !r.Good() || r.Signed != 250 || r.Unsigned != 0 {
				t.Errorf("%+v", r)
			}
		})
	}
}
