package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// keep writes a file under its key: complete or not at all.
func (s *Service) keep(key string, data []byte) (err error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("make folder for files: %w", err)
	}
	f, err := os.CreateTemp(s.dir, "new-*")
	if err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, werr := f.Write(data)
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	if err := os.Rename(f.Name(), s.path(key)); err != nil {
		return fmt.Errorf("name file: %w", err)
	}
	return nil
}

// read returns a stored file; code not_found when it was swept, and an error when its bytes changed.
func (s *Service) read(i Import) ([]byte, error) {
	data, err := os.ReadFile(s.path(i.Key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, problem.NotFound("intake.file_gone")
	}
	if err != nil {
		return nil, fmt.Errorf("read stored file: %w", err)
	}
	if sum(data) != i.SHA256 {
		return nil, problem.Conflict("intake.file_changed")
	}
	return data, nil
}

func (s *Service) forget(key string) error {
	if err := os.Remove(s.path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove stored file: %w", err)
	}
	return nil
}

// path is made of a key of ours only, never of a name that came from outside.
func (s *Service) path(key string) string { return filepath.Join(s.dir, key) }

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}
