package person

import (
	"strings"

	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
)

// RosterRow is what a file or a signed sheet says about one person. Fields may be empty.
type RosterRow struct {
	EmployeeNo, Name, Kana, Email string
}

// Matched is a row with the person it means. Without one, Candidates holds the people it may mean: none or
// several.
type Matched struct {
	Row        RosterRow
	Person     *Person
	Candidates []Person
	By         string // what matched: "employee_no", "email", "name", or "" for nothing
}

// Matcher finds people by employee number, else by mail address, else by name and reading. It is made for
// one list and read-only.
type Matcher struct {
	people                 []Person
	no, bare, email, names map[string][]int // bare: numbers without leading zeros
	today                  jdate.Day
}

// NewMatcher indexes people. Among people of one name or address those active on today come first.
func NewMatcher(list []Person, today jdate.Day) *Matcher {
	m := &Matcher{people: list, no: map[string][]int{}, bare: map[string][]int{}, email: map[string][]int{}, names: map[string][]int{}, today: today}
	for i, p := range list {
		if !p.Erased.IsZero() {
			continue // nobody is recognised as somebody who was erased
		}
		if p.EmployeeNo != "" {
			key := NumberKey(p.EmployeeNo)
			m.no[key] = append(m.no[key], i)
			m.bare[bareKey(key)] = append(m.bare[bareKey(key)], i)
		}
		if p.Email != "" {
			m.email[p.Email] = append(m.email[p.Email], i)
		}
		full := jtext.SearchKey(p.FamilyName + p.GivenName)
		if full != "" {
			m.names[full] = append(m.names[full], i)
		}
		if shown := jtext.SearchKey(p.DisplayName); shown != "" && shown != full {
			m.names[shown] = append(m.names[shown], i)
		}
	}
	return m
}

// NumberKey is the form in which employee numbers are compared: ００１２ and 0012 are the same, 12 is not.
func NumberKey(no string) string { return jtext.SearchKey(jtext.Number(no)) }

// bareKey drops the zeros in front, which Excel loses when it opens a CSV.
func bareKey(key string) string { return strings.TrimLeft(key, "0") }

// Match finds the person of a row. A number that exists decides alone, and one that only lost its leading
// zeros when the name agrees; a number that nobody has falls back to address and name, but never to a
// person who has another number.
func (m *Matcher) Match(row RosterRow) Matched {
	out := Matched{Row: row}
	if row.EmployeeNo != "" {
		key := NumberKey(row.EmployeeNo)
		if found := m.no[key]; len(found) > 0 {
			return m.choose(out, found, "employee_no")
		}
		if found := m.sameName(row, m.bare[bareKey(key)]); len(found) == 1 {
			return m.choose(out, found, "employee_no")
		}
	}
	if email := (Person{Email: row.Email}).Tidy().Email; email != "" {
		// An address may be shared by a whole line: it decides only when the name does not speak against it.
		found := m.free(row, m.email[email])
		if same := m.reading(row, m.sameName(row, found)); len(same) > 0 {
			found = same
		} else if row.Name != "" && len(found) > 1 {
			found = nil
		}
		if len(found) > 0 {
			return m.choose(out, found, "email")
		}
	}
	if name := jtext.SearchKey(row.Name); name != "" {
		return m.choose(out, m.reading(row, m.free(row, m.names[name])), "name")
	}
	return out
}

// free drops people who have another number than the row.
func (m *Matcher) free(row RosterRow, found []int) []int {
	if row.EmployeeNo == "" {
		return found
	}
	var out []int
	for _, i := range found {
		if m.people[i].EmployeeNo == "" {
			out = append(out, i)
		}
	}
	return out
}

func (m *Matcher) sameName(row RosterRow, found []int) []int {
	name := jtext.SearchKey(row.Name)
	var out []int
	for _, i := range found {
		p := m.people[i]
		if name != "" && (jtext.SearchKey(p.FamilyName+p.GivenName) == name || jtext.SearchKey(p.DisplayName) == name) {
			out = append(out, i)
		}
	}
	return out
}

// reading drops people of the same name whose reading differs: 神田 is カンダ or ジンデン.
func (m *Matcher) reading(row RosterRow, found []int) []int {
	kana := jtext.SearchKey(row.Kana)
	if kana == "" {
		return found
	}
	var out []int
	for _, i := range found {
		if k := jtext.SearchKey(m.people[i].Kana()); k == "" || k == kana {
			out = append(out, i)
		}
	}
	return out
}

func (m *Matcher) choose(out Matched, found []int, by string) Matched {
	var active []int
	for _, i := range found {
		if m.people[i].ActiveOn(m.today) {
			active = append(active, i)
		}
	}
	if len(active) > 0 {
		found = active
	}
	switch len(found) {
	case 0:
	case 1:
		p := m.people[found[0]]
		out.Person, out.By = &p, by
	default:
		for _, i := range found {
			out.Candidates = append(out.Candidates, m.people[i])
		}
		out.By = by
	}
	return out
}
