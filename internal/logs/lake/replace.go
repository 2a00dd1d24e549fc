package lake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
)

// replace decides a merge and carries it out. Once the decision is written, a start would go on with it.
func (l *Lake) replace(m *merger) error {
	var c commitFile
	for _, o := range m.outputs {
		c.Outputs = append(c.Outputs, o.name)
	}
	data, err := c.bytes()
	if err != nil {
		return errors.Join(err, m.abandon())
	}
	commit := l.path("merge", fmt.Sprintf("%016d.commit", m.outputs[0].id))
	if err := disk.WriteFile(l.fs, commit, data); err != nil {
		return l.undecided(m, commit, err)
	}
	if err := l.rename(c.Outputs, commit, false); err != nil {
		return l.undecided(m, commit, err)
	}
	l.mu.Lock()
	entries := make([]catalogue.Entry, 0, len(m.outputs)+len(m.inputs))
	for _, o := range m.outputs {
		l.install(o.file)
		entries = append(entries, catalogue.Entry{Add: o.file.File})
	}
	gone := l.retireFiles(m.inputs)
	l.counts.merged += uint64(len(m.inputs))
	l.mu.Unlock()
	for _, f := range m.inputs {
		entries = append(entries, catalogue.Entry{Drop: f.ID})
	}
	l.enter(entries...)
	for _, f := range gone {
		if err := l.removeFile(f); err != nil {
			l.alarm("remove", f.Name, err)
		}
	}
	return nil
}

// undecided takes a merge back whose decision could not be carried out. Where that fails too, a start may find the
// decision or its files: until then the inputs stay as they are, so that the start can choose.
func (l *Lake) undecided(m *merger, commit string, cause error) error {
	err := l.fs.Remove(commit)
	for _, o := range m.outputs {
		err = errors.Join(err, l.fs.Remove(o.path))
	}
	err = errors.Join(err, m.abandon())
	if err != nil {
		l.mu.Lock()
		for _, f := range m.inputs {
			l.lingering[f.ID] = true
		}
		l.mu.Unlock()
	}
	return errors.Join(cause, err)
}

// retireFiles takes files out of the list of live ones; those that no look uses can be removed. l.mu is held.
func (l *Lake) retireFiles(files []*sealed) (gone []*sealed) {
	for _, f := range files {
		delete(l.files, f.ID)
		f.dead = true
		l.lingering[f.ID] = true
		if f.refs == 0 {
			gone = append(gone, f)
		}
	}
	return gone
}

// removeFile removes a dead file and what stands beside it, the file itself last: it names the others.
func (l *Lake) removeFile(f *sealed) error {
	l.mu.Lock()
	closed := l.closed
	l.mu.Unlock()
	if closed { // the folder may be another's already; the next start removes it
		return nil
	}
	err := l.cache.forget(f.ID)
	err = errors.Join(err, l.fs.Remove(f.skipPath()), l.fs.Remove(f.notePath()), l.fs.Remove(f.pledgePath()))
	if e := l.fs.Remove(f.path); e != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.unremoved[f.ID] = f
		return errors.Join(err, e)
	}
	err = errors.Join(err, l.fs.SyncDir(filepath.Dir(f.path)))
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.lingering, f.ID)
	delete(l.unremoved, f.ID)
	delete(l.alarms, "remove "+f.Name)
	if f.dead {
		l.bytes -= f.bytes
	}
	return err
}

// commitFile is a merge that is decided: its files are whole, and those under unfinished names get their names.
type commitFile struct {
	Outputs []string `json:"outputs"` // below the folder of sealed files
}

func (c commitFile) bytes() ([]byte, error) {
	data, err := json.Marshal(c)
	return fmt.Appendf(nil, "%016x %s", xxhash.Sum64(data), data), err
}

