package org_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type office struct {
	t     *testing.T
	db    *sqlite.DB
	facts *fact.Store
	org   *org.Service
}

func open(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, facts: fact.NewStore(nil)}
	o.db = sqlitetest.Open(t, sqlitetest.NewClock("2026-11-23"), audit.Migrations(), fact.Migrations(), org.Migrations())
	o.org = org.New(o.db, o.facts, map[string]framework.Setting{"joiner_training_days": {Value: 30}, "review_after_change_days": {Value: 60}})
	return o
}

func as(t *testing.T, grants ...actor.Permission) context.Context {
	t.Helper()
	return actor.With(t.Context(), actor.New(actor.Actor{Account: "a1", Via: "session"}, grants))
}

func (o *office) write(ctx context.Context, fn func(tx *sqlite.Tx) error) {
	o.t.Helper()
	if err := o.db.Write(ctx, fn); err != nil {
		o.t.Fatalf("write: %v", err)
	}
}

func company() org.Company {
	return org.Company{
		Name: "架空精機 株式会社", FiscalStart: 4, TargetLevel: "2", TargetStar: "3", NotApplicable: org.Counts,
		Settings: map[string]int{"joiner_training_days": 14, "review_after_change_days": 60},
	}
}

func TestSetUp(t *testing.T) {
	t.Parallel()
	o := open(t)
	told := 0
	o.org.OnCompanyChanged(func(context.Context, *sqlite.Tx) error {
		told++
		return nil
	})
	o.write(t.Context(), func(tx *sqlite.Tx) error {
		before, err := o.org.Company(t.Context(), tx)
		if err != nil || before.IsSetUp() || before.FiscalStart != 4 {
			t.Errorf("before the set-up: %+v, %v", before, err)
		}
		return o.org.Establish(t.Context(), tx, company())
	})
	err := o.db.Write(t.Context(), func(tx *sqlite.Tx) error { return o.org.Establish(t.Context(), tx, company()) })
	if problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("a second set-up: got %v, want conflict", err)
	}
	o.write(t.Context(), func(tx *sqlite.Tx) error {
		c, err := o.org.Company(t.Context(), tx)
		if diff := cmp.Diff(map[string]int{"joiner_training_days": 14}, c.Settings); diff != "" {
			t.Errorf("overrides (-want +got):\n%s", diff)
		}
		all, serr := o.org.Settings(t.Context(), tx)
		if diff := cmp.Diff(map[string]int{"joiner_training_days": 14, "review_after_change_days": 60}, all); diff != "" || serr != nil {
			t.Errorf("settings: %v (-want +got):\n%s", serr, diff)
		}
		return err
	})
	if told != 1 {
		t.Errorf("told %d times of a change, want 1", told)
	}
}

func TestCompanyIsRefused(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := as(t, org.PermCompany)
	for _, tc := range []struct {
		name  string
		edit  func(c *org.Company)
		field string
	}{
		{"no name", func(c *org.Company) { c.Name = "　" }, "name"},
		{"no such month", func(c *org.Company) { c.FiscalStart = 13 }, "fiscal_start"},
		{"no such level", func(c *org.Company) { c.TargetLevel = "4" }, "target_level"},
		{"no such star", func(c *org.Company) { c.TargetStar = "5" }, "target_star"},
		{"address with a path", func(c *org.Company) { c.BaseAddress = "https://example.co.jp/kizuki" }, "base_address"},
		{"address of another kind", func(c *org.Company) { c.BaseAddress = "javascript:alert(1)" }, "base_address"},
		{"address with a password", func(c *org.Company) { c.BaseAddress = "https://a:b@example.co.jp" }, "base_address"},
		{"host with a path", func(c *org.Company) { c.Hosts = []string{"example.co.jp/x"} }, "hosts"},
		{"unknown setting", func(c *org.Company) { c.Settings = map[string]int{"x": 3} }, "setting_x"},
		{"setting out of range", func(c *org.Company) { c.Settings = map[string]int{"joiner_training_days": -1} }, "setting_joiner_training_days"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := company()
			tc.edit(&c)
			all := problem.All(o.org.SaveCompany(ctx, c))
			if len(all) != 1 || all[0].Field != tc.field || all[0].Code != problem.CodeInvalid {
				t.Errorf("got %v, want one problem at %s", all, tc.field)
			}
		})
	}
	if err := o.org.SaveCompany(as(t, org.PermEdit), company()); problem.CodeOf(err) != problem.CodeForbidden {
		t.Errorf("without permission: got %v, want forbidden", err)
	}
}

