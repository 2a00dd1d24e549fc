package proof

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"runtime"
)

func sum(b []byte) Hash { return sha256.Sum256(b) }

// syncFolder makes new names in a folder durable. Windows has no such call and writes names with its own journal.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir) //nolint:gosec // the folder of the lake, as configured
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
