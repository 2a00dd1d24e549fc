package verdict

import (
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// what names a selection in a reason: its kind and, where it asks for one, its topic.
func what(kind string, where framework.Where) problem.Args {
	args := problem.Args{"kind": kind}
	if topics := where["topic"]; len(topics) > 0 {
		args["topic"] = topics[0]
	}
	return args
}

func with(args problem.Args, pairs ...any) problem.Args {
	for i := 0; i+1 < len(pairs); i += 2 {
		args[pairs[i].(string)] = pairs[i+1] //nolint:forcetypeassert // written in this package, always a string
	}
	return args
}

// exists: at least one fact counts today.
func (w *World) exists(p *part, op *framework.Op) { w.oneCounts(p, op) }

// last_within: the same question, asked of the last one.
func (w *World) lastWithin(p *part, op *framework.Op) { w.oneCounts(p, op) }

func (w *World) oneCounts(p *part, op *framework.Op) {
	m := w.match(op.Kind, op.Where)
	h := w.hold(m.each, op.Period)
	p.turns(h.flip)
	p.facts = h.facts
	args := what(op.Kind, op.Where)
	switch h.is {
	case yes:
		p.result = Met
		last := h.facts[len(h.facts)-1]
		if last.On.IsZero() {
			p.say("reason.there", args)
			return
		}
		p.say("reason.last", with(args, "last", last.On.String()))
	case maybe:
		p.result = Unknown
		p.say("reason.attribute_open", args)
		p.misses = []Miss{{Kind: op.Kind, Attrs: firstValues(op.Where)}}
	case no:
		p.result = Unmet
		w.sayNothing(p, op.Kind, op.Where)
		p.misses = []Miss{{Kind: op.Kind, Attrs: firstValues(op.Where)}}
	}
}

// sayNothing tells that nothing counts: never recorded, or the last one is too long ago.
func (w *World) sayNothing(p *part, kind string, where framework.Where) {
	args := what(kind, where)
	last := w.last(kind, where)
	if last == nil {
		p.say("reason.nothing", args)
		return
	}
	p.facts = append(p.facts, last)
	if !last.ValidUntil.IsZero() && last.ValidUntil < w.Today {
		p.say("reason.expired", with(args, "last", last.ValidUntil.String()))
		return
	}
	p.say("reason.last_too_old", with(args, "last", last.On.String()))
}

// last gives the newest dated sure fact of a selection up to today, nil when there is none.
func (w *World) last(kind string, where framework.Where) *fact.Fact {
	var last *fact.Fact
	w.match(kind, where).each(func(e entry) {
		if e.sure && !e.f.On.IsZero() && e.f.On <= w.Today && (last == nil || compareFacts(last, e.f) < 0) {
			last = e.f
		}
	})
	return last
}

// none: no fact counts today. There is no act that adds what is missing, so it names no misses.
func (w *World) none(p *part, op *framework.Op) {
	m := w.match(op.Kind, op.Where)
	h := w.hold(m.each, op.Period)
	p.turns(h.flip)
	p.facts = h.facts
	args := what(op.Kind, op.Where)
	switch h.is {
	case yes:
		p.result = Unmet
		// How many stand against it may change before the last of them goes; only the text needs the number.
		p.say("reason.there_are", with(args, "n", len(h.facts)))
	case maybe:
		p.say("reason.attribute_open", args)
	case no:
		p.result = Met
		p.say("reason.none", args)
	}
}

// eventOf is what a row tells of: one record may give a row for each of its topics.
type eventOf struct {
	record, member string
	on             jdate.Day
}

// count_at_least: at least N events count today. Rows of one record, member and day are one event.
func (w *World) countAtLeast(p *part, op *framework.Op) {
	sure, open := map[eventOf]bool{}, map[eventOf]bool{}
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
		p.facts = append(p.facts, e.f)
		if key := (eventOf{e.f.Record, e.f.Member, e.f.On}); e.sure {
			sure[key] = true
		} else {
			open[key] = true
		}
	})
	for key := range sure {
		delete(open, key)
	}
	n := max(op.N, 1)
	args := with(what(op.Kind, op.Where), "n", len(sure), "need", n)
	p.done = len(sure)
	switch {
	case len(sure) >= n:
		p.result = Met
		p.say("reason.count", args)
		return
	case len(sure)+len(open) >= n:
		p.result = Unknown
		p.say("reason.attribute_open", what(op.Kind, op.Where))
	default:
		p.result = Unmet
		p.say("reason.count_short", args)
		p.say("change.events", with(what(op.Kind, op.Where), "missing", n-len(sure)))
	}
	p.misses = []Miss{{Kind: op.Kind, Attrs: firstValues(op.Where)}}
}
