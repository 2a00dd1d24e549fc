package disk

import (
	"errors"

	"golang.org/x/sys/windows"
)

// held says whether others hold a file for now: virus scanners and indexers do so.
func held(err error) bool {
	return errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_LOCK_VIOLATION) ||
		errors.Is(err, windows.ERROR_ACCESS_DENIED)
}

// syncDir does nothing: NTFS keeps names in its own journal, and a folder cannot be flushed.
func syncDir(string) error { return nil }

// Full says whether an error means that the disk has no room.
func Full(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}
