package verdict

import (
	"math"
	"slices"

	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

const (
	always  jdate.Day = math.MinInt32 // since ever
	forever jdate.Day = math.MaxInt32 // without end
)

// yearly is 年1回以上: done in this fiscal year, or at most 365 days ago.
var yearly = framework.Period{{FiscalYear: true}, {Days: 365}}

// stretch is the run of days, both included, on which a fact counts.
type stretch struct{ from, to jdate.Day }

// stretchOf gives the days on which f counts for period, when any of them is today or later: facts whose
// days are over never count again. All spans of a period begin on the day of the fact, so that their
// union is one run. Without a day a fact satisfies no period.
func (w *World) stretchOf(f *fact.Fact, period framework.Period) (stretch, bool) {
	s := stretch{f.On, always}
	if len(period) == 0 {
		s.to = forever
		if f.On.IsZero() {
			s.from = always
		}
	} else if f.On.IsZero() {
		return stretch{}, false
	}
	for _, span := range period {
		s.to = max(s.to, w.spanEnd(f.On, span))
	}
	if !f.ValidUntil.IsZero() {
		s.to = min(s.to, f.ValidUntil)
	}
	return s, s.to >= w.Today && s.from <= s.to
}

// spanEnd gives the last day on which a fact of day on lies in span; always when there is none.
func (w *World) spanEnd(on jdate.Day, span framework.Span) jdate.Day {
	switch {
	case span.FiscalYear:
		// The calendar is slow; whether a fact lies in the present year is asked for every fact.
		start, end := w.fiscal()
		switch {
		case on < start:
			return start - 1
		case on <= end:
			return end
		default:
			return on.FiscalEnd(w.fiscalStart())
		}
	case span.Round:
		if w.RoundFrom.IsZero() || on < w.RoundFrom || !w.RoundTo.IsZero() && on > w.RoundTo {
			return always
		}
		return forever
	default:
		return on + jdate.Day(span.Days+span.Grace)
	}
}

// coverage collects stretches and says whether today is covered, and from when that is different.
type coverage struct {
	reach  jdate.Day // last day covered without a break from today; 0: today is not covered
	future []stretch
}

func (c *coverage) add(s stretch, today jdate.Day) {
	if s.from <= today {
		c.reach = max(c.reach, s.to)
		return
	}
	c.future = append(c.future, s)
}

// flip gives the first day on which coverage differs from today, 0 for never.
func (c *coverage) flip() jdate.Day {
	slices.SortFunc(c.future, func(a, b stretch) int { return int(a.from) - int(b.from) })
	if c.reach == 0 {
		if len(c.future) == 0 {
			return 0
		}
		return c.future[0].from
	}
	reach := c.reach
	for _, s := range c.future {
		if reach == forever || s.from > reach+1 {
			break
		}
		reach = max(reach, s.to)
	}
	return dayAfter(reach)
}

// dayAfter is the day after a last day; 0 (never) after forever.
func dayAfter(d jdate.Day) jdate.Day {
	if d == forever {
		return 0
	}
	return d + 1
}

// earlier joins two days on which something may change; 0 means never.
func earlier(a, b jdate.Day) jdate.Day {
	switch {
	case a == 0:
		return b
	case b == 0:
		return a
	default:
		return min(a, b)
	}
}

// later is the last of several such days; 0 (never) wins.
func later(a, b jdate.Day) jdate.Day {
	if a == 0 || b == 0 {
		return 0
	}
	return max(a, b)
}

// holding is what the facts of a selection say about one question on today.
type holding struct {
	is    truth
	flip  jdate.Day
	facts []*fact.Fact // those that count today; the sure ones only, unless none is sure
}

// hold asks whether any of the entries that each hands over counts today.
func (w *World) hold(each func(func(entry)), period framework.Period) holding {
	var sure, all coverage
	var certain, open []*fact.Fact
	each(func(e entry) {
		s, ok := w.stretchOf(e.f, period)
		if !ok {
			return
		}
		all.add(s, w.Today)
		if e.sure {
			sure.add(s, w.Today)
		}
		switch {
		case s.from > w.Today:
		case e.sure:
			certain = append(certain, e.f)
		default:
			open = append(open, e.f)
		}
	})
	switch {
	case sure.reach != 0:
		return holding{yes, sure.flip(), certain}
	case all.reach != 0:
		return holding{maybe, earlier(sure.flip(), all.flip()), open}
	default:
		return holding{no, all.flip(), nil}
	}
}

// needsRound says whether a period can only be judged within a round.
func needsRound(period framework.Period) bool {
	for _, s := range period {
		if !s.Round {
			return false
		}
	}
	return len(period) > 0
}
