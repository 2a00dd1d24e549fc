package verdict

import (
	"slices"

	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// within is the number of days that op allows: its setting, as changed by the company, else its own number.
func (w *World) within(op *framework.Op) int {
	if op.Setting != "" {
		if days, set := w.Settings[op.Setting]; set {
			return days
		}
		if s, known := w.Table.Settings[op.Setting]; known && op.Days == 0 {
			return s.Value
		}
	}
	return op.Days
}

// registerOf gives the register that the members of kind belong to, with the selector of op when it has one.
func (w *World) registerOf(op *framework.Op) *population {
	if op.Population != nil {
		return w.population(op.Population)
	}
	if name := w.Table.RegisterOf(op.Trigger); name != "" {
		return w.population(&framework.Population{Of: name})
	}
	return nil
}

// wait is what became of one trigger.
type wait struct {
	act      *fact.Fact
	open     bool // an act whose attributes are unknown may be the one
	deadline jdate.Day
}

// each_after: after each trigger the act follows within N days. Until the deadline a trigger is neither a
// miss nor done. Done on the day of the trigger counts; done late is met, and shown.
func (w *World) eachAfter(p *part, op *framework.Op, mayBeEmpty bool) {
	reg := w.registerOf(op)
	if reg != nil {
		p.turns(reg.flip)
	}
	period := op.Period
	if len(period) == 0 {
		period = yearly
	}
	s := afterState{days: w.within(op)}
	left := map[string]bool{}
	w.match(op.Trigger, op.TriggerWhere).each(func(t entry) {
		at, ok := w.stretchOf(t.f, period)
		if !ok {
			return
		}
		if at.from > w.Today {
			p.turns(at.from)
			return
		}
		p.turns(dayAfter(at.to))
		belongs := yes
		if reg != nil && t.f.Member != "" {
			belongs = reg.in[t.f.Member]
		}
		if belongs == no {
			left[t.f.Member] = true
			return
		}
		w.follow(p, op, t, belongs == yes && t.sure, &s)
	})
	if reg != nil {
		p.excluded = w.countExcluded(reg, left)
	}
	w.judgeAfter(p, op, reg, &s, mayBeEmpty)
}

// afterState counts what became of the triggers.
type afterState struct {
	days                        int
	done, late, pending, missed int
	open                        int       // perhaps missed
	maybe                       int       // perhaps no trigger at all, but nothing is missed either
	next                        jdate.Day // next deadline of a pending one
	sumDays                     int
}

func (w *World) follow(p *part, op *framework.Op, t entry, sure bool, s *afterState) {
	got := w.actAfter(p, op, t.f, s.days)
	missed := w.Today > got.deadline
	switch {
	case got.act != nil:
		p.facts = append(p.facts, got.act)
		if !sure {
			s.maybe++
			return
		}
		s.done++
		s.sumDays += got.act.On.Sub(t.f.On)
		if got.act.On > got.deadline {
			s.late++
		}
	case !missed:
		p.turns(got.deadline + 1)
		if !sure {
			s.maybe++
		} else {
			s.pending++
			if s.next == 0 || got.deadline < s.next {
				s.next = got.deadline
			}
		}
	case sure && !got.open:
		s.missed++
		p.misses = append(p.misses, Miss{Kind: op.Kind, Member: w.actor(op, t.f), Attrs: firstValues(op.Where)})
	default:
		s.open++
		p.misses = append(p.misses, Miss{Kind: op.Kind, Member: w.actor(op, t.f), Attrs: firstValues(op.Where)})
	}
}

// actor is by or for whom the act must be: the member of the trigger where both kinds have the same sort of members.
func (w *World) actor(op *framework.Op, t *fact.Fact) string {
	if w.Table.Kinds[op.Trigger].Member == w.Table.Kinds[op.Kind].Member {
		return t.Member
	}
	return ""
}

// actAfter finds the first act on or after the day of a trigger.
func (w *World) actAfter(p *part, op *framework.Op, t *fact.Fact, days int) wait {
	got := wait{deadline: t.On + jdate.Day(days)}
	take := func(e entry) {
		s, ok := w.stretchOf(e.f, nil)
		if !ok || e.f.On.IsZero() || e.f.On < t.On {
			return
		}
		if s.from > w.Today {
			p.turns(s.from)
			return
		}
		p.turns(dayAfter(s.to))
		if !e.sure {
			got.open = true
			return
		}
		if got.act == nil || compareFacts(e.f, got.act) < 0 {
			got.act = e.f
		}
	}
	m := w.match(op.Kind, op.Where)
	if t.Member != "" && w.actor(op, t) != "" {
		m.of(t.Member, take)
	} else {
		m.each(take)
	}
	return got
}

// countExcluded counts those of the left-out members that are excluded, not gone.
func (w *World) countExcluded(reg *population, left map[string]bool) int {
	if reg.source.ExcludedKind == "" {
		return 0
	}
	m := w.match(reg.source.ExcludedKind, nil)
	n := 0
	for key := range left {
		if m.has(key) && w.hold(func(fn func(entry)) { m.of(key, fn) }, nil).is == yes {
			n++
		}
	}
	return n
}

func (w *World) judgeAfter(p *part, op *framework.Op, reg *population, s *afterState, mayBeEmpty bool) {
	p.members, p.done = s.done+s.missed+s.pending, s.done
	args := func() problem.Args {
		return with(what(op.Kind, op.Where), "trigger", op.Trigger, "n", p.members, "done", s.done, "missing", s.missed, "pending", s.pending,
			"late", s.late, "days", s.days, "until", s.next.String())
	}
	switch {
	case s.missed > 0:
		p.result = Unmet
		p.say("reason.after_missed", args())
		p.say("change.after", args())
	case s.open > 0:
		p.result = Unknown
		p.say("reason.attribute_open", what(op.Kind, op.Where))
	case p.members == 0 && s.maybe > 0:
		p.result = Unknown
		p.say("reason.attribute_open", what(op.Trigger, op.TriggerWhere))
	case p.members == 0:
		w.emptyOr(p, mayBeEmpty, reg, "reason.no_trigger", what(op.Trigger, op.TriggerWhere))
		return
	default:
		p.result = Met
		w.sayAfter(p, s, args)
	}
	if reg == nil || p.result == Unmet {
		return
	}
	p.turns(reg.confirmedFlip)
	if reg.confirmed != yes {
		p.result = Unknown
		p.reasons, p.late = nil, false
		w.sayUnconfirmed(p, reg)
	}
}

func (w *World) sayAfter(p *part, s *afterState, args func() problem.Args) {
	if s.done > 0 {
		a := args()
		a["average"] = (s.sumDays + s.done/2) / s.done
		if s.late > 0 {
			p.late = true
			p.say("reason.after_late", a)
		} else {
			p.say("reason.after_done", a)
		}
	}
	if s.pending > 0 {
		p.say("reason.after_pending", args())
	}
}

// reviewed_since: on or after the day of the newest trigger there is an act. Where triggers and acts are
// about the same sort of members (a session and its reflection), the act must be about one of the triggers.
func (w *World) reviewedSince(p *part, op *framework.Op, mayBeEmpty bool) {
	about := map[string]truth{}
	var newest, open *fact.Fact
	w.match(op.Trigger, op.TriggerWhere).each(func(t entry) {
		s, ok := w.stretchOf(t.f, op.Period)
		if !ok || t.f.On.IsZero() {
			return
		}
		if is := asTruth(t.sure); is > about[t.f.Member] {
			about[t.f.Member] = is
		}
		if s.from > w.Today {
			p.turns(s.from)
			return
		}
		p.turns(dayAfter(s.to))
		if t.sure && (newest == nil || newest.On < t.f.On) {
			newest = t.f
		}
		if !t.sure && (open == nil || open.On < t.f.On) {
			open = t.f
		}
	})
	if newest == nil && open == nil {
		w.emptyOr(p, mayBeEmpty, nil, "reason.no_trigger", what(op.Trigger, op.TriggerWhere))
		return
	}
	same := w.Table.Kinds[op.Trigger].Member != "" && w.Table.Kinds[op.Trigger].Member == w.Table.Kinds[op.Kind].Member
	w.judgeReview(p, op, newest, open, w.acts(p, op, same, about))
}

// acts gives the newest sure and the newest open act up to today.
func (w *World) acts(p *part, op *framework.Op, same bool, about map[string]truth) (acts [2]*fact.Fact) {
	w.match(op.Kind, op.Where).each(func(e entry) {
		s, ok := w.stretchOf(e.f, nil)
		if !ok || e.f.On.IsZero() || same && about[e.f.Member] == no {
			return
		}
		if s.from > w.Today {
			p.turns(s.from)
			return
		}
		p.turns(dayAfter(s.to))
		i := 0
		if !e.sure || same && about[e.f.Member] == maybe {
			i = 1
		}
		if acts[i] == nil || acts[i].On < e.f.On {
			acts[i] = e.f
		}
	})
	return acts
}

func (w *World) judgeReview(p *part, op *framework.Op, newest, open *fact.Fact, acts [2]*fact.Fact) {
	// An open trigger may be the newest; an open act may be the review. Both are asked with and without.
	since, latest := dayOf(newest), max(dayOf(newest), dayOf(open))
	act, best := dayOf(acts[0]), max(dayOf(acts[0]), dayOf(acts[1]))
	p.facts = slices.DeleteFunc([]*fact.Fact{acts[0], newest}, func(f *fact.Fact) bool { return f == nil })
	args := what(op.Kind, op.Where)
	with(args, "trigger", op.Trigger, "since", since.String(), "last", act.String())
	days := w.within(op)
	miss := Miss{Kind: op.Kind, Attrs: firstValues(op.Where)}
	if newest != nil {
		miss.Member = w.actor(op, newest)
		if miss.Member != "" {
			miss.Attrs = w.shared(op, newest, miss.Attrs)
		}
	}
	switch {
	case newest == nil:
		p.say("reason.attribute_open", what(op.Trigger, op.TriggerWhere))
	case act >= latest:
		p.result = Met
		p.say("reason.reviewed", args)
	case days > 0 && w.Today <= since.Add(days) && latest == since:
		p.result = Met
		p.turns(since.Add(days + 1))
		p.say("reason.review_pending", with(args, "until", since.Add(days).String()))
	case best < since && (days == 0 || w.Today > since.Add(days)):
		p.result = Unmet
		p.misses = []Miss{miss}
		if act.IsZero() {
			p.say("reason.not_reviewed", args)
		} else {
			p.say("reason.review_too_old", args)
		}
	default:
		p.result = Unknown
		if days > 0 && w.Today <= since.Add(days) {
			p.turns(since.Add(days + 1))
		}
		p.misses = []Miss{miss}
		p.say("reason.attribute_open", what(op.Kind, op.Where))
	}
}

// shared adds to attrs what an act takes over from the trigger it is about, such as the topic of the session.
func (w *World) shared(op *framework.Op, t *fact.Fact, attrs map[string]string) map[string]string {
	for name := range w.Table.Kinds[op.Kind].Attrs {
		value, has := t.Attrs[name]
		if _, given := attrs[name]; given || !has || value == fact.Unknown {
			continue
		}
		if attrs == nil {
			attrs = map[string]string{}
		}
		attrs[name] = value
	}
	return attrs
}

func dayOf(f *fact.Fact) jdate.Day {
	if f == nil {
		return 0
	}
	return f.On
}

func asTruth(sure bool) truth {
	if sure {
		return yes
	}
	return maybe
}
