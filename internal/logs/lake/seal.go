package lake

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/logs/lake/skip"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/lake/wal"
)

// sealLoop seals segments, oldest first, until the lake is closed.
func (l *Lake) sealLoop() {
	var rest <-chan time.Time
	for {
		select {
		case <-l.seal:
		case <-rest:
			l.forget()
			rest = nil
			continue
		case <-l.ctx.Done():
			return
		}
		for more := true; more && l.ctx.Err() == nil; {
			more = l.sealNext()
		}
		rest = time.After(roomFor)
	}
}

// sealNext seals the oldest full segment and says whether there was one.
func (l *Lake) sealNext() bool {
	l.mu.Lock()
	if len(l.sealing) == 0 {
		l.mu.Unlock()
		return false
	}
	h := l.sealing[0]
	l.busy = true
	l.mu.Unlock()
	err := l.sealOne(h)
	l.mu.Lock()
	l.busy = false
	l.mu.Unlock()
	if err != nil {
		l.alarm("seal", walName(h.id), err)
		l.mu.Lock()
		l.sealFailures, l.sealFailure = l.sealFailures+1, err
		l.tellIdle()
		l.mu.Unlock()
		select {
		case <-l.ctx.Done():
		case <-time.After(l.config.Limits.RetryAfter):
		}
		return true
	}
	l.clear("seal", walName(h.id))
	l.mu.Lock()
	l.tellIdle()
	l.mu.Unlock()
	poke(l.wake)
	return true
}

// sealOne writes a segment as a file, puts it in the place of its rows in memory and removes its log.
func (l *Lake) sealOne(h *hot) error {
	view := h.table.View() // full: nobody writes it any more
	if view.Rows() == 0 {
		return l.dropSpoilt(h)
	}
	pieces := view.Cut(view.Order(0, view.Rows()))
	o, err := l.newOutput(h.day, "", h.id, segment.Columns{
		Promoted: view.Promoted, Absent: view.Absent(), Binary: segment.Binary(view.Binary()),
	})
	if err != nil {
		return err
	}
	for _, rows := range pieces {
		if err := o.add(view.Into(&l.spare.block, rows)); err != nil {
			return errors.Join(err, o.abandon())
		}
	}
	file, err := o.finish(0, nil)
	if err == nil {
		err = l.pledge(file)
	}
	if err == nil {
		err = o.publish()
	}
	if err != nil {
		return errors.Join(err, o.abandon())
	}
	l.mu.Lock()
	l.sealing = l.sealing[1:]
	l.install(file)
	l.lingering[file.ID] = true // until its log is gone
	l.counts.sealed++
	l.release(h)
	l.mu.Unlock()
	l.enter(catalogue.Entry{Add: file.File})
	l.dropLog(h)
	l.prove(l.ctx, file)
	return nil
}

// dropSpoilt removes a log that holds nothing which counts.
func (l *Lake) dropSpoilt(h *hot) error {
	if h.wal != nil {
		w := h.wal
		h.wal = nil
		if err := w.Close(); err != nil {
			l.alarm("wal", walName(h.id), err)
		}
	}
	if err := l.fs.Remove(l.path("wal", walName(h.id))); err != nil {
		return err
	}
	if err := l.fs.SyncDir(l.path("wal")); err != nil {
		return err
	}
	l.mu.Lock()
	l.sealing = l.sealing[1:]
	l.mu.Unlock()
	return nil
}

// install makes a file one of the lake. l.mu is held.
func (l *Lake) install(file *sealed) {
	l.files[file.ID] = file
	l.bytes += file.bytes
	for i := range file.Sources {
		s := &file.Sources[i]
		if n := len(s.Ranges); n > 0 {
			l.next[s.Name] = max(l.next[s.Name], s.Ranges[n-1].Last+1)
		}
	}
}

// dropLog removes the log of a sealed segment. Before that its file is not merged: with the log alone the rows would
// come back at a start.
func (l *Lake) dropLog(h *hot) {
	name := l.path("wal", walName(h.id))
	var err error
	if h.wal != nil {
		err = h.wal.Close()
		h.wal = nil
	}
	if h.damaged {
		err = errors.Join(err, wal.SetAside(l.fs, name))
	} else {
		err = errors.Join(err, l.fs.Remove(name))
	}
	if err == nil {
		err = l.fs.SyncDir(l.path("wal"))
	}
	if err != nil {
		l.alarm("wal", walName(h.id), err)
		return
	}
	l.clear("wal", walName(h.id))
	l.mu.Lock()
	delete(l.lingering, h.id)
	l.mu.Unlock()
}

