// Package logsql writes queries for VictoriaLogs, whose rows are in the wire form of package victoria: _msg is the raw
// line, fields are named as in queries. What would not give the same lines there is refused by name: folding in case and
// width becomes regular expressions, which say it exactly but cannot use the engine's index of words.
//
// Known to differ, since it cannot be seen from a query: a native key with more than 900 others in its line, or one that is
// called like a field of the wire form, is not there; nor are lines of times before 1678 or after 2261.
//
// It imports query and text.
package logsql

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/text"
)

// Reason says what cannot be translated. It is a stable code.
type Reason string

// Reasons.
const (
	VoiceMark Reason = "voice_mark"    // a text that begins with a voice mark of kana
	Bytes     Reason = "bytes"         // a text with bytes that are no UTF-8, or with U+FFFD
	Regex     Reason = "regex"         // an expression that is not cased and not of simple parts: write cased:
	NativeNum Reason = "native_number" // a comparison of numbers in a native key
	NativeIP  Reason = "native_ip"     // a network in a field other than src_ip and dst_ip
	IPv6Net   Reason = "ipv6_network"  // a network of IPv6 addresses
	Key       Reason = "key"           // a native key that is called like a field of the wire form
	Term      Reason = "term"          // a term this package does not know
)

// Error is a term that cannot be translated.
type Error struct {
	Reason Reason
	Term   string // in the language
}

// Error gives reason and term.
func (e *Error) Error() string { return "logsql: " + string(e.Reason) + ": " + e.Term }

// Is says whether err is an Error of that reason.
func Is(err error, reason Reason) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Reason == reason
}

// Query writes a query with its verb. Newest gives rows in wire form; the others rows with the fields "value" (if they
// count by a field), "_time" (the start of a bucket, if there are buckets) and "count". Top is not cut to its N: the
// caller does that, as it does with what Limits say. Lines without the field of Top or Distinct are not counted at all. Offset is that of query.Options.
func Query(q query.Query, offset time.Duration) (string, error) {
	filter, err := Filter(q.Where)
	if err != nil {
		return "", err
	}
	group := func(by string, every time.Duration) (string, error) {
		var parts []string
		if every > 0 {
			bucket := fmt.Sprintf("_time:%dns", every.Nanoseconds())
			if offset != 0 {
				bucket += fmt.Sprintf(" offset %dns", offset.Nanoseconds())
			}
			parts = append(parts, bucket)
		}
		if by != "" {
			if err := checkKey(by); err != nil {
				return "", err
			}
			parts = append(parts, name(by))
		}
		stats := filter + " | stats by (" + strings.Join(parts, ", ") + `) count() "count"`
		if by != "" {
			stats += " | rename " + name(by) + ` as "value"`
		}
		return stats, nil
	}
	switch v := q.Verb.(type) {
	case query.Count:
		return filter + ` | stats count() "count"`, nil
	case query.Histogram:
		return group(v.By, v.Every)
	case query.Top:
		filter += " " + name(v.By) + ":*"
		return group(v.By, v.Per)
	case query.Distinct:
		filter += " " + name(v.By) + ":*"
		return group(v.By, 0)
	case query.Newest:
		n := v.N
		if n == 0 {
			n = query.DefaultNewest
		}
		return filter + fmt.Sprintf(" | sort by (_time desc, source, seq desc) limit %d", n), nil
	}
	return filter + fmt.Sprintf(" | sort by (_time desc, source, seq desc) limit %d", query.DefaultNewest), nil
}

// Filter writes the conditions alone.
func Filter(t query.Term) (string, error) {
	t = query.Normalize(t)
	switch t := t.(type) {
	case query.All:
		return "*", nil
	case query.And:
		return list(t, " ")
	case query.Or:
		return list(t, " or ")
	case query.Not:
		s, err := Filter(t.Term)
		return "!(" + s + ")", err
	case query.Time:
		return between(t), nil
	case query.Word:
		return word(t)
	case query.Substring:
		return message(t, t.Text, t.Cased, "", "")
	case query.Regex:
		re, err := pattern(t, t.Pattern, t.Cased)
		if err != nil {
			return "", err
		}
		return lines(re), nil
	}
	return field(t)
}

func list[T ~[]query.Term](terms T, between string) (string, error) {
	parts := make([]string, 0, len(terms))
	for _, t := range terms {
		s, err := Filter(t)
		if err != nil {
			return "", err
		}
		parts = append(parts, s)
	}
	return "(" + strings.Join(parts, between) + ")", nil
}

func refuse(reason Reason, t query.Term) error { return &Error{reason, query.String(t)} }

// between writes a range of time; the engine counts nanoseconds in 64 bits.
func between(t query.Time) string {
	first, last := time.Unix(0, math.MinInt64).Add(time.Hour).UnixMicro(), time.Unix(0, math.MaxInt64).Add(-time.Hour).UnixMicro()
	stamp := func(us int64) string {
		return time.UnixMicro(min(max(us, first), last)).UTC().Format("2006-01-02T15:04:05.000000Z")
	}
	return "_time:[" + stamp(t.From) + ", " + stamp(t.To) + ")"
}

// word writes whole words of the line.
func word(t query.Word) (string, error) {
	before, after := text.Borders(t.Text, true, !t.Prefix, t.Cased)
	return message(t, t.Text, t.Cased, before, after)
}

// message writes a text in the raw line.
func message(t query.Term, s string, cased bool, before, after string) (string, error) {
	re, err := spelling(t, s, cased, false)
	if err != nil {
		return "", err
	}
	return lines(before + re + after), nil
}

// lines writes an expression for raw lines. Empty lines stand there as "-".
func lines(re string) string {
	filter := "_msg:~" + strconv.Quote(re)
	if matches(re, "-") || matches(re, "") {
		empty := `raw_b64:=":"`
		if matches(re, "") {
			return "(" + filter + " or " + empty + ")"
		}
		return "(" + filter + " !" + empty + ")"
	}
	return filter
}

// field writes a condition on a field.
func field(t query.Term) (string, error) {
	of, holds, err := condition(t)
	if err != nil {
		return "", err
	}
	if of == query.AnyIP {
		return "(" + name("src_ip") + ":" + holds("src_ip") + " or " + name("dst_ip") + ":" + holds("dst_ip") + ")", nil
	}
	if err := checkKey(of); err != nil {
		return "", err
	}
	return name(of) + ":" + holds(of), nil
}

// reserved are fields of the wire form that no query means.
var reserved = []string{"seq", "time_us", "received_us", "raw_b64", "fields_left_out"}

func checkKey(key string) error {
	if key == "" || key[0] == '_' || slices.Contains(reserved, key) {
		return &Error{Key, key}
	}
	return nil
}

func name(s string) string { return strconv.Quote(s) }
