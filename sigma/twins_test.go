package sigma_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/jsonlines"
)

var (
	infoRule  = regexp.MustCompile(`(?m)^\s*(?:-\s*)?id:\s*['"]?([0-9a-f-]{36})`)
	infoCount = regexp.MustCompile(`match_count:\s*(\d+)`)
)

// TestTwins runs every rule over the events of SigmaHQ's regression cases, as JSON: each case must be found by
// the rule it was made for, as often as it says.
func TestTwins(t *testing.T) {
	documents, _ := parseAll(t, ruleFiles(t, filepath.Join(testdata(t), "sigma-rules")))
	rules, _ := sigma.Compile(documents, sigma.Options{})
	m := rules.NewMatcher()
	d := jsonlines.NewDecoder(jsonlines.Limits{})
	cases, events, hits, silent, exact := 0, 0, 0, 0, 0
	fired := map[string]bool{}
	err := filepath.WalkDir(filepath.Join(testdata(t), "evtx"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Base(path) != "info.yml" {
			return err
		}
		info, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		ids := infoRule.FindAllSubmatch(info, -1)
		twins, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.json"))
		if len(twins) != 1 || len(ids) == 0 {
			t.Logf("%s: no twin", path)
			return nil
		}
		cases++
		text, err := os.ReadFile(twins[0])
		if err != nil {
			return err
		}
		want := 1
		if c := infoCount.FindSubmatch(info); c != nil {
			want, _ = strconv.Atoi(string(c[1]))
		}
		id := strings.TrimSuffix(filepath.Base(twins[0]), ".json")
		found := 0
		for rest := bytes.TrimSpace(text); len(rest) > 0; rest = bytes.TrimSpace(rest) {
			var e sigma.Event
			if rest, err = d.Next(rest, &e); err != nil {
				t.Errorf("%s: %v", path, err)
				break
			}
			if e.Time.IsZero() {
				t.Errorf("%s: the event has no time", path)
			}
			events++
			got := m.Match(&e)
			hits += len(got)
			if len(got) == 0 {
				silent++
			}
			for _, h := range got {
				fired[h.Rule.ID] = true
				if h.Rule.ID == id {
					found++
				}
				checkReasons(t, &e, h)
			}
		}
		if found < want {
			t.Errorf("%s: rule %s matched %d events, want %d", path, id, found, want)
		}
		if found == want {
			exact++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d cases (%d exact), %d events (%d without a hit), %d hits of %d rules", cases, exact, events, silent, hits, len(fired))
}

// checkReasons looks for what an explanation says at the place it says.
func checkReasons(t *testing.T, e *sigma.Event, h sigma.Hit) {
	t.Helper()
	reasons := h.Why()
	if len(reasons) == 0 {
		t.Errorf("rule %s does not say why it matched", h.Rule.ID)
	}
	for _, r := range reasons {
		if r.Offset < 0 || r.Op == "re" || r.Op == "pattern" {
			continue
		}
		found := false
		for _, f := range e.Fields {
			if f.Name == r.EventName && len(f.Value) >= r.Offset+r.Length &&
				strings.EqualFold(string(f.Value[r.Offset:r.Offset+r.Length]), r.Pattern) {
				found = true
			}
		}
		if !found && !strings.Contains(r.Pattern, "-") {
			t.Errorf("rule %s: %+v is not at its place", h.Rule.ID, r)
		}
	}
}

// TestEvents checks on real events that leaving rules out by their witnesses loses none.
func TestEvents(t *testing.T) {
	rules := windowsRules(t)
	events := decodeAll(t, eventLines(t))
	m := rules.NewMatcher()
	hits := map[string]int{}
	for i := range events {
		got := m.Match(&events[i])
		names := make([]string, len(got))
		for k, h := range got {
			names[k] = h.Rule.ID
			hits[h.Rule.Title]++
			checkReasons(t, &events[i], h)
		}
		want := sigma.MatchEveryRule(m)
		if strings.Join(names, " ") != strings.Join(want, " ") {
			t.Fatalf("event %d: with witnesses %v, without %v", i, names, want)
		}
	}
	total := 0
	for title, n := range hits {
		total += n
		t.Logf("%6d %s", n, title)
	}
	t.Logf("%d events, %d hits of %d rules", len(events), total, len(hits))
	if total == 0 {
		t.Error("no hits at all")
	}
}
