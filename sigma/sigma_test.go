package sigma_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kizuki-security/kizuki/sigma"
)

func parse(t testing.TB, text string) []sigma.Document {
	t.Helper()
	documents, err := sigma.Parse("t.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return documents
}

func compile(t testing.TB, text string) *sigma.RuleSet {
	t.Helper()
	rules, problems := sigma.Compile(parse(t, text), sigma.Options{})
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	return rules
}

// event makes an event of names and values.
func event(source sigma.LogSource, pairs ...string) *sigma.Event {
	e := &sigma.Event{Source: source}
	for i := 0; i < len(pairs); i += 2 {
		e.Fields = append(e.Fields, sigma.Field{Name: pairs[i], Value: []byte(pairs[i+1])})
	}
	return e
}

func titles(hits []sigma.Hit) string {
	var out []string
	for _, h := range hits {
		out = append(out, h.Rule.Title)
	}
	return strings.Join(out, ",")
}

const minimal = "title: %s\nlogsource: {product: test}\ndetection: {s: {%s}, condition: s}\n---\n"

func TestParsePlaces(t *testing.T) {
	t.Parallel()
	documents, err := sigma.Parse("rules/a.yml", []byte(`title: first
id: 0e95725d-7320-415d-80f7-004da920fc11
logsource: {product: windows, category: Process_Creation}
level: HIGH
tags: [attack.t1059]
detection:
    selection:
        Image|endswith: \cmd.exe
    condition: selection
---
# nothing here
---
title: second
id: broken
logsource: {product: windows}
detection:
    selection:
        Image: {a: b}
    condition: selection
---
title: third
logsource: {product: windows}
detection: {s: {A: 1}, condition: s}
`))
	if len(documents) != 2 {
		t.Fatalf("%d documents", len(documents))
	}
	r := documents[0].Rule
	if r.Line != 1 || r.Level != "high" || r.LogSource.Category != "process_creation" || r.Tags[0] != "attack.t1059" || r.File != "rules/a.yml" {
		t.Errorf("%+v", r)
	}
	problems := sigma.Problems(err)
	if len(problems) != 1 {
		t.Fatalf("%v", err)
	}
	p := problems[0]
	if p.RuleID != "broken" || p.Line != 18 || p.Place != 1 || p.Code != "shape" || !strings.HasPrefix(p.Error(), "rules/a.yml:18: rule broken: ") {
		t.Errorf("%+v: %v", p, p)
	}
	if documents[1].Rule.Place != 2 || documents[1].Rule.Line != 21 {
		t.Errorf("third document: %+v", documents[1].Rule.Header)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	var bombSb101 strings.Builder
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&bombSb101, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	bomb += bombSb101.String()
	deep := strings.Repeat("[", 500) + strings.Repeat("]", 500)
	for code, text := range map[string]string{
		"yaml":  "title: [",
		"alias": bomb,
		"size":  "title: x\nx: " + deep,
		"shape": "- a list",
	} {
		documents, err := sigma.Parse("t.yml", []byte(text))
		p := sigma.Problems(err)
		if len(documents) != 0 || len(p) != 1 || p[0].Code != code {
			t.Errorf("%s: %d documents, %v", code, len(documents), err)
		}
	}
	if _, err := sigma.Parse("t.yml", make([]byte, 9<<20)); err == nil {
		t.Error("nine megabytes are accepted")
	}
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	one := "title: a\nid: x\nname: n\nlogsource: {product: test}\ndetection: {s: {A: 1}, condition: s}\n---\n"
	documents := parse(t, one+strings.Replace(one, "title: a", "title: b", 1))
	rules, problems := sigma.Compile(documents, sigma.Options{})
	if len(rules.Rules()) != 1 || len(problems) != 1 || problems[0].Code != "duplicate" || problems[0].Place != 1 {
		t.Errorf("%d rules, %v", len(rules.Rules()), problems)
	}
}

func TestRouting(t *testing.T) {
	t.Parallel()
	rules := compile(t, `
title: creation
logsource: {product: windows, category: process_creation}
detection: {s: {Image|endswith: \whoami.exe, ParentImage|contains: explorer}, condition: s}
---
title: security
logsource: {product: windows, service: security}
detection: {s: {EventID: 4688, NewProcessName|endswith: \whoami.exe}, condition: s}
---
title: add
logsource: {product: windows, category: registry_add}
detection: {s: {TargetObject|contains: Run}, condition: s}
---
title: any registry
logsource: {product: windows, category: registry_event}
detection: {s: {TargetObject|contains: Run}, condition: s}
---
title: windows
logsource: {product: windows}
detection: {s: {Message: x}, condition: s}
---
title: shell
logsource: {product: linux, service: sshd}
detection: {s: ['Failed password'], condition: s}
`)
	m := rules.NewMatcher()
	sysmon := "Microsoft-Windows-Sysmon/Operational"
	for _, tt := range []struct {
		e    *sigma.Event
		want string
	}{
		{event(sigma.LogSource{}, "Channel", sysmon, "EventID", "1", "Image", `C:\WHOAMI.exe`, "ParentImage", "Explorer.exe"), "creation"},
		{event(sigma.LogSource{}, "Channel", "Security", "EventID", "4688", "NewProcessName", `C:\whoami.exe`, "ParentProcessName", "explorer.exe"), "creation,security"},
		{event(sigma.LogSource{}, "Channel", "security", "EventID", "4689", "NewProcessName", `C:\whoami.exe`, "ParentProcessName", "explorer.exe"), ""},
		{event(sigma.LogSource{Product: "Windows", Category: "process_creation"}, "Image", `C:\whoami.exe`, "ParentImage", "explorer.exe"), "creation"},
		{event(sigma.LogSource{}, "Image", `C:\whoami.exe`, "ParentImage", "explorer.exe"), ""},
		{event(sigma.LogSource{}, "Channel", sysmon, "EventID", "12", "EventType", "CreateKey", "TargetObject", "Run"), "add,any registry"},
		{event(sigma.LogSource{}, "Channel", sysmon, "EventID", "12", "EventType", "DeleteKey", "TargetObject", "Run"), "any registry"},
		{event(sigma.LogSource{Product: "linux"}, "Channel", sysmon, "EventID", "12", "EventType", "CreateKey", "TargetObject", "Run"), ""},
		{event(sigma.LogSource{}, "Channel", "System", "Message", "X"), "windows"},
		{event(sigma.LogSource{Product: "linux", Service: "sshd"}, "Message", "error: Failed password for root"), "shell"},
	} {
		if got := titles(m.Match(tt.e)); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.e.Fields, got, tt.want)
		}
	}
}

