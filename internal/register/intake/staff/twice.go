package staff

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/person"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
)

// taken is the row that was planned for a person. When another row means the same person, both are refused.
type taken struct {
	d       draft
	changes bool // it stands among the changes, else among those that stay the same
}

// identity is what tells a row from the others: the employee number, else name, reading and address; "" for a row
// without a name, which is refused anyway.
func identity(row intake.Row) string {
	text := func(column string) string { return jtext.SearchKey(row.Text(column)) }
	if no := person.NumberKey(row.Text("employee_no")); no != "" {
		return "no|" + no
	}
	name := text("name")
	if family := text("family_name"); family != "" {
		name = family + text("given_name")
	}
	if name += text("display_name"); name == "" {
		return ""
	}
	kana := text("kana")
	if family := text("family_kana"); family != "" {
		kana = family + text("given_kana")
	}
	return "name|" + name + "|" + kana + "|" + text("email")
}

// identify notes which lines say the same: rows are judged knowing all the others.
func (pl *planner) identify(rows []intake.Row) {
	for _, row := range rows {
		if key := identity(row); key != "" {
			pl.said[key] = append(pl.said[key], row.Line)
		}
	}
}

// shownLines is how many other lines a refusal names.
const shownLines = 5

// others lists the lines beside one's own, for a sentence.
func others(lines []int, own int) string {
	var out []string
	for _, line := range lines {
		if line != own && len(out) < shownLines {
			out = append(out, strconv.Itoa(line))
		}
	}
	return strings.Join(out, "・")
}

// duplicate refuses a row that says the same number, or the same name, as another one. Which of them is right nobody
// can tell, so that each is refused and names the others.
func (pl *planner) duplicate(row intake.Row, d draft) *intake.Refusal {
	key := identity(row)
	lines := pl.said[key]
	switch {
	case len(lines) < 2:
		return nil
	case strings.HasPrefix(key, "no|"):
		return refuse(d.line, "people.field.employee_no", d.p.EmployeeNo, "staff.reason.twice_no", "lines", others(lines, d.line))
	default:
		return refuse(d.line, "people.field.name", d.p.Name(), "staff.reason.twice_name", "name", d.p.Name(), "lines", others(lines, d.line))
	}
}

// giveUpTwice takes the first of two rows that mean one person out of the plan again: the second was refused.
func (pl *planner) giveUpTwice() {
	if len(pl.twice) == 0 {
		return
	}
	gone := map[int]bool{}
	for key, lines := range pl.twice {
		first := pl.matched[key]
		pl.refuse(refuse(first.d.line, "people.field.name", first.d.p.Name(), "staff.reason.twice_name", "name", first.d.p.Name(), "lines", others(lines, 0)))
		if !first.changes {
			pl.plan.Same--
			continue
		}
		gone[first.d.line] = true
		delete(pl.data.old, key)
	}
	pl.plan.Changes = slices.DeleteFunc(pl.plan.Changes, func(e intake.Entry) bool { return gone[e.Line] })
	pl.data.change = slices.DeleteFunc(pl.data.change, func(p people.Person) bool { return len(pl.twice[p.Key]) > 0 })
}
