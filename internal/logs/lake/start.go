package lake

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/lake/wal"
)

// start brings the folder into order, see the package comment.
func (l *Lake) start() error {
	unfinished, err := l.readTombs()
	if err != nil {
		return err
	}
	if err := l.readHolds(); err != nil {
		return err
	}
	if err := l.removeAll(unfinished); err != nil {
		return err
	}
	if err := l.finishMerges(); err != nil {
		return err
	}
	found, unfinished, err := l.walk()
	if err != nil {
		return err
	}
	if err := l.removeAll(unfinished); err != nil {
		return err
	}
	if err := l.adopt(found); err != nil {
		return err
	}
	return l.replay()
}

// survey is start for a folder that another process writes: nothing is put into order, what a start would remove is
// passed over, and the logs are left to whoever asked. gone are the files that others stand for. A file that vanishes
// while it is looked at is fs.ErrNotExist.
func (l *Lake) survey() (gone map[uint64]bool, err error) {
	if _, err := l.readTombs(); err != nil {
		return nil, err
	}
	if err := l.readHolds(); err != nil {
		return nil, err
	}
	found, _, err := l.walk()
	if err != nil {
		return nil, err
	}
	state, _, err := l.gather(found)
	if err != nil {
		return nil, err
	}
	l.halves() // of a merge that is being decided: its inputs are still there
	gone = l.superseded()
	maps.Copy(gone, state.Dropped)
	for id := range gone {
		delete(l.files, id)
	}
	l.lingering = gone
	l.reckon(state, found)
	return gone, nil
}

func (l *Lake) removeAll(names []string) error {
	for _, name := range names {
		if err := l.fs.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// onDisk is a Parquet file as the folder shows it.
type onDisk struct {
	path  string
	size  int64
	extra int64 // size of what stands beside it
	noted bool
}

// walk lists the sealed files by identity, and what was not finished.
func (l *Lake) walk() (found map[uint64]*onDisk, unfinished []string, err error) {
	if err := l.tellAside(); err != nil {
		return nil, nil, err
	}
	root := l.path("sealed")
	found = map[uint64]*onDisk{}
	extra := map[string]int64{}
	err = l.fs.Walk(root, func(path string, size int64) {
		switch {
		case strings.HasSuffix(path, disk.Part):
			unfinished = append(unfinished, path)
		case strings.HasSuffix(path, ".parquet"):
			if id, ok := idOf(path); ok {
				found[id] = &onDisk{path: path, size: size}
			}
		case strings.HasSuffix(path, ".pledge"): // of a file that comes back, perhaps; or its log writes it again
		default:
			extra[path] = size
		}
	})
	if err != nil {
		return nil, nil, err
	}
	for path := range extra { // beside a file that was taken back
		if id, ok := idOf(beside(path, ".parquet")); ok && found[id] == nil {
			unfinished = append(unfinished, path)
		}
	}
	for _, f := range found {
		note, noted := extra[beside(f.path, ".note")]
		f.extra, f.noted = extra[beside(f.path, ".skip")]+note, noted
	}
	return found, unfinished, nil
}

// idOf reads the identity in the name of a sealed file.
func idOf(path string) (uint64, bool) {
	name := strings.TrimSuffix(filepath.Base(path), ".parquet")
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	id, err := strconv.ParseUint(name, 10, 64)
	return id, err == nil && id > 0
}

// adopt makes the list of live files: what the catalogue says, put right by what is there.
func (l *Lake) adopt(found map[uint64]*onDisk) error {
	state, stale, err := l.gather(found)
	if err != nil {
		return err
	}
	stuck := l.bury()
	l.reckon(state, found)
	l.lingering = stuck
	if stale || len(l.files) != len(state.Files) {
		return l.rewriteCatalogue()
	}
	return nil
}

// gather lists all files that are there, with what the catalogue, or they themselves, say of them. stale says that the
// catalogue is not what it should be.
func (l *Lake) gather(found map[uint64]*onDisk) (state *catalogue.State, stale bool, err error) {
	state, err = catalogue.Load(l.fs, l.path("catalogue"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, catalogue.ErrDamaged):
		l.counts.catalogueRebuilt++
	case err != nil:
		return nil, false, err
	}
	stale = err != nil || state.Cut || state.Entries != len(state.Files)+min(len(state.Next), 1)
	for id, f := range found {
		l.nextID = max(l.nextID, id+1)
		if l.reading && state.Dropped[id] { // on Windows a name may stay while somebody reads the file
			continue
		}
		entry := state.Files[id]
		name, err := filepath.Rel(l.path("sealed"), f.path)
		if err != nil {
			return nil, false, err
		}
		if entry == nil || entry.Name != filepath.ToSlash(name) { // no other name of the same file: others join it to other folders
			stale = true
			entry, err = l.examine(f, id)
			if errors.Is(err, fs.ErrNotExist) {
				return nil, false, err
			}
			if err != nil {
				l.alarm("damaged", filepath.Base(f.path), err)
				continue
			}
		}
		if entry.Size != f.size {
			l.alarms["damaged "+entry.Name] = fmt.Sprintf("%d bytes instead of %d", f.size, entry.Size)
		}
		l.files[id] = &sealed{File: entry, path: f.path, bytes: f.size + f.extra, noted: f.noted}
	}
	for source, n := range state.Next {
		l.next[source] = max(l.next[source], n)
	}
	return state, stale, nil
}

// reckon takes what counts from the live files, and notes those that the catalogue knows and nobody finds. lingering holds
// the files that may be gone.
func (l *Lake) reckon(state *catalogue.State, found map[uint64]*onDisk) {
	for id, entry := range state.Files {
		l.nextID = max(l.nextID, id+1)
		if found[id] == nil && !l.lingering[id] {
			l.missing[id] = entry
			l.alarms["missing "+entry.Name] = "the file is not there"
		}
		l.learn(entry)
	}
	for _, f := range l.files {
		l.bytes += f.bytes
		l.learn(f.File)
	}
}

// learn takes the next sequence numbers from a file.
func (l *Lake) learn(f *catalogue.File) {
	for i := range f.Sources {
		s := &f.Sources[i]
		if n := len(s.Ranges); n > 0 {
			l.next[s.Name] = max(l.next[s.Name], s.Ranges[n-1].Last+1)
		}
	}
}

// examine makes the catalogue's entry of a file from the file.
func (l *Lake) examine(f *onDisk, id uint64) (*catalogue.File, error) {
	file, err := l.fs.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	r, err := segment.Open(file, f.size, nil)
	if err != nil {
		return nil, err
	}
	if r.Meta.ID != id {
		return nil, segment.ErrDamaged
	}
	name, err := filepath.Rel(l.path("sealed"), f.path)
	if err != nil {
		return nil, err
	}
	return &catalogue.File{
		Name: filepath.ToSlash(name), ID: id, Level: r.Meta.Level, Day: r.Meta.Day, Size: f.size, Footer: r.Footer,
		Replaces: r.Meta.Replaces, Sources: r.Meta.Sources, Blocks: r.Meta.Blocks,
	}, nil
}

// rewriteCatalogue writes the catalogue of the live and the missing files.
func (l *Lake) rewriteCatalogue() error {
	err := catalogue.Write(l.fs, l.path("catalogue"), l.entries(), l.next)
	if disk.Full(err) { // catchUp writes it when there is room; meanwhile the files can be read, and deleted to make some
		l.behind = true
		l.alarm("catalogue", "", err)
		return nil
	}
	return err
}

// entries are the live and the missing files in the order of their identities. l.mu is held, or nobody else is there.
func (l *Lake) entries() []*catalogue.File {
	files := make([]*catalogue.File, 0, len(l.files)+len(l.missing))
	for _, f := range l.files {
		file := f.File
		if file.SHA256 == "" && f.sum != "" { // others may read what was known before
			known := *file
			known.SHA256, file = f.sum, &known
		}
		files = append(files, file)
	}
	for _, f := range l.missing {
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b *catalogue.File) int { return cmp.Compare(a.ID, b.ID) })
	return files
}

// replay reads the logs that are there. One whose segment is sealed is removed; the rows of others are in memory again
// and sealed soon.
func (l *Lake) replay() error {
	entries, err := l.fs.ReadDir(l.path("wal"))
	if err != nil {
		return err
	}
	gone := l.superseded() // a segment is merged when its log is gone; the name may come back while somebody has it open
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".wal")
		id, err := strconv.ParseUint(name, 10, 64)
		if !ok || err != nil {
			continue
		}
		l.nextID = max(l.nextID, id+1)
		if f := l.files[id]; gone[id] || f != nil && l.whole(f) {
			if err := l.fs.Remove(l.path("wal", e.Name())); err != nil {
				return err
			}
			continue
		}
		if err := l.replayOne(id, e.Name()); err != nil {
			return err
		}
	}
	if err := l.fs.SyncDir(l.path("wal")); err != nil {
		return err
	}
	if len(l.sealing) > 0 {
		poke(l.seal)
	}
	return nil
}

