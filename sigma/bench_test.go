package sigma_test

import (
	"archive/zip"
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/jsonlines"
)

// eventLines reads all lines of the zipped event streams.
func eventLines(t testing.TB) [][]byte {
	t.Helper()
	archives, err := filepath.Glob(filepath.Join(testdata(t), "windows-events", "*.zip"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	var lines [][]byte
	for _, path := range archives {
		z, err := zip.OpenReader(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			if !strings.HasSuffix(f.Name, ".json") || strings.HasPrefix(f.Name, "__MACOSX") {
				continue
			}
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			for line := range bytes.Lines(text) {
				lines = append(lines, bytes.TrimRight(line, "\r\n"))
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return lines
}

// decodeAll keeps every event: a decoder's fields live until its next call only.
func decodeAll(t testing.TB, lines [][]byte) []sigma.Event {
	t.Helper()
	d := jsonlines.NewDecoder(jsonlines.Limits{})
	events := make([]sigma.Event, 0, len(lines))
	for i, line := range lines {
		var e sigma.Event
		if err := d.Decode(line, &e); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		var size int
		for _, f := range e.Fields {
			size += len(f.Value)
		}
		kept := make([]byte, 0, size)
		fields := make([]sigma.Field, len(e.Fields))
		for k, f := range e.Fields {
			n := len(kept)
			kept = append(kept, f.Value...)
			fields[k] = sigma.Field{Name: f.Name, Value: kept[n:len(kept):len(kept)], Kind: f.Kind}
		}
		e.Fields = fields
		events = append(events, e)
	}
	return events
}

func windowsRules(t testing.TB) *sigma.RuleSet {
	t.Helper()
	documents, problems := parseAll(t, ruleFiles(t, filepath.Join(testdata(t), "sigma-rules", "rules", "windows")))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	rules, _ := sigma.Compile(documents, sigma.Options{})
	return rules
}

// report gives the rate in events for each second of CPU time: others may use the machine.
func report(b *testing.B, events int, start float64) {
	b.Helper()
	used := cpuTime(b).Seconds() - start
	b.ReportMetric(float64(events)/used, "events/cpu-s")
}

func BenchmarkMatch(b *testing.B) {
	rules := windowsRules(b)
	events := decodeAll(b, eventLines(b))
	m := rules.NewMatcher()
	hits := 0
	for i := range events {
		hits += len(m.Match(&events[i]))
	}
	b.ReportAllocs()
	start := cpuTime(b).Seconds()
	n := 0
	for b.Loop() {
		for i := range events {
			m.Match(&events[i])
		}
		n += len(events)
	}
	report(b, n, start)
	b.ReportMetric(float64(hits), "hits/pass")
}

func BenchmarkJSONMatch(b *testing.B) {
	rules := windowsRules(b)
	lines := eventLines(b)
	m := rules.NewMatcher()
	d := jsonlines.NewDecoder(jsonlines.Limits{})
	var e sigma.Event
	size := 0
	for _, line := range lines { // also makes the parts of the rule set
		size += len(line)
		if err := d.Decode(line, &e); err != nil {
			b.Fatal(err)
		}
		m.Match(&e)
	}
	b.ReportAllocs()
	start := cpuTime(b).Seconds()
	n := 0
	for b.Loop() {
		for _, line := range lines {
			if err := d.Decode(line, &e); err != nil {
				b.Fatal(err)
			}
			m.Match(&e)
		}
		n += len(lines)
	}
	report(b, n, start)
	b.ReportMetric(float64(size)/float64(len(lines)), "bytes/event")
}

func BenchmarkJSON(b *testing.B) {
	lines := eventLines(b)
	d := jsonlines.NewDecoder(jsonlines.Limits{})
	var e sigma.Event
	start := cpuTime(b).Seconds()
	n := 0
	for b.Loop() {
		for _, line := range lines {
			if err := d.Decode(line, &e); err != nil {
				b.Fatal(err)
			}
		}
		n += len(lines)
	}
	report(b, n, start)
}
