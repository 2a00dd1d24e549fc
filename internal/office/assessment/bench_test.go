package assessment_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/catalog"
	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// plant opens an office with the real catalogue, 300 people and three years of records.
func plant(tb testing.TB) *assessmenttest.Office {
	tb.Helper()
	cat, err := framework.Load(catalog.FS)
	if err != nil {
		tb.Fatalf("load catalogue: %v", err)
	}
	o := assessmenttest.OpenWith(tb, cat)
	o.ReadAll(tb)
	var batches []fact.Batch
	var kinds []string
	add := func(record string, facts ...fact.Fact) {
		for i := range facts {
			facts[i].Record = record
			if !slices.Contains(kinds, facts[i].Kind) {
				kinds = append(kinds, facts[i].Kind)
			}
		}
		batches = append(batches, fact.Batch{Record: record, Facts: facts})
	}
	const people = 300
	for i := range people {
		member := fmt.Sprintf("person/%03d", i)
		attrs := map[string]string{"class": "employee", "mail": "yes", "internet": "yes", "department": "factory"}
		add("people/"+member,
			fact.Fact{Kind: "people.member", Member: member, Attrs: attrs, On: jdate.On(2023, 4, 1).Add(i)},
			fact.Fact{Kind: "people.joined", Member: member, Attrs: attrs, On: jdate.On(2023, 4, 1).Add(i)})
	}
	add("people/confirmed", fact.Fact{Kind: "people.confirmed", On: jdate.On(2026, 9, 1)})
	for year := 2024; year <= 2026; year++ {
		for _, topic := range []string{"mail", "web", "incident", "awareness", "workplace", "secrecy"} {
			record, on := fmt.Sprintf("training/%d-%s", year, topic), jdate.On(year, time.June, 10)
			attrs := map[string]string{"topic": topic, "class": "employee"}
			facts := []fact.Fact{
				{Kind: "training.session", Member: "session/" + record, Attrs: map[string]string{"topic": topic, "method": "class"}, On: on},
				{Kind: "training.reflection", Member: "session/" + record, Attrs: map[string]string{"topic": topic}, On: on.Add(3)},
			}
			for i := range people - 6 {
				facts = append(facts, fact.Fact{Kind: "training.completed", Member: fmt.Sprintf("person/%03d", i), Attrs: attrs, On: on})
			}
			add(record, facts...)
		}
	}
	for _, topic := range []string{"policy", "legal", "incident", "classification", "access", "password", "log", "backup", "mail", "web"} {
		kind := map[bool]string{true: "policy", false: "regulation"}[topic == "policy"]
		record := "policy/" + topic
		attrs := map[string]string{"type": kind, "topic": topic, "version": "1"}
		facts := []fact.Fact{
			{Kind: "policy.in_force", Member: "document/" + topic, Attrs: attrs, On: jdate.On(2025, 4, 1)},
			{Kind: "policy.approved", Member: "document/" + topic, Attrs: map[string]string{"type": kind, "topic": topic, "version": "1", "author": "person/001", "approver": "person/002", "way": "person"}, On: jdate.On(2025, 4, 1)},
			{Kind: "policy.reviewed", Member: "document/" + topic, Attrs: map[string]string{"type": kind, "topic": topic, "result": "unchanged"}, On: jdate.On(2026, 5, 1)},
		}
		for i := range people {
			facts = append(facts, fact.Fact{Kind: "policy.notified", Member: fmt.Sprintf("person/%03d", i), Attrs: map[string]string{"type": kind, "topic": topic, "way": "page"}, On: jdate.On(2025, 4, 2)})
		}
		add(record, facts...)
	}
	o.Write(tb, func(ctx context.Context, tx *sqlite.Tx) error { return o.Facts.PutMany(ctx, tx, kinds, batches) })
	return o
}

