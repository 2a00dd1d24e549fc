package sigma

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kizuki-security/kizuki/sigma/internal/ast"
)

func (p *parser) rule(h Header, m mapping) *Rule {
	r := &Rule{Header: h}
	if h.Title == "" {
		p.refuse(m.node, "shape", "rule has no title")
	}
	source, ok := p.logSource(m)
	if !ok {
		return nil
	}
	r.LogSource = source
	r.detection = p.detection(m.values["detection"], "detection")
	return r
}

func (p *parser) filter(h Header, m mapping) *Filter {
	f := &Filter{Header: h}
	source, ok := p.logSource(m)
	if !ok {
		return nil
	}
	f.LogSource = source
	body, ok := p.mapping(m.values["filter"], "filter")
	if !ok {
		return nil
	}
	if f.Rules = texts(body.values["rules"]); len(f.Rules) == 0 {
		p.refuse(body.node, "shape", "filter lists no rules")
		return nil
	}
	f.detection = p.detection(body.node, "filter")
	return f
}

func (p *parser) logSource(m mapping) (LogSource, bool) {
	n := m.values["logsource"]
	if n == nil {
		p.refuse(m.node, "shape", "document has no logsource")
		return LogSource{}, false
	}
	l, ok := p.mapping(n, "logsource")
	if !ok {
		return LogSource{}, false
	}
	var s LogSource
	for key, into := range map[string]*string{"product": &s.Product, "category": &s.Category, "service": &s.Service} {
		v := l.values[key]
		if v == nil || v.Kind == yaml.ScalarNode && v.ShortTag() == "!!null" {
			continue
		}
		if v.Kind != yaml.ScalarNode {
			p.refuse(v, "shape", "logsource: %s is no plain text", key)
			return s, false
		}
		*into = strings.ToLower(strings.TrimSpace(v.Value))
	}
	return s, true
}

// detection reads search identifiers and condition; of a filter, the same without its list of rules.
func (p *parser) detection(n *yaml.Node, what string) *ast.Detection {
	m, ok := p.mapping(n, what)
	if !ok {
		return nil
	}
	d := &ast.Detection{Line: n.Line}
	for _, k := range m.keys {
		v := m.values[k.Value]
		switch {
		case k.Value == "condition":
			d.Conditions = texts(v)
		case k.Value == "timeframe", what == "filter" && k.Value == "rules":
		default:
			s, ok := p.search(k.Value, v)
			if !ok {
				return nil
			}
			d.Searches = append(d.Searches, s)
		}
	}
	if len(d.Conditions) == 0 {
		p.refuse(n, "condition", "%s has no condition", what)
		return nil
	}
	if len(d.Searches) == 0 {
		p.refuse(n, "shape", "%s has no search identifier", what)
		return nil
	}
	return d
}

func (p *parser) search(name string, n *yaml.Node) (ast.Search, bool) {
	s := ast.Search{Name: name, Line: n.Line}
	switch n.Kind {
	case yaml.MappingNode:
		g, ok := p.group(name, n)
		s.Any = []ast.Group{g}
		return s, ok
	case yaml.ScalarNode:
		if n.ShortTag() == "!!null" {
			p.refuse(n, "shape", "search identifier %q is empty", name)
			return s, false
		}
		s.Any = []ast.Group{{All: []ast.Item{{Values: []ast.Value{scalar(n)}, Line: n.Line}}}}
		return s, true
	case yaml.SequenceNode:
		return p.searchList(s, n)
	default:
	}
	p.refuse(n, "shape", "search identifier %q is no map, list or text", name)
	return s, false
}

// searchList reads a list of maps, or of keywords, or of both: one of them is enough.
func (p *parser) searchList(s ast.Search, n *yaml.Node) (ast.Search, bool) {
	keywords := ast.Item{Line: n.Line}
	for _, c := range n.Content {
		switch {
		case c.Kind == yaml.MappingNode:
			g, ok := p.group(s.Name, c)
			if !ok {
				return s, false
			}
			s.Any = append(s.Any, g)
		case c.Kind == yaml.ScalarNode && c.ShortTag() != "!!null":
			keywords.Values = append(keywords.Values, scalar(c))
		default:
			p.refuse(c, "shape", "search identifier %q: an item of the list is neither map nor text", s.Name)
			return s, false
		}
	}
	if len(keywords.Values) > 0 {
		s.Any = append(s.Any, ast.Group{All: []ast.Item{keywords}})
	}
	if len(s.Any) == 0 {
		p.refuse(n, "shape", "search identifier %q is empty", s.Name)
		return s, false
	}
	return s, true
}

func (p *parser) group(name string, n *yaml.Node) (ast.Group, bool) {
	m, ok := p.mapping(n, "search identifier \""+name+"\"")
	if !ok {
		return ast.Group{}, false
	}
	if len(m.keys) == 0 {
		p.refuse(n, "shape", "search identifier %q is empty", name)
		return ast.Group{}, false
	}
	var g ast.Group
	for _, k := range m.keys {
		item, ok := p.item(k, m.values[k.Value])
		if !ok {
			return ast.Group{}, false
		}
		g.All = append(g.All, item)
	}
	return g, true
}

func (p *parser) item(key, n *yaml.Node) (ast.Item, bool) {
	parts := strings.Split(key.Value, "|")
	item := ast.Item{Field: strings.TrimSpace(parts[0]), Line: key.Line}
	if item.Field == "" && len(parts) == 1 {
		p.refuse(key, "shape", "a field has no name")
		return item, false
	}
	for _, modifier := range parts[1:] {
		item.Modifiers = append(item.Modifiers, strings.TrimSpace(modifier))
	}
	switch n.Kind {
	case yaml.ScalarNode:
		item.Values = []ast.Value{scalar(n)}
		return item, true
	case yaml.SequenceNode:
		for _, c := range n.Content {
			if c.Kind != yaml.ScalarNode {
				p.refuse(c, "shape", "field %q: a value is no plain text or number", key.Value)
				return item, false
			}
			item.Values = append(item.Values, scalar(c))
		}
		if len(item.Values) > 0 {
			return item, true
		}
		p.refuse(n, "shape", "field %q has an empty list of values", key.Value)
		return item, false
	default:
	}
	p.refuse(n, "shape", "field %q: the value is a map", key.Value)
	return item, false
}
