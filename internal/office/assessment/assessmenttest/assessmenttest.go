// Package assessmenttest opens an office with a small catalogue for the tests of assessment and its subfolders.
package assessmenttest

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

//go:embed catalog/*.yaml
var files embed.FS

// Keys of the frameworks of the small catalogue.
const (
	JAMA = "jama-japia@2.3"
	SCS  = "scs@20260327"
)

var load = sync.OnceValues(func() (*framework.Catalog, error) {
	sub, err := fs.Sub(files, "catalog")
	if err != nil {
		return nil, err
	}
	return framework.Load(sub)
})

// Catalog returns the small catalogue.
func Catalog(t testing.TB) *framework.Catalog {
	t.Helper()
	c, err := load()
	if err != nil {
		t.Fatalf("load catalogue of tests: %v", err)
	}
	return c
}

// Office is an office with a database, a clock and the service.
type Office struct {
	DB      *sqlite.DB
	Clock   *sqlitetest.Clock
	Facts   *fact.Store
	Texts   *i18n.Messages
	Svc     *assessment.Service
	Company assessment.Company
	Staff   Staff
}

// Staff is a staff list without a register.
type Staff struct {
	Name       map[string]string
	Department map[string]string
}

// Names gives the display names by key.
func (s Staff) Names(context.Context, *sqlite.Tx) (map[string]string, error) { return s.Name, nil }

// DepartmentOf gives the department of a person.
func (s Staff) DepartmentOf(_ context.Context, _ *sqlite.Tx, person string) (string, error) {
	return s.Department[person], nil
}

// Open opens an office on 2026-11-23 with the target Lv2 and ★3, every verdict judged. more are message files
// of packages above.
func Open(t testing.TB, more ...fs.FS) *Office {
	t.Helper()
	return OpenWith(t, Catalog(t), more...)
}

// OpenWith is Open with another catalogue.
func OpenWith(t testing.TB, catalog *framework.Catalog, more ...fs.FS) *Office {
	t.Helper()
	o := &Office{
		Clock: sqlitetest.NewClock("2026-11-23"),
		Company: assessment.Company{
			Name: "みどり精工株式会社", FiscalStart: time.April, Targets: map[string]string{"jama-japia": "2", "scs": "3"},
		},
		Staff: Staff{
			Name:       map[string]string{"sato": "佐藤 花子", "suzuki": "鈴木 一郎", "tanaka": "田中 次郎"},
			Department: map[string]string{"sato": "general", "suzuki": "factory"},
		},
	}
	o.DB = sqlitetest.Open(t, o.Clock, audit.Migrations(), fact.Migrations(), assessment.Migrations())
	texts, err := i18n.New(append([]fs.FS{web.Messages(), assessment.Messages()}, more...)...)
	if err != nil {
		t.Fatalf("read messages: %v", err)
	}
	o.Texts = texts
	o.Facts = fact.NewStore(nil)
	o.Svc = o.Service(catalog)
	o.Facts.OnTouched(o.Svc.Recompute)
	o.Write(t, func(ctx context.Context, tx *sqlite.Tx) error { return o.Svc.RecomputeAll(ctx, tx) })
	return o
}

// Service returns another service over the same database: what another process would see.
func (o *Office) Service(catalog *framework.Catalog) *assessment.Service {
	return assessment.New(assessment.Deps{
		DB: o.DB, Facts: o.Facts, Catalog: catalog, Texts: o.Texts, Staff: o.Staff,
		Company: func(context.Context, *sqlite.Tx) (assessment.Company, error) { return o.Company, nil },
	})
}

// As returns a context with an actor who is the person and holds the permissions.
func As(t testing.TB, person string, scope []string, grants ...actor.Permission) context.Context {
	t.Helper()
	return actor.With(t.Context(), actor.New(actor.Actor{Account: "account-" + person, Person: person, Scope: scope, Via: "session"}, grants))
}

