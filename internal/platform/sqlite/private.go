package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// private makes a missing file that its owner alone can read, before SQLite would make one that the process's umask
// opens to everybody: its WAL and shared memory take the mode of the database. What an earlier version left readable
// for everybody is closed; a group that somebody let in on purpose stays.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the caller names the file
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make database file: %w", err)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o007 == 0 {
			continue
		}
		if err := os.Chmod(name, info.Mode().Perm()&^0o007); err != nil && !errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("close database file to others: %w", err)
		}
	}
	return nil
}
