package disktest_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk/disktest"
)

// story does with a file system what the lake does, and tells what it saw.
func story(t *testing.T, fsys disk.FS, root string) string {
	t.Helper()
	var b strings.Builder
	a, in := filepath.Join(root, "a"), filepath.Join(root, "x", "in")
	told := func(what string, err error) { fmt.Fprintln(&b, what, err == nil, errors.Is(err, fs.ErrNotExist)) }
	_, err := fsys.Open(a)
	told("open none", err)
	_, err = fsys.Append(a)
	told("append to none", err)
	_, err = fsys.Stat(a)
	told("stat none", err)
	told("rename none", fsys.Rename(a, in))
	told("remove none", fsys.Remove(a))
	told("mkdir", fsys.MkdirAll(filepath.Dir(in)))
	told("write", disk.WriteFile(fsys, a, []byte("first")))
	told("write", disk.WriteFile(fsys, in, []byte("second one")))
	old, err := fsys.Open(a)
	told("open", err)
	told("write again", disk.WriteFile(fsys, a, []byte("third")))
	f, err := fsys.Append(in)
	told("append", err)
	end, err := f.Seek(0, io.SeekEnd)
	told(fmt.Sprint("seek ", end), err)
	n, err := f.Write([]byte(" and more"))
	told(fmt.Sprint("write ", n), errors.Join(err, f.Truncate(14), f.Sync()))
	end, err = f.Seek(-3, io.SeekCurrent)
	told(fmt.Sprint("seek ", end), err)
	_, err = f.Write([]byte("!"))
	told("write beyond the end", err)
	told("close", f.Close())
	for _, name := range []string{a, in} {
		data, err := disk.ReadFile(fsys, name, 100)
		told(fmt.Sprintf("%q", data), err)
	}
	data, err := io.ReadAll(old)
	told(fmt.Sprintf("replaced %q", data), errors.Join(err, old.Close()))
	info, err := fsys.Stat(in)
	told(fmt.Sprint(info.Name(), info.Size(), info.IsDir()), err)
	entries, err := fsys.ReadDir(root)
	for _, e := range entries {
		fmt.Fprintln(&b, e.Name(), e.IsDir())
	}
	told("list", err)
	told("walk", fsys.Walk(root, func(name string, size int64) {
		rel, _ := filepath.Rel(root, name)
		fmt.Fprintln(&b, filepath.ToSlash(rel), size)
	}))
	entries, err = fsys.ReadDir(filepath.Join(root, "none"))
	told(strconv.Itoa(len(entries)), err)
	return b.String()
}

// The file system in memory does what that of the machine does.
func TestMemory(t *testing.T) {
	t.Parallel()
	var m disktest.Memory
	got, want := story(t, &m, filepath.FromSlash("/lake")), story(t, disk.OS{}, t.TempDir())
	if got != want {
		t.Errorf("in memory\n%s\non disk\n%s", got, want)
	}
	if again := disktest.With(m.Files()); len(again.Files()) != 2 {
		t.Error("copies", again.Files())
	}
}
