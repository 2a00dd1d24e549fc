package verdict_test

import (
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

var (
	mail       = framework.Where{"topic": {"mail"}}
	fiscalYear = framework.Period{{FiscalYear: true}}
	yearly     = framework.Period{{FiscalYear: true}, {Days: 365}}
	users      = &framework.Population{Of: "people", Where: framework.Where{"mail": {"yes"}}}
)

// f makes a fact: kind, member, day, then attribute pairs.
func f(tb testing.TB, kind, member, on string, attrs ...string) fact.Fact {
	tb.Helper()
	out := fact.Fact{Kind: kind, Member: member, On: day(tb, on)}
	for i := 0; i+1 < len(attrs); i += 2 {
		if out.Attrs == nil {
			out.Attrs = map[string]string{}
		}
		out.Attrs[attrs[i]] = attrs[i+1]
	}
	return out
}

func until(tb testing.TB, one fact.Fact, last string) fact.Fact {
	tb.Helper()
	one.ValidUntil = day(tb, last)
	return one
}

func valued(one fact.Fact, value int64) fact.Fact {
	one.Value = value
	return one
}

type opCase struct {
	name   string
	op     framework.Op
	empty  bool // may_be_empty
	facts  []fact.Fact
	change func(*verdict.World)
	want   verdict.Result
	first  string // key of the first reason, without "verdict."
	holds  string // HoldsUntil, "" for never
	late   bool
}

func TestOperators(t *testing.T) {
	t.Parallel()
	for _, cases := range [][]opCase{existsCases(t), countCases(t), valueCases(t), memberCases(t), afterCases(t), reviewCases(t), policyCases(t), readingCases(t)} {
		for _, tc := range cases {
			t.Run(tc.op.Op+" "+tc.name, func(t *testing.T) {
				t.Parallel()
				w := world(t, tc.facts...)
				if tc.change != nil {
					tc.change(w)
				}
				c := clause(tc.op)
				c.MayBeEmpty = tc.empty
				v := verdict.Evaluate(w, c)
				if v.Result != tc.want || v.Late != tc.late {
					t.Errorf("result %q late %v, want %q late %v; %v", v.Result, v.Late, tc.want, tc.late, v.Reasons)
				}
				if len(v.Reasons) == 0 || v.Reasons[0].Key != "verdict."+tc.first {
					t.Errorf("reasons %v, want first %s", v.Reasons, tc.first)
				}
				if got := v.HoldsUntil.String(); got != tc.holds {
					t.Errorf("holds until %q, want %q", got, tc.holds)
				}
				checkReasons(t, w, v)
			})
		}
	}
}

// checkReasons asks that every reason reads without gaps in both languages.
func checkReasons(tb testing.TB, w *verdict.World, v verdict.Verdict) {
	tb.Helper()
	for _, r := range v.Reasons {
		for _, locale := range []string{"ja", "en"} {
			if got := r.Text(w.Table, locale); got == "" || hasAny(got, "{}[]") {
				tb.Errorf("%s: reason %s reads %q", locale, r.Key, got)
			}
		}
	}
}

func existsCases(t *testing.T) []opCase {
	t.Helper()
	op := framework.Op{Op: "exists", Kind: "training.session", Where: mail, Period: fiscalYear}
	current := framework.Op{Op: "exists", Kind: "training.session", Where: mail}
	none := framework.Op{Op: "none", Kind: "account.shared"}
	last := framework.Op{Op: "last_within", Kind: "training.session", Where: mail, Period: yearly}
	round := framework.Op{Op: "exists", Kind: "training.session", Period: framework.Period{{Round: true}}}
	grace := framework.Op{Op: "last_within", Kind: "training.session", Period: framework.Period{{Days: 30, Grace: 10}}}
	inRound := func(w *verdict.World) { w.RoundFrom, w.RoundTo = day(t, "2026-10-01"), day(t, "2026-12-31") }
	blank := f(t, "training.session", "session/b", "2026-06-10", "topic", fact.Unknown)
	return []opCase{
		{name: "met", op: op, facts: []fact.Fact{session(t, "a", "mail", "2026-06-10")}, want: verdict.Met, first: "reason.last", holds: "2027-04-01"},
		{name: "last fiscal year", op: op, facts: []fact.Fact{session(t, "a", "mail", "2026-03-31")}, want: verdict.Unmet, first: "reason.last_too_old"},
		{name: "none at all", op: op, want: verdict.Unmet, first: "reason.nothing"},
		{name: "another topic", op: op, facts: []fact.Fact{session(t, "a", "web", "2026-06-10")}, want: verdict.Unmet, first: "reason.nothing"},
		{name: "planned for later", op: op, facts: []fact.Fact{session(t, "a", "mail", "2026-12-01")}, want: verdict.Unmet, first: "reason.nothing", holds: "2026-12-01"},
		{name: "without a day", op: op, facts: []fact.Fact{session(t, "a", "mail", "")}, want: verdict.Unmet, first: "reason.nothing"},
		{name: "topic blank", op: op, facts: []fact.Fact{blank}, want: verdict.Unknown, first: "reason.attribute_open", holds: "2027-04-01"},
		{name: "blank beside a sure one", op: op, facts: []fact.Fact{blank, session(t, "a", "mail", "2026-06-10")}, want: verdict.Met, first: "reason.last", holds: "2027-04-01"},
		{name: "without a day, any time", op: current, facts: []fact.Fact{session(t, "a", "mail", "")}, want: verdict.Met, first: "reason.there"},
		{name: "expired", op: current, facts: []fact.Fact{until(t, session(t, "a", "mail", "2026-06-10"), "2026-11-22")}, want: verdict.Unmet, first: "reason.expired"},
		{name: "last valid day", op: current, facts: []fact.Fact{until(t, session(t, "a", "mail", "2026-06-10"), "2026-11-23")}, want: verdict.Met, first: "reason.last", holds: "2026-11-24"},
		{name: "in the round", op: round, change: inRound, facts: []fact.Fact{session(t, "a", "mail", "2026-10-01")}, want: verdict.Met, first: "reason.last"},
		{name: "before the round", op: round, change: inRound, facts: []fact.Fact{session(t, "a", "mail", "2026-09-30")}, want: verdict.Unmet, first: "reason.last_too_old"},
		{name: "no round", op: round, facts: []fact.Fact{session(t, "a", "mail", "2026-10-01")}, want: verdict.Unknown, first: "reason.no_round"},

		{name: "clean", op: none, want: verdict.Met, first: "reason.none"},
		{name: "there is one", op: none, facts: []fact.Fact{f(t, "account.shared", "account/x", "2026-01-01")}, want: verdict.Unmet, first: "reason.there_are"},
		{name: "one that ended", op: none, facts: []fact.Fact{until(t, f(t, "account.shared", "account/x", "2026-01-01"), "2026-05-01")}, want: verdict.Met, first: "reason.none"},

		{name: "this fiscal year", op: last, facts: []fact.Fact{session(t, "a", "mail", "2026-04-01")}, want: verdict.Met, first: "reason.last", holds: "2027-04-02"},
		{name: "last fiscal year, 365 days ago", op: last, facts: []fact.Fact{session(t, "a", "mail", "2025-11-23")}, want: verdict.Met, first: "reason.last", holds: "2026-11-24"},
		{name: "366 days ago", op: last, facts: []fact.Fact{session(t, "a", "mail", "2025-11-22")}, want: verdict.Unmet, first: "reason.last_too_old"},
		{name: "within the grace", op: grace, facts: []fact.Fact{session(t, "a", "mail", "2026-10-14")}, want: verdict.Met, first: "reason.last", holds: "2026-11-24"},
		{name: "after the grace", op: grace, facts: []fact.Fact{session(t, "a", "mail", "2026-10-13")}, want: verdict.Unmet, first: "reason.last_too_old"},
		{name: "the next one is planned in time", op: grace, facts: []fact.Fact{session(t, "a", "mail", "2026-10-14"), session(t, "b", "mail", "2026-11-24")}, want: verdict.Met, first: "reason.last", holds: "2027-01-04"},
	}
}

func countCases(t *testing.T) []opCase {
	t.Helper()
	op := framework.Op{Op: "count_at_least", Kind: "training.session", Where: mail, Period: fiscalYear, N: 2}
	any2 := framework.Op{Op: "count_at_least", Kind: "training.session", Period: fiscalYear, N: 2}
	a, b := session(t, "a", "mail", "2026-05-01"), session(t, "b", "mail", "2026-06-01")
	rows := []fact.Fact{session(t, "a", "mail", "2026-05-01"), session(t, "a", "web", "2026-05-01")}
	rows[0].Record, rows[1].Record = "training/a", "training/a"
	return []opCase{
		{name: "enough", op: op, facts: []fact.Fact{a, b}, want: verdict.Met, first: "reason.count", holds: "2027-04-01"},
		{name: "short", op: op, facts: []fact.Fact{a}, want: verdict.Unmet, first: "reason.count_short", holds: "2027-04-01"},
		{name: "perhaps", op: op, facts: []fact.Fact{a, f(t, "training.session", "session/c", "2026-06-01", "topic", fact.Unknown)}, want: verdict.Unknown, first: "reason.attribute_open", holds: "2027-04-01"},
		{name: "one record with two topics is one event", op: any2, facts: rows, want: verdict.Unmet, first: "reason.count_short", holds: "2027-04-01"},
	}
}

func valueCases(t *testing.T) []opCase {
	t.Helper()
	low := framework.Op{Op: "value_at_least", Kind: "log.retention_days", Value: 180}
	high := framework.Op{Op: "value_at_most", Kind: "log.retention_days", Value: 30}
	each := framework.Op{Op: "value_at_least", Kind: "log.retention_days", Value: 180, Population: &framework.Population{Of: "systems"}}
	measure := func(source, on string, value int64) fact.Fact {
		return valued(f(t, "log.retention_days", source, on), value)
	}
	system := f(t, "systems.member", "system/a", "2020-01-01")
	other := f(t, "systems.member", "system/b", "2020-01-01")
	confirm := confirmed(t, "systems.confirmed", "2026-11-01")
	return []opCase{
		{name: "enough", op: low, facts: []fact.Fact{measure("fw", "2026-11-01", 180)}, want: verdict.Met, first: "reason.value"},
		{name: "the newest counts", op: low, facts: []fact.Fact{measure("fw", "2026-01-01", 30), measure("fw", "2026-11-01", 400)}, want: verdict.Met, first: "reason.value"},
		{name: "one of two is low", op: low, facts: []fact.Fact{measure("fw", "2026-11-01", 400), measure("ad", "2026-11-01", 90)}, want: verdict.Unmet, first: "reason.value_low"},
		{name: "nothing measured", op: low, want: verdict.Unknown, first: "reason.no_value"},
		{name: "nothing measured, may be empty", op: low, empty: true, want: verdict.NA, first: "reason.no_value"},
		{name: "measured in the future", op: low, facts: []fact.Fact{measure("fw", "2026-12-01", 400)}, want: verdict.Unknown, first: "reason.no_value", holds: "2026-12-01"},
		{name: "low enough", op: high, facts: []fact.Fact{measure("fw", "2026-11-01", 30)}, want: verdict.Met, first: "reason.value"},
		{name: "too high", op: high, facts: []fact.Fact{measure("fw", "2026-11-01", 31)}, want: verdict.Unmet, first: "reason.value_high"},
		{name: "every system", op: each, facts: []fact.Fact{system, confirm, measure("system/a", "2026-11-01", 200)}, want: verdict.Met, first: "reason.value", holds: "2027-11-02"},
		{name: "a system without a value", op: each, facts: []fact.Fact{system, other, confirm, measure("system/a", "2026-11-01", 200)}, want: verdict.Unknown, first: "reason.value"},
		{name: "a system with a low value", op: each, facts: []fact.Fact{system, other, confirm, measure("system/a", "2026-11-01", 20)}, want: verdict.Unmet, first: "reason.value_low"},
	}
}

func memberCases(t *testing.T) []opCase {
	t.Helper()
	all := framework.Op{Op: "all_have", Population: users, Kind: "training.completed", Where: mail, Period: fiscalYear}
	ratio := framework.Op{Op: "ratio_at_least", Population: users, Kind: "training.completed", Where: mail, Period: fiscalYear, Permille: 750}
	each := framework.Op{Op: "each_within", Population: &framework.Population{Of: "systems"}, Kind: "review.closed", Period: yearly}
	confirm := confirmed(t, "people.confirmed", "2026-10-01")
	has := func(keys ...string) []fact.Fact {
		var out []fact.Fact
		for _, k := range keys {
			out = append(out, completed(t, k, "mail", "2026-06-10"))
		}
		return out
	}
	with := func(more []fact.Fact, facts ...fact.Fact) []fact.Fact { return append(facts, more...) }
	away := until(t, f(t, "people.excluded", "person/2", "2026-06-01", "reason", "leave"), "2026-11-30")
	ended := until(t, f(t, "people.excluded", "person/2", "2026-06-01", "reason", "leave"), "2026-11-22")
	return []opCase{
		{name: "everybody", op: all, facts: with(has("1", "2"), confirm, person("1", "yes"), person("2", "yes"), person("3", "no"), completed(t, "3", "web", "2026-06-10")), want: verdict.Met, first: "reason.all_members", holds: "2027-04-01"},
		{name: "one is missing", op: all, facts: with(has("1"), confirm, person("1", "yes"), person("2", "yes")), want: verdict.Unmet, first: "reason.members_missing", holds: "2027-04-01"},
		{name: "one is missing, register unconfirmed", op: all, facts: with(has("1"), person("1", "yes"), person("2", "yes")), want: verdict.Unmet, first: "reason.members_missing", holds: "2027-04-01"},
		{name: "register unconfirmed", op: all, facts: with(has("1"), person("1", "yes")), want: verdict.Unknown, first: "reason.never_confirmed", holds: "2027-04-01"},
		{name: "register confirmed long ago", op: all, facts: with(has("1"), person("1", "yes"), confirmed(t, "people.confirmed", "2025-11-22")), want: verdict.Unknown, first: "reason.confirmed_long_ago", holds: "2027-04-01"},
		{name: "confirmation runs out", op: all, facts: with(has("1"), person("1", "yes"), confirmed(t, "people.confirmed", "2025-11-23")), want: verdict.Met, first: "reason.all_members", holds: "2026-11-24"},
		{name: "mail blank and not done", op: all, facts: with(has("1"), confirm, person("1", "yes"), person("2", "unknown")), want: verdict.Unknown, first: "reason.all_members", holds: "2027-04-01"},
		{name: "mail blank but done", op: all, facts: with(has("1", "2"), confirm, person("1", "yes"), person("2", "unknown")), want: verdict.Met, first: "reason.all_members", holds: "2027-04-01"},
		{name: "only blanks", op: all, facts: with(has("2"), confirm, person("2", "unknown")), want: verdict.Unknown, first: "reason.members_open", holds: "2027-04-01"},
		{name: "excluded", op: all, facts: with(has("1"), confirm, person("1", "yes"), person("2", "yes"), away), want: verdict.Met, first: "reason.all_members_excluded", holds: "2026-12-01"},
		{name: "exclusion ran out", op: all, facts: with(has("1"), confirm, person("1", "yes"), person("2", "yes"), ended), want: verdict.Unmet, first: "reason.members_missing", holds: "2027-04-01"},
		{name: "left yesterday", op: all, facts: with(has("1"), confirm, person("1", "yes"), person("2", "yes", "left", "2026-11-22")), want: verdict.Met, first: "reason.all_members", holds: "2027-04-01"},
		{name: "leaves today", op: all, facts: with(has("1"), confirm, person("1", "yes"), person("2", "yes", "left", "2026-11-23")), want: verdict.Unmet, first: "reason.members_missing", holds: "2026-11-24"},
		{name: "joins tomorrow", op: all, facts: with(has("1"), confirm, person("1", "yes"), person("2", "yes", "joined", "2026-11-24")), want: verdict.Met, first: "reason.all_members", holds: "2026-11-24"},
		{name: "nobody, may be empty", op: all, empty: true, facts: []fact.Fact{confirm, person("1", "no")}, want: verdict.NA, first: "reason.nobody", holds: "2027-10-02"},
		{name: "nobody", op: all, facts: []fact.Fact{confirm}, want: verdict.Unknown, first: "reason.nobody", holds: "2027-10-02"},
		{name: "nobody, unconfirmed", op: all, empty: true, want: verdict.Unknown, first: "reason.never_confirmed"},

		{name: "three of four", op: ratio, facts: with(has("1", "2", "3"), confirm, person("1", "yes"), person("2", "yes"), person("3", "yes"), person("4", "yes")), want: verdict.Met, first: "reason.members_missing", holds: "2027-04-01"},
		{name: "two of four", op: ratio, facts: with(has("1", "2"), confirm, person("1", "yes"), person("2", "yes"), person("3", "yes"), person("4", "yes")), want: verdict.Unmet, first: "reason.members_missing", holds: "2027-04-01"},
		{name: "a blank decides", op: ratio, facts: with(has("1", "2", "3"), confirm, person("1", "yes"), person("2", "yes"), person("3", "yes"), person("4", "yes"), person("5", "unknown")), want: verdict.Unknown, first: "reason.members_missing", holds: "2027-04-01"},

		{name: "each system", op: each, facts: []fact.Fact{confirmed(t, "systems.confirmed", "2026-10-01"), f(t, "systems.member", "system/a", "2020-01-01"), f(t, "review.closed", "system/a", "2026-03-01")}, want: verdict.Met, first: "reason.all_members", holds: "2027-03-02"},
		{name: "one system was never reviewed", op: each, facts: []fact.Fact{confirmed(t, "systems.confirmed", "2026-10-01"), f(t, "systems.member", "system/a", "2020-01-01")}, want: verdict.Unmet, first: "reason.members_missing"},
	}
}

func afterCases(t *testing.T) []opCase {
	t.Helper()
	op := framework.Op{Op: "each_after", Trigger: "people.joined", TriggerWhere: framework.Where{"mail": {"yes"}}, Kind: "training.completed", Where: mail, Days: 30, Setting: "joiner_training_days"}
	confirm := confirmed(t, "people.confirmed", "2026-10-01")
	joined := func(on string) []fact.Fact {
		return []fact.Fact{confirm, person("1", "yes", "joined", on), f(t, "people.joined", "person/1", on, "mail", "yes")}
	}
	blank := []fact.Fact{confirm, person("1", "unknown"), f(t, "people.joined", "person/1", "2026-06-01", "mail", "unknown")}
	left := []fact.Fact{confirm, person("1", "yes", "left", "2026-07-01"), f(t, "people.joined", "person/1", "2026-06-01", "mail", "yes")}
	away := until(t, f(t, "people.excluded", "person/1", "2026-06-05"), "2026-12-31")
	return []opCase{
		{name: "done in time", op: op, facts: append(joined("2026-06-01"), completed(t, "1", "mail", "2026-06-20")), want: verdict.Met, first: "reason.after_done", holds: "2027-06-02"},
		{name: "done on the day", op: op, facts: append(joined("2026-06-01"), completed(t, "1", "mail", "2026-06-01")), want: verdict.Met, first: "reason.after_done", holds: "2027-06-02"},
		{name: "done the day before", op: op, facts: append(joined("2026-06-01"), completed(t, "1", "mail", "2026-05-31")), want: verdict.Unmet, first: "reason.after_missed", holds: "2027-06-02"},
		{name: "done late", op: op, facts: append(joined("2026-06-01"), completed(t, "1", "mail", "2026-07-02")), want: verdict.Met, first: "reason.after_late", late: true, holds: "2027-06-02"},
		{name: "never done", op: op, facts: joined("2026-06-01"), want: verdict.Unmet, first: "reason.after_missed", holds: "2027-06-02"},
		{name: "waits", op: op, facts: joined("2026-11-01"), want: verdict.Met, first: "reason.after_pending", holds: "2026-12-02"},
		{name: "last day", op: op, facts: joined("2026-10-24"), want: verdict.Met, first: "reason.after_pending", holds: "2026-11-24"},
		{name: "one day over", op: op, facts: joined("2026-10-23"), want: verdict.Unmet, first: "reason.after_missed", holds: "2027-10-24"},
		{name: "setting gives more days", op: op, facts: joined("2026-10-23"), change: func(w *verdict.World) { w.Settings = map[string]int{"joiner_training_days": 60} }, want: verdict.Met, first: "reason.after_pending", holds: "2026-12-23"},
		{name: "act planned", op: op, facts: append(joined("2026-10-01"), completed(t, "1", "mail", "2026-11-30")), want: verdict.Unmet, first: "reason.after_missed", holds: "2026-11-30"},
		{name: "nobody joined, may be empty", op: op, empty: true, facts: []fact.Fact{confirm, person("1", "yes")}, want: verdict.NA, first: "reason.no_trigger", holds: "2027-10-02"},
		{name: "nobody joined", op: op, facts: []fact.Fact{confirm, person("1", "yes")}, want: verdict.Unknown, first: "reason.no_trigger", holds: "2027-10-02"},
		{name: "joined long ago", op: op, empty: true, facts: append(joined("2024-06-01"), person("2", "yes")), want: verdict.NA, first: "reason.no_trigger", holds: "2027-10-02"},
		{name: "joined and left", op: op, empty: true, facts: left, want: verdict.NA, first: "reason.no_trigger", holds: "2027-06-02"},
		{name: "excluded", op: op, empty: true, facts: append(joined("2026-06-01"), away), want: verdict.NA, first: "reason.no_trigger", holds: "2027-01-01"},
		{name: "mail blank", op: op, facts: blank, want: verdict.Unknown, first: "reason.attribute_open", holds: "2027-06-02"},
		{name: "unconfirmed", op: op, facts: append(joined("2026-06-01")[1:], completed(t, "1", "mail", "2026-06-20")), want: verdict.Unknown, first: "reason.never_confirmed", holds: "2027-06-02"},
	}
}

func reviewCases(t *testing.T) []opCase {
	t.Helper()
	op := framework.Op{Op: "reviewed_since", Trigger: "training.session", TriggerWhere: mail, Kind: "training.reflection"}
	change := framework.Op{Op: "reviewed_since", Trigger: "org.major_change", Kind: "policy.reviewed", Days: 60}
	reflection := func(session, on string) fact.Fact {
		return f(t, "training.reflection", "session/"+session, on, "topic", "mail")
	}
	a := session(t, "a", "mail", "2026-06-10")
	return []opCase{
		{name: "same day", op: op, facts: []fact.Fact{a, reflection("a", "2026-06-10")}, want: verdict.Met, first: "reason.reviewed"},
		{name: "never", op: op, facts: []fact.Fact{a}, want: verdict.Unmet, first: "reason.not_reviewed"},
		{name: "before the newest", op: op, facts: []fact.Fact{a, session(t, "b", "mail", "2026-09-01"), reflection("a", "2026-06-12")}, want: verdict.Unmet, first: "reason.review_too_old"},
		{name: "of another topic's session", op: op, facts: []fact.Fact{a, session(t, "w", "web", "2026-06-10"), reflection("w", "2026-06-12")}, want: verdict.Unmet, first: "reason.not_reviewed"},
		{name: "no session", op: op, want: verdict.Unknown, first: "reason.no_trigger"},
		{name: "no session, may be empty", op: op, empty: true, want: verdict.NA, first: "reason.no_trigger"},
		{name: "a session to come", op: op, facts: []fact.Fact{a, reflection("a", "2026-06-12"), session(t, "b", "mail", "2026-12-01")}, want: verdict.Met, first: "reason.reviewed", holds: "2026-12-01"},
		{name: "blank session may be newer", op: op, facts: []fact.Fact{a, reflection("a", "2026-06-12"), f(t, "training.session", "session/c", "2026-08-01", "topic", fact.Unknown)}, want: verdict.Unknown, first: "reason.attribute_open"},
		{name: "time is left", op: change, facts: []fact.Fact{f(t, "org.major_change", "", "2026-10-01", "what", "system")}, want: verdict.Met, first: "reason.review_pending", holds: "2026-12-01"},
		{name: "time is over", op: change, facts: []fact.Fact{f(t, "org.major_change", "", "2026-09-01", "what", "system")}, want: verdict.Unmet, first: "reason.not_reviewed"},
		{name: "any document counts", op: change, facts: []fact.Fact{f(t, "org.major_change", "", "2026-09-01", "what", "system"), f(t, "policy.reviewed", "document/p", "2026-09-20")}, want: verdict.Met, first: "reason.reviewed"},
	}
}

func policyCases(t *testing.T) []opCase {
	t.Helper()
	op := framework.Op{Op: "approved_by", Kind: "policy.approved", Where: framework.Where{"type": {"policy"}}}
	covers := framework.Op{Op: "covers", Kind: "policy.in_force", Attr: "topic", Set: framework.Values{"application", "stocktake"}, Where: framework.Where{"type": {"regulation"}}}
	inForce := f(t, "policy.in_force", "document/p", "2026-04-01", "type", "policy", "version", "2")
	approved := func(version, author, approver string) fact.Fact {
		return f(t, "policy.approved", "document/p", "2026-03-20", "type", "policy", "version", version, "author", author, "approver", approver)
	}
	rule := func(topic string) fact.Fact {
		return f(t, "policy.in_force", "document/r", "2026-04-01", "type", "regulation", "version", "1", "topic", topic)
	}
	return []opCase{
		{name: "by another person", op: op, facts: []fact.Fact{inForce, approved("2", "person/1", "person/9")}, want: verdict.Met, first: "reason.approved"},
		{name: "by the author", op: op, facts: []fact.Fact{inForce, approved("2", "person/1", "person/1")}, want: verdict.Unmet, first: "reason.self_approved"},
		{name: "of the version before", op: op, facts: []fact.Fact{inForce, approved("1", "person/1", "person/9")}, want: verdict.Unmet, first: "reason.not_approved"},
		{name: "author unknown", op: op, facts: []fact.Fact{inForce, approved("2", "", "person/9")}, want: verdict.Unknown, first: "reason.approver_unknown"},
		{name: "nothing in force", op: op, facts: []fact.Fact{approved("2", "person/1", "person/9")}, want: verdict.Unmet, first: "reason.no_version"},
		{name: "not yet in force", op: op, facts: []fact.Fact{f(t, "policy.in_force", "document/p", "2026-12-01", "type", "policy", "version", "2"), approved("2", "person/1", "person/9")}, want: verdict.Unmet, first: "reason.no_version", holds: "2026-12-01"},
		{name: "everything", op: covers, facts: []fact.Fact{rule("application"), rule("stocktake"), rule("mail")}, want: verdict.Met, first: "reason.covered"},
		{name: "one is missing", op: covers, facts: []fact.Fact{rule("application")}, want: verdict.Unmet, first: "reason.not_covered"},
		{name: "topic blank", op: covers, facts: []fact.Fact{rule("application"), rule(fact.Unknown)}, want: verdict.Unknown, first: "reason.attribute_open"},
		{name: "rule retired", op: covers, facts: []fact.Fact{rule("application"), until(t, rule("stocktake"), "2026-11-01")}, want: verdict.Unmet, first: "reason.not_covered"},
	}
}

func readingCases(t *testing.T) []opCase {
	t.Helper()
	op := framework.Op{Op: "exists", Kind: "training.session"}
	facts := []fact.Fact{session(t, "a", "mail", "2026-06-10")}
	read := func(r fact.Reading) func(*verdict.World) {
		return func(w *verdict.World) { w.Readings["training.session"] = r }
	}
	at := func(days int) time.Time { return today.Add(days).Start().Add(time.Hour) }
	return []opCase{
		{name: "never read", op: op, facts: facts, change: read(fact.Reading{}), want: verdict.Unknown, first: "reason.never_read"},
		{name: "stale", op: op, facts: facts, change: read(fact.Reading{At: at(-3)}), want: verdict.Unknown, first: "reason.stale"},
		{name: "just fresh", op: op, facts: facts, change: read(fact.Reading{At: at(-2)}), want: verdict.Met, first: "reason.last"},
		{name: "failed since", op: op, facts: facts, change: read(fact.Reading{At: at(-1), Fail: at(0)}), want: verdict.Unknown, first: "reason.read_failed"},
		{name: "failed before", op: op, facts: facts, change: read(fact.Reading{At: at(0), Fail: at(-1)}), want: verdict.Met, first: "reason.last"},
		{name: "never read well", op: op, facts: facts, change: read(fact.Reading{Fail: at(0)}), want: verdict.Unknown, first: "reason.read_failed"},
		{name: "read in the future", op: op, facts: facts, change: read(fact.Reading{At: at(2)}), want: verdict.Unknown, first: "reason.read_in_future"},
		{name: "absence in a stale source is no miss", op: op, change: read(fact.Reading{At: at(-3)}), want: verdict.Unknown, first: "reason.stale"},
		{name: "planned", op: framework.Op{Op: "exists", Kind: "drill.held"}, want: verdict.Unknown, first: "reason.planned"},
	}
}

func TestCombined(t *testing.T) {
	t.Parallel()
	met := framework.Op{Op: "exists", Kind: "training.session", Where: mail, Period: fiscalYear}
	unmet := framework.Op{Op: "exists", Kind: "policy.reviewed"}
	planned := framework.Op{Op: "exists", Kind: "drill.held"}
	na := framework.Op{Op: "value_at_least", Kind: "log.retention_days", Value: 1}
	for _, tc := range []struct {
		name    string
		rule    framework.Rule
		want    verdict.Result
		planned bool
		holds   string
	}{
		{"all met", framework.Rule{AllOf: []framework.Op{met, met}}, verdict.Met, false, "2027-04-01"},
		{"a certain miss beats what is open", framework.Rule{AllOf: []framework.Op{planned, unmet, met}}, verdict.Unmet, false, ""},
		{"open beats met", framework.Rule{AllOf: []framework.Op{met, planned}}, verdict.Unknown, true, "2027-04-01"},
		{"not concerned leaves the rest", framework.Rule{AllOf: []framework.Op{na, met}}, verdict.Met, false, "2027-04-01"},
		{"nobody concerned", framework.Rule{AllOf: []framework.Op{na, na}}, verdict.NA, false, ""},
		{"one is enough", framework.Rule{AnyOf: []framework.Op{unmet, met, planned}}, verdict.Met, false, "2027-04-01"},
		{"open beats a miss", framework.Rule{AnyOf: []framework.Op{unmet, planned}}, verdict.Unknown, true, ""},
		{"none", framework.Rule{AnyOf: []framework.Op{unmet, unmet}}, verdict.Unmet, false, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := world(t, session(t, "a", "mail", "2026-06-10"))
			v := verdict.Evaluate(w, &framework.Clause{Rule: &tc.rule, MayBeEmpty: true})
			if v.Result != tc.want || v.Planned != tc.planned || v.HoldsUntil.String() != tc.holds {
				t.Errorf("%q planned %v until %s, want %q %v %s", v.Result, v.Planned, v.HoldsUntil, tc.want, tc.planned, tc.holds)
			}
		})
	}
}

// Without a new reading the verdict is open after the fresh days: ValidUntil says so, HoldsUntil does not.
func TestValidUntilKnowsReadings(t *testing.T) {
	t.Parallel()
	w := world(t, session(t, "a", "mail", "2026-06-10"))
	v := verdict.Evaluate(w, clause(framework.Op{Op: "exists", Kind: "training.session", Period: fiscalYear}))
	if want := jdate.On(2026, time.November, 26); v.ValidUntil != want || v.HoldsUntil != jdate.On(2027, time.April, 1) {
		t.Errorf("valid until %s, holds until %s", v.ValidUntil, v.HoldsUntil)
	}
}