// Keeper returns a context with an actor who may do everything in assessments.
func Keeper(t testing.TB) context.Context {
	t.Helper()
	return As(t, "sato", nil, assessment.PermRead, assessment.PermAnswer, assessment.PermManage, assessment.PermRequest)
}

// House returns a context with the house itself as actor.
func House(t testing.TB) context.Context {
	t.Helper()
	return actor.With(t.Context(), actor.House())
}

// Write runs fn as the house in a transaction.
func (o *Office) Write(t testing.TB, fn func(ctx context.Context, tx *sqlite.Tx) error) {
	t.Helper()
	ctx := House(t)
	if err := o.DB.Write(ctx, func(tx *sqlite.Tx) error { return fn(ctx, tx) }); err != nil {
		t.Fatalf("write: %v", err)
	}
}

// ReadAll notes a good reading of every kind of the catalogue today, as the nightly pass does.
func (o *Office) ReadAll(t testing.TB) {
	t.Helper()
	var kinds []string
	for name, kind := range o.Svc.Catalog().Table.Kinds {
		if kind.Live() {
			kinds = append(kinds, name)
		}
	}
	o.Write(t, func(ctx context.Context, tx *sqlite.Tx) error { return o.Facts.Put(ctx, tx, "none/none", kinds, nil) })
}

// Put makes facts what the record gives now.
func (o *Office) Put(t testing.TB, record string, facts ...fact.Fact) {
	t.Helper()
	o.PutIn(House(t), t, record, facts...)
}

// PutIn is Put in the request of ctx.
func (o *Office) PutIn(ctx context.Context, t testing.TB, record string, facts ...fact.Fact) {
	t.Helper()
	var kinds []string
	seen := map[string]bool{}
	for i := range facts {
		facts[i].Record = record
		if !seen[facts[i].Kind] {
			seen[facts[i].Kind] = true
			kinds = append(kinds, facts[i].Kind)
		}
	}
	err := o.DB.Write(ctx, func(tx *sqlite.Tx) error { return o.Facts.Put(ctx, tx, record, kinds, facts) })
	if err != nil {
		t.Fatalf("put facts: %v", err)
	}
}

// Day reads an ISO day.
func Day(t testing.TB, text string) jdate.Day {
	t.Helper()
	d, err := jdate.ISO(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Board reads a board.
func (o *Office) Board(t testing.TB, key string) *assessment.Board {
	t.Helper()
	var b *assessment.Board
	ctx := House(t)
	err := o.Svc.Read(ctx, func(tx *sqlite.Tx) error {
		var err error
		b, err = o.Svc.Board(ctx, tx, key)
		return err
	})
	if err != nil {
		t.Fatalf("read board: %v", err)
	}
	return b
}

// MailTraining puts a staff list of n people, confirmed, with one mail training that all of them attended, looked
// back on: every clause of item 28 is met or empty.
func (o *Office) MailTraining(t testing.TB, n int, day string) {
	t.Helper()
	on := Day(t, day)
	o.ReadAll(t)
	var people, done []fact.Fact
	for i := range n {
		member := fmt.Sprintf("person/p%03d", i)
		people = append(people, fact.Fact{Kind: "people.member", Member: member, Attrs: map[string]string{"class": "employee", "mail": "yes"}, On: jdate.On(2020, 4, 1)})
		done = append(done, fact.Fact{Kind: "training.completed", Member: member, Attrs: map[string]string{"topic": "mail"}, On: on, Link: "/training/s1"})
	}
	o.Put(t, "people/all", people...)
	o.Put(t, "people/confirmed", fact.Fact{Kind: "people.confirmed", On: on})
	o.Put(t, "training/s1", append(done,
		fact.Fact{Kind: "training.session", Member: "session/s1", Attrs: map[string]string{"topic": "mail"}, On: on, Link: "/training/s1"},
		fact.Fact{Kind: "training.reflection", Member: "session/s1", Attrs: map[string]string{"topic": "mail"}, On: on, Link: "/training/s1"})...)
}
