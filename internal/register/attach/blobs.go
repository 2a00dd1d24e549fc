package attach

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// blobPath is where the content with this hash lies: DIR/ab/abcdef….
func (s *Store) blobPath(sum string) (string, error) {
	if raw, err := hex.DecodeString(sum); err != nil || len(raw) != sha256.Size {
		return "", fmt.Errorf("attachment has no usable hash: %.70q", sum)
	}
	return filepath.Join(s.dir, sum[:2], sum), nil
}

// keep writes the content unless it is already there, unharmed. The file is complete and on the disk
// before its name appears, and so before any row names it.
func (s *Store) keep(data []byte) (sum string, err error) {
	raw := sha256.Sum256(data)
	sum = hex.EncodeToString(raw[:])
	path, err := s.blobPath(sum)
	if err != nil {
		return "", err
	}
	if intact(path, raw) {
		return sum, nil
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make folder for attachment: %w", err)
	}
	temp, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return "", fmt.Errorf("open new attachment: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name()) // the first error is what matters
		}
	}()
	_, err = temp.Write(data)
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return "", fmt.Errorf("write attachment: %w", err)
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return "", fmt.Errorf("name attachment: %w", err)
	}
	return sum, syncFolder(dir)
}

// syncFolder puts the new name itself on the disk. Windows has no such call and does it by itself.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir) //nolint:gosec // a folder of ours
	if err != nil {
		return fmt.Errorf("open folder of attachment: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("secure folder of attachment: %w", err)
	}
	return nil
}

func intact(path string, want [sha256.Size]byte) bool {
	data, err := os.ReadFile(path) //nolint:gosec // the path is made of a hash
	return err == nil && sha256.Sum256(data) == want
}

// Read returns the content of a. Content that is missing or no longer has its hash is problem code
// unavailable, key attach.missing or attach.changed: a changed proof must not be shown as the proof.
func (s *Store) Read(a Attachment) ([]byte, error) {
	path, err := s.blobPath(a.SHA256)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path) //nolint:gosec // the path is made of a hash
	if errors.Is(err, fs.ErrNotExist) {
		return nil, problem.Unavailable("attach.missing", "name", a.Name).Because(err)
	}
	if err != nil {
		return nil, fmt.Errorf("read attachment %s: %w", a.Key, err)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != a.SHA256 {
		return nil, problem.Unavailable("attach.changed", "name", a.Name)
	}
	return data, nil
}
