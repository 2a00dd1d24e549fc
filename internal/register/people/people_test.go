package people_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/roster"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// office is a database with the registers that the staff list needs.
type office struct {
	t      *testing.T
	clock  *sqlitetest.Clock
	db     *sqlite.DB
	facts  *fact.Store
	places *org.Service
	people *people.Service
	roster *roster.Service
	ctx    context.Context //nolint:containedctx // one actor for the whole test
}

func open(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, clock: sqlitetest.NewClock("2026-11-23"), facts: fact.NewStore(nil)}
	o.db = sqlitetest.Open(t, o.clock, audit.Migrations(), fact.Migrations(), attach.Migrations(), org.Migrations(), people.Migrations())
	o.places = org.New(o.db, o.facts, nil)
	o.people = people.New(o.db, o.facts, o.places)
	o.roster = roster.New(o.db, o.facts, o.people, o.places, attach.New(t.TempDir()))
	o.ctx = as(t, nil, people.PermRead, people.PermEdit, people.PermConfirm, org.PermRead, org.PermEdit)
	return o
}

func as(t *testing.T, scope []string, grants ...actor.Permission) context.Context {
	t.Helper()
	return actor.With(t.Context(), actor.New(actor.Actor{Account: "a1", Via: "session", Scope: scope}, grants))
}

func (o *office) department(name string) string {
	o.t.Helper()
	key, err := o.places.SaveDepartment(o.ctx, org.Department{Name: name})
	if err != nil {
		o.t.Fatalf("add department: %v", err)
	}
	return key
}

func (o *office) add(p people.Person) people.Person {
	o.t.Helper()
	if p.Class == "" {
		p.Class = people.Employee
	}
	key, err := o.people.Add(o.ctx, p)
	if err != nil {
		o.t.Fatalf("add person: %v", err)
	}
	return o.person(key)
}

func (o *office) person(key string) (p people.Person) {
	o.t.Helper()
	o.read(func(tx *sqlite.Tx) (err error) {
		p, err = o.people.ByKey(o.ctx, tx, key)
		return err
	})
	return p
}

func (o *office) read(fn func(tx *sqlite.Tx) error) {
	o.t.Helper()
	if err := o.db.Read(o.ctx, fn); err != nil {
		o.t.Fatalf("read: %v", err)
	}
}

// current gives the present facts of kinds as "kind member on until attr".
func (o *office) current(attr string, kinds ...string) (out []string) {
	o.t.Helper()
	o.read(func(tx *sqlite.Tx) error {
		facts, err := o.facts.Current(o.ctx, tx, kinds...)
		for _, f := range facts {
			out = append(out, f.Kind+" "+f.On.String()+" "+f.ValidUntil.String()+" "+f.Attr(attr))
		}
		return err
	})
	return out
}

func day(t *testing.T, s string) jdate.Day {
	t.Helper()
	d, err := jdate.ISO(s)
	if err != nil {
		t.Fatalf("day: %v", err)
	}
	return d
}

