package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func migration(feature string, files ...string) sqlite.Migration {
	fsys := fstest.MapFS{}
	for i := 0; i+1 < len(files); i += 2 {
		fsys["migrations/"+files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return sqlite.Migration{Feature: feature, FS: fsys}
}

const table = "CREATE TABLE t_rows (n INTEGER NOT NULL) STRICT;"

func open(t *testing.T, all ...sqlite.Migration) *sqlite.DB {
	t.Helper()
	if len(all) == 0 {
		all = []sqlite.Migration{migration("t", "0001_t.sql", table)}
	}
	return sqlitetest.Open(t, sqlitetest.NewClock("2026-11-23"), all...)
}

func insert(ctx context.Context, tx *sqlite.Tx, n int) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO t_rows (n) VALUES (?)", n)
	return err
}

// rows lists what is stored.
func rows(t *testing.T, db *sqlite.DB) (out []int) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *sqlite.Tx) error {
		found, err := tx.QueryContext(t.Context(), "SELECT n FROM t_rows ORDER BY n")
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			var n int
			if err := found.Scan(&n); err != nil {
				return err
			}
			out = append(out, n)
		}
		return found.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		fn   func(ctx context.Context, tx *sqlite.Tx) error
	}{
		{"no page left", func(ctx context.Context, tx *sqlite.Tx) error {
			if _, err := tx.ExecContext(ctx, `PRAGMA max_page_count = 1`); err != nil { // SQLite keeps what is there already
				return err
			}
			if err := insert(ctx, tx, 1); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `CREATE TABLE big AS SELECT zeroblob(1000000) AS b`)
			return err
		}},
		{"no room for a file of the act", func(ctx context.Context, tx *sqlite.Tx) error {
			return errors.Join(insert(ctx, tx, 1), &fs.PathError{Op: "write", Path: "scan", Err: syscall.ENOSPC})
		}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			err := db.Write(t.Context(), func(tx *sqlite.Tx) error { return tc.fn(t.Context(), tx) })
			all := problem.All(err)
			if len(all) != 1 || all[0].Code != problem.CodeUnavailable || all[0].Key != "sqlite.full" || all[0].Err == nil {
				t.Errorf("error %v, want one problem sqlite.full with its cause", err)
			}
			if got := rows(t, db); got != nil {
				t.Errorf("rows %v are left of the act", got)
			}
		})
	}
}

func TestWriteCommitsOrLeavesNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	tests := []struct {
		name string
		fn   func(ctx context.Context, tx *sqlite.Tx) error
		want error
	}{
		{"good", func(ctx context.Context, tx *sqlite.Tx) error { return insert(ctx, tx, 1) }, nil},
		{"error", func(ctx context.Context, tx *sqlite.Tx) error { return errors.Join(insert(ctx, tx, 1), broken) }, broken},
		{"error of a hook", func(ctx context.Context, tx *sqlite.Tx) error {
			tx.BeforeCommit(func(context.Context, *sqlite.Tx) error { return broken })
			return insert(ctx, tx, 1)
		}, broken},
		{"error of a hook that a hook added", func(ctx context.Context, tx *sqlite.Tx) error {
			tx.BeforeCommit(func(_ context.Context, tx *sqlite.Tx) error {
				tx.BeforeCommit(func(context.Context, *sqlite.Tx) error { return broken })
				return nil
			})
			return insert(ctx, tx, 1)
		}, broken},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			err := db.Write(t.Context(), func(tx *sqlite.Tx) error { return tc.fn(t.Context(), tx) })
			if !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v", err, tc.want)
			}
			var want []int
			if tc.want == nil {
				want = []int{1}
			}
			if diff := cmp.Diff(want, rows(t, db)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if err := db.Write(t.Context(), func(tx *sqlite.Tx) error { return insert(t.Context(), tx, 2) }); err != nil {
				t.Errorf("the next act: %v", err)
			}
		})
	}
}

