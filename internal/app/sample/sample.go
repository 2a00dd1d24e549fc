// Package sample makes the fictional company of "kizuki demo": 120 people, rules, training and a check sheet
// of three years, imperfect on purpose so that every page has something to show.
//
// The history is made by the acts of the services themselves, on a clock that is moved through it. Who and
// what stands in content/*.yaml; days there count from the day of the demo. One day gives one company:
// nothing is random but the keys of the records.
package sample

import (
	"context"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/request"
	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/office/policy/demand"
	"github.com/kizuki-security/kizuki/internal/office/training"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/roster"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// HistoryDays is how many days before the day of the demo an office must be opened at least, so that nothing of
// the history lies before its first day.
const HistoryDays = 4 * 366

// Office is the open, empty office that the company moves into.
type Office struct {
	DB       *sqlite.DB
	Facts    *fact.Store
	Files    *attach.Store
	Org      *org.Service
	People   *people.Service
	Roster   *roster.Service
	Policy   *policy.Service
	Demands  *demand.Service
	Training *training.Service
	Assess   *assessment.Service
	Requests *request.Service
	Catalog  *framework.Catalog
}

// Person is somebody of the sample company.
type Person struct{ Key, Name string }

// Built says who gets an account, and holds files to try the import with, by name.
type Built struct {
	InCharge, President, Worker Person
	Files                       map[string][]byte
}

// Build makes the company as it stands on today. ctx carries an actor who may do everything. progress, which
// may be nil, is told after each step. The clock stands on today when Build returns.
func Build(ctx context.Context, o Office, clock *Clock, today jdate.Day, progress func(done, total int)) (Built, error) {
	c, err := readContent()
	if err != nil {
		return Built{}, err
	}
	b := &builder{Office: o, content: c, calendar: calendar{today}, staff: map[string]*people.Person{}, opened: map[string]jdate.Day{}}
	b.Facts.OnTouched(func(context.Context, *sqlite.Tx, []string) error { return nil }) // judged at the ends of months instead
	defer b.Facts.OnTouched(b.Assess.Recompute)
	if err := b.write(); err != nil {
		return Built{}, fmt.Errorf("plan the sample company: %w", err)
	}
	if err := b.run(ctx, clock, progress); err != nil {
		return Built{}, fmt.Errorf("build the sample company: %w", err)
	}
	clock.Set(today)
	files, err := b.files(ctx)
	if err != nil {
		return Built{}, fmt.Errorf("write the sample files: %w", err)
	}
	return Built{InCharge: b.person(c.Roles.InCharge), President: b.person(c.Roles.President), Worker: b.person(c.Roles.Worker), Files: files}, nil
}

// builder holds what steps find out for later ones.
type builder struct {
	Office
	plan
	calendar
	content *content

	roll   []member // everybody who ever was there, in the order of content/staff.csv
	places places
	staff  map[string]*people.Person // by employee number
	opened map[string]jdate.Day      // when this year's round of a framework opened
}

func (b *builder) person(no string) Person {
	p := b.staff[no]
	return Person{p.Key, p.Name()}
}

// as gives a context in which a person of the company acts, through the house.
func (b *builder) as(ctx context.Context, no string) context.Context {
	p := b.person(no)
	return actor.With(ctx, actor.Actor{Person: p.Key, Name: p.Name, Via: "house"})
}

// inCharge gives a context in which the person in charge acts.
func (b *builder) inCharge(ctx context.Context) context.Context {
	return b.as(ctx, b.content.Roles.InCharge)
}
