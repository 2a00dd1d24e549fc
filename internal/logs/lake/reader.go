package lake

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// Reader looks into a lake while another process may write it. It takes no lock and writes nothing. All methods may be
// called by many goroutines.
//
// What it sees is one consistent state: every record that was acknowledged before Open or Refresh began is there, once.
// It may see records a moment before their Append returns. What another process replaces or deletes afterwards can still
// be read by whoever began to: a look keeps its files open, in a way that lets the writer remove them on Windows too.
type Reader struct {
	l    *Lake // without lock and goroutines; Refresh exchanges what is in it
	held *disk.Held

	mu   sync.Mutex // one Refresh at a time
	seen mark
	gone map[uint64]bool // files that others stand for
	logs map[uint64]*followed
}

// mark tells two states of the sealed files apart, for little: a writer changes it before it removes anything.
type mark struct {
	size            int64 // of the catalogue; -1: there is none
	changed         int64
	commits, buried string
}

// How often a Reader begins again when the lake changes while it looks.
const (
	tries        = 40
	longestPause = 20 * time.Millisecond
	mostHeld     = 2048 // files that one look keeps open; others may vanish under a query, which then says so
)

// OpenReader opens the lake in a folder for reading. Of config it uses Clock, Limits of memory and files, and FS.
// Reason Unusable: there is none, or it cannot be read.
func OpenReader(dir string, config Config) (*Reader, error) {
	config = config.withDefaults()
	config.Evidence, config.Keep = nil, nil
	if _, err := config.FS.Stat(dir); err != nil {
		return nil, refuse(Unusable, err)
	}
	held := disk.NewHeld(config.FS)
	config.FS = held
	ctx, stop := context.WithCancel(context.Background())
	l := blank(dir, config)
	l.reading, l.ctx, l.stop = true, ctx, stop
	r := &Reader{l: l, held: held, logs: map[uint64]*followed{}}
	if err := r.list(); err != nil {
		return nil, errors.Join(refuse(Unusable, err), r.Close())
	}
	return r, nil
}

// Close closes the files. Looks that are open must be closed before.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.l.mu.Lock()
	r.l.closed = true
	r.l.mu.Unlock()
	r.l.stop()
	errs := []error{r.l.cache.close()}
	for _, f := range r.logs {
		errs = append(errs, f.log.Close())
	}
	clear(r.logs)
	return errors.Join(errs...)
}

// Refresh looks at what changed. Where nothing was sealed, merged or deleted it reads what was appended, no more.
func (r *Reader) Refresh() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	same, closed, err := r.follow()
	if err != nil {
		return refuse(Unusable, err)
	}
	if now, err := r.mark(); err == nil && same && len(closed) == 0 && now == r.seen {
		r.show(nil)
		return nil
	}
	return r.listed()
}

func (r *Reader) listed() error {
	if err := r.list(); err != nil {
		return refuse(Unusable, err)
	}
	return nil
}

// list makes the state anew. Logs are listed before sealed files, so that a record which is sealed meanwhile is met
// twice rather than not at all, and then its log is left out. The mark says whether something was replaced or deleted
// while the folders were read: then names that were there may have been missed.
func (r *Reader) list() error {
	var last error
	for try := range tries {
		if try > 0 {
			<-time.After(min(time.Duration(try)*time.Millisecond, longestPause)) // lets the writer come to an end
		}
		before, err := r.mark()
		if err != nil {
			return err
		}
		_, closed, err := r.follow()
		if err != nil {
			return err
		}
		fresh := blank(r.l.dir, r.l.config)
		fresh.reading = true
		gone, err := fresh.survey()
		if last = err; err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err != nil {
			continue
		}
		if last = unknown(closed, func(id uint64) bool { return gone[id] || fresh.files[id] != nil }); last != nil {
			continue
		}
		if after, err := r.mark(); err != nil || after != before {
			last = errors.Join(err, errMoving)
			continue
		}
		r.seen, r.gone = before, gone
		r.show(fresh)
		return nil
	}
	return last
}

var errMoving = errors.New("files are replaced faster than they can be listed")

func (r *Reader) mark() (mark, error) {
	m := mark{size: -1}
	info, err := r.held.Stat(r.l.path("catalogue"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	if err == nil {
		m.size, m.changed = info.Size(), info.ModTime().UnixNano()
	}
	for _, dir := range []struct {
		name, ending string
		into         *string
	}{{"merge", ".commit", &m.commits}, {"tombstones", ".json", &m.buried}} {
		entries, err := r.held.ReadDir(r.l.path(dir.name))
		if err != nil {
			return m, err
		}
		var names strings.Builder
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), dir.ending) {
				names.WriteString(e.Name() + "\n")
			}
		}
		*dir.into = names.String()
	}
	return m, nil
}

// show puts a new state in the place of the present one; nil leaves the sealed files as they are.
func (r *Reader) show(fresh *Lake) {
	l := r.l
	l.mu.Lock()
	var left []uint64
	if fresh != nil {
		for id := range l.files {
			if fresh.files[id] == nil {
				left = append(left, id)
			}
		}
		l.files, l.missing, l.tombs, l.holds = fresh.files, fresh.missing, fresh.tombs, fresh.holds
		l.next, l.alarms, l.bytes = fresh.next, fresh.alarms, fresh.bytes
		l.counts.catalogueRebuilt = fresh.counts.catalogueRebuilt
	}
	l.sealing = nil
	l.counts.replayed, l.counts.tornBytes, l.counts.damagedFrames = 0, 0, 0
	for _, id := range slices.Sorted(maps.Keys(r.logs)) {
		f := r.logs[id]
		if r.gone[id] || l.files[id] != nil {
			continue
		}
		read := f.log.Read()
		l.counts.replayed += uint64(read.Records)
		l.counts.tornBytes += uint64(read.Torn)
		l.counts.damagedFrames += uint64(read.Damaged)
		if f.hot.damaged {
			l.alarms["log "+walName(id)] = "the log is not as it was written; what is whole was read"
		}
		if f.hot.table.Rows() > 0 {
			l.sealing = append(l.sealing, f.hot)
		}
		for source, n := range f.next {
			l.next[source] = max(l.next[source], n)
		}
	}
	l.mu.Unlock()
	for _, id := range left { // Windows removes no file that is open
		if err := l.cache.forget(id); err != nil {
			l.alarm("close", strconv.FormatUint(id, 10), err)
		}
	}
}

