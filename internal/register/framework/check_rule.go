package framework

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// form says which parameters an operator must and may have, besides kind and where.
type form struct{ must, may []string }

var forms = map[string]form{
	"exists":         {must: []string{"kind"}, may: []string{"where", "period"}},
	"none":           {must: []string{"kind"}, may: []string{"where", "period"}},
	"count_at_least": {must: []string{"kind", "n"}, may: []string{"where", "period"}},
	"value_at_least": {must: []string{"kind", "value"}, may: []string{"where", "period", "population"}},
	"value_at_most":  {must: []string{"kind"}, may: []string{"value", "where", "period", "population"}},
	"ratio_at_least": {must: []string{"population", "kind", "permille"}, may: []string{"where", "period"}},
	"all_have":       {must: []string{"population", "kind"}, may: []string{"where", "period"}},
	"each_within":    {must: []string{"population", "kind", "period"}, may: []string{"where"}},
	"each_after":     {must: []string{"trigger", "kind"}, may: []string{"trigger_where", "where", "days", "setting", "period", "population"}},
	"last_within":    {must: []string{"kind", "period"}, may: []string{"where"}},
	"reviewed_since": {must: []string{"trigger", "kind"}, may: []string{"trigger_where", "where", "days", "setting", "period"}},
	"approved_by":    {must: []string{"kind"}, may: []string{"where"}},
	"covers":         {must: []string{"kind", "attr", "set"}, may: []string{"where", "period"}},
}

// given lists the parameters that an operator has.
func (o *Op) given() []string {
	var out []string
	for _, one := range []struct {
		name string
		is   bool
	}{
		{"kind", o.Kind != ""},
		{"where", o.Where != nil},
		{"period", len(o.Period) > 0},
		{"population", o.Population != nil},
		{"trigger", o.Trigger != ""},
		{"trigger_where", o.TriggerWhere != nil},
		{"n", o.N != 0},
		{"value", o.Value != 0},
		{"permille", o.Permille != 0},
		{"days", o.Days != 0},
		{"setting", o.Setting != ""},
		{"attr", o.Attr != ""},
		{"set", len(o.Set) > 0},
	} {
		if one.is {
			out = append(out, one.name)
		}
	}
	return out
}

func (t *Table) checkOp(f *findings, o *Op) {
	need, known := forms[o.Op]
	if !known {
		f.add("operator %q is not one of %s", o.Op, strings.Join(Operators, ", "))
		return
	}
	given := o.given()
	for _, name := range need.must {
		if !slices.Contains(given, name) {
			f.add("%s needs %s", o.Op, name)
		}
	}
	for _, name := range given {
		if !slices.Contains(need.must, name) && !slices.Contains(need.may, name) {
			f.add("%s does not take %s", o.Op, name)
		}
	}
	t.checkNumbersOf(f, o)
	measure := strings.HasPrefix(o.Op, "value_")
	if k, known := t.Kinds[o.Kind]; o.Kind != "" && !known {
		f.add("kind %q is not in %s", o.Kind, KindsFile)
	} else if known && measure != (k.Shape == "measure") {
		f.add("%s cannot read %s, a %s", o.Op, o.Kind, k.Shape)
	}
	where := o.Kind
	if o.Op == "approved_by" {
		where = InForceKind
	}
	t.checkWhere(f, where, o.Where)
	if o.Trigger != "" {
		if _, known := t.Kinds[o.Trigger]; !known {
			f.add("trigger %q is not in %s", o.Trigger, KindsFile)
		}
		t.checkWhere(f, o.Trigger, o.TriggerWhere)
	}
	if o.Population != nil {
		p, known := t.Populations[o.Population.Of]
		if !known {
			f.add("population %q is not in %s", o.Population.Of, KindsFile)
		}
		t.checkWhere(f, p.MemberKind, o.Population.Where)
	}
	if o.Attr != "" {
		t.checkValues(f, o.Kind, o.Attr, o.Set)
	}
}

func (t *Table) checkNumbersOf(f *findings, o *Op) {
	if o.N < 0 || o.Days < 0 || o.Permille < 0 || o.Permille > 1000 {
		f.add("n, days and permille must not be negative, permille not above 1000")
	}
	if o.Op == "each_after" && o.Days == 0 && o.Setting == "" {
		f.add("each_after needs days or a setting")
	}
	if o.Setting != "" {
		if _, known := t.Settings[o.Setting]; !known {
			f.add("setting %q is not in %s", o.Setting, KindsFile)
		}
	}
}

func (t *Table) checkWhere(f *findings, kind string, where Where) {
	for _, attr := range sortedKeys(where) {
		t.checkValues(f, kind, attr, where[attr])
	}
}

