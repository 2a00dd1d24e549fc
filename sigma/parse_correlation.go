package sigma

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/kizuki-security/kizuki/sigma/internal/rulefile"
)

var comparisons = []string{"gt", "gte", "lt", "lte", "eq", "neq"}

func (p *parser) correlation(h Header, m rulefile.Mapping) *Correlation {
	body, ok := p.read.Mapping(m.Values["correlation"], "correlation")
	if !ok {
		return nil
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
	if n := body.Values["type"]; n != nil {
		c.Type = n.Value
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
	var ok bool
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
		for rule, field := range one.Values {
			fields[rule] = strings.ReplaceAll(field.Value, " ", "")
		}
		c.Aliases[k.Value] = fields
	}
	return c
}

// compare reads the condition of a correlation.
func (p *parser) compare(c *Correlation, body rulefile.Mapping) bool {
	n := body.Values["condition"]
	temporal := c.Type == Temporal || c.Type == TemporalOrdered
	if n == nil {
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
			f, err := strconv.ParseFloat(v.Value, 64)
			if err != nil || !(f >= 0 && f <= 100) {
				p.refuse(v, "condition", "percentile %q is no number from 0 to 100", v.Value)
				return false
			}
			c.Percentile = f
		default:
			f, err := strconv.ParseFloat(v.Value, 64)
			if err != nil || math.IsNaN(f) || !isComparison(k.Value) {
				p.refuse(k, "condition", "correlation: %s: %s is no limit", k.Value, v.Value)
				return false
			}
			c.Compare = append(c.Compare, Comparison{Op: k.Value, Value: f})
		}
	}
	return p.checkCompare(c, n, temporal)
}

func isComparison(op string) bool {
	return slices.Contains(comparisons, op)
}

func (p *parser) checkCompare(c *Correlation, n *yaml.Node, temporal bool) bool {
	needs := c.Type != EventCount && !temporal
	switch {
	case len(c.Compare) == 0 && !temporal:
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

// duration reads a timespan: a number and s, m, h or d. Absent is 0.
func (p *parser) duration(m rulefile.Mapping, key string) (time.Duration, bool) {
	n := m.Values[key]
	if n == nil {
		return 0, true
	}
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}
	s := n.Value
	if len(s) > 1 && unit[s[len(s)-1]] > 0 {
		u := unit[s[len(s)-1]]
		count, err := strconv.ParseInt(s[:len(s)-1], 10, 64)
		if err == nil && count >= 0 && count < int64(200*365*24*time.Hour/u) {
			return time.Duration(count) * u, true
		}
	}
	p.refuse(n, "shape", "%s %q is no number with s, m, h or d", key, s)
	return 0, false
}

// extension reads a correlation that Sigma does not have.
func (p *parser) extension(h Header, m rulefile.Mapping) *Correlation {
	body, ok := p.read.Mapping(m.Values["kizuki"], "kizuki")
	if !ok {
		return nil
	}
	c := p.common(h, m, body)
	if c == nil {
		return nil
	}
	e := &Extension{}
	c.Extension = e
	if c.ValueOf, ok = p.read.Texts(body.Values["field"], "field"); !ok {
		return nil
	}
	switch c.Type {
	case FirstSeen:
		var ok1, ok2 bool
		e.Learn, ok1 = p.duration(body, "learn")
		e.Forget, ok2 = p.duration(body, "forget")
		if ok1 && ok2 && len(c.ValueOf) == 0 {
			p.refuse(body.Node, "shape", "first_seen needs a field")
			return nil
		}
		ok = ok1 && ok2
	case Absence:
		ok = c.Timespan > 0
		if !ok {
			p.refuse(body.Node, "shape", "absence needs a timespan")
		}
	case OffHours:
		ok = p.offHours(e, body)
	case Regularity:
		ok = p.regularity(c, body)
	default:
		p.refuse(body.Node, "shape", "type %q is not known under kizuki", c.Type)
		return nil
	}
	if !ok {
		return nil
	}
	return c
}

func (p *parser) regularity(c *Correlation, body rulefile.Mapping) bool {
	number := func(key string) float64 {
		if n := body.Values[key]; n != nil {
			if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
				return f
			}
		}
		return -1
	}
	events, jitter := number("events"), number("jitter")
	if c.Timespan == 0 || events < 3 || events > 1e6 || events != math.Trunc(events) || !(jitter >= 0 && jitter <= 100) {
		p.refuse(body.Node, "shape", "regularity needs a timespan, events (3 or more) and jitter (0 to 100)")
		return false
	}
	c.Extension.Events, c.Extension.Jitter = int(events), jitter
	return true
}

func (p *parser) offHours(e *Extension, body rulefile.Mapping) bool {
	one := func(key string) string {
		if n := body.Values[key]; n != nil {
			return n.Value
		}
		return ""
	}
	e.TimeZone, e.Calendar = one("timezone"), one("calendar")
	if e.TimeZone == "" {
		p.refuse(body.Node, "shape", "off_hours needs a timezone")
		return false
	}
	for _, s := range rulefile.Texts(body.Values["hours"]) {
		h, ok := parseHours(s)
		if !ok {
			p.refuse(body.Values["hours"], "value", "hours %q are not written like 08:30-17:30", s)
			return false
		}
		e.Hours = append(e.Hours, h)
	}
	if len(e.Hours) == 0 {
		p.refuse(body.Node, "shape", "off_hours needs hours")
		return false
	}
	e.Days = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	if n := body.Values["days"]; n != nil {
		e.Days = nil
		for _, s := range rulefile.Texts(n) {
			at := strings.Index("sunmontuewedthufrisat", strings.ToLower(s))
			if len(s) != 3 || at < 0 || at%3 != 0 {
				p.refuse(n, "value", "day %q is not one of mon, tue, wed, thu, fri, sat, sun", s)
				return false
			}
			e.Days = append(e.Days, time.Weekday(at/3))
		}
	}
	for _, s := range rulefile.Texts(body.Values["holidays"]) {
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			p.refuse(body.Values["holidays"], "value", "holiday %q is not written like 2026-01-01", s)
			return false
		}
		e.Holidays = append(e.Holidays, s)
	}
	return true
}

func parseHours(s string) (Hours, bool) {
	from, to, ok := strings.Cut(s, "-")
	f, ok1 := clock(from)
	t, ok2 := clock(to)
	return Hours{From: f, To: t}, ok && ok1 && ok2 && f != t
}

func clock(s string) (int, bool) {
	h, m, ok := strings.Cut(strings.TrimSpace(s), ":")
	hour, err1 := strconv.Atoi(h)
	minute, err2 := strconv.Atoi(m)
	if !ok || err1 != nil || err2 != nil || len(m) != 2 || hour < 0 || hour > 24 || minute < 0 || minute > 59 || hour == 24 && minute > 0 {
		return 0, false
	}
	return hour*60 + minute, true
}
