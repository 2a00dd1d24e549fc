package sigmatest

import (
	"fmt"
	"strings"
)

// rule makes a rule with one to four selections and a condition over them.
func (m *maker) rule(i int) map[string]any {
	detection := map[string]any{}
	var names []string
	for range 1 + m.IntN(4) {
		name := pick(m, []string{"sel_a", "sel_b", "filter_a", "filter_b", "_aside", "other"})
		if detection[name] == nil {
			names = append(names, name)
		}
		detection[name] = m.selection()
	}
	if m.chance(10) {
		detection["condition"] = []string{m.condition(names, 2), m.condition(names, 1)}
	} else {
		detection["condition"] = m.condition(names, 3)
	}
	source := map[string]any{"product": "test"}
	if m.chance(20) {
		source["category"] = pick(m, []string{"one", "two"})
	}
	return map[string]any{"title": ordinal(i), "name": fmt.Sprintf("r%d", i), "logsource": source, "detection": detection}
}

// condition makes a condition over some identifiers. Patterns that fit none are rare: they refuse the rule.
func (m *maker) condition(names []string, depth int) string {
	switch n := m.IntN(10); {
	case depth > 0 && n < 2:
		return m.condition(names, depth-1) + " and " + m.condition(names, depth-1)
	case depth > 0 && n < 5:
		return m.condition(names, depth-1) + " or " + m.condition(names, depth-1)
	case depth > 0 && n < 6:
		return "not " + m.condition(names, depth-1)
	case depth > 0 && n < 7:
		return "(" + m.condition(names, depth-1) + ")"
	case n < 8:
		name := pick(m, names)
		at := strings.IndexByte(name, '_')
		return pick(m, []string{"1 of ", "all of "}) + name[:at+1] + "*" + name[len(name)-m.IntN(2):]
	case n == 8 && (len(names) > 1 || names[0] != "_aside"):
		return pick(m, []string{"1 of them", "all of them"})
	default:
		return pick(m, names)
	}
}

func (m *maker) selection() any {
	switch n := m.IntN(10); {
	case n == 0:
		keywords := []any{m.keyword()}
		for m.chance(50) {
			keywords = append(keywords, m.keyword())
		}
		return keywords
	case n == 1:
		return map[string]any{"|all": []any{m.keyword(), m.keyword()}}
	case n < 4:
		return []any{m.items(), m.items()}
	default:
		return m.items()
	}
}

func (m *maker) keyword() any {
	if m.chance(10) {
		return 10
	}
	return m.pattern(m.part(m.seen(pick(m, textFields)), 0), true)
}

func (m *maker) items() map[string]any {
	items := map[string]any{}
	for {
		key, value := m.item()
		items[key] = value
		if m.chance(70) {
			return items
		}
	}
}

// item makes one key with its value or values.
func (m *maker) item() (key string, value any) {
	switch m.IntN(14) {
	case 0:
		return m.regular()
	case 1:
		return m.network()
	case 2:
		return m.comparison()
	case 3:
		return m.date()
	case 4:
		return m.reference()
	case 5:
		return m.placeholder()
	case 6:
		return m.encoding()
	case 7:
		return m.special()
	default:
		return m.plain()
	}
}

var anchors = []string{"|contains", "|startswith", "|endswith", ""}

func (m *maker) plain() (string, any) {
	field := pick(m, textFields)
	where := m.IntN(len(anchors))
	key := field + anchors[where]
	windash := m.chance(15)
	value, several := m.list(func() any { return m.pattern(m.part(m.seen(field), where), true) })
	if windash {
		key += "|windash"
	}
	if several && m.chance(30) {
		key += "|all"
	}
	return key + m.mostly(8, "|cased") + m.mostly(8, "|neq"), value
}

// mostly gives nothing, and a modifier now and then.
func (m *maker) mostly(percent int, modifier string) string {
	if m.chance(percent) {
		return modifier
	}
	return ""
}

func (m *maker) regular() (string, any) {
	field := pick(m, textFields)
	value, several := m.list(func() any {
		return pick(m, []string{
			"^[a-z]+", "(cmd|net)", "b.b", `\\`, `^$`, "[^a-zA-Z]$", "a{1,2}", "^.?.?$", "é|я", `\bbob\b`, `[*?]`, "^cmd$", "a.*b", "(?:net|bob).",
		})
	})
	key := field + "|re" + m.mostly(30, "|i") + m.mostly(20, "|m") + m.mostly(20, "|s")
	if several && m.chance(30) {
		key += "|all"
	}
	return key + m.mostly(10, "|neq"), value
}

