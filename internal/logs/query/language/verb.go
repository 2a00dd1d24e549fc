package language

import (
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// verb reads what follows |.
func (p *parser) verb(q *query.Query) error {
	word := p.tok
	if word.kind != bare {
		return p.fail(query.UnknownVerb, "newest 100")
	}
	name := strings.ToLower(word.text)
	newest, isNewest := q.Verb.(query.Newest)
	if q.Verb != nil && (name != "fields" || !isNewest || newest.Fields != nil) {
		return p.fail(query.Unexpected, "")
	}
	if err := p.advance(); err != nil {
		return err
	}
	var err error
	switch name {
	case "newest":
		if p.tok.kind == bare {
			newest.N, err = p.count()
		}
		q.Verb = newest
	case "fields":
		newest.Fields, err = p.names()
		q.Verb = newest
	case "count":
		q.Verb = query.Count{}
	case "histogram":
		q.Verb, err = p.histogram()
	case "top":
		q.Verb, err = p.top()
	case "distinct":
		var by string
		by, err = p.name()
		q.Verb = query.Distinct{By: by}
	default:
		return &query.Error{Reason: query.UnknownVerb, At: word.at, End: word.end, Found: word.text, Hint: nearest(name)}
	}
	return err
}

// count reads a number of lines.
func (p *parser) count() (int, error) {
	v, err := p.text()
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(v.text)
	if err != nil || n < 1 {
		return 0, &query.Error{Reason: query.BadNumber, At: v.at, End: v.end, Found: v.text, Hint: "100"}
	}
	if n > p.limits.Rows {
		return 0, &query.Error{
			Reason: query.TooManyRows, At: v.at, End: v.end, Found: v.text, Hint: strconv.Itoa(p.limits.Rows),
		}
	}
	return n, nil
}

// name reads a field.
func (p *parser) name() (string, error) {
	v, err := p.text()
	if err != nil {
		return "", err
	}
	name := v.text
	if v.kind == bare {
		name = query.Canonical(name)
	}
	if name == "" || v.kind == bare && !query.PlainName(name) {
		return "", &query.Error{Reason: query.BadField, At: v.at, End: v.end, Found: v.text}
	}
	return name, nil
}

// names reads fields with commas between.
func (p *parser) names() ([]string, error) {
	var names []string
	for {
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		names = append(names, name)
		if p.tok.kind != "," {
			return names, nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

// need takes this word.
func (p *parser) need(word string) error {
	if !p.word(word) {
		return p.fail(query.Unexpected, word)
	}
	return p.advance()
}

// by reads a field that lines are counted by.
func (p *parser) by() (string, error) {
	if err := p.need("by"); err != nil {
		return "", err
	}
	at := p.tok
	name, err := p.name()
	if err == nil && name == query.AnyIP {
		err = &query.Error{Reason: query.BadField, At: at.at, End: at.end, Found: name, Hint: "src_ip"}
	}
	return name, err
}

func (p *parser) histogram() (query.Verb, error) {
	var v query.Histogram
	var err error
	if v.Every, err = p.duration(); err == nil && p.word("by") {
		v.By, err = p.by()
	}
	return v, err
}

func (p *parser) top() (query.Verb, error) {
	var v query.Top
	var err error
	if v.N, err = p.count(); err != nil {
		return nil, err
	}
	if v.By, err = p.by(); err == nil && p.word("per") {
		if err = p.advance(); err == nil {
			v.Per, err = p.duration()
		}
	}
	return v, err
}
