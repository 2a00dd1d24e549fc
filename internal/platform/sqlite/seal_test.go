package sqlite_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

func sealFiles(files ...string) []sqlite.Migration {
	fs := fstest.MapFS{}
	for i, text := range files {
		fs[fmt.Sprintf("migrations/%04d_x.sql", i+1)] = &fstest.MapFile{Data: []byte(text)}
	}
	return []sqlite.Migration{{Feature: "x", FS: fs, Own: []string{"x_own"}}}
}

const sealSchema = `
CREATE TABLE x_rows (id INTEGER PRIMARY KEY, name TEXT NOT NULL, data BLOB, n INTEGER) STRICT;
CREATE UNIQUE INDEX x_rows_name ON x_rows (name);
CREATE TABLE x_pairs (a TEXT NOT NULL, b INTEGER NOT NULL, note TEXT, PRIMARY KEY (a, b)) STRICT, WITHOUT ROWID;
CREATE TABLE x_children (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES x_rows (id) ON DELETE CASCADE) STRICT;
CREATE TABLE x_words (word TEXT PRIMARY KEY, n REAL) STRICT;
CREATE TABLE x_own (id INTEGER PRIMARY KEY, text TEXT) STRICT;
INSERT INTO x_rows (id, name, data) VALUES (1, '一', x'0001'), (2, 'two', NULL), (3, 'three', x'');
INSERT INTO x_pairs VALUES ('a', 1, 'n'), ('a', 2, NULL);
INSERT INTO x_children VALUES (7, 1), (8, 3);
INSERT INTO x_words VALUES ('w', 0.5);
INSERT INTO x_own VALUES (1, 'own')`

func openSealed(t *testing.T, all []sqlite.Migration) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), t.TempDir()+"/x.db", func() time.Time { return time.UnixMilli(1_790_000_000_000) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	return db
}

