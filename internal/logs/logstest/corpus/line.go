package corpus

import (
	"strconv"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
)

// line is the record being written: its bytes, and the fields of a JSON line.
type line struct {
	b      []byte
	fields []event.Field
}

func (l *line) add(parts ...string) {
	for _, part := range parts {
		l.b = append(l.b, part...)
	}
}

func (l *line) num(n int64) { l.b = strconv.AppendInt(l.b, n, 10) }

// kv writes name="value" with a space before it.
func (l *line) kv(name, value string) { l.add(" ", name, `="`, value, `"`) }

// bare writes name=value with a space before it.
func (l *line) bare(name, value string) { l.add(" ", name, "=", value) }

// two writes a number with two digits.
func (l *line) two(n int) { l.b = append(l.b, byte('0'+n/10%10), byte('0'+n%10)) }

// clock writes 09:12:33.
func (l *line) clock(at time.Time) {
	hour, minute, second := at.Clock()
	l.two(hour)
	l.b = append(l.b, ':')
	l.two(minute)
	l.b = append(l.b, ':')
	l.two(second)
}

// date writes 2026-11-16.
func (l *line) date(at time.Time) {
	year, month, day := at.Date()
	l.num(int64(year))
	l.b = append(l.b, '-')
	l.two(int(month))
	l.b = append(l.b, '-')
	l.two(day)
}

// stamp writes the time as syslog does: Nov 16 09:12:33.
func (l *line) stamp(at time.Time) {
	_, month, day := at.Date()
	l.add(month.String()[:3], " ")
	if day < 10 {
		l.b = append(l.b, ' ', byte('0'+day))
	} else {
		l.two(day)
	}
	l.b = append(l.b, ' ')
	l.clock(at)
}

// text is a value with the form it has inside JSON.
type text struct{ plain, quoted string }

// json writes "key":"value" and notes it as the field name.
func (l *line) json(key, name string, value text) {
	l.add(`"`, key, `":"`, value.quoted, `",`)
	l.fields = append(l.fields, event.Field{Name: name, Value: value.plain})
}

// jsonSame is json for a value that needs no escapes, under the name of its key.
func (l *line) jsonSame(key, value string) { l.json(key, key, text{value, value}) }

// jsonNum writes "key":number.
func (l *line) jsonNum(key, name, number string) {
	l.add(`"`, key, `":`, number, `,`)
	l.fields = append(l.fields, event.Field{Name: name, Value: number})
}

// open writes "key":{ and shut the closing brace, with the comma that stands before it taken away.
func (l *line) open(key string) { l.add(`"`, key, `":{`) }

func (l *line) shut() {
	if n := len(l.b) - 1; l.b[n] == ',' {
		l.b = l.b[:n]
	}
	l.add("},")
}
