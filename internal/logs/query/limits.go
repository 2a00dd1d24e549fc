package query

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/logs/query/text"
)

// Limits keep a query from harm. What goes beyond is refused with a reason or said in the result, never cut silently.
type Limits struct {
	Length  int   // bytes of a query's text
	Depth   int   // lists and Nots in each other
	Terms   int   // terms, values of lists and networks together
	Pattern int   // bytes of a regular expression
	Program int   // instructions of a compiled one
	Rows    int   // of Newest.N and Top.N
	Groups  int   // different values, or buckets with values, of a result
	Bytes   int64 // of the raw lines and values of a result in memory
}

// DefaultLimits are for questions of people.
var DefaultLimits = Limits{
	Length: 16 << 10, Depth: 32, Terms: 2000, Pattern: 1000, Program: 20_000, Rows: 10_000, Groups: 500_000, Bytes: 256 << 20,
}

// OrDefault gives the limits with those that are 0 from DefaultLimits.
func (l Limits) OrDefault() Limits {
	d := DefaultLimits
	set := func(to *int, n int) {
		if n != 0 {
			*to = n
		}
	}
	set(&d.Length, l.Length)
	set(&d.Depth, l.Depth)
	set(&d.Terms, l.Terms)
	set(&d.Pattern, l.Pattern)
	set(&d.Program, l.Program)
	set(&d.Rows, l.Rows)
	set(&d.Groups, l.Groups)
	if l.Bytes != 0 {
		d.Bytes = l.Bytes
	}
	return d
}

// refuse is an Error about a tree.
func refuse(reason Reason, found string) *Error {
	return &Error{Reason: reason, At: -1, End: -1, Found: found}
}

// Check says whether a query can be run: nil, or an *Error.
func Check(q Query, l Limits) error {
	c := checker{limits: l.OrDefault()}
	if q.Where != nil {
		if err := c.term(q.Where, 0); err != nil {
			return err
		}
	}
	return checkVerb(q.Verb, c.limits)
}

func checkVerb(v Verb, l Limits) error {
	rows := func(n, least int) error {
		if n < least || n > l.Rows {
			return refuse(TooManyRows, strconv.Itoa(n))
		}
		return nil
	}
	field := func(name string, width time.Duration) error {
		if width < 0 || width%time.Microsecond != 0 {
			return refuse(BadDuration, width.String())
		}
		if name == AnyIP {
			return refuse(BadField, name)
		}
		return checkName(name)
	}
	switch v := v.(type) {
	case Newest:
		for _, name := range v.Fields {
			if err := checkName(name); err != nil {
				return err
			}
		}
		return rows(v.N, 0)
	case Histogram:
		if v.Every <= 0 {
			return refuse(BadDuration, v.Every.String())
		}
		if v.By == "" {
			return field("host", v.Every)
		}
		return field(v.By, v.Every)
	case Top:
		if err := field(v.By, v.Per); err != nil {
			return err
		}
		return rows(v.N, 1)
	case Distinct:
		return field(v.By, 0)
	}
	return nil
}

func checkName(name string) error {
	if name == "" || len(name) > 1000 || !utf8.ValidString(name) {
		return refuse(BadField, name)
	}
	return nil
}

type checker struct {
	limits Limits
	terms  int
}

func (c *checker) term(t Term, depth int) error {
	if depth > c.limits.Depth {
		return refuse(TooDeep, "")
	}
	if c.terms++; c.terms > c.limits.Terms {
		return refuse(TooMany, "")
	}
	switch t := t.(type) {
	case And:
		return c.all(t, depth)
	case Or:
		return c.all(t, depth)
	case Not:
		return c.term(Normalize(t.Term), depth+1)
	case Word:
		return c.text(t.Text)
	case Substring:
		return c.text(t.Text)
	case Regex:
		return c.pattern(t.Pattern, t.Cased)
	case Match:
		if err := c.pattern(t.Pattern, t.Cased); err != nil {
			return err
		}
	case In:
		c.terms += len(t.Values)
	case IP:
		c.terms += len(t.Nets)
		for _, n := range t.Nets {
			if !n.IsValid() {
				return refuse(BadIP, "")
			}
		}
	case Number:
		if t.Op != Less && t.Op != LessEqual && t.Op != Greater && t.Op != GreaterEqual {
			return refuse(Unexpected, string(t.Op))
		}
		if t.Value <= -numberEnd || t.Value >= numberEnd {
			return refuse(BadNumber, strconv.FormatInt(t.Value, 10))
		}
	case Time:
		if t.From != minTime && !saneTime(t.From) || t.To != maxTime && !saneTime(t.To) {
			return refuse(BadTime, "")
		}
	}
	if name, ok := fieldOf(t); ok {
		return checkName(name)
	}
	return nil
}

// fieldOf names the field a term asks for.
func fieldOf(t Term) (string, bool) {
	switch t := t.(type) {
	case Equal:
		return t.Field, true
	case In:
		return t.Field, true
	case Prefix:
		return t.Field, true
	case Contains:
		return t.Field, true
	case Match:
		return t.Field, true
	case Exists:
		return t.Field, true
	case Number:
		return t.Field, true
	case IP:
		return t.Field, true
	}
	return "", false
}

func (c *checker) all(terms []Term, depth int) error {
	for _, t := range terms {
		if t == nil {
			continue
		}
		if err := c.term(t, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) text(s string) error {
	if s == "" {
		return refuse(EmptyText, "")
	}
	if len(s) > c.limits.Length {
		return refuse(TooLong, "")
	}
	return nil
}

func (c *checker) pattern(s string, cased bool) error {
	if s == "" {
		return refuse(EmptyText, "")
	}
	if len(s) > c.limits.Pattern {
		return refuse(BadRegex, "")
	}
	if _, err := text.Compile(s, cased, c.limits.Program); err != nil {
		return &Error{Reason: BadRegex, At: -1, End: -1, Found: s, Err: err}
	}
	return nil
}

const (
	numberEnd        = 1_000_000_000_000_000_000 // numbers have up to 18 digits
	minTime, maxTime = math.MinInt64, math.MaxInt64
)

// Times that can be written in the language: the years 1 to 9999.
var firstTime, lastTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro(), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).UnixMicro()

func saneTime(us int64) bool { return us >= firstTime && us <= lastTime }
