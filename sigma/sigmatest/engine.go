// Package sigmatest proves that an engine means by Sigma what this project means by it: vectors written by hand for every modifier,
// condition and correlation, and random rules compared with a naive evaluator. What the specification leaves open is decided in
// SEMANTICS.md.
//
// It imports sigma/internal/reference and go.yaml.in/yaml/v3.
package sigmatest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/sigma/internal/reference"
)

type (
	// Kind says what a field's value was where it came from.
	Kind = reference.Kind
	// Field is one flat value of an event.
	Field = reference.Field
	// LogSource says where an event comes from.
	LogSource = reference.LogSource
	// Event is what happened once.
	Event = reference.Event
	// File is the text of a YAML file.
	File = reference.File
	// Options are what rules cannot say themselves.
	Options = reference.Options
)

// The kinds of a field's value.
const (
	Text   = reference.Text
	Number = reference.Number
	Bool   = reference.Bool
	Null   = reference.Null
)

// Refusal is a document an engine does not use. Document counts those of the file from 0, empty ones left out.
type Refusal struct {
	File     string
	Document int
	Reason   string
}

// Hit is one finding. Rule is the title. The hit of a single rule has the place of its event in the list; that of a correlation has -1
// as Event, and a time and a group (group-by name → value; compared without regard to case).
type Hit struct {
	Rule  string
	Event int
	Time  time.Time
	Group map[string]string
}

// Result is everything an engine says. Late is the number of events too late for correlation.
type Result struct {
	Refused []Refusal
	Hits    []Hit
	Late    int
}

// Engine is what is put to the test. Scan loads the files, feeds the events in the order given, and ends the input. An error means that
// the engine itself failed; a bad rule is a Refusal.
type Engine interface {
	Scan(files []File, options Options, events []Event) (Result, error)
}

// Reference is the naive evaluator as an Engine.
func Reference() Engine { return naive{} }

type naive struct{}

func (naive) Scan(files []File, options Options, events []Event) (Result, error) {
	rules := reference.Load(files, options)
	found := rules.Scan(events)
	result := Result{Late: found.Late}
	for _, r := range rules.Refused {
		result.Refused = append(result.Refused, Refusal{r.File, r.Document, r.Reason})
	}
	for _, h := range found.Hits {
		result.Hits = append(result.Hits, Hit{h.Title, h.Event, h.Time, h.Group})
	}
	return result, nil
}

// String tells a hit in one line, so that equal hits read equal.
func (h Hit) String() string {
	if h.Event >= 0 {
		return fmt.Sprintf("%s: event %d", h.Rule, h.Event)
	}
	var group []string
	for _, name := range slices.Sorted(maps.Keys(h.Group)) {
		group = append(group, name+"="+strings.ToLower(h.Group[name]))
	}
	return fmt.Sprintf("%s: at %s, group [%s]", h.Rule, h.Time.UTC().Format(time.RFC3339Nano), strings.Join(group, " "))
}

// lines gives hits as sorted lines.
func lines(hits []Hit) []string {
	var out []string
	for _, h := range hits {
		out = append(out, h.String())
	}
	slices.Sort(out)
	return out
}

// difference tells what two sorted lists do not share, or "".
func difference(want, got []string) string {
	var out []string
	count := map[string]int{}
	for _, line := range want {
		count[line]++
	}
	for _, line := range got {
		count[line]--
	}
	for _, line := range slices.Sorted(maps.Keys(count)) {
		switch n := count[line]; {
		case n > 0:
			out = append(out, "missing "+line)
		case n < 0:
			out = append(out, "too many "+line)
		}
	}
	return strings.Join(out, "\n")
}
