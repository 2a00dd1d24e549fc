// Command testsum reads the output of "go test -json" on its standard input and prints what a person
// wants to see: one line per package, everything a failing test said, and the slowest tests. It writes
// the counts "passed failed skipped" to the file named by -counts and exits 1 when anything failed.
// With -no-skips a skipped test counts as failed: a run that is meant to try everything must not
// leave something out in silence.
//
// It is a tool of scripts/test and imports nothing of ours.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// event is one line of "go test -json"; the fields are described by "go doc test2json".
type event struct {
	Action     string
	Package    string
	ImportPath string // of a build event
	Test       string
	Output     string
	Elapsed    float64 // seconds
}

// timing is how long one top-level test took.
type timing struct {
	name    string
	seconds float64
}

// summary gathers the events.
type summary struct {
	noSkips                 bool
	out                     io.Writer
	passed, failed, skipped int
	said                    map[string][]string // what a package or test printed, until it passes
	badTests                map[string]bool     // packages in which a test already counted as failed
	timings                 []timing
}

func main() {
	counts := flag.String("counts", "", "file that takes the counts")
	noSkips := flag.Bool("no-skips", false, "count a skipped test as failed")
	flag.Parse()

	s := &summary{noSkips: *noSkips, out: os.Stdout, said: map[string][]string{}, badTests: map[string]bool{}}
	if err := s.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(2)
	}
	s.finish()
	if *counts != "" {
		line := fmt.Sprintf("%d %d %d\n", s.passed, s.failed, s.skipped)
		if err := os.WriteFile(*counts, []byte(line), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, "testsum:", err)
			os.Exit(2)
		}
	}
	if s.failed > 0 {
		os.Exit(1)
	}
}

// read takes every event of r. A line that is no event (the go command's own words) is passed on.
func (s *summary) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil && e.Action != "" {
				s.take(e)
			} else {
				fmt.Fprintf(s.out, "%s", line)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
	}
}

func (s *summary) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		s.said[key] = append(s.said[key], e.Output)
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			s.closePackage(e)
		} else {
			s.closeTest(e, key)
		}
	}
}

func (s *summary) closeTest(e event, key string) {
	if !strings.Contains(e.Test, "/") {
		s.timings = append(s.timings, timing{e.Package + " " + e.Test, e.Elapsed})
	}
	bad := e.Action == "fail" || e.Action == "skip" && s.noSkips
	switch {
	case bad:
		s.failed++
		s.badTests[e.Package] = true
	case e.Action == "skip":
		s.skipped++
	default:
		s.passed++
	}
	if bad || e.Action == "skip" {
		fmt.Fprintf(s.out, "\n%s: %s %s\n%s", strings.ToUpper(e.Action), e.Package, e.Test, s.words(key))
	}
	delete(s.said, key)
}

// closePackage counts a package as failed only when none of its tests did: it did not build, it
// panicked, or it ran out of time. What its unfinished tests said is then the only trace.
func (s *summary) closePackage(e event) {
	switch {
	case e.Action == "fail" && !s.badTests[e.Package]:
		s.failed++
		fmt.Fprintf(s.out, "\nFAIL: %s\n", e.Package)
		for _, key := range slices.Sorted(maps.Keys(s.said)) {
			if strings.HasPrefix(key, e.Package+" ") {
				fmt.Fprint(s.out, s.words(key))
			}
		}
	case e.Action != "skip": // skip: a package without tests
		fmt.Fprintf(s.out, "%-4s %7.1f s  %s\n", e.Action, e.Elapsed, e.Package)
	}
	delete(s.said, e.Package+" ")
}

// words joins what was printed under key, without the runner's own marks.
func (s *summary) words(key string) string {
	var b strings.Builder
	for _, line := range s.said[key] {
		if !strings.HasPrefix(line, "=== ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// finish prints the slowest tests.
func (s *summary) finish() {
	slices.SortFunc(s.timings, func(a, b timing) int { return cmp.Compare(b.seconds, a.seconds) })
	fmt.Fprintf(s.out, "\n%d tests passed, %d failed, %d skipped; the slowest:\n", s.passed, s.failed, s.skipped)
	for _, t := range s.timings[:min(8, len(s.timings))] {
		fmt.Fprintf(s.out, "     %7.1f s  %s\n", t.seconds, t.name)
	}
}
