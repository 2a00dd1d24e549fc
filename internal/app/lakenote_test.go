package app_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Every act on the lake becomes a row that says what and why, and the name of the account of the system is erasable.
func TestLakeActsInTheAuditLog(t *testing.T) {
	t.Parallel()
	a := openDemo(t)
	if !app.HasOffice(a.Config().Dir) || app.HasOffice(t.TempDir()) {
		t.Error("HasOffice is wrong")
	}
	ctx := app.AsCommand(t.Context())
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		act   lake.Act
		row   string
		wants []string
	}{
		{lake.Act{Act: lake.RetentionSet, Source: "fw", Days: 30, Why: "rule 8"}, "lake.retention_set", []string{`"days":30`, `"source":"fw"`, `"reason":"rule 8"`}},
		{lake.Act{Act: lake.HoldAdded, Name: "case-7", From: at, Why: "x"}, "lake.hold_added", []string{`"name":"case-7"`, `"from":"2026-11-01T00:00:00Z"`}},
		{lake.Act{Act: lake.HoldRemoved, Name: "case-7", Undone: true}, "lake.undone", []string{`"of":"lake.hold_removed"`, `"name":"case-7"`}},
		{lake.Act{Act: lake.LinesDeleted, Source: "fw", Files: 2, Lines: 9}, "lake.deleted", []string{`"files":2`, `"lines":9`}},
		{lake.Act{Act: lake.KeyCreated, Key: "kizuki-lake/x+1+y"}, "lake.key_created", []string{`"public":"kizuki-lake/x+1+y"`}},
		{lake.Act{Act: lake.ImportBegun, Files: 3}, "lake.import_begun", []string{`"files":3`}},
		{lake.Act{Act: lake.LinesKept, Files: 3, Refused: 1, Stopped: true}, "lake.imported", []string{`"lines":0`, `"refused":1`, `"stopped":true`}},
		{lake.Act{Act: lake.StateSigned, Key: "k+1+x", Signed: []lake.State{{Source: "fw", Records: 9, Note: "ab12"}}}, "lake.signed", []string{`"public":"k+1+x"`, `"signed":["fw 9 sha256:ab12"]`}},
	}
	for _, tt := range tests {
		tt.act.Who = "PLANT\\sato"
		if err := a.NoteLake(ctx, tt.act); err != nil {
			t.Fatal(err)
		}
		var rows []audit.Row
		err := a.DB.Read(ctx, func(tx *sqlite.Tx) (err error) {
			rows, err = audit.List(ctx, tx, audit.Filter{Limit: 1})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		r := rows[0]
		if r.Act != tt.row || r.Object != "lake" || r.Via != "command" || strings.Contains(r.After, "sato") {
			t.Errorf("%s: row %+v", tt.act.Act, r)
		}
		for _, want := range tt.wants {
			if !strings.Contains(r.After, want) {
				t.Errorf("%s: %s is not in %s", tt.act.Act, want, r.After)
			}
		}
	}
	if err := a.NoteLake(ctx, lake.Act{Act: "painted"}); problem.CodeOf(err) != problem.CodeInvalid {
		t.Errorf("an act that nobody knows: %v", err)
	}
}

// A lake is not begun without a word where lines of another one were signed.
func TestSecondLakeNeedsAReason(t *testing.T) {
	t.Parallel()
	a := openDemo(t)
	ctx := app.AsCommand(t.Context())
	note := func(act lake.Act) error { return a.NoteLake(ctx, act) }
	key := lake.Act{Act: lake.KeyCreated, Key: "one"}
	for range 2 { // the first was announced, and a stop came before the lake was begun
		if err := note(key); err != nil {
			t.Fatal(err)
		}
	}
	if err := note(lake.Act{Act: lake.StateSigned, Key: "one", Signed: []lake.State{{Source: "fw", Records: 9, Note: "0a"}}}); err != nil {
		t.Fatal(err)
	}
	key.Key = "two"
	if err := note(key); problem.CodeOf(err) != problem.CodeConflict || problem.All(err)[0].Key != "app.lake.former" {
		t.Errorf("a second lake: %v", err)
	}
	if r, err := a.LakeSigned(ctx); err != nil || r.Key != "one" || len(r.States) != 1 {
		t.Errorf("what is known: %+v %v", r, err)
	}
	key.Why = "the disk broke"
	if err := note(key); err != nil {
		t.Error(err)
	}
}

// What was signed is read again from the rows: all of it, of the last lake only.
func TestSignedStatesComeBack(t *testing.T) {
	t.Parallel()
	a := openDemo(t)
	ctx := app.AsCommand(t.Context())
	if r, err := a.LakeSigned(ctx); err != nil || r.Key != "" || len(r.States) != 0 {
		t.Errorf("before anything: %+v %v", r, err)
	}
	sign := func(key string, states ...lake.State) lake.Act {
		return lake.Act{Act: lake.StateSigned, Key: key, Signed: states}
	}
	fw, web := lake.State{Source: "fw", Records: 9, Note: "0a"}, lake.State{Source: "web", Records: 3, Note: "0b"}
	later := lake.State{Source: "fw", Records: 12, Note: "0c"}
	tests := []struct {
		act  lake.Act
		key  string
		want []lake.State
	}{
		{lake.Act{Act: lake.KeyCreated, Key: "one"}, "one", nil},
		{sign("one", fw, web), "one", []lake.State{fw, web}},
		{lake.Act{Act: lake.LinesKept, Files: 3}, "one", []lake.State{fw, web}},
		{sign("one", later), "one", []lake.State{fw, later, web}},
		{sign("stranger", web), "one", []lake.State{fw, later, web}}, // a lake that nobody began here
		// Nothing is signed with a new key yet: it may never be made.
		{lake.Act{Act: lake.KeyCreated, Key: "two", Why: "the disk broke"}, "one", []lake.State{fw, later, web}},
		{sign("two", fw), "two", []lake.State{fw}},
		{sign("one", web), "two", []lake.State{fw}}, // the former one, put back
	}
	for i, tt := range tests {
		if err := a.NoteLake(ctx, tt.act); err != nil {
			t.Fatal(err)
		}
		r, err := a.LakeSigned(ctx)
		for j := range r.States {
			if r.States[j].At.IsZero() {
				t.Errorf("step %d: no time", i)
			}
			r.States[j].At = time.Time{}
		}
		if err != nil || !slices.Equal(r.States, tt.want) || r.Key != tt.key {
			t.Errorf("step %d: %+v %v", i, r, err)
		}
	}
}
