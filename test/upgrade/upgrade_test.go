// Package upgrade opens the dump of every earlier office with the present program: everything must still be
// there. gen makes such dumps; one is added with every release (CONTRIBUTING.md).
package upgrade

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/archive"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
)

// later is a morning after all dumps were made.
func later() time.Time { return time.Date(2026, 11, 27, 1, 0, 0, 0, time.UTC) }

func config(dir string) app.Config {
	return app.Config{Dir: dir, Now: later, Log: app.DiscardLog(), Program: "test"}
}

func dumps(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("testdata/*.tar.gz")
	if err != nil || len(found) == 0 {
		t.Fatal("no dumps", err)
	}
	return found
}

// unpack writes the office of a dump into a folder.
func unpack(t *testing.T, dump, dir string) {
	t.Helper()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(dump)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	from := tar.NewReader(zip)
	for {
		h, err := from.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(from)
		if err == nil {
			err = os.WriteFile(path, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// lived are tables in which the mere opening of an office on a later day writes: sources are read again and
// verdicts are judged, old sessions go. Their rows are compared by number only, and may not become fewer but
// for the sessions.
var lived = []string{"fact_", "assessment_", "verdict_", "account_sessions", "audit_log", "platform_migrations"}

func TestEveryDumpOpens(t *testing.T) {
	t.Parallel()
	for _, dump := range dumps(t) {
		t.Run(filepath.Base(dump), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			unpack(t, dump, dir)
			old, err := sqlite.OpenReading(t.Context(), filepath.Join(dir, "kizuki.db"), later)
			if err != nil {
				t.Fatal(err)
			}
			before := sqlitetest.Dump(t, old)
			columns := columnsOf(t, old)
			if err := old.Close(); err != nil {
				t.Fatal(err)
			}
			a, err := app.Open(t.Context(), config(dir))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = a.Close() }() // nothing more is asked
			same(t, a, before, columns)
			healthy(t, a)
			same(t, reborn(t, a), before, columns)
		})
	}
}

// columnsOf lists the columns of every table.
func columnsOf(t *testing.T, db *sqlite.DB) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := db.Read(t.Context(), func(tx *sqlite.Tx) error {
		rows, err := tx.QueryContext(t.Context(), `SELECT m.name, group_concat('"' || c.name || '"', ', ') FROM sqlite_master m JOIN pragma_table_info(m.name) c
			WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' GROUP BY m.name`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var table, columns string
			if err := rows.Scan(&table, &columns); err != nil {
				return err
			}
			out[table] = columns
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// same insists that every row of the dump is in the upgraded office, in the columns that the dump had.
func same(t *testing.T, a *app.App, before map[string][]string, columns map[string]string) {
	t.Helper()
	err := a.DB.Read(t.Context(), func(tx *sqlite.Tx) error {
		for table, rows := range before {
			now, err := rowsOf(t.Context(), tx, table, columns[table])
			if err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
			if slices.ContainsFunc(lived, func(prefix string) bool { return strings.HasPrefix(table, prefix) }) {
				if len(now) < len(rows) && table != "account_sessions" {
					t.Errorf("%s: %d rows of %d are left", table, len(now), len(rows))
				}
				continue
			}
			slices.Sort(now)
			if !slices.Equal(rows, now) {
				t.Errorf("%s: the rows have changed: %d before, %d now", table, len(rows), len(now))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func rowsOf(ctx context.Context, tx *sqlite.Tx, table, columns string) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+columns+` FROM "`+table+`"`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out []string
	for rows.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		out = append(out, fmt.Sprintf("%q", values))
	}
	return out, rows.Err()
}

func healthy(t *testing.T, a *app.App) {
	t.Helper()
	checks, err := a.Doctor(app.AsCommand(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	named := false
	for _, c := range checks {
		if !c.OK {
			t.Errorf("doctor: %s: %s", c.Name, a.Texts.T("en", c.Text.Key, c.Text.Args))
		}
		named = named || c.Name == "upgrades"
	}
	if !named {
		t.Error("doctor does not name the copy that was made before the upgrade")
	}
}

// reborn backs an office up and restores it elsewhere.
func reborn(t *testing.T, a *app.App) *app.App {
	t.Helper()
	secret, public, err := archive.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	ctx := app.AsCommand(t.Context())
	if err := a.Backups.AddKey(ctx, public, "TEST"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "b.kizuki.age")
	if _, err := a.Backup(ctx, file, "", nil); err != nil {
		t.Fatal(err)
	}
	key, err := archive.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	return restored(t, file, key)
}

func restored(t *testing.T, file string, key age.Identity) *app.App {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "office")
	_, err := app.Restore(t.Context(), app.RestoreConfig{File: file, Dir: dir, Keys: []age.Identity{key}, Now: later, Log: app.DiscardLog()})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(t.Context(), config(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

// TestOldBackupIsUpgraded: a backup that an earlier program made (here: packed from the dump as it is) is
// restored by the present one, with everything in it.
func TestOldBackupIsUpgraded(t *testing.T) {
	t.Parallel()
	for _, dump := range dumps(t) {
		dir := t.TempDir()
		unpack(t, dump, dir)
		old, err := sqlite.OpenReading(t.Context(), filepath.Join(dir, "kizuki.db"), later)
		if err != nil {
			t.Fatal(err)
		}
		before, columns := sqlitetest.Dump(t, old), columnsOf(t, old)
		m := archive.Manifest{Program: "earlier", MadeAt: later()}
		if m.Tables, err = old.Applied(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
		var files []archive.File
		err = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() && !strings.HasPrefix(e.Name(), "kizuki.db-") {
				name, _ := filepath.Rel(dir, path)
				files = append(files, archive.File{Name: filepath.ToSlash(name), Path: path})
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		key, to, err := archive.Once()
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "old.kizuki.age")
		if _, err := archive.Write(t.Context(), file, m, files, []age.Recipient{to}, key, nil); err != nil {
			t.Fatal(err)
		}
		same(t, restored(t, file, key), before, columns)
	}
}

// TestCopiesBeforeUpgrades: an upgrade copies first and keeps the three newest copies.
func TestCopiesBeforeUpgrades(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unpack(t, dumps(t)[0], dir)
	for i := range 4 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("before-upgrade-2026010%d-000000.db", i+1)), []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := app.Open(t.Context(), config(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }() // nothing more is asked
	left, _ := filepath.Glob(filepath.Join(dir, "before-upgrade-*"))
	if len(left) != 3 || filepath.Base(left[0]) != "before-upgrade-20260103-000000.db" {
		t.Fatalf("left %v", left)
	}
	copied, err := sqlite.OpenReading(t.Context(), left[2], later)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = copied.Close() }() // it was only read
	if pending, err := copied.Pending(t.Context(), app.Migrations()); err != nil || len(pending) == 0 {
		t.Errorf("the copy is not of before the upgrade: %v, %v", pending, err)
	}
}
