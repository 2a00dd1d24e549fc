package dossier

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/personal"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// staffList is the staff list as a personal.Source.
type staffList struct {
	people *people.Service
	org    *org.Service
}

// Held lists what the staff list knows of a person (personal.Source).
func (s staffList) Held(ctx context.Context, tx *sqlite.Tx, who personal.Subject) ([]personal.Item, error) {
	p, err := s.people.ByKey(ctx, tx, who.Person)
	if err != nil {
		return nil, err
	}
	stays, err := s.heldProof(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	history, err := s.heldHistory(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	confirmed, err := countConfirmed(ctx, tx, who.Actors())
	if err != nil {
		return nil, err
	}
	items := append(append(heldIdentity(p), stays), history...)
	return append(items, personal.Item{Key: "personal.held.confirmed", Link: "/people/confirm", Count: confirmed, Retained: "personal.kept.act"}), nil
}

// heldIdentity is what says who the person is: all of it can be erased.
func heldIdentity(p people.Person) []personal.Item {
	if !p.Erased.IsZero() {
		return nil
	}
	item := personal.Item{Key: "personal.held.identity", Link: "/people/" + p.Key, On: p.Joined}
	for _, f := range []struct{ name, text string }{
		{"name", p.Name()}, {"kana", p.Kana()}, {"employee_no", p.EmployeeNo}, {"email", p.Email},
	} {
		if f.text != "" {
			item.Values = append(item.Values, personal.Value{Label: "people.field." + f.name, Text: f.text})
		}
	}
	item.Count = len(item.Values)
	return []personal.Item{item}
}

// heldProof is what populations and verdicts are counted on.
func (s staffList) heldProof(ctx context.Context, tx *sqlite.Tx, p people.Person) (personal.Item, error) {
	item := personal.Item{Key: "personal.held.membership", Link: "/people/" + p.Key, On: p.Joined, Retained: "personal.kept.facts"}
	departments, err := s.org.DepartmentNames(ctx, tx)
	if err != nil {
		return item, err
	}
	sites, err := s.org.SiteNames(ctx, tx)
	if err != nil {
		return item, err
	}
	for _, f := range []struct{ name, text, word string }{
		{"class", "", "people.class." + p.Class},
		{"department", departments[p.Department], ""},
		{"site", sites[p.Site], ""},
		{"joined", p.Joined.String(), ""},
		{"left", p.Left.String(), ""},
		{"mail", "", "people.use." + p.Mail},
		{"internet", "", "people.use." + p.Internet},
	} {
		if f.text+f.word != "" {
			item.Values = append(item.Values, personal.Value{Label: "people.field." + f.name, Text: f.text, Word: f.word})
		}
	}
	item.Count = len(item.Values)
	return item, nil
}

// heldHistory is moves, exclusions with their notes, and the departments that the person is named for.
func (s staffList) heldHistory(ctx context.Context, tx *sqlite.Tx, p people.Person) ([]personal.Item, error) {
	departments, err := s.org.AllDepartments(ctx, tx)
	if err != nil {
		return nil, err
	}
	names, owned := map[string]string{}, personal.Item{Key: "personal.held.owner", Link: "/org", Retained: "personal.kept.facts"}
	for _, d := range departments {
		names[d.Key] = d.Name
		if d.Owner == p.Key {
			owned.Values = append(owned.Values, personal.Value{Text: d.Name})
		}
	}
	moves, err := s.people.Moves(ctx, tx, p.Key)
	if err != nil {
		return nil, err
	}
	moved := personal.Item{Key: "personal.held.moves", Link: "/people/" + p.Key, Retained: "personal.kept.facts"}
	for _, m := range moves {
		moved.Values = append(moved.Values, personal.Value{Text: names[m.From] + " → " + names[m.To], On: m.On})
	}
	exclusions, err := s.people.Exclusions(ctx, tx, p.Key)
	if err != nil {
		return nil, err
	}
	away := personal.Item{Key: "personal.held.exclusions", Link: "/people/" + p.Key, Retained: "personal.kept.facts"}
	notes := personal.Item{Key: "personal.held.exclusion_notes", Link: "/people/" + p.Key}
	for _, e := range exclusions {
		away.Values = append(away.Values, personal.Value{Label: "people.reason." + e.Reason, Text: e.From.String() + " – " + e.Until.String(), On: e.From})
		if e.Note != "" {
			notes.Values = append(notes.Values, personal.Value{Text: e.Note, On: e.From})
		}
	}
	items := []personal.Item{moved, away, notes, owned}
	for i := range items {
		items[i].Count = len(items[i].Values)
		if items[i].Count > 0 {
			items[i].On = items[i].Values[0].On
		}
	}
	return items, nil
}

// Erase empties what identifies a person and puts who.Label in the place of the name (personal.Source). Key, class,
// department and days stay, so that no fact changes.
func (s staffList) Erase(ctx context.Context, tx *sqlite.Tx, who personal.Subject) (int, error) {
	p, err := s.people.ByKey(ctx, tx, who.Person)
	if err != nil {
		return 0, err
	}
	if !p.Erased.IsZero() {
		return 0, problem.Conflict("people.erased")
	}
	p.EmployeeNo, p.FamilyName, p.GivenName, p.FamilyKana, p.GivenKana, p.Email = "", "", "", "", "", ""
	p.DisplayName = who.Label
	notes, err := erasePerson(ctx, tx, p)
	return 1 + notes, err
}
