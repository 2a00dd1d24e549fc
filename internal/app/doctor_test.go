package app_test

import (
	"context"
	"os"
	"path/filepath"
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
