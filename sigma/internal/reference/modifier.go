package reference

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// test answers a yes-or-no question about an event.
type test func(record) bool

// chain is the modifiers of one key, sorted by what they do.
type chain struct {
	field    string   // without spaces; empty: any field
	anchor   string   // contains, startswith, endswith
	kind     string   // re, cidr, exists, fieldref, or empty
	compare  string   // lt lte gt gte
	part     string   // minute hour day week month year
	encoding []string // windash, base64 …, in the order written
	flags    string   // of re
	all      bool
	cased    bool
	neq      bool
	expand   bool
}

func parseKey(key string) (chain, error) {
	parts := strings.Split(key, "|")
	c := chain{field: fieldName(parts[0])}
	for _, m := range parts[1:] {
		if err := c.add(m); err != nil {
			return c, err
		}
	}
	return c, c.check(len(parts) == 1)
}

// fieldName drops the spaces of a name, and any white space around it.
func fieldName(text string) string { return strings.ReplaceAll(strings.TrimSpace(text), " ", "") }

func (c *chain) add(modifier string) error {
	once := func(into *string) error {
		if *into != "" {
			return fmt.Errorf("the modifiers %s and %s exclude each other", *into, modifier)
		}
		*into = modifier
		return nil
	}
	switch modifier {
	case "contains", "startswith", "endswith":
		return once(&c.anchor)
	case "re", "cidr", "exists", "fieldref":
		return once(&c.kind)
	case "lt", "lte", "gt", "gte":
		return once(&c.compare)
	case "minute", "hour", "day", "week", "month", "year":
		return once(&c.part)
	case "i", "m", "s":
		if c.kind != "re" {
			return fmt.Errorf("the modifier %s belongs behind re", modifier)
		}
		c.flags += modifier
	case "base64", "base64offset", "wide", "utf16", "utf16le", "utf16be", "windash":
		c.encoding = append(c.encoding, modifier)
	case "all":
		c.all = true
	case "cased":
		c.cased = true
	case "neq":
		c.neq = true
	case "expand":
		c.expand = true
	default:
		return fmt.Errorf("unknown modifier %q", modifier)
	}
	return nil
}

// check refuses chains that mean nothing.
func (c *chain) check(bare bool) error {
	special := c.kind != "" || c.compare != "" || c.part != ""
	switch {
	case c.field == "" && bare:
		return errors.New("a key without field and modifier")
	case c.field == "" && special && c.kind != "re":
		return fmt.Errorf("%s%s%s needs a field", c.kind, c.compare, c.part)
	case c.kind != "" && (c.compare != "" || c.part != ""):
		return fmt.Errorf("%s cannot be combined with %s%s", c.kind, c.compare, c.part)
	case special && len(c.encoding) > 0:
		return fmt.Errorf("%s needs a plain value", c.encoding[0])
	case c.anchor != "" && special && c.kind != "fieldref":
		return fmt.Errorf("%s cannot be combined with %s%s%s", c.anchor, c.kind, c.compare, c.part)
	case c.cased && special && c.kind != "fieldref":
		return fmt.Errorf("cased cannot be combined with %s%s%s", c.kind, c.compare, c.part)
	case c.expand && special && c.kind != "cidr" && c.kind != "re":
		return fmt.Errorf("expand cannot be combined with %s%s%s", c.kind, c.compare, c.part)
	case c.kind == "exists" && (c.all || c.neq):
		return errors.New("exists stands alone")
	}
	return nil
}