func TestPlacesOfAnImport(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := as(t, org.PermEdit)
	var departments, sites []string
	o.write(ctx, func(tx *sqlite.Tx) (err error) {
		departments, sites, err = o.org.Create(ctx, tx, []string{"製造 部", "営業部"}, []string{"本社", "第二工場"})
		return err
	})
	o.write(ctx, func(tx *sqlite.Tx) error {
		p, err := o.org.Places(ctx, tx)
		if p.Departments["製造部"] != departments[0] || p.Sites["本社"] != sites[0] {
			t.Errorf("places: %+v", p)
		}
		return err
	})
	if _, err := o.org.SaveDepartment(ctx, org.Department{Key: departments[1], Name: "営業部", Site: sites[1], Version: 1}); err != nil {
		t.Fatalf("save: %v", err)
	}
	o.write(ctx, func(tx *sqlite.Tx) error { return o.org.Uncreate(ctx, tx, departments, sites) })
	o.write(ctx, func(tx *sqlite.Tx) error {
		left, err := o.org.Departments(ctx, tx)
		if len(left) != 1 || left[0].Name != "営業部" {
			t.Errorf("departments after undo: %+v, want the one that somebody changed", left)
		}
		places, serr := o.org.Sites(ctx, tx)
		if len(places) != 1 || places[0].Name != "第二工場" {
			t.Errorf("sites after undo: %+v, want the one in use", places)
		}
		if serr != nil {
			return serr
		}
		return err
	})
	err := o.db.Write(as(t), func(tx *sqlite.Tx) error {
		_, _, err := o.org.Create(as(t), tx, []string{"x"}, nil)
		return err
	})
	if problem.CodeOf(err) != problem.CodeForbidden {
		t.Errorf("create without permission: got %v, want forbidden", err)
	}
}

func TestFactsOfActsAreThoseOfTheNightlyPass(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := as(t, org.PermEdit)
	if _, err := o.org.SaveDepartment(ctx, org.Department{Name: "営業部", Owner: "p1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.org.SaveDepartment(ctx, org.Department{Name: "旧営業部", Ended: jdate.On(2026, 3, 31)}); err != nil {
		t.Fatal(err)
	}
	if err := o.org.AddMajorChange(ctx, org.MajorChange{On: jdate.On(2026, 11, 1), What: "system", Note: "基幹システムの入れ替え"}); err != nil {
		t.Fatal(err)
	}
	if err := o.org.AddMajorChange(ctx, org.MajorChange{On: jdate.On(2026, 12, 1), What: "moon"}); len(problem.All(err)) != 3 {
		t.Errorf("a change of tomorrow without note: got %v, want three problems", err)
	}
	var before, after []fact.Fact
	o.write(ctx, func(tx *sqlite.Tx) (err error) {
		if before, err = o.facts.Current(ctx, tx); err != nil {
			return err
		}
		if err := o.facts.Sync(ctx, tx, o.org); err != nil {
			return err
		}
		after, err = o.facts.Current(ctx, tx)
		return err
	})
	if diff := cmp.Diff(before, after); diff != "" || len(before) != 4 {
		t.Errorf("%d facts; the nightly pass changes them (-acts +pass):\n%s", len(before), diff)
	}
}

// Two people who save one row at the same time: the second is told, and nothing of the first is lost.
func TestSavingOverSomebodyElse(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := as(t, org.PermEdit, org.PermCompany)
	o.write(ctx, func(tx *sqlite.Tx) error { return o.org.Establish(ctx, tx, company()) })
	var sites []org.Site
	var departments []org.Department
	var c org.Company
	site, err := o.org.SaveSite(ctx, org.Site{Name: "本社"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.org.SaveDepartment(ctx, org.Department{Name: "総務部", Site: site}); err != nil {
		t.Fatal(err)
	}
	read := func() {
		o.write(ctx, func(tx *sqlite.Tx) (err error) {
			if c, err = o.org.Company(ctx, tx); err != nil {
				return err
			}
			if sites, err = o.org.Sites(ctx, tx); err != nil {
				return err
			}
			departments, err = o.org.Departments(ctx, tx)
			return err
		})
	}
	read()
	for name, save := range map[string]func(text string) error{
		"company": func(text string) error {
			mine := c
			mine.Name = text
			return o.org.SaveCompany(ctx, mine)
		},
		"site": func(text string) error {
			mine := sites[0]
			mine.Name = text
			_, err := o.org.SaveSite(ctx, mine)
			return err
		},
		"department": func(text string) error {
			mine := departments[0]
			mine.Name = text
			_, err := o.org.SaveDepartment(ctx, mine)
			return err
		},
	} {
		if err := save("先の人の名前"); err != nil {
			t.Fatalf("%s: the first: %v", name, err)
		}
		if err := save("後の人の名前"); problem.CodeOf(err) != problem.CodeConflict {
			t.Errorf("%s: the second: got %v, want conflict", name, err)
		}
	}
	read()
	for _, got := range []string{c.Name, sites[0].Name, departments[0].Name} {
		if got != "先の人の名前" {
			t.Errorf("kept %q, want what the first saved", got)
		}
	}
}
