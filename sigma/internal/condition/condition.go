// Package condition reads the condition of a rule. It imports nothing of ours.
package condition

import (
	"errors"
	"fmt"
	"strings"
)

// Op says what a node does.
type Op uint8

// The nodes of a condition.
const (
	Name  Op = iota // one search identifier
	And             // all of Kids
	Or              // one of Kids
	Not             // not Kids[0]
	OneOf           // one of the identifiers that agree with Name
	AllOf           // all of them
)

// Node is a condition or a part of it.
type Node struct {
	Op   Op
	Name string // identifier, or pattern with "*"; "them" for all that do not begin with "_"
	Kids []*Node
}

const (
	maxLength = 64 << 10
	maxDepth  = 200
)

type parser struct {
	tokens []string
	at     int
	depth  int
}

// Parse reads a condition. Words of the language are known in capitals too.
func Parse(text string) (*Node, error) {
	if len(text) > maxLength {
		return nil, fmt.Errorf("condition is longer than %d bytes", maxLength)
	}
	if strings.Contains(text, "|") {
		return nil, fmt.Errorf("condition has a pipe (%q): aggregations were taken out of Sigma; write a correlation", text)
	}
	p := &parser{tokens: tokens(text)}
	if len(p.tokens) == 0 {
		return nil, errors.New("condition is empty")
	}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.at < len(p.tokens) {
		return nil, fmt.Errorf("condition %q: %q is not expected", text, p.tokens[p.at])
	}
	return n, nil
}

func tokens(text string) []string {
	var all []string
	for word := range strings.FieldsSeq(text) {
		for word != "" {
			i := strings.IndexAny(word, "()")
			switch {
			case i < 0:
				all = append(all, word)
				word = ""
			case i == 0:
				all = append(all, word[:1])
				word = word[1:]
			default:
				all = append(all, word[:i])
				word = word[i:]
			}
		}
	}
	return all
}

func (p *parser) peek() string {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return ""
}

// word takes the next token if it is that word.
func (p *parser) word(w string) bool {
	if strings.EqualFold(p.peek(), w) {
		p.at++
		return true
	}
	return false
}

func (p *parser) or() (*Node, error) { return p.chain(Or, "or", p.and) }

func (p *parser) and() (*Node, error) { return p.chain(And, "and", p.not) }

func (p *parser) chain(op Op, between string, part func() (*Node, error)) (*Node, error) {
	first, err := part()
	if err != nil {
		return nil, err
	}
	kids := []*Node{first}
	for p.word(between) {
		next, err := part()
		if err != nil {
			return nil, err
		}
		kids = append(kids, next)
	}
	if len(kids) == 1 {
		return first, nil
	}
	return &Node{Op: op, Kids: kids}, nil
}

func (p *parser) not() (*Node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("condition is nested deeper than %d", maxDepth)
	}
	defer func() { p.depth-- }()
	if !p.word("not") {
		return p.primary()
	}
	n, err := p.not()
	if err != nil {
		return nil, err
	}
	return &Node{Op: Not, Kids: []*Node{n}}, nil
}

func (p *parser) primary() (*Node, error) {
	t := p.peek()
	switch {
	case t == "":
		return nil, errors.New("condition ends too early")
	case t == "(":
		p.at++
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		if !p.word(")") {
			return nil, errors.New("condition lacks a closing bracket")
		}
		return n, nil
	case t == ")":
		return nil, errors.New("condition has a closing bracket too many")
	case p.at+1 < len(p.tokens) && strings.EqualFold(p.tokens[p.at+1], "of"):
		return p.quantified(t)
	case reserved(t):
		return nil, fmt.Errorf("condition: %q stands where a search identifier is expected", t)
	case strings.Contains(t, "*"):
		return nil, fmt.Errorf("condition: the pattern %q needs \"1 of\" or \"all of\" before it", t)
	}
	p.at++
	return &Node{Op: Name, Name: t}, nil
}

func (p *parser) quantified(count string) (*Node, error) {
	p.at += 2
	name := p.peek()
	if name == "" || name == "(" || name == ")" || reserved(name) {
		return nil, fmt.Errorf("condition: %q of what?", count)
	}
	p.at++
	switch strings.ToLower(count) {
	case "1", "any":
		return &Node{Op: OneOf, Name: name}, nil
	case "all":
		return &Node{Op: AllOf, Name: name}, nil
	}
	return nil, fmt.Errorf("condition: %q of; Sigma has \"1 of\" and \"all of\"", count)
}

func reserved(t string) bool {
	switch strings.ToLower(t) {
	case "and", "or", "not", "of":
		return true
	}
	return false
}

// Agrees says whether an identifier belongs to the pattern of OneOf or AllOf.
func Agrees(pattern, name string) bool {
	if strings.EqualFold(pattern, "them") {
		return !strings.HasPrefix(name, "_")
	}
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	rest, ok := strings.CutPrefix(name, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[last])
}
