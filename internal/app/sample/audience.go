package sample

import (
	"slices"

	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// member is one line of the staff with its days.
type member struct {
	staffRow
	joined, left jdate.Day
}

func (m *member) activeOn(d jdate.Day) bool {
	return !m.joined.After(d) && (m.left.IsZero() || !m.left.Before(d))
}

// is says whether m belongs to those whom content calls who: "all", "mail", "internet", "officers", "joined" this
// fiscal year, or the id of a department.
func (b *builder) is(m *member, who string) bool {
	switch who {
	case "", "all":
		return true
	case "mail":
		return m.mail == people.Yes
	case "internet":
		return m.internet == people.Yes
	case "officers":
		return m.class == people.Officer
	case "joined":
		return !m.joined.Before(b.yearStart(0))
	default:
		return m.department == who
	}
}

// audience lists the employee numbers of those reached on a day. Where missing is given, so many of those who
// are concerned on the day of the demo are left out: first those who came later, then some spread over the staff.
func (b *builder) audience(on jdate.Day, who string, missing *int, without []string) []string {
	var reached, droppable []string
	late := 0
	for i := range b.roll {
		m := &b.roll[i]
		concerned := b.is(m, who) && m.activeOn(b.today) && !b.away(m.no)
		there := b.is(m, who) && m.activeOn(on) && !slices.Contains(without, m.no)
		if there {
			reached = append(reached, m.no)
		} else if concerned {
			late++
		}
		if there && concerned && !b.known(m.no) && m.joined.Before(b.yearStart(0)) { // newcomers have a lesson of their own
			droppable = append(droppable, m.no)
		}
	}
	if missing == nil {
		return reached
	}
	dropped := spread(droppable, *missing-late)
	return slices.DeleteFunc(reached, func(no string) bool { return slices.Contains(dropped, no) })
}

// away says whether somebody is excluded from the populations.
func (b *builder) away(no string) bool {
	return slices.ContainsFunc(b.content.Exclusions, func(e exclusionRow) bool { return e.Who == no })
}

// known are those whom the demo signs in as: they miss nothing.
func (b *builder) known(no string) bool {
	r := b.content.Roles
	return slices.Contains([]string{r.InCharge, r.President, r.Worker, r.Officer, r.Systems}, no)
}

// spread picks n of list, evenly over its length.
func spread(list []string, n int) []string {
	n = min(n, len(list))
	var out []string
	for i := range max(n, 0) {
		out = append(out, list[(2*i+1)*len(list)/(2*n)])
	}
	return out
}

// keys turns employee numbers into keys of people.
func (b *builder) keys(numbers []string) []string {
	out := make([]string, len(numbers))
	for i, no := range numbers {
		out[i] = b.staff[no].Key
	}
	return out
}
