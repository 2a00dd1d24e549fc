package sigma

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/kizuki-security/kizuki/sigma/internal/rulefile"
)

var comparisons = []string{"gt", "gte", "lt", "lte", "eq", "neq"}

var correlationKeys = []string{"type", "rules", "group-by", "timespan", "aliases", "condition", "generate"}

func (p *parser) correlation(h Header, m rulefile.Mapping) *Correlation {
	body, ok := p.read.Mapping(m.Values["correlation"], "correlation")
	if !ok {
		return nil
	}
	for _, k := range body.Keys { // a mistyped group-by would join everything
		if !slices.Contains(correlationKeys, k.Value) {
			p.refuse(k, "shape", "correlation has no %q; it has %s", k.Value, strings.Join(correlationKeys, ", "))
			return nil
		}
	}
	c := p.common(h, m, body)
	if c == nil {
		return nil
	}
	switch c.Type {
	case EventCount, ValueCount, Temporal, TemporalOrdered, ValueSum, ValueAvg, ValueMin, ValueMax, ValuePercentile:
	default:
		p.refuse(body.Node, "shape", "correlation type %q is not known", c.Type)
		return nil
	}
	if c.Timespan == 0 {
		p.refuse(body.Node, "shape", "correlation has no timespan")
		return nil
	}
	if !p.compare(c, body) {
		return nil
	}
	return c
}

// common reads what all types have.
func (p *parser) common(h Header, m, body rulefile.Mapping) *Correlation {
	c := &Correlation{Header: h}
	for _, list := range []struct {
		key  string
		into *[]string
	}{{"group-by", &c.GroupBy}, {"rules", &c.Rules}} {
		var ok bool
		if *list.into, ok = p.read.Texts(body.Values[list.key], list.key); !ok {
			return nil
		}
	}
	var ok bool
	if c.Type, ok = p.read.Word(body.Values["type"], "type"); !ok {
		return nil
	}
	if len(c.Rules) == 0 {
		p.refuse(body.Node, "shape", "correlation names no rules")
		return nil
	}
	for _, n := range []*yaml.Node{m.Values["generate"], body.Values["generate"]} {
		if n != nil && n.ShortTag() != "!!bool" {
			p.refuse(n, "shape", "generate is neither true nor false")
			return nil
		}
		c.Generate = c.Generate || n != nil && strings.EqualFold(n.Value, "true")
	}
	if c.Timespan, ok = p.duration(body, "timespan"); !ok {
		return nil
	}
	return c.withAliases(p, body)
}

func (c *Correlation) withAliases(p *parser, body rulefile.Mapping) *Correlation {
	n := body.Values["aliases"]
	if n == nil {
		return c
	}
	all, ok := p.read.Mapping(n, "aliases")
	if !ok {
		return nil
	}
	c.Aliases = map[string]map[string]string{}
	for _, k := range all.Keys {
		one, ok := p.read.Mapping(all.Values[k.Value], "alias "+k.Value)
		if !ok {
			return nil
		}
		fields := map[string]string{}
		for rule, n := range one.Values {
			field, ok := p.read.Word(n, "alias "+k.Value)
			if !ok {
				return nil
			}
			if field == "" {
				p.refuse(one.Node, "shape", "alias %s names no field for %s", k.Value, rule)
				return nil
			}
			fields[rule] = strings.ReplaceAll(field, " ", "")
		}
		c.Aliases[k.Value] = fields
	}
	return c
}

// compare reads the condition of a correlation.
func (p *parser) compare(c *Correlation, body rulefile.Mapping) bool {
	n := body.Values["condition"]
	temporal := c.Type == Temporal || c.Type == TemporalOrdered
	if n == nil || n.ShortTag() == "!!null" {
		if temporal {
			return true
		}
		p.refuse(body.Node, "condition", "correlation has no condition")
		return false
	}
	if n.Kind == yaml.ScalarNode {
		p.refuse(n, "condition", "correlation: the condition is no map of gt, gte, lt, lte, eq, neq")
		return false
	}
	m, ok := p.read.Mapping(n, "condition")
	if !ok {
		return false
	}
	c.Percentile = 50
	for _, k := range m.Keys {
		v := m.Values[k.Value]
		switch k.Value {
		case "field":
			if c.ValueOf, ok = p.read.Texts(v, "field"); !ok {
				return false
			}
		case "percentile":
			f, ok := rulefile.Number(v)
			if !ok || f <= 0 || f > 100 || c.Type != ValuePercentile {
				p.refuse(v, "condition", "percentile %q is no number above 0 up to 100 of a value_percentile", v.Value)
				return false
			}
			c.Percentile = f
		default:
			f, ok := rulefile.Number(v)
			if !ok || !isComparison(k.Value) {
				p.refuse(k, "condition", "correlation: %s: %q is no limit: gt, gte, lt, lte, eq or neq and a number", k.Value, v.Value)
				return false
			}
			c.Compare = append(c.Compare, Comparison{Op: k.Value, Value: f})
		}
	}
	return p.checkCompare(c, n)
}

func isComparison(op string) bool {
	return slices.Contains(comparisons, op)
}

func (p *parser) checkCompare(c *Correlation, n *yaml.Node) bool {
	needs := c.Type != EventCount && c.Type != Temporal && c.Type != TemporalOrdered
	switch {
	case len(c.Compare) == 0:
		p.refuse(n, "condition", "correlation: the condition has no limit")
	case needs && len(c.ValueOf) == 0:
		p.refuse(n, "condition", "correlation: %s needs a field in its condition", c.Type)
	case needs && c.Type != ValueCount && len(c.ValueOf) > 1:
		p.refuse(n, "condition", "correlation: %s takes one field", c.Type)
	default:
		return true
	}
	return false
}

// duration reads a timespan: digits and s, m, h or d, below 200 years. Absent is 0.
func (p *parser) duration(m rulefile.Mapping, key string) (time.Duration, bool) {
	n := m.Values[key]
	s, ok := p.read.Word(n, key)
	if !ok || s == "" {
		return 0, ok
	}
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}
	if len(s) > 1 && unit[s[len(s)-1]] > 0 {
		u := unit[s[len(s)-1]]
		count, err := strconv.ParseUint(s[:len(s)-1], 10, 64)
		if err == nil && count < uint64(200*365*24*time.Hour/u) {
			return time.Duration(count) * u, true
		}
	}
	p.refuse(n, "shape", "%s %q is no number with s, m, h or d", key, s)
	return 0, false
}
