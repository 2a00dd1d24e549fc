package ruleset

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
)

// replace writes a file under another name and renames it: readers see the old one or the new one, whole.
func replace(name string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), newPrefix)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := (disk.OS{}).Rename(f.Name(), name); err != nil {
		return err
	}
	return disk.OS{}.SyncDir(filepath.Dir(name))
}
