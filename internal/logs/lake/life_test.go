package lake_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
)

// notary is evidence that reads what it signs for, and signs nothing.
type notary struct{ size int }

func (notary) Pledge(context.Context, lake.Unit) ([]byte, error) { return []byte("pledge"), nil }

func (notary) Sealed(_ context.Context, u lake.Unit, hashes func(string) ([]uint64, []proof.Hash, error)) ([]byte, error) {
	if len(u.SHA256) != 64 {
		return nil, fmt.Errorf("the sum of %s is %q", u.Name, u.SHA256)
	}
	for _, r := range u.Replaces {
		if len(r.SHA256) != 64 {
			return nil, fmt.Errorf("the sum of %s is %q", r.Name, r.SHA256)
		}
	}
	for i := range u.Sources {
		if _, _, err := hashes(u.Sources[i].Name); err != nil {
			return nil, err
		}
	}
	return []byte("signed"), nil
}

func (n notary) Deleted(_ context.Context, u lake.Unit, _, _ string, hash func(uint64) (proof.Hash, error)) ([]byte, error) {
	_, err := hash(u.Sources[0].Ranges[0].First)
	return bytes.Repeat([]byte{'n'}, n.size), err
}

// days makes a lake with a merged file for each of some days and sources.
func days(t *testing.T, config lake.Config, dir string, c *clock, n int, sources ...string) *lake.Lake {
	t.Helper()
	l := open(t, dir, config)
	for day := range n {
		for _, source := range sources {
			appendAll(t, l, records(uint64(day), 20, source))
		}
		flush(t, l)
		c.add(24 * time.Hour)
		if err := l.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func closed(t *testing.T, l *lake.Lake) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// Many files that go at once get tombstones that a start can read.
func TestManyTombstones(t *testing.T) {
	t.Parallel()
	dir, c := folder(t), newClock()
	config := small(c)
	config.Evidence = notary{size: 1_000_000}
	config.Keep = func(string) int { return 1 }
	l := days(t, config, dir, c, 20, "fw")
	c.add(9 * 24 * time.Hour)
	tombs, err := l.Expire(t.Context(), lake.Deletion{Sure: true})
	if err != nil || len(tombs) < 4 || len(all(t, l)) != 0 {
		t.Fatalf("%d tombstones: %v", len(tombs), err)
	}
	last := l.Last("fw")
	closed(t, l)
	l = open(t, dir, config)
	if got := len(l.Tombstones()); got != len(tombs) || l.Last("fw") != last || last != 400 || len(l.Stats().Alarms) != 0 {
		t.Errorf("%d tombstones, last %d, %+v", got, l.Last("fw"), l.Stats().Alarms)
	}
	closed(t, l)
	// One that is too large, of an earlier version, is named, and nothing else stops.
	if err := os.WriteFile(filepath.Join(dir, "tombstones", "0000000000009999.json"), make([]byte, 17<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, config)
	if !hasAlarm(l, "tombstone") || len(l.Tombstones()) != len(tombs) {
		t.Errorf("%+v", l.Stats().Alarms)
	}
	r, err := lake.OpenReader(dir, config)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// spoil changes a byte of the pages of a file.
func spoil(t *testing.T, name string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for at := 8; at < 200; at += 20 {
		data[at] ^= 0x55
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// One damaged file stays, and is named; what else is over its time goes, of its own source too.
func TestDamagedFileStays(t *testing.T) {
	t.Parallel()
	dir, c := folder(t), newClock()
	config := small(c)
	config.Evidence = notary{}
	config.Keep = func(string) int { return 1 }
	l := days(t, config, dir, c, 3, "a", "b")
	closed(t, l)
	l = open(t, dir, config)
	files := l.Files()
	if len(files) != 6 || !strings.Contains(files[0].Name, "/a.") {
		t.Fatalf("%d files", len(files))
	}
	spoil(t, files[0].Path)
	c.add(9 * 24 * time.Hour)
	tombs, err := l.Expire(t.Context(), lake.Deletion{Sure: true})
	gone := 0
	for i := range tombs {
		gone += len(tombs[i].IDs)
	}
	left := l.Files()
	if !errors.Is(err, segment.ErrDamaged) || gone != 5 || len(left) != 1 || left[0].ID != files[0].ID || !hasAlarm(l, "damaged") {
		t.Errorf("%d are gone, %d left: %v", gone, len(left), err)
	}
}

// A segment that cannot be merged keeps no other day from it.
func TestOtherDaysMerge(t *testing.T) {
	t.Parallel()
	dir, c := folder(t), newClock()
	config := small(c)
	l := open(t, dir, config)
	for day := range 3 {
		appendAll(t, l, records(uint64(day), 20, "a", "b"))
		flush(t, l)
		c.add(24 * time.Hour)
	}
	spoil(t, l.Files()[0].Path)
	if err := l.Tidy(t.Context()); !errors.Is(err, segment.ErrDamaged) {
		t.Errorf("%v", err)
	}
	for _, f := range l.Files()[1:] {
		if f.Level != 1 {
			t.Errorf("%s is not merged", f.Name)
		}
	}
	if n := len(l.Files()); n != 5 {
		t.Errorf("%d files", n)
	}
}

// Flush is heard while a batch waits for others, and while batches come without end.
func TestFlushIsHeard(t *testing.T) {
	t.Parallel()
	config := small(newClock())
	config.Limits.GroupWait = time.Hour
	l := open(t, folder(t), config)
	appendAll(t, l, records(1, 10, "fw")) // the first does not wait
	second := make(chan error, 1)
	go func() {
		_, err := l.Append(context.Background(), records(2, 10, "fw"))
		second <- err
	}()
	for l.Stats().Waiting == 0 {
		appendNothing(t, l)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := l.Flush(ctx); err != nil {
		t.Fatalf("flush: %v", err)
	}
	if err := <-second; err != nil {
		t.Fatal(err)
	}
	if s := l.Stats(); s.SealedRows < 10 {
		t.Errorf("%+v", s)
	}
}

// appendNothing gives other goroutines a turn.
func appendNothing(t *testing.T, l *lake.Lake) {
	t.Helper()
	if _, err := l.Append(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

// After Close nothing is written, and what is going on comes to an end before Close returns: the folder may be another's.
func TestClosedWritesNothing(t *testing.T) {
	t.Parallel()
	dir, c, f := folder(t), newClock(), newFaults()
	config := small(c)
	config.FS = f
	config.Keep = func(string) int { return 1 }
	l := open(t, dir, config)
	recs := records(1, 200, "fw", "web")
	appendAll(t, l, recs)
	flush(t, l)
	c.add(48 * time.Hour)
	var over atomic.Bool
	entered, goOn := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	f.set(func(op, name string) error {
		if over.Load() {
			t.Errorf("%s of %s after Close", op, name)
		}
		if strings.Contains(name, "/sealed/") && first.CompareAndSwap(false, true) {
			close(entered)
			<-goOn
		}
		return nil
	})
	tidied, done := make(chan error, 1), make(chan error, 1)
	go func() { tidied <- l.Tidy(context.Background()) }()
	<-entered
	go func() {
		err := l.Close()
		over.Store(true)
		done <- err
	}()
	for {
		if _, err := l.Append(t.Context(), records(2, 1, "late")); lake.Is(err, lake.Closed) {
			break
		}
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := <-tidied; err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("tidy: %v", err)
	}
	for name, err := range map[string]error{
		"hold": l.Hold(lake.Hold{Name: "case-7"}), "release": l.Release("case-7"), "tidy": l.Tidy(t.Context()),
	} {
		if !lake.Is(err, lake.Closed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := l.Expire(t.Context(), lake.Deletion{Sure: true}); !lake.Is(err, lake.Closed) {
		t.Errorf("expire: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "holds.json")); err == nil {
		t.Error("a closed lake wrote a hold")
	}
	over.Store(false)
	f.set(nil)
	l = open(t, dir, config)
	n := 0
	for _, r := range all(t, l) {
		if r.Source != "late" {
			n++
		}
	}
	if n != len(recs) {
		t.Errorf("%d of %d records", n, len(recs))
	}
}

// Sums that a catalogue made anew does not know are computed beside readers, and kept.
func TestSumsAreLearnt(t *testing.T) {
	t.Parallel()
	dir, c := folder(t), newClock()
	config := small(c)
	l := open(t, dir, config) // without evidence: no file has a note
	recs := records(1, 900, "fw", "web")
	appendAll(t, l, recs)
	flush(t, l)
	closed(t, l)
	if err := os.Remove(filepath.Join(dir, "catalogue")); err != nil {
		t.Fatal(err)
	}
	config.Evidence = notary{}
	l = open(t, dir, config)
	checked := make(chan error, 1)
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				checked <- nil
				return
			default:
			}
			if bad, err := l.Check(t.Context(), nil); len(bad) > 0 || err != nil {
				checked <- fmt.Errorf("%v %w", bad, err)
				return
			}
			for _, f := range l.Files() {
				_ = f.SHA256
			}
		}
	}()
	if err := l.Tidy(t.Context()); err != nil {
		t.Error(err)
	}
	close(stop)
	if err := <-checked; err != nil {
		t.Error(err)
	}
	closed(t, l)
	state, err := catalogue.Load(disk.OS{}, filepath.Join(dir, "catalogue"))
	if err != nil || len(state.Files) != 3 {
		t.Fatalf("%d files, %v", len(state.Files), err)
	}
	for _, f := range state.Files {
		if len(f.SHA256) != 64 {
			t.Errorf("the catalogue knows no sum of %s", f.Name)
		}
	}
	// The same once more, now that the notes are there: files without a known sum are merged.
	if err := os.Remove(filepath.Join(dir, "catalogue")); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, config)
	c.add(24 * time.Hour)
	if err := l.Tidy(t.Context()); err != nil || len(l.Files()) != 2 || len(l.Stats().Alarms) != 0 {
		t.Errorf("%d files, %v, %+v", len(l.Files()), err, l.Stats().Alarms)
	}
	same(t, "merged", all(t, l), want(recs))
}

// A catalogue that names a file by a way out of the folder is made anew: others join the names to their own folders.
func TestNamesStayInside(t *testing.T) {
	t.Parallel()
	dir, c := folder(t), newClock()
	l := open(t, dir, small(c))
	recs := records(1, 100, "fw")
	appendAll(t, l, recs)
	flush(t, l)
	closed(t, l)
	name := filepath.Join(dir, "catalogue")
	for _, way := range []string{"../sealed/", "../../" + filepath.Base(dir) + "/sealed/", "./", "x/../"} {
		state, err := catalogue.Load(disk.OS{}, name)
		if err != nil || len(state.Files) != 1 {
			t.Fatal(state, err)
		}
		var files []*catalogue.File
		for _, f := range state.Files {
			f.Name = way + f.Name
			files = append(files, f)
		}
		if err := catalogue.Write(disk.OS{}, name, files, state.Next); err != nil {
			t.Fatal(err)
		}
		l = open(t, dir, small(c))
		for _, f := range l.Files() {
			if !filepath.IsLocal(f.Name) || strings.Contains(f.Name, "..") || strings.HasPrefix(f.Name, ".") {
				t.Errorf("%q is the name of %s", f.Name, f.Path)
			}
		}
		same(t, way, all(t, l), want(recs))
		closed(t, l)
	}
}

// A tombstone that somebody made by hand takes no file with it that it does not fit.
func TestForgedTombstone(t *testing.T) {
	t.Parallel()
	dir, c := folder(t), newClock()
	l := open(t, dir, small(c))
	recs := records(1, 100, "fw", "web")
	appendAll(t, l, recs)
	flush(t, l)
	c.add(24 * time.Hour)
	if err := l.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	files := l.Files()
	if len(files) != 2 {
		t.Fatal(files)
	}
	f := files[0]
	closed(t, l)
	sum := strings.Repeat("0", 64)
	for i, text := range []string{
		`{"source":"fw","ids":[%d]}`, `{"source":"fw","ids":[%d],"names":[%q]}`,
		`{"source":"fw","ids":[%d],"names":[%q],"sha256":["` + sum + `"]}`,
		`{"source":"fw","ids":[%d],"names":["x"],"sha256":["%[3]s"]}`, `{"source":"web","ids":[%d],"names":[%q],"sha256":[%q]}`,
	} {
		text, _, _ = strings.Cut(fmt.Sprintf(text, f.ID, f.Name, f.SHA256), "%!")
		if err := os.WriteFile(filepath.Join(dir, "tombstones", "0000000000000077.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := lake.OpenReader(dir, small(c))
		if err != nil {
			t.Fatal(err)
		}
		same(t, "read "+text, all(t, r), want(recs))
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		l = open(t, dir, small(c))
		same(t, text, all(t, l), want(recs))
		if !hasAlarm(l, "tombstone") {
			t.Errorf("%d: nobody says so: %+v", i, l.Stats().Alarms)
		}
		closed(t, l)
	}
}

// What a tombstone fits goes with the next start where a stop left it, also when the catalogue was lost.
func TestTombstoneIsCarriedOut(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{false, true} {
		dir, c, f := folder(t), newClock(), newFaults()
		config := small(c)
		config.FS = f
		config.Keep = func(string) int { return 1 }
		l := days(t, config, dir, c, 1, "fw", "web")
		c.add(9 * 24 * time.Hour)
		f.set(func(op, name string) error {
			if op == "remove" && strings.HasSuffix(name, ".parquet") {
				return errFault
			}
			return nil
		})
		if tombs, err := l.Expire(t.Context(), lake.Deletion{Sure: true}); err != nil || len(tombs) != 2 {
			t.Fatal(tombs, err)
		}
		closed(t, l)
		if lost {
			if err := os.Remove(filepath.Join(dir, "catalogue")); err != nil {
				t.Fatal(err)
			}
		}
		f.set(nil)
		l = open(t, dir, config)
		if left := parquets(filesOf(t, dir)); len(left) != 0 || len(all(t, l)) != 0 || len(l.Stats().Alarms) != 0 {
			t.Errorf("left: %v, %+v", left, l.Stats().Alarms)
		}
		closed(t, l)
	}
}