func TestWhy(t *testing.T) {
	t.Parallel()
	rules := compile(t, `
title: t
logsource: {product: windows, category: process_creation}
detection:
    selection:
        Image|endswith: ['\cmd.exe', '\net.exe']
        CommandLine|contains|all: [' /Add', 気]
    filter:
        User: SYSTEM
    condition: selection and not filter
`)
	m := rules.NewMatcher()
	hits := m.Match(event(sigma.LogSource{}, "Channel", "Security", "EventID", "4688",
		"NewProcessName", `C:\Windows\NET.exe`, "CommandLine", `net user 気 /add`))
	if len(hits) != 1 {
		t.Fatal("no hit")
	}
	want := []sigma.Reason{
		{"selection", "Image", "NewProcessName", "endswith", `\net.exe`, `C:\Windows\NET.exe`, 10, 8},
		{"selection", "CommandLine", "CommandLine", "contains", " /add", "net user 気 /add", 12, 5},
		{"selection", "CommandLine", "CommandLine", "contains", "気", "net user 気 /add", 9, 3},
	}
	if got := hits[0].Why(); !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	m.Match(event(sigma.LogSource{}))
	if hits[0].Why() != nil {
		t.Error("a hit explains itself by another event")
	}
}

func TestWhyCutsLongValues(t *testing.T) {
	t.Parallel()
	m := compile(t, fmt.Sprintf(minimal, "t", "A|contains: needle")).NewMatcher()
	value := strings.Repeat("x", 1<<20) + "needle" + strings.Repeat("y", 1<<20)
	hits := m.Match(event(sigma.LogSource{Product: "test"}, "A", value))
	r := hits[0].Why()[0]
	if r.Offset != 1<<20 || r.Length != 6 || len(r.Value) != 4096 || !strings.Contains(r.Value, "needle") {
		t.Errorf("offset %d, length %d, %d bytes", r.Offset, r.Length, len(r.Value))
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	rule := "title: r\nname: r\nlogsource: {product: test}\ndetection: {s: {A: x}, condition: s}\n---\n"
	filter := "title: f\nlogsource: {product: test}\nfilter: {rules: [r], selection: {User: bob}, condition: %s}\n"
	for _, condition := range []string{"selection", "not selection"} {
		m := compile(t, rule+fmt.Sprintf(filter, condition)).NewMatcher()
		source := sigma.LogSource{Product: "test"}
		if titles(m.Match(event(source, "A", "x", "User", "bob"))) != "" || titles(m.Match(event(source, "A", "x", "User", "eve"))) != "r" {
			t.Errorf("a filter with the condition %q", condition)
		}
	}
	_, problems := sigma.Compile(parse(t, fmt.Sprintf(filter, "selection")), sigma.Options{})
	if len(problems) != 1 || problems[0].Code != "reference" {
		t.Errorf("a filter for nothing: %v", problems)
	}
}

func TestPlaceholders(t *testing.T) {
	t.Parallel()
	documents := parse(t, fmt.Sprintf(minimal, "t", "User|expand: '%Admins%'"))
	rules, problems := sigma.Compile(documents, sigma.Options{})
	if len(rules.Rules()) != 0 || len(problems) != 1 || problems[0].Code != "placeholder" || !strings.Contains(problems[0].Reason, "%Admins%") {
		t.Errorf("%v", problems)
	}
	rules, problems = sigma.Compile(documents, sigma.Options{Placeholders: map[string][]string{"Admins": {"root", "adm_*"}}})
	if len(problems) != 0 || titles(rules.NewMatcher().Match(event(sigma.LogSource{Product: "test"}, "User", "ADM_tanaka"))) != "t" {
		t.Errorf("%v", problems)
	}
}

// TestNull tells absent, null and empty apart.
func TestNull(t *testing.T) {
	t.Parallel()
	m := compile(t, fmt.Sprintf(minimal+minimal+minimal+minimal, "none", "A: null", "empty", "A: ''", "any", "A: '*'", "there", "A|exists: true")).NewMatcher()
	source := sigma.LogSource{Product: "test"}
	null := event(source, "A", "")
	null.Fields[0].Kind = sigma.Null
	for want, e := range map[string]*sigma.Event{
		"none":            event(source, "B", "x"),
		"none,there":      null,
		"empty,any,there": event(source, "A", ""),
		"any,there":       event(source, "A", "x"),
	} {
		if got := titles(m.Match(e)); got != want {
			t.Errorf("%v: %s, want %s", e.Fields, got, want)
		}
	}
}

// TestOrder: hits stand in the order of the documents, whatever order that is.
func TestOrder(t *testing.T) {
	t.Parallel()
	var parts []string
	for i := range 50 {
		parts = append(parts, fmt.Sprintf(minimal, fmt.Sprint("r", i), fmt.Sprintf("A|contains: %c", 'a'+i%5)))
	}
	for range 5 {
		rules := compile(t, strings.Join(parts, ""))
		got := titles(rules.NewMatcher().Match(event(sigma.LogSource{Product: "test"}, "A", "abcde")))
		var want []string
		for _, r := range rules.Rules() {
			want = append(want, r.Title)
		}
		if got != strings.Join(want, ",") {
			t.Fatalf("got %s", got)
		}
		rand.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	}
}

func TestNoAllocations(t *testing.T) {
	rules := compile(t, fmt.Sprintf(minimal+minimal+minimal, "a", `Image|endswith: \cmd.exe`, "b", "CommandLine|re: '(?i)evil[0-9]+'", "c", "IP|cidr: 10.0.0.0/8"))
	m := rules.NewMatcher()
	e := event(sigma.LogSource{Product: "test"}, "Channel", "X", "EventID", "1", "Image", `C:\PowerShell.exe`, "CommandLine", "an evil plan 気", "IP", "192.168.1.1")
	m.Match(e)
	if n := testing.AllocsPerRun(100, func() {
		if len(m.Match(e)) > 0 {
			t.Fatal("a hit")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestSwap exchanges rules while several goroutines match.
func TestSwap(t *testing.T) {
	t.Parallel()
	var current atomic.Pointer[sigma.RuleSet]
	sets := []*sigma.RuleSet{compile(t, fmt.Sprintf(minimal, "a", "A: x")), compile(t, fmt.Sprintf(minimal, "b", "A: x"))}
	current.Store(sets[0])
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			e := event(sigma.LogSource{Product: "test"}, "A", "X")
			for range 300 {
				rules := current.Load()
				if got := titles(rules.NewMatcher().Match(e)); got != rules.Rules()[0].Title {
					t.Errorf("got %q", got)
				}
			}
		})
	}
	for i := range 300 {
		current.Store(sets[i%2])
	}
	wait.Wait()
}

// TestManyFields takes an event that is far larger than usual, and a usual one after it.
func TestManyFields(t *testing.T) {
	t.Parallel()
	m := compile(t, fmt.Sprintf(minimal, "a", "F9999|contains: needle")).NewMatcher()
	e := &sigma.Event{Source: sigma.LogSource{Product: "test"}}
	for i := range 10_000 {
		e.Fields = append(e.Fields, sigma.Field{Name: fmt.Sprint("F", i), Value: []byte("a Needle")})
	}
	if titles(m.Match(e)) != "a" || titles(m.Match(event(sigma.LogSource{Product: "test"}, "F1", "needle"))) != "" {
		t.Error("a large event changes what is found")
	}
}

func FuzzRule(f *testing.F) {
	f.Add([]byte("title: t\nlogsource: {product: test}\ndetection:\n  a: {F|contains|windash: ' -x'}\n  b: [k1, k2]\n  condition: a and not 1 of b*\n"), "F", "x -X")
	f.Add([]byte("title: t\nlogsource: {}\ndetection: {a: {'F|re|i': 'a.*b', G|cidr: 10.0.0.0/8, H|fieldref: F}, condition: a}\n---\ntitle: f\nlogsource: {}\nfilter: {rules: any, s: {F: null}, condition: s}\n"), "G", "10.0.0.1")
	f.Add([]byte("title: c\ncorrelation: {type: value_count, rules: [a], group-by: [U], timespan: 1m, condition: {field: X, gte: 3}}\n"), "U", "")
	f.Add([]byte("title: k\nkizuki: {type: off_hours, rules: [a], timezone: Asia/Tokyo, hours: '08:30-17:30', holidays: [2026-01-01]}\n"), "U", "気")
	f.Add([]byte("a: &a [*a]\n"), "", "\xff")
	f.Fuzz(func(t *testing.T, text []byte, name, value string) {
		documents, err := sigma.Parse("f.yml", text)
		for _, p := range sigma.Problems(err) {
			if p.Code == "" || p.Reason == "" {
				t.Errorf("a problem says nothing: %+v", p)
			}
		}
		rules, _ := sigma.Compile(documents, sigma.Options{Unrouted: true})
		m := rules.NewMatcher()
		e := event(sigma.LogSource{}, name, value, "F", "x -X a b", name, "")
		var got []string
		for _, h := range m.Match(e) {
			got = append(got, h.Rule.ID)
			h.Why()
		}
		if want := sigma.MatchEveryRule(m); strings.Join(got, ",") != strings.Join(want, ",") {
			t.Errorf("with witnesses %v, without %v", got, want)
		}
	})
}
