package verdict_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

const histories = 250

// history invents facts around today: past, future, undated, expiring, with blanks.
func history(r *rand.Rand) []fact.Fact {
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	on := func() jdate.Day {
		if r.IntN(12) == 0 {
			return 0
		}
		return today.Add(r.IntN(900) - 700)
	}
	var out []fact.Fact
	add := func(kind, member string, attrs map[string]string) {
		one := fact.Fact{ID: int64(len(out) + 1), Kind: kind, Record: fmt.Sprintf("record/%d", r.IntN(40)), Member: member, Attrs: attrs, On: on(), Value: r.Int64N(400)}
		if r.IntN(4) == 0 {
			one.ValidUntil = today.Add(r.IntN(300) - 100)
		}
		out = append(out, one)
	}
	topic := func() map[string]string { return map[string]string{"topic": pick("mail", "web", "mail", fact.Unknown)} }
	for i := range r.IntN(5) {
		attrs := map[string]string{"mail": pick("yes", "no", "unknown", "yes")}
		if r.IntN(4) == 0 {
			attrs["joined"] = on().String()
		}
		if r.IntN(4) == 0 {
			attrs["left"] = pick(on().String(), on().String(), fact.Unknown)
		}
		add("people.member", fmt.Sprintf("person/%d", i), attrs)
	}
	person := func() string { return fmt.Sprintf("person/%d", r.IntN(5)) }
	for range r.IntN(25) {
		switch r.IntN(12) {
		case 0:
			add("people.joined", person(), map[string]string{"mail": pick("yes", "no", fact.Unknown)})
		case 1:
			add("people.excluded", person(), nil)
		case 2:
			add("people.confirmed", "", nil)
		case 3:
			add("training.session", pick("session/a", "session/b"), topic())
		case 4, 5, 6:
			add("training.completed", person(), topic())
		case 7:
			add("training.reflection", pick("session/a", "session/b"), topic())
		case 8:
			add("policy.in_force", pick("document/p", "document/q"), map[string]string{"type": pick("policy", "regulation"), "version": pick("1", "2"), "topic": pick("application", "stocktake", fact.Unknown)})
		case 9:
			add("policy.approved", pick("document/p", "document/q"), map[string]string{"version": pick("1", "2"), "author": pick("person/1", ""), "approver": pick("person/1", "person/2")})
		case 10:
			add("log.retention_days", pick("source/a", "source/b"), nil)
		default:
			add(pick("org.major_change", "policy.reviewed"), "", nil)
		}
	}
	return out
}

// rules are one of each operator, and both ways of joining them.
func rules() []*framework.Clause {
	ops := []framework.Op{
		{Op: "exists", Kind: "training.session", Where: mail, Period: fiscalYear},
		{Op: "exists", Kind: "policy.in_force"},
		{Op: "none", Kind: "training.session", Where: mail, Period: framework.Period{{Days: 60}}},
		{Op: "count_at_least", Kind: "training.session", N: 2, Period: yearly},
		{Op: "value_at_least", Kind: "log.retention_days", Value: 180, Period: framework.Period{{Days: 90, Grace: 30}}},
		{Op: "value_at_most", Kind: "log.retention_days", Value: 300, Population: users},
		{Op: "ratio_at_least", Population: users, Kind: "training.completed", Where: mail, Period: yearly, Permille: 600},
		{Op: "all_have", Population: users, Kind: "training.completed", Where: mail, Period: yearly},
		{Op: "each_within", Population: users, Kind: "training.completed", Period: framework.Period{{Days: 200}}},
		{Op: "each_after", Trigger: "people.joined", TriggerWhere: framework.Where{"mail": {"yes"}}, Kind: "training.completed", Where: mail, Days: 30},
		{Op: "each_after", Trigger: "org.major_change", Kind: "policy.reviewed", Days: 45, Period: framework.Period{{Days: 500}}},
		{Op: "last_within", Kind: "training.session", Where: mail, Period: framework.Period{{Days: 100, Grace: 20}, {FiscalYear: true}}},
		{Op: "reviewed_since", Trigger: "training.session", TriggerWhere: mail, Kind: "training.reflection"},
		{Op: "reviewed_since", Trigger: "org.major_change", Kind: "policy.reviewed", Days: 60, Period: yearly},
		{Op: "approved_by", Kind: "policy.approved", Where: framework.Where{"type": {"policy"}}},
		{Op: "covers", Kind: "policy.in_force", Attr: "topic", Set: framework.Values{"application", "stocktake"}},
	}
	var out []*framework.Clause
	for i, op := range ops {
		for _, empty := range []bool{false, true} {
			c := clause(op)
			c.MayBeEmpty = empty
			out = append(out, c)
		}
		other := ops[(i+3)%len(ops)]
		out = append(out,
			&framework.Clause{Rule: &framework.Rule{AllOf: []framework.Op{op, other}}},
			&framework.Clause{Rule: &framework.Rule{AnyOf: []framework.Op{op, other}}, MayBeEmpty: true})
	}
	return out
}

func worldOf(tb testing.TB, facts []fact.Fact, on jdate.Day) *verdict.World {
	tb.Helper()
	w := &verdict.World{Table: fixture(tb).Table, FiscalStart: 4, Facts: map[string][]fact.Fact{}}
	for _, one := range facts {
		w.Facts[one.Kind] = append(w.Facts[one.Kind], one)
	}
	setDay(w, on)
	return w
}

