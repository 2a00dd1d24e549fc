package sigma

import (
	"strings"

	"github.com/kizuki-security/kizuki/sigma/internal/fold"
	"github.com/kizuki-security/kizuki/sigma/internal/gram"
	"github.com/kizuki-security/kizuki/sigma/internal/pattern"
	"github.com/kizuki-security/kizuki/sigma/internal/rarity"
)

// witness is something that must be found in an event before a rule can match: a literal in a field, or (present)
// the field itself. A rule has a list; without any of them in the event it cannot match and is not run.
type witness struct {
	field   int32
	present bool
	kind    gram.Kind
	text    string
}

// chooser picks for each rule the list that is met least often.
type chooser struct {
	c     *compiler
	model *rarity.Model
	costs map[int32]option // by atom
}

// option is a list of witnesses and how often one of them is met; nil list: there is none.
type option struct {
	list []witness
	cost float64
}

// choose gives the best list, or nil when the rule must always run.
func (w *chooser) choose(e *pattern.Expr) option {
	switch e.Logic {
	case pattern.Test:
		return w.atom(e)
	case pattern.Not:
		if k := e.Kids[0]; k.Logic == pattern.Not {
			return w.choose(k.Kids[0])
		}
		return option{}
	case pattern.All:
		best := option{}
		for _, k := range e.Kids {
			if o := w.choose(k); o.list != nil && (best.list == nil || o.cost < best.cost) {
				best = o
			}
		}
		return best
	case pattern.Any:
		sum := option{list: []witness{}}
		for _, k := range e.Kids {
			o := w.choose(k)
			if o.list == nil {
				return option{}
			}
			sum.list = append(sum.list, o.list...)
			sum.cost += o.cost
		}
		return sum
	}
	return option{}
}

func (w *chooser) atom(e *pattern.Expr) option {
	if o, ok := w.costs[e.ID]; ok {
		return o
	}
	o := w.of(e.Atom)
	w.costs[e.ID] = o
	return o
}

func (w *chooser) of(a *pattern.Atom) option {
	field := w.c.fields[a.Field]
	present := option{}
	if a.Field != "" {
		present = option{list: []witness{{field: field, present: true}}, cost: w.model.Present(a.Field)}
	}
	switch a.Op {
	case pattern.OpNull:
		return option{}
	case pattern.OpText:
		if o := w.text(a, field); o.list != nil && (present.list == nil || o.cost < present.cost) {
			return o
		}
	case pattern.OpRegex:
		if o := w.literals(a, field, gram.Contains, strs(a.Needs)); o.list != nil && (present.list == nil || o.cost < present.cost) {
			return o
		}
	case pattern.OpCIDR, pattern.OpCompare, pattern.OpTime, pattern.OpRef, pattern.OpExists:
	}
	return present
}

func strs(all [][]byte) []string {
	out := make([]string, len(all))
	for i, b := range all {
		out[i] = string(b)
	}
	return out
}

func (w *chooser) literals(a *pattern.Atom, field int32, kind gram.Kind, texts []string) option {
	if len(texts) == 0 {
		return option{}
	}
	o := option{}
	for _, s := range texts {
		o.list = append(o.list, witness{field: field, kind: kind, text: s})
		o.cost += w.model.Literal(a.Field, kind, s)
	}
	return o
}

func (w *chooser) text(a *pattern.Atom, field int32) option {
	shape, lit := a.Text.Longest()
	kind, ok := map[pattern.Shape]gram.Kind{
		pattern.Equals: gram.Exact, pattern.Contains: gram.Contains,
		pattern.StartsWith: gram.Prefix, pattern.EndsWith: gram.Suffix,
	}[shape]
	if !ok || lit == "" && kind != gram.Exact {
		return option{}
	}
	if a.Cased {
		lit = fold.String(lit)
	}
	if a.Dash {
		return w.dashed(a, field, kind, lit)
	}
	return w.literals(a, field, kind, []string{lit})
}

const usefulRun = 4

// dashed finds witnesses for a text in which "-" stands for five dashes: the longest run without one, else the
// text with each of them.
func (w *chooser) dashed(a *pattern.Atom, field int32, kind gram.Kind, lit string) option {
	runs := strings.Split(lit, "-")
	if len(runs) == 1 {
		return w.literals(a, field, kind, []string{lit})
	}
	longest := ""
	for _, r := range runs {
		if len(r) > len(longest) {
			longest = r
		}
	}
	if len(longest) < usefulRun && len(runs) <= 3 {
		texts := []string{runs[0]}
		for _, r := range runs[1:] {
			var next []string
			for _, t := range texts {
				for _, d := range []string{"-", "/", "–", "—", "―"} {
					next = append(next, t+d+r)
				}
			}
			texts = next
		}
		return w.literals(a, field, kind, texts)
	}
	if longest == "" {
		return option{}
	}
	return w.literals(a, field, gram.Contains, []string{longest})
}