// do runs statements in one transaction; an error of one starting with "?" is swallowed, as code does that
// tries something.
func do(t *testing.T, db *sqlite.DB, statements ...string) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *sqlite.Tx) error {
		for _, text := range statements {
			text, tried := strings.CutPrefix(text, "?")
			if _, err := tx.ExecContext(t.Context(), text); err != nil && !tried {
				return fmt.Errorf("%s: %w", text, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkSeals(t *testing.T, db *sqlite.DB, all []sqlite.Migration) (found []sqlite.Broken) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *sqlite.Tx) (err error) {
		_, found, err = sqlite.CheckSeals(t.Context(), tx, all)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestSealsFollowEveryWayOfWriting(t *testing.T) {
	t.Parallel()
	all := sealFiles(sealSchema)
	db := openSealed(t, all)
	for _, step := range [][]string{
		nil,
		{"INSERT INTO x_rows (name) VALUES ('four')"},
		{"UPDATE x_rows SET name = upper(name), n = 4"},
		{"UPDATE x_rows SET id = 40 WHERE name = 'FOUR'"},
		{"REPLACE INTO x_rows (id, name) VALUES (2, 'zwei')"},
		{"REPLACE INTO x_rows (id, name) VALUES (50, 'zwei')"}, // removes row 2 for its name
		{"INSERT INTO x_rows (id, name) VALUES (50, 'x') ON CONFLICT (id) DO UPDATE SET n = 9"},
		{"INSERT OR IGNORE INTO x_rows (id, name) VALUES (50, 'x'), (51, 'y')"},
		{"UPDATE OR REPLACE x_rows SET name = 'y' WHERE id = 50"},
		{"DELETE FROM x_rows WHERE id = 1"}, // takes child 7 along
		{"?INSERT INTO x_rows (id, name) VALUES (60, 'ok'), (61, 'ok')", "INSERT INTO x_rows (id, name) VALUES (62, 'ok')"},
		{"?INSERT INTO x_children (parent) VALUES (999)", "INSERT INTO x_children (parent) VALUES (3)"},
		{"UPDATE x_pairs SET b = b + 10", "UPDATE x_pairs SET note = 'm'", "DELETE FROM x_pairs WHERE b = 11"},
		{"INSERT INTO x_words VALUES ('v', 1e300)", "DELETE FROM x_words WHERE word = 'w'"},
		{"DELETE FROM x_children", "DELETE FROM x_rows"},
	} {
		do(t, db, step...)
		if found := checkSeals(t, db, all); len(found) > 0 {
			t.Fatalf("after %v: %+v", step, found)
		}
	}
}

func TestSealsNameWhatIsBroken(t *testing.T) {
	t.Parallel()
	all := sealFiles(sealSchema)
	behind := func(table string, statements ...string) []string { // without the triggers, as damage on the disk does
		out := []string{"DROP TRIGGER platform_seal_insert_" + table, "DROP TRIGGER platform_seal_update_" + table, "DROP TRIGGER platform_seal_delete_" + table}
		return append(out, statements...)
	}
	tests := []struct {
		name   string
		damage []string
		want   []sqlite.Broken
	}{
		{"text", behind("x_rows", "UPDATE x_rows SET name = 'twO' WHERE id = 2"), []sqlite.Broken{{Table: "x_rows", Row: "2", Why: sqlite.BrokenRow}}},
		{"kind of value", behind("x_rows", "UPDATE x_rows SET data = NULL WHERE id = 3"), []sqlite.Broken{{Table: "x_rows", Row: "3", Why: sqlite.BrokenRow}}},
		{"row gone", behind("x_children", "DELETE FROM x_children WHERE id = 8"), []sqlite.Broken{{Table: "x_children", Row: "8", Why: sqlite.BrokenMissing}}},
		{"row gone, by words", behind("x_pairs", "DELETE FROM x_pairs WHERE b = 2"), []sqlite.Broken{{Table: "x_pairs", Why: sqlite.BrokenMissing}}},
		{"row more", behind("x_pairs", "INSERT INTO x_pairs VALUES ('b', 5, '')"), []sqlite.Broken{{Table: "x_pairs", Row: "b / 5", Why: sqlite.BrokenRow}}},
		{"seal gone", []string{"DELETE FROM platform_seals WHERE rid = 7"}, []sqlite.Broken{{Table: "x_children", Row: "7", Why: sqlite.BrokenRow}}},
		{"table unknown", []string{"DELETE FROM platform_sealed WHERE name = 'x_words'"}, []sqlite.Broken{{Table: "x_words", Why: sqlite.BrokenGuard}}},
		{"own proof", []string{"UPDATE x_own SET text = 'changed'"}, nil},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			db := openSealed(t, all)
			do(t, db, tc.damage...)
			found := checkSeals(t, db, all)
			if diff := cmp.Diff(tc.want, found); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDamageIsNotSealedInLater(t *testing.T) {
	t.Parallel()
	all := sealFiles(sealSchema)
	db := openSealed(t, all)
	var trigger string
	err := db.Read(t.Context(), func(tx *sqlite.Tx) error {
		return tx.QueryRowContext(t.Context(), "SELECT sql FROM sqlite_master WHERE name = 'platform_seal_update_x_rows'").Scan(&trigger)
	})
	if err != nil {
		t.Fatal(err)
	}
	do(t, db, "DROP TRIGGER platform_seal_update_x_rows", "UPDATE x_rows SET name = 'damaged' WHERE id = 2", trigger)
	want := []sqlite.Broken{{Table: "x_rows", Row: "2", Why: sqlite.BrokenRow}}
	do(t, db, "UPDATE x_rows SET n = 1") // an act of the office writes every row again
	if found := checkSeals(t, db, all); !cmp.Equal(found, want) {
		t.Errorf("after an act: %+v", found)
	}
	all = sealFiles(sealSchema, "ALTER TABLE x_rows ADD COLUMN more TEXT NOT NULL DEFAULT 'd'; UPDATE x_rows SET more = 'e' WHERE id = 3; CREATE TABLE x_new (id INTEGER PRIMARY KEY) STRICT; DROP TABLE x_words")
	if err := db.Migrate(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if found := checkSeals(t, db, all); !cmp.Equal(found, want) {
		t.Errorf("after an upgrade: %+v", found)
	}
	fresh := openSealed(t, all)
	err = db.Read(t.Context(), func(tx *sqlite.Tx) error {
		return fresh.Read(t.Context(), func(want *sqlite.Tx) error {
			n, found, err := sqlite.CheckSchema(t.Context(), tx, want)
			if n < 10 || len(found) > 0 {
				t.Errorf("schema after the upgrade: %d objects, %+v", n, found)
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSchemaIsCompared(t *testing.T) {
	t.Parallel()
	all := sealFiles(sealSchema)
	db, fresh := openSealed(t, all), openSealed(t, all)
	do(t, db, "DROP TRIGGER platform_seal_update_x_rows", "DROP INDEX x_rows_name", "CREATE INDEX x_more ON x_rows (n)")
	var got []string
	err := db.Read(t.Context(), func(tx *sqlite.Tx) error {
		return fresh.Read(t.Context(), func(want *sqlite.Tx) error {
			_, found, err := sqlite.CheckSchema(t.Context(), tx, want)
			for _, b := range found {
				got = append(got, b.Table+": "+b.Text)
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"x_rows: index x_rows_name", "x_rows: trigger platform_seal_update_x_rows", "x_rows: index x_more"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}

// BenchmarkSealedInsert is the price of the seals: compare a table with a proof of its own.
func BenchmarkSealedInsert(b *testing.B) {
	for _, table := range []string{"x_rows", "x_own"} {
		b.Run(table, func(b *testing.B) {
			db, err := sqlite.Open(b.Context(), b.TempDir()+"/x.db", time.Now)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = db.Close() })
			text := strings.ReplaceAll(`CREATE TABLE T (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT, d TEXT, n INTEGER) STRICT`, " T ", " "+table+" ")
			if err := db.Migrate(b.Context(), sealFiles(text)); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			err = db.Write(b.Context(), func(tx *sqlite.Tx) error {
				stmt, err := tx.Prepared(b.Context(), `INSERT INTO `+table+` (a, b, c, d, n) VALUES (?, ?, ?, ?, ?)`)
				if err != nil {
					return err
				}
				for i := range b.N {
					if _, err := stmt.ExecContext(context.Background(), "山田太郎", "やまだたろう", "01hxabcdefghjkmnpqrstvwxyz", "従業員", i); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
