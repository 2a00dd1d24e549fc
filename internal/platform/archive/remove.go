package archive

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// RemoveTree removes a folder of ours and what is in it; one that is not there is fine. os.RemoveAll deletes in a
// way that not every file system below Windows programs knows; this one asks for nothing special.
func RemoveTree(dir string) error {
	var found []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		found = append(found, path)
		return err
	})
	errs := []error{err}
	for _, path := range slices.Backward(found) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
