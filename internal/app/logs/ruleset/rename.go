package ruleset

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// renamed renames. On Windows somebody who reads, or a virus scanner, may hold a file for a moment.
func renamed(from, to string) error {
	wait := 10 * time.Millisecond
	for {
		err := os.Rename(from, to)
		if err == nil || runtime.GOOS != "windows" || wait > 2*time.Second {
			return err
		}
		time.Sleep(wait)
		wait *= 2
	}
}

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
	if err := renamed(f.Name(), name); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(name))
}

// syncFolder makes a rename survive a loss of power; Windows has nothing like it and needs nothing.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir) //nolint:gosec // in the data folder
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
