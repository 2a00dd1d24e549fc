package scan

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/evtx"
	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/jsonlines"
)

// matrix gives "event number, rule id" for every hit.
type matrix []string

func (m *matrix) match(matcher *sigma.Matcher, number int, e *sigma.Event) {
	for _, h := range matcher.Match(e) {
		*m = append(*m, fmt.Sprintf("%d %s", number, h.Rule.ID))
	}
}

func matrixOfLog(t *testing.T, m *sigma.Matcher, name string, o evtx.Options) (matrix, int) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	var out matrix
	n := 0
	for record, err := range evtx.NewReader(f, o).Records() {
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		e := sigma.Event{Time: record.Time}
		for _, f := range record.Fields {
			e.Fields = append(e.Fields, sigma.Field{Name: f.Name, Value: f.Value, Kind: kind(f.Kind)})
		}
		out.match(m, n, &e)
		n++
	}
	return out, n
}

func matrixOfTwin(t *testing.T, m *sigma.Matcher, name string) (matrix, int) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out matrix
	d := jsonlines.NewDecoder(jsonlines.Limits{})
	n := 0
	for rest := bytes.TrimSpace(text); len(rest) > 0; rest = bytes.TrimSpace(rest) {
		var e sigma.Event
		if rest, err = d.Next(rest, &e); err != nil {
			t.Errorf("%s: %v", name, err)
			break
		}
		out.match(m, n, &e)
		n++
	}
	return out, n
}

// TestMatrix: every event log of SigmaHQ's regression cases, read by our own reader, is matched by the very rules
// that match its JSON twin, and by the rule it was made for. The twins' text ends without white space.
func TestMatrix(t *testing.T) {
	t.Parallel()
	root := os.Getenv("KIZUKI_TESTDATA")
	if root == "" {
		t.Skip("KIZUKI_TESTDATA is not set: the regression cases are not tried")
	}
	rules, err := LoadRules([]string{filepath.Join(root, "sigma-rules")})
	if err != nil {
		t.Fatal(err)
	}
	m := rules.Set.NewMatcher()
	cases, events, hits, kept := 0, 0, 0, 0
	err = filepath.WalkDir(filepath.Join(root, "evtx"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".evtx" {
			return err
		}
		twin := strings.TrimSuffix(path, ".evtx") + ".json"
		fromLog, n := matrixOfLog(t, m, path, evtx.Options{TrimSpace: true})
		fromTwin, twins := matrixOfTwin(t, m, twin)
		if n != twins || !slices.Equal(fromLog, fromTwin) {
			t.Errorf("%s: %d events, hits %v; its twin %d events, hits %v", path, n, fromLog, twins, fromTwin)
		}
		id := strings.TrimSuffix(filepath.Base(path), ".evtx")
		if !slices.ContainsFunc(fromLog, func(hit string) bool { return strings.HasSuffix(hit, id) }) {
			t.Errorf("%s: its rule does not match", path)
		}
		whole, _ := matrixOfLog(t, m, path, evtx.Options{})
		cases, events, hits, kept = cases+1, events+n, hits+len(fromLog), kept+len(whole)
		return nil
	})
	t.Logf("%d cases, %d events, %d hits; %d with the blanks that Windows writes", cases, events, hits, kept)
	if err != nil || cases < 41 {
		t.Errorf("%d cases, %v", cases, err)
	}
}
