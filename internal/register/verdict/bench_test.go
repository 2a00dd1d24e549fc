package verdict_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/catalog"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// company has 300 people and three years of four trainings a year, of policies and of notices.
func company(tb testing.TB, table *framework.Table) *verdict.World {
	tb.Helper()
	var facts []fact.Fact
	add := func(kind, member string, on jdate.Day, attrs map[string]string) {
		facts = append(facts, fact.Fact{ID: int64(len(facts) + 1), Kind: kind, Record: fmt.Sprintf("r/%d", len(facts)), Member: member, On: on, Attrs: attrs})
	}
	topics := []string{"mail", "web", "incident", "classification"}
	classes := []string{"officer", "employee", "dispatched", "external"}
	start := today.Add(-3 * 365)
	add("people.confirmed", "", today.Add(-30), nil)
	for i := range 300 {
		key := fmt.Sprintf("person/%d", i)
		usesMail := "yes"
		if i%3 == 0 {
			usesMail = "no"
		}
		class := classes[min(i%40, 3)]
		add("people.member", key, start, map[string]string{"class": class, "mail": usesMail, "internet": usesMail, "joined": start.Add(i).String()})
		add("people.joined", key, start.Add(i*4), map[string]string{"class": class, "mail": usesMail, "internet": usesMail})
		for year := range 3 {
			for n, topic := range topics {
				if i%50 == 7 && year == 2 {
					continue
				}
				add("training.completed", key, start.Add(year*365+n*60+i%5), map[string]string{"topic": topic, "class": class})
			}
		}
		add("policy.notified", key, today.Add(-100), map[string]string{"type": "policy", "topic": "policy", "way": "page"})
	}
	for year := range 3 {
		for n, topic := range topics {
			add("training.session", fmt.Sprintf("session/%d-%s", year, topic), start.Add(year*365+n*60), map[string]string{"topic": topic, "method": "class"})
		}
	}
	for topic := range table.Topics {
		add("policy.in_force", "document/"+topic, today.Add(-300), map[string]string{"type": "regulation", "topic": topic, "version": "1"})
		add("policy.approved", "document/"+topic, today.Add(-310), map[string]string{"type": "regulation", "topic": topic, "version": "1", "author": "person/1", "approver": "person/2"})
	}
	w := &verdict.World{Table: table, FiscalStart: time.April, Facts: map[string][]fact.Fact{}}
	for _, one := range facts {
		w.Facts[one.Kind] = append(w.Facts[one.Kind], one)
	}
	setDay(w, today)
	return w
}

func shipped(tb testing.TB) (*framework.Catalog, []*framework.Clause) {
	tb.Helper()
	c, err := framework.Load(catalog.FS)
	if err != nil {
		tb.Fatal(err)
	}
	var clauses []*framework.Clause
	for _, fw := range c.Frameworks() {
		clauses = append(clauses, fw.Clauses()...)
	}
	return c, clauses
}

func evaluateAll(w *verdict.World, clauses []*framework.Clause) []verdict.OpenClause {
	var open []verdict.OpenClause
	for _, c := range clauses {
		v := verdict.Evaluate(w, c)
		if s := verdict.State(c.Mark, v, verdict.Answer{}, w.Today, false); s.Open() {
			open = append(open, verdict.OpenClause{Clause: c, Verdict: v, State: s})
		}
	}
	return open
}

// BenchmarkEvaluateAll is the whole office on a page: every clause of every framework, from a cold index.
func BenchmarkEvaluateAll(b *testing.B) {
	c, clauses := shipped(b)
	for b.Loop() {
		b.StopTimer()
		w := company(b, c.Table)
		b.StartTimer()
		evaluateAll(w, clauses)
	}
	b.ReportMetric(float64(len(clauses)), "clauses")
}

// BenchmarkNext ranks what to do, after everything was evaluated.
func BenchmarkNext(b *testing.B) {
	c, clauses := shipped(b)
	w := company(b, c.Table)
	open := evaluateAll(w, clauses)
	for b.Loop() {
		verdict.Next(w, open, 5)
	}
	b.ReportMetric(float64(len(open)), "open")
}

// The promise of DESIGN: a page that evaluates everything stays quick. The bound is wide, for slow machines.
func TestEvaluateAllIsQuick(t *testing.T) {
	t.Parallel()
	c, clauses := shipped(t)
	w := company(t, c.Table)
	start := time.Now()
	open := evaluateAll(w, clauses)
	all := time.Since(start)
	start = time.Now()
	steps := verdict.Next(w, open, 5)
	next := time.Since(start)
	t.Logf("%d clauses in %s, %d open, %d steps in %s", len(clauses), all, len(open), len(steps), next)
	for _, s := range steps {
		t.Logf("%s: %d clauses, %d minutes", s.Title.JA, len(s.Clauses), s.Minutes)
	}
	if all > 3*time.Second || next > 3*time.Second {
		t.Errorf("evaluation %s, next %s", all, next)
	}
}
