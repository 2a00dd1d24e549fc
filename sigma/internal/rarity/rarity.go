// Package rarity guesses how often a test holds in everyday events, from a small collection of usual values that
// was written for it (background.tsv: field, tab, value; a value that is more usual stands there more often).
// A wrong guess costs time, never a hit. Inside: rarity → fold, gram.
package rarity

import (
	_ "embed"
	"strings"
	"sync"

	"github.com/kizuki-security/kizuki/sigma/internal/fold"
	"github.com/kizuki-security/kizuki/sigma/internal/gram"
)

//go:embed background.tsv
var background string

// Model answers the guesses. It never changes.
type Model struct {
	fields map[string][]string // folded values
	every  []string
	grams  map[uint32]int
}

// Default is made from the collection in the library.
var Default = sync.OnceValue(func() *Model {
	m := &Model{fields: map[string][]string{}, grams: map[uint32]int{}}
	for line := range strings.Lines(background) {
		field, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok {
			continue
		}
		value = fold.String(value)
		m.fields[field] = append(m.fields[field], value)
		m.every = append(m.every, value)
		for i := 0; i+4 <= len(value); i++ {
			m.grams[uint32(value[i])|uint32(value[i+1])<<8|uint32(value[i+2])<<16|uint32(value[i+3])<<24]++
		}
	}
	return m
})

// Gram says how often four folded bytes stand in usual values.
func (m *Model) Gram(g uint32) int { return m.grams[g] }

// Present guesses how often a field is there at all, among events of its log source.
func (m *Model) Present(field string) float64 {
	if _, usual := m.fields[field]; usual {
		return 1
	}
	return 0.5
}

// Literal guesses how often a folded literal holds at that place of a value of the field; field "" is every field.
func (m *Model) Literal(field string, kind gram.Kind, text string) float64 {
	values := m.fields[field]
	if field == "" {
		values = m.every
	}
	held := 0
	for _, v := range values {
		if holds(kind, v, text) {
			held++
		}
	}
	p := float64(held) / float64(len(values)+1)
	// What was never seen is rare, the longer the rarer.
	n := float64(len(text) + 1)
	switch kind {
	case gram.Contains:
		p += 0.3 / (n * n)
		if len(text) < 4 {
			p += 0.2 // looked for one by one
		}
	case gram.Prefix:
		p += 0.3 / (n * n)
	case gram.Suffix, gram.Exact:
		p += 0.1 / (n * n)
	}
	return p
}

func holds(kind gram.Kind, v, text string) bool {
	switch kind {
	case gram.Contains:
		return strings.Contains(v, text)
	case gram.Prefix:
		return strings.HasPrefix(v, text)
	case gram.Suffix:
		return strings.HasSuffix(v, text)
	case gram.Exact:
		return v == text
	}
	return false
}
