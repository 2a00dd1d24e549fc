package sqlite_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func TestCopyWhileTheOfficeGoesOn(t *testing.T) {
	t.Parallel()
	db := open(t)
	dir := t.TempDir()
	put := func(n int) {
		t.Helper()
		if err := db.Write(t.Context(), func(tx *sqlite.Tx) error { return insert(t.Context(), tx, n) }); err != nil {
			t.Fatal(err)
		}
	}
	put(1)
	beside, err := sqlite.OpenReading(t.Context(), db.Path(), sqlitetest.NewClock("2026-11-23").Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = beside.Close() }()                   // only read
	err = db.Write(t.Context(), func(tx *sqlite.Tx) error { // an act is under way: the copy neither waits nor sees it
		if err := insert(t.Context(), tx, 2); err != nil {
			return err
		}
		if err := db.CopyTo(t.Context(), filepath.Join(dir, "one.db")); err != nil {
			return err
		}
		return beside.CopyTo(t.Context(), filepath.Join(dir, "two.db"))
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one.db", "two.db"} {
		file := filepath.Join(dir, name)
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others: %v", name, info.Mode())
		}
		copied, err := sqlite.OpenReading(t.Context(), file, sqlitetest.NewClock("2026-11-23").Now)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{1}, rows(t, copied)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if err := copied.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := db.CopyTo(t.Context(), filepath.Join(dir, "no-such-folder", "x.db")); err == nil {
		t.Error("copied into a folder that is not there")
	}
}

func TestKnown(t *testing.T) {
	t.Parallel()
	all := []sqlite.Migration{migration("t", "0001_t.sql", table)}
	db := open(t, all...)
	done, err := db.Applied(context.Background())
	if err != nil || len(done) != 1 {
		t.Fatal(done, err)
	}
	if err := sqlite.Known(done, all); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(map[string]string){
		"a file that we do not have":    func(m map[string]string) { m["t/0002_more.sql"] = "x" },
		"a feature that we do not have": func(m map[string]string) { m["later/0001_later.sql"] = "x" },
		"another text of a file":        func(m map[string]string) { m["t/0001_t.sql"] = "x" },
	} {
		m := maps.Clone(done)
		change(m)
		if err := sqlite.Known(m, all); problem.CodeOf(err) != problem.CodeUnsupported {
			t.Errorf("%s: %v", name, err)
		}
	}
}
