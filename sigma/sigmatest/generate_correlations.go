package sigmatest

import (
	"encoding/json"
	"fmt"
	"maps"
)

// correlations makes three plain rules, and correlations and extensions over them and over each other.
func (m *maker) correlations() []map[string]any {
	source := map[string]any{"product": "test"}
	base := func(name string, selection map[string]any) map[string]any {
		return map[string]any{
			"title": name, "name": name, "logsource": source,
			"detection": map[string]any{"s": selection, "condition": "s"},
		}
	}
	out := []map[string]any{
		base("a", map[string]any{"E": 1}),
		base("b", map[string]any{"E": []int{1, 2}}),
		base("c", map[string]any{"E": 3}),
	}
	names := []string{"a", "b", "c"}
	for i := range 8 {
		section := m.shared(names)
		kind := "correlation"
		if m.chance(30) {
			kind = "kizuki"
			maps.Copy(section, m.extension())
		} else {
			maps.Copy(section, m.correlation())
		}
		name := fmt.Sprintf("t%d", i)
		document := map[string]any{"title": name, "name": name, kind: section}
		if m.chance(20) {
			document["generate"] = m.chance(70)
		}
		out = append(out, document)
		if m.chance(40) {
			names = append(names, name)
		}
	}
	return out
}

func (m *maker) shared(names []string) map[string]any {
	var rules []string
	for range 1 + m.IntN(3) {
		name := pick(m, names)
		for _, r := range rules {
			if r == name {
				name = ""
			}
		}
		if name != "" {
			rules = append(rules, name)
		}
	}
	section := map[string]any{"rules": rules}
	switch m.IntN(4) {
	case 0:
		section["group-by"] = []string{"User"}
	case 1:
		section["group-by"] = []string{"User", "E"}
	case 2:
		section["group-by"] = []string{"who"}
		section["aliases"] = map[string]any{"who": map[string]string{"a": "User", "b": "TargetUser", "c": "User"}}
	}
	return section
}

var timespans = []string{"5s", "10s", "20s", "30s", "1m", "2m", "1h"}

func (m *maker) correlation() map[string]any {
	kind := pick(m, []string{
		"event_count", "event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_min", "value_max",
		"value_percentile",
	})
	section := map[string]any{"type": kind, "timespan": pick(m, timespans)}
	condition := map[string]any{}
	switch kind {
	case "temporal", "temporal_ordered":
		if m.chance(60) {
			return section
		}
		condition["gte"] = 1 + m.IntN(2)
	case "event_count", "value_count":
		m.limits(condition, []json.Number{"1", "2", "3", "4"})
		if kind == "value_count" {
			condition["field"] = pick(m, []any{"User", "IP", []string{"User", "E"}})
		}
	default:
		m.limits(condition, []json.Number{"0", "1", "2", "2.5", "10", "100", "-3"})
		condition["field"] = "N"
		if kind == "value_percentile" && m.chance(70) {
			condition["percentile"] = pick(m, []int{1, 25, 50, 75, 90, 100})
		}
	}
	section["condition"] = condition
	return section
}

// limits adds one comparison, or two for a range.
func (m *maker) limits(condition map[string]any, from []json.Number) {
	if m.chance(20) {
		condition["gt"], condition["lte"] = pick(m, from), pick(m, from)
		return
	}
	condition[pick(m, []string{"gte", "gte", "gte", "gt", "lt", "lte", "eq", "neq"})] = pick(m, from)
}

func (m *maker) extension() map[string]any {
	switch m.IntN(4) {
	case 0:
		section := map[string]any{"type": "first_seen", "field": pick(m, []any{"IP", "User", []string{"User", "IP"}})}
		if m.chance(50) {
			section["learn"] = pick(m, timespans)
		}
		if m.chance(50) {
			section["forget"] = pick(m, timespans)
		}
		return section
	case 1:
		return map[string]any{"type": "absence", "timespan": pick(m, timespans)}
	case 2:
		section := map[string]any{
			"type": "off_hours", "timezone": pick(m, []string{"Asia/Tokyo", "+09:00", "UTC", "-03:30"}),
			"hours": pick(m, []any{"08:00-18:01", "18:01-18:02", "09:00-09:01", "22:00-09:01", []string{"05:30-05:31", "17:00-18:00"}}),
		}
		if m.chance(40) {
			section["days"] = pick(m, [][]string{{"wed"}, {"thu", "fri"}, {"sun", "mon", "tue", "wed"}})
		}
		if m.chance(30) {
			section["holidays"] = []string{"2026-04-01"}
		}
		if m.chance(30) {
			section["calendar"] = "plant"
		}
		return section
	default:
		return map[string]any{
			"type": "regularity", "timespan": pick(m, timespans), "events": 3 + m.IntN(2), "jitter": pick(m, []int{0, 20, 35, 60, 100}),
		}
	}
}
