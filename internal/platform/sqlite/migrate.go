package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Migration is the list of numbered .sql files of one feature, in a folder "migrations" of FS.
// Files are forward only and never change once released: a changed file is an error at start.
type Migration struct {
	Feature string
	FS      fs.FS
	// Own names tables whose rows carry a proof of their own and get no seals (see seal.go).
	Own []string
}

// Pending lists "feature/file" of every migration that has not run yet. Problem code unsupported when the
// database was written by a newer version.
func (db *DB) Pending(ctx context.Context, all []Migration) ([]string, error) {
	done, err := db.applied(ctx)
	if err != nil {
		return nil, err
	}
	if err := known(done, all); err != nil {
		return nil, err
	}
	var pending []string
	for _, m := range all {
		files, err := migrationFiles(m)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if _, ok := done[f.name]; !ok {
				pending = append(pending, f.name)
			}
		}
	}
	return pending, nil
}

// Migrate runs what is pending, each file in its own transaction, in the order given. Problem code
// unsupported when the database was written by a newer version: an old program must not write there.
func (db *DB) Migrate(ctx context.Context, all []Migration) error {
	const table = `CREATE TABLE IF NOT EXISTS platform_migrations (
		name TEXT PRIMARY KEY, sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT`
	if _, err := db.write.ExecContext(ctx, table); err != nil {
		return fmt.Errorf("prepare migrations: %w", err)
	}
	done, err := db.applied(ctx)
	if err != nil {
		return err
	}
	if err := known(done, all); err != nil {
		return err
	}
	again, err := db.prepareSeals(ctx, all)
	if err != nil {
		return err
	}
	for _, m := range all {
		files, err := migrationFiles(m)
		if err != nil {
			return err
		}
		for _, f := range files {
			if err := db.apply(ctx, f, done); err != nil {
				return err
			}
		}
	}
	if !again {
		return nil
	}
	return db.Write(ctx, func(tx *Tx) error { return sealAll(ctx, tx, ownProof(all)) })
}

// prepareSeals takes the seals' triggers away when migrations are due, and says whether rows must be sealed
// afterwards: also when an earlier try was cut off.
func (db *DB) prepareSeals(ctx context.Context, all []Migration) (again bool, err error) {
	pending, err := db.Pending(ctx, all)
	if err != nil {
		return false, err
	}
	err = db.Write(ctx, func(tx *Tx) error {
		if _, err := tx.ExecContext(ctx, sealTables); err != nil {
			return fmt.Errorf("prepare seals: %w", err)
		}
		const cutOff = `SELECT count(*) > 0 FROM platform_sealed WHERE name = ?`
		if err := tx.QueryRowContext(ctx, cutOff, resealing).Scan(&again); err != nil {
			return fmt.Errorf("look for seals that were cut off: %w", err)
		}
		if again || len(pending) == 0 {
			return nil
		}
		again = true
		return unseal(ctx, tx, ownProof(all))
	})
	return again, err
}

// ownProof lists the tables that get no seals.
func ownProof(all []Migration) []string {
	var own []string
	for _, m := range all {
		own = append(own, m.Own...)
	}
	return own
}

// known refuses a database in which a file of the given features ran that this program does not have.
func known(done map[string]string, all []Migration) error {
	left := maps.Clone(done)
	for _, m := range all {
		files, err := migrationFiles(m)
		if err != nil {
			return err
		}
		for _, f := range files {
			delete(left, f.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		feature, _, _ := strings.Cut(name, "/")
		if slices.ContainsFunc(all, func(m Migration) bool { return m.Feature == feature }) {
			return problem.Unsupported("sqlite.newer", "name", name)
		}
	}
	return nil
}

func (db *DB) apply(ctx context.Context, f migrationFile, done map[string]string) error {
	if old, ok := done[f.name]; ok {
		if old != f.sum {
			return fmt.Errorf("migration %s was changed after it ran", f.name)
		}
		return nil
	}
	return db.Write(ctx, func(tx *Tx) error {
		if _, err := tx.ExecContext(ctx, f.sql); err != nil {
			return fmt.Errorf("run migration %s: %w", f.name, err)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO platform_migrations (name, sha256, applied_at) VALUES (?, ?, ?)`,
			f.name, f.sum, Millis(tx.Now))
		if err != nil {
			return fmt.Errorf("record migration %s: %w", f.name, err)
		}
		return nil
	})
}

func (db *DB) applied(ctx context.Context) (map[string]string, error) {
	done := map[string]string{}
	var exists int
	err := db.read.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE name = 'platform_migrations'`).Scan(&exists)
	if err != nil {
		return nil, fmt.Errorf("look for migrations: %w", err)
	}
	if exists == 0 {
		return done, nil
	}
	rows, err := db.read.QueryContext(ctx, `SELECT name, sha256 FROM platform_migrations`)
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, sum string
		if err := rows.Scan(&name, &sum); err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		done[name] = sum
	}
	return done, rows.Err()
}

type migrationFile struct{ name, sql, sum string }

func migrationFiles(m Migration) ([]migrationFile, error) {
	names, err := fs.Glob(m.FS, "migrations/*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations of %s: %w", m.Feature, err)
	}
	sort.Strings(names)
	files := make([]migrationFile, 0, len(names))
	for _, name := range names {
		text, err := fs.ReadFile(m.FS, name)
		if err != nil {
			return nil, fmt.Errorf("read migration %s of %s: %w", name, m.Feature, err)
		}
		// A checkout on Windows may turn line ends; the hash must not notice.
		body := strings.ReplaceAll(string(text), "\r\n", "\n")
		sum := sha256.Sum256([]byte(body))
		files = append(files, migrationFile{m.Feature + "/" + strings.TrimPrefix(name, "migrations/"), body, hex.EncodeToString(sum[:])})
	}
	return files, nil
}

// Integrity asks SQLite to check the whole file; "ok" is the good answer.
func Integrity(ctx context.Context, tx *Tx) (string, error) {
	var text string
	if err := tx.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&text); err != nil {
		return "", fmt.Errorf("check database: %w", err)
	}
	return text, nil
}
