package lake

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/logs/lake/wal"
)

// start brings the folder into order, see the package comment.
func (l *Lake) start() error {
	if err := l.readTombs(); err != nil {
		return err
	}
	if err := l.readHolds(); err != nil {
		return err
	}
	if err := l.finishMerges(); err != nil {
		return err
	}
	found, err := l.walk()
	if err != nil {
		return err
	}
	if err := l.adopt(found); err != nil {
		return err
	}
	return l.replay()
}

// onDisk is a Parquet file as the folder shows it.
type onDisk struct {
	path  string
	size  int64
	extra int64 // size of what stands beside it
	noted bool
}

// walk lists the sealed files by identity, and removes what was not finished.
func (l *Lake) walk() (map[uint64]*onDisk, error) {
	root := l.path("sealed")
	found := map[uint64]*onDisk{}
	extra := map[string]int64{}
	var unfinished []string
	err := l.fs.Walk(root, func(path string, size int64) {
		switch {
		case strings.HasSuffix(path, disk.Part):
			unfinished = append(unfinished, path)
		case strings.HasSuffix(path, ".parquet"):
			if id, ok := idOf(path); ok {
				found[id] = &onDisk{path: path, size: size}
			}
		default:
			extra[path] = size
		}
	})
	if err != nil {
		return nil, err
	}
	for path := range extra { // beside a file that was taken back
		if id, ok := idOf(beside(path, ".parquet")); ok && found[id] == nil {
			unfinished = append(unfinished, path)
		}
	}
	for _, path := range unfinished {
		if err := l.fs.Remove(path); err != nil {
			return nil, err
		}
	}
	for _, f := range found {
		note, noted := extra[beside(f.path, ".note")]
		f.extra, f.noted = extra[beside(f.path, ".skip")]+note, noted
	}
	return found, nil
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
	state, err := catalogue.Load(l.fs, l.path("catalogue"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, catalogue.ErrDamaged):
		l.counts.catalogueRebuilt++
	case err != nil:
		return err
	}
	stale := err != nil || state.Entries != len(state.Files)+min(len(state.Next), 1)
	for id, f := range found {
		l.nextID = max(l.nextID, id+1)
		entry := state.Files[id]
		if entry == nil || l.path("sealed", filepath.FromSlash(entry.Name)) != f.path {
			stale = true
			if entry, err = l.examine(f, id); err != nil {
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
	stuck := l.bury()
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
	l.lingering = stuck
	if stale || len(l.files) != len(state.Files) {
		return l.rewriteCatalogue()
	}
	return nil
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

// bury removes files that a merged one replaces or a tombstone names, and gives those that could not be removed.
// Afterwards lingering holds the identities of all.
func (l *Lake) bury() (stuck map[uint64]bool) {
	stuck = map[uint64]bool{}
	l.undoHalves()
	gone := map[uint64]bool{}
	for _, f := range l.files {
		for _, id := range f.Replaces {
			gone[id] = true
		}
	}
	for i := range l.tombs {
		for _, id := range l.tombs[i].IDs {
			gone[id] = true
			l.nextID = max(l.nextID, id+1)
		}
		for _, r := range l.tombs[i].Ranges {
			l.next[l.tombs[i].Source] = max(l.next[l.tombs[i].Source], r.Last+1)
		}
	}
	for id := range gone {
		l.lingering[id] = true
		f := l.files[id]
		if f == nil {
			continue
		}
		delete(l.files, id)
		if err := l.removeFile(f); err != nil {
			l.alarm("remove", f.Name, err)
			stuck[id] = true
		}
	}
	return stuck
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
	return catalogue.Write(l.fs, l.path("catalogue"), l.entries(), l.next)
}

// entries are the live and the missing files in the order of their identities. l.mu is held, or nobody else is there.
func (l *Lake) entries() []*catalogue.File {
	files := make([]*catalogue.File, 0, len(l.files)+len(l.missing))
	for _, f := range l.files {
		files = append(files, f.File)
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
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".wal")
		id, err := strconv.ParseUint(name, 10, 64)
		if !ok || err != nil {
			continue
		}
		l.nextID = max(l.nextID, id+1)
		if f := l.files[id]; f != nil && l.whole(f) {
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
	h := newHot(id, 0, nil)
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
