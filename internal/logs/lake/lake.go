// Package lake keeps every log line: what it acknowledged is on disk, what is on disk is found, and nothing goes but
// whole files whose time is over, with a tombstone.
//
// Records are appended to a log (wal) and to columns in memory (table), where queries see them at once. A segment of
// 65,536 records, or what came until the end of a UTC day, is sealed: a Parquet file (segment) with a sidecar (skip).
// When a day is over its segments are merged into files of one day of arrival and one source. What files there are
// stands in a catalogue.
//
//	DIR/lock                               one process writes
//	DIR/catalogue                          what the files tell, gathered
//	DIR/wal/ID.wal                         acknowledged, not sealed
//	DIR/sealed/DAY/ID.parquet              a segment; ID.skip beside it, and ID.pledge until it is signed
//	DIR/sealed/DAY/SOURCE.ID.parquet       merged; NAME.note beside each: what the evidence gave
//	DIR/merge/ID.commit                    a merge whose files are whole but not all renamed yet
//	DIR/tombstones/ID.json                 what was deleted, and why
//	DIR/holds.json                         what must not be deleted
//	DIR/reserve                            room that deleting uses on a full disk
//
// Every state between two of these is one rename: a file under its own name is whole, and the larger unit wins. At a
// start, unfinished files (.tmp) are removed, committed merges are finished, a log whose segment is sealed is removed,
// other logs are read again, and files that a merged one replaces or a tombstone names are removed.
//
// One process writes; any number of others look in beside it, see Reader. What they rest on: a file is whole when it has
// its name, a merge or deletion is in the catalogue or the tombstones before the first file goes, and a log goes after
// its segment is there.
//
// It owns the words lake, segment, hot, sealed, merged, hold, tombstone and reader. It reads neither clock nor environment.
// Arrows inside:
//
//	wal → disk
//	table → disk
//	segment → table, disk
//	skip → table, disk
//	catalogue → segment, disk
//	proof → disk
//	evidence → proof, segment
package lake

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
)

// Lake is an open folder. All methods may be called by many goroutines.
type Lake struct {
	dir    string
	config Config
	fs     disk.FS
	lock   *flock.Flock
	cache  *cache

	mu           sync.Mutex
	next         map[string]uint64  // sequence number that a source gets next
	nextID       uint64             // of the next segment or merged file
	hot          *hot               // what is appended to; nil: the next append begins one
	spare        room               // for the next segments
	sealing      []*hot             // full, oldest first
	files        map[uint64]*sealed // live
	lingering    map[uint64]bool    // replaced or deleted, but their files are still there
	unremoved    map[uint64]*sealed // of those, what could not be removed; Tidy tries again
	missing      map[uint64]*catalogue.File
	behind       bool // the catalogue misses an entry
	tombs        []Tombstone
	holds        []Hold
	queue        []*batch
	queued       int64         // bytes in queue
	room         chan struct{} // closed and made anew when the queue gets shorter
	asked        bool          // somebody wants the present segment sealed
	busy         bool          // a segment is being sealed, its log removed, its note made
	sealFailures uint64        // how often a seal failed
	sealFailure  error         // the last one
	idle         chan struct{} // closed and made anew when a segment is sealed
	closed       bool
	bytes        int64 // of sealed files with sidecars
	counts       counts
	alarms       map[string]string // reason and place → what happened
	reading      bool              // another process may write; see Reader

	proving  sync.Mutex // the evidence is asked one thing at a time
	tidying  sync.Mutex // one merge or deletion at a time
	entering sync.Mutex // the catalogue is written by a seal or a merge, not by both
	wake     chan struct{}
	seal     chan struct{}
	ctx      context.Context //nolint:containedctx // ends the goroutines when the lake is closed
	stop     context.CancelFunc
	workers  sync.WaitGroup
}

// Open opens the lake in a folder, which is made when it is missing. Reason Locked: another process has it.
func Open(dir string, config Config) (*Lake, error) {
	config = config.withDefaults()
	fsys := config.FS
	for _, d := range []string{"", "wal", "sealed", "merge", "tombstones"} {
		if err := fsys.MkdirAll(filepath.Join(dir, d)); err != nil {
			return nil, refuse(Unusable, err)
		}
	}
	lock := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600))
	switch ok, err := lock.TryLock(); {
	case err != nil:
		return nil, refuse(Unusable, err)
	case !ok:
		return nil, refuse(Locked, errors.New(dir))
	}
	ctx, stop := context.WithCancel(context.Background())
	l := blank(dir, config)
	l.lock, l.ctx, l.stop = lock, ctx, stop
	if err := l.start(); err != nil {
		stop()
		return nil, errors.Join(refuse(Unusable, err), lock.Close())
	}
	l.takeReserve()
	l.workers.Go(l.commitLoop)
	l.workers.Go(l.sealLoop)
	if config.Every > 0 {
		l.workers.Go(l.tidyLoop)
	}
	return l, nil
}

// blank is a lake of which nothing was read.
func blank(dir string, config Config) *Lake {
	return &Lake{
		dir: dir, config: config, fs: config.FS, cache: newCache(config.Limits),
		next: map[string]uint64{}, nextID: 1, files: map[uint64]*sealed{}, lingering: map[uint64]bool{},
		unremoved: map[uint64]*sealed{},
		missing:   map[uint64]*catalogue.File{}, room: make(chan struct{}), idle: make(chan struct{}), alarms: map[string]string{},
		wake: make(chan struct{}, 1), seal: make(chan struct{}, 1),
	}
}

// Close waits for what was queued and for what changes the folder, closes the files and gives the folder free. What is not
// sealed stays in its log. Afterwards nothing is written any more.
func (l *Lake) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	close(l.room)
	l.mu.Unlock()
	l.stop()
	l.workers.Wait()
	l.tidying.Lock() // whoever comes now finds that the lake is closed
	defer l.tidying.Unlock()
	var errs []error
	for _, h := range append(l.sealing, l.hot) {
		if h != nil && h.wal != nil {
			errs = append(errs, h.wal.Close())
		}
	}
	errs = append(errs, l.cache.close(), l.lock.Close())
	return errors.Join(errs...)
}

// tidyLoop merges and deletes now and then.
func (l *Lake) tidyLoop() {
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-time.After(l.config.Every):
		}
		if err := l.Tidy(l.ctx); err != nil && l.ctx.Err() == nil {
			l.alarm("tidy", "", err)
		}
	}
}

// path is a file of the lake.
func (l *Lake) path(parts ...string) string {
	return filepath.Join(append([]string{l.dir}, parts...)...)
}

func walName(id uint64) string { return fmt.Sprintf("%016d.wal", id) }

// dayOf is the day of a moment, days since 1970 UTC.
func dayOf(t time.Time) int32 {
	const day = 24 * 60 * 60
	s := t.Unix()
	if s < 0 {
		s -= day - 1
	}
	return int32(s / day)
}

// dayName writes a day as in the folder of sealed files.
func dayName(day int32) string {
	return time.Unix(int64(day)*24*60*60, 0).UTC().Format(time.DateOnly)
}

// alarm remembers that something is wrong until clear says that it is right again. To a reader it is nothing wrong when
// a file went that another one stands for.
func (l *Lake) alarm(reason, place string, err error) {
	if l.reading && errors.Is(err, fs.ErrNotExist) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alarms[reason+" "+place] = err.Error()
}

func (l *Lake) clear(reason, place string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.alarms, reason+" "+place)
}
