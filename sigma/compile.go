package sigma

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/sigma/internal/ast"
	"github.com/kizuki-security/kizuki/sigma/internal/condition"
	"github.com/kizuki-security/kizuki/sigma/internal/pattern"
)

// Limits of one rule after everything is written out.
const (
	maxTests = 100_000
	maxDepth = 400
)

// Options are what Compile needs beside the documents. The zero value is ready to use.
type Options struct {
	// Placeholders gives the values of %name% under the expand modifier. A rule that uses a name not listed here is
	// refused, and so is one whose list is empty.
	Placeholders map[string][]string
	// Unrouted tries every rule on every event, whatever its log source. Slow, and with more false hits.
	Unrouted bool
}

// compiled is a rule ready to run.
type compiled struct {
	rule    *Rule
	expr    *pattern.Expr
	entry   int32
	witness []witness
	tests   int
}

// Compile makes a rule set. What cannot be run is left out and named in the problems, in the order of the documents;
// everything else works. Filters are added to the rules they list. Correlations are not looked at: see sigma/correlate.
//
// A document whose id or name was given before is refused. So is a filter none of whose rules is there.
func Compile(documents []Document, o Options) (*RuleSet, []*Problem) {
	c := compiler{options: o, atoms: map[string]int32{}, named: map[string]*compiled{}, fields: map[string]int32{}, taken: map[string]bool{}}
	var filters []*Filter
	for i := range documents {
		switch d := &documents[i]; {
		case d.Rule != nil && c.take(&d.Rule.Header):
			c.add(d.Rule)
		case d.Filter != nil && c.take(&d.Filter.Header):
			filters = append(filters, d.Filter)
		case d.Correlation != nil:
			c.take(&d.Correlation.Header)
		}
	}
	for _, f := range filters {
		c.filter(f)
	}
	return c.finish(), c.problems
}

type compiler struct {
	options  Options
	rules    []*compiled
	named    map[string]*compiled // by id and by name
	taken    map[string]bool
	atoms    map[string]int32
	all      []*pattern.Atom
	fields   map[string]int32
	problems []*Problem
}

func (c *compiler) refuse(h *Header, line int, code, reason string) {
	c.problems = append(c.problems, &Problem{File: h.File, Line: line, Place: h.Place, RuleID: h.handle(), Code: code, Reason: reason})
}

// take refuses a document whose id or name another has.
func (c *compiler) take(h *Header) bool {
	for _, key := range []string{h.ID, h.Name} {
		if key != "" && c.taken[key] {
			c.refuse(h, h.Line, "duplicate", fmt.Sprintf("another document before has the id or name %q", key))
			return false
		}
	}
	for _, key := range []string{h.ID, h.Name} {
		if key != "" {
			c.taken[key] = true
		}
	}
	return true
}

func (c *compiler) add(r *Rule) {
	e, ok := c.detection(&r.Header, r.detection)
	if !ok {
		return
	}
	one := &compiled{rule: r, expr: e}
	c.rules = append(c.rules, one)
	for _, key := range []string{r.ID, r.Name} {
		if key != "" {
			c.named[key] = one
		}
	}
}

// refusal is an error with the line it is about.
type refusal struct {
	error

	line int
}

// detection makes one expression of searches and conditions.
func (c *compiler) detection(h *Header, d *ast.Detection) (*pattern.Expr, bool) {
	searches, err := c.searches(d)
	var whole *pattern.Expr
	if err == nil {
		whole, err = conditions(d, searches)
	}
	if err != nil {
		line, code := d.Line, "condition"
		if r, ok := errors.AsType[refusal](err); ok {
			line = r.line
		}
		if p, ok := errors.AsType[*pattern.Error](err); ok {
			code = p.Code
		}
		c.refuse(h, line, code, err.Error())
		return nil, false
	}
	return whole, true
}

func (r refusal) Unwrap() error { return r.error }