func TestPanicRollsBack(t *testing.T) {
	t.Parallel()
	db := open(t)
	func() {
		defer func() {
			if v := recover(); v != "boom" {
				t.Errorf("recovered %v, want the panic to pass through", v)
			}
		}()
		err := db.Write(t.Context(), func(tx *sqlite.Tx) error {
			if err := insert(t.Context(), tx, 1); err != nil {
				return err
			}
			panic("boom")
		})
		t.Errorf("Write returned %v after a panic", err)
	}()
	if got := rows(t, db); got != nil {
		t.Errorf("rows %v stayed", got)
	}
	if err := db.Write(t.Context(), func(tx *sqlite.Tx) error { return insert(t.Context(), tx, 2) }); err != nil {
		t.Errorf("the one writing connection is lost: %v", err)
	}
}

func TestHooksRunInOrderAndSeeTheAct(t *testing.T) {
	t.Parallel()
	db := open(t)
	var order []string
	err := db.Write(t.Context(), func(tx *sqlite.Tx) error {
		tx.BeforeCommit(func(ctx context.Context, tx *sqlite.Tx) error {
			order = append(order, "first")
			tx.BeforeCommit(func(context.Context, *sqlite.Tx) error {
				order = append(order, "added")
				return nil
			})
			var n int
			if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM t_rows").Scan(&n); err != nil || n != 1 {
				t.Errorf("the hook sees %d rows (%v), want that of the act", n, err)
			}
			return nil
		})
		tx.BeforeCommit(func(context.Context, *sqlite.Tx) error {
			order = append(order, "second")
			return nil
		})
		order = append(order, "act")
		return insert(t.Context(), tx, 1)
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"act", "first", "second", "added"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestReadCannotWrite(t *testing.T) {
	t.Parallel()
	db := open(t)
	for _, text := range []string{"INSERT INTO t_rows (n) VALUES (1)", "DELETE FROM t_rows", "DROP TABLE t_rows", "CREATE TABLE x (n)"} {
		err := db.Read(t.Context(), func(tx *sqlite.Tx) error {
			_, err := tx.ExecContext(t.Context(), text)
			return err
		})
		if err == nil {
			t.Errorf("%s ran in a read transaction", text)
		}
	}
}

func TestReadSeesOneState(t *testing.T) {
	t.Parallel()
	db := open(t)
	count := func(tx *sqlite.Tx) (n int) {
		if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM t_rows").Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	err := db.Read(t.Context(), func(tx *sqlite.Tx) error {
		before := count(tx)
		if err := db.Write(t.Context(), func(tx *sqlite.Tx) error { return insert(t.Context(), tx, 1) }); err != nil {
			return err
		}
		if after := count(tx); after != before {
			t.Errorf("a reader saw %d rows, then %d", before, after)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := rows(t, db); len(got) != 1 {
		t.Errorf("rows %v, want one", got)
	}
}

func TestWritersQueue(t *testing.T) {
	t.Parallel()
	db := open(t)
	const writers = 16
	var wait sync.WaitGroup
	errs := make(chan error, writers)
	for range writers {
		wait.Go(func() {
			errs <- db.Write(t.Context(), func(tx *sqlite.Tx) error { // read, then write: lost updates would show
				var n int
				if err := tx.QueryRowContext(t.Context(), "SELECT coalesce(max(n), 0) FROM t_rows").Scan(&n); err != nil {
					return err
				}
				return insert(t.Context(), tx, n+1)
			})
		})
	}
	wait.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Errorf("a writer failed: %v", err)
		}
	}
	var want []int
	for i := range writers {
		want = append(want, i+1)
	}
	if diff := cmp.Diff(want, rows(t, db)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestATransactionHasOneTime(t *testing.T) {
	t.Parallel()
	clock := sqlitetest.NewClock("2026-11-23")
	clock.Advance(1234567 * time.Nanosecond)
	db := sqlitetest.Open(t, clock)
	err := db.Write(t.Context(), func(tx *sqlite.Tx) error {
		first := tx.Now
		clock.Advance(time.Hour)
		if tx.Now != first || tx.Now.Location() != time.UTC || tx.Now.Nanosecond()%1e6 != 0 {
			t.Errorf("time of the transaction: %v", tx.Now)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Time{{}, time.Date(2026, 11, 23, 3, 0, 0, 7e6, time.UTC)} {
		if got := sqlite.FromMillis(sqlite.Millis(at)); !got.Equal(at) {
			t.Errorf("Millis and back: %v, want %v", got, at)
		}
	}
}

func TestNotesAndStatements(t *testing.T) {
	t.Parallel()
	type key struct{}
	db := open(t)
	for range 2 { // a new transaction knows nothing of the one before
		err := db.Write(t.Context(), func(tx *sqlite.Tx) error {
			if got := tx.Noted(key{}); got != nil {
				t.Errorf("noted %v before anything was", got)
			}
			tx.Note(key{}, 7)
			if got := tx.Noted(key{}); got != 7 {
				t.Errorf("noted %v, want 7", got)
			}
			one, err := tx.Prepared(t.Context(), "INSERT INTO t_rows (n) VALUES (?)") // closes with the transaction
			if err != nil {
				return err
			}
			two, err := tx.Prepared(t.Context(), "INSERT INTO t_rows (n) VALUES (?)") // the same
			if one != two {
				t.Error("one statement was prepared twice")
			}
			if err == nil {
				_, err = two.ExecContext(t.Context(), 1)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestNewKey(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	seen := map[string]bool{}
	for range 2000 {
		key := sqlite.NewKey(now)
		if len(key) != 26 || strings.Trim(key, "0123456789abcdefghjkmnpqrstvwxyz") != "" {
			t.Fatalf("key %q", key)
		}
		if seen[key] {
			t.Fatalf("key %q came twice", key)
		}
		seen[key] = true
	}
	last := ""
	for i := range 50 {
		key := sqlite.NewKey(now.Add(time.Duration(i) * time.Millisecond))
		if key <= last {
			t.Errorf("key %q of a later time sorts before %q", key, last)
		}
		last = key
	}
}

func TestMigrationsRunOnceInOrder(t *testing.T) {
	t.Parallel()
	db := open(t, migration("none"))
	all := []sqlite.Migration{
		migration("a", "0002_more.sql", "INSERT INTO t_rows (n) VALUES (2);", "0001_t.sql", table),
		migration("b", "0001_b.sql", "INSERT INTO t_rows (n) SELECT 10 + count(*) FROM t_rows; INSERT INTO t_rows (n) VALUES (20);"),
	}
	pending := func(want ...string) {
		t.Helper()
		got, err := db.Pending(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pending (-want +got):\n%s", diff)
		}
	}
	if !db.Fresh(t.Context()) {
		t.Error("a new database is not fresh")
	}
	pending("a/0001_t.sql", "a/0002_more.sql", "b/0001_b.sql")
	for range 2 {
		if err := db.Migrate(t.Context(), all); err != nil {
			t.Fatal(err)
		}
	}
	pending()
	if db.Fresh(t.Context()) {
		t.Error("a migrated database is fresh")
	}
	if diff := cmp.Diff([]int{2, 11, 20}, rows(t, db)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestMigrationsAreRefused(t *testing.T) {
	t.Parallel()
	first := migration("t", "0001_t.sql", table)
	tests := []struct {
		name string
		next sqlite.Migration
		code problem.Code
		text string
	}{
		{"changed after it ran", migration("t", "0001_t.sql", table+" -- more"), problem.CodeInternal, "was changed after it ran"},
		{"written by a newer version", migration("t", "0002_t.sql", "SELECT 1;"), problem.CodeUnsupported, "sqlite.newer"},
		{"does not parse", migration("t", "0001_t.sql", table, "0002_x.sql", "INSERT INTO t_rows (n) VALUES (1); CREATE TABEL x;"), problem.CodeInternal, "run migration t/0002_x.sql"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			db := open(t, first)
			err := db.Migrate(t.Context(), []sqlite.Migration{tc.next})
			if problem.CodeOf(err) != tc.code || !strings.Contains(fmt.Sprint(err), tc.text) {
				t.Errorf("error %v, want code %s and %q", err, tc.code, tc.text)
			}
			if got := rows(t, db); got != nil {
				t.Errorf("rows %v of a refused migration stayed", got)
			}
			if err := db.Migrate(t.Context(), []sqlite.Migration{first}); err != nil {
				t.Errorf("the database is not as before: %v", err)
			}
		})
	}
}

func TestMigrationDoesNotSeeLineEnds(t *testing.T) {
	t.Parallel()
	db := open(t, migration("t", "0001_t.sql", "-- a\n"+table))
	if err := db.Migrate(t.Context(), []sqlite.Migration{migration("t", "0001_t.sql", "-- a\r\n"+table)}); err != nil {
		t.Error(err)
	}
}

func TestOpenReading(t *testing.T) {
	t.Parallel()
	db := open(t)
	write := func(n int) {
		t.Helper()
		if err := db.Write(t.Context(), func(tx *sqlite.Tx) error { return insert(t.Context(), tx, n) }); err != nil {
			t.Fatal(err)
		}
	}
	write(1)
	beside, err := sqlite.OpenReading(t.Context(), db.Path(), sqlitetest.NewClock("2026-11-23").Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := beside.Close(); err != nil {
			t.Error(err)
		}
	}()
	write(2)
	if diff := cmp.Diff([]int{1, 2}, rows(t, beside)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if !beside.ReadOnly() || db.ReadOnly() {
		t.Error("ReadOnly is wrong")
	}
	refused := map[string]error{
		"write": beside.Write(t.Context(), func(tx *sqlite.Tx) error { return insert(t.Context(), tx, 3) }),
	}
	for name, err := range refused {
		if problem.CodeOf(err) != problem.CodeUnavailable {
			t.Errorf("%s beside another process: %v, want unavailable", name, err)
		}
	}
}

func TestOpenReadingAlone(t *testing.T) {
	t.Parallel()
	clock := sqlitetest.NewClock("2026-11-23")
	file := filepath.Join(t.TempDir(), "office.db")
	if _, err := sqlite.OpenReading(t.Context(), file, clock.Now); err == nil {
		t.Error("a database that is not there was opened for reading")
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("looking for a database made one: %v", err)
	}
	db, err := sqlite.Open(t.Context(), file, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Migrate(t.Context(), []sqlite.Migration{migration("t", "0001_t.sql", table)})
	if err := errors.Join(err, db.Close()); err != nil { // nobody has it open any more
		t.Fatal(err)
	}
	alone, err := sqlite.OpenReading(t.Context(), file, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	if got := rows(t, alone); got != nil {
		t.Errorf("rows %v", got)
	}
	if err := alone.Close(); err != nil {
		t.Error(err)
	}
}

func TestCopyIsAWholeDatabase(t *testing.T) {
	t.Parallel()
	db := open(t)
	if err := db.Write(t.Context(), func(tx *sqlite.Tx) error { return insert(t.Context(), tx, 1) }); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "写し 100%#?.db") // names as people give them
	if err := db.CopyTo(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	if err := db.CopyTo(t.Context(), file); err == nil {
		t.Error("an existing file was written over")
	}
	again, err := sqlite.Open(t.Context(), file, sqlitetest.NewClock("2026-11-23").Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}()
	if diff := cmp.Diff([]int{1}, rows(t, again)); diff != "" {
		t.Errorf("rows of the copy (-want +got):\n%s", diff)
	}
	err = again.Read(t.Context(), func(tx *sqlite.Tx) error {
		text, err := sqlite.Integrity(t.Context(), tx)
		if text != "ok" {
			t.Errorf("integrity %q", text)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
