package verdict

import (
	"maps"
	"slices"

	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// emptyOr concludes when nobody was concerned: 該当なし（期間内） when the clause allows that and the register is
// confirmed, else 未確認. reg is nil where no register is involved.
func (w *World) emptyOr(p *part, mayBeEmpty bool, reg *population, key string, args problem.Args) {
	if reg != nil {
		p.turns(reg.confirmedFlip)
	}
	switch {
	case reg != nil && reg.confirmed != yes:
		p.result = Unknown
		w.sayUnconfirmed(p, reg)
	case mayBeEmpty:
		p.result, p.empty = NA, true
		p.say(key, args)
	default:
		p.result = Unknown
		p.say(key, args)
	}
}

// sayUnconfirmed tells why a register cannot be counted on, and what to do.
func (w *World) sayUnconfirmed(p *part, reg *population) {
	p.misses = append(p.misses, Miss{Kind: reg.source.ConfirmedKind})
	args := problem.Args{"population": reg.name}
	if reg.confirmedOn.IsZero() {
		p.say("reason.never_confirmed", args)
		return
	}
	p.say("reason.confirmed_long_ago", with(args, "days", w.Today.Sub(reg.confirmedOn)))
}

// tally counts who has it. Open members are those who may or may not belong to the population.
type tally struct {
	done, maybe, missing             int // of sure members
	openDone, openMaybe, openMissing int
	misses                           []Miss // sure members that lack it
	openMisses                       []Miss // whatever only leaves it open
}

// all_have, each_within, ratio_at_least: members of a population and their facts.
func (w *World) members(p *part, op *framework.Op, mayBeEmpty bool) {
	reg := w.population(op.Population)
	p.turns(reg.flip)
	p.excluded = reg.excluded
	p.members = len(reg.sure)
	if len(reg.sure)+len(reg.open) == 0 {
		w.emptyOr(p, mayBeEmpty, reg, "reason.nobody", problem.Args{"population": reg.name})
		return
	}
	t := w.tally(p, op, reg)
	p.done = t.done
	permille := 1000
	if op.Op == "ratio_at_least" {
		permille = op.Permille
	}
	p.result = t.judge(permille)
	if p.result == Met {
		p.turns(reg.confirmedFlip)
		if reg.confirmed != yes {
			p.result = Unknown
			w.sayUnconfirmed(p, reg)
		}
		w.sayMembers(p, op, reg, t)
		return
	}
	w.sayMembers(p, op, reg, t)
	p.misses = slices.Concat(t.misses, t.openMisses)
	if reg.confirmed != yes {
		w.sayUnconfirmed(p, reg)
	}
}

func (w *World) tally(p *part, op *framework.Op, reg *population) *tally {
	t := &tally{}
	m := w.match(op.Kind, op.Where)
	attrs := firstValues(op.Where)
	for _, one := range reg.sure {
		h := w.hold(func(fn func(entry)) { m.of(one.key, fn) }, op.Period)
		p.turns(h.flip)
		switch h.is {
		case yes:
			t.done++
			p.facts = append(p.facts, h.facts[len(h.facts)-1])
		case maybe:
			t.maybe++
			t.openMisses = append(t.openMisses, Miss{Kind: op.Kind, Member: one.key, Attrs: attrs})
		case no:
			t.missing++
			t.misses = append(t.misses, Miss{Kind: op.Kind, Member: one.key, Attrs: attrs})
		}
	}
	for _, one := range reg.open {
		h := w.hold(func(fn func(entry)) { m.of(one.key, fn) }, op.Period)
		p.turns(h.flip)
		switch h.is {
		case yes:
			t.openDone++
			continue
		case maybe:
			t.openMaybe++
		case no:
			t.openMissing++
		}
		t.openMisses = append(t.openMisses, Miss{Kind: reg.source.MemberKind, Member: one.key, Unknown: one.unknown})
	}
	return t
}

// judge compares the lowest and the highest share that the open questions allow with the one that is needed.
func (t *tally) judge(permille int) Result {
	sure := t.done + t.maybe + t.missing
	low, lowOf := t.done, sure+t.openMaybe+t.openMissing
	high, highOf := t.done+t.maybe+t.openDone+t.openMaybe, sure+t.openDone+t.openMaybe
	switch {
	case highOf > 0 && high*1000 < permille*highOf:
		return Unmet
	case lowOf > 0 && low*1000 >= permille*lowOf:
		return Met
	default:
		return Unknown
	}
}

func (w *World) sayMembers(p *part, op *framework.Op, reg *population, t *tally) {
	all := len(reg.sure)
	missing := t.missing + t.maybe
	args := func() problem.Args {
		return with(what(op.Kind, op.Where), "done", t.done, "all", all, "missing", missing, "unit", reg.name, "excluded", reg.excluded)
	}
	switch {
	case all == 0:
	case missing == 0 && reg.excluded > 0:
		p.say("reason.all_members_excluded", args())
	case missing == 0:
		p.say("reason.all_members", args())
	case reg.excluded > 0:
		p.say("reason.members_missing_excluded", args())
	default:
		p.say("reason.members_missing", args())
	}
	if p.result != Met && missing > 0 {
		need := missing
		if op.Op == "ratio_at_least" {
			need = max(1, (op.Permille*all+999)/1000-t.done)
		}
		p.say("change.members", with(args(), "missing", need))
	}
	if open := t.openMaybe + t.openMissing; p.result != Met && (open > 0 || all == 0 && t.openDone > 0) {
		attr := reg.open[0].unknown
		p.say("reason.members_open", problem.Args{"n": len(reg.open), "unit": reg.name, "attr": attr, "population": reg.name})
	}
}
