package query

import (
	"strconv"
	"strings"
	"time"
)

// Query is a question to a store.
type Query struct {
	Where Term // nil: every line
	Verb  Verb // nil: Newest{}
}

// Verb says what is done with the lines found: Newest, Count, Histogram, Top or Distinct.
type Verb interface{ writeVerb(b *strings.Builder) }

type (
	// Newest gives the newest N lines, newest first; lines of the same microsecond by source, then by sequence, the
	// highest first.
	Newest struct {
		N      int      // 0: DefaultNewest
		Fields []string // the columns of the table that is wanted; nil: the lines themselves
	}
	// Count gives the number of lines.
	Count struct{}
	// Histogram counts lines by time.
	Histogram struct {
		Every time.Duration // the width of a bucket, whole microseconds
		By    string        // a field whose values are counted apart; "": none
	}
	// Top gives the N most frequent values of a field; equal counts in the order of the values.
	Top struct {
		N   int
		By  string
		Per time.Duration // in each bucket of this width; 0: over all
	}
	// Distinct gives each value of a field with its count, in the order of the values.
	Distinct struct{ By string }
)

// DefaultNewest is how many lines Newest{} gives.
const DefaultNewest = 100

// String writes the query in the language: parsing it gives the query in normal form.
func (q Query) String() string {
	var b strings.Builder
	Normalize(q.Where).write(&b)
	if q.Verb != nil {
		b.WriteString(" | ")
		q.Verb.writeVerb(&b)
	}
	return b.String()
}

func (v Newest) writeVerb(b *strings.Builder) {
	b.WriteString("newest")
	if v.N != 0 {
		b.WriteString(" " + strconv.Itoa(v.N))
	}
	for i, f := range v.Fields {
		if i == 0 {
			b.WriteString(" | fields ")
		} else {
			b.WriteString(", ")
		}
		writeColumn(b, f)
	}
}

func (Count) writeVerb(b *strings.Builder) { b.WriteString("count") }

func (v Histogram) writeVerb(b *strings.Builder) {
	b.WriteString("histogram ")
	writeDuration(b, v.Every)
	if v.By != "" {
		b.WriteString(" by ")
		writeColumn(b, v.By)
	}
}

func (v Top) writeVerb(b *strings.Builder) {
	b.WriteString("top " + strconv.Itoa(v.N) + " by ")
	writeColumn(b, v.By)
	if v.Per != 0 {
		b.WriteString(" per ")
		writeDuration(b, v.Per)
	}
}

func (v Distinct) writeVerb(b *strings.Builder) {
	b.WriteString("distinct ")
	writeColumn(b, v.By)
}

// units of durations, the largest first.
var units = []struct {
	name  string
	width time.Duration
}{
	{"w", 7 * 24 * time.Hour},
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
	{"us", time.Microsecond},
}

// ParseDuration reads a whole number with a unit: us, ms, s, m, h, d (24 hours) or w. It must be above 0.
func ParseDuration(s string) (time.Duration, bool) {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n, err := strconv.ParseInt(s[:digits], 10, 64)
	if err != nil || n <= 0 {
		return 0, false
	}
	for _, u := range units {
		if s[digits:] == u.name && n <= int64(100*366*24*time.Hour/u.width) {
			return time.Duration(n) * u.width, true
		}
	}
	return 0, false
}

func writeDuration(b *strings.Builder, d time.Duration) {
	for _, u := range units {
		if d%u.width == 0 {
			b.WriteString(strconv.FormatInt(int64(d/u.width), 10) + u.name)
			return
		}
	}
	b.WriteString(strconv.FormatInt(int64(d/time.Microsecond), 10) + "us")
}