// Blocks gives the blocks of one state, as Lake.Blocks does; their files stay open until the look is closed.
func (r *Reader) Blocks(ctx context.Context, from, to int64, sources []string) (query.Blocks, error) {
	var k *look
	var names []string
	err := r.steadily(func() error {
		blocks, err := r.l.Blocks(ctx, from, to, sources)
		if err != nil {
			return err
		}
		k, _ = blocks.(*look)
		names, err = r.hold(k.files)
		if err != nil {
			return errors.Join(err, k.Close())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &heldLook{k, r, names}, nil
}

// heldLook is a look whose files are kept open.
type heldLook struct {
	*look

	r     *Reader
	names []string
}

// Close lets the files go.
func (k *heldLook) Close() error {
	err := errors.Join(k.look.Close(), k.r.let(k.names))
	k.names = nil
	return err
}

// hold keeps files open. One that cannot be opened for another reason than that it is gone tells so when it is read.
func (r *Reader) hold(files []*sealed) (names []string, err error) {
	for _, f := range files[:min(len(files), mostHeld)] {
		err := r.held.Hold(f.path)
		switch {
		case err == nil:
			names = append(names, f.path)
		case vanished(err):
			return nil, errors.Join(err, r.let(names))
		default: // too many are open, perhaps: those that are read need some
			half := len(names) / 2
			return names[:half], r.let(names[half:])
		}
	}
	return names, nil
}

func (r *Reader) let(names []string) error {
	var errs []error
	for _, name := range names {
		errs = append(errs, r.held.Let(name))
	}
	return errors.Join(errs...)
}

// vanished says that a file went. On Windows, one that went while others read it cannot be opened.
func vanished(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
}

// steadily does what reads files, again when one of them went since the state was made.
func (r *Reader) steadily(do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if !vanished(err) || try == tries {
			return err
		}
		r.mu.Lock()
		e := r.listed()
		r.mu.Unlock()
		if e != nil {
			return errors.Join(err, e)
		}
	}
}

// Stats tells how the lake is; what only the writer knows is zero.
func (r *Reader) Stats() Stats { return r.l.Stats() }

// Files lists the sealed files, as Lake.Files does.
func (r *Reader) Files() []File { return r.l.Files() }

// Last is the newest sequence number of a source, 0 when it has none.
func (r *Reader) Last(source string) uint64 { return r.l.Last(source) }

// Tombstones lists what was deleted, oldest first.
func (r *Reader) Tombstones() []Tombstone { return r.l.Tombstones() }

// Holds lists the holds.
func (r *Reader) Holds() []Hold { return r.l.Holds() }

// Record gives one record, as Lake.Record does.
func (r *Reader) Record(source string, seq uint64) (rec event.Record, err error) {
	err = r.steadily(func() (err error) {
		rec, err = r.l.Record(source, seq)
		return err
	})
	return rec, err
}

// HashesNear gives hashes of single records, as Lake.HashesNear does.
func (r *Reader) HashesNear(source string) func(seq uint64) (proof.Hash, error) {
	near := r.l.HashesNear(source)
	return func(seq uint64) (h proof.Hash, err error) {
		err = r.steadily(func() (err error) {
			h, err = near(seq)
			return err
		})
		return h, err
	}
}

// Hashes gives the hashes of the sealed records of a source, as Lake.Hashes does.
func (r *Reader) Hashes(ctx context.Context, source string, each func(seq uint64, hash proof.Hash) error) (bad map[string]error, err error) {
	var names []string
	err = r.steadily(func() (err error) {
		names, err = r.hold(r.l.live(func(f *sealed) bool { return holdsOneOf(f.File, []string{source}) }))
		return err
	})
	if err != nil {
		return nil, err
	}
	bad, err = r.l.Hashes(ctx, source, each)
	return bad, errors.Join(err, r.let(names))
}

// Check reads the sealed files whole, as Lake.Check does.
func (r *Reader) Check(ctx context.Context, progress func(rows int)) (map[string]error, error) {
	return named(progress, func(each func(*Checked)) error { return r.CheckEach(ctx, each) })
}

// CheckEach reads the sealed files whole, as Lake.CheckEach does, and those that were put in their place meanwhile.
func (r *Reader) CheckEach(ctx context.Context, each func(*Checked)) error {
	done := map[uint64]bool{}
	for try := 1; try <= tries; try++ {
		went := false
		for _, f := range r.l.live(func(f *sealed) bool { return !done[f.ID] }) {
			if err := ctx.Err(); err != nil {
				return err
			}
			names, err := r.hold([]*sealed{f})
			if vanished(err) && try < tries {
				went = true
				continue
			}
			done[f.ID] = true
			c := r.l.checkOne(ctx, f)
			c.Err = errors.Join(err, c.Err, r.let(names))
			each(c)
		}
		if !went {
			break
		}
		if err := r.Refresh(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

var _ query.Store = (*Reader)(nil)