func TestLifeOfAPerson(t *testing.T) {
	t.Parallel()
	o := open(t)
	sales, plant := o.department("営業部"), o.department("製造部")
	p := o.add(people.Person{
		EmployeeNo: "００１２", FamilyName: "佐藤", GivenName: "花子", FamilyKana: "さとう", GivenKana: "はなこ", Department: sales,
		Joined: day(t, "2020-04-01"), Email: "Hanako@Example.CO.JP",
	})
	if p.EmployeeNo != "0012" || p.Kana() != "サトウ ハナコ" || p.Email != "hanako@example.co.jp" || p.Mail != people.Unknown {
		t.Errorf("stored form: %+v", p)
	}
	p.Mail, p.Internet, p.Department = people.Yes, people.No, plant
	if err := o.people.Save(o.ctx, p, day(t, "2026-10-01")); err != nil {
		t.Fatalf("save: %v", err)
	}
	if err := o.people.Exclude(o.ctx, people.Exclusion{Person: p.Key, Reason: "leave", Until: day(t, "2026-12-31")}); err != nil {
		t.Fatalf("exclude: %v", err)
	}
	p = o.person(p.Key)
	if err := o.people.Leave(o.ctx, p.Key, p.Version, day(t, "2027-03-31")); err != nil {
		t.Fatalf("leave: %v", err)
	}
	want := []string{
		"people.member 2020-04-01  yes", "people.joined 2020-04-01  yes", "people.moved 2026-10-01  ",
		"people.excluded 2026-11-23 2026-12-31 ", "people.left 2027-03-31  ",
	}
	if diff := cmp.Diff(want, o.current("mail")); diff != "" && !sameSet(want, o.current("mail", "people.member", "people.joined", "people.left", "people.moved", "people.excluded")) {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if got := o.person(p.Key); !got.ActiveOn(day(t, "2027-03-31")) || got.ActiveOn(day(t, "2027-04-01")) {
		t.Error("the last day must still count, the day after must not")
	}
}

func sameSet(a, b []string) bool {
	seen := map[string]int{}
	for _, s := range a {
		seen[s]++
	}
	for _, s := range b {
		seen[s]--
	}
	for _, n := range seen {
		if n != 0 {
			return false
		}
	}
	return true
}

func TestFactsOfActsAreThoseOfTheNightlyPass(t *testing.T) {
	t.Parallel()
	o := open(t)
	sales := o.department("営業部")
	p := o.add(people.Person{FamilyName: "佐藤", Department: sales, Joined: day(t, "2020-04-01")})
	o.add(people.Person{FamilyName: "鈴木", Class: people.External})
	p.Department = o.department("製造部")
	if err := o.people.Save(o.ctx, p, 0); err != nil {
		t.Fatalf("save: %v", err)
	}
	if err := o.people.Exclude(o.ctx, people.Exclusion{Person: p.Key, Reason: "leave", Until: day(t, "2026-12-31")}); err != nil {
		t.Fatalf("exclude: %v", err)
	}
	before := o.current("class")
	err := o.db.Write(o.ctx, func(tx *sqlite.Tx) error { return o.facts.Sync(o.ctx, tx, o.people) })
	if err != nil {
		t.Fatalf("sync: %v", err)
	}
	if diff := cmp.Diff(before, o.current("class")); diff != "" {
		t.Errorf("the nightly pass changes facts (-acts +pass):\n%s", diff)
	}
}

func TestTwoPeopleSaveOneRow(t *testing.T) {
	t.Parallel()
	o := open(t)
	p := o.add(people.Person{FamilyName: "佐藤"})
	first, second := p, p
	first.Mail, second.Mail = people.Yes, people.No
	if err := o.people.Save(o.ctx, first, 0); err != nil {
		t.Fatalf("first save: %v", err)
	}
	if err := o.people.Save(o.ctx, second, 0); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("second save: got %v, want conflict", err)
	}
	if err := o.people.Fill(o.ctx, map[string]int64{p.Key: p.Version}, people.No, ""); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("fill over an old version: got %v, want conflict", err)
	}
	if got := o.person(p.Key); got.Mail != people.Yes {
		t.Errorf("mail = %s, want the first answer", got.Mail)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	o := open(t)
	sales := o.department("営業部")
	taken := o.add(people.Person{EmployeeNo: "1", FamilyName: "佐藤", Department: sales})
	for _, tc := range []struct {
		name  string
		p     people.Person
		field string
	}{
		{"no name", people.Person{Class: people.Employee}, "family_name"},
		{"no class", people.Person{FamilyName: "鈴木"}, "class"},
		{"number taken", people.Person{FamilyName: "鈴木", Class: people.Employee, EmployeeNo: "1"}, "employee_no"},
		{"kanji as reading", people.Person{FamilyName: "鈴木", Class: people.Employee, FamilyKana: "鈴木"}, "family_kana"},
		{"no address", people.Person{FamilyName: "鈴木", Class: people.Employee, Email: "suzuki"}, "email"},
		{"left before joined", people.Person{FamilyName: "鈴木", Class: people.Employee, Joined: 20000, Left: 19999}, "left"},
		{"a day of the stone age", people.Person{FamilyName: "鈴木", Class: people.Employee, Joined: day(t, "1900-01-01")}, "joined"},
		{"department of nowhere", people.Person{FamilyName: "鈴木", Class: people.Employee, Department: "x"}, "department"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := o.people.Add(o.ctx, tc.p)
			all := problem.All(err)
			if len(all) != 1 || all[0].Field != tc.field {
				t.Errorf("got %v, want one problem at %s", err, tc.field)
			}
		})
	}
	t.Run("another department's person", func(t *testing.T) {
		t.Parallel()
		ctx := as(t, []string{"elsewhere"}, people.PermEdit)
		if err := o.people.Leave(ctx, taken.Key, taken.Version, 20000); problem.CodeOf(err) != problem.CodeForbidden {
			t.Errorf("got %v, want forbidden", err)
		}
	})
	t.Run("without permission", func(t *testing.T) {
		t.Parallel()
		if _, err := o.people.Add(as(t, nil, people.PermRead), people.Person{FamilyName: "鈴木", Class: people.Employee}); problem.CodeOf(err) != problem.CodeForbidden {
			t.Errorf("got %v, want forbidden", err)
		}
	})
	t.Run("exclusion without end", func(t *testing.T) {
		t.Parallel()
		err := o.people.Exclude(o.ctx, people.Exclusion{Person: taken.Key, Reason: "leave"})
		if all := problem.All(err); len(all) != 1 || all[0].Field != "until" {
			t.Errorf("got %v, want a problem at until", err)
		}
	})
}

