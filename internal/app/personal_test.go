package app_test

import (
	"bytes"
	"context"
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/dossier"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// dump writes every row of every table as a line "table: values".
func dump(t *testing.T, a *app.App) []string {
	t.Helper()
	var lines []string
	err := a.DB.Read(t.Context(), func(tx *sqlite.Tx) error {
		rows, err := tx.QueryContext(t.Context(), `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`)
		if err != nil {
			return err
		}
		defer rows.Close()
		var tables []string
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			tables = append(tables, name)
		}
		for _, table := range tables {
			if err := dumpTable(t.Context(), tx, table, &lines); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func dumpTable(ctx context.Context, tx *sqlite.Tx, table string, lines *[]string) error {
	rows, err := tx.QueryContext(ctx, `SELECT * FROM "`+table+`"`)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		*lines = append(*lines, table+": "+string(bytes.Join(slices.Collect(func(yield func([]byte) bool) {
			for _, v := range values {
				if !yield(v) {
					return
				}
			}
		}), []byte("|"))))
	}
	return rows.Err()
}

// with keeps the lines that hold one of the texts.
func with(lines []string, texts ...string) []string {
	var out []string
	for _, l := range lines {
		if slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(l, s) }) {
			out = append(out, l)
		}
	}
	return out
}

// tablesOf keeps the lines of tables, apart from those whose text has a volatile part.
func tablesOf(lines []string, tables ...string) []string {
	var out []string
	for _, l := range lines {
		if name, _, _ := strings.Cut(l, ": "); slices.Contains(tables, name) {
			out = append(out, l)
		}
	}
	return out
}

// leaver is a person of the sample company with everything that can be known about somebody, who left yesterday.
type leaver struct {
	people.Person
	account, login string
}

func newLeaver(ctx context.Context, t *testing.T, a *app.App) leaver {
	t.Helper()
	const login = "waseda.kaori"
	var l leaver
	today := day("2026-11-23")
	var p people.Person
	err := a.DB.Write(ctx, func(tx *sqlite.Tx) error {
		list, err := a.People.List(ctx, tx, people.Filter{LeftBefore: today})
		if err != nil {
			return err
		}
		p = list[0] // attended and was told, as everybody of the sample
		p.FamilyName, p.GivenName, p.FamilyKana, p.GivenKana = "早稲田", "香央里", "ワセダ", "カオリ"
		p.DisplayName, p.Email, p.EmployeeNo = "", "waseda.kaori@example.jp", "Z-98765"
		_, err = a.People.ApplyBatch(ctx, tx, people.Batch{Change: []people.Person{p}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	acc, err := a.Accounts.Create(ctx, account.NewAccount{Login: login, Password: "an-old-river-and-a-bridge", Profile: account.Profile{
		Name: "早稲田 香央里", Roles: []actor.Role{actor.Viewer},
	}})
	if err != nil {
		t.Fatal(err)
	}
	err = a.DB.Write(ctx, func(tx *sqlite.Tx) error { // the person has left: the form would not list them any more
		if _, err := tx.ExecContext(ctx, `UPDATE account_accounts SET person = ? WHERE key = ?`, p.Key, acc.Key); err != nil {
			return err
		}
		if _, _, err := link.Create(ctx, tx, link.New{Purpose: "policy", Subject: "policy/x", Person: p.Key, Days: 7}); err != nil {
			return err
		}
		l.account, l.login = acc.Key, login
		l.Person, err = a.People.ByKey(ctx, tx, p.Key)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	signIn(t, a, login, "an-old-river-and-a-bridge")
	return l
}

func (l leaver) texts() []string {
	return []string{"早稲田", "香央里", "ワセダ", "カオリ", "わせだ", "waseda", "z98765", "Z-98765", "z-98765"}
}

// TestErasePerson: after the erasure nothing in the database names the person but what the page said would stay; the
// chain holds, and facts, verdicts and frozen answers are what they were.
func TestErasePerson(t *testing.T) {
	t.Parallel()
	dir := demoFolder(t)
	now := fixed()()
	a, err := app.OpenDemo(t.Context(), app.Config{Dir: dir, Now: func() time.Time { return now }, Log: app.DiscardLog(), Demo: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := app.AsCommand(t.Context())
	l := newLeaver(ctx, t, a)
	imported := importLeaver(ctx, t, a, l)
	before, factsBefore := dump(t, a), facts(t, a)
	if n := len(with(before, l.texts()...)); n < 8 {
		t.Fatalf("only %d rows name the person before", n)
	}
	report := reportOf(ctx, t, a, l.Key)
	if report.State != dossier.Kept || len(report.Hits) != 0 || len(report.Items) < 8 {
		t.Errorf("before: %s, %d items, hits %+v", report.State, len(report.Items), report.Hits)
	}
	refused(ctx, t, a, l, report.Person.Version)
	if err := a.Dossier.Erase(ctx, l.Key, report.Person.Version, "request"); err != nil {
		t.Fatal(err)
	}
	after := dump(t, a)
	for _, line := range with(after, l.texts()...) {
		t.Errorf("still there: %.200s", line)
	}
	if diff := cmp.Diff(factsBefore, facts(t, a)); diff != "" {
		t.Errorf("facts changed (-before +after):\n%.2000s", diff)
	}
	frozen := []string{"facts", "fact_current", "assessment_answers", "assessment_results", "assessment_verdicts", "policy_versions", "training_attendance", "policy_notified"}
	if diff := cmp.Diff(tablesOf(before, frozen...), tablesOf(after, frozen...)); diff != "" {
		t.Errorf("frozen rows changed (-before +after):\n%.2000s", diff)
	}
	checkErased(ctx, t, a, l, imported)
	if _, err := os.Stat(filepath.Join(dir, "intake", imported)); !os.IsNotExist(err) {
		t.Errorf("the imported file is still there: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(a.DB.Path())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"早稲田", "waseda"} {
		if bytes.Contains(file, []byte(text)) {
			t.Errorf("the file of the database still holds %q in a place that is free", text)
		}
	}
}

// importLeaver takes a file in that changes the person, so that undo data hold them.
func importLeaver(ctx context.Context, t *testing.T, a *app.App, l leaver) string {
	t.Helper()
	file := []byte("社員番号,氏名,フリガナ,メールアドレス,退職日\n" + l.EmployeeNo + ",早稲田 香央里,ワセダ カオリ,kaori.waseda@example.jp," + l.Left.String() + "\n")
	res, err := a.Import(ctx, "people", "list.csv", file, nil, true, func(int, int) {})
	if err != nil || !res.Applied || res.Changed != 1 {
		t.Fatalf("import: %+v, %v", res, err)
	}
	recent, err := a.Intake.Recent(ctx, "people")
	if err != nil || len(recent) == 0 {
		t.Fatalf("no import: %v", err)
	}
	return recent[0].Key
}

func reportOf(ctx context.Context, t *testing.T, a *app.App, key string) (r dossier.Report) {
	t.Helper()
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) (err error) {
		r, err = a.Dossier.Report(ctx, tx, key)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// refused: not early without a reason, not over another version, not by who may not, not of somebody who is here.
func refused(ctx context.Context, t *testing.T, a *app.App, l leaver, version int64) {
	t.Helper()
	var here people.Person
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		list, err := a.People.List(ctx, tx, people.Filter{ActiveOn: day("2026-11-23")})
		here = list[0]
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	self := actor.With(t.Context(), actor.New(actor.Actor{Account: l.account, Person: l.Key, Via: "session"}, []actor.Permission{people.PermErase}))
	nobody := actor.With(t.Context(), actor.New(actor.Actor{Account: "x", Via: "session"}, []actor.Permission{people.PermEdit}))
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		key     string
		version int64
		reason  string
		want    problem.Code
	}{
		{"early without a reason", ctx, l.Key, version, "", problem.CodeInvalid},
		{"early with a made-up reason", ctx, l.Key, version, "because", problem.CodeInvalid},
		{"over another version", ctx, l.Key, version - 1, "request", problem.CodeConflict},
		{"somebody who is here", ctx, here.Key, here.Version, "request", problem.CodeConflict},
		{"nobody on the list", ctx, "nobody", 1, "request", problem.CodeNotFound},
		{"oneself", self, l.Key, version, "request", problem.CodeForbidden},
		{"without the permission", nobody, l.Key, version, "request", problem.CodeForbidden},
	} {
		if got := problem.CodeOf(a.Dossier.Erase(tt.ctx, tt.key, tt.version, tt.reason)); got != tt.want {
			t.Errorf("erase %s: code %q, want %q", tt.name, got, tt.want)
		}
	}
}

// checkErased: the chain holds, the account is closed, nothing brings the person back.
func checkErased(ctx context.Context, t *testing.T, a *app.App, l leaver, imported string) {
	t.Helper()
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		if _, err := audit.Verify(ctx, tx); err != nil {
			t.Errorf("the chain of the audit log: %v", err)
		}
		acc, err := a.Accounts.ByKey(ctx, tx, l.account)
		if err != nil || !acc.Disabled || acc.HasPassword || len(acc.Roles) != 0 {
			t.Errorf("account after: %+v, %v", acc, err)
		}
		later := l.Left.Add(4000)
		others, err := a.People.List(ctx, tx, people.Filter{LeftBefore: later.Add(-1095)})
		if err != nil {
			return err
		}
		duties, err := a.Dossier.Duties(ctx, tx, later)
		if err != nil || len(duties) != 1 || duties[0].Args["n"] != len(others)-1 {
			t.Errorf("duties for the %d other leavers: %+v, %v", len(others)-1, duties, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := reportOf(ctx, t, a, l.Key); r.State != dossier.Erased || r.Person.Name() != "消去済み（退職者）" {
		t.Errorf("after: %s %q", r.State, r.Person.Name())
	}
	if _, err := a.Intake.Undo(ctx, "people", imported); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("undo of the old import: %v, want a conflict", err)
	}
	p := l.Person
	if err := a.People.Save(ctx, p, 0); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("saving the old form: %v, want a conflict", err)
	}
	file := []byte("社員番号,氏名,入社日,退職日\n" + l.EmployeeNo + ",早稲田 香央里," + l.Joined.String() + "," + l.Left.String() + "\n,消去済み（退職者）,,\n")
	res, err := a.Import(ctx, "people", "again.csv", file, nil, false, func(int, int) {})
	if err != nil || res.Changes != 0 || len(res.Refused) != 1 {
		t.Errorf("the person in a later file: %+v, %v; want the row refused and nobody changed", res, err)
	}
}

// TestNamesInFreeText: what people wrote about somebody anywhere is found, with the page where it can be mended.
func TestNamesInFreeText(t *testing.T) {
	t.Parallel()
	a := openDemo(t)
	ctx := app.AsCommand(t.Context())
	var p people.Person
	err := a.DB.Write(ctx, func(tx *sqlite.Tx) error {
		list, err := a.People.List(ctx, tx, people.Filter{ActiveOn: day("2026-11-23")})
		if err != nil {
			return err
		}
		p = list[0]
		for _, text := range []string{
			`UPDATE training_sessions SET teacher = ? WHERE id = 1`, `UPDATE policy_versions SET body = 'by ' || ? WHERE id = 1`,
			`UPDATE attach_files SET name = ? || '.pdf' WHERE id = 1`,
		} {
			if _, err := tx.ExecContext(ctx, text, p.FamilyName+p.GivenName); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	h, cookie := a.Router().Handler(), signIn(t, a, app.DemoLogin, app.DemoPassword)
	found := map[string]int{}
	for _, hit := range reportOf(ctx, t, a, p.Key).Hits {
		found[hit.Table] += hit.Count
		if hit.Link == "" {
			t.Errorf("%s has no page", hit.Table)
		} else if got := ask(t, h, http.MethodGet, hit.Link, cookie).Code; got != http.StatusOK {
			t.Errorf("%s leads to %s: status %d", hit.Table, hit.Link, got)
		}
	}
	if diff := cmp.Diff(map[string]int{"training_sessions": 1, "policy_versions": 1, "attach_files": 1}, found); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	if got := ask(t, h, http.MethodGet, "/people/"+p.Key+"/data", cookie); !strings.Contains(got.Body.String(), "自由記述に名前があります") {
		t.Errorf("the page does not tell: %.400s", got.Body)
	}
	if got := ask(t, h, http.MethodGet, "/people/"+p.Key+"/erase", cookie).Code; got != http.StatusConflict {
		t.Errorf("the page to erase somebody who is here: status %d, want 409", got)
	}
}
