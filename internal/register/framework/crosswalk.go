package framework

import (
	"fmt"
	"slices"
)

// Relations of a crosswalk, after NIST IR 8477. METI's citations are Intersects: that one text names
// another says no more. A crosswalk suggests, it never marks.
const (
	Equal      = "equal"
	Subset     = "subset"   // the first lies wholly inside the second
	Superset   = "superset" // the second lies wholly inside the first
	Intersects = "intersects"
)

// Crosswalk says which nodes of two frameworks are about the same: one file crosswalk-*.yaml.
type Crosswalk struct {
	ID      string            `yaml:"-"` // the file name without ending
	From    Ref               `yaml:"from"`
	To      Ref               `yaml:"to"`
	Method  Text              `yaml:"method"` // how the pairs were found
	Sources map[string]Source `yaml:"sources"`
	Pairs   []Pair            `yaml:"pairs"`
}

// Ref names one version of a framework.
type Ref struct {
	Framework string `yaml:"framework"`
	Version   string `yaml:"version"`
}

// Key is the Framework.Key of the version.
func (r Ref) Key() string { return r.Framework + "@" + r.Version }

// Pair is one line of a crosswalk: a node and what it is paired with.
type Pair struct {
	From       string `yaml:"from"` // node id
	To         Values `yaml:"to"`   // node ids
	Relation   string `yaml:"relation"`
	Source     string `yaml:"source"`
	Confidence string `yaml:"confidence"`
	Note       Text   `yaml:"note"`
}

// Twin is a node of another framework that is about the same, seen from one side.
type Twin struct {
	Node      *Node
	Relation  string // as seen from the node that was asked about
	Pair      Pair
	Crosswalk *Crosswalk
}

// Twins returns what other frameworks have about the same, in both directions, in the order of the
// crosswalk files. Nodes of an overlay or of a changed copy have the twins of the node with the same id
// in the framework that the crosswalk names. It returns nil for a node without twins.
func (c *Catalog) Twins(n *Node) []Twin {
	if n == nil || n.Framework == nil {
		return nil
	}
	if twins, found := c.twins[n]; found {
		return slices.Clone(twins)
	}
	for _, key := range []string{n.Framework.Key(), n.Framework.Base} {
		f := c.Key(key)
		if f == nil {
			continue
		}
		if twins, found := c.twins[f.byID[n.ID]]; found {
			return slices.Clone(twins)
		}
	}
	return nil
}

// Crosswalks returns all crosswalks.
func (c *Catalog) Crosswalks() []*Crosswalk { return slices.Clone(c.crosswalks) }

// connect fills twins. What names nothing is left for Check to report.
func (c *Catalog) connect() {
	c.twins = map[*Node][]Twin{}
	for _, x := range c.crosswalks {
		from, to := c.Key(x.From.Key()), c.Key(x.To.Key())
		if from == nil || to == nil {
			c.unconnected = append(c.unconnected, fmt.Errorf("%s: from %s to %s: no such framework", x.ID, x.From.Key(), x.To.Key()))
			continue
		}
		for _, p := range x.Pairs {
			a := from.byID[p.From]
			for _, id := range p.To {
				b := to.byID[id]
				if a == nil || b == nil {
					c.unconnected = append(c.unconnected, fmt.Errorf("%s: pair %s and %s: no such node", x.ID, p.From, id))
					continue
				}
				c.twins[a] = append(c.twins[a], Twin{b, p.Relation, p, x})
				c.twins[b] = append(c.twins[b], Twin{a, inverse(p.Relation), p, x})
			}
		}
	}
}

func inverse(relation string) string {
	switch relation {
	case Subset:
		return Superset
	case Superset:
		return Subset
	default:
		return relation
	}
}
