package reference

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Hit is one finding. A rule's hit has the place of its event in the list; a correlation's has -1, and its group.
type Hit struct {
	Title string
	ID    string
	Event int
	Time  time.Time
	Group map[string]string // group-by name → value; for first_seen the new field too
}

// Result is what Scan found.
type Result struct {
	Hits []Hit // by document, then time
	Late int   // events older than the lateness allows, left out of correlations
}

// occurrence is an event that a rule or a correlation found.
type occurrence struct {
	time   time.Time
	record record
}

// scan is one run over events.
type scan struct {
	timely []record
	newest time.Time
	found  map[*document][]occurrence
	result Result
}

// Scan looks at events in their order of arrival, as if the input ended after the last.
func (rules *Rules) Scan(events []Event) Result {
	s := &scan{found: map[*document][]occurrence{}}
	all := make([]record, 0, len(events))
	for i, e := range events {
		r := newRecord(e, i)
		all = append(all, r)
		if i > 0 && r.time.Before(s.newest.Add(-rules.options.Lateness)) {
			s.result.Late++
		} else {
			s.timely = append(s.timely, r)
		}
		if i == 0 || r.time.After(s.newest) {
			s.newest = r.time
		}
	}
	for _, d := range rules.documents {
		switch {
		case d.correlation != nil:
			s.occurrences(d)
		case d.is("detection") && !d.silent:
			for _, r := range all {
				if d.matches(r) {
					s.result.Hits = append(s.result.Hits, Hit{Title: d.title, ID: d.id, Event: r.number, Time: r.time})
				}
			}
		}
	}
	return s.result
}

// occurrences gives what a document found among the timely events, in the order of time.
func (s *scan) occurrences(d *document) []occurrence {
	if found, ok := s.found[d]; ok {
		return found
	}
	var found []occurrence
	if d.correlation != nil {
		found = s.correlate(d)
	} else {
		for _, r := range s.timely {
			if d.matches(r) {
				found = append(found, occurrence{r.time, r})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b occurrence) int { return a.time.Compare(b.time) })
	s.found[d] = found
	return found
}

// input is an occurrence as a correlation sees it.
type input struct {
	occurrence
	rule   int      // which of the correlation's rules
	counts []string // the counted fields, folded
}

// group is the inputs that agree in the group-by fields.
type group struct {
	key    string
	names  map[string]string
	inputs []input
}

// groups sorts what the rules of a correlation found into groups, each by time.
func (s *scan) groups(c *correlation) []*group {
	byKey := map[string]*group{}
	for i, d := range c.inputs {
		for _, o := range s.occurrences(d) {
			names, folded, ok := c.pick(o.record, d, i, c.groupBy)
			if !ok {
				continue
			}
			_, counts, ok := c.pick(o.record, d, i, c.fields)
			if !ok || !c.countable(counts) {
				continue
			}
			key := fmt.Sprintf("%q", folded)
			if byKey[key] == nil {
				byKey[key] = &group{key: key, names: names}
			}
			byKey[key].inputs = append(byKey[key].inputs, input{o, i, counts})
		}
	}
	var all []*group
	for _, g := range byKey {
		slices.SortStableFunc(g.inputs, func(a, b input) int {
			return cmp.Or(a.time.Compare(b.time), cmp.Compare(a.rule, b.rule))
		})
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b *group) int { return cmp.Compare(a.key, b.key) })
	return all
}

// pick reads fields of an event, by alias where there is one: as they are by name, and folded in order. It fails when one is missing.
func (c *correlation) pick(r record, d *document, rule int, fields []string) (map[string]string, []string, bool) {
	names := map[string]string{}
	var folded []string
	for _, name := range fields {
		field := strings.ReplaceAll(name, " ", "")
		for _, handle := range []string{c.rules[rule], d.name, d.id} {
			if aliased, ok := c.aliases[name][handle]; ok && handle != "" {
				field = strings.ReplaceAll(aliased, " ", "")
				break
			}
		}
		v, ok := r.first(field)
		if !ok {
			return nil, nil, false
		}
		names[name] = v.text
		folded = append(folded, foldText(v.text))
	}
	return names, folded, true
}

// with gives an event the names of a group, for the correlation that looks at this one.
func (o occurrence) with(names map[string]string) occurrence {
	r := o.record
	r.fields = maps.Clone(o.record.fields)
	for name, text := range names {
		r.fields[name] = []value{newValue(text, false)}
	}
	return occurrence{o.time, r}
}

// times gives the distinct times of a group's inputs, oldest first.
func (g *group) times() []time.Time {
	var times []time.Time
	for _, in := range g.inputs {
		if len(times) == 0 || !times[len(times)-1].Equal(in.time) {
			times = append(times, in.time)
		}
	}
	return times
}

// between gives the inputs from one time to another, both included.
func (g *group) between(from, to time.Time) []input {
	var inside []input
	for _, in := range g.inputs {
		if !in.time.Before(from) && !in.time.After(to) {
			inside = append(inside, in)
		}
	}
	return inside
}

// correlate runs one correlation: it reports its hits and gives its occurrences.
func (s *scan) correlate(d *document) []occurrence {
	c := d.correlation
	fire := func(at time.Time, names map[string]string) {
		if !d.silent {
			s.result.Hits = append(s.result.Hits, Hit{Title: d.title, ID: d.id, Event: -1, Time: at, Group: names})
		}
	}
	groups := s.groups(c)
	switch c.kind {
	case "first_seen":
		return firstSeen(c, groups, fire)
	case "absence":
		return s.absence(c, groups, fire)
	case "off_hours":
		return offHours(c, groups, fire)
	default:
		return windows(c, groups, fire)
	}
}

type report func(at time.Time, names map[string]string)

// windows looks at the window that ends at each time of each group.
func windows(c *correlation, groups []*group, fire report) []occurrence {
	var found []occurrence
	for _, g := range groups {
		var before time.Time
		held := false
		for i, at := range g.times() {
			from := at.Add(-c.timespan)
			inside := g.between(from, at)
			holds := c.holds(inside)
			if holds && (!held || i == 0 || before.Before(from)) {
				fire(at, g.names)
			}
			before, held = at, holds
			if holds {
				found = append(found, latest(inside, at, g.names)...)
			}
		}
	}
	return found
}

// latest gives one occurrence for each event of a time.
func latest(inputs []input, at time.Time, names map[string]string) []occurrence {
	var found []occurrence
	for _, in := range once(inputs) {
		if in.time.Equal(at) {
			found = append(found, in.with(names))
		}
	}
	return found
}

// once leaves out what another rule found in the same event.
func once(inputs []input) []input {
	var out []input
	seen := map[string]bool{}
	for _, in := range inputs {
		key := fmt.Sprint(in.record.number, in.time.UnixNano())
		if !seen[key] {
			out = append(out, in)
		}
		seen[key] = true
	}
	return out
}
