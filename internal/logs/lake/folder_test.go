package lake_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// folder is a folder that is emptied file by file at the end: so a file that the lake has left open is an error where
// the system removes no open file, and the tests end well under Wine, which lacks the call that t.TempDir empties with.
func folder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() { emptied(t, dir) })
	return dir
}

func emptied(t testing.TB, dir string) {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for _, name := range slices.Backward(names) { // what a folder holds comes behind it
		if err := os.Remove(name); err != nil {
			t.Errorf("left open, or not there: %v", err)
		}
	}
}

// sums are the contents of all files of a folder.
func sums(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, name := range filesOf(t, dir) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found[name] = string(data)
	}
	return found
}
