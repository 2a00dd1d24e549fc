package lake_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"

	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
)

// faults is a file system that fails as a test says. Its operations are create, write, sync, rename, remove, truncate.
type faults struct {
	disk.OS
	mu   sync.Mutex
	fail func(op, name string) error // nil: nothing fails
	room int64                       // bytes that may be written; below 0: no limit
}

func newFaults() *faults { return &faults{room: -1} }

func (f *faults) set(fail func(op, name string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

func (f *faults) setRoom(room int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.room = room
}

func (f *faults) ask(op, name string) error {
	f.mu.Lock()
	fail := f.fail
	f.mu.Unlock()
	if fail == nil {
		return nil
	}
	return fail(op, filepath.ToSlash(name))
}

// take uses up room and says how much of n there is.
func (f *faults) take(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.room < 0 {
		return n
	}
	n = int(min(int64(n), f.room))
	f.room -= int64(n)
	return n
}

func (f *faults) Create(name string) (disk.File, error) {
	if err := f.ask("create", name); err != nil {
		return nil, err
	}
	file, err := f.OS.Create(name)
	if err != nil {
		return nil, err
	}
	return &faultFile{File: file, f: f, name: name}, nil
}

func (f *faults) Append(name string) (disk.File, error) {
	file, err := f.OS.Append(name)
	if err != nil {
		return nil, err
	}
	return &faultFile{File: file, f: f, name: name}, nil
}

func (f *faults) Rename(from, to string) error {
	if err := f.ask("rename", to); err != nil {
		return err
	}
	return f.OS.Rename(from, to)
}

func (f *faults) Remove(name string) error {
	if err := f.ask("remove", name); err != nil {
		return err
	}
	return f.OS.Remove(name)
}

func (f *faults) MkdirAll(name string) error {
	if err := f.ask("mkdir", name); err != nil {
		return err
	}
	return f.OS.MkdirAll(name)
}

type faultFile struct {
	disk.File
	f    *faults
	name string
}

func (f *faultFile) Write(p []byte) (int, error) {
	if err := f.f.ask("write", f.name); err != nil {
		n, _ := f.File.Write(p[:len(p)/2])
		return n, err
	}
	n := f.f.take(len(p))
	written, err := f.File.Write(p[:n])
	if err == nil && n < len(p) {
		err = errFull
	}
	return written, err
}

func (f *faultFile) Sync() error {
	if err := f.f.ask("sync", f.name); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *faultFile) Truncate(size int64) error {
	if err := f.f.ask("truncate", f.name); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

var errFault = errors.New("made up")

// now and then fails operations on files whose names hold one of the texts.
func sometimes(seed uint64, one int, in ...string) func(op, name string) error {
	r := rand.New(rand.NewPCG(seed, 11))
	var mu sync.Mutex
	return func(_, name string) error {
		mu.Lock()
		defer mu.Unlock()
		for _, text := range in {
			if strings.Contains(name, text) && r.IntN(one) == 0 {
				return errFault
			}
		}
		return nil
	}
}

// readOnly fails whatever would change something.
func readOnly(string, string) error { return fs.ErrPermission }