func (l *Lake) replayOne(id uint64, name string) error {
	if f := l.files[id]; f != nil { // its log is still there: the file is made again
		delete(l.files, id)
		l.bytes -= f.bytes
	}
	h := &hot{id: id, table: table.New()}
	var last int64
	read, err := wal.Replay(l.fs, l.path("wal", name), func(r *event.Record) error {
		h.table.Add(r)
		last = max(last, r.Received.UnixMicro())
		l.next[r.Source] = max(l.next[r.Source], r.Seq+1)
		return nil
	})
	if err != nil {
		return err
	}
	h.day = read.Day
	h.table.Keep(read.Promoted)
	if read.ID != id { // the head is damaged; the day is that of the newest record
		h.day, read.Broken = dayOf(time.UnixMicro(last)), true
	}
	l.counts.replayed += uint64(read.Records)
	l.counts.tornBytes += uint64(read.Torn)
	if read.Broken && h.table.Rows() > 0 || read.Damaged > 0 {
		h.damaged = true
		l.counts.damagedFrames += uint64(read.Damaged)
		l.alarms["log "+name] = "the log is not as it was written; what is whole was read, and it is kept aside"
	}
	if h.table.Rows() == 0 && !h.damaged {
		return l.fs.Remove(l.path("wal", name))
	}
	if h.table.Rows() == 0 {
		return wal.SetAside(l.fs, l.path("wal", name))
	}
	l.sealing = append(l.sealing, h)
	return nil
}

// whole says whether all of a file can be read. It is asked only while the log of the same records is there.
func (l *Lake) whole(f *sealed) bool {
	o, err := l.cache.open(l.fs, f)
	if err != nil {
		return false
	}
	defer func() { _ = l.cache.release(o) }()
	for i := range o.reader.Meta.Blocks {
		if _, err := o.reader.Block(i); err != nil {
			_ = l.cache.forget(f.ID) // it will be written anew
			return false
		}
	}
	return true
}