// item compiles one key of a selection with its value or values.
func (l *loader) item(key string, n *node) (test, error) {
	c, err := parseKey(key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	found, err := l.compile(c, n)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	if c.neq {
		return func(r record) bool { return !found(r) }, nil
	}
	return found, nil
}

func (l *loader) compile(c chain, n *node) (test, error) {
	if len(n.list) == 1 && !n.list[0].isList() {
		n = n.list[0] // a list of one is that one
	}
	if n.null {
		if c.field == "" || c.anchor != "" || c.kind != "" || c.compare != "" || c.part != "" || len(c.encoding) > 0 || c.all || c.expand {
			return nil, errors.New("null goes with a bare field only")
		}
		return isNull(c.field), nil
	}
	if c.kind == "exists" {
		return exists(c.field, n)
	}
	values := n.list
	if n.scalar {
		values = []*node{n}
	}
	if len(values) == 0 {
		return nil, errors.New("needs a value or a list of values")
	}
	var tests []test
	for _, v := range values {
		if v.null {
			return nil, errors.New("null cannot stand in a list")
		}
		if !v.scalar {
			return nil, errors.New("a value must not be a list or a map")
		}
		t, err := l.one(c, v)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	if c.all {
		return every(tests), nil
	}
	return some(tests), nil
}

func some(tests []test) test {
	return func(r record) bool { return slices.ContainsFunc(tests, func(t test) bool { return t(r) }) }
}

func every(tests []test) test {
	return func(r record) bool { return !slices.ContainsFunc(tests, func(t test) bool { return !t(r) }) }
}

func isNull(field string) test {
	return func(r record) bool {
		values, ok := r.fields[field]
		return !ok || slices.ContainsFunc(values, func(v value) bool { return v.null })
	}
}

func exists(field string, n *node) (test, error) {
	text := strings.ToLower(n.text)
	want := text == "true" || text == "yes"
	if !n.boolean && !want && text != "false" && text != "no" {
		return nil, errors.New("exists wants true or false")
	}
	return func(r record) bool {
		_, ok := r.fields[field]
		return ok == want
	}, nil
}

// values gives the values a chain looks at: those of its field, or of every field. Nulls have nothing to look at.
func (c chain) values(r record) []value {
	var found []value
	for name, values := range r.fields {
		if c.field != "" && name != c.field {
			continue
		}
		for _, v := range values {
			if !v.null {
				found = append(found, v)
			}
		}
	}
	return found
}

// on makes a test of a question about one value.
func (c chain) on(question func(value) bool) test {
	return func(r record) bool { return slices.ContainsFunc(c.values(r), question) }
}

// one compiles a single value.
func (l *loader) one(c chain, v *node) (test, error) {
	switch {
	case c.kind == "fieldref":
		return c.fieldref(v)
	case c.kind == "re" || c.kind == "cidr":
		texts, err := l.expandText(c, v)
		if err != nil {
			return nil, err
		}
		var tests []test
		for _, text := range texts {
			t, err := c.textTest(text)
			if err != nil {
				return nil, err
			}
			tests = append(tests, t)
		}
		return some(tests), nil
	case c.compare != "" || c.part != "":
		return c.numeric(v)
	}
	patterns, err := l.patterns(c, v)
	if err != nil {
		return nil, err
	}
	anchor := c.anchor
	if c.field == "" && anchor == "" {
		anchor = "contains"
	}
	var tests []test
	for _, p := range patterns {
		p = p.anchored(anchor)
		tests = append(tests, c.on(func(v value) bool { return p.matches(v, c.cased) }))
	}
	return some(tests), nil
}

// patterns gives what a plain value stands for after placeholders and encodings.
func (l *loader) patterns(c chain, v *node) ([]pattern, error) {
	found := []pattern{literalPattern(v.text)}
	if v.quoted {
		found = []pattern{parsePattern(v.text)}
	}
	if c.expand && v.quoted {
		var err error
		if found, err = l.expand(v.text); err != nil {
			return nil, err
		}
	}
	for _, how := range c.encoding {
		var next []pattern
		for _, p := range found {
			if how == "windash" {
				next = append(next, p.windash())
				continue
			}
			encoded, err := p.encode(how)
			if err != nil {
				return nil, err
			}
			next = append(next, encoded...)
		}
		found = next
	}
	return found, nil
}
