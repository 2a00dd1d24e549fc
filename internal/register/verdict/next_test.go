package verdict_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
)

// gaps evaluates the fixture's items and gives what is open.
func gaps(tb testing.TB, w *verdict.World) []verdict.OpenClause {
	tb.Helper()
	var open []verdict.OpenClause
	for _, c := range fixture(tb).Framework("jama-japia", "2.3").Clauses() {
		v := verdict.Evaluate(w, c)
		if s := verdict.State(c.Mark, v, verdict.Answer{}, w.Today, false); s.Open() {
			open = append(open, verdict.OpenClause{Clause: c, Verdict: v, State: s})
		}
	}
	return open
}

func shorts(clauses []*framework.Clause) []string {
	var out []string
	for _, c := range clauses {
		out = append(out, c.Item.ID+" "+c.Short.JA)
	}
	return out
}

func ledgerFacts(tb testing.TB) []fact.Fact {
	tb.Helper()
	rule := func(topic string) fact.Fact {
		return f(tb, "policy.in_force", "document/p", "2026-04-01", "type", "regulation", "topic", topic, "version", "1")
	}
	return []fact.Fact{
		rule("application"), rule("need_only"), rule("stocktake"), rule("access_ledger"),
		f(tb, "policy.approved", "document/p", "2026-03-30", "version", "1", "author", "person/1", "approver", "person/9"),
		confirmed(tb, "systems.confirmed", "2026-10-01"), confirmed(tb, "rooms.confirmed", "2026-10-01"),
		f(tb, "systems.member", "system/erp", "2020-01-01"), f(tb, "rooms.member", "room/server", "2020-01-01"),
		f(tb, "review.closed", "system/erp", "2026-05-01"),
		session(tb, "a", "mail", "2026-06-10"), confirmed(tb, "people.confirmed", "2026-10-01"),
		person("1", "yes"), person("2", "yes"), person("3", "yes"),
		f(tb, "people.joined", "person/3", "2026-05-01", "mail", "yes"),
		completed(tb, "1", "mail", "2026-06-10"),
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	w := world(t, ledgerFacts(t)...)
	steps := verdict.Next(w, gaps(t, w), -1)
	type row struct {
		Remedy, Title, Link string
		N, Minutes          int
		Turned              []string
	}
	var got []row
	for _, s := range steps {
		got = append(got, row{s.Remedy, s.Title.JA, s.Link, s.N, s.Minutes, shorts(s.Clauses)})
	}
	want := []row{
		{"confirm_answers", "記録どおりに1件回答する", "/sheet/jama-japia@2.3/confirm", 1, 3, []string{"49 管理ルール"}},      // 2 ÷ 3
		{"train_people", "電子メールの教育を2名に受けてもらう", "/training/new?topic=mail", 2, 7, []string{"28 対象", "28 受入時"}}, // 6 ÷ 7
		{"write_reflection", "電子メールの教育を振り返る", "/training?topic=mail", 1, 5, []string{"28 振り返り"}},              // 3 ÷ 5
		{"review_rights", "権限を棚卸する", "/review", 1, 35, []string{"49 棚卸"}},                                     // 2 ÷ 35
	}
	want[0], want[1] = want[1], want[0]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if n := verdict.Turned(steps); n != 5 {
		t.Errorf("together they turn %d clauses", n)
	}
	if two := verdict.Next(w, gaps(t, w), 2); len(two) != 2 {
		t.Errorf("%d steps, want 2", len(two))
	}
	if en := steps[0].Title.EN; en != "Have 2 people take the training on e-mail" {
		t.Errorf("English title: %s", en)
	}
}

// What Next promises is what happens: doing the step, as facts of today, turns just those clauses.
func TestNextKeepsItsPromise(t *testing.T) {
	t.Parallel()
	facts := ledgerFacts(t)
	w := world(t, facts...)
	before := gaps(t, w)
	steps := verdict.Next(w, before, 1)
	for _, m := range steps[0].Misses {
		facts = append(facts, fact.Fact{Kind: m.Kind, Member: m.Member, Attrs: m.Attrs, On: today})
	}
	after := gaps(t, world(t, facts...))
	if got := len(before) - len(after); got != len(steps[0].Clauses) {
		t.Errorf("%s turned %d clauses, promised %d", steps[0].Title.JA, got, len(steps[0].Clauses))
	}
}

func TestNextDetails(t *testing.T) {
	t.Parallel()
	base := []fact.Fact{session(t, "a", "mail", "2026-06-10"), f(t, "training.reflection", "session/a", "2026-06-11", "topic", "mail"), completed(t, "1", "mail", "2026-06-10"), person("1", "yes")}
	remedies := func(w *verdict.World) []string {
		var out []string
		for _, s := range verdict.Next(w, gaps(t, w)[:min(2, len(gaps(t, w)))], -1) {
			out = append(out, s.Remedy)
		}
		return out
	}
	t.Run("an unconfirmed list is confirmed", func(t *testing.T) {
		t.Parallel()
		if got := remedies(world(t, base...)); len(got) != 1 || got[0] != "confirm_people" {
			t.Errorf("steps: %v", got)
		}
	})
	t.Run("two lacks are no step", func(t *testing.T) {
		t.Parallel()
		w := world(t, append(base, person("2", "yes"))...)
		for _, s := range verdict.Next(w, gaps(t, w), -1) {
			for _, c := range s.Clauses {
				if c.Short.JA == "対象" {
					t.Errorf("%s turns a clause that lacks a confirmation too", s.Remedy)
				}
			}
		}
	})
	t.Run("a blank is taken as yes", func(t *testing.T) {
		t.Parallel()
		w := world(t, append(base, confirmed(t, "people.confirmed", "2026-10-01"), person("2", "unknown"))...)
		for _, s := range verdict.Next(w, gaps(t, w), -1) {
			if s.Remedy == "fill_people" {
				t.Errorf("filling in the blank of somebody without training turns %v", shorts(s.Clauses))
			}
		}
	})
	t.Run("the world stays as it is", func(t *testing.T) {
		t.Parallel()
		w := world(t, ledgerFacts(t)...)
		before := gaps(t, w)
		verdict.Next(w, before, -1)
		if diff := cmp.Diff(len(before), len(gaps(t, w))); diff != "" {
			t.Error(diff)
		}
	})
}

// Stored verdicts read like fresh ones.
func TestReasonThroughJSON(t *testing.T) {
	t.Parallel()
	w := world(t, ledgerFacts(t)...)
	for _, c := range fixture(t).Framework("jama-japia", "2.3").Clauses() {
		v := verdict.Evaluate(w, c)
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var back verdict.Verdict
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		for i, r := range v.Reasons {
			if a, b := r.Text(w.Table, "ja"), back.Reasons[i].Text(w.Table, "ja"); a != b {
				t.Errorf("%s reads %q after JSON", a, b)
			}
		}
	}
}

func TestReasonTexts(t *testing.T) {
	t.Parallel()
	w := world(t, ledgerFacts(t)...)
	c := fixture(t).Item("jama-japia@2.3", "28").Clauses[2]
	v := verdict.Evaluate(w, c)
	var got []string
	for _, r := range v.Reasons {
		got = append(got, r.Text(w.Table, "ja"))
	}
	want := []string{"受講（電子メール）：3名のうち1名。残りは2名です", "あと2名の「受講（電子メール）」で達成です"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if _, err := i18n.New(verdict.Messages()); err != nil {
		t.Errorf("messages: %v", err)
	}
}

// A step without a value to name, and without a member to show, still reads and leads somewhere.
func TestNextWithoutNames(t *testing.T) {
	t.Parallel()
	item := fixture(t).Item("jama-japia@2.3", "49")
	ask := func(op framework.Op) verdict.Step {
		w := world(t)
		c := clause(op)
		c.Item = item
		v := verdict.Evaluate(w, c)
		steps := verdict.Next(w, []verdict.OpenClause{{Clause: c, Verdict: v, State: verdict.ClauseState{Result: v.Result}}}, 5)
		if len(steps) != 1 || len(steps[0].Clauses) != 1 {
			t.Fatalf("%s: steps %+v", op.Op, steps)
		}
		return steps[0]
	}
	rule := ask(framework.Op{Op: "approved_by", Kind: "policy.approved", Where: framework.Where{"type": {"policy"}}})
	if rule.Remedy != "write_policy" || rule.Title.JA != "規程を作る" || rule.Title.EN != "Write the regulation" {
		t.Errorf("step %s: %q %q", rule.Remedy, rule.Title.JA, rule.Title.EN)
	}
	count := ask(framework.Op{Op: "exists", Kind: "training.session", Period: fiscalYear})
	if count.Title.JA != "教育を行う" || count.Link != "/training/new?topic=" {
		t.Errorf("step %q %s", count.Title.JA, count.Link)
	}
}
