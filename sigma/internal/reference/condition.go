package reference

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// truth answers a condition, given which identifiers match.
type truth func(matches func(identifier string) bool) bool

// conditionParser reads a condition by recursive descent: or < and < not < "1 of" < parentheses.
type conditionParser struct {
	words       []string
	identifiers []string
}

// reserved are the words that name no identifier.
func reserved(word string) bool {
	return slices.Contains([]string{"and", "or", "not", "of", "(", ")"}, strings.ToLower(word))
}

func parseCondition(text string, identifiers []string) (truth, error) {
	if strings.Contains(text, "|") {
		return nil, errors.New("the aggregation behind | is obsolete: write a correlation")
	}
	text = strings.NewReplacer("(", " ( ", ")", " ) ").Replace(text)
	p := &conditionParser{strings.Fields(text), identifiers}
	t, err := p.or()
	if err == nil && len(p.words) > 0 {
		err = fmt.Errorf("the condition does not go on with %q", p.words[0])
	}
	return t, err
}

// take drops the next word if it is this one.
func (p *conditionParser) take(word string) bool {
	if len(p.words) == 0 || !strings.EqualFold(p.words[0], word) {
		return false
	}
	p.words = p.words[1:]
	return true
}

func (p *conditionParser) or() (truth, error) {
	left, err := p.and()
	for err == nil && p.take("or") {
		var right truth
		first := left
		right, err = p.and()
		left = func(m func(string) bool) bool { return first(m) || right(m) }
	}
	return left, err
}

func (p *conditionParser) and() (truth, error) {
	left, err := p.not()
	for err == nil && p.take("and") {
		var right truth
		first := left
		right, err = p.not()
		left = func(m func(string) bool) bool { return first(m) && right(m) }
	}
	return left, err
}

func (p *conditionParser) not() (truth, error) {
	if !p.take("not") {
		return p.operand()
	}
	inner, err := p.not()
	return func(m func(string) bool) bool { return !inner(m) }, err
}

func (p *conditionParser) operand() (truth, error) {
	if p.take("(") {
		inner, err := p.or()
		if err == nil && !p.take(")") {
			err = errors.New("a parenthesis is not closed")
		}
		return inner, err
	}
	if len(p.words) == 0 {
		return nil, errors.New("the condition ends too early")
	}
	if len(p.words) > 1 && strings.EqualFold(p.words[1], "of") {
		return p.quantity()
	}
	word := p.words[0]
	p.words = p.words[1:]
	if !slices.Contains(p.identifiers, word) || reserved(word) || strings.Contains(word, "*") {
		return nil, fmt.Errorf("the condition names %q, which is not defined", word)
	}
	return func(m func(string) bool) bool { return m(word) }, nil
}

func (p *conditionParser) quantity() (truth, error) {
	quantity := strings.ToLower(p.words[0])
	if len(p.words) < 3 {
		return nil, errors.New("the condition ends after of")
	}
	target := p.words[2]
	p.words = p.words[3:]
	if reserved(target) {
		return nil, fmt.Errorf("%s of %q", quantity, target)
	}
	them := strings.EqualFold(target, "them")
	var chosen []string
	for _, identifier := range p.identifiers {
		if them && !strings.HasPrefix(identifier, "_") || !them && starPattern(target).match(characters(identifier), true) {
			chosen = append(chosen, identifier)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no identifier is like %q", target)
	}
	switch quantity {
	case "1", "any":
		return func(m func(string) bool) bool { return slices.ContainsFunc(chosen, m) }, nil
	case "all":
		return func(m func(string) bool) bool {
			return !slices.ContainsFunc(chosen, func(id string) bool { return !m(id) })
		}, nil
	default:
		return nil, fmt.Errorf("%q of: only 1 and all", quantity)
	}
}

// starPattern knows no other wildcard than *, and no escapes.
func starPattern(text string) pattern {
	var p pattern
	for _, c := range characters(text) {
		if c == '*' {
			p = append(p, token{many: true})
		} else {
			p = append(p, literal(c))
		}
	}
	return p
}
