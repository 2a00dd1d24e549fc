//go:build unix

package disk

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Free is the room that this user may still fill on the disk that holds path, in bytes.
func Free(path string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, fmt.Errorf("ask for free space: %w", err)
	}
	return uint64(st.Bavail) * uint64(st.Bsize), nil //nolint:unconvert // the types differ between systems
}
