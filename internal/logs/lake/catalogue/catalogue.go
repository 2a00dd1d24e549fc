// Package catalogue keeps what the lake knows of its sealed files in one file, so that a start and a query open none
// of them: names, sums, sources, and the time range of every block. It can always be made again from the files.
//
// It owns the words entry and catalogue. It imports segment and disk.
//
// The file has one entry a line: XXH64 in 16 hex digits, a space, JSON. It is appended to and now and then written
// anew. A line that is not as it was written makes the whole of it worthless; a cut last line does not.
package catalogue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
)

// File is what is known of a sealed file.
type File struct {
	Name     string           `json:"name"` // below the folder of sealed files, with /
	ID       uint64           `json:"id"`
	Level    int              `json:"level"` // 0: a segment; more: merged
	Day      int32            `json:"day"`   // of arrival, days since 1970 UTC
	Size     int64            `json:"size"`
	Footer   uint64           `json:"footer"`
	SHA256   string           `json:"sha256"` // hex; empty: not computed yet, since the entry was made from the footer
	Replaces []uint64         `json:"replaces,omitempty"`
	Sources  []segment.Source `json:"sources"`
	Blocks   []segment.Block  `json:"blocks"`
}

// Rows is the number of records in the file.
func (f *File) Rows() int {
	n := 0
	for i := range f.Sources {
		n += f.Sources[i].Rows
	}
	return n
}

// Entry is one line: a file that came, one that went, or the next sequence numbers.
type Entry struct {
	Add  *File             `json:"add,omitempty"`
	Drop uint64            `json:"drop,omitempty"`
	Next map[string]uint64 `json:"next,omitempty"`
}

// State is what the lines say together.
type State struct {
	Files   map[uint64]*File
	Next    map[string]uint64 // the next sequence number of sources, at least
	Dropped map[uint64]bool   // files that went since the catalogue was written anew; their names may still be there
	Entries int
	Cut     bool // a stop cut the last line: what is appended would not be read
}

func empty() *State {
	return &State{Files: map[uint64]*File{}, Next: map[string]uint64{}, Dropped: map[uint64]bool{}}
}

// ErrDamaged says that a catalogue is not as it was written and must be made again from the files.
var ErrDamaged = errors.New("catalogue is not as it was written")

const (
	largest   = 4 << 30
	sumDigits = 16
)

// Load reads a catalogue; a missing one is empty and fs.ErrNotExist.
func Load(fsys disk.FS, name string) (*State, error) {
	s := empty()
	data, err := disk.ReadFile(fsys, name, largest)
	if err != nil {
		return s, err
	}
	for number := 1; len(data) > 0; number++ {
		line, rest, whole := bytes.Cut(data, []byte{'\n'})
		if !whole {
			s.Cut = true // the files tell what it said
			break
		}
		data = rest
		if err := s.line(line); err != nil {
			return empty(), fmt.Errorf("%w: line %d", err, number)
		}
	}
	return s, nil
}

func (s *State) line(line []byte) error {
	if len(line) <= sumDigits {
		return ErrDamaged
	}
	sum, err := strconv.ParseUint(string(line[:sumDigits]), 16, 64)
	if err != nil || line[sumDigits] != ' ' || sum != xxhash.Sum64(line[sumDigits+1:]) {
		return ErrDamaged
	}
	var e Entry
	if err := json.Unmarshal(line[sumDigits+1:], &e); err != nil {
		return ErrDamaged
	}
	s.Entries++
	if e.Add != nil {
		s.Files[e.Add.ID] = e.Add
		delete(s.Dropped, e.Add.ID)
	}
	if e.Drop != 0 {
		delete(s.Files, e.Drop)
		s.Dropped[e.Drop] = true
	}
	for source, next := range e.Next {
		s.Next[source] = max(s.Next[source], next)
	}
	return nil
}

// AppendEntry writes an entry as a line.
func AppendEntry(dst []byte, e *Entry) ([]byte, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return dst, err
	}
	dst = fmt.Appendf(dst, "%016x ", xxhash.Sum64(data))
	return append(append(dst, data...), '\n'), nil
}

// Write writes a catalogue anew.
func Write(fsys disk.FS, name string, files []*File, next map[string]uint64) error {
	var data []byte
	var err error
	for _, f := range files {
		if data, err = AppendEntry(data, &Entry{Add: f}); err != nil {
			return err
		}
	}
	if len(next) > 0 {
		if data, err = AppendEntry(data, &Entry{Next: next}); err != nil {
			return err
		}
	}
	return disk.WriteFile(fsys, name, data)
}

// Append adds entries to a catalogue and waits until the disk has them.
func Append(fsys disk.FS, name string, entries ...Entry) error {
	var data []byte
	var err error
	for i := range entries {
		if data, err = AppendEntry(data, &entries[i]); err != nil {
			return err
		}
	}
	f, err := fsys.Append(name)
	if err != nil {
		return err
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		if _, err = f.Write(data); err != nil {
			err = errors.Join(err, f.Truncate(end))
		} else {
			err = f.Sync()
		}
	}
	return errors.Join(err, f.Close())
}