func (c *compiler) searches(d *ast.Detection) ([]*pattern.Expr, error) {
	out := make([]*pattern.Expr, len(d.Searches))
	for i := range d.Searches {
		s := &d.Searches[i]
		alternatives := &pattern.Expr{Logic: pattern.Any, Search: s.Name}
		for _, g := range s.Any {
			all := &pattern.Expr{Logic: pattern.All}
			for k := range g.All {
				e, err := pattern.Compile(&g.All[k], s.Name, c.options.Placeholders)
				if err != nil {
					return nil, refusal{err, g.All[k].Line}
				}
				all.Kids = append(all.Kids, e)
			}
			alternatives.Kids = append(alternatives.Kids, all)
		}
		out[i] = alternatives
	}
	return out, nil
}

func conditions(d *ast.Detection, searches []*pattern.Expr) (*pattern.Expr, error) {
	whole := &pattern.Expr{Logic: pattern.Any}
	for _, text := range d.Conditions {
		n, err := condition.Parse(text)
		if err != nil {
			return nil, err
		}
		e, err := resolve(n, d, searches)
		if err != nil {
			return nil, err
		}
		whole.Kids = append(whole.Kids, e)
	}
	return whole, nil
}

// resolve puts the expressions of the searches in the place of their names.
func resolve(n *condition.Node, d *ast.Detection, searches []*pattern.Expr) (*pattern.Expr, error) {
	e := &pattern.Expr{}
	switch n.Op {
	case condition.Name:
		for i := range d.Searches {
			if d.Searches[i].Name == n.Name {
				return searches[i], nil
			}
		}
		return nil, fmt.Errorf("condition names %q, which is no search identifier of the rule", n.Name)
	case condition.OneOf, condition.AllOf:
		e.Logic = pattern.Any
		if n.Op == condition.AllOf {
			e.Logic = pattern.All
		}
		for i := range d.Searches {
			if condition.Agrees(n.Name, d.Searches[i].Name) {
				e.Kids = append(e.Kids, searches[i])
			}
		}
		if len(e.Kids) == 0 {
			return nil, fmt.Errorf("condition: no search identifier agrees with %q", n.Name)
		}
		return e, nil
	case condition.And:
		e.Logic = pattern.All
	case condition.Or:
		e.Logic = pattern.Any
	case condition.Not:
		e.Logic = pattern.Not
	}
	for _, k := range n.Kids {
		kid, err := resolve(k, d, searches)
		if err != nil {
			return nil, err
		}
		e.Kids = append(e.Kids, kid)
	}
	return e, nil
}

// filter joins "and not" to the rules that the filter lists. A filter's condition may be written as what to suppress
// or as what to keep; either way it leaves alone an event that none of its searches matches, which tells them apart.
func (c *compiler) filter(f *Filter) {
	e, ok := c.detection(&f.Header, f.detection)
	if !ok {
		return
	}
	if !slices.ContainsFunc(f.Rules, func(key string) bool { return c.named[key] != nil || strings.EqualFold(key, "any") }) {
		c.refuse(&f.Header, f.Line, "reference", "filter: none of its rules is there: "+strings.Join(f.Rules, ", "))
		return
	}
	if !e.HoldsOnNothing() {
		e = &pattern.Expr{Logic: pattern.Not, Kids: []*pattern.Expr{e}}
	}
	for _, r := range c.filtered(f) {
		r.expr = &pattern.Expr{Logic: pattern.All, Kids: []*pattern.Expr{r.expr, e}}
	}
}

func (c *compiler) filtered(f *Filter) []*compiled {
	var out []*compiled
	seen := map[*compiled]bool{}
	for _, key := range f.Rules {
		candidates := []*compiled{c.named[key]}
		if strings.EqualFold(key, "any") {
			candidates = c.rules
		}
		for _, r := range candidates {
			if r != nil && !seen[r] && f.LogSource.covers(r.rule.LogSource) {
				seen[r] = true
				out = append(out, r)
			}
		}
	}
	return out
}

// covers says whether s agrees with what l says in every part that s names.
func (s LogSource) covers(l LogSource) bool {
	return (s.Product == "" || strings.EqualFold(s.Product, l.Product)) &&
		(s.Category == "" || strings.EqualFold(s.Category, l.Category)) &&
		(s.Service == "" || strings.EqualFold(s.Service, l.Service))
}
