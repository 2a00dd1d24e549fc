package sigma

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/sigma/internal/ast"
)

// Document is one YAML document of a rule file: exactly one of Rule, Correlation and Filter is set.
type Document struct {
	Rule        *Rule
	Correlation *Correlation
	Filter      *Filter
}

// Header is what every kind of document says about itself. Empty where the document says nothing.
type Header struct {
	ID, Name, Title                string
	Status, Level                  string // as written, in small letters
	Description, Author, License   string
	Date, Modified                 string // as written: YYYY-MM-DD, older rules YYYY/MM/DD
	References, Tags               []string
	FalsePositives, Fields, Scopes []string
	File                           string // the name given to Parse
	Line                           int    // where the document begins, from 1
	Place                          int    // which document of the file, from 0; empty ones are not counted
}

// Rule is a detection rule. It is never changed after Parse; share it freely.
type Rule struct {
	Header
	LogSource LogSource

	detection *ast.Detection
}

// Filter adds "and not" to rules: what it matches is no hit of theirs.
type Filter struct {
	Header
	LogSource LogSource
	Rules     []string // ids or names; a single "any" stands for every rule of the log source

	detection *ast.Detection
}

// The types of correlation. The last four are not in Sigma: their documents say "kizuki" instead of "correlation",
// so that no other tool misreads them.
const (
	EventCount      = "event_count"
	ValueCount      = "value_count"
	Temporal        = "temporal"
	TemporalOrdered = "temporal_ordered"
	ValueSum        = "value_sum"
	ValueAvg        = "value_avg"
	ValueMin        = "value_min"
	ValueMax        = "value_max"
	ValuePercentile = "value_percentile"

	FirstSeen  = "first_seen" // a combination of values never seen before
	Absence    = "absence"    // a source that sent events sends none for the timespan
	OffHours   = "off_hours"  // outside the hours of the calendar
	Regularity = "regularity" // gaps between events of nearly the same length: a beacon
)

// Correlation joins hits over time. It is never changed after Parse.
type Correlation struct {
	Header
	Type       string
	Rules      []string // ids or names of rules or correlations, in order
	GroupBy    []string
	Timespan   time.Duration
	Aliases    map[string]map[string]string // alias → rule → field
	ValueOf    []string                     // the fields that value_* and first_seen look at
	Percentile float64                      // 0 to 100; value_percentile only
	Compare    []Comparison                 // all must hold; empty: all rules (temporal)
	Generate   bool                         // hits of the base rules are reported too

	Extension *Extension // nil for Sigma's own types
}

// Extension is what the types outside Sigma say beside the rest.
type Extension struct {
	Learn, Forget time.Duration // first_seen; Forget 0 is never
	Events        int           // regularity: from so many events on
	Jitter        float64       // regularity: per cent
	TimeZone      string        // off_hours: IANA name or +09:00
	Hours         []Hours       // off_hours: working time
	Days          []time.Weekday
	Holidays      []string // YYYY-MM-DD
	Calendar      string   // name of a list of dates that the program gives
}

// Hours is a part of a day in minutes after midnight: From counts, To does not. To before From goes over midnight.
type Hours struct{ From, To int }

// Comparison is one limit of a correlation: Op is gt, gte, lt, lte, eq or neq.
type Comparison struct {
	Op    string
	Value float64
}

// Problem is why a document, or a rule of it, is not used.
type Problem struct { //nolint:errname // it is told to people as often as it is returned
	File   string
	Line   int    // from 1; 0 when it is about the whole file
	Place  int    // which document of the file, from 0; empty ones are not counted
	RuleID string // id, else name, else title; empty when it cannot be read
	Code   string // stable: yaml, size, alias, shape, modifier, value, regex, condition, placeholder, duplicate, reference, recursion
	Reason string // plain English, without the place
}

// Error gives place, rule and reason in one line.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		b.WriteString(":" + strconv.Itoa(p.Line))
	}
	if p.RuleID != "" {
		b.WriteString(": rule " + p.RuleID)
	}
	b.WriteString(": " + p.Reason)
	return b.String()
}

// Problems takes apart the error of Parse.
func Problems(err error) []*Problem {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*Problem
		for _, e := range joined.Unwrap() {
			all = append(all, Problems(e)...)
		}
		return all
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return []*Problem{p}
	}
	return []*Problem{{Code: "shape", Reason: err.Error()}}
}
