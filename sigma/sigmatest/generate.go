package sigmatest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// maker makes rules and events from a seed. Words come from a small store, so that rules find something about half of the time.
type maker struct {
	*rand.Rand
	events  []Event
	options Options
}

// Generate makes rules of every kind, and events for them. The same seed gives the same case in every release of this package's tests
// until the generator changes.
func Generate(seed uint64) Case {
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 5))} //nolint:gosec // reproducible on purpose, no secret
	m.options = Options{
		Placeholders: map[string][]string{"users": {"bob", "adm_*"}, "tool": {"cmd", "net?"}, "nets": {"10.0.0.0/8"}},
		Calendars:    map[string][]string{"plant": {"2026-04-02"}},
		Lateness:     time.Duration(m.IntN(4)) * 10 * time.Second,
	}
	for i := range 30 {
		m.events = append(m.events, m.event(i))
	}
	var documents []map[string]any
	for i := range 20 {
		documents = append(documents, m.rule(i))
	}
	documents = append(documents, m.correlations()...)
	documents = append(documents, m.filters()...)
	var text [][]byte
	for _, d := range documents {
		text = append(text, encode(d))
	}
	m.Shuffle(len(text), func(i, j int) { text[i], text[j] = text[j], text[i] })
	return Case{seed, bytes.Join(text, []byte("\n---\n")), m.options, m.events}
}

// encode writes JSON, which is YAML, with the title first.
func encode(document map[string]any) []byte {
	title := document["title"]
	delete(document, "title")
	rest, err := json.Marshal(document)
	if err != nil {
		panic(err) // maps, lists, texts, numbers and truth values only
	}
	return fmt.Appendf(nil, `{"title":%q,%s`, title, rest[1:])
}

func pick[T any](m *maker, from []T) T { return from[m.IntN(len(from))] }

func (m *maker) chance(percent int) bool { return m.IntN(100) < percent }

var (
	textFields = []string{"F", "G", "H"}
	words      = []string{
		"cmd", "CMD", "net", "bob", "adm_x", " ", "-", "/", "–", "―", `\`, "*", "?", "%", ".", "あ", "気", "É", "é", "я", "Я", "a", "B", "",
		"Y21k", "YwBtAGQA", "\n", "😀",
	}
	addresses = []string{"10.0.0.1", "10.255.0.9", "192.0.2.7", "::1", "fe80::1", "2001:db8::5", "::ffff:10.0.0.1", "no address"}
	numbers   = []string{"0", "1", "2", "5", "10", "-3", "1.5", "100", "0x10", "07", "many"}
	dates     = []string{"2026-04-17T05:24:53Z", "2026-01-01 00:00:00", "2025-12-29T23:59:00.5+09:00", "not a date"}
	users     = []string{"bob", "BOB", "eve", "adm_x"}
)

func (m *maker) text() string {
	var out strings.Builder
	for range 1 + m.IntN(4) {
		out.WriteString(pick(m, words))
	}
	return out.String()
}

// event makes one; times come in steps, some at once, some late.
func (m *maker) event(i int) Event {
	step := time.Duration(i*5+m.IntN(20)) * time.Second
	if m.chance(15) {
		step -= time.Duration(m.IntN(60)) * time.Second
	}
	e := Event{Time: start.Add(step), Source: LogSource{Product: "test", Category: pick(m, []string{"", "one", "two"})}}
	add := func(name, value string, kind Kind) {
		e.Fields = append(e.Fields, Field{Name: name, Value: []byte(value), Kind: kind})
	}
	for _, name := range textFields {
		for range m.IntN(3) {
			text := m.text()
			if m.chance(10) {
				text = m.encoded(text)
			}
			add(name, text, Text)
		}
		if m.chance(8) {
			e.Fields = append(e.Fields, Field{Name: name, Kind: Null})
		}
	}
	add("E", pick(m, []string{"1", "2", "3"}), Number)
	optional := func(percent int, name string, from []string) {
		if m.chance(percent) {
			add(name, pick(m, from), Text)
		}
	}
	optional(80, "IP", addresses)
	optional(80, "N", numbers)
	optional(80, "When", dates)
	optional(85, "User", users)
	optional(50, "TargetUser", users)
	optional(30, "Flag", []string{"true", "false", "True"})
	m.Shuffle(len(e.Fields), func(i, j int) { e.Fields[i], e.Fields[j] = e.Fields[j], e.Fields[i] })
	return e
}

// seen gives a value that some event has in a field.
func (m *maker) seen(field string) string {
	var values []string
	for _, e := range m.events {
		for _, f := range e.Fields {
			if f.Name == field && f.Kind != Null {
				values = append(values, string(f.Value))
			}
		}
	}
	if len(values) == 0 {
		return m.text()
	}
	return pick(m, values)
}

// part cuts a value: 0 anywhere, 1 at its beginning, 2 at its end, 3 not at all.
func (m *maker) part(text string, where int) string {
	chars := []rune(text)
	from, to := 0, len(chars)
	if where == 0 || where == 2 {
		from = m.IntN(len(chars)/2 + 1)
	}
	if where == 0 || where == 1 {
		to -= m.IntN((len(chars)-from)/2 + 1)
	}
	return string(chars[from:to])
}

// pattern writes a text so that it means itself, then makes some of it wildcards, other case, or something else.
func (m *maker) pattern(text string, wild bool) string {
	var out strings.Builder
	for _, c := range text {
		switch {
		case wild && m.chance(8):
			out.WriteString("?")
			continue
		case wild && m.chance(6):
			out.WriteString("*")
			continue
		case m.chance(10):
			out.WriteString(swapCase(c))
			continue
		case m.chance(2):
			out.WriteString("x")
			continue
		case c == '*' || c == '?' || c == '\\':
			out.WriteString(`\`)
		}
		out.WriteRune(c)
	}
	return out.String()
}

func swapCase(c rune) string {
	text := string(c)
	if c == '*' || c == '?' || c == '\\' {
		return `\` + text
	}
	if upper := strings.ToUpper(text); upper != text {
		return upper
	}
	return strings.ToLower(text)
}

// number gives a number as JSON writes it.
func (m *maker) number() json.Number {
	return json.Number(pick(m, []string{"0", "1", "2", "5", "10", "-3", "1.5", "100"}))
}

// encoded gives base64 of a text in some place of a longer one.
func (m *maker) encoded(text string) string {
	return base64.StdEncoding.EncodeToString([]byte("xyz"[:m.IntN(3)] + text + "xyz"[:m.IntN(3)]))
}

// list makes one value, or a list of them.
func (m *maker) list(one func() any) (value any, several bool) {
	if m.chance(55) {
		return one(), false
	}
	var all []any
	for range 2 + m.IntN(2) {
		all = append(all, one())
	}
	return all, true
}

func ordinal(i int) string { return "rule " + strconv.Itoa(i) }
