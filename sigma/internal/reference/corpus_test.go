package reference

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

const (
	corpusRules      = 3780
	placeholderRules = 25 // that need values only a site has
	matrixHits       = 67 // of all rules over all events of the regression cases, counted by this evaluator
)

// realData gives a folder of real input, or skips the test aloud.
func realData(t *testing.T, folder string) string {
	t.Helper()
	root := os.Getenv("KIZUKI_TESTDATA")
	if root == "" {
		t.Skip("KIZUKI_TESTDATA is not set: no real rules and events here")
	}
	return filepath.Join(root, folder)
}

func ruleFiles(t *testing.T) []File {
	t.Helper()
	var files []File
	err := filepath.WalkDir(realData(t, "sigma-rules"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yml" {
			return err
		}
		text, err := os.ReadFile(path)
		files = append(files, File{filepath.Base(path), text})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var expandModifier = regexp.MustCompile(`(?m)^[^#\n]*\|expand\b`)

func TestCorpusLoads(t *testing.T) {
	t.Parallel()
	files := ruleFiles(t)
	if len(files) != corpusRules {
		t.Errorf("%d rule files, want %d", len(files), corpusRules)
	}
	rules := Load(files, Options{})
	var refused, wanting []string
	for _, r := range rules.Refused {
		refused = append(refused, r.File)
		if !strings.Contains(r.Reason, "placeholder") {
			t.Errorf("%s is refused: %s", r.File, r.Reason)
		}
		t.Logf("%s: %s", r.File, r.Reason)
	}
	for _, f := range files {
		if expandModifier.Match(f.Text) {
			wanting = append(wanting, f.Name)
		}
	}
	slices.Sort(refused)
	slices.Sort(wanting)
	if !slices.Equal(refused, wanting) || len(refused) != placeholderRules {
		t.Errorf("%d rules are refused, %d use expand, want %d:\n%v\n%v", len(refused), len(wanting), placeholderRules, refused, wanting)
	}
}

// caseInfo is an info.yml.
type caseInfo struct {
	Rules []struct{ ID string } `yaml:"rule_metadata"`
	Tests []struct {
		Path  string
		Count int `yaml:"match_count"`
	} `yaml:"regression_tests_info"`
}

func TestRegressionCases(t *testing.T) {
	t.Parallel()
	root := realData(t, "evtx")
	files := ruleFiles(t)
	rules := Load(files, Options{})
	matrix := 0
	cases := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "info.yml" {
			return err
		}
		cases++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var info caseInfo
		if err := yaml.Unmarshal(text, &info); err != nil {
			return err
		}
		for _, test := range info.Tests {
			twin := strings.TrimSuffix(filepath.Base(test.Path), ".evtx") + ".json"
			events, err := twinEvents(filepath.Join(filepath.Dir(path), twin))
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			found := matrixOf(rules, events)
			matrix += len(found)
			count := 0
			for pair := range found {
				if pair.rule == info.Rules[0].ID {
					count++
				}
			}
			if count < max(test.Count, 1) {
				t.Errorf("%s: rule %s hits %d events, want %d", path, info.Rules[0].ID, count, max(test.Count, 1))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if cases == 0 || matrix != matrixHits {
		t.Errorf("%d cases, %d hits of any rule on any event, want %d", cases, matrix, matrixHits)
	}
}

type pair struct {
	rule  string
	event int
}

// matrixOf gives which rule hits which event, whatever of its sources the event comes from.
func matrixOf(rules *Rules, events []Event) map[pair]bool {
	found := map[pair]bool{}
	for i, e := range events {
		for _, source := range windowsSources(e) {
			e.Source = source
			for _, h := range rules.Scan([]Event{e}).Hits {
				found[pair{h.ID, i}] = true
			}
		}
	}
	return found
}

// windowsSources is the least routing that the cases need. An event may belong to several categories.
func windowsSources(e Event) []LogSource {
	r := newRecord(e, 0)
	word := func(name string) string {
		v, _ := r.first(name)
		return v.text
	}
	channel, id := word("Channel"), word("EventID")
	s := LogSource{Product: "windows"}
	categories := []string{""}
	switch channel {
	case "Microsoft-Windows-Sysmon/Operational":
		s.Service = "sysmon"
		categories = map[string][]string{
			"1": {"process_creation"}, "3": {"network_connection"}, "7": {"image_load"}, "8": {"create_remote_thread"}, "10": {"process_access"},
			"11": {"file_event"}, "12": {"registry_event", "registry_add", "registry_delete"}, "13": {"registry_event", "registry_set"},
			"17": {"pipe_created"}, "18": {"pipe_created"}, "22": {"dns_query"}, "23": {"file_delete"},
		}[id]
		if kind := word("EventType"); id == "12" && kind == "CreateKey" {
			categories = []string{"registry_event", "registry_add"}
		} else if id == "12" {
			categories = []string{"registry_event", "registry_delete"}
		}
		if categories == nil {
			categories = []string{""}
		}
	case "Security":
		s.Service = "security"
	}
	var out []LogSource
	for _, category := range categories {
		s.Category = category
		out = append(out, s)
	}
	return out
}

// twinEvents reads concatenated JSON events and makes flat fields of them.
func twinEvents(path string) ([]Event, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var events []Event
	for {
		var twin struct {
			Event struct{ System, EventData, UserData map[string]any }
		}
		err := decoder.Decode(&twin)
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return nil, err
		}
		var e Event
		for _, part := range []map[string]any{twin.Event.System, twin.Event.EventData, twin.Event.UserData} {
			for name, v := range part {
				e.Fields = flatten(e.Fields, name, v)
			}
		}
		for _, f := range e.Fields {
			if f.Name == "TimeCreated_SystemTime" {
				if e.Time, err = time.Parse(time.RFC3339Nano, string(f.Value)); err != nil {
					return nil, err
				}
			}
		}
		events = append(events, e)
	}
}

func flatten(fields []Field, name string, v any) []Field {
	name = strings.ReplaceAll(name, " ", "")
	switch v := v.(type) {
	case nil:
		return append(fields, Field{Name: name, Kind: Null})
	case json.Number:
		return append(fields, Field{Name: name, Value: []byte(v), Kind: Number})
	case bool:
		return append(fields, Field{Name: name, Value: strconv.AppendBool(nil, v), Kind: Bool})
	case string:
		return append(fields, Field{Name: name, Value: []byte(v)})
	case []any:
		for _, item := range v {
			fields = flatten(fields, name, item)
		}
	case map[string]any:
		for key, item := range v {
			switch key {
			case "#attributes":
				attributes, _ := item.(map[string]any)
				for attribute, text := range attributes {
					fields = flatten(fields, name+"_"+attribute, text)
				}
			case "#text":
				fields = flatten(fields, name, item)
			default:
				fields = flatten(fields, name+"."+key, item)
			}
		}
	}
	return fields
}
