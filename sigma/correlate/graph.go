package correlate

import (
	"fmt"
	"math"
	"strings"

	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/internal/fields"
)

// New makes an engine of the correlations among the documents. rules are those in use: RuleSet.Rules. What cannot be
// run is left out and named: correlations that name what is not there or themselves, and those that name these.
// Documents that repeat an id or a name are left out without a word: sigma.Compile names them.
func New(documents []sigma.Document, rules []*sigma.Rule, o Options) (*Engine, []*sigma.Problem) {
	for _, d := range []struct {
		limit    *int
		standard int
	}{{&o.MaxGroups, 200_000}, {&o.MaxWindow, 1 << 16}, {&o.MaxPending, 1_000_000}} {
		if *d.limit <= 0 {
			*d.limit = d.standard
		}
	}
	e := &Engine{
		options: o, newest: math.MinInt64, watermark: math.MinInt64,
		consumers: map[*sigma.Rule][]edge{}, silenced: map[*sigma.Rule]bool{},
	}
	g := graph{engine: e, rules: map[string]*sigma.Rule{}, named: map[string]*candidate{}, numbers: map[string]int32{}}
	g.collect(documents, rules)
	g.check()
	for _, c := range g.all {
		g.visit(c)
	}
	e.cache = fields.New(g.numbers)
	return e, g.problems
}

// candidate is a correlation that may be in use.
type candidate struct {
	c       *sigma.Correlation
	order   int
	refused bool
	state   int // of the search for circles: 0 new, 1 open, 2 done
	node    int32
}

type graph struct {
	engine   *Engine
	rules    map[string]*sigma.Rule
	named    map[string]*candidate
	all      []*candidate
	numbers  map[string]int32
	problems []*sigma.Problem
}

func (g *graph) collect(documents []sigma.Document, rules []*sigma.Rule) {
	for _, r := range rules {
		for _, key := range []string{r.ID, r.Name} {
			if key != "" {
				g.rules[key] = r
			}
		}
	}
	taken := map[string]bool{}
	for i := range documents {
		h := header(&documents[i])
		if h == nil || h.ID != "" && taken[h.ID] || h.Name != "" && taken[h.Name] {
			continue
		}
		taken[h.ID], taken[h.Name] = true, true
		if c := documents[i].Correlation; c != nil {
			one := &candidate{c: c, order: i}
			g.all = append(g.all, one)
			for _, key := range []string{c.ID, c.Name} {
				if key != "" {
					g.named[key] = one
				}
			}
		}
	}
}

func header(d *sigma.Document) *sigma.Header {
	switch {
	case d.Rule != nil:
		return &d.Rule.Header
	case d.Correlation != nil:
		return &d.Correlation.Header
	case d.Filter != nil:
		return &d.Filter.Header
	}
	return nil
}

func (g *graph) refuse(c *candidate, code, format string, args ...any) {
	if c.refused {
		return
	}
	c.refused = true
	h := &c.c.Header
	id := h.ID
	if id == "" {
		id = h.Name
	}
	if id == "" {
		id = h.Title
	}
	g.problems = append(g.problems, &sigma.Problem{
		File: h.File, Line: h.Line, Place: h.Place, RuleID: id, Code: code, Reason: fmt.Sprintf(format, args...),
	})
}

// check refuses what names nothing, circles, and whatever names the refused.
func (g *graph) check() {
	for _, c := range g.all {
		g.circle(c, nil)
	}
	for _, c := range g.all {
		if !c.refused {
			if err := checkCalendar(c.c, g.engine.options.Calendars); err != nil {
				g.refuse(c, "reference", "%v", err)
			}
		}
	}
	for again := true; again; { // what names the refused is refused, and what names that
		again = false
		for _, c := range g.all {
			if c.refused {
				continue
			}
			for _, name := range c.c.Rules {
				other := g.named[name]
				if g.rules[name] == nil && (other == nil || other.refused) {
					g.refuse(c, "reference", "correlation names %q, which is not there or was refused", name)
					again = true
				}
			}
		}
	}
}

func (g *graph) circle(c *candidate, path []*candidate) {
	if c.state == 2 {
		return
	}
	path = append(path, c)
	if c.state == 1 {
		for i := len(path) - 2; i >= 0; i-- {
			g.refuse(path[i], "recursion", "correlations name each other in a circle: %s", path[i].c.Title)
			if path[i] == c {
				return
			}
		}
		return
	}
	c.state = 1
	for _, name := range c.c.Rules {
		if other := g.named[name]; other != nil {
			g.circle(other, path)
		}
	}
	c.state = 2
}

// visit adds a correlation after those it names.
func (g *graph) visit(c *candidate) {
	if c.refused || c.state == 3 {
		return
	}
	c.state = 3
	for _, name := range c.c.Rules {
		if other := g.named[name]; other != nil && g.rules[name] == nil {
			g.visit(other)
		}
	}
	n := newNode(c.c, c.order, g.engine.options.Calendars)
	c.node = int32(len(g.engine.nodes))
	g.engine.nodes = append(g.engine.nodes, n)
	if c.c.Type == sigma.Absence {
		g.engine.absences = append(g.engine.absences, n)
	}
	for i, name := range c.c.Rules {
		to := edge{node: c.node, source: int32(i)}
		var s source
		if r := g.rules[name]; r != nil {
			g.engine.consumers[r] = append(g.engine.consumers[r], to)
			if _, known := g.engine.silenced[r]; !known || c.c.Generate {
				g.engine.silenced[r] = !c.c.Generate
			}
			s = g.source(c.c, name, r.ID, r.Name)
		} else {
			other := g.named[name]
			below := g.engine.nodes[other.node]
			below.out = append(below.out, to)
			below.named = true
			below.generate = below.generate || c.c.Generate
			s = g.source(c.c, name, other.c.ID, other.c.Name)
		}
		n.sources = append(n.sources, s)
		n.repeats = len(n.sources) > 1 || g.rules[name] == nil
	}
}

// source says what the fields of a correlation are called in the events of one of its rules.
func (g *graph) source(c *sigma.Correlation, names ...string) source {
	field := func(name string) ref {
		name = strings.ReplaceAll(name, " ", "")
		if alias, ok := c.Aliases[name]; ok {
			for _, rule := range names {
				if f, ok := alias[rule]; ok && rule != "" {
					name = f
					break
				}
			}
		}
		number, ok := g.numbers[name]
		if !ok {
			number = int32(len(g.engine.wanted))
			g.numbers[name] = number
			g.engine.wanted = append(g.engine.wanted, name)
		}
		return ref{name: name, number: number}
	}
	var s source
	for _, name := range c.GroupBy {
		s.group = append(s.group, field(name))
	}
	for _, name := range c.ValueOf {
		s.values = append(s.values, field(name))
	}
	return s
}
