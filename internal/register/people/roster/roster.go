// Package roster is the yearly confirmation (名簿の年次確認) that the staff list is complete and right: what
// changed since the last one, what is still open, one button, an attachment where it was signed on paper.
//
// It gives the fact people.confirmed, without which no verdict about everybody can be met. Its table is
// made by the migrations of people, which it reads the list from.
package roster

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// ConfirmedDays is how long a confirmation of the staff list holds, in days: once a year, as
// confirmed_days of the population people in catalog/kinds.yaml.
const ConfirmedDays = 365

// Service keeps the confirmations. It is safe for concurrent use.
type Service struct {
	db     *sqlite.DB
	facts  *fact.Store
	people *people.Service
	org    *org.Service
	files  *attach.Store
}

// New returns the service.
func New(db *sqlite.DB, facts *fact.Store, list *people.Service, places *org.Service, files *attach.Store) *Service {
	return &Service{db: db, facts: facts, people: list, org: places, files: files}
}

// Confirmation says that on a day somebody found the staff list complete and right.
type Confirmation struct {
	Key        string
	On         jdate.Day
	Note       string
	People     int    // active on that day
	Blanks     int    // of them with something open
	Attachment string // key of the signed paper; may be empty
	By         string // actor.ID
}

// Confirmations returns the yearly confirmations, newest first.
func (s *Service) Confirmations(ctx context.Context, tx *sqlite.Tx) ([]Confirmation, error) {
	return findConfirmations(ctx, tx)
}

// Roster is what a person looks at before confirming the staff list.
type Roster struct {
	Mark                        string // state that is seen; Confirm refuses another one
	Last                        *Confirmation
	Active                      int
	Departments                 []DepartmentCount
	Added, Left, Moved, Changed []people.Person // since the last confirmation
	Blank                       []people.Person // active people with something open
}

// DepartmentCount is how many active people a department has; Key "" counts those without department.
type DepartmentCount struct {
	Key, Name string
	People    int
}

// Roster gathers what changed since the last confirmation and what is still open.
func (s *Service) Roster(ctx context.Context, tx *sqlite.Tx) (Roster, error) {
	var r Roster
	confirmations, err := findConfirmations(ctx, tx)
	if err != nil {
		return r, err
	}
	if len(confirmations) > 0 {
		r.Last = &confirmations[0]
	}
	if r.Mark, err = rosterMark(ctx, tx); err != nil {
		return r, err
	}
	all, err := s.people.List(ctx, tx, people.Filter{})
	if err != nil {
		return r, err
	}
	counts := map[string]int{}
	byKey := make(map[string]people.Person, len(all))
	for _, p := range all {
		byKey[p.Key] = p
		if !p.ActiveOn(today(tx)) {
			continue
		}
		r.Active++
		counts[p.Department]++
		if len(p.Blanks()) > 0 {
			r.Blank = append(r.Blank, p)
		}
	}
	changed, err := findChanged(ctx, tx)
	if err != nil {
		return r, err
	}
	for _, group := range []struct {
		keys []string
		to   *[]people.Person
	}{{changed.added, &r.Added}, {changed.left, &r.Left}, {changed.moved, &r.Moved}, {changed.changed, &r.Changed}} {
		for _, key := range group.keys {
			*group.to = append(*group.to, byKey[key])
		}
	}
	r.Departments, err = s.departmentCounts(ctx, tx, counts)
	return r, err
}

func (s *Service) departmentCounts(ctx context.Context, tx *sqlite.Tx, counts map[string]int) ([]DepartmentCount, error) {
	departments, err := s.org.AllDepartments(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []DepartmentCount
	for _, d := range departments {
		if n := counts[d.Key]; n > 0 || d.Ended.IsZero() {
			out = append(out, DepartmentCount{d.Key, d.Name, n})
		}
	}
	if counts[""] > 0 {
		out = append(out, DepartmentCount{People: counts[""]})
	}
	return out, nil
}

// Paper is a signed staff list, as scanned or photographed.
type Paper struct {
	Name string
	Data []byte
}

// Confirm notes that the staff list in the state mark (Roster.Mark) is complete and right. paper may be nil.
// Codes: forbidden (it takes the whole company), conflict (the list changed since it was shown), invalid.
func (s *Service) Confirm(ctx context.Context, mark, note string, paper *Paper) error {
	who := actor.From(ctx)
	if err := who.Require(people.PermConfirm); err != nil {
		return err
	}
	if err := who.RequireScope(""); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		r, err := s.Roster(ctx, tx)
		if err != nil {
			return err
		}
		switch {
		case r.Active == 0:
			return problem.Invalid("", "people.confirm.nobody")
		case r.Mark != mark:
			return problem.Conflict("people.confirm.changed")
		}
		c := Confirmation{
			Key: tx.NewKey(), On: today(tx), Note: jtext.Line(note), People: r.Active, Blanks: len(r.Blank), By: who.ID(),
		}
		record := "people/roster/" + c.Key
		if paper != nil {
			file, err := s.files.Add(ctx, tx, attach.Upload{Record: record, Name: paper.Name, Data: paper.Data, From: c.On, To: c.On})
			if err != nil {
				return err
			}
			c.Attachment = file.Key
		}
		if err := insertConfirmation(ctx, tx, c); err != nil {
			return err
		}
		after := audit.Image{"confirmed_on": c.On, "people": c.People, "blanks": c.Blanks, "note": c.Note, "attachment": c.Attachment}
		if err := audit.Record(ctx, tx, "people.roster_confirmed", record, after); err != nil {
			return err
		}
		return s.facts.Put(ctx, tx, record, Kinds(), confirmationFacts(c))
	})
}

// confirmationDue is the day until which the next confirmation must be made; zero while there was none.
func confirmationDue(last *Confirmation) jdate.Day {
	if last == nil {
		return 0
	}
	return last.On.Add(ConfirmedDays)
}

func today(tx *sqlite.Tx) jdate.Day { return jdate.Of(tx.Now) }
