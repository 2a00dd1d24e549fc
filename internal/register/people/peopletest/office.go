// Package peopletest opens an office with people in it for the tests of features: a real database, the
// registers that every feature builds on, and a browser that asks the feature's own routes.
package peopletest

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/roster"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// PDF is the smallest file that may be attached as a scan.
const PDF = "%PDF-1.7\n%%EOF\n"

// Scan is such a file as a form sends it.
func Scan() attach.Upload { return attach.Upload{Name: "scan.pdf", Data: []byte(PDF)} }

// Office is a database with the registers below the features.
type Office struct {
	T      testing.TB
	Clock  *sqlitetest.Clock
	DB     *sqlite.DB
	Facts  *fact.Store
	Files  *attach.Store
	Places *org.Service
	People *people.Service
	Roster *roster.Service
}

// Open returns an empty office on an ISO day, with the tables of the registers and of more.
func Open(t testing.TB, day string, more ...sqlite.Migration) *Office {
	t.Helper()
	o := &Office{T: t, Clock: sqlitetest.NewClock(day), Facts: fact.NewStore(nil), Files: attach.New(t.TempDir())}
	registers := []sqlite.Migration{audit.Migrations(), fact.Migrations(), attach.Migrations(), link.Migrations(), org.Migrations(), people.Migrations()}
	o.DB = sqlitetest.Open(t, o.Clock, append(registers, more...)...)
	o.build()
	return o
}

// Copy returns an office of its own that holds now what o holds, on the same day; attachments are shared.
func (o *Office) Copy(t testing.TB) *Office {
	t.Helper()
	c := &Office{T: t, Clock: sqlitetest.NewClock(o.Today().String()), Facts: fact.NewStore(nil), Files: o.Files}
	file := filepath.Join(t.TempDir(), "copy.db")
	c.Must(o.DB.CopyTo(t.Context(), file))
	var err error
	c.DB, err = sqlite.Open(t.Context(), file, c.Clock.Now)
	c.Must(err)
	t.Cleanup(func() { c.Must(c.DB.Close()) })
	c.build()
	return c
}

func (o *Office) build() {
	o.Places = org.New(o.DB, o.Facts, nil)
	o.People = people.New(o.DB, o.Facts, o.Places)
	o.Places.SetPeople(o.People)
	o.Roster = roster.New(o.DB, o.Facts, o.People, o.Places, o.Files)
}

// As returns the context of a person who is signed in with an account of their own; person may be "".
func (o *Office) As(person string, grants ...actor.Permission) context.Context {
	return actor.With(o.T.Context(), actor.New(actor.Actor{Account: "of-" + person, Person: person, Name: "名前", Via: "session"}, grants))
}

// Today is the day on the clock.
func (o *Office) Today() jdate.Day { return jdate.Of(o.Clock.Now()) }

// Day reads an ISO day; "" is the zero Day.
func (o *Office) Day(text string) jdate.Day {
	o.T.Helper()
	d, err := jdate.ISO(text)
	o.Must(err)
	return d
}

// Must ends the test on an error.
func (o *Office) Must(err error) {
	o.T.Helper()
	if err != nil {
		o.T.Fatal(err)
	}
}

// Refused reports an error of another code than the wanted one, or under another key.
func (o *Office) Refused(err error, code problem.Code, key string) {
	o.T.Helper()
	for _, e := range problem.All(err) {
		if e.Code == code && e.Key == key {
			return
		}
	}
	o.T.Errorf("got %v, want %s: %s", err, code, key)
}

// Person puts somebody on the staff list and returns the key. Whatever is left open is filled in: an
// employee who joined long ago and uses neither mail nor the internet.
func (o *Office) Person(p people.Person) string {
	o.T.Helper()
	if p.Class == "" {
		p.Class = people.Employee
	}
	if p.Mail == "" {
		p.Mail = people.No
	}
	if p.Internet == "" {
		p.Internet = people.No
	}
	if p.Joined.IsZero() {
		p.Joined = jdate.On(2020, 4, 1)
	}
	key, err := o.People.Add(actor.With(o.T.Context(), actor.House()), p)
	o.Must(err)
	return key
}

// Site adds a site and returns its key.
func (o *Office) Site(name string) string {
	o.T.Helper()
	key, err := o.Places.SaveSite(actor.With(o.T.Context(), actor.House()), org.Site{Name: name})
	o.Must(err)
	return key
}

// Department adds a department and returns its key.
func (o *Office) Department(name string) string {
	o.T.Helper()
	key, err := o.Places.SaveDepartment(actor.With(o.T.Context(), actor.House()), org.Department{Name: name})
	o.Must(err)
	return key
}

// Read runs fn in a read transaction.
func (o *Office) Read(fn func(ctx context.Context, tx *sqlite.Tx) error) {
	o.T.Helper()
	ctx := o.T.Context()
	o.Must(o.DB.Read(ctx, func(tx *sqlite.Tx) error { return fn(ctx, tx) }))
}

// Current lists the present facts of kinds.
func (o *Office) Current(kinds ...string) (facts []fact.Fact) {
	o.T.Helper()
	o.Read(func(ctx context.Context, tx *sqlite.Tx) (err error) {
		facts, err = o.Facts.Current(ctx, tx, kinds...)
		return err
	})
	return facts
}

// Duties lists the keys and days of the open duties of a source, as "key day".
func (o *Office) Duties(src due.Source) (list []string) {
	o.T.Helper()
	o.Read(func(ctx context.Context, tx *sqlite.Tx) error {
		all, err := src.Duties(ctx, tx, o.Today())
		for _, d := range all {
			list = append(list, d.Key+" "+d.On.String())
		}
		return err
	})
	return list
}

// SameAtNight reads everything again, as the nightly pass does, and reports what differs from the facts that
// the acts left behind.
func (o *Office) SameAtNight(sources ...fact.Source) {
	o.T.Helper()
	before := o.Current()
	for _, src := range sources {
		err := o.DB.Write(o.T.Context(), func(tx *sqlite.Tx) error { return o.Facts.Sync(o.T.Context(), tx, src) })
		o.Must(err)
	}
	if diff := cmp.Diff(before, o.Current()); diff != "" {
		o.T.Errorf("the nightly pass reads other facts than the acts gave (-acts +night):\n%s", diff)
	}
}

// Acts lists the acts of the audit log, oldest first, as "act object", and checks its chain.
func (o *Office) Acts() (acts []string) {
	o.T.Helper()
	o.Read(func(ctx context.Context, tx *sqlite.Tx) error {
		if _, err := audit.Verify(ctx, tx); err != nil {
			return err
		}
		rows, err := audit.List(ctx, tx, audit.Filter{Limit: 1000})
		for _, row := range slices.Backward(rows) {
			acts = append(acts, row.Act+" "+row.Object)
		}
		return err
	})
	return acts
}
