package lake_test

import "golang.org/x/sys/windows"

// errFull is what a system says that has no room.
var errFull error = windows.ERROR_DISK_FULL
