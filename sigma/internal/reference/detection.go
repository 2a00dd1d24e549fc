package reference

import (
	"errors"
	"fmt"
	"slices"
)

// detection is the selections of a rule or a filter, with the condition over them.
type detection struct {
	selections map[string]test
	condition  truth
}

// holds says whether the condition is true for an event.
func (d detection) holds(r record) bool {
	return d.condition(func(identifier string) bool { return d.selections[identifier](r) })
}

// holdsForNothing says whether the condition is true when no identifier matches.
func (d detection) holdsForNothing() bool {
	return d.condition(func(string) bool { return false })
}

// detection compiles a section; the keys named are not selections.
func (l *loader) detection(section *node, others ...string) (detection, error) {
	d := detection{selections: map[string]test{}}
	if !section.isMap() {
		return d, errors.New("the section must be a map")
	}
	var identifiers []string
	for _, key := range section.keys {
		if key == "condition" || slices.Contains(others, key) {
			continue
		}
		t, err := l.selection(section.members[key])
		if err != nil {
			return d, fmt.Errorf("%s: %w", key, err)
		}
		d.selections[key] = t
		identifiers = append(identifiers, key)
	}
	conditions, err := section.words("condition")
	if err != nil {
		return d, err
	}
	if len(conditions) == 0 {
		return d, errors.New("there is no condition")
	}
	var alternatives []truth
	for _, text := range conditions {
		t, err := parseCondition(text, identifiers)
		if err != nil {
			return d, err
		}
		alternatives = append(alternatives, t)
	}
	d.condition = func(m func(string) bool) bool {
		return slices.ContainsFunc(alternatives, func(t truth) bool { return t(m) })
	}
	return d, nil
}

// selection compiles what one identifier stands for.
func (l *loader) selection(n *node) (test, error) {
	switch {
	case n.scalar:
		return l.keyword(n)
	case n.isMap() && len(n.keys) > 0:
		var tests []test
		for _, key := range n.keys {
			t, err := l.item(key, n.members[key])
			if err != nil {
				return nil, err
			}
			tests = append(tests, t)
		}
		return every(tests), nil
	case n.isList() && len(n.list) > 0:
		var tests []test
		for _, item := range n.list {
			if item.isList() || item.null {
				return nil, errors.New("a list holds texts or maps")
			}
			t, err := l.selection(item)
			if err != nil {
				return nil, err
			}
			tests = append(tests, t)
		}
		return some(tests), nil
	default:
		return nil, errors.New("a selection is empty")
	}
}

func (l *loader) keyword(n *node) (test, error) {
	return l.one(chain{}, n)
}
