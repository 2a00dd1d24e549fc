package scan

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/sigma"
)

// Levels of rules, the least first. A rule without a level counts as the least.
var levels = []string{"informational", "low", "medium", "high", "critical"}

// Severity gives the place of a level among the five of Sigma, from 0; anything else is 0.
func Severity(level string) int { return max(0, slices.Index(levels, level)) }

// Hit is one event that a rule describes, or a correlation that came true. It owns all it holds.
type Hit struct {
	Rule     sigma.Header // of the rule or the correlation
	Time     time.Time    // of the event, UTC; zero: it tells none
	File     string       // empty for a correlation
	Record   uint64       // EventRecordID, or line, or place of the object in a file that has no lines; 0 for a correlation
	Fields   []Field      // of the event; of a correlation what its group has in common
	Why      []sigma.Reason
	Count    float64 // of a correlation: what its condition looked at
	Together bool    // it is a correlation
}

// Field is one value of an event.
type Field struct {
	Name, Value string
	Kind        sigma.Kind
}

// AppendJSON appends the hit as one JSON object without line breaks (kizuki.hit/1, docs/commands-json.md). Bytes that
// are no UTF-8 become U+FFFD. Written by hand: a log full of an attack has a hit for every second event.
func (h *Hit) AppendJSON(out []byte) []byte {
	text := func(key, value string) {
		out = append(append(out, key...), ':')
		out = appendText(out, value)
	}
	text(`{"rule_id"`, h.Rule.ID)
	text(`,"title"`, h.Rule.Title)
	text(`,"level"`, h.Rule.Level)
	if out = append(out, `,"time":`...); h.Time.IsZero() {
		out = append(out, "null"...)
	} else {
		out = append(h.Time.UTC().AppendFormat(append(out, '"'), time.RFC3339Nano), '"')
	}
	text(`,"file"`, h.File)
	if out = append(out, `,"record":`...); h.Together {
		out = append(out, "null"...)
	} else {
		out = strconv.AppendUint(out, h.Record, 10)
	}
	out = appendFields(append(out, `,"fields":`...), h.Fields)
	out = append(out, `,"why":[`...)
	for i, r := range h.Why {
		if i > 0 {
			out = append(out, ',')
		}
		text(`{"search"`, r.Search)
		text(`,"field"`, r.EventName)
		text(`,"op"`, r.Op)
		text(`,"pattern"`, r.Pattern)
		text(`,"value"`, r.Value)
		out = strconv.AppendInt(append(out, `,"offset":`...), int64(r.Offset), 10)
		out = append(strconv.AppendInt(append(out, `,"length":`...), int64(r.Length), 10), '}')
	}
	out = append(out, ']')
	if h.Together {
		out = appendNumber(append(out, `,"count":`...), h.Count)
	}
	text(`,"author"`, h.Rule.Author)
	text(`,"license"`, h.Rule.License)
	out = append(out, `,"tags":[`...)
	for i, tag := range h.Rule.Tags {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendText(out, tag)
	}
	return append(out, "]}"...)
}

// appendNumber writes a count; what JSON has no number for becomes null.
func appendNumber(out []byte, n float64) []byte {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return append(out, "null"...)
	}
	return strconv.AppendFloat(out, n, 'f', -1, 64)
}

// appendFields writes an object in the order of the event; a name that occurs more than once has a list.
func appendFields(out []byte, fields []Field) []byte {
	out = append(out, '{')
	places := repeated(fields)
	for i := range fields {
		at := places[fields[i].Name]
		if len(at) > 0 && at[0] != i {
			continue
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendText(out, fields[i].Name), ':')
		if len(at) < 2 {
			out = fields[i].append(out)
			continue
		}
		for n, place := range at {
			out = fields[place].append(append(out, "[,"[min(n, 1)])) // [ before the first, a comma before others
		}
		out = append(out, ']')
	}
	return append(out, '}')
}

// repeated gives the places of each name, or nil when none occurs twice.
func repeated(fields []Field) map[string][]int {
	const few = 64 // to compare these with each other costs less than a map
	unique := len(fields) <= few
	for i := 1; unique && i < len(fields); i++ {
		unique = !slices.ContainsFunc(fields[:i], func(f Field) bool { return f.Name == fields[i].Name })
	}
	if unique {
		return nil
	}
	at := make(map[string][]int, len(fields))
	for i := range fields {
		at[fields[i].Name] = append(at[fields[i].Name], i)
	}
	return at
}

func (f *Field) append(out []byte) []byte {
	switch {
	case f.Kind == sigma.Null:
		return append(out, "null"...)
	case f.Kind != sigma.Text && !strings.ContainsAny(f.Value, " \t\r\n") && json.Valid([]byte(f.Value)):
		return append(out, f.Value...)
	default:
		return appendText(out, f.Value)
	}
}

// appendText writes a JSON string; most have nothing but backslashes that needs care.
func appendText(out []byte, text string) []byte {
	begin := len(out)
	out = append(out, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"', c == '\\':
			out = append(out, '\\', c)
		case c < 0x20, c >= 0x7f, c == '<', c == '>', c == '&':
			quoted, _ := json.Marshal(text) // text always can be
			return appendHarmless(out[:begin], quoted)
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}

// appendHarmless appends JSON with those signs escaped that encoding/json writes as they are and that steer a terminal
// or turn the direction of reading. They stand in strings only, and mean the same escaped.
func appendHarmless(out, text []byte) []byte {
	from := 0
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[i:])
		}
		if r >= 0x7f && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			out = fmt.Appendf(append(out, text[from:i]...), `\u%04x`, r)
			from = i + size
		}
		i += size
	}
	return append(out, text[from:]...)
}
