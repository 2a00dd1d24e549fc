package verdict

import (
	"maps"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// version is one version of one document in force.
type version struct{ document, number string }

// approved_by: every version in force was approved by somebody who did not write it.
func (w *World) approvedBy(p *part, op *framework.Op) {
	inForce := map[version]entry{}
	w.match(framework.InForceKind, op.Where).each(func(e entry) {
		s, ok := w.stretchOf(e.f, nil)
		switch {
		case !ok:
		case s.from > w.Today:
			p.turns(s.from)
		default:
			p.turns(dayAfter(s.to))
			key := version{memberKey(e.f), e.f.Attrs["version"]}
			if have, is := inForce[key]; !is || e.sure && !have.sure {
				inForce[key] = e
			}
		}
	})
	args := what(framework.InForceKind, op.Where)
	if len(inForce) == 0 {
		p.result = Unmet
		p.misses = []Miss{{Kind: framework.InForceKind, Attrs: firstValues(op.Where)}}
		p.say("reason.no_version", args)
		return
	}
	kind := op.Kind
	if kind == "" {
		kind = framework.ApprovedKind
	}
	approvals := w.approvals(p, kind)
	p.result, p.members = Met, len(inForce)
	keys := slices.SortedFunc(maps.Keys(inForce), func(a, b version) int {
		return compareText(a.document, b.document, a.number, b.number)
	})
	for _, key := range keys {
		w.approved(p, kind, key, inForce[key], approvals[key])
	}
	if p.result == Met {
		args["n"] = len(inForce)
		p.say("reason.approved", args)
	}
}

// approvals gathers the approvals that count today, by version.
func (w *World) approvals(p *part, kind string) map[version][]*fact.Fact {
	out := map[version][]*fact.Fact{}
	w.match(kind, nil).each(func(e entry) {
		s, ok := w.stretchOf(e.f, nil)
		switch {
		case !ok || e.f.On.IsZero():
		case s.from > w.Today:
			p.turns(s.from)
		default:
			p.turns(dayAfter(s.to))
			key := version{memberKey(e.f), e.f.Attrs["version"]}
			out[key] = append(out[key], e.f)
		}
	})
	return out
}

// approved judges one version in force by its approvals.
func (w *World) approved(p *part, kind string, key version, inForce entry, approvals []*fact.Fact) {
	var good, open, self *fact.Fact
	for _, f := range approvals {
		author, approver := f.Attrs["author"], f.Attrs["approver"]
		switch {
		case blank(author) || blank(approver):
			open = f
		case author == approver:
			self = f
		default:
			good = f
		}
	}
	attrs := maps.Clone(inForce.f.Attrs)
	if attrs == nil {
		attrs = map[string]string{}
	}
	args := problem.Args{"kind": kind, "topic": attrs["topic"], "version": key.number}
	if attrs["topic"] == "" {
		delete(args, "topic")
	}
	switch {
	case good != nil:
		p.done++
		p.facts = append(p.facts, good)
		return
	case open != nil:
		p.facts = append(p.facts, open)
		p.lower(Unknown)
		p.say("reason.approver_unknown", args)
	case !inForce.sure:
		p.lower(Unknown)
		p.say("reason.attribute_open", args)
	case self != nil:
		p.facts = append(p.facts, self)
		p.lower(Unmet)
		p.say("reason.self_approved", args)
	default:
		p.lower(Unmet)
		p.say("reason.not_approved", args)
	}
	p.misses = append(p.misses, Miss{Kind: kind, Member: key.document, Attrs: attrs})
}

// lower makes the result no better than to.
func (p *part) lower(to Result) {
	if p.result != Unmet {
		p.result = to
	}
}

func blank(value string) bool { return value == "" || value == fact.Unknown }

// covers: the values of an attribute, over all facts that count today, hold the whole set.
func (w *World) covers(p *part, op *framework.Op) {
	sure, open := map[string]coverage{}, map[string]coverage{}
	add := func(to map[string]coverage, value string, s stretch) {
		c := to[value]
		c.add(s, w.Today)
		to[value] = c
	}
	w.match(op.Kind, op.Where).each(func(e entry) {
		s, ok := w.stretchOf(e.f, op.Period)
		if !ok {
			return
		}
		value := e.f.Attrs[op.Attr]
		if value != fact.Unknown && !slices.Contains(op.Set, value) {
			return
		}
		if s.from <= w.Today {
			p.facts = append(p.facts, e.f)
		}
		add(open, value, s)
		if e.sure && value != fact.Unknown {
			add(sure, value, s)
		}
	})
	wild := open[fact.Unknown]
	p.turns(wild.flip())
	p.result, p.members = Met, len(op.Set)
	var missing []string
	for _, value := range op.Set {
		certain, perhaps := sure[value], open[value]
		p.turns(certain.flip())
		if certain.reach != 0 {
			p.done++
			continue
		}
		p.turns(perhaps.flip())
		if perhaps.reach != 0 || wild.reach != 0 {
			p.lower(Unknown)
		} else {
			p.lower(Unmet)
		}
		missing = append(missing, value)
		attrs := firstValues(op.Where)
		if attrs == nil {
			attrs = map[string]string{}
		}
		attrs[op.Attr] = value
		p.misses = append(p.misses, Miss{Kind: op.Kind, Attrs: attrs})
	}
	args := problem.Args{"kind": op.Kind, "done": p.done, "all": len(op.Set), "missing": len(missing), "values": missing, "attr": op.Attr}
	switch p.result {
	case Met:
		p.say("reason.covered", args)
	case Unknown:
		p.say("reason.attribute_open", problem.Args{"kind": op.Kind})
	default:
		p.say("reason.not_covered", args)
	}
}

// compareText compares pairs of texts one after the other.
func compareText(pairs ...string) int {
	for i := 0; i+1 < len(pairs); i += 2 {
		if c := strings.Compare(pairs[i], pairs[i+1]); c != 0 {
			return c
		}
	}
	return 0
}
