package sigma_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/sigma"
)

// testdata is the folder of real data, which the project does not own; see CONTRIBUTING.md.
func testdata(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("KIZUKI_TESTDATA")
	if dir == "" {
		t.Skip("KIZUKI_TESTDATA is not set: real rules and events are not tried")
	}
	return dir
}

type file struct {
	name string
	text []byte
}

func ruleFiles(t testing.TB, dir string) []file {
	t.Helper()
	var files []file
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".yml") {
			return err
		}
		text, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files = append(files, file{rel, text})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func parseAll(t testing.TB, files []file) ([]sigma.Document, []*sigma.Problem) {
	t.Helper()
	var documents []sigma.Document
	var problems []*sigma.Problem
	for _, f := range files {
		d, err := sigma.Parse(f.name, f.text)
		documents = append(documents, d...)
		problems = append(problems, sigma.Problems(err)...)
	}
	return documents, problems
}

func heap() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// TestLoadEverything loads all of SigmaHQ: what needs placeholders is refused by name, and nothing else.
func TestLoadEverything(t *testing.T) {
	files := ruleFiles(t, filepath.Join(testdata(t), "sigma-rules"))
	before := heap()
	start := cpuTime(t)
	documents, problems := parseAll(t, files)
	rules, more := sigma.Compile(documents, sigma.Options{})
	took := cpuTime(t) - start
	for _, p := range problems {
		t.Errorf("not parsed: %v", p)
	}
	for _, p := range more {
		if p.Code != "placeholder" || p.RuleID == "" || p.Line == 0 {
			t.Errorf("refused: %v", p)
		}
	}
	if len(files) != 3780 || len(more) != 25 || len(rules.Rules()) != 3755 {
		t.Errorf("%d files, %d refused, %d rules; want 3780, 25, 3755", len(files), len(more), len(rules.Rules()))
	}
	clear(documents)
	used := heap() - before
	t.Logf("load: %v CPU, %d kB kept", took, used>>10)
	if used > 64<<20 {
		t.Errorf("rules keep %d MB; at most 64", used>>20)
	}
	// The parts of the rule set are made when events ask for them: all that real events ask for belongs to the bill.
	events := decodeAll(t, eventLines(t))
	before = heap()
	m := rules.NewMatcher()
	start = cpuTime(t)
	for i := range events {
		m.Match(&events[i])
	}
	t.Logf("%d events, with their parts: %v CPU; %d kB more kept", len(events), cpuTime(t)-start, (heap()-before)>>10)
	if more := heap() - before; used+more > 64<<20 {
		t.Errorf("rules and parts keep %d MB; at most 64", (used+more)>>20)
	}
	runtime.KeepAlive(m)
	runtime.KeepAlive(rules)
	runtime.KeepAlive(files)
}
