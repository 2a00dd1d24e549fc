package scan

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kizuki-security/kizuki/sigma/correlate"
	"github.com/kizuki-security/kizuki/sigma/jsonlines"
)

// TestLate: what a correlation leaves out because a later file is older than what had to be settled early is counted.
func TestLate(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"rule.yml": "title: A\nid: 11111111-2222-4333-8444-555555555555\nname: a\nlogsource: {product: windows}\ndetection: {s: {EventID: 1}, condition: s}\n" +
			"---\ntitle: B\nid: 11111111-2222-4333-8444-666666666666\ncorrelation: {type: event_count, rules: [a], group-by: [Computer], timespan: 1m, condition: {gte: 9}}\n",
		"a.json": `{"Channel":"System","EventID":1,"Computer":"pc","@timestamp":"2026-11-26T01:00:10Z"}
{"Channel":"System","EventID":1,"Computer":"pc","@timestamp":"2026-11-26T01:00:11Z"}
{"Channel":"System","EventID":1,"Computer":"pc","@timestamp":"2026-11-26T01:00:12Z"}
`,
		"b.json": `{"Channel":"System","EventID":1,"Computer":"pc","@timestamp":"2026-11-26T01:00:01Z"}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rules, err := LoadRules([]string{filepath.Join(dir, "rule.yml")})
	if err != nil || len(rules.Problems) > 0 {
		t.Fatal(err, rules.Problems)
	}
	files, err := Find([]string{filepath.Join(dir, "a.json"), filepath.Join(dir, "b.json")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	engine, _ := correlate.New(rules.documents, rules.Set.Rules(), correlate.Options{Lateness: allTimes, MaxPending: 1})
	o := &Options{Workers: 1}
	total, err := run(t.Context(), files, o, func() func(*batch) *result {
		w := &worker{o, rules.Set.NewMatcher(), jsonlines.NewDecoder(jsonlines.Limits{}), engine.Silences, true}
		return w.run
	}, engine)
	if err != nil || total.Scanned != 4 || total.Late != 1 || total.Hurried == 0 {
		t.Errorf("%v; total is %+v", err, total)
	}
}
