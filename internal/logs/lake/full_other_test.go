//go:build !windows

package lake_test

import "syscall"

// errFull is what a system says that has no room.
var errFull error = syscall.ENOSPC
