package verdict

import (
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
)

// value_at_least and value_at_most: the newest value of every subject, or of every member of a population.
// Nothing measured is open, not a certain miss.
func (w *World) value(p *part, op *framework.Op, mayBeEmpty bool) {
	subjects := w.newestValues(p, op)
	var reg *population
	var who []member
	if op.Population != nil {
		reg = w.population(op.Population)
		p.turns(reg.flip)
		p.excluded = reg.excluded
		who = append(append(who, reg.sure...), reg.open...)
	} else {
		for _, key := range sortedKeys(subjects) {
			who = append(who, member{key: key})
		}
	}
	if len(who) == 0 {
		w.emptyOr(p, mayBeEmpty, reg, "reason.no_value", what(op.Kind, op.Where))
		return
	}
	p.members = len(who)
	short, open := 0, 0
	var extreme *fact.Fact
	for _, one := range who {
		e, has := subjects[one.key]
		if has && e.sure {
			p.facts = append(p.facts, e.f)
			if extreme == nil || op.Op == "value_at_least" && e.f.Value < extreme.Value || op.Op == "value_at_most" && e.f.Value > extreme.Value {
				extreme = e.f
			}
			if reaches(op, e.f) {
				p.done++
				continue
			}
		}
		if has && e.sure && one.unknown == "" {
			short++
		} else {
			open++
		}
		p.misses = append(p.misses, Miss{Kind: op.Kind, Member: one.key, Attrs: firstValues(op.Where), Value: op.Value})
	}
	w.judgeValues(p, op, reg, short, open, extreme)
}

func (w *World) judgeValues(p *part, op *framework.Op, reg *population, short, open int, extreme *fact.Fact) {
	switch {
	case short > 0:
		p.result = Unmet
	case open > 0:
		p.result = Unknown
	default:
		p.result = Met
	}
	if p.result == Met && reg != nil {
		p.turns(reg.confirmedFlip)
		if reg.confirmed != yes {
			p.result = Unknown
			w.sayUnconfirmed(p, reg)
		}
	}
	if extreme == nil {
		p.say("reason.no_value", what(op.Kind, op.Where))
		return
	}
	args := with(what(op.Kind, op.Where), "value", extreme.Value, "need", op.Value, "measure", op.Kind)
	switch {
	case short > 0 && op.Op == "value_at_least":
		p.say("reason.value_low", args)
	case short > 0:
		p.say("reason.value_high", args)
	default:
		p.say("reason.value", args)
	}
	if open > 0 {
		p.say("reason.values_open", with(what(op.Kind, op.Where), "n", open))
	}
}

func reaches(op *framework.Op, f *fact.Fact) bool {
	if op.Op == "value_at_least" {
		return f.Value >= op.Value
	}
	return f.Value <= op.Value
}

// newestValues gives the newest value of each subject that counts today.
func (w *World) newestValues(p *part, op *framework.Op) map[string]entry {
	subjects := map[string]entry{}
	w.match(op.Kind, op.Where).each(func(e entry) {
		s, ok := w.stretchOf(e.f, op.Period)
		if !ok {
			return
		}
		if s.from > w.Today {
			p.turns(s.from)
			return
		}
		p.turns(dayAfter(s.to))
		if have, is := subjects[e.f.Member]; !is || compareFacts(have.f, e.f) < 0 {
			subjects[e.f.Member] = e
		}
	})
	return subjects
}