// enter writes to the catalogue. When that fails, the next start finds the files by themselves, and knows of those that
// went by the files that replace them: so none of these may go before the catalogue is right again, see catchUp.
func (l *Lake) enter(entries ...catalogue.Entry) {
	l.entering.Lock()
	defer l.entering.Unlock()
	if err := catalogue.Append(l.fs, l.path("catalogue"), entries...); err != nil {
		l.alarm("catalogue", "", err)
		l.mu.Lock()
		l.behind = true
		l.mu.Unlock()
	}
}

// catchUp writes the catalogue anew when an entry could not be written.
func (l *Lake) catchUp() error {
	l.entering.Lock()
	defer l.entering.Unlock()
	l.mu.Lock()
	if !l.behind {
		l.mu.Unlock()
		return nil
	}
	files, next := l.entries(), maps.Clone(l.next)
	l.mu.Unlock()
	if err := catalogue.Write(l.fs, l.path("catalogue"), files, next); err != nil {
		return err
	}
	l.clear("catalogue", "")
	l.mu.Lock()
	l.behind = false
	l.mu.Unlock()
	return nil
}

// output is a sealed file that is being written.
type output struct {
	l     *Lake
	id    uint64
	day   int32
	name  string // below the folder of sealed files, with /
	path  string
	f     disk.File
	buf   *bufio.Writer
	w     *segment.Writer
	skip  skip.Builder
	file  *sealed
	ended bool
}

// newOutput begins a file of a day of arrival; source is empty for a segment.
func (l *Lake) newOutput(day int32, source string, id uint64, columns segment.Columns) (*output, error) {
	name := fmt.Sprintf("%016d.parquet", id)
	if source != "" {
		name = source + "." + name
	}
	name = dayName(day) + "/" + name
	o := &output{l: l, id: id, day: day, name: name, path: l.path("sealed", filepath.FromSlash(name))}
	if err := l.fs.MkdirAll(filepath.Dir(o.path)); err != nil {
		return nil, err
	}
	var err error
	if o.f, err = l.fs.Create(o.path + disk.Part); err != nil {
		return nil, err
	}
	o.buf = bufio.NewWriterSize(&steady{f: o.f}, 128<<10)
	if o.w, err = segment.NewWriter(o.buf, columns); err != nil {
		return nil, errors.Join(err, o.abandon())
	}
	return o, nil
}

// steady syncs a file while it grows, so that its end does not find megabytes to write: the log's own syncs would wait
// for those, since both share the journal of the file system.
type steady struct {
	f     disk.File
	since int
}

func (s *steady) Write(p []byte) (int, error) {
	n, err := s.f.Write(p)
	if s.since += n; err == nil && s.since >= 1<<20 {
		s.since = 0
		err = s.f.Sync()
	}
	return n, err
}

func (o *output) add(b *table.Block) error {
	o.skip.Add(b)
	return o.w.Add(b)
}

// finish writes the end of the file and its sidecar, both synced, still under the name of an unfinished file.
func (o *output) finish(level int, replaces []uint64) (*sealed, error) {
	written, err := o.w.Close(o.id, level, o.day, replaces)
	if err == nil {
		err = o.buf.Flush()
	}
	if err == nil {
		err = o.f.Sync()
	}
	err = errors.Join(err, o.f.Close())
	o.ended = true
	if err != nil {
		return nil, err
	}
	sidecar := o.skip.Bytes(written.Size, written.Footer)
	if err := disk.WriteFile(o.l.fs, beside(o.path, ".skip"), sidecar); err != nil {
		return nil, err
	}
	o.file = &sealed{path: o.path, bytes: written.Size + int64(len(sidecar)), File: &catalogue.File{
		Name: o.name, ID: o.id, Level: level, Day: o.day, Size: written.Size, Footer: written.Footer,
		SHA256: hex.EncodeToString(written.SHA256[:]), Replaces: replaces,
		Sources: written.Meta.Sources, Blocks: written.Meta.Blocks,
	}}
	return o.file, nil
}

// publish gives the file its name; from then on it counts.
func (o *output) publish() error {
	if err := o.l.fs.Rename(o.path+disk.Part, o.path); err != nil {
		return err
	}
	if err := o.l.fs.SyncDir(filepath.Dir(o.path)); err != nil {
		return err
	}
	return o.l.fs.SyncDir(o.l.path("sealed"))
}

// abandon removes what was written.
func (o *output) abandon() error {
	var err error
	if !o.ended {
		err = o.f.Close()
	}
	return errors.Join(err, o.l.fs.Remove(o.path+disk.Part), o.l.fs.Remove(beside(o.path, ".skip")), o.l.fs.Remove(beside(o.path, ".pledge")))
}
