package language

import (
	"math"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// layouts of times and the span each stands for; 0: a day.
var layouts = []struct {
	layout string
	span   time.Duration
}{
	{"2006-01-02T15:04:05.999999999", time.Microsecond},
	{"2006-01-02T15:04:05", time.Second},
	{"2006-01-02T15:04", time.Minute},
	{"2006-01-02", 0},
}

// instant reads a time and gives the span it stands for, in microseconds: 2026-11-23 is from midnight to midnight.
func instant(s string, zone *time.Location) (from, to int64, ok bool) {
	for _, l := range layouts {
		if fraction := strings.Contains(s, "."); fraction != (l.span == time.Microsecond) {
			continue
		}
		t, err := time.ParseInLocation(l.layout, s, zone)
		if err != nil {
			t, err = time.Parse(l.layout+"Z07:00", s)
		}
		if err != nil {
			continue
		}
		until := t.Add(l.span)
		if l.span == 0 {
			until = t.AddDate(0, 0, 1)
		}
		from, to = t.UnixMicro(), until.UnixMicro()
		year := t.UTC().Year()
		return from, to, year >= 1 && until.UTC().Year() <= 9999
	}
	return 0, 0, false
}

// instant reads a time at the present token.
func (p *parser) instant(v token) (from, to int64, err error) {
	from, to, ok := instant(v.text, p.options.Zone)
	if !ok {
		err = &query.Error{Reason: query.BadTime, At: v.at, End: v.end, Found: v.text, Hint: "2026-11-23T10:00"}
	}
	return from, to, err
}

// time reads the comparison of the time; the present token is its sign, or in.
func (p *parser) time() (query.Term, error) {
	op := p.tok
	if op.kind == bare {
		return p.timeIn()
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	v, err := p.text()
	if err != nil {
		return nil, err
	}
	from, to, err := p.instant(v)
	if err != nil {
		return nil, err
	}
	switch op.kind {
	case ">=":
		return query.Between(from, math.MaxInt64), nil
	case ">":
		return query.Between(to, math.MaxInt64), nil
	case "<":
		return query.Between(math.MinInt64, from), nil
	case "<=":
		return query.Between(math.MinInt64, to), nil
	default:
		return nil, &query.Error{Reason: query.Unexpected, At: op.at, End: op.end, Found: op.text, Hint: "time in " + v.text}
	}
}

// timeIn reads "in A" or "in A..B".
func (p *parser) timeIn() (query.Term, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	v, err := p.text()
	if err != nil {
		return nil, err
	}
	first, last, two := strings.Cut(v.text, "..")
	if !two {
		last = first
	}
	a := token{text: first, at: v.at, end: v.at + len(first)}
	b := token{text: last, at: v.end - len(last), end: v.end}
	from, _, err := p.instant(a)
	if err != nil {
		return nil, err
	}
	_, to, err := p.instant(b)
	if err != nil {
		return nil, err
	}
	if from >= to {
		return nil, &query.Error{Reason: query.BadTime, At: v.at, End: v.end, Found: v.text, Hint: last + ".." + first}
	}
	return query.Between(from, to), nil
}

// last reads "last 15m": from so long ago, without an end.
func (p *parser) last() (query.Term, error) {
	word := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind != bare {
		return nil, &query.Error{Reason: query.ReservedWord, At: word.at, End: word.end, Found: word.text, Hint: "last 15m"}
	}
	d, err := p.duration()
	if err != nil {
		return nil, err
	}
	if p.options.Now.IsZero() {
		return nil, &query.Error{Reason: query.BadTime, At: word.at, End: word.end, Found: word.text}
	}
	return query.Between(p.options.Now.Add(-d).UnixMicro(), math.MaxInt64), nil
}

func (p *parser) duration() (time.Duration, error) {
	v, err := p.text()
	if err != nil {
		return 0, err
	}
	d, ok := query.ParseDuration(v.text)
	if !ok {
		return 0, &query.Error{Reason: query.BadDuration, At: v.at, End: v.end, Found: v.text, Hint: "15m"}
	}
	return d, nil
}
