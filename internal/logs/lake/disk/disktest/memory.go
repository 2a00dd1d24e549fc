// Package disktest has a file system in memory, for tests that open very many folders. It knows no folders but those that
// files lie in, and syncs nothing.
//
// It imports disk.
package disktest

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing/fstest"

	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
)

// Memory is a file system; the zero value is empty. Any goroutine may use it. A file that is open can be removed and
// replaced, as on Unix, and can be read still.
type Memory struct {
	mu    sync.Mutex
	files map[string]*content
}

// content is what stands in a file; it has a name, or is still open, or both.
type content struct {
	mu   sync.Mutex
	data []byte
}

var _ disk.FS = (*Memory)(nil)

// With is a file system with these files, by full name.
func With(files map[string][]byte) *Memory {
	m := &Memory{files: map[string]*content{}}
	for name, data := range files {
		m.files[filepath.Clean(name)] = &content{data: slices.Clone(data)}
	}
	return m
}

// Files are copies of all files.
func (m *Memory) Files() map[string][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[string][]byte, len(m.files))
	for name, c := range m.files {
		out[name] = c.bytes()
	}
	return out
}

func (c *content) bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.data)
}

func (m *Memory) find(op, name string) (*content, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.files[filepath.Clean(name)]; c != nil {
		return c, nil
	}
	return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// Open opens a file for reading.
func (m *Memory) Open(name string) (disk.File, error) {
	c, err := m.find("open", name)
	if err != nil {
		return nil, err
	}
	return &file{content: c, name: name}, nil
}

// Append opens an existing file.
func (m *Memory) Append(name string) (disk.File, error) { return m.Open(name) }

// Create makes a file anew.
func (m *Memory) Create(name string) (disk.File, error) {
	c := &content{}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.files == nil {
		m.files = map[string]*content{}
	}
	m.files[filepath.Clean(name)] = c
	return &file{content: c, name: name}, nil
}

// Rename renames a file, replacing another.
func (m *Memory) Rename(from, to string) error {
	c, err := m.find("rename", from)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.files, filepath.Clean(from))
	m.files[filepath.Clean(to)] = c
	return nil
}

// Remove removes a file; a missing one is no error.
func (m *Memory) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.files, filepath.Clean(name))
	return nil
}

// below are the files below a folder, by their names from there on.
func (m *Memory) below(root string) fstest.MapFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := fstest.MapFS{}
	for name, c := range m.files {
		if rest, ok := strings.CutPrefix(name, filepath.Clean(root)+string(filepath.Separator)); ok {
			out[filepath.ToSlash(rest)] = &fstest.MapFile{Data: c.bytes(), Mode: 0o600}
		}
	}
	return out
}

// ReadDir lists a folder; a missing one is empty.
func (m *Memory) ReadDir(name string) ([]fs.DirEntry, error) { return m.below(name).ReadDir(".") }

// MkdirAll does nothing: folders come with their files.
func (m *Memory) MkdirAll(string) error { return nil }

// Stat tells of a file.
func (m *Memory) Stat(name string) (fs.FileInfo, error) {
	f, err := m.Open(name)
	if err != nil {
		return nil, err
	}
	return f.Stat()
}

// SyncDir does nothing.
func (m *Memory) SyncDir(string) error { return nil }

// Walk calls each for every file below root.
func (m *Memory) Walk(root string, each func(name string, size int64)) error {
	files := m.below(root)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		each(filepath.Join(root, filepath.FromSlash(name)), int64(len(files[name].Data)))
	}
	return nil
}

// file is an open file. Its place is for one goroutine.
type file struct {
	*content

	name string
	at   int64
}

// Read reads on.
func (f *file) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.at)
	f.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

// ReadAt reads at a place.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if off < 0 {
		return 0, fs.ErrInvalid
	}
	if off >= int64(len(f.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Write writes on.
func (f *file) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if gap := f.at - int64(len(f.data)); gap > 0 {
		f.data = append(f.data, make([]byte, gap)...)
	}
	n := copy(f.data[f.at:], p)
	f.data = append(f.data, p[n:]...)
	f.at += int64(len(p))
	return len(p), nil
}

// Seek moves the place.
func (f *file) Seek(off int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		off += f.at
	case io.SeekEnd:
		off += int64(len(f.data))
	}
	if off < 0 {
		return 0, errors.New("a place before the file")
	}
	f.at = off
	return off, nil
}

// Truncate cuts a file, or makes it longer.
func (f *file) Truncate(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if size > int64(len(f.data)) {
		f.data = append(f.data, make([]byte, size-int64(len(f.data)))...)
	}
	f.data = f.data[:size]
	return nil
}

// Stat tells of a file.
func (f *file) Stat() (fs.FileInfo, error) {
	name := filepath.Base(f.name)
	return fs.Stat(fstest.MapFS{name: {Data: f.bytes(), Mode: 0o600}}, name)
}

// Sync does nothing.
func (f *file) Sync() error { return nil }

// Close does nothing.
func (f *file) Close() error { return nil }
