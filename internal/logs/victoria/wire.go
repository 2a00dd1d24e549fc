package victoria

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/logs/event"
)

const (
	mostFields = 900 // native keys of one row; the engine takes 1,000 fields by default
	timeForm   = "2006-01-02T15:04:05.000000Z"
)

// Names of fields in the wire form, besides those of event.Common.
const (
	FieldSource   = "source"
	FieldSeq      = "seq"
	FieldFormat   = "format"
	FieldTime     = "time_us"
	FieldReceived = "received_us"
	FieldRaw      = "raw_b64"
	FieldLeftOut  = "fields_left_out"
	fieldMessage  = "_msg"
)

var ours = append([]string{FieldSource, FieldSeq, FieldFormat, FieldTime, FieldReceived, FieldRaw, FieldLeftOut}, event.Common...)

// taken says whether a native key cannot be a field of its own.
func taken(name string) bool { return name == "" || name[0] == '_' || slices.Contains(ours, name) }

// appendLine appends a record in wire form with a line feed.
func appendLine(b []byte, r *event.Record) []byte {
	at := timeOf(r)
	b = append(b, `{"_time":"`...)
	b = at.AppendFormat(b, timeForm)
	b = append(b, '"')
	b = appendField(b, FieldSource, r.Source)
	b = appendNumber(b, FieldSeq, int64(r.Seq))
	b = appendNumber(b, FieldTime, at.UnixMicro())
	b = appendNumber(b, FieldReceived, r.Received.UnixMicro())
	b = appendField(b, FieldFormat, string(r.Format))
	for _, f := range []event.Field{
		{Name: "host", Value: r.Host},
		{Name: "user", Value: r.User},
		{Name: "app", Value: r.App},
		{Name: "action", Value: r.Action},
		{Name: "outcome", Value: r.Outcome},
		{Name: "src_ip", Value: r.SrcIP},
		{Name: "dst_ip", Value: r.DstIP},
		{Name: "event_id", Value: r.EventID},
	} {
		b = appendField(b, f.Name, f.Value)
	}
	for _, n := range []struct {
		name  string
		value int64
	}{{"src_port", int64(r.SrcPort)}, {"dst_port", int64(r.DstPort)}, {"severity", int64(r.Severity)}} {
		if n.value != 0 {
			b = appendNumber(b, n.name, n.value)
		}
	}
	b = appendNative(b, r.Fields)
	message := string(r.Raw)
	if len(r.Raw) == 0 || !utf8.Valid(r.Raw) {
		b = appendField(b, FieldRaw, ":"+base64.StdEncoding.EncodeToString(r.Raw))
		if message == "" {
			message = "-" // the engine would put a sentence of its own there
		}
	}
	b = appendField(b, fieldMessage, message)
	return append(b, '}', '\n')
}

func timeOf(r *event.Record) time.Time {
	if r.Time.IsZero() {
		return r.Received.UTC()
	}
	return r.Time.UTC()
}

func appendNative(b []byte, fields []event.Field) []byte {
	sent, left := 0, 0
	var seen map[string]bool
	if len(fields) > 16 {
		seen = make(map[string]bool, len(fields))
	}
	for i, f := range fields {
		switch {
		case f.Value == "" || taken(f.Name):
		case seen[f.Name] || seen == nil && slices.ContainsFunc(fields[:i], func(o event.Field) bool { return o.Name == f.Name }):
		case sent == mostFields:
			left++
		default:
			b = appendField(b, f.Name, f.Value)
			sent++
		}
		if seen != nil {
			seen[f.Name] = true
		}
	}
	if left > 0 {
		b = appendNumber(b, FieldLeftOut, int64(left))
	}
	return b
}

func appendNumber(b []byte, name string, n int64) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":"`...)
	b = strconv.AppendInt(b, n, 10)
	return append(b, '"')
}

func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, ',')
	b = appendString(b, name)
	b = append(b, ':')
	return appendString(b, value)
}

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string; bytes that are no UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[from:i]...), "\uFFFD"...)
				from = i + 1
			}
			i += n
			continue
		}
		b = append(b, s[from:i]...)
		if c == '"' || c == '\\' {
			b = append(b, '\\', c)
		} else {
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

// Row is a row of an answer: field and value.
type Row map[string]string

// Record makes the record again that was sent as the row. Native keys come in the order of their names. Reason Malformed: the
// row is not in wire form.
func (row Row) Record() (event.Record, error) {
	r := event.Record{
		Source: row[FieldSource], Format: event.Format(row[FieldFormat]), Raw: []byte(row[fieldMessage]),
		Host: row["host"], User: row["user"], App: row["app"], Action: row["action"], Outcome: row["outcome"],
		SrcIP: row["src_ip"], DstIP: row["dst_ip"], EventID: row["event_id"],
	}
	var bad error
	number := func(name string, bits int, required bool) int64 {
		if row[name] == "" && !required {
			return 0
		}
		n, err := strconv.ParseInt(row[name], 10, 64)
		if err != nil || bits < 64 && (n < 0 || n >= 1<<bits) {
			bad = &Error{Reason: Malformed, Err: fmt.Errorf("field %s is %.40q", name, row[name])}
		}
		return n
	}
	r.Seq = uint64(number(FieldSeq, 62, true))
	r.Time, r.Received = time.UnixMicro(number(FieldTime, 64, true)).UTC(), time.UnixMicro(number(FieldReceived, 64, true)).UTC()
	r.SrcPort, r.DstPort = uint16(number("src_port", 16, false)), uint16(number("dst_port", 16, false))
	r.Severity = uint8(number("severity", 8, false))
	if text, ok := strings.CutPrefix(row[FieldRaw], ":"); ok {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			bad = &Error{Reason: Malformed, Err: fmt.Errorf("field %s: %w", FieldRaw, err)}
		}
		r.Raw = raw
	}
	for name, value := range row {
		if !taken(name) {
			r.Fields = append(r.Fields, event.Field{Name: name, Value: value})
		}
	}
	slices.SortFunc(r.Fields, func(a, b event.Field) int { return strings.Compare(a.Name, b.Name) })
	if len(bytes.TrimSpace([]byte(r.Source))) == 0 {
		bad = &Error{Reason: Malformed, Err: fmt.Errorf("a row without %s", FieldSource)}
	}
	return r, bad
}