// BenchmarkRecomputeAll judges every clause of every framework, reading the facts included: 300 people, 3 years.
func BenchmarkRecomputeAll(b *testing.B) {
	o := plant(b)
	ctx := assessmenttest.House(b)
	for b.Loop() {
		if err := o.DB.Write(ctx, func(tx *sqlite.Tx) error { return o.Svc.RecomputeAll(ctx, tx) }); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRecompute judges what one lesson touches.
func BenchmarkRecompute(b *testing.B) {
	o := plant(b)
	ctx := assessmenttest.House(b)
	for b.Loop() {
		if err := o.DB.Write(ctx, func(tx *sqlite.Tx) error { return o.Svc.Recompute(ctx, tx, []string{"training.completed"}) }); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkBoard(b *testing.B, fresh bool) {
	b.Helper()
	o := plant(b)
	ctx := assessmenttest.House(b)
	svc := o.Svc
	var times []time.Duration
	for b.Loop() {
		if fresh {
			svc = o.Service(o.Svc.Catalog())
		}
		start := time.Now()
		err := svc.Read(ctx, func(tx *sqlite.Tx) error { _, err := svc.Board(ctx, tx, "jama-japia@2.3"); return err })
		if err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)*95/100].Microseconds())/1000, "p95-ms")
}

// BenchmarkBoard is a page that nothing changed since; BenchmarkBoardCold the first page after an act.
func BenchmarkBoard(b *testing.B)     { benchmarkBoard(b, false) }
func BenchmarkBoardCold(b *testing.B) { benchmarkBoard(b, true) }

// BenchmarkOverview is the first page after an act: both targets, the next five simulated.
func BenchmarkOverview(b *testing.B) {
	o := plant(b)
	ctx := assessmenttest.House(b)
	for b.Loop() {
		svc := o.Service(o.Svc.Catalog())
		if err := svc.Read(ctx, func(tx *sqlite.Tx) error { _, err := svc.Overview(ctx, tx); return err }); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSaveAnswer is one answer, audit and states included.
func BenchmarkSaveAnswer(b *testing.B) {
	o := plant(b)
	ctx := assessmenttest.Keeper(b)
	version := 0
	for b.Loop() {
		err := o.Svc.SaveAnswer(ctx, "jama-japia@2.3", "28", assessment.WayPage, assessment.NewAnswer{Node: "28", Value: "unmet", Version: version})
		if err != nil {
			b.Fatal(err)
		}
		version++
	}
}

// TestRealCatalogueIsJudged proves that every clause of the shipped catalogue gets a row, and that the records of
// one plant turn clauses of both frameworks.
func TestRealCatalogueIsJudged(t *testing.T) {
	t.Parallel()
	o := plant(t)
	for _, key := range []string{"jama-japia@2.3", "scs@" + o.Svc.Catalog().Latest("scs").Version} {
		b := o.Board(t, key)
		c := assessment.Count(b.Items)
		if c.Items == 0 || c.Met+c.Part == 0 {
			t.Errorf("%s: %+v", key, c)
		}
	}
	it := o.Board(t, "jama-japia@2.3").Item("28")
	for _, c := range it.Clauses {
		want := verdict.Met
		switch c.Kind {
		case "target":
			want = verdict.Unmet // six people never attended
		case "timing":
			want = verdict.NA // in this fiscal year nobody joined
		}
		if c.Verdict.Result != want {
			t.Errorf("item 28, %s: %q, want %q (%+v)", c.Short.JA, c.Verdict.Result, want, c.Verdict.Reasons)
		}
		if c.Kind == "target" && (c.Verdict.Members != 300 || c.Verdict.Done != 294 || len(c.Verdict.Misses) != 6) {
			t.Errorf("item 28: %d of %d, %d missing", c.Verdict.Done, c.Verdict.Members, len(c.Verdict.Misses))
		}
	}
	report, err := o.Svc.GapsReport(assessmenttest.Keeper(t), "ja")
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Gaps) == 0 || len(report.NextSteps) == 0 {
		t.Errorf("%d gaps, %d next steps", len(report.Gaps), len(report.NextSteps))
	}
}
