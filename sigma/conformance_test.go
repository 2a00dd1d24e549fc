package sigma_test

import (
	"testing"

	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/correlate"
	"github.com/kizuki-security/kizuki/sigma/sigmatest"
)

// engine puts this library to the tests that others wrote.
type engine struct{}

func (engine) Scan(files []sigmatest.File, o sigmatest.Options, events []sigmatest.Event) (sigmatest.Result, error) {
	var documents []sigma.Document
	var problems []*sigma.Problem
	for _, f := range files {
		found, err := sigma.Parse(f.Name, f.Text)
		documents = append(documents, found...)
		problems = append(problems, sigma.Problems(err)...)
	}
	rules, more := sigma.Compile(documents, sigma.Options{Placeholders: o.Placeholders})
	problems = append(problems, more...)
	joined, more := correlate.New(documents, rules.Rules(), correlate.Options{Lateness: o.Lateness, Calendars: o.Calendars})
	problems = append(problems, more...)
	var out sigmatest.Result
	for _, p := range problems {
		out.Refused = append(out.Refused, sigmatest.Refusal{File: p.File, Document: p.Place, Reason: p.Reason})
	}
	alerts := func(found []correlate.Alert) {
		for _, a := range found {
			group := map[string]string{}
			for _, v := range a.Group {
				group[v.Name] = v.Value
			}
			out.Hits = append(out.Hits, sigmatest.Hit{Rule: a.Correlation.Title, Event: -1, Time: a.Time, Group: group})
		}
	}
	m := rules.NewMatcher()
	for i, given := range events {
		e := sigma.Event{Time: given.Time, Source: sigma.LogSource(given.Source)}
		for _, f := range given.Fields {
			e.Fields = append(e.Fields, sigma.Field{Name: f.Name, Value: f.Value, Kind: sigma.Kind(f.Kind)})
		}
		hits := m.Match(&e)
		for _, h := range hits {
			if !joined.Silences(h.Rule) {
				out.Hits = append(out.Hits, sigmatest.Hit{Rule: h.Rule.Title, Event: i})
			}
		}
		alerts(joined.Add(&e, hits))
	}
	alerts(joined.Close())
	out.Late = joined.Stats().Late
	return out, nil
}

// TestVectors: the meaning of every modifier, condition and correlation, written by hand by somebody who did not write the engine.
func TestVectors(t *testing.T) {
	sigmatest.RunVectors(t, engine{})
}

// TestDiffer: random rules over random events, compared with the naive evaluator.
func TestDiffer(t *testing.T) {
	seeds := make([]uint64, 60)
	for i := range seeds {
		seeds[i] = uint64(i)
	}
	sigmatest.Differ(t, engine{}, seeds...)
}

// FuzzDiffer looks for a seed whose rules the engine and the naive evaluator understand differently.
func FuzzDiffer(f *testing.F) {
	f.Add(uint64(7))
	f.Fuzz(func(t *testing.T, seed uint64) { sigmatest.Differ(t, engine{}, seed) })
}

// FuzzDifferText changes the rules of the vectors byte by byte: engine and naive evaluator refuse the same documents,
// and find the same among some events with the others.
func FuzzDifferText(f *testing.F) {
	vectors, err := sigmatest.Vectors()
	if err != nil {
		f.Fatal(err)
	}
	for _, v := range vectors {
		f.Add(v.Rules)
	}
	f.Fuzz(func(t *testing.T, text []byte) { sigmatest.DifferText(t, engine{}, text) })
}
