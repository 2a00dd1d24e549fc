package app_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

// sampleFolder builds the sample company and closes it.
func sampleFolder(t *testing.T) (app.Config, string) {
	t.Helper()
	cfg := app.Config{Dir: t.TempDir(), Now: func() time.Time { return time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC) }, Log: app.DiscardLog()}
	a, err := app.OpenDemo(app.AsCommand(t.Context()), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return cfg, filepath.Join(cfg.Dir, "kizuki.db")
}

// TestFlippedBits turns bits at random in the database and in the attachments of the sample company: each is named by
// verify, or no value of any table has changed. Twenty of them; two hundred with KIZUKI_PROVE=1.
func TestFlippedBits(t *testing.T) {
	t.Parallel()
	flips := 20
	if os.Getenv("KIZUKI_PROVE") != "" {
		flips = 200
	}
	cfg, database := sampleFolder(t)
	targets, err := filepath.Glob(filepath.Join(cfg.Dir, "attachments", "*", "*"))
	if err != nil || len(targets) == 0 {
		t.Fatalf("attachments: %v, %v", targets, err)
	}
	want, err := hashOfAll(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	if report := verify(t, cfg); !report.OK() {
		t.Fatalf("before any flip: %+v", report.Parts)
	}
	named, unchanged := map[string]int{}, 0
	rng := rand.New(rand.NewPCG(4, 2026))
	for i := range flips {
		file := database
		if i%5 == 4 { // every fifth in an attachment
			file = targets[rng.IntN(len(targets))]
		}
		where, back := flip(t, rng, file)
		report := verify(t, cfg)
		if parts := broken(report); len(parts) > 0 {
			named[parts[0]]++
		} else if got, err := hashOfAll(t.Context(), database); err != nil || got != want || file != database {
			t.Errorf("flip %d, %s: not named, and the contents changed (%v)", i, where, err)
		} else {
			unchanged++
		}
		back()
	}
	if report := verify(t, cfg); !report.OK() {
		t.Errorf("after all flips were taken back: %+v", report.Parts)
	}
	t.Logf("%d flips: named first by %v; %d changed no value", flips, named, unchanged)
}

// flip turns one bit of a file; back turns it again.
func flip(t *testing.T, rng *rand.Rand, file string) (where string, back func()) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at, bit := rng.IntN(len(data)), rng.IntN(8)
	turn := func() {
		data[at] ^= 1 << bit
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, beside := range []string{"-wal", "-shm"} { // left by readers
			if err := os.Remove(file + beside); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
	}
	turn()
	return fmt.Sprintf("%s byte %d bit %d", filepath.Base(file), at, bit), turn
}

func verify(t *testing.T, cfg app.Config) *app.VerifyReport {
	t.Helper()
	report, err := app.Verify(app.AsCommand(t.Context()), cfg, app.VerifyInput{})
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	return report
}

func broken(report *app.VerifyReport) []string {
	var out []string
	for _, p := range report.Parts {
		if len(p.Broken) > 0 {
			out = append(out, p.Name)
		}
	}
	return out
}

// hashOfAll is a hash over every value of every table, the schema included.
func hashOfAll(ctx context.Context, database string) (sum string, err error) {
	db, err := sqlite.OpenReading(ctx, database, time.Now)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	h := sha256.New()
	err = db.Read(ctx, func(tx *sqlite.Tx) error {
		tables, err := column(tx, `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`)
		if err != nil {
			return err
		}
		for _, table := range append([]string{"sqlite_master"}, tables...) {
			what := "*"
			if table == "sqlite_master" {
				what = "type, name, tbl_name, sql"
			}
			rows, err := tx.QueryContext(ctx, `SELECT `+what+` FROM "`+table+`" NOT INDEXED`)
			if err != nil {
				return err
			}
			if err := dumpRows(h, table, rows); err != nil {
				return err
			}
		}
		return nil
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

func dumpRows(w interface{ Write([]byte) (int, error) }, table string, rows *sql.Rows) error {
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, to := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		to[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s", table)
		for _, v := range values {
			fmt.Fprintf(w, "|%T:%q", v, fmt.Sprint(v))
		}
		fmt.Fprintln(w)
	}
	return rows.Err()
}

// TestVerifyNamesTheRecord damages one thing at a time, as somebody with the file and some knowledge does.
func TestVerifyNamesTheRecord(t *testing.T) { //nolint:tparallel // all damage the same folder, one after the other
	t.Parallel()
	cfg, database := sampleFolder(t)
	whole, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		damage []string
		part   string
		table  string
	}{
		{"name of a person", []string{"DROP TRIGGER platform_seal_update_people_persons", "UPDATE people_persons SET family_name = '別' WHERE id = 7"}, "rows", "people_persons"},
		{"guard taken away", []string{"DROP TRIGGER assessment_answers_no_update"}, "schema", "assessment_answers"},
		{"answer", []string{"DROP TRIGGER assessment_answers_no_update", "UPDATE assessment_answers SET value = 'met' WHERE value <> 'met' AND way <> 'import'"}, "answers", "assessment_answers"},
		{"facts of an answer", []string{"DROP TRIGGER assessment_answers_no_update", "UPDATE assessment_answers SET facts = '[]' WHERE facts <> '[]'"}, "answers", "assessment_answers"},
		{"fact", []string{"DROP TRIGGER facts_no_update", "UPDATE facts SET on_day = '2026-11-01' WHERE id = 50"}, "facts", "facts"},
		{"log", []string{"DROP TRIGGER audit_log_no_update", "UPDATE audit_log SET actor = 'account/other' WHERE id = 30"}, "log", "audit_log"},
		{"personal value", []string{"UPDATE audit_personal SET value = '別' WHERE row = (SELECT max(row) FROM audit_personal)"}, "personal", "audit_personal"},
		{"checkpoint", []string{"UPDATE audit_checkpoints SET size = size - 1"}, "checkpoints", "audit_checkpoints"},
		{"link between tables", []string{"PRAGMA foreign_keys = off", "UPDATE training_attendance SET session = 999 WHERE (session, person) = (SELECT session, person FROM training_attendance LIMIT 1)"}, "links", "training_attendance"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			for _, beside := range []string{"-wal", "-shm"} {
				_ = os.Remove(database + beside)
			}
			if err := os.WriteFile(database, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			damage(t, database, tc.damage)
			report := verify(t, cfg)
			for _, p := range report.Parts {
				if p.Name == tc.part && slices.ContainsFunc(p.Broken, func(f app.VerifyFinding) bool { return f.Table == tc.table }) {
					return
				}
			}
			t.Errorf("not named in %s: %+v", tc.part, report.Parts)
		})
	}
}

func damage(t *testing.T, database string, statements []string) {
	t.Helper()
	db, err := sql.Open("sqlite", database)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	for _, text := range statements {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyOfNoDatabase(t *testing.T) {
	t.Parallel()
	cfg := app.Config{Dir: t.TempDir(), Now: time.Now, Log: app.DiscardLog()}
	for name, text := range map[string]string{"a letter": strings.Repeat("This is a letter. ", 500), "nothing": ""} {
		if err := os.WriteFile(filepath.Join(cfg.Dir, "kizuki.db"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		report, err := app.Verify(t.Context(), cfg, app.VerifyInput{})
		if err == nil && report.OK() {
			t.Errorf("%s: fine", name)
		}
	}
}
