package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// CopyTo writes a consistent copy of the database to a new file and puts it on the disk, while the office goes
// on: readers and writers do not wait. It works beside another process, too. Problem code unavailable
// (sqlite.full) when the disk has no room; nothing is left then.
func (db *DB) CopyTo(ctx context.Context, file string) (err error) {
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("copy database: %s is there already", filepath.Base(file)), err)
	}
	// A connection of its own: the readers' refuse even to write another file, the writer's would hold up every act.
	q := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(10000)", "temp_store(memory)", "cache_size(-8000)"}}
	from, err := sql.Open("sqlite", "file:"+strings.ReplaceAll(url.PathEscape(filepath.ToSlash(db.path)), "%2F", "/")+"?"+q.Encode())
	if err != nil {
		return fmt.Errorf("open database for copying: %w", err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	if err := private(file); err != nil { // SQLite writes into an empty file
		return copyFailed(file, err)
	}
	if _, err := from.ExecContext(ctx, `VACUUM INTO ?`, file); err != nil {
		return copyFailed(file, err)
	}
	if err := secure(file); err != nil {
		return copyFailed(file, err)
	}
	return nil
}

// copyFailed removes what a failed copy left.
func copyFailed(file string, err error) error {
	_ = os.Remove(file) // the first error is what matters
	_ = os.Remove(file + "-journal")
	if isFull(err) {
		return problem.Unavailable("sqlite.full").Because(err)
	}
	return fmt.Errorf("copy database: %w", err)
}

// secure puts a file on the disk and keeps it from other users of the machine.
func secure(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0o600) //nolint:gosec // the caller names the file
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Sync(), f.Close())
}

// Applied lists the migrations that ran, by "feature/file", with their SHA-256.
func (db *DB) Applied(ctx context.Context) (map[string]string, error) { return db.applied(ctx) }

// Known says whether this program has every migration of done, as Applied gives them, unchanged. Problem code
// unsupported (sqlite.newer) when a newer program wrote the database.
func Known(done map[string]string, all []Migration) error {
	left := maps.Clone(done)
	for _, m := range all {
		files, err := migrationFiles(m)
		if err != nil {
			return err
		}
		for _, f := range files {
			if left[f.name] == f.sum {
				delete(left, f.name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		return problem.Unsupported("sqlite.newer", "name", name)
	}
	return nil
}

// Born is when the first migration ran here: how old the office is. Zero for an empty database.
func Born(ctx context.Context, tx *Tx) (time.Time, error) {
	var at int64
	if err := tx.QueryRowContext(ctx, `SELECT coalesce(min(applied_at), 0) FROM platform_migrations`).Scan(&at); err != nil {
		return time.Time{}, fmt.Errorf("read first migration: %w", err)
	}
	return FromMillis(at), nil
}
