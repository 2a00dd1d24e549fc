package disk

import (
	"errors"
	"io"
	"io/fs"
	"sync"
)

// ErrReading says that something was to be written through a Held.
var ErrReading = errors.New("the folder is open for reading only")

// Held is a file system that nothing is written through, and that keeps files open on request: a file that another
// process removes meanwhile can be read until it is let go. Any goroutine may use it.
type Held struct {
	FS

	mu    sync.Mutex
	files map[string]*heldFile
}

// heldFile is a file that is open once for all who read it. Held.mu guards uses.
type heldFile struct {
	File

	uses int
}

// NewHeld reads through another file system.
func NewHeld(fsys FS) *Held { return &Held{FS: fsys, files: map[string]*heldFile{}} }

// Hold opens a file until Let; it may be held several times.
func (h *Held) Hold(name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f := h.files[name]; f != nil {
		f.uses++
		return nil
	}
	f, err := h.FS.Open(name)
	if err != nil {
		return err
	}
	h.files[name] = &heldFile{File: f, uses: 1}
	return nil
}

// Let ends one Hold of a file.
func (h *Held) Let(name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.files[name]
	if f == nil {
		return nil
	}
	return h.done(name, f)
}

// done ends one use of a held file. h.mu is held.
func (h *Held) done(name string, f *heldFile) error {
	if f.uses--; f.uses > 0 {
		return nil
	}
	if h.files[name] == f {
		delete(h.files, name)
	}
	return f.Close()
}

// Open opens a file for reading; one that is held is the same open file, with a place of its own.
func (h *Held) Open(name string) (File, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.files[name]
	if f == nil {
		return h.FS.Open(name)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	f.uses++
	return &sharedFile{SectionReader: io.NewSectionReader(f.File, 0, info.Size()), of: h, name: name, file: f}, nil
}

// sharedFile is one reader of a held file.
type sharedFile struct {
	*io.SectionReader

	of   *Held
	name string
	file *heldFile
	once sync.Once
}

// Stat tells of the file.
func (s *sharedFile) Stat() (fs.FileInfo, error) { return s.file.Stat() }

// Close ends this reader's use of the file.
func (s *sharedFile) Close() (err error) {
	s.once.Do(func() {
		s.of.mu.Lock()
		defer s.of.mu.Unlock()
		err = s.of.done(s.name, s.file)
	})
	return err
}

// Write refuses.
func (*sharedFile) Write([]byte) (int, error) { return 0, ErrReading }

// Sync refuses.
func (*sharedFile) Sync() error { return ErrReading }

// Truncate refuses.
func (*sharedFile) Truncate(int64) error { return ErrReading }

// Create refuses.
func (*Held) Create(string) (File, error) { return nil, ErrReading }

// Append refuses.
func (*Held) Append(string) (File, error) { return nil, ErrReading }

// Rename refuses.
func (*Held) Rename(string, string) error { return ErrReading }

// Remove refuses.
func (*Held) Remove(string) error { return ErrReading }

// MkdirAll refuses.
func (*Held) MkdirAll(string) error { return ErrReading }

// SyncDir refuses.
func (*Held) SyncDir(string) error { return ErrReading }

var _ FS = (*Held)(nil)
