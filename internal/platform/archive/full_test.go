package archive

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"filippo.io/age"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// brimful is a disk on which room bytes are left.
type brimful struct {
	*os.File
	room int
}

func (b *brimful) Write(p []byte) (int, error) {
	if b.room -= len(p); b.room < 0 {
		return 0, &os.PathError{Op: "write", Path: b.Name(), Err: syscall.ENOSPC}
	}
	return b.File.Write(p)
}

// Not parallel: create is one for the whole package.
func TestFullDisk(t *testing.T) {
	old := create
	t.Cleanup(func() { create = old })
	source := filepath.Join(t.TempDir(), "noise")
	noise := make([]byte, 3<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 7)
	}
	if err := os.WriteFile(source, noise, 0o600); err != nil {
		t.Fatal(err)
	}
	id, to, err := Once()
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range []int{0, 100, 1 << 10} {
		create = func(name string) (writeFile, error) {
			f, err := os.Create(name)
			return &brimful{f, room}, err
		}
		dir := t.TempDir()
		_, err := Write(t.Context(), filepath.Join(dir, "b"), Manifest{}, []File{{"noise", source}}, []age.Recipient{to}, id, nil)
		if all := problem.All(err); len(all) != 1 || all[0].Key != "archive.full" {
			t.Errorf("%d bytes left: %v", room, err)
		}
		if err := Copy(t.Context(), source, filepath.Join(dir, "c"), ""); len(problem.All(err)) != 1 || problem.All(err)[0].Key != "archive.full" {
			t.Errorf("copy, %d bytes left: %v", room, err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%d bytes left: %v was left behind", room, left[0].Name())
		}
	}
}
