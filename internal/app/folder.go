package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gofrs/flock"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// ErrInUse says that another process holds the data folder: there is never a second writer.
var ErrInUse = problem.Unavailable("app.folder.in_use")

// DefaultFolder is where an office lives when nobody says otherwise.
func DefaultFolder() (string, error) {
	switch runtime.GOOS {
	case "windows":
		if base := os.Getenv("ProgramData"); base != "" {
			return filepath.Join(base, "Kizuki"), nil
		}
	case "linux":
		if base := os.Getenv("XDG_DATA_HOME"); base != "" {
			return filepath.Join(base, "kizuki"), nil
		}
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, ".local", "share", "kizuki"), nil
		}
	}
	base, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the usual data folder: %w", err)
	}
	return filepath.Join(base, "Kizuki"), nil
}

// checkFolder refuses places where a database breaks: network shares and folders that a sync service
// copies (DESIGN §7).
func checkFolder(cfg Config) error {
	dir := cfg.Dir
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("resolve data folder: %w", err)
	}
	if target, err := filepath.EvalSymlinks(nearestExisting(abs)); err == nil {
		abs = target + strings.TrimPrefix(abs, nearestExisting(abs))
	}
	synced := cfg.Synced
	if synced == nil {
		synced = announced(os.Getenv)
	}
	if service := syncService(abs, synced); service != "" {
		return problem.Unsupported("app.folder.synced", "dir", dir, "service", service)
	}
	network := cfg.Network
	if network == nil {
		network = networkKind
	}
	if kind := network(nearestExisting(abs)); kind != "" {
		return problem.Unsupported("app.folder.share", "dir", dir, "kind", kind)
	}
	return nil
}

func nearestExisting(path string) string {
	for {
		if _, err := os.Stat(path); err == nil {
			return path
		}
		parent := filepath.Dir(path)
		if parent == path {
			return path
		}
		path = parent
	}
}

// lockFolder makes the folder and takes its lock; release it with the returned function.
func lockFolder(dir string) (func() error, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, problem.Unavailable("app.folder.cannot_make", "dir", dir).Because(err)
	}
	lock := flock.New(filepath.Join(dir, "kizuki.lock"), flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, problem.Unavailable("app.folder.cannot_make", "dir", dir).Because(err)
	}
	if !ok {
		return nil, errors.Join(ErrInUse)
	}
	return lock.Unlock, nil
}