func (m *maker) network() (string, any) {
	value, _ := m.list(func() any {
		return pick(m, []string{"10.0.0.0/8", "192.0.2.0/28", "10.0.0.1", "::/0", "fe80::/10", "2001:db8::/32", "0.0.0.0/0", "::1/128"})
	})
	return "IP|cidr" + m.mostly(15, "|neq"), value
}

func (m *maker) comparison() (string, any) {
	value, several := m.list(func() any { return m.number() })
	key := "N" + pick(m, []string{"|gt", "|gte", "|lt", "|lte", ""})
	if several && m.chance(30) {
		key += "|all"
	}
	return key + m.mostly(10, "|neq"), value
}

func (m *maker) date() (string, any) {
	part := m.IntN(6)
	value, _ := m.list(func() any {
		return pick(m, [][]int{{24, 0, 59}, {5, 0, 23}, {17, 1, 29}, {16, 1, 52}, {4, 1, 12}, {2026, 2025, 1601}}[part])
	})
	key := "When|" + []string{"minute", "hour", "day", "week", "month", "year"}[part]
	return key + pick(m, []string{"", "", "|gt", "|gte", "|lt", "|lte"}) + m.mostly(10, "|neq"), value
}

func (m *maker) reference() (string, any) {
	value, several := m.list(func() any { return pick(m, []string{"User", "TargetUser", "F", "G"}) })
	key := pick(m, []string{"User", "TargetUser", "G", "H"}) + "|fieldref" + pick(m, []string{"", "", "|startswith", "|endswith", "|contains"})
	if several && m.chance(30) {
		key += "|all"
	}
	return key + m.mostly(10, "|cased") + m.mostly(15, "|neq"), value
}

func (m *maker) placeholder() (string, any) {
	if m.chance(10) {
		return "IP|cidr|expand", "%nets%"
	}
	field := pick(m, []string{"User", "F"})
	value, _ := m.list(func() any {
		return pick(m, []string{"%users%", "%tool%", "%tool%*", `\%%users%`, "100%", "bob"})
	})
	return field + pick(m, anchors) + "|expand" + m.mostly(10, "|windash"), value
}

// encoding looks for coded text: the store of words has some.
func (m *maker) encoding() (string, any) {
	switch m.IntN(5) {
	case 0:
		return "F|base64|contains", "cmd"
	case 1:
		return "F|wide|base64|contains", "cmd"
	case 2:
		return "F|utf16be|base64offset|contains", []string{"cmd", "net"}
	case 3:
		return "G|wide|base64offset|contains", "c"
	default:
		return "F|base64offset|contains" + m.mostly(20, "|cased"), []string{"cmd", "m"}
	}
}

func (m *maker) special() (string, any) {
	field := pick(m, append([]string{"Flag", "IP"}, textFields...))
	switch m.IntN(6) {
	case 0:
		return field, nil
	case 1:
		return field, ""
	case 2:
		return field + "|exists", m.chance(50)
	case 3:
		return "Flag", m.chance(50)
	case 4:
		return "Target User", pick(m, users)
	default:
		return field, "*"
	}
}

// filters makes up to two, of either form.
func (m *maker) filters() []map[string]any {
	var out []map[string]any
	for i := range m.IntN(3) {
		condition := pick(m, []string{"selection", "not selection", "1 of them", "not 1 of them", "selection and not b", "not selection and not b"})
		var rules any = []string{fmt.Sprintf("r%d", m.IntN(20)), fmt.Sprintf("r%d", m.IntN(20)), "b"}
		if m.chance(10) {
			rules = "any"
		}
		source := map[string]any{"product": "test"}
		if m.chance(15) {
			source["category"] = "one"
		}
		out = append(out, map[string]any{
			"title": fmt.Sprintf("filter %d", i), "logsource": source,
			"filter": map[string]any{"rules": rules, "selection": m.items(), "b": m.items(), "condition": condition},
		})
	}
	return out
}
