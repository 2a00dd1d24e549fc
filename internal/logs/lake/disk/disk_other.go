//go:build !windows

package disk

import (
	"errors"
	"os"
	"syscall"
)

// held is never true here: a file that others have open can be renamed and removed.
func held(error) bool { return false }

func openShared(name string) (*os.File, error) { return os.Open(name) } //nolint:gosec // names are the lake's own

// syncDir makes the names in a folder last through a loss of power.
func syncDir(name string) error {
	d, err := os.Open(name) //nolint:gosec // names are the lake's own
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Full says whether an error means that the disk has no room.
func Full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
