package sigma_test

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/internal/reference"
	"github.com/kizuki-security/kizuki/sigma/jsonlines"
)

// processStarts gives real events of one source, which the naive evaluator is told by name.
func processStarts(t testing.TB, most int) []sigma.Event {
	t.Helper()
	var out []sigma.Event
	for _, e := range decodeAll(t, eventLines(t)) {
		id, _ := e.Lookup("EventID")
		channel, _ := e.Lookup("Channel")
		if string(id.Value) == "1" && string(channel.Value) == "Microsoft-Windows-Sysmon/Operational" && len(out) < most {
			out = append(out, e)
		}
	}
	return out
}

// naiveRules loads the rules of Windows into the naive evaluator.
func naiveRules(t testing.TB) *reference.Rules {
	t.Helper()
	var files []reference.File
	for _, f := range ruleFiles(t, filepath.Join(testdata(t), "sigma-rules", "rules", "windows")) {
		files = append(files, reference.File{Name: f.name, Text: f.text})
	}
	return reference.Load(files, reference.Options{})
}

func naiveEvents(events []sigma.Event) []reference.Event {
	out := make([]reference.Event, len(events))
	for i, e := range events {
		out[i] = reference.Event{Time: e.Time, Source: reference.LogSource{Product: "windows", Category: "process_creation", Service: "sysmon"}}
		for _, f := range e.Fields {
			out[i].Fields = append(out[i].Fields, reference.Field{Name: f.Name, Value: f.Value, Kind: reference.Kind(f.Kind)})
		}
	}
	return out
}

type found struct {
	event int
	id    string
}

func order(a, b found) int {
	if a.event != b.event {
		return a.event - b.event
	}
	if a.id < b.id {
		return -1
	}
	return 1
}

func engineHits(m *sigma.Matcher, events []sigma.Event) []found {
	var out []found
	for i := range events {
		for _, h := range m.Match(&events[i]) {
			out = append(out, found{i, h.Rule.ID})
		}
	}
	slices.SortFunc(out, order)
	return out
}

// BenchmarkBesideReference tries the same real process starts on all rules with the engine and with the naive
// evaluator of the tests, which must agree on every hit.
func BenchmarkBesideReference(b *testing.B) {
	events := processStarts(b, 200)
	m, naive := windowsRules(b).NewMatcher(), naiveRules(b)
	same := naiveEvents(events)
	want := engineHits(m, events)
	var fast, slow, fastEvents, slowEvents float64
	for b.Loop() {
		at := cpuTime(b).Seconds()
		for range 100 {
			for i := range events {
				m.Match(&events[i])
			}
		}
		fast += cpuTime(b).Seconds() - at
		fastEvents += 100 * float64(len(events))
		at = cpuTime(b).Seconds()
		result := naive.Scan(same)
		slow += cpuTime(b).Seconds() - at
		slowEvents += float64(len(events))
		got := make([]found, 0, len(want))
		for _, h := range result.Hits {
			got = append(got, found{h.Event, h.ID})
		}
		slices.SortFunc(got, order)
		if !slices.Equal(got, want) {
			b.Fatalf("the naive evaluator finds %d hits, the engine %d", len(got), len(want))
		}
	}
	b.ReportMetric(fastEvents/fast, "events/cpu-s")
	b.ReportMetric(slowEvents/slow, "naive-events/cpu-s")
	b.ReportMetric(fastEvents/fast/(slowEvents/slow), "times-naive")
	b.ReportMetric(float64(len(want)), "hits")
}

// BenchmarkJSONMatch1kB takes only lines of about 1 kB, the size of an event that is not padded with its own message.
func BenchmarkJSONMatch1kB(b *testing.B) {
	all := eventLines(b)
	var lines [][]byte
	size := 0
	for _, line := range all {
		if len(line) > 850 && len(line) < 1150 {
			lines = append(lines, line)
			size += len(line)
		}
	}
	m, d := windowsRules(b).NewMatcher(), jsonlines.NewDecoder(jsonlines.Limits{})
	var e sigma.Event
	pass := func() {
		for _, line := range lines {
			if err := d.Decode(line, &e); err != nil {
				b.Fatal(err)
			}
			m.Match(&e)
		}
	}
	pass()
	b.ReportAllocs()
	start := cpuTime(b).Seconds()
	n := 0
	for b.Loop() {
		pass()
		n += len(lines)
	}
	report(b, n, start)
	b.ReportMetric(float64(size)/float64(len(lines)), "bytes/event")
	b.ReportMetric(float64(len(lines)), "events")
}

// BenchmarkTwoCores measures by the clock how much more two matchers do than one: it needs a machine without other work.
func BenchmarkTwoCores(b *testing.B) {
	rules, lines := windowsRules(b), eventLines(b)
	pass := func() {
		m, d := rules.NewMatcher(), jsonlines.NewDecoder(jsonlines.Limits{})
		var e sigma.Event
		for range 2 {
			for _, line := range lines {
				if err := d.Decode(line, &e); err != nil {
					b.Error(err)
					return
				}
				m.Match(&e)
			}
		}
	}
	pass()
	var one, two time.Duration
	for b.Loop() {
		at := time.Now()
		pass()
		one += time.Since(at)
		at = time.Now()
		var both sync.WaitGroup
		both.Go(pass)
		both.Go(pass)
		both.Wait()
		two += time.Since(at)
	}
	b.ReportMetric(2*one.Seconds()/two.Seconds(), "times-one-core")
}
