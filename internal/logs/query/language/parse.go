package language

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// Options are what a query's text leaves open.
type Options struct {
	Now    time.Time      // for last 15m; zero: last is refused
	Zone   *time.Location // of times without one; nil: UTC
	Limits query.Limits   // zero: query.DefaultLimits
}

// Parse reads a query. The error is a *query.Error with the place in the text. The tree is in normal form.
func Parse(text string, o Options) (query.Query, error) {
	p := &parser{lexer: lexer{src: text}, options: o, limits: o.Limits.OrDefault()}
	if o.Zone == nil {
		p.options.Zone = time.UTC
	}
	if len(text) > p.limits.Length {
		return query.Query{}, &query.Error{Reason: query.TooLong, At: p.limits.Length, End: len(text)}
	}
	q, err := p.query()
	if err != nil {
		return query.Query{}, err
	}
	return q, query.Check(q, p.limits)
}

type parser struct {
	lexer
	tok     token
	options Options
	limits  query.Limits
	depth   int
	terms   int
}

func (p *parser) advance() (err error) {
	p.tok, err = p.next()
	return err
}

// fail is an error about the present token.
func (p *parser) fail(reason query.Reason, hint string) *query.Error {
	if p.tok.kind == end && reason == query.Unexpected {
		reason = query.UnexpectedEnd
	}
	return &query.Error{Reason: reason, At: p.tok.at, End: p.tok.end, Found: p.src[p.tok.at:p.tok.end], Hint: hint}
}

// word says whether the present token is this bare word, in any case.
func (p *parser) word(words ...string) bool {
	return p.tok.kind == bare && slices.Contains(words, strings.ToLower(p.tok.text))
}

func (p *parser) query() (query.Query, error) {
	q := query.Query{Where: query.All{}}
	if err := p.advance(); err != nil {
		return q, err
	}
	if p.tok.kind != end && p.tok.kind != "|" {
		t, err := p.or()
		if err != nil {
			return q, err
		}
		q.Where = query.Normalize(t)
	}
	for p.tok.kind == "|" {
		if err := p.advance(); err != nil {
			return q, err
		}
		if err := p.verb(&q); err != nil {
			return q, err
		}
	}
	if p.tok.kind == ")" {
		return q, p.fail(query.Unexpected, "(")
	}
	if p.tok.kind != end {
		return q, p.fail(query.Unexpected, "|")
	}
	return q, nil
}

