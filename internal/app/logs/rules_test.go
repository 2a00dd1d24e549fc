package logs_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/logs"
	"github.com/kizuki-security/kizuki/rules"
	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/correlate"
	"github.com/kizuki-security/kizuki/sigma/jsonlines"
)

// rulesFolder is where the samples stand: they are not embedded.
const rulesFolder = "../../../rules"

// pack is all rules that come with the program, compiled together as a scan has them.
type pack struct {
	documents []sigma.Document
	set       *sigma.RuleSet
	extra     map[string]rules.Rule // by id
}

func loadPack(t *testing.T) *pack {
	t.Helper()
	p := &pack{extra: map[string]rules.Rule{}}
	err := fs.WalkDir(rules.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(rules.FS, name)
		if err != nil {
			return err
		}
		documents, err := sigma.Parse(name, text)
		p.documents = append(p.documents, documents...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var problems []*sigma.Problem
	p.set, problems = sigma.Compile(p.documents, sigma.Options{})
	_, more := p.engine()
	for _, problem := range append(problems, more...) {
		t.Error(problem)
	}
	all, err := rules.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		p.extra[r.ID] = r
	}
	if len(p.extra) != len(p.documents) {
		t.Errorf("%d documents have %d ids", len(p.documents), len(p.extra))
	}
	return p
}

func (p *pack) engine() (*correlate.Engine, []*sigma.Problem) {
	return correlate.New(p.documents, p.set.Rules(), correlate.Options{Lateness: 1000 * time.Hour})
}

// reports are the headers of what can report itself, by file.
func (p *pack) reports() map[string][]*sigma.Header {
	engine, _ := p.engine()
	files := map[string][]*sigma.Header{}
	named := map[string]bool{}
	for _, c := range engine.Correlations() {
		for _, name := range c.Rules {
			named[name] = named[name] || !c.Generate
		}
	}
	for _, d := range p.documents {
		switch {
		case d.Rule != nil && !engine.Silences(d.Rule):
			files[d.Rule.File] = append(files[d.Rule.File], &d.Rule.Header)
		case d.Correlation != nil && !named[d.Correlation.Name]:
			files[d.Correlation.File] = append(files[d.Correlation.File], &d.Correlation.Header)
		}
	}
	return files
}

func TestOwnRulesLoad(t *testing.T) {
	t.Parallel()
	correlations := map[bool]int{}
	for _, saved := range []bool{true, false} {
		own, err := logs.OwnRules(saved)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range own.Problems {
			t.Error(problem)
		}
		if len(own.Set.Rules()) < 40 || len(own.Correlations) < 15 {
			t.Errorf("%d rules and %d correlations came along", len(own.Set.Rules()), len(own.Correlations))
		}
		correlations[saved] = len(own.Correlations)
	}
	if correlations[true] >= correlations[false] {
		t.Error("a scan of saved files looks for silence")
	}
}

// TestOwnRulesExplain: whoever gets a hit of ours is told what happened, why it matters and what to do, in both languages.
func TestOwnRulesExplain(t *testing.T) {
	t.Parallel()
	p := loadPack(t)
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	technique := regexp.MustCompile(`^attack\.(t\d{4}(\.\d{3})?|[a-z-]+)$`)
	known := map[string]bool{}
	for file, headers := range p.reports() {
		for _, h := range headers {
			known[h.ID] = true
			where := file + ": " + h.Name
			ja, ok1 := logs.Explain(h.ID, "ja")
			en, ok2 := logs.Explain(h.ID, "en")
			if !ok1 || !ok2 {
				t.Errorf("%s: the explanation in Japanese or English is missing", where)
				continue
			}
			for _, text := range []string{ja.What, ja.Why, ja.First} {
				if !strings.HasSuffix(text, "。") || strings.ContainsAny(text, "！!") || len([]rune(text)) < 20 {
					t.Errorf("%s: %q is no finished sentence", where, text)
				}
			}
			for _, text := range []string{en.What, en.Why, en.First} {
				if !strings.HasSuffix(text, ".") || strings.Contains(text, "!") || len(text) < 20 {
					t.Errorf("%s: %q is no finished sentence", where, text)
				}
			}
			if ja.Title == "" || ja.Title == h.Title || en.Title != h.Title {
				t.Errorf("%s: titles are %q and %q", where, ja.Title, en.Title)
			}
			if !uuid.MatchString(h.ID) || h.Author != "Kizuki" || h.License != "Apache-2.0" || h.Date == "" || h.Level == "" ||
				h.Description == "" || len(h.FalsePositives) == 0 || len(h.Tags) < 2 {
				t.Errorf("%s: id, author, license, date, level, description, falsepositives or tags are not as they should be", where)
			}
			for _, tag := range h.Tags {
				if !technique.MatchString(tag) {
					t.Errorf("%s: tag %q", where, tag)
				}
			}
		}
	}
	for id, r := range p.extra {
		if len(r.Explain) > 0 != known[id] {
			t.Errorf("%s: %s reports itself: %t, has explanations: %d", r.File, r.Name, known[id], len(r.Explain))
		}
	}
}

// sample is one event of a file of samples.
type sample struct {
	line   int
	text   []byte
	source sigma.LogSource
}

// readSamples reads JSON lines. A line may say "@repeat": {times, from, every}; {time} and {n} are filled in then. It may
// say "@source": {product, category, service}, what only the parser of a device knows.
func readSamples(t *testing.T, name string) []sample {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(rulesFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	var all []sample
	for i, line := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
		var frame struct {
			Repeat *struct {
				Times int
				From  time.Time
				Every string
			} `json:"@repeat"`
			Source struct{ Product, Category, Service string } `json:"@source"`
		}
		var event map[string]json.RawMessage
		if err := json.Unmarshal(line, &frame); err != nil {
			t.Fatalf("%s:%d: %v", name, i+1, err)
		}
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatalf("%s:%d: %v", name, i+1, err)
		}
		source := sigma.LogSource(frame.Source)
		delete(event, "@repeat")
		delete(event, "@source")
		text, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		if frame.Repeat == nil {
			all = append(all, sample{i + 1, text, source})
			continue
		}
		every, err := time.ParseDuration(frame.Repeat.Every)
		if err != nil {
			t.Fatalf("%s:%d: %v", name, i+1, err)
		}
		for n := range frame.Repeat.Times {
			at := frame.Repeat.From.Add(time.Duration(n) * every).Format(time.RFC3339Nano)
			one := strings.NewReplacer("{time}", at, "{n}", strconv.Itoa(n+1)).Replace(string(text))
			all = append(all, sample{i + 1, []byte(one), source})
		}
	}
	return all
}

