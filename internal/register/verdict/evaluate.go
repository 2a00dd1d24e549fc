package verdict

import (
	"maps"
	"slices"

	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// part is what one operator concludes.
type part struct {
	result  Result
	late    bool
	empty   bool
	planned bool

	reasons                 []Reason
	facts                   []*fact.Fact
	members, done, excluded int
	misses                  []Miss

	holds jdate.Day // first day on which the records may conclude otherwise; 0 never
	stale jdate.Day // first day on which its readings are too old; 0 never
}

// turns notes a day on which the conclusion may change; 0 is no day.
func (p *part) turns(day jdate.Day) { p.holds = earlier(p.holds, day) }

// say adds a reason.
func (p *part) say(key string, args problem.Args) {
	p.reasons = append(p.reasons, Reason{Key: "verdict." + key, Args: args})
}

// Evaluate concludes from the records alone whether c holds on w.Today. It gives the zero verdict (未確認) for a
// clause that has no rule. It never fails: what the catalogue does not know is 未確認.
func Evaluate(w *World, c *framework.Clause) Verdict {
	if c.Rule == nil {
		return Verdict{}
	}
	ops, anyOf := c.Rule.Ops()
	parts := make([]*part, len(ops))
	for i := range ops {
		parts[i] = w.operate(&ops[i], c.MayBeEmpty)
	}
	v := Verdict{Result: worst(parts)}
	if anyOf {
		v.Result = best(parts)
	}
	v.join(parts, anyOf)
	return v
}

// operate runs one operator, unless what it reads is not there to be read.
func (w *World) operate(op *framework.Op, mayBeEmpty bool) *part {
	p := &part{}
	kinds := op.Kinds(w.Table)
	if w.unread(p, kinds) {
		return p
	}
	if needsRound(op.Period) && w.RoundFrom.IsZero() {
		p.say("reason.no_round", nil)
		return p
	}
	if op.Population != nil {
		if _, known := w.Table.Populations[op.Population.Of]; !known {
			p.planned = true
			p.say("reason.planned", problem.Args{"kind": op.Kind})
			return p
		}
	}
	switch op.Op {
	case "exists":
		w.exists(p, op)
	case "none":
		w.none(p, op)
	case "count_at_least":
		w.countAtLeast(p, op)
	case "value_at_least", "value_at_most":
		w.value(p, op, mayBeEmpty)
	case "ratio_at_least", "all_have", "each_within":
		w.members(p, op, mayBeEmpty)
	case "each_after":
		w.eachAfter(p, op, mayBeEmpty)
	case "last_within":
		w.lastWithin(p, op)
	case "reviewed_since":
		w.reviewedSince(p, op, mayBeEmpty)
	case "approved_by":
		w.approvedBy(p, op)
	case "covers":
		w.covers(p, op)
	default:
		p.result = Unknown
	}
	return p
}

// unread says whether any kind cannot be relied on: not given by any feature, never read, read too long
// ago, failed since, or read in the future. It notes until when the readings are fresh.
func (w *World) unread(p *part, kinds []string) bool {
	for _, name := range kinds {
		if kind, known := w.Table.Kinds[name]; !known || !kind.Live() {
			p.planned = true
			p.say("reason.planned", problem.Args{"kind": name})
			return true
		}
	}
	bad := false
	for _, name := range kinds {
		key, flip := w.readingOf(name)
		if key != "" {
			if !bad {
				p.stale = 0
			}
			bad = true
			p.say(key, problem.Args{"kind": name})
		}
		if key != "" || !bad {
			p.stale = earlier(p.stale, flip)
		}
	}
	return bad
}

// readingOf gives the message key of what is wrong with the reading of a kind, "" when nothing is, and the day on
// which time alone changes that.
func (w *World) readingOf(name string) (key string, flip jdate.Day) {
	r := w.Readings[name]
	at := jdate.Of(r.At)
	fresh := w.Table.Kinds[name].Fresh
	switch {
	case r.At.IsZero() && r.Fail.IsZero():
		return "reason.never_read", 0
	case r.At.IsZero() || !r.Fail.Before(r.At):
		return "reason.read_failed", 0
	case at > w.Today:
		return "reason.read_in_future", at
	case fresh == 0:
		return "", 0
	case w.Today.Sub(at) > fresh:
		return "reason.stale", 0
	default:
		return "", at.Add(fresh + 1)
	}
}

// worst is the result of all_of: a certain miss, else anything open, else met; 該当なし only when nothing else is left.
func worst(parts []*part) Result {
	result := NA
	for _, p := range parts {
		switch {
		case p.result == Unmet:
			return Unmet
		case p.result == Unknown:
			result = Unknown
		case p.result == Met && result == NA:
			result = Met
		}
	}
	return result
}

// best is the result of any_of: one that is met is enough, else anything open, else a miss.
func best(parts []*part) Result {
	result := NA
	for _, p := range parts {
		switch {
		case p.result == Met:
			return Met
		case p.result == Unknown:
			result = Unknown
		case p.result == Unmet && result == NA:
			result = Unmet
		}
	}
	return result
}

// join puts together what the parts say, those that decide first.
func (v *Verdict) join(parts []*part, anyOf bool) {
	var facts []*fact.Fact
	decides := func(p *part) bool { return p.result == v.Result }
	for _, first := range []bool{true, false} {
		for _, p := range parts {
			if decides(p) != first {
				continue
			}
			facts = append(facts, p.facts...)
			if first || !anyOf || v.Result != Met {
				v.Reasons = append(v.Reasons, p.reasons...)
			}
			if p.result != Met && v.Result != Met && v.Result != NA {
				v.addMisses(p.misses)
			}
			v.Late = v.Late || p.late && p.result == Met
			v.Planned = v.Planned || p.planned && v.Result == Unknown
			if p.members > v.Members {
				v.Members, v.Done, v.Excluded = p.members, p.done, p.excluded
			}
			v.Excluded = max(v.Excluded, p.excluded)
		}
	}
	v.Empty = v.Result == NA
	v.Late = v.Late && v.Result == Met
	v.Facts = newest(facts)
	v.HoldsUntil = until(parts, v.Result, anyOf, func(p *part) jdate.Day { return p.holds })
	v.ValidUntil = until(parts, v.Result, anyOf, func(p *part) jdate.Day { return earlier(p.holds, p.stale) })
}

// addMisses adds what one part misses; only between parts can two be the same.
func (v *Verdict) addMisses(misses []Miss) {
	if len(v.Misses) == 0 {
		v.Misses = misses
		return
	}
	for _, m := range misses {
		if !slices.ContainsFunc(v.Misses, func(o Miss) bool { return sameMiss(&o, &m) }) {
			v.Misses = append(v.Misses, m)
		}
	}
}

// until joins the days of the parts. One part can decide alone (a miss in all_of, met in any_of): then the
// result stays as long as any such part stays. Otherwise it may change with the first of them.
func until(parts []*part, result Result, anyOf bool, of func(*part) jdate.Day) jdate.Day {
	alone := result == Unmet && !anyOf || result == Met && anyOf
	var day jdate.Day
	first := true
	for _, p := range parts {
		switch {
		case !alone:
			day = earlier(day, of(p))
		case p.result != result:
		case first:
			day, first = of(p), false
		default:
			day = later(day, of(p))
		}
	}
	return day
}

// newest gives the rows of facts, newest first, without doubles, at most MaxFacts.
func newest(facts []*fact.Fact) []int64 {
	slices.SortFunc(facts, func(a, b *fact.Fact) int { return compareFacts(b, a) })
	var ids []int64
	var last *fact.Fact
	for _, f := range facts {
		if f == last || f.ID == 0 || len(ids) > 0 && ids[len(ids)-1] == f.ID {
			continue
		}
		last = f
		ids = append(ids, f.ID)
		if len(ids) == MaxFacts {
			break
		}
	}
	return ids
}

func sameMiss(a, b *Miss) bool {
	return a.Kind == b.Kind && a.Member == b.Member && a.Unknown == b.Unknown && a.Value == b.Value && maps.Equal(a.Attrs, b.Attrs)
}