func (p *parser) or() (query.Term, error) {
	var terms query.Or
	for {
		t, err := p.and()
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
		if !p.word("or") {
			return query.Normalize(terms), nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

func (p *parser) and() (query.Term, error) {
	var terms query.And
	for {
		t, err := p.not()
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
		if p.word("and") {
			if err := p.advance(); err != nil {
				return nil, err
			}
			continue
		}
		if p.word("or") || p.tok.kind == end || p.tok.kind == ")" || p.tok.kind == "|" {
			return query.Normalize(terms), nil
		}
	}
}

func (p *parser) not() (query.Term, error) {
	if p.terms++; p.terms > p.limits.Terms {
		return nil, p.fail(query.TooMany, "")
	}
	if p.depth++; p.depth > p.limits.Depth+1 {
		return nil, p.fail(query.TooDeep, "")
	}
	defer func() { p.depth-- }()
	switch {
	case p.word("not"), p.tok.kind == "!":
		if err := p.advance(); err != nil {
			return nil, err
		}
		t, err := p.not()
		if err != nil {
			return nil, err
		}
		return query.Except(t), nil
	case p.tok.kind == "(":
		return p.group()
	}
	return p.leaf()
}

func (p *parser) group() (query.Term, error) {
	open := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	t, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != ")" {
		return nil, &query.Error{Reason: query.UnclosedGroup, At: open.at, End: open.end, Found: "(", Hint: ")"}
	}
	return t, p.advance()
}

// leaf reads one condition.
func (p *parser) leaf() (query.Term, error) {
	cased, err := p.cased()
	if err != nil {
		return nil, err
	}
	switch p.tok.kind {
	case "*":
		if cased {
			return nil, p.fail(query.Unexpected, "")
		}
		return p.star()
	case "~":
		if err := p.advance(); err != nil {
			return nil, err
		}
		v, err := p.text()
		if err == nil && v.text == "" {
			err = &query.Error{Reason: query.EmptyText, At: v.at, End: v.end}
		}
		return query.Substring{Text: v.text, Cased: cased}, err
	case bare, quoted:
		return p.named(cased)
	default:
		return nil, p.fail(query.Unexpected, "")
	}
}

// cased takes the prefix "cased:".
func (p *parser) cased() (bool, error) {
	const prefix = "cased:"
	if p.tok.kind != bare || len(p.tok.text) < len(prefix) || !strings.EqualFold(p.tok.text[:len(prefix)], prefix) {
		return false, nil
	}
	at := p.tok.at + len(prefix)
	p.at = at
	if err := p.advance(); err != nil {
		return false, err
	}
	if p.tok.at != at || p.tok.kind == end {
		return false, p.fail(query.Unexpected, "cased:word")
	}
	return true, nil
}

// star reads the star that stands for every line.
func (p *parser) star() (query.Term, error) {
	at := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	if !p.tok.spaced && (p.tok.kind == bare || p.tok.kind == quoted) {
		return nil, &query.Error{
			Reason: query.StarPlace, At: at.at, End: at.end, Found: p.src[at.at:p.tok.end], Hint: "~" + p.src[p.tok.at:p.tok.end],
		}
	}
	return query.All{}, nil
}

// named reads a condition that begins with a word: a field with a comparison, a time, or the word itself.
func (p *parser) named(cased bool) (query.Term, error) {
	first := p.tok
	if first.kind == bare && first.text[0] == '/' {
		re, err := p.expression()
		if err != nil {
			return nil, err
		}
		return query.Regex{Pattern: re, Cased: cased}, nil
	}
	if p.word("last") && !cased {
		return p.last()
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.comparison() {
		if first.kind == bare && strings.EqualFold(first.text, "time") && !cased {
			return p.time()
		}
		return p.field(first, cased)
	}
	if err := p.checkWord(first); err != nil {
		return nil, err
	}
	t := query.Word{Text: first.text, Cased: cased}
	var err error
	t.Prefix, err = p.trailingStar(first)
	return t, err
}

// comparison says whether the present token makes a field of the word before it.
func (p *parser) comparison() bool {
	switch p.tok.kind {
	case "=", "==", "!=", "<", "<=", ">", ">=":
		return true
	case "~", "!~":
		return !p.tok.spaced
	default:
		return p.word("in")
	}
}

// checkWord refuses bare words that mean something else to the person than to us.
func (p *parser) checkWord(t token) error {
	wrong := func(reason query.Reason, hint string) error {
		return &query.Error{Reason: reason, At: t.at, End: t.end, Found: t.text, Hint: hint}
	}
	if t.kind == quoted {
		if t.text == "" {
			return wrong(query.EmptyText, "")
		}
		return nil
	}
	if slices.Contains(query.Reserved, strings.ToLower(t.text)) {
		return wrong(query.ReservedWord, `"`+t.text+`"`)
	}
	if t.text[0] == '-' && len(t.text) > 1 {
		return wrong(query.MinusWord, "not "+t.text[1:])
	}
	if name, value, ok := strings.Cut(t.text, ":"); ok {
		if c := query.Canonical(name); query.IsColumn(c) || c == query.AnyIP {
			return wrong(query.ColonField, c+"="+value)
		}
	}
	return nil
}

// trailingStar takes the star right behind the word.
func (p *parser) trailingStar(word token) (bool, error) {
	if p.tok.kind != "*" || p.tok.spaced {
		return false, nil
	}
	star := p.tok
	if err := p.advance(); err != nil {
		return false, err
	}
	if !p.tok.spaced && !slices.Contains([]kind{end, ")", "|", ","}, p.tok.kind) {
		return false, &query.Error{
			Reason: query.StarPlace, At: star.at, End: star.end, Found: p.src[word.at:p.tok.end], Hint: "/" + word.text + ".*…/",
		}
	}
	return true, nil
}

// text reads a word or a quoted text.
func (p *parser) text() (token, error) {
	v := p.tok
	if v.kind != bare && v.kind != quoted {
		return v, p.fail(query.Unexpected, `"…"`)
	}
	return v, p.advance()
}

// expression reads the regular expression whose slash begins the present token.
func (p *parser) expression() (string, error) {
	re, err := p.regex(p.tok.at)
	if err != nil {
		return "", err
	}
	check := query.Check(query.Query{Where: query.Regex{Pattern: re.text}}, p.limits)
	if bad, ok := errors.AsType[*query.Error](check); ok {
		bad.At, bad.End = re.at, re.end
		return "", bad
	}
	return re.text, p.advance()
}
