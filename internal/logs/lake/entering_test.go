package lake_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
)

// slowCatalogue is a file system on which the first entry of the catalogue waits, once it has found its place, for a
// second one to find the same place.
type slowCatalogue struct {
	disk.OS

	armed   atomic.Bool
	open    atomic.Int32
	first   chan struct{} // an entry has its place
	second  chan struct{} // another one has, too
	waiting time.Duration // for the second, which does not come where entries are written one at a time
}

func (s *slowCatalogue) Append(name string) (disk.File, error) {
	f, err := s.OS.Append(name)
	if err != nil || filepath.Base(name) != "catalogue" || !s.armed.Load() {
		return f, err
	}
	return &slowEntry{File: f, s: s}, nil
}

type slowEntry struct {
	disk.File

	s *slowCatalogue
}

func (e *slowEntry) Seek(off int64, whence int) (int64, error) {
	at, err := e.File.Seek(off, whence)
	if whence != io.SeekEnd {
		return at, err
	}
	if e.s.open.Add(1) > 1 {
		close(e.s.second)
		return at, err
	}
	close(e.s.first)
	select {
	case <-e.s.second:
	case <-time.After(e.s.waiting):
	}
	e.s.armed.Store(false)
	return at, err
}

// TestSealAndMergeEnter: a seal and a merge end at the same moment. Each line of the catalogue has its own place: one
// written over another would make the catalogue worthless, and a file that is missing would not be missed.
func TestSealAndMergeEnter(t *testing.T) {
	t.Parallel()
	dir, c := folder(t), newClock()
	slow := &slowCatalogue{first: make(chan struct{}), second: make(chan struct{}), waiting: 300 * time.Millisecond}
	config := small(c)
	config.FS = slow
	l := open(t, dir, config)
	recs := records(90, 900, "fw")
	appendAll(t, l, recs)
	flush(t, l)
	c.add(24 * time.Hour)
	more := records(91, 200, "fw")
	appendAll(t, l, more)
	recs = append(recs, more...)
	slow.armed.Store(true)
	sealed := make(chan error, 1)
	go func() { sealed <- l.Flush(t.Context()) }()
	<-slow.first // the seal has its place
	if err := errors.Join(l.Tidy(t.Context()), <-sealed); err != nil {
		t.Fatal(err)
	}
	if slow.open.Load() != 1 {
		t.Errorf("%d entries at once", slow.open.Load())
	}
	state, err := catalogue.Load(disk.OS{}, filepath.Join(dir, "catalogue"))
	if err != nil || state.Cut || len(state.Files) != l.Stats().Files {
		t.Errorf("%+v, %v", state, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, small(c))
	same(t, "opened again", all(t, again), want(recs))
	if s := again.Stats(); s.CatalogueRebuilt || len(s.Alarms) > 0 {
		t.Errorf("%+v", s)
	}
}

// TestCutCatalogue: what a stop left of the last line of the catalogue does not spoil the next one, which alone knows of
// the file that goes missing.
func TestCutCatalogue(t *testing.T) {
	t.Parallel()
	dir, c := folder(t), newClock()
	l := open(t, dir, small(c))
	appendAll(t, l, records(92, 300, "fw"))
	flush(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "catalogue")
	whole, err := os.ReadFile(name)
	if err == nil {
		err = os.WriteFile(name, append(whole, whole[:len(whole)/2]...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, small(c))
	appendAll(t, l, records(93, 300, "fw"))
	flush(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	files := parquets(filesOf(t, dir))
	if len(files) != 2 {
		t.Fatal(files)
	}
	if err := errors.Join(os.Remove(files[1]), os.Remove(strings.TrimSuffix(files[1], ".parquet")+".skip")); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, small(c))
	if s := l.Stats(); s.CatalogueRebuilt || !hasAlarm(l, "missing") {
		t.Errorf("the file is not missed: %+v", s)
	}
}
