package archive

import (
	"errors"
	"syscall"

	"golang.org/x/sys/windows"
)

// errNoSync stands for what Windows never answers: folders are not synced there.
var errNoSync error = windows.ERROR_INVALID_FUNCTION

func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) || errors.Is(err, syscall.ENOSPC)
}
