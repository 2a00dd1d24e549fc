package framework

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package: sentences of operators, names of attributes, values and units.
func Messages() fs.FS { return messages }

var texts = sync.OnceValues(func() (*i18n.Messages, error) { return i18n.New(messages) })

func own() *i18n.Messages {
	m, err := texts()
	if err != nil {
		panic(fmt.Sprintf("framework: own messages: %v", err)) // a mistake of ours that every test meets
	}
	return m
}

// both gives a message in both languages, false when there is none.
func both(key string) (Text, bool) {
	if !own().Has(key) {
		return Text{}, false
	}
	return Text{own().T("ja", key, nil), own().T("en", key, nil)}, true
}

// AttrName is the name of an attribute of facts ("mail" → メール), the attribute itself when it has none.
func AttrName(attr string) Text {
	if name, ok := both("framework.attr." + attr); ok {
		return name
	}
	return Text{attr, attr}
}

// UnitName is the name of the unit of a measure, the unit itself when it has none.
func UnitName(unit string) Text {
	if name, ok := both("framework.unit." + unit); ok {
		return name
	}
	return Text{unit, unit}
}

// ValueName is the name of a value of an attribute: a topic, a name of this package, else the value itself.
func (t *Table) ValueName(attr, value string) Text {
	if name, ok := both("framework.value." + attr + "." + value); ok {
		return name
	}
	if name, known := t.Topics[value]; known && (attr == "topic" || attr == "") {
		return name
	}
	if name, ok := both("framework.value." + value); ok {
		return name
	}
	return Text{value, value}
}

// Sentence writes what one operator asks for, as a sentence in a language. It needs no facts: the page
// 「なぜ？」 shows it above the records.
func Sentence(op *Op, t *Table, locale string) string {
	args := problem.Args{
		"what": t.what(op.Kind, op.Where), "trigger": t.what(op.Trigger, op.TriggerWhere), "period": period(op.Period, locale),
		"n": op.N, "value": op.Value, "days": t.days(op), "percent": percent(op.Permille), "unit": i18n.Text(UnitName(t.Kinds[op.Kind].Unit)),
	}
	if op.Population != nil {
		args["population"] = t.who(op.Population)
	}
	if op.Op == "approved_by" {
		args["what"] = t.what(InForceKind, op.Where)
	}
	if len(op.Set) > 0 {
		args["set"] = t.list(op.Attr, op.Set)
	}
	key := "framework.op." + op.Op
	if op.Op == "each_after" && op.Setting != "" {
		key += "_setting"
	}
	if op.Op == "reviewed_since" && t.days(op) > 0 {
		key += "_days"
	}
	if (op.Op == "value_at_least" || op.Op == "value_at_most") && op.Population != nil {
		key += "_each"
	}
	return strings.TrimSpace(own().T(locale, key, args))
}

// Sentences writes a whole rule: one sentence for each operator, and whether all or one of them is needed.
func Sentences(r *Rule, t *Table, locale string) (lines []string, anyOf bool) {
	if r == nil {
		return nil, false
	}
	ops, anyOf := r.Ops()
	for i := range ops {
		lines = append(lines, Sentence(&ops[i], t, locale))
	}
	return lines, anyOf
}

func (t *Table) days(op *Op) int {
	if op.Days == 0 && op.Setting != "" {
		return t.Settings[op.Setting].Value
	}
	return op.Days
}

// what names a kind with what it is narrowed down to: 教育の実施（電子メール）.
func (t *Table) what(kind string, where Where) i18n.Text {
	name := t.Kinds[kind].Name
	if name.JA == "" {
		name = Text{kind, kind}
	}
	return t.narrowed(name, where)
}

func (t *Table) who(p *Population) i18n.Text {
	name := t.Populations[p.Of].Name
	if name.JA == "" {
		name = Text{p.Of, p.Of}
	}
	return t.narrowed(name, p.Where)
}

func (t *Table) narrowed(name Text, where Where) i18n.Text {
	var ja, en []string
	for _, attr := range slices.Sorted(maps.Keys(where)) {
		values := t.list(attr, where[attr])
		ja, en = append(ja, values.JA), append(en, values.EN)
	}
	if len(ja) == 0 {
		return i18n.Text(name)
	}
	return i18n.Text{JA: name.JA + "（" + strings.Join(ja, "、") + "）", EN: name.EN + " (" + strings.Join(en, ", ") + ")"}
}

func (t *Table) list(attr string, values Values) i18n.Text {
	var ja, en []string
	for _, v := range values {
		name := t.ValueName(attr, v)
		ja, en = append(ja, name.JA), append(en, name.EN)
	}
	return i18n.Text{JA: strings.Join(ja, "・"), EN: strings.Join(en, " / ")}
}

// period writes the alternatives of a period; the empty one is empty.
func period(p Period, locale string) string {
	var parts []string
	for _, s := range p {
		switch {
		case s.FiscalYear:
			parts = append(parts, own().T(locale, "framework.period.fiscal_year", nil))
		case s.Round:
			parts = append(parts, own().T(locale, "framework.period.round", nil))
		default:
			parts = append(parts, own().T(locale, "framework.period.days", problem.Args{"days": s.Days + s.Grace}))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return own().T(locale, "framework.period.of", problem.Args{"spans": strings.Join(parts, own().T(locale, "framework.period.or", nil))})
}

// percent writes per mille as per cent: 950 → "95", 955 → "95.5".
func percent(permille int) string {
	if permille%10 == 0 {
		return strconv.Itoa(permille / 10)
	}
	return fmt.Sprintf("%d.%d", permille/10, permille%10)
}
