package sigma

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kizuki-security/kizuki/sigma/internal/rulefile"
)

func (p *parser) rule(h Header, m rulefile.Mapping) *Rule {
	r := &Rule{Header: h}
	source, ok := p.logSource(m)
	if !ok {
		return nil
	}
	r.LogSource = source
	r.detection = p.read.Detection(m.Values["detection"], "detection")
	return r
}

func (p *parser) filter(h Header, m rulefile.Mapping) *Filter {
	f := &Filter{Header: h}
	source, ok := p.logSource(m)
	if !ok {
		return nil
	}
	f.LogSource = source
	body, ok := p.read.Mapping(m.Values["filter"], "filter")
	if !ok {
		return nil
	}
	if f.Rules, ok = p.read.Texts(body.Values["rules"], "filter: rules"); !ok {
		return nil
	}
	if len(f.Rules) == 0 {
		p.refuse(body.Node, "shape", "filter lists no rules")
		return nil
	}
	f.detection = p.read.Detection(body.Node, "filter")
	return f
}

func (p *parser) logSource(m rulefile.Mapping) (LogSource, bool) {
	n := m.Values["logsource"]
	if n == nil {
		p.refuse(m.Node, "shape", "document has no logsource")
		return LogSource{}, false
	}
	l, ok := p.read.Mapping(n, "logsource")
	if !ok {
		return LogSource{}, false
	}
	var s LogSource
	for key, into := range map[string]*string{"product": &s.Product, "category": &s.Category, "service": &s.Service} {
		v := l.Values[key]
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