func TestOwnerWhoLeavesEndsOwnership(t *testing.T) {
	t.Parallel()
	o := open(t)
	p := o.add(people.Person{FamilyName: "佐藤"})
	key, err := o.places.SaveDepartment(o.ctx, org.Department{Name: "営業部", Owner: p.Key})
	if err != nil {
		t.Fatalf("add department: %v", err)
	}
	if err := o.people.Leave(o.ctx, p.Key, p.Version, day(t, "2026-11-30")); err != nil {
		t.Fatalf("leave: %v", err)
	}
	if diff := cmp.Diff([]string{"org.owner 2026-11-23 2026-11-30 "}, o.current("", "org.owner")); diff != "" {
		t.Errorf("owner fact (-want +got):\n%s", diff)
	}
	o.read(func(tx *sqlite.Tx) error {
		duties, err := o.places.Duties(o.ctx, tx, day(t, "2026-12-01"))
		if len(duties) != 1 || duties[0].Key != "org.no_owner" {
			t.Errorf("duties the day after: %+v", duties)
		}
		return err
	})
	if _, err := o.places.SaveDepartment(o.ctx, org.Department{Key: key, Name: "営業部", Owner: "nobody", Version: 2}); problem.CodeOf(err) != problem.CodeInvalid {
		t.Errorf("unknown owner: got %v, want invalid", err)
	}
}

