package query

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/logs/event"
)

// Names that a query can put out besides the fields.
const (
	ColumnTime     = "time"
	ColumnSeq      = "seq"
	ColumnReceived = "received"
	ColumnRaw      = "raw"
)

// Columns are the fields that blocks hold as columns: source, format, the common ones and the promoted native keys.
func Columns() []string {
	return slices.Concat([]string{"source", "format"}, event.Common, event.Promoted)
}

// IsColumn says whether blocks hold a field as a column.
func IsColumn(name string) bool { return columns[name] }

// columns answers whether a field is a column.
var columns = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range Columns() {
		m[name] = true
	}
	return m
}()

// lowered finds columns by their lower-cased name; of two that differ in case only, the first.
var lowered = func() map[string]string {
	m := map[string]string{AnyIP: AnyIP}
	for _, name := range Columns() {
		if lower := strings.ToLower(name); m[lower] == "" {
			m[lower] = name
		}
	}
	return m
}()

// Canonical gives the column that is meant by a field's name typed in any case. Native keys without a column keep
// their spelling: they are compared exactly.
func Canonical(name string) string {
	if columns[name] || len(name) > 64 {
		return name
	}
	if column, ok := lowered[strings.ToLower(name)]; ok {
		return column
	}
	return name
}

// Severities are the names of the severities 0 to 6, as OCSF counts.
var Severities = []string{"unknown", "informational", "low", "medium", "high", "critical", "fatal"}

// Reason says why a query is refused. It is a stable code.
type Reason string

// Reasons of refused queries.
const (
	Unexpected    Reason = "unexpected"      // something that cannot stand there
	UnexpectedEnd Reason = "unexpected_end"  // the query ends where more must come
	UnclosedQuote Reason = "unclosed_quote"  // no closing quote
	UnclosedRegex Reason = "unclosed_regex"  // no closing slash
	UnclosedGroup Reason = "unclosed_group"  // no closing bracket
	BadEscape     Reason = "bad_escape"      // a backslash in quotes before something else than \ " n t r xNN
	NotUTF8       Reason = "not_utf8"        // write such bytes as \xNN in quotes
	EmptyText     Reason = "empty_text"      // nothing to look for
	ReservedWord  Reason = "reserved"        // a word of the language; in quotes it can be looked for
	ColonField    Reason = "colon_field"     // field:value instead of field=value
	MinusWord     Reason = "minus"           // -word instead of not word
	StarPlace     Reason = "star_place"      // a star elsewhere than at the end
	RegexFollowed Reason = "regex_followed"  // a path that reads as an expression: put it in quotes
	BadRegex      Reason = "bad_regex"       // no regular expression, or one beyond the limits
	BadIP         Reason = "bad_ip"          // neither an address nor a network
	BadNumber     Reason = "bad_number"      // no whole number of up to 18 digits
	BadTime       Reason = "bad_time"        // no time
	BadDuration   Reason = "bad_duration"    // no number with a unit
	BadField      Reason = "bad_field"       // an empty name, or one that cannot be used there
	UnknownVerb   Reason = "unknown_verb"    // after | stands no verb
	TooDeep       Reason = "too_deep"        // brackets in brackets beyond Limits.Depth
	TooLong       Reason = "too_long"        // longer than Limits.Length
	TooMany       Reason = "too_many_terms"  // more than Limits.Terms
	TooManyGroups Reason = "too_many_groups" // the result has more values or buckets than Limits.Groups
	TooLarge      Reason = "too_large"       // the result needs more memory than Limits.Bytes
	TooManyRows   Reason = "too_many_rows"   // asks for more lines or values than Limits.Rows
)

// Error is why a query is refused.
type Error struct {
	Reason  Reason
	At, End int    // bytes of the text it is about; both -1 for a tree
	Found   string // what stands there
	Hint    string // what could stand there instead, in the language; "": no advice
	Err     error  // cause; may be nil
}

// Error gives reason, place and hint in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("query: " + string(e.Reason))
	if e.At >= 0 {
		b.WriteString(" at byte " + strconv.Itoa(e.At))
	}
	if e.Found != "" {
		b.WriteString(": " + e.Found)
	}
	if e.Hint != "" {
		b.WriteString(" (try " + e.Hint + ")")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }
