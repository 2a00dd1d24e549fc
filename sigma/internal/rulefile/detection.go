package rulefile

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kizuki-security/kizuki/sigma/internal/ast"
)

// Detection reads search identifiers and condition; of a filter, the same without its list of rules.
func (d *Reader) Detection(n *yaml.Node, what string) *ast.Detection {
	m, ok := d.Mapping(n, what)
	if !ok {
		return nil
	}
	out := &ast.Detection{Line: n.Line}
	for _, k := range m.Keys {
		v := m.Values[k.Value]
		switch {
		case k.Value == "condition":
			if out.Conditions, ok = d.Texts(v, "condition"); !ok {
				return nil
			}
		case k.Value == "timeframe", what == "filter" && k.Value == "rules":
		default:
			s, ok := d.search(k.Value, v)
			if !ok {
				return nil
			}
			out.Searches = append(out.Searches, s)
		}
	}
	if len(out.Conditions) == 0 {
		d.Refuse(n, "condition", "%s has no condition", what)
		return nil
	}
	if len(out.Searches) == 0 {
		d.Refuse(n, "shape", "%s has no search identifier", what)
		return nil
	}
	return out
}

func (d *Reader) search(name string, n *yaml.Node) (ast.Search, bool) {
	s := ast.Search{Name: name, Line: n.Line}
	switch n.Kind {
	case yaml.MappingNode:
		g, ok := d.group(name, n)
		s.Any = []ast.Group{g}
		return s, ok
	case yaml.ScalarNode:
		if n.ShortTag() == "!!null" {
			d.Refuse(n, "shape", "search identifier %q is empty", name)
			return s, false
		}
		s.Any = []ast.Group{{All: []ast.Item{{Values: []ast.Value{Scalar(n)}, Line: n.Line}}}}
		return s, true
	case yaml.SequenceNode:
		return d.searchList(s, n)
	default:
	}
	d.Refuse(n, "shape", "search identifier %q is no map, list or text", name)
	return s, false
}

// searchList reads a list of maps, or of keywords, or of both: one of them is enough.
func (d *Reader) searchList(s ast.Search, n *yaml.Node) (ast.Search, bool) {
	keywords := ast.Item{Line: n.Line}
	for _, c := range n.Content {
		switch {
		case c.Kind == yaml.MappingNode:
			g, ok := d.group(s.Name, c)
			if !ok {
				return s, false
			}
			s.Any = append(s.Any, g)
		case c.Kind == yaml.ScalarNode && c.ShortTag() != "!!null":
			keywords.Values = append(keywords.Values, Scalar(c))
		default:
			d.Refuse(c, "shape", "search identifier %q: an item of the list is neither map nor text", s.Name)
			return s, false
		}
	}
	if len(keywords.Values) > 0 {
		s.Any = append(s.Any, ast.Group{All: []ast.Item{keywords}})
	}
	if len(s.Any) == 0 {
		d.Refuse(n, "shape", "search identifier %q is empty", s.Name)
		return s, false
	}
	return s, true
}

func (d *Reader) group(name string, n *yaml.Node) (ast.Group, bool) {
	m, ok := d.Mapping(n, "search identifier \""+name+"\"")
	if !ok {
		return ast.Group{}, false
	}
	if len(m.Keys) == 0 {
		d.Refuse(n, "shape", "search identifier %q is empty", name)
		return ast.Group{}, false
	}
	var g ast.Group
	for _, k := range m.Keys {
		item, ok := d.item(k, m.Values[k.Value])
		if !ok {
			return ast.Group{}, false
		}
		g.All = append(g.All, item)
	}
	return g, true
}

func (d *Reader) item(key, n *yaml.Node) (ast.Item, bool) {
	parts := strings.Split(key.Value, "|")
	item := ast.Item{Field: strings.TrimSpace(parts[0]), Line: key.Line}
	if item.Field == "" && len(parts) == 1 {
		d.Refuse(key, "shape", "a field has no name")
		return item, false
	}
	for _, modifier := range parts[1:] {
		item.Modifiers = append(item.Modifiers, modifier)
	}
	switch n.Kind {
	case yaml.ScalarNode:
		item.Values = []ast.Value{Scalar(n)}
		return item, true
	case yaml.SequenceNode:
		for _, c := range n.Content {
			if c.Kind != yaml.ScalarNode {
				d.Refuse(c, "shape", "field %q: a value is no plain text or number", key.Value)
				return item, false
			}
			item.Values = append(item.Values, Scalar(c))
		}
		if len(item.Values) > 0 {
			return item, true
		}
		d.Refuse(n, "shape", "field %q has an empty list of values", key.Value)
		return item, false
	default:
	}
	d.Refuse(n, "shape", "field %q: the value is a map", key.Value)
	return item, false
}