func TestListOrderAndSearch(t *testing.T) {
	t.Parallel()
	o := open(t)
	for _, n := range [][2]string{{"山田", ""}, {"渡辺", "わたなべ"}, {"加藤", "かとう"}, {"ｶﾞﾄｳ", "ガトウ"}, {"佐々木", "ささき"}} {
		o.add(people.Person{FamilyName: n[0], FamilyKana: n[1]})
	}
	names := func(f people.Filter) (out []string) {
		o.read(func(tx *sqlite.Tx) error {
			list, err := o.people.Browse(o.ctx, tx, f)
			for _, p := range list {
				out = append(out, p.Name())
			}
			return err
		})
		return out
	}
	if diff := cmp.Diff([]string{"加藤", "ガトウ", "佐々木", "渡辺", "山田"}, names(people.Filter{})); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"佐々木"}, names(people.Filter{Query: "さ さ"})); diff != "" {
		t.Errorf("search by hiragana (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"山田"}, names(people.Filter{NoKana: true})); diff != "" {
		t.Errorf("without reading (-want +got):\n%s", diff)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	list := []people.Person{
		{Key: "1", EmployeeNo: "0012", FamilyName: "佐藤", GivenName: "花子", FamilyKana: "サトウ", GivenKana: "ハナコ", Email: "h@example.jp"},
		{Key: "2", FamilyName: "神田", GivenName: "学", FamilyKana: "カンダ", GivenKana: "マナブ", Email: "line@example.jp"},
		{Key: "3", FamilyName: "神田", GivenName: "学", FamilyKana: "ジンデン", GivenKana: "マナブ", Email: "line@example.jp"},
		{Key: "4", EmployeeNo: "77", FamilyName: "鈴木", Left: 10000},
		{Key: "5", FamilyName: "鈴木"},
	}
	m := people.NewMatcher(list, 20000)
	for _, tc := range []struct {
		name string
		row  people.RosterRow
		want string // key, "several" or ""
	}{
		{"number in full width", people.RosterRow{EmployeeNo: "００１２", Name: "別人"}, "1"},
		{"number that lost its zeros, same name", people.RosterRow{EmployeeNo: "12", Name: "佐藤　花子"}, "1"},
		{"number that lost its zeros, other name", people.RosterRow{EmployeeNo: "12", Name: "高橋"}, ""},
		{"address", people.RosterRow{Email: "H@example.jp"}, "1"},
		{"shared address with name and reading", people.RosterRow{Email: "line@example.jp", Name: "神田学", Kana: "かんだまなぶ"}, "2"},
		{"name and reading", people.RosterRow{Name: "神田 学", Kana: "じんでん まなぶ"}, "3"},
		{"name alone, two of them", people.RosterRow{Name: "神田学"}, "several"},
		{"of two the one still here", people.RosterRow{Name: "鈴木"}, "5"},
		{"unknown number never takes another's person", people.RosterRow{EmployeeNo: "99", Name: "佐藤花子"}, ""},
		{"nobody", people.RosterRow{Name: "田中"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := m.Match(tc.row)
			is := ""
			switch {
			case got.Person != nil:
				is = got.Person.Key
			case len(got.Candidates) > 0:
				is = "several"
			}
			if is != tc.want {
				t.Errorf("got %q, want %q", is, tc.want)
			}
		})
	}
}

func TestConfirmation(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add(people.Person{FamilyName: "佐藤", Mail: people.Yes, Internet: people.Yes})
	look := func() (r roster.Roster) {
		o.read(func(tx *sqlite.Tx) (err error) {
			r, err = o.roster.Roster(o.ctx, tx)
			return err
		})
		return r
	}
	duties := func(on string) (keys []string) {
		o.read(func(tx *sqlite.Tx) error {
			all, err := o.roster.Duties(o.ctx, tx, day(t, on))
			for _, d := range all {
				keys = append(keys, d.Key)
			}
			return err
		})
		return keys
	}
	seen := look()
	if diff := cmp.Diff([]string{"people.confirm"}, duties("2026-11-23")); diff != "" {
		t.Errorf("duties before the first confirmation (-want +got):\n%s", diff)
	}
	o.clock.SetDay("2026-11-24")
	o.add(people.Person{FamilyName: "鈴木", Mail: people.Yes, Internet: people.Yes})
	if err := o.roster.Confirm(o.ctx, seen.Mark, "", nil); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("confirming an old state: got %v, want conflict", err)
	}
	if err := o.roster.Confirm(as(t, []string{"d"}, people.PermConfirm), look().Mark, "", nil); problem.CodeOf(err) != problem.CodeForbidden {
		t.Errorf("confirming with a department scope: got %v, want forbidden", err)
	}
	if err := o.roster.Confirm(o.ctx, look().Mark, "社長確認済み", &roster.Paper{Name: "名簿.pdf", Data: []byte("%PDF-1.7\n%%EOF\n")}); err != nil {
		t.Fatalf("confirm: %v", err)
	}
	if diff := cmp.Diff([]string{"people.confirmed 2026-11-24  "}, o.current("", "people.confirmed")); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if got := duties("2027-10-01"); len(got) != 0 {
		t.Errorf("duties long before the date: %v", got)
	}
	if diff := cmp.Diff([]string{"people.confirm"}, duties("2027-11-01")); diff != "" {
		t.Errorf("duties near the date (-want +got):\n%s", diff)
	}
	o.clock.SetDay("2027-01-10")
	o.add(people.Person{FamilyName: "田中"})
	r := look()
	if r.Last == nil || r.Last.Attachment == "" || len(r.Added) != 1 || len(r.Blank) != 3 || r.Active != 3 {
		t.Errorf("roster after a year: %+v", r)
	}
}