// checkValues asks that a kind has an attribute and that the attribute can have the values.
func (t *Table) checkValues(f *findings, kind, attr string, values Values) {
	k, known := t.Kinds[kind]
	if !known {
		return // reported where it is named
	}
	if _, known := k.Attrs[attr]; !known {
		f.add("kind %s has no attribute %q", kind, attr)
		return
	}
	if len(values) == 0 {
		f.add("attribute %s needs a value", attr)
	}
	closed := k.Values(attr)
	for _, v := range values {
		switch _, topic := t.Topics[v]; {
		case closed != nil && !slices.Contains(closed, v):
			f.add("%s of %s has no value %q", attr, kind, v)
		case k.Attrs[attr] == "topic" && !topic:
			f.add("topic %q is not in topics", v)
		}
	}
}

var openAttrs = []string{"day", "key", "text", "topic"}

func (t *Table) check(f *findings) {
	for _, name := range sortedKeys(t.Kinds) {
		t.checkKind(f, name, t.Kinds[name])
	}
	for _, name := range sortedKeys(t.Populations) {
		p := t.Populations[name]
		f.place = KindsFile + ": population " + name
		f.both("name", p.Name, false)
		f.both("unit", p.Unit, false)
		for _, kind := range []string{p.MemberKind, p.ExcludedKind, p.ConfirmedKind} {
			if _, known := t.Kinds[kind]; kind != "" && !known {
				f.add("kind %q is not in kinds", kind)
			}
		}
		if p.MemberKind == "" {
			f.add("member_kind must be given")
		}
		t.checkRemedyName(f, p.FillRemedy)
	}
	for _, name := range sortedKeys(t.Topics) {
		f.place = KindsFile + ": topic " + name
		f.both("name", t.Topics[name], false)
	}
	for _, name := range sortedKeys(t.Settings) {
		f.place = KindsFile + ": setting " + name
		f.both("name", t.Settings[name].Name, false)
		if t.Settings[name].Value < 1 {
			f.add("value must be 1 or more")
		}
	}
	for _, name := range sortedKeys(t.Remedies) {
		t.checkRemedy(f, name, t.Remedies[name])
	}
}

func (t *Table) checkKind(f *findings, name string, k Kind) {
	f.place = KindsFile + ": kind " + name
	f.both("name", k.Name, false)
	f.oneOf("state", k.State, []string{"live", "planned"})
	f.oneOf("shape", k.Shape, []string{"measure", "series"})
	if k.Owner == "" {
		f.add("owner must be given")
	}
	if k.Fresh < 1 {
		f.add("fresh must be 1 day or more")
	}
	if k.Shape == "measure" && k.Unit == "" {
		f.add("a measure needs a unit")
	}
	if k.Live() && k.Remedy == "" {
		f.add("a live kind needs a remedy")
	}
	t.checkRemedyName(f, k.Remedy)
	for _, attr := range sortedKeys(k.Attrs) {
		switch v := k.Attrs[attr].(type) {
		case string:
			f.oneOf("attribute "+attr, v, openAttrs)
		case []any:
			for _, one := range v {
				if _, text := one.(string); !text {
					f.add("attribute %s: value %v is no text", attr, one)
				}
			}
		default:
			f.add("attribute %s is neither a list of values nor one of %s", attr, strings.Join(openAttrs, ", "))
		}
	}
}

func (t *Table) checkRemedyName(f *findings, name string) {
	if _, known := t.Remedies[name]; name != "" && !known {
		f.add("remedy %q is not in remedies", name)
	}
}

var placeholder = regexp.MustCompile(`\{([a-z]+)[?}]`)

func (t *Table) checkRemedy(f *findings, name string, r Remedy) {
	f.place = KindsFile + ": remedy " + name
	f.both("title", r.Title, false)
	f.both("button", r.Button, false)
	f.both("why", r.Why, false)
	if !strings.HasPrefix(r.Link, "/") {
		f.add("link %q must be a path of ours", r.Link)
	}
	if r.Minutes < 1 || r.PerMember < 0 {
		f.add("minutes must be 1 or more, per_member not negative")
	}
	for _, kind := range r.Gives {
		if _, known := t.Kinds[kind]; !known {
			f.add("gives %q is not in kinds", kind)
		}
	}
	for _, text := range []string{r.Title.JA, r.Title.EN, r.Button.JA, r.Button.EN, r.Why.JA, r.Why.EN, r.Link} {
		for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
			f.oneOf("placeholder", m[1], []string{"topic", "n", "member", "framework"})
		}
	}
}
