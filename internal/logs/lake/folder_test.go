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
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() { emptied(t, dir) })
	return dir
}

func emptied(t *testing.T, dir string) {
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
