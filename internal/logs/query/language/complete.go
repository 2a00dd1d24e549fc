package language

import (
	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// Completion is what an input field may offer. Words and examples are of the language and need no translation.
type Completion struct {
	Fields     []Field  // known fields; any other native key can be asked for too
	Words      []string // and, or, …
	Verbs      []Verb   // what follows |
	Functions  []string // prefixes and lists: cased:, net(, text(
	Severities []string
	Units      []string // of durations
}

// Field is a field that a query can ask for.
type Field struct {
	Name string
	Kind string // "common", "native", "address", "number" or "source"
}

// Verb is a verb with an example.
type Verb struct{ Name, Example string }

// Complete gives everything that can be offered.
func Complete() Completion {
	c := Completion{
		Fields: []Field{{"source", "source"}, {"format", "source"}, {query.AnyIP, "address"}},
		Words:  []string{"and", "or", "not", "in", "last", "time"},
		Verbs: []Verb{
			{"newest", "newest 100"},
			{"fields", "fields time, host, user, raw"},
			{"count", "count"},
			{"histogram", "histogram 1h by severity"},
			{"top", "top 20 by src_ip per 1h"},
			{"distinct", "distinct user"},
		},
		Functions:  []string{"cased:", "net(", "text("},
		Severities: query.Severities,
		Units:      []string{"s", "m", "h", "d", "w"},
	}
	for _, name := range event.Common {
		kind := "common"
		switch name {
		case "src_ip", "dst_ip":
			kind = "address"
		case "src_port", "dst_port", "severity":
			kind = "number"
		}
		c.Fields = append(c.Fields, Field{name, kind})
	}
	for _, name := range event.Promoted {
		c.Fields = append(c.Fields, Field{name, "native"})
	}
	return c
}

// nearest gives the verb that a wrong one may have meant: the one with the same beginning, or newest.
func nearest(word string) string {
	for _, v := range Complete().Verbs {
		if word != "" && v.Name[0] == word[0] {
			return v.Example
		}
	}
	return "newest 100"
}
