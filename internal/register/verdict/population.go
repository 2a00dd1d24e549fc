package verdict

import (
	"maps"
	"slices"

	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// member is one member of a population.
type member struct {
	key     string
	unknown string // the attribute that leaves open whether it is one; "" for a sure member
}

// population is a register seen through a selector on today.
type population struct {
	name     string // key of Table.Populations
	source   framework.PopulationSource
	sure     []member // by key
	open     []member // by key
	excluded int
	in       map[string]truth // every present, not excluded member
	flip     jdate.Day        // first day on which membership may change; 0 never

	confirmed     truth     // yes: lately enough, or the register needs no confirmation; no: never, or too long ago
	confirmedOn   jdate.Day // last confirmation; 0 none
	confirmedFlip jdate.Day
}

// population evaluates a selector; the result is shared and must not be changed.
func (w *World) population(p *framework.Population) *population {
	c := w.cached()
	key := p.Of + "\x00" + whereText(p.Where)
	if got := c.pops[key]; got != nil {
		return got
	}
	source := w.Table.Populations[p.Of]
	var got *population
	if w.base != nil && !w.changes(source.MemberKind) && !w.changes(source.ExcludedKind) && !w.changes(source.ConfirmedKind) {
		got = w.base.population(p)
	} else {
		got = w.gather(p.Of, source, p.Where)
	}
	c.pops[key] = got
	return got
}

func (w *World) gather(name string, source framework.PopulationSource, where framework.Where) *population {
	p := &population{name: name, source: source, in: map[string]truth{}}
	unknown := map[string]string{}
	w.match(source.MemberKind, nil).each(func(e entry) {
		present, flip := w.present(e.f)
		fits, why := testWhy(where, e.f.Attrs, maybe)
		if fits == no {
			return
		}
		p.flip = earlier(p.flip, flip)
		is := min(present, fits)
		key := memberKey(e.f)
		if is == no || is <= p.in[key] {
			return
		}
		p.in[key], unknown[key] = is, why
		if why == "" && present == maybe {
			unknown[key] = "left"
		}
	})
	w.exclude(p)
	for _, key := range slices.Sorted(maps.Keys(p.in)) {
		if p.in[key] == yes {
			p.sure = append(p.sure, member{key: key})
		} else {
			p.open = append(p.open, member{key, unknown[key]})
		}
	}
	w.confirm(p)
	return p
}

// memberKey is what a row of a register stands for; registers without a member of their own count records.
func memberKey(f *fact.Fact) string {
	if f.Member != "" {
		return f.Member
	}
	return f.Record
}

// present says whether a row of a register counts on today, from its days and from the attributes joined
// and left. The day of leaving still counts. A joining day that nobody knows lies in the past.
func (w *World) present(f *fact.Fact) (truth, jdate.Day) {
	s, ok := w.stretchOf(f, nil)
	if !ok {
		return no, 0
	}
	result := yes
	if joined, err := jdate.ISO(f.Attrs["joined"]); err == nil && !joined.IsZero() {
		s.from = max(s.from, joined)
	}
	switch left, err := jdate.ISO(f.Attrs["left"]); {
	case err != nil:
		result = maybe
	case !left.IsZero():
		s.to = min(s.to, left)
	}
	switch {
	case s.to < w.Today || s.from > s.to:
		return no, 0
	case s.from > w.Today:
		return no, s.from
	default:
		return result, dayAfter(s.to)
	}
}

func (w *World) exclude(p *population) {
	if p.source.ExcludedKind == "" {
		return
	}
	m := w.match(p.source.ExcludedKind, nil)
	for key := range p.in {
		if !m.has(key) {
			continue
		}
		out := w.hold(func(fn func(entry)) { m.of(key, fn) }, nil)
		p.flip = earlier(p.flip, out.flip)
		if out.is == yes {
			delete(p.in, key)
			p.excluded++
		}
	}
}

func (w *World) confirm(p *population) {
	if p.source.ConfirmedKind == "" {
		p.confirmed = yes
		return
	}
	var period framework.Period
	if p.source.ConfirmedDays > 0 {
		period = framework.Period{{Days: p.source.ConfirmedDays}}
	}
	m := w.match(p.source.ConfirmedKind, nil)
	m.each(func(e entry) {
		if e.f.On <= w.Today {
			p.confirmedOn = max(p.confirmedOn, e.f.On)
		}
	})
	got := w.hold(m.each, period)
	p.confirmed, p.confirmedFlip = got.is, got.flip
}
