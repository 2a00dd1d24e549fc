// Package disk is the layer between the lake and the files of the machine: what the lake does with files goes through
// FS, so that tests can fill the disk, fail a rename or stop in the middle, and so that the differences between
// systems (a folder's fsync, a file that Windows holds for a while) stand in one place.
//
// It owns the words folder and file. It imports nothing of ours.
package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// File is an open file.
type File interface {
	io.Reader
	io.Writer
	io.ReaderAt
	io.Closer
	Sync() error
	Truncate(size int64) error
	Seek(offset int64, whence int) (int64, error)
	Stat() (fs.FileInfo, error)
}

// FS is what the lake asks of the file system. Names are full paths.
type FS interface {
	Open(name string) (File, error)                             // for reading
	Create(name string) (File, error)                           // for writing, cut to nothing
	Append(name string) (File, error)                           // for writing and reading; it must exist; the place is the start
	Rename(from, to string) error                               // replaces; tries again while the file is held by others
	Remove(name string) error                                   // a missing file is no error
	ReadDir(name string) ([]fs.DirEntry, error)                 // sorted by name; a missing folder is empty
	MkdirAll(name string) error                                 // 0700
	Stat(name string) (fs.FileInfo, error)                      //
	SyncDir(name string) error                                  // makes names in a folder last, where the system needs it
	Walk(root string, each func(name string, size int64)) error // every plain file below root
}

// OS is the machine's own file system. The zero value is ready.
type OS struct {
	Patience time.Duration // how long a rename or removal is tried again while others hold the file; 0: two seconds
}

// Open opens a file for reading. Others may remove it or put another in its place meanwhile, on Windows too.
func (OS) Open(name string) (File, error) { return plain(openShared(name)) }

// Create makes a file anew, readable by its owner only.
func (OS) Create(name string) (File, error) {
	return plain(os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)) //nolint:gosec // names are the lake's own
}

// Append opens an existing file for reading and writing.
func (OS) Append(name string) (File, error) { return plain(os.OpenFile(name, os.O_RDWR, 0o600)) } //nolint:gosec // names are the lake's own

// plain keeps a nil *os.File from becoming a File that is not nil.
func plain(f *os.File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Rename renames a file, replacing another. On Windows a scanner or an indexer may hold it for a moment.
func (o OS) Rename(from, to string) error {
	return o.retry(func() error { return os.Rename(from, to) })
}

// Remove removes a file; a missing one is no error.
func (o OS) Remove(name string) error {
	err := o.retry(func() error { return os.Remove(name) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (o OS) retry(act func() error) error {
	patience := o.Patience
	if patience == 0 {
		patience = 2 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		err := act()
		if err == nil || !held(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// ReadDir lists a folder; a missing one is empty.
func (OS) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

// MkdirAll makes a folder and those above it, for their owner only.
func (OS) MkdirAll(name string) error { return os.MkdirAll(name, 0o700) }

// Stat tells of a file.
func (OS) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// SyncDir makes the names in a folder last.
func (OS) SyncDir(name string) error { return syncDir(name) }

// Walk calls each for every plain file below root.
func (OS) Walk(root string, each func(name string, size int64)) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		each(path, info.Size())
		return nil
	})
}

// Part is the ending of a file that is being written; a start removes what carries it.
const Part = ".tmp"

// WriteFile writes a small file so that either the old or the new content is there after a stop at any moment.
func WriteFile(fsys FS, name string, data []byte) error {
	f, err := fsys.Create(name + Part)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = fsys.Rename(name+Part, name)
	}
	if err != nil {
		return errors.Join(err, fsys.Remove(name+Part))
	}
	return fsys.SyncDir(filepath.Dir(name))
}

// ReadFile reads a whole file of at most limit bytes.
func ReadFile(fsys FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: %w: more than %d bytes", filepath.Base(name), ErrTooLarge, limit)
	}
	return data, nil
}

// ErrTooLarge says that a file is larger than one of its kind can be.
var ErrTooLarge = errors.New("file too large")
