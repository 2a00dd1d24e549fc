//go:build !windows

package archive

import (
	"errors"
	"syscall"
)

// errNoSync is what some file systems answer to a sync of a folder.
var errNoSync error = syscall.EINVAL

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
