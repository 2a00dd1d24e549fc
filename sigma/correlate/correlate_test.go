package correlate_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/correlate"
)

const base = `
title: Failed
name: failed
logsource: {product: test}
detection: {s: {E: fail}, condition: s}
---
title: Success
name: success
logsource: {product: test}
detection: {s: {E: ok}, condition: s}
---
`

var start = time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)

// bench is rules with a matcher and an engine.
type bench struct {
	matcher *sigma.Matcher
	engine  *correlate.Engine
}

func set(t testing.TB, o correlate.Options, text string) bench {
	t.Helper()
	documents, err := sigma.Parse("t.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	rules, problems := sigma.Compile(documents, sigma.Options{})
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	engine, problems := correlate.New(documents, rules.Rules(), o)
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	return bench{rules.NewMatcher(), engine}
}

func event(at time.Duration, fields ...string) sigma.Event {
	e := sigma.Event{Time: start.Add(at), Source: sigma.LogSource{Product: "test"}}
	for i := 0; i < len(fields); i += 2 {
		e.Fields = append(e.Fields, sigma.Field{Name: fields[i], Value: []byte(fields[i+1])})
	}
	return e
}

func (b bench) run(events []sigma.Event) []string {
	var out []string
	add := func(alerts []correlate.Alert) {
		for _, a := range alerts {
			out = append(out, fmt.Sprintf("%s %v %v %g", a.Correlation.Title, a.Time.Sub(start), a.Group, a.Count))
		}
	}
	for i := range events {
		add(b.engine.Add(&events[i], b.matcher.Match(&events[i])))
	}
	add(b.engine.Close())
	return out
}

const bruteForce = base + `
title: Many failed
name: many
correlation: {type: event_count, rules: [failed], group-by: [User], timespan: 10m, condition: {gte: 3}}
---
title: Guessed
correlation: {type: temporal_ordered, rules: [many, success], group-by: [User], timespan: 1h}
`

func TestChain(t *testing.T) {
	t.Parallel()
	b := set(t, correlate.Options{}, bruteForce)
	got := b.run([]sigma.Event{
		event(0, "E", "ok", "User", "bob"),
		event(1*time.Minute, "E", "fail", "User", "Bob"),
		event(2*time.Minute, "E", "fail", "User", "bob"),
		event(3*time.Minute, "E", "fail", "User", "eve"),
		event(4*time.Minute, "E", "fail", "User", "BOB"),
		event(5*time.Minute, "E", "ok", "User", "eve"),
		event(6*time.Minute, "E", "ok", "User", "bob"),
	})
	if want := []string{"Guessed 6m0s [{User bob}] 2"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, r := range b.matcher.Match(new(event(0, "E", "ok"))) {
		if !b.engine.Silences(r.Rule) {
			t.Errorf("%s is named by a correlation and reports all the same", r.Rule.Title)
		}
	}
}

// TestOrderOfArrival: within the lateness, alerts do not depend on it.
func TestOrderOfArrival(t *testing.T) {
	t.Parallel()
	var events []sigma.Event
	source := rand.New(rand.NewPCG(1, 2))
	for i := range 400 {
		events = append(events, event(time.Duration(source.IntN(3600))*time.Second,
			"E", []string{"ok", "fail", "fail"}[i%3], "User", fmt.Sprint("u", source.IntN(5)), "IP", strconv.Itoa(source.IntN(9)), "N", strconv.Itoa(source.IntN(100))))
	}
	text := bruteForce + `
---
title: Spray
correlation: {type: value_count, rules: [failed], group-by: [IP], timespan: 5m, condition: {field: User, gte: 4}}
---
title: Much
correlation: {type: value_sum, rules: [success], group-by: [User], timespan: 5m, condition: {field: N, gt: 200}}
---
title: New
kizuki: {type: first_seen, rules: [success], group-by: [User], field: IP, learn: 10m}
---
title: Quiet
kizuki: {type: absence, rules: [success], group-by: [User], timespan: 4m}
`
	var first []string
	for round := range 6 {
		got := set(t, correlate.Options{Lateness: 2 * time.Hour}, text).run(events)
		if round == 0 {
			first = got
			if len(got) < 20 {
				t.Errorf("only %d alerts", len(got))
			}
		}
		if !slices.Equal(got, first) {
			t.Fatalf("round %d:\n%s\nwant\n%s", round, strings.Join(got, "\n"), strings.Join(first, "\n"))
		}
		source.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	}
}

func TestWhatIsLeftOutIsCounted(t *testing.T) {
	t.Parallel()
	b := set(t, correlate.Options{
		MaxGroups: 10, MaxWindow: 5, MaxPending: 20, Lateness: time.Minute, Latest: start.Add(24 * time.Hour),
	}, base+"title: T\ncorrelation: {type: event_count, rules: [failed], group-by: [User], timespan: 1h, condition: {gte: 100}}\n")
	events := []sigma.Event{
		event(-time.Hour, "E", "ok"), event(0, "E", "ok"), event(-2*time.Minute, "E", "fail", "User", "late"),
		event(48*time.Hour, "E", "fail", "User", "future"),
		{Fields: event(0, "E", "fail").Fields},
	}
	for i := range 30 {
		events = append(events, event(time.Duration(i)*10*time.Second, "E", "fail", "User", fmt.Sprint("u", i)))
	}
	for i := range 50 {
		events = append(events, event(10*time.Minute+time.Duration(i), "E", "fail", "User", "same"))
	}
	b.run(events)
	s := b.engine.Stats()
	if s.Late != 30 || s.Future != 1 || s.Untimed != 1 || s.Evicted != 21 || s.Groups != 10 || s.Pending != 0 || s.Hurried == 0 {
		t.Errorf("%+v", s)
	}
	// Late: one as it came, and those of a moment that was settled early for MaxPending.
	if s.Dropped != 0 { // fifty events within the same tick
		t.Errorf("events of one moment take more than one place: %+v", s)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	documents, err := sigma.Parse("t.yml", []byte(base+`
title: Missing
name: missing
correlation: {type: temporal, rules: [failed, nothing], timespan: 1m}
---
title: Above
correlation: {type: temporal, rules: [missing, failed], timespan: 1m}
---
title: One
name: one
correlation: {type: temporal, rules: [two, failed], timespan: 1m}
---
title: Two
name: two
correlation: {type: temporal, rules: [one], timespan: 1m}
---
title: Zone
kizuki: {type: off_hours, rules: [failed], hours: "09:00-17:00", timezone: Asia/Nowhere}
---
title: Calendar
kizuki: {type: off_hours, rules: [failed], hours: "09:00-17:00", timezone: Asia/Tokyo, calendar: plant}
---
title: Good
correlation: {type: temporal, rules: [failed, success], timespan: 1m}
`))
	if err != nil {
		t.Fatal(err)
	}
	rules, _ := sigma.Compile(documents, sigma.Options{})
	engine, problems := correlate.New(documents, rules.Rules(), correlate.Options{})
	var codes []string
	for _, p := range problems {
		codes = append(codes, p.RuleID+" "+p.Code)
		if p.Line == 0 || p.File != "t.yml" {
			t.Errorf("%v has no place", p)
		}
	}
	slices.Sort(codes)
	want := []string{"Above reference", "Calendar reference", "Zone reference", "missing reference", "one recursion", "two recursion"}
	if !slices.Equal(codes, want) {
		t.Errorf("refused %v, want %v", codes, want)
	}
	if c := engine.Correlations(); len(c) != 1 || c[0].Title != "Good" {
		t.Errorf("%d correlations in use", len(c))
	}
}

func BenchmarkEventCount(b *testing.B) {
	engine := set(b, correlate.Options{MaxGroups: 1 << 20},
		base+"title: T\ncorrelation: {type: event_count, rules: [failed], group-by: [User], timespan: 10m, condition: {gte: 1000}}\n")
	e := event(0, "E", "fail", "Computer", "srv01.example.local", "User", "user-00000000", "IpAddress", "10.0.0.1", "LogonType", "3")
	hits := engine.matcher.Match(&e)
	name := e.Fields[2].Value
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		e.Time = e.Time.Add(time.Millisecond)
		for i, k := 0, n*7919%20000; i < 8; i++ {
			name[5+i] = '0' + byte(k%10)
			k /= 10
		}
		n++
		engine.engine.Add(&e, hits)
	}
	b.ReportMetric(float64(engine.engine.Stats().Groups), "groups")
}

// TestGroupsAreSmall measures what a live group costs.
func TestGroupsAreSmall(t *testing.T) {
	const groups = 50_000
	engine := set(t, correlate.Options{},
		base+"title: T\ncorrelation: {type: event_count, rules: [failed], group-by: [User], timespan: 10d, condition: {gte: 1000}}\n")
	heap := func() uint64 {
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	before := heap()
	for i := range 3 * groups {
		e := event(time.Duration(i)*time.Millisecond, "E", "fail", "User", fmt.Sprintf("User-%08d", i%groups))
		engine.engine.Add(&e, engine.matcher.Match(&e))
	}
	cost := (heap() - before) / groups
	t.Logf("%d bytes for each group with three events", cost)
	if cost > 300 {
		t.Error("more than 300")
	}
	runtime.KeepAlive(engine)
}
