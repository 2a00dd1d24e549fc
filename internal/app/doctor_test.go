package app_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

// bad lists the checks that doctor is not content with.
func bad(t *testing.T, a *app.App) map[string]bool {
	t.Helper()
	checks, err := a.Doctor(app.AsCommand(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, c := range checks {
		if !a.Texts.Has(c.Text.Key) {
			t.Errorf("%s has no text %s", c.Name, c.Text.Key)
		}
		if !c.OK {
			out[c.Name] = true
		}
	}
	return out
}

// TestDoctorFinds breaks one thing after the other: each is found, and nothing else.
func TestDoctorFinds(t *testing.T) {
	t.Parallel()
	free := uint64(1 << 40)
	dir := demoFolder(t)
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	a, err := app.OpenDemo(t.Context(), app.Config{Dir: dir, Now: fixed(), Log: app.DiscardLog(), MinFree: 100, FreeSpace: func(string) (uint64, error) { return free, nil }}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	if got := bad(t, a); len(got) != 0 {
		t.Fatalf("a healthy office is found ill: %v", got)
	}
	a.Checkers = append(a.Checkers, func(context.Context, *sqlite.Tx) (app.Check, error) {
		return app.Check{Name: "feature"}, nil
	})
	checks, err := a.Doctor(app.AsCommand(t.Context()))
	if err != nil || checks[len(checks)-2].Name != "feature" {
		t.Errorf("the check of a feature is not asked: %v", err)
	}
	a.Checkers = nil

	free = 150
	copied := filepath.Join(dir, "before-upgrade-20260101-000000.db")
	if err := os.WriteFile(copied, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	long := morning().Add(-100 * 24 * time.Hour)
	if err := os.Chtimes(copied, long, long); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // this is what is to be found
		t.Fatal(err)
	}
	err = a.DB.Write(t.Context(), func(tx *sqlite.Tx) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE assessment_items SET owner = 'nobody'`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got := bad(t, a)
	for _, name := range []string{"disk", "rights", "copies", "links"} {
		if !got[name] {
			t.Errorf("%s is not found", name)
		}
	}
	if len(got) != 4 {
		t.Errorf("found: %v", got)
	}
}

// TestDoctorFindsBrokenLinks breaks each kind of link between features once: doctor names it.
func TestDoctorFindsBrokenLinks(t *testing.T) {
	t.Parallel()
	a := openDemo(t)
	for _, broken := range []struct{ act, where string }{
		{`UPDATE assessment_items SET owner = 'nobody' WHERE item = (SELECT min(item) FROM assessment_items WHERE owner <> '')`, "assessment_items.owner"},
		{`UPDATE people_moves SET to_department = 'nowhere'`, "people_moves.to_department"},
		{`DELETE FROM policy_checks`, "facts.record check"},
		{`UPDATE attach_files SET record = 'training/none' WHERE id = (SELECT min(id) FROM attach_files)`, "attach_files.record training"},
		{`INSERT INTO assessment_answers (round, node, item, version, value, note, reason, expires_on, verdict, facts, facts_hash, way, by_actor, at)
			SELECT round, node, item, version + 1, value, note, reason, expires_on, verdict, '[99999999]', facts_hash, way, by_actor, at FROM assessment_answers
			WHERE id = (SELECT max(id) FROM assessment_answers)`, "assessment_answers.facts"},
	} {
		var where any
		err := a.DB.Write(t.Context(), func(tx *sqlite.Tx) error {
			_, err := tx.ExecContext(t.Context(), broken.act)
			return err
		})
		if err != nil {
			t.Fatalf("%s: %v", broken.where, err)
		}
		checks, err := a.Doctor(app.AsCommand(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range checks {
			if c.Name == "links" && !c.OK {
				where = c.Text.Args["where"]
			}
		}
		if !strings.Contains(fmt.Sprint(where), broken.where) {
			t.Errorf("%s is broken, found %v", broken.where, where)
		}
	}
}

// TestDoctorKnowsTheRecordsOfFacts: a kind whose facts come from a record that doctor does not follow must be added
// to its list.
func TestDoctorKnowsTheRecordsOfFacts(t *testing.T) {
	t.Parallel()
	a := openDemo(t)
	err := a.DB.Read(t.Context(), func(tx *sqlite.Tx) error {
		rows, err := tx.QueryContext(t.Context(), `SELECT DISTINCT rtrim(record, replace(record, '/', '')) FROM facts`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var prefix string
			if err := rows.Scan(&prefix); err != nil {
				return err
			}
			if prefix = strings.TrimSuffix(prefix, "/"); !app.FollowsRecords(prefix) {
				t.Errorf("facts of %s/… are not followed to their records", prefix)
			}
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTablesCheck: a database of another version is told without being changed.
func TestTablesCheck(t *testing.T) {
	t.Parallel()
	a := open(t)
	cfg := a.Config()
	look := func() (string, bool) {
		t.Helper()
		c, known, err := app.TablesCheck(t.Context(), cfg)
		if err != nil || !known || c.Name != "tables" || !a.Texts.Has(c.Text.Key) {
			t.Errorf("%+v, %t, %v", c, known, err)
		}
		return c.Text.Key, c.OK
	}
	if key, ok := look(); !ok || key != "app.doctor.tables.ok" {
		t.Errorf("of this version: %s", key)
	}
	change := func(act string) {
		t.Helper()
		err := a.DB.Write(t.Context(), func(tx *sqlite.Tx) error {
			_, err := tx.ExecContext(t.Context(), act)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	change(`DELETE FROM platform_migrations WHERE name = (SELECT max(name) FROM platform_migrations WHERE name LIKE 'training/%')`)
	if key, ok := look(); ok || key != "app.doctor.tables.bad" {
		t.Errorf("of an earlier version: %s", key)
	}
	change(`INSERT INTO platform_migrations (name, sha256, applied_at) VALUES ('org/9999_later.sql', 'x', 0)`)
	if key, ok := look(); ok || key != "app.doctor.tables.newer" {
		t.Errorf("of a later version: %s", key)
	}
	if _, known, err := app.TablesCheck(t.Context(), app.Config{Dir: t.TempDir(), Now: fixed()}); known || err != nil {
		t.Errorf("an empty folder: %t, %v", known, err)
	}
}