// run gives the names of what each line hit, and of the correlations that all together made true.
func (p *pack) run(t *testing.T, name string) (lines map[int][]string, alerts []string) {
	t.Helper()
	samples := readSamples(t, name)
	engine, _ := p.engine()
	m := p.set.NewMatcher()
	d := jsonlines.NewDecoder(jsonlines.Limits{})
	lines = map[int][]string{}
	for _, s := range samples {
		e := sigma.Event{Source: s.source}
		if err := d.Decode(s.text, &e); err != nil {
			t.Fatalf("%s:%d: %v", name, s.line, err)
		}
		if e.Time.IsZero() {
			t.Errorf("%s:%d: the event has no time", name, s.line)
		}
		hits := m.Match(&e)
		lines[s.line] = slices.Clip(lines[s.line])
		for _, h := range hits {
			if !engine.Silences(h.Rule) {
				lines[s.line] = append(lines[s.line], h.Rule.Name)
			}
		}
		for _, a := range engine.Add(&e, hits) {
			alerts = append(alerts, a.Correlation.Name)
		}
	}
	for _, a := range engine.Close() {
		alerts = append(alerts, a.Correlation.Name)
	}
	return lines, alerts
}

// TestOwnRulesFindTheirSamples: a positive sample is found by its rule and by no other, unless the rule's overlaps
// say so; a negative one is not found by it. Correlations look at the whole file.
func TestOwnRulesFindTheirSamples(t *testing.T) {
	t.Parallel()
	p := loadPack(t)
	for file, headers := range p.reports() {
		t.Run(strings.TrimSuffix(file, ".yml"), func(t *testing.T) {
			t.Parallel()
			base := strings.TrimSuffix(file, ".yml")
			if headers[0].Name != filepath.Base(base) {
				t.Errorf("the first that reports itself is called %s", headers[0].Name)
			}
			var own, allowed []string
			for _, h := range headers {
				own = append(own, h.Name)
				allowed = append(allowed, p.extra[h.ID].Overlaps...)
			}
			lines, alerts := p.run(t, base+".hit.jsonl")
			if !strings.HasPrefix(file, "windows/") {
				for _, name := range own {
					if !slices.Contains(alerts, name) {
						t.Errorf("%s did not come true", name)
					}
				}
			}
			for line, names := range lines {
				if strings.HasPrefix(file, "windows/") && !slices.Contains(names, own[0]) {
					t.Errorf("%s.hit.jsonl:%d is not found", base, line)
				}
				for _, name := range names {
					if !slices.Contains(own, name) && !slices.Contains(allowed, name) {
						t.Errorf("%s.hit.jsonl:%d is found by %s too; change it or name it in overlaps", base, line, name)
					}
				}
			}
			for _, name := range alerts {
				if !slices.Contains(own, name) && !slices.Contains(allowed, name) {
					t.Errorf("%s.hit.jsonl makes %s true too; change it or name it in overlaps", base, name)
				}
			}
			lines, alerts = p.run(t, base+".miss.jsonl")
			for line, names := range lines {
				for _, name := range names {
					if slices.Contains(own, name) {
						t.Errorf("%s.miss.jsonl:%d is found by %s", base, line, name)
					}
				}
			}
			for _, name := range alerts {
				if slices.Contains(own, name) {
					t.Errorf("%s.miss.jsonl makes %s true", base, name)
				}
			}
		})
	}
}

// TestOwnRulesAreQuiet: real streams of a staged attack among ordinary events give the attack and nothing else.
func TestOwnRulesAreQuiet(t *testing.T) {
	t.Parallel()
	root := os.Getenv("KIZUKI_TESTDATA")
	if root == "" {
		t.Skip("KIZUKI_TESTDATA is not set: real events are not tried")
	}
	own, err := logs.OwnRules(true)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]int{
		"cmd_wevtutil_modify_security_eventlog_path.zip": {"log_cleared_by_command": 1},
		"empire_mimikatz_extract_keys.zip":               {},
		"empire_wmic_add_user_backdoor.zip":              {"remote_command_by_wmi": 4, "user_added_by_command": 2, "user_created": 1},
		"purplesharp_ad_playbook_I.zip":                  {"kerberoasting": 1, "password_spray": 1},
	}
	for name, expected := range want {
		files, err := logs.Find([]string{filepath.Join(root, "windows-events", name)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		total, err := logs.Scan(t.Context(), files, own, logs.Options{Hit: func(h *logs.Hit) error {
			got[h.Rule.Name]++
			return nil
		}})
		if err != nil || total.Scanned < 10_000 {
			t.Fatalf("%s: %v, %d events", name, err, total.Scanned)
		}
		if !maps.Equal(got, expected) {
			t.Errorf("%s: hits are %v, want %v", name, got, expected)
		}
	}
}
