//go:build !windows

package app

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// freeBytes is how much an ordinary process may still write where dir lies.
func freeBytes(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("ask for free space: %w", err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:unconvert // the types differ by system; no disk is that large
}

// sameDisk says whether two folders lie on one file system; false when that is not known.
func sameDisk(a, b string) bool {
	one, err := os.Stat(nearestExisting(a))
	if err != nil {
		return false
	}
	other, err := os.Stat(nearestExisting(b))
	if err != nil {
		return false
	}
	x, ok := one.Sys().(*syscall.Stat_t)
	y, also := other.Sys().(*syscall.Stat_t)
	return ok && also && x.Dev == y.Dev
}