func readCommit(data []byte) (c commitFile, err error) {
	sum, text, _ := bytes.Cut(data, []byte{' '})
	if string(sum) != fmt.Sprintf("%016x", xxhash.Sum64(text)) {
		return c, catalogue.ErrDamaged
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return commitFile{}, err
	}
	for _, name := range c.Outputs { // somebody may have made it on purpose
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return commitFile{}, fmt.Errorf("%w: %.100q", catalogue.ErrDamaged, name)
		}
	}
	return c, nil
}

// finishMerges does what is left of merges that were decided before a stop.
func (l *Lake) finishMerges() error {
	entries, err := l.fs.ReadDir(l.path("merge"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := l.path("merge", e.Name())
		if !strings.HasSuffix(name, ".commit") {
			if err := l.fs.Remove(name); err != nil {
				return err
			}
			continue
		}
		data, err := disk.ReadFile(l.fs, name, largestNote)
		if err != nil {
			return err
		}
		c, err := readCommit(data)
		if err != nil { // what it decided is undone by bury, or was never begun
			l.alarms["merge "+e.Name()] = err.Error()
		}
		if err := l.rename(c.Outputs, name, true); err != nil {
			return err
		}
	}
	return nil
}

// rename gives the outputs of a decided merge their names and forgets the decision. At a start some may have theirs, or
// have been taken back; undoHalves looks at that.
func (l *Lake) rename(outputs []string, commit string, starting bool) error {
	dirs := map[string]bool{}
	for _, name := range outputs {
		path := l.path("sealed", filepath.FromSlash(name))
		dirs[filepath.Dir(path)] = true
		err := l.fs.Rename(path+disk.Part, path)
		if starting && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
	}
	for dir := range dirs {
		if err := l.fs.SyncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := l.fs.Remove(commit); err != nil {
		return err
	}
	return l.fs.SyncDir(l.path("merge"))
}

// undoHalves removes the merged files that are not whole.
func (l *Lake) undoHalves() {
	for _, m := range l.halves() {
		l.alarms["merge "+m.Name] = "the merge is not whole and is undone"
		if err := l.removeFile(m); err != nil {
			l.alarms["remove "+m.Name] = err.Error()
		}
	}
}

// halves takes merged files from the list that do not hold everything of a file they replace: not all of their merge have
// their names, since it is at that very moment, or the decision cannot be read any more. What they hold, the others still
// hold.
func (l *Lake) halves() (undone []*sealed) {
	for {
		by := map[uint64][]*sealed{} // replaced file that is there → those that replace it
		for _, m := range l.files {
			for _, id := range m.Replaces {
				if l.files[id] != nil {
					by[id] = append(by[id], m)
				}
			}
		}
		before := len(undone)
		for id, merged := range by {
			if covered(l.files[id], merged, l.tombs) {
				continue
			}
			for _, m := range merged {
				if l.files[m.ID] != nil {
					undone = append(undone, m)
				}
			}
			for _, m := range undone[before:] {
				delete(l.files, m.ID)
			}
			break // those that were replaced by what is undone must be looked at anew
		}
		if len(undone) == before {
			return undone
		}
	}
}

// covered says whether files hold every record of f that no tombstone names: a merged file may be deleted before the name
// of one that it replaced is gone, since some systems keep the name of a file that somebody has open.
func covered(f *sealed, by []*sealed, deleted []Tombstone) bool {
	for i := range f.Sources {
		s := &f.Sources[i]
		for _, r := range s.Ranges {
			have := uint64(0)
			for _, m := range by {
				for j := range m.Sources {
					if m.Sources[j].Name == s.Name {
						have += overlap(m.Sources[j].Ranges, r)
					}
				}
			}
			for i := range deleted {
				if deleted[i].Source == s.Name {
					have += overlap(deleted[i].Ranges, r)
				}
			}
			if have != r.Last-r.First+1 {
				return false
			}
		}
	}
	return true
}

// overlap counts the numbers of r in ranges.
func overlap(ranges []segment.Range, r segment.Range) uint64 {
	n := uint64(0)
	for _, o := range ranges {
		if from, to := max(o.First, r.First), min(o.Last, r.Last); from <= to {
			n += to - from + 1
		}
	}
	return n
}
