package verdict_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
)

// Items 28 and 49 are worked through in DESIGN §3; they stand before any other rule.
func TestItem28(t *testing.T) {
	t.Parallel()
	facts := []fact.Fact{
		confirmed(t, "people.confirmed", "2026-10-01"),
		person("1", "yes"), person("2", "yes"), person("3", "yes", "joined", "2026-09-01"), person("4", "no"), person("5", "yes"),
		{Kind: "people.joined", Member: "person/3", Attrs: map[string]string{"mail": "yes"}, On: day(t, "2026-09-01")},
		{Kind: "people.excluded", Member: "person/5", On: day(t, "2026-06-01"), ValidUntil: day(t, "2026-12-31")},
		session(t, "a", "mail", "2026-06-10"),
		completed(t, "1", "mail", "2026-06-10"), completed(t, "3", "mail", "2026-09-05"),
	}
	got := evaluateItem(t, "28", facts...)
	want := []verdict.Result{verdict.Met, verdict.Unmet, verdict.Unmet, verdict.Met, verdict.Met}
	if diff := cmp.Diff(want, results(got)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	target := got[2]
	if target.Members != 3 || target.Done != 2 || target.Excluded != 1 {
		t.Errorf("population: %d members, %d done, %d excluded", target.Members, target.Done, target.Excluded)
	}
	miss := []verdict.Miss{{Kind: "training.completed", Member: "person/2", Attrs: map[string]string{"topic": "mail"}}}
	if diff := cmp.Diff(miss, target.Misses); diff != "" {
		t.Errorf("misses (-want +got):\n%s", diff)
	}
	if want := day(t, "2027-06-11"); got[4].HoldsUntil != want {
		t.Errorf("yearly holds until %s, want %s", got[4].HoldsUntil, want)
	}

	done := evaluateItem(t, "28", append(facts,
		completed(t, "2", "mail", "2026-11-20"),
		fact.Fact{Kind: "training.reflection", Member: "session/a", Attrs: map[string]string{"topic": "mail"}, On: day(t, "2026-06-12")})...)
	for i, v := range done {
		if v.Result != verdict.Met {
			t.Errorf("clause %d: %q %v", i, v.Result, v.Reasons)
		}
	}
}

func TestItem49(t *testing.T) {
	t.Parallel()
	rule := func(topic string) fact.Fact {
		return f(t, "policy.in_force", "document/p", "2026-04-01", "type", "regulation", "topic", topic, "version", "1")
	}
	approval := f(t, "policy.approved", "document/p", "2026-03-30", "type", "regulation", "version", "1", "author", "person/1", "approver", "person/9")
	facts := []fact.Fact{
		rule("application"), rule("need_only"), rule("stocktake"), rule("access_ledger"), approval,
		confirmed(t, "systems.confirmed", "2026-10-01"), confirmed(t, "rooms.confirmed", "2026-10-01"),
		{Kind: "systems.member", Member: "system/erp", On: day(t, "2020-01-01")},
		{Kind: "systems.member", Member: "system/production", On: day(t, "2020-01-01")},
		{Kind: "rooms.member", Member: "room/server", On: day(t, "2020-01-01")},
		{Kind: "review.closed", Member: "system/erp", On: day(t, "2026-05-01")},
	}
	got := evaluateItem(t, "49", facts...)
	if diff := cmp.Diff([]verdict.Result{verdict.Met, verdict.Unmet}, results(got)); diff != "" {
		t.Fatalf("results (-want +got):\n%s", diff)
	}
	misses := []verdict.Miss{{Kind: "review.closed", Member: "system/production"}, {Kind: "review.closed", Member: "room/server"}}
	if diff := cmp.Diff(misses, got[1].Misses); diff != "" {
		t.Errorf("the gap names what was not reviewed (-want +got):\n%s", diff)
	}
	c := fixture(t).Item("jama-japia@2.3", "49").Clauses
	states := make([]verdict.ClauseState, len(got))
	for i, v := range got {
		states[i] = verdict.State(c[i].Mark, v, verdict.Answer{}, today, false)
	}
	if states[0].Result != verdict.Unknown || !states[0].WaitsConfirm || !states[0].Proposed {
		t.Errorf("an assist clause waits for a person: %+v", states[0])
	}
	if got := verdict.ItemState(states, verdict.Answer{}); got != verdict.Unmet {
		t.Errorf("item state %q", got)
	}
}

func evaluateItem(t *testing.T, id string, facts ...fact.Fact) []verdict.Verdict {
	t.Helper()
	w := world(t, facts...)
	var out []verdict.Verdict
	for _, c := range fixture(t).Item("jama-japia@2.3", id).Clauses {
		out = append(out, verdict.Evaluate(w, c))
	}
	return out
}

func results(vs []verdict.Verdict) []verdict.Result {
	out := make([]verdict.Result, len(vs))
	for i, v := range vs {
		out[i] = v.Result
	}
	return out
}
