package framework

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decode reads one strict YAML document: an unknown field, a field given twice and a second document are
// errors that name the file and the line.
func decode(name string, data []byte, into any) error {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		return yamlError(name, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: more than one document", name)
	}
	return nil
}

// yamlError puts the file in front of the line of each finding: "scs.yaml:12: field x not found".
func yamlError(name string, err error) error {
	findings := []string{strings.TrimPrefix(err.Error(), "yaml: ")}
	if typed, ok := errors.AsType[*yaml.TypeError](err); ok {
		findings = typed.Errors
	}
	errs := make([]error, 0, len(findings))
	for _, f := range findings {
		if rest, cut := strings.CutPrefix(f, "line "); cut {
			if line, what, ok := strings.Cut(rest, ": "); ok {
				errs = append(errs, fmt.Errorf("%s:%s: %s", name, line, what))
				continue
			}
		}
		errs = append(errs, fmt.Errorf("%s: %s", name, f))
	}
	return errors.Join(errs...)
}

// at reports a finding at a place in the file, in the form of the YAML library.
func at(n *yaml.Node, format string, args ...any) error {
	return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: ", n.Line) + fmt.Sprintf(format, args...)}}
}

// UnmarshalYAML reads one value or a list of values. They stay as written: yes and no are texts.
func (v *Values) UnmarshalYAML(n *yaml.Node) error {
	switch n.Kind {
	case yaml.ScalarNode:
		*v = Values{n.Value}
		return nil
	case yaml.SequenceNode:
		out := make(Values, 0, len(n.Content))
		for _, c := range n.Content {
			if c.Kind != yaml.ScalarNode {
				return at(c, "a value must be a single text")
			}
			out = append(out, c.Value)
		}
		*v = out
		return nil
	default:
		return at(n, "expected a value or a list of values")
	}
}

// UnmarshalYAML reads a list of spans: fiscal_year, round, {days: N, grace: N}.
func (p *Period) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode {
		return at(n, "a period is a list such as [fiscal_year, {days: 365}]")
	}
	out := make(Period, 0, len(n.Content))
	for _, c := range n.Content {
		s, err := span(c)
		if err != nil {
			return err
		}
		out = append(out, s)
	}
	*p = out
	return nil
}

func span(n *yaml.Node) (Span, error) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Value == "fiscal_year":
		return Span{FiscalYear: true}, nil
	case n.Kind == yaml.ScalarNode && n.Value == "round":
		return Span{Round: true}, nil
	case n.Kind != yaml.MappingNode:
		return Span{}, at(n, "unknown span %q: fiscal_year, round or {days: N}", n.Value)
	}
	var s Span
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		number, err := strconv.Atoi(value.Value)
		if err != nil || number < 0 || number > 100*365 {
			return Span{}, at(value, "%s must be a number of days", name.Value)
		}
		switch name.Value {
		case "days":
			s.Days = number
		case "grace":
			s.Grace = number
		default:
			return Span{}, at(name, "field %s not found in a span", name.Value)
		}
	}
	if s.Days == 0 {
		return Span{}, at(n, "a span needs days")
	}
	return s, nil
}

// keysUnder lists the keys of the mapping under a top key, in the order of the file: maps forget it.
func keysUnder(data []byte, top string) []string {
	var doc yaml.Node
	if yaml.Unmarshal(data, &doc) != nil || len(doc.Content) == 0 {
		return nil
	}
	var keys []string
	root := doc.Content[0]
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != top {
			continue
		}
		for j := 0; j < len(root.Content[i+1].Content); j += 2 {
			keys = append(keys, root.Content[i+1].Content[j].Value)
		}
	}
	return keys
}