func describe(c *framework.Clause) string {
	lines, anyOf := framework.Sentences(c.Rule, &framework.Table{}, "en")
	return fmt.Sprintf("%v any=%v empty=%v", lines, anyOf, c.MayBeEmpty)
}

// Time alone changes nothing before ValidUntil, and before HoldsUntil as long as everything is read.
func TestValidUntilIsSound(t *testing.T) {
	t.Parallel()
	clauses := rules()
	for seed := range uint64(histories) {
		r := rand.New(rand.NewPCG(seed, 28))
		facts := history(r)
		start := worldOf(t, facts, today)
		readings := maps.Clone(start.Readings)
		days := []int{1, 2, 3, 4, 10, 30, 31, 60, 129, 130, 200, 365, 366, 500}
		for i := range days[5:] {
			days[5+i] += r.IntN(5)
		}
		verdicts := make([]verdict.Verdict, len(clauses))
		for i, c := range clauses {
			verdicts[i] = verdict.Evaluate(start, c)
			for _, d := range []jdate.Day{verdicts[i].ValidUntil, verdicts[i].HoldsUntil} {
				if !d.IsZero() && d <= today {
					t.Fatalf("seed %d: %s: turns on %s, which is not after today", seed, describe(c), d)
				}
				if d > today+1 { // the day before must still be the same
					days = append(days, int(d-today)-1)
				}
			}
		}
		slices.Sort(days)
		for _, n := range slices.Compact(days) {
			later := worldOf(t, facts, today.Add(n))
			unread := worldOf(t, facts, today.Add(n))
			unread.Readings = readings
			for i, c := range clauses {
				was := verdicts[i]
				if until := was.HoldsUntil; until.IsZero() || today.Add(n) < until {
					if now := verdict.Evaluate(later, c); now.Result != was.Result {
						t.Fatalf("seed %d: %s: %q holds until %s, but is %q on %s", seed, describe(c), was.Result, until, now.Result, later.Today)
					}
				}
				if until := was.ValidUntil; until.IsZero() || today.Add(n) < until {
					if now := verdict.Evaluate(unread, c); now.Result != was.Result {
						t.Fatalf("seed %d: %s: %q valid until %s, but is %q on %s", seed, describe(c), was.Result, until, now.Result, later.Today)
					}
				}
			}
		}
	}
}

// Facts that no rule asks for, and the order in which facts come, change nothing.
func TestOrderAndIrrelevantFacts(t *testing.T) {
	t.Parallel()
	clauses := rules()
	for seed := range uint64(histories) {
		r := rand.New(rand.NewPCG(seed, 49))
		facts := history(r)
		a := worldOf(t, facts, today)
		shuffled := slices.Clone(facts)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		shuffled = append(shuffled,
			fact.Fact{ID: 900, Kind: "account.shared", Member: "account/x", On: today},
			fact.Fact{ID: 901, Kind: "training.completed", Member: "person/nobody", Attrs: map[string]string{"topic": "device"}, On: today.Add(-900)})
		b := worldOf(t, shuffled, today)
		for _, c := range clauses {
			va, vb := verdict.Evaluate(a, c), verdict.Evaluate(b, c)
			if diff := cmp.Diff(va, vb); diff != "" {
				t.Fatalf("seed %d: %s:\n%s", seed, describe(c), diff)
			}
		}
	}
}

// Whatever the records, nothing is met on a source that was not read.
func TestUnreadIsNeverMet(t *testing.T) {
	t.Parallel()
	clauses := rules()
	for seed := range uint64(histories) {
		w := worldOf(t, history(rand.New(rand.NewPCG(seed, 7))), today)
		w.Readings = nil
		for _, c := range clauses {
			if v := verdict.Evaluate(w, c); v.Result != verdict.Unknown {
				t.Fatalf("seed %d: %s: %q without any reading", seed, describe(c), v.Result)
			}
		}
	}
}

// Filling in a blank attribute can turn what is open into anything, but never what was certain. An open fact is
// replaced by each of its two readings, and a certain verdict must survive both.
func TestBlanksNeverDecide(t *testing.T) {
	t.Parallel()
	clauses := rules()
	checked := 0
	for seed := range uint64(histories) {
		facts := history(rand.New(rand.NewPCG(seed, 11)))
		w := worldOf(t, facts, today)
		for _, c := range clauses {
			v := verdict.Evaluate(w, c)
			if v.Result != verdict.Met && v.Result != verdict.Unmet {
				continue
			}
			for _, filled := range [][]fact.Fact{fill(facts, "yes", "mail"), fill(facts, "no", "web")} {
				checked++
				got := verdict.Evaluate(worldOf(t, filled, today), c).Result
				// A blank member who turns out not to belong can leave nobody: 該当なし or open, never the opposite.
				if v.Result == verdict.Met && got == verdict.Unmet || v.Result == verdict.Unmet && got == verdict.Met {
					t.Fatalf("seed %d: %s: %q becomes %q when blanks are filled in", seed, describe(c), v.Result, got)
				}
			}
		}
	}
	if checked < histories {
		t.Errorf("only %d verdicts were certain", checked)
	}
}

func fill(facts []fact.Fact, mailValue, topic string) []fact.Fact {
	out := slices.Clone(facts)
	for i := range out {
		attrs := maps.Clone(out[i].Attrs)
		for name, value := range attrs {
			if value != fact.Unknown {
				continue
			}
			switch name {
			case "mail":
				attrs[name] = mailValue
			case "topic":
				attrs[name] = topic
			case "left":
				attrs[name] = ""
			}
		}
		out[i].Attrs = attrs
	}
	return out
}
