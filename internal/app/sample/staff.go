package sample

import (
	"context"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// planStaff writes down who was there at the beginning, who came, moved, went and was away.
func (b *builder) planStaff(begins jdate.Day) error {
	arrivals := map[jdate.Day][]people.Person{}
	for _, row := range b.content.people {
		joined, err := b.past(row.joined)
		if err != nil {
			return err
		}
		left, err := b.day(row.left)
		if err != nil {
			return err
		}
		b.roll = append(b.roll, member{row, joined, left})
		on := max(joined, begins)
		arrivals[on] = append(arrivals[on], people.Person{
			EmployeeNo: row.no, FamilyName: row.family, GivenName: row.given, FamilyKana: row.familyKana, GivenKana: row.givenKana,
			DisplayName: row.display, Class: row.class, Mail: row.mail, Internet: row.internet, Email: row.email,
			Department: row.department, Joined: joined, Kiosk: row.kiosk == people.Yes,
		})
		if !left.IsZero() {
			b.planLeaving(row.no, left)
		}
	}
	days := make([]jdate.Day, 0, len(arrivals))
	for on := range arrivals {
		days = append(days, on)
	}
	slices.Sort(days)
	for _, on := range days {
		b.add(on, "people join", func(ctx context.Context) error { return b.join(ctx, arrivals[on]) })
	}
	return b.planAbsence()
}

// notice is how many days ahead the office hears of a leaving.
const notice = 10

func (b *builder) planLeaving(no string, last jdate.Day) {
	b.add(min(last.Add(-notice), b.today.Add(-notice)), "somebody leaves", func(ctx context.Context) error {
		p := b.staff[no]
		if err := b.People.Leave(ctx, p.Key, p.Version, last); err != nil {
			return err
		}
		return b.reload(ctx)
	})
}

func (b *builder) planAbsence() error {
	for _, m := range b.content.Moves {
		on, err := b.past(m.On)
		if err != nil {
			return err
		}
		b.add(on, "somebody moves", func(ctx context.Context) error { return b.move(ctx, m.Who, m.To, on) })
	}
	for _, e := range b.content.Exclusions {
		from, err := b.past(e.From)
		if err != nil {
			return err
		}
		until, err := b.day(e.Until)
		if err != nil {
			return err
		}
		b.add(from, "somebody is away", func(ctx context.Context) error {
			return b.People.Exclude(ctx, people.Exclusion{Person: b.staff[e.Who].Key, Reason: e.Reason, Note: e.Note, From: from, Until: until})
		})
	}
	for _, c := range b.content.Confirmations {
		on, err := b.past(c.On)
		if err != nil {
			return err
		}
		b.add(on, "the staff list is confirmed", func(ctx context.Context) error { return b.confirm(ctx, c.Note) })
	}
	for _, c := range b.content.Changes {
		on, err := b.past(c.On)
		if err != nil {
			return err
		}
		b.add(on, "something changes", func(ctx context.Context) error {
			return b.Org.AddMajorChange(ctx, org.MajorChange{On: on, What: c.What, Note: c.Note})
		})
	}
	return nil
}

// join takes in people as a file of the personnel office does. Their departments are ids of company.yaml.
func (b *builder) join(ctx context.Context, list []people.Person) error {
	err := b.DB.Write(ctx, func(tx *sqlite.Tx) error {
		batch := people.Batch{}
		for _, p := range list {
			p.Site, p.Department = b.places.siteOf[p.Department], b.places.departments[p.Department]
			batch.Add = append(batch.Add, p.Tidy())
		}
		_, err := b.People.ApplyBatch(ctx, tx, batch)
		return err
	})
	if err != nil {
		return err
	}
	return b.reload(ctx)
}

func (b *builder) move(ctx context.Context, no, department string, on jdate.Day) error {
	p := *b.staff[no]
	p.Department, p.Site = b.places.departments[department], b.places.siteOf[department]
	if err := b.People.Save(ctx, p, on); err != nil {
		return err
	}
	return b.reload(ctx)
}

func (b *builder) confirm(ctx context.Context, note string) error {
	var mark string
	err := b.DB.Read(ctx, func(tx *sqlite.Tx) error {
		r, err := b.Roster.Roster(ctx, tx)
		mark = r.Mark
		return err
	})
	if err != nil {
		return err
	}
	return b.Roster.Confirm(b.as(ctx, b.content.Roles.InCharge), mark, note, nil)
}

// reload reads the staff list again: versions and keys changed.
func (b *builder) reload(ctx context.Context) error {
	return b.DB.Read(ctx, func(tx *sqlite.Tx) error {
		list, err := b.People.List(ctx, tx, people.Filter{})
		for i := range list {
			b.staff[list[i].EmployeeNo] = &list[i]
		}
		return err
	})
}
