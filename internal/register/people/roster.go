package people

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// ConfirmedDays is how long a confirmation of the staff list holds, in days: once a year, as
// confirmed_days of the population people in catalog/kinds.yaml.
const ConfirmedDays = 365

// Roster is what a person looks at before confirming the staff list.
type Roster struct {
	Mark                        string // state that is seen; Confirm refuses another one
	Last                        *Confirmation
	Active                      int
	Departments                 []DepartmentCount
	Added, Left, Moved, Changed []Person // since the last confirmation
	Blank                       []Person // active people with something open
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
	all, err := findPersons(ctx, tx, Filter{})
	if err != nil {
		return r, err
	}
	counts := map[string]int{}
	byKey := make(map[string]Person, len(all))
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
		to   *[]Person
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
	if err := who.Require(PermConfirm); err != nil {
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
			Key: sqlite.NewKey(tx.Now), On: today(tx), Note: jtext.Line(note), People: r.Active, Blanks: len(r.Blank), By: who.ID(),
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
		return s.facts.Put(ctx, tx, record, confirmationKinds(), confirmationFacts(c))
	})
}

// confirmationDue is the day until which the next confirmation must be made; zero while there was none.
func confirmationDue(last *Confirmation) jdate.Day {
	if last == nil {
		return 0
	}
	return last.On.Add(ConfirmedDays)
}
