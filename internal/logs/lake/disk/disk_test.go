package disk

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// noted writes down what is done, in its order.
type noted struct {
	OS
	did []string
}

func (n *noted) Create(name string) (File, error) {
	f, err := n.OS.Create(name)
	if err != nil {
		return nil, err
	}
	return &notedFile{f, n}, nil
}

func (n *noted) Rename(from, to string) error {
	n.did = append(n.did, "rename "+filepath.Base(to))
	return n.OS.Rename(from, to)
}

func (n *noted) SyncDir(name string) error {
	n.did = append(n.did, "sync "+filepath.Base(name))
	return n.OS.SyncDir(name)
}

type notedFile struct {
	File
	of *noted
}

func (f *notedFile) Sync() error {
	f.of.did = append(f.of.did, "sync")
	return f.File.Sync()
}

// A small file is on disk before it has its name, and its name before it counts: keys and rules rest on that.
func TestSyncsBeforeNames(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	var fsys noted
	name := filepath.Join(dir, "keys.json")
	for _, text := range []string{"one", "two"} {
		fsys.did = nil
		if err := WriteFile(&fsys, name, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if want := []string{"sync", "rename keys.json", "sync " + filepath.Base(dir)}; !slices.Equal(fsys.did, want) {
			t.Errorf("did %v", fsys.did)
		}
		if data, err := os.ReadFile(name); err != nil || string(data) != text {
			t.Errorf("%q %v", data, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left: %v %v", left, err)
	}
}
