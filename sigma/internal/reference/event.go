// Package reference evaluates Sigma the slow and obvious way: rules, conditions, filters, correlations and the four extensions, each
// written straight from the specification and from sigmatest/SEMANTICS.md. It exists to be compared with: it shares nothing with the
// engine but the list of fields, keeps everything in memory and looks at every rule for every event.
//
// It imports nothing of this module.
package reference

import (
	"time"
	"unicode"
	"unicode/utf8"
)

// Kind says what a field's value was where it came from.
type Kind uint8

// The kinds. Numbers and truth values come with their canonical text as value; Null has none.
const (
	Text Kind = iota
	Number
	Bool
	Null
)

// Field is one flat value of an event. A name may occur several times: any of its values may match.
type Field struct {
	Name  string
	Value []byte
	Kind  Kind
}

// LogSource says where an event comes from. Empty members are unknown.
type LogSource struct{ Product, Category, Service string }

// Event is what happened once.
type Event struct {
	Fields []Field
	Time   time.Time
	Source LogSource
}

// value is one value of a field, spelled out into characters.
type value struct {
	text   string
	chars  []rune // exact
	folded []rune // by simple case folding
	null   bool
}

// record is an event as rules look at it.
type record struct {
	fields map[string][]value
	source LogSource
	time   time.Time
	number int // its place in the order of arrival
}

func newRecord(e Event, number int) record {
	r := record{fields: map[string][]value{}, source: e.Source, time: e.Time, number: number}
	for _, f := range e.Fields {
		r.fields[f.Name] = append(r.fields[f.Name], newValue(string(f.Value), f.Kind == Null))
	}
	return r
}

func newValue(text string, null bool) value {
	if null {
		return value{null: true}
	}
	chars := characters(text)
	return value{text: text, chars: chars, folded: foldAll(chars)}
}

// first gives the first value of a field, which is what groups and counts use.
func (r record) first(field string) (value, bool) {
	values := r.fields[field]
	if len(values) == 0 || values[0].null {
		return value{}, false
	}
	return values[0], true
}

// strayByte is added to a byte that is no UTF-8, so that it equals itself only.
const strayByte = unicode.MaxRune + 1

func characters(text string) []rune {
	var chars []rune
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && size == 1 {
			r = strayByte + rune(text[0])
		}
		chars = append(chars, r)
		text = text[size:]
	}
	return chars
}

func textOf(chars []rune) string {
	var out []byte
	for _, r := range chars {
		if r >= strayByte {
			out = append(out, byte(r-strayByte))
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return string(out)
}

// fold gives the least of all characters that differ from this one in case only.
func fold(r rune) rune {
	if r > unicode.MaxRune {
		return r
	}
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	return least
}

func foldAll(chars []rune) []rune {
	folded := make([]rune, len(chars))
	for i, r := range chars {
		folded[i] = fold(r)
	}
	return folded
}

func foldText(text string) string { return textOf(foldAll(characters(text))) }
