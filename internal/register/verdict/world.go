package verdict

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// cache holds what the facts of a world were sorted into. It belongs to one World on one day: a copy of
// the World, or another day, starts a new one.
type cache struct {
	owner   *World
	today   jdate.Day
	matches map[string]*matched
	pops    map[string]*population

	fiscalStart, fiscalEnd jdate.Day
}

func (w *World) cached() *cache {
	if w.own == nil || w.own.owner != w || w.own.today != w.Today {
		w.own = &cache{owner: w, today: w.Today, matches: map[string]*matched{}, pops: map[string]*population{}}
	}
	return w.own
}

// truth is the answer to a question that the records may leave open.
type truth int8

const (
	no truth = iota
	maybe
	yes
)

// entry is a fact that a selection fits, surely or perhaps (an attribute is unknown).
type entry struct {
	f    *fact.Fact
	sure bool
}

// matched is the selection of the facts of one kind by one Where. An overlay stands on its base.
type matched struct {
	base     *matched
	entries  []entry // by day, then row
	byMember map[string][]entry
}

// each calls fn with every entry, those of the base first.
func (m *matched) each(fn func(entry)) {
	if m.base != nil {
		m.base.each(fn)
	}
	for _, e := range m.entries {
		fn(e)
	}
}

// of calls fn with the entries of one member.
func (m *matched) of(member string, fn func(entry)) {
	if m.base != nil {
		m.base.of(member, fn)
	}
	for _, e := range m.byMember[member] {
		fn(e)
	}
}

func (m *matched) has(member string) bool {
	return len(m.byMember[member]) > 0 || m.base != nil && m.base.has(member)
}

// match selects the facts of kind that fit where; the result is shared and must not be changed.
func (w *World) match(kind string, where framework.Where) *matched {
	c := w.cached()
	key := kind + "\x00" + whereText(where)
	if m := c.matches[key]; m != nil {
		return m
	}
	var m *matched
	switch {
	case w.base != nil && !w.patched[kind]:
		m = w.base.match(kind, where)
		if extra := w.extra[kind]; len(extra) > 0 {
			added := choose(extra, where)
			added.base = m
			m = added
		}
	case len(w.extra[kind]) > 0:
		m = choose(append(slices.Clone(w.Facts[kind]), w.extra[kind]...), where)
	default:
		m = choose(w.Facts[kind], where)
	}
	c.matches[key] = m
	return m
}

func choose(facts []fact.Fact, where framework.Where) *matched {
	m := &matched{byMember: make(map[string][]entry, len(facts))}
	for i := range facts {
		f := &facts[i]
		switch test(where, f.Attrs, no) {
		case yes:
			m.entries = append(m.entries, entry{f, true})
		case maybe:
			m.entries = append(m.entries, entry{f, false})
		case no:
		}
	}
	if !slices.IsSortedFunc(m.entries, compareEntries) {
		slices.SortStableFunc(m.entries, compareEntries)
	}
	for _, e := range m.entries {
		m.byMember[e.f.Member] = append(m.byMember[e.f.Member], e)
	}
	return m
}

func compareEntries(a, b entry) int { return compareFacts(a.f, b.f) }

// compareFacts orders by day, then row, then content, so that the order in which facts are handed over
// decides nothing.
func compareFacts(a, b *fact.Fact) int {
	if c := cmp.Or(cmp.Compare(a.On, b.On), cmp.Compare(a.ID, b.ID)); c != 0 {
		return c
	}
	return cmp.Or(strings.Compare(a.Record, b.Record), strings.Compare(a.Member, b.Member), cmp.Compare(a.Value, b.Value),
		cmp.Compare(a.ValidUntil, b.ValidUntil), strings.Compare(a.Hash, b.Hash))
}

// test asks whether attributes fit where. An attribute that is fact.Unknown may fit; what an absent one
// means differs: an event without it does not fit, a member whose field nobody filled in may.
func test(where framework.Where, attrs map[string]string, absent truth) truth {
	t, _ := testWhy(where, attrs, absent)
	return t
}

// testWhy also names the first attribute that leaves it open.
func testWhy(where framework.Where, attrs map[string]string, absent truth) (result truth, open string) {
	result = yes
	for name, values := range where {
		have := attrs[name]
		switch {
		case slices.Contains(values, have):
		case have == fact.Unknown || have == "" && absent == maybe:
			result = min(result, maybe)
			if open == "" || name < open {
				open = name
			}
		default:
			return no, ""
		}
	}
	return result, open
}

// whereText writes a Where canonically.
func whereText(where framework.Where) string {
	if len(where) == 0 {
		return ""
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(where)) {
		b.WriteString(name)
		for _, v := range where[name] {
			b.WriteByte('=')
			b.WriteString(v)
		}
		b.WriteByte('&')
	}
	return b.String()
}

// firstValues gives for each attribute of where the first value that fits: what a new fact would carry.
func firstValues(where framework.Where) map[string]string {
	if len(where) == 0 {
		return nil
	}
	out := make(map[string]string, len(where))
	for name, values := range where {
		if len(values) > 0 {
			out[name] = values[0]
		}
	}
	return out
}

// With returns a world in which facts hold too. It shares everything else with w, which stays as it is.
func (w *World) With(facts ...fact.Fact) *World {
	over := *w
	over.base, over.own, over.patched = w, nil, nil
	over.extra = map[string][]fact.Fact{}
	for _, f := range facts {
		over.extra[f.Kind] = append(over.extra[f.Kind], f)
	}
	return &over
}

// resolve makes every unknown value of an attribute of the named members of kind the given one.
func (w *World) resolve(kind string, values map[string]map[string]string) {
	all := make([]fact.Fact, 0, len(w.Facts[kind]))
	for _, f := range w.Facts[kind] {
		if set := values[f.Member]; set != nil {
			f.Attrs = maps.Clone(f.Attrs)
			if f.Attrs == nil {
				f.Attrs = map[string]string{}
			}
			maps.Copy(f.Attrs, set)
		}
		all = append(all, f)
	}
	facts := maps.Clone(w.Facts)
	facts[kind] = all
	w.Facts = facts
	if w.patched == nil {
		w.patched = map[string]bool{}
	}
	w.patched[kind] = true
}

// changes says whether an overlay changes a kind.
func (w *World) changes(kind string) bool { return w.patched[kind] || len(w.extra[kind]) > 0 }

// fiscal gives the first and last day of the fiscal year of today.
func (w *World) fiscal() (start, end jdate.Day) {
	c := w.cached()
	if c.fiscalEnd == 0 {
		c.fiscalStart, c.fiscalEnd = w.Today.FiscalStart(w.fiscalStart()), w.Today.FiscalEnd(w.fiscalStart())
	}
	return c.fiscalStart, c.fiscalEnd
}

// fiscalStart is the month in which the fiscal year begins, April unless set.
func (w *World) fiscalStart() time.Month {
	if w.FiscalStart < time.January || w.FiscalStart > time.December {
		return time.April
	}
	return w.FiscalStart
}
