package lake

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/lake/wal"
)

// followed is a log that the writer has not removed when it was listed.
type followed struct {
	log  *wal.Follower
	hot  *hot
	next map[string]uint64 // sequence number after the newest of each source
}

// odd says that the log is not as its writer wrote it.
func (f *followed) odd() bool {
	read := f.log.Read()
	return read.Damaged > 0 || f.hot.table.Rows() > 0 && (read.Broken || read.ID != f.hot.id)
}

// unknown gives the reason why a log cannot be opened whose records are not known to be elsewhere.
func unknown(closed map[uint64]error, left func(id uint64) bool) error {
	for id, err := range closed {
		if !left(id) {
			return err
		}
	}
	return nil
}

// follow reads what was written to the logs. same is false when one is gone that held records. closed are logs that are
// there and cannot be opened: on Windows, those that were removed while another process reads them.
func (r *Reader) follow() (same bool, closed map[uint64]error, err error) {
	entries, err := r.held.ReadDir(r.l.path("wal"))
	if err != nil {
		return false, nil, err
	}
	there := map[uint64]bool{}
	closed = map[uint64]error{}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".wal")
		id, err := strconv.ParseUint(name, 10, 64)
		if !ok || err != nil || r.left(id) {
			continue
		}
		err = r.read(id, e.Name())
		switch {
		case err == nil:
			there[id] = true
		case errors.Is(err, fs.ErrNotExist): // sealed, or empty and given up, since it was listed
		case errors.Is(err, fs.ErrPermission):
			closed[id] = fmt.Errorf("%s: %w", e.Name(), err)
		default:
			return false, nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
	}
	same = true
	for id, f := range r.logs {
		if there[id] {
			continue
		}
		same = same && (f.hot.table.Rows() == 0 || r.left(id))
		delete(r.logs, id)
		if err := f.log.Close(); err != nil {
			return false, nil, err
		}
	}
	return same, closed, nil
}

// left says whether the records of a log are known to be elsewhere.
func (r *Reader) left(id uint64) bool {
	r.l.mu.Lock()
	defer r.l.mu.Unlock()
	return r.gone[id] || r.l.files[id] != nil
}

// read reads what is new in a log. One that is not as the writer wrote it is read again from the beginning, once: the
// writer may have taken back what the disk did not take.
func (r *Reader) read(id uint64, name string) error {
	f := r.logs[id]
	if f != nil {
		err := r.more(f, true)
		if err == nil && !f.odd() && r.names(f, name) {
			return nil
		}
		delete(r.logs, id)
		if err := f.log.Close(); err != nil {
			return err
		}
	}
	for again := true; ; again = false {
		log, err := wal.Follow(r.held, r.l.path("wal", name))
		if err != nil {
			return err
		}
		f = &followed{log: log, hot: &hot{id: id, table: table.New()}, next: map[string]uint64{}}
		err = r.more(f, false)
		if again && (err != nil || f.odd()) {
			if err := log.Close(); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return errors.Join(err, log.Close())
		}
		r.logs[id] = f
		return nil
	}
}

// names says whether a name still means the log that is open: one that held nothing goes, and its number comes again.
func (r *Reader) names(f *followed, name string) bool {
	now, err := r.held.Stat(r.l.path("wal", name))
	if err != nil {
		return true // it went; the next list says so
	}
	info, err := f.log.Info()
	return err == nil && os.SameFile(now, info)
}

// more takes new records of a log into memory. shown says that looks may see the table.
func (r *Reader) more(f *followed, shown bool) error {
	var fresh []event.Record
	add := func(rec *event.Record) error {
		f.next[rec.Source] = max(f.next[rec.Source], rec.Seq+1)
		if shown {
			fresh = append(fresh, *rec)
		} else {
			f.hot.table.Add(rec)
		}
		return nil
	}
	err := f.log.More(add)
	r.l.mu.Lock()
	defer r.l.mu.Unlock()
	for i := range fresh {
		f.hot.table.Add(&fresh[i])
	}
	read := f.log.Read()
	f.hot.day, f.hot.logged, f.hot.damaged = read.Day, f.log.Size(), f.odd()
	f.hot.table.Keep(read.Promoted)
	return err
}
