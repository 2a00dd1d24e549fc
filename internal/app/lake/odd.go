package lake

import (
	"slices"

	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// Odd is what of a query may be a slip.
type Odd struct {
	Severities []string // values of severity that no line can have
	Fields     []string // fields that are neither columns nor have any meaning of their own: perhaps native keys, perhaps misspelt
}

// OddOf looks for what may be a slip in a query.
func OddOf(q Query) Odd {
	var o Odd
	o.look(q.Where)
	return o
}

func (o *Odd) look(t query.Term) {
	switch t := t.(type) {
	case query.And:
		for _, t := range t {
			o.look(t)
		}
	case query.Or:
		for _, t := range t {
			o.look(t)
		}
	case query.Not:
		o.look(t.Term)
	case query.Equal:
		o.field(t.Field, t.Value)
	case query.In:
		o.field(t.Field, t.Values...)
	case query.Prefix:
		o.field(t.Field)
	case query.Contains:
		o.field(t.Field)
	case query.Match:
		o.field(t.Field)
	case query.Exists:
		o.field(t.Field)
	case query.Number:
		o.field(t.Field)
	}
}

func (o *Odd) field(name string, values ...string) {
	if name == "severity" {
		for _, v := range values {
			if v != "" && (len(v) != 1 || v < "1" || v > "6") && !slices.Contains(o.Severities, v) {
				o.Severities = append(o.Severities, v)
			}
		}
	}
	if !query.IsColumn(name) && name != query.AnyIP && !slices.Contains(o.Fields, name) {
		o.Fields = append(o.Fields, name)
	}
}
