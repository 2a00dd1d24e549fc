package scan

import (
	"encoding/json"
	"fmt"
	"slices"
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

// line is a hit as programs read it (kizuki.hit/1).
type line struct {
	RuleID  string   `json:"rule_id"`
	Title   string   `json:"title"`
	Level   string   `json:"level"`
	Time    *string  `json:"time"`
	File    string   `json:"file"`
	Record  *uint64  `json:"record"`
	Fields  fields   `json:"fields"`
	Why     []why    `json:"why"`
	Count   *float64 `json:"count,omitempty"`
	Author  string   `json:"author"`
	License string   `json:"license"`
	Tags    []string `json:"tags"`
}

type why struct {
	Search  string `json:"search"`
	Field   string `json:"field"`
	Op      string `json:"op"`
	Pattern string `json:"pattern"`
	Value   string `json:"value"`
	Offset  int    `json:"offset"`
	Length  int    `json:"length"`
}

// fields is an object in the order of the event; a name that occurs more than once has a list.
type fields []Field

// MarshalJSON writes the object.
func (f fields) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	at := make(map[string][]int, len(f))
	for i := range f {
		at[f[i].Name] = append(at[f[i].Name], i)
	}
	for i := range f {
		places := at[f[i].Name]
		if places[0] != i {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = appendValue(out, f[i].Name)
		out = append(out, ':')
		if len(places) > 1 {
			out = append(out, '[')
		}
		for n, place := range places {
			if n > 0 {
				out = append(out, ',')
			}
			out = f[place].append(out)
		}
		if len(places) > 1 {
			out = append(out, ']')
		}
	}
	return append(out, '}'), nil
}

func (f *Field) append(out []byte) []byte {
	switch {
	case f.Kind == sigma.Null:
		return append(out, "null"...)
	case f.Kind != sigma.Text && json.Valid([]byte(f.Value)):
		return append(out, f.Value...)
	default:
		return appendValue(out, f.Value)
	}
}

func appendValue(out []byte, text string) []byte {
	quoted, _ := json.Marshal(text) // text always can be; bytes that are no UTF-8 become U+FFFD
	return append(out, quoted...)
}

// AppendJSON appends the hit as one JSON object without line breaks.
func (h *Hit) AppendJSON(out []byte) ([]byte, error) {
	l := line{
		RuleID: h.Rule.ID, Title: h.Rule.Title, Level: h.Rule.Level, File: h.File, Fields: h.Fields,
		Author: h.Rule.Author, License: h.Rule.License, Tags: h.Rule.Tags, Why: make([]why, len(h.Why)),
	}
	if l.Tags == nil {
		l.Tags = []string{}
	}
	if !h.Time.IsZero() {
		at := h.Time.UTC().Format(time.RFC3339Nano)
		l.Time = &at
	}
	if h.Together {
		l.Count = &h.Count
	} else {
		l.Record = &h.Record
	}
	for i, r := range h.Why {
		l.Why[i] = why{r.Search, r.EventName, r.Op, r.Pattern, r.Value, r.Offset, r.Length}
	}
	text, err := json.Marshal(l)
	return appendHarmless(out, text), err
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
