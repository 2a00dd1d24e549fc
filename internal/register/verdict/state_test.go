package verdict_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
)

// The table of DESIGN §3, as the manual publishes it.
func TestState(t *testing.T) {
	t.Parallel()
	none := verdict.Answer{}
	says := func(r verdict.Result) verdict.Answer { return verdict.Answer{Given: true, Value: r} }
	na := verdict.Answer{Given: true, Value: verdict.NA, Reason: "no mail"}
	limited := verdict.Answer{Given: true, Value: verdict.Met, Reason: "paper list", Expires: today.Add(30)}
	over := verdict.Answer{Given: true, Value: verdict.Met, Reason: "paper list", Expires: today.Add(-1)}
	type S = verdict.ClauseState
	for _, tc := range []struct {
		name   string
		mark   string
		record verdict.Result
		answer verdict.Answer
		want   S
	}{
		{"auto: the verdict, proposed", framework.Auto, verdict.Met, none, S{Result: verdict.Met, Proposed: true}},
		{"auto: answered as recorded", framework.Auto, verdict.Met, says(verdict.Met), S{Result: verdict.Met}},
		{"auto: a person may lower", framework.Auto, verdict.Met, says(verdict.Unmet), S{Result: verdict.Unmet, Conflict: true}},
		{"auto: not applicable against records", framework.Auto, verdict.Met, na, S{Result: verdict.NA, Conflict: true}},
		{"auto: unmet", framework.Auto, verdict.Unmet, none, S{Result: verdict.Unmet}},
		{"auto: contradiction", framework.Auto, verdict.Unmet, says(verdict.Met), S{Result: verdict.Unmet, Conflict: true}},
		{"auto: held with reason and end", framework.Auto, verdict.Unmet, limited, S{Result: verdict.Met, Held: true, Conflict: true, ValidUntil: today.Add(31)}},
		{"auto: held too long", framework.Auto, verdict.Unmet, over, S{Result: verdict.Unmet, Conflict: true}},
		{"auto: unknown", framework.Auto, verdict.Unknown, none, S{Result: verdict.Unknown}},
		{"auto: declared", framework.Auto, verdict.Unknown, says(verdict.Met), S{Result: verdict.Met, Declared: true}},
		{"auto: declared until", framework.Auto, verdict.Unknown, limited, S{Result: verdict.Met, Declared: true, ValidUntil: today.Add(31)}},
		{"auto: declaration ran out", framework.Auto, verdict.Unknown, over, S{Result: verdict.Unknown}},
		{"auto: unknown, answered unmet", framework.Auto, verdict.Unknown, says(verdict.Unmet), S{Result: verdict.Unmet}},
		{"auto: nobody was concerned", framework.Auto, verdict.NA, none, S{Result: verdict.NA}},
		{"auto: not applicable without a reason does not count", framework.Auto, verdict.Unmet, says(verdict.NA), S{Result: verdict.Unmet}},
		{"assist: waits for a person", framework.Assist, verdict.Met, none, S{Result: verdict.Unknown, WaitsConfirm: true, Proposed: true}},
		{"assist: confirmed", framework.Assist, verdict.Met, says(verdict.Met), S{Result: verdict.Met}},
		{"assist: confirmed without records", framework.Assist, verdict.Unknown, says(verdict.Met), S{Result: verdict.Met, Declared: true}},
		{"assist: records are against it", framework.Assist, verdict.Unmet, says(verdict.Met), S{Result: verdict.Unmet, Conflict: true}},
		{"assist: unmet", framework.Assist, verdict.Unmet, none, S{Result: verdict.Unmet}},
		{"assist: unknown", framework.Assist, verdict.Unknown, none, S{Result: verdict.Unknown}},
		{"assist: person does not know", framework.Assist, verdict.Met, says(verdict.Unknown), S{Result: verdict.Unknown, WaitsConfirm: true, Proposed: true}},
		{"human: the answer", framework.Human, verdict.Unknown, says(verdict.Met), S{Result: verdict.Met}},
		{"human: none", framework.Human, verdict.Unknown, none, S{Result: verdict.Unknown}},
		{"human: not applicable", framework.Human, verdict.Unknown, na, S{Result: verdict.NA}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := verdict.State(tc.mark, verdict.Verdict{Result: tc.record}, tc.answer, today, false)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
			locked := verdict.State(tc.mark, verdict.Verdict{Result: tc.record}, tc.answer, today, true)
			if locked.Result != tc.want.Result || locked.Proposed || locked.WaitsConfirm {
				t.Errorf("locked: %+v", locked)
			}
		})
	}
	first := verdict.State(framework.Auto, verdict.Verdict{Result: verdict.Unknown, ValidUntil: today.Add(5)}, limited, today, false)
	if first.ValidUntil != today.Add(5) {
		t.Errorf("the verdict may change before the answer expires: %s", first.ValidUntil)
	}
}

func TestItem(t *testing.T) {
	t.Parallel()
	const (
		o = verdict.Met
		x = verdict.Unmet
		q = verdict.Unknown
		n = verdict.NA
	)
	said := func(r verdict.Result) verdict.Answer { return verdict.Answer{Given: true, Value: r, Reason: "because"} }
	for _, tc := range []struct {
		name   string
		states []verdict.Result
		item   verdict.Answer
		state  verdict.Result
		value  verdict.Value
	}{
		{"all", []verdict.Result{o, o}, verdict.Answer{}, o, verdict.ValueMet},
		{"some", []verdict.Result{o, x, q}, verdict.Answer{}, verdict.Part, verdict.ValuePart},
		{"none, one unmet", []verdict.Result{x, q}, verdict.Answer{}, x, verdict.ValueUnmet},
		{"none known", []verdict.Result{q, q}, verdict.Answer{}, q, verdict.Unanswered},
		{"not applicable does not count", []verdict.Result{o, n}, verdict.Answer{}, o, verdict.ValueMet},
		{"all not applicable", []verdict.Result{n, n}, verdict.Answer{}, n, verdict.NotApplicable},
		{"lowered to part", []verdict.Result{o, o}, said(verdict.Part), verdict.Part, verdict.ValuePart},
		{"lowered to nothing", []verdict.Result{o, x}, said(x), x, verdict.ValueUnmet},
		{"never raised", []verdict.Result{x, x}, said(verdict.Part), x, verdict.ValueUnmet},
		{"imported one point", []verdict.Result{q, q}, said(verdict.Part), verdict.Part, verdict.ValuePart},
		{"no clauses", nil, said(o), o, verdict.ValueMet},
		{"no clauses, no answer", nil, verdict.Answer{}, q, verdict.Unanswered},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var states []verdict.ClauseState
			for _, r := range tc.states {
				states = append(states, verdict.ClauseState{Result: r})
			}
			if got := verdict.ItemState(states, tc.item); got != tc.state {
				t.Errorf("state %q, want %q", got, tc.state)
			}
			if got := verdict.ItemValue(states, tc.item); got != tc.value {
				t.Errorf("value %d, want %d", got, tc.value)
			}
		})
	}
}

func TestAnswerValue(t *testing.T) {
	t.Parallel()
	a := func(r verdict.Result) verdict.Answer { return verdict.Answer{Given: true, Value: r, Reason: "because"} }
	o, x, q, n, none := a(verdict.Met), a(verdict.Unmet), a(verdict.Unknown), a(verdict.NA), verdict.Answer{}
	for _, tc := range []struct {
		name    string
		clauses []verdict.Answer
		item    verdict.Answer
		want    verdict.Value
	}{
		{"nothing said", []verdict.Answer{none, none}, none, verdict.Unanswered},
		{"said at the item", []verdict.Answer{none, none}, a(verdict.Part), verdict.ValuePart},
		{"all clauses", []verdict.Answer{o, o}, none, verdict.ValueMet},
		{"one clause is open", []verdict.Answer{o, none}, none, verdict.Unanswered},
		{"one is unmet, one met, one open", []verdict.Answer{o, x, q}, none, verdict.ValuePart},
		{"none", []verdict.Answer{x, x}, none, verdict.ValueUnmet},
		{"not applicable does not count", []verdict.Answer{o, n}, none, verdict.ValueMet},
		{"all not applicable", []verdict.Answer{n, n}, none, verdict.NotApplicable},
		{"clause against item", []verdict.Answer{x, none}, o, verdict.ValuePart},
		{"lowered at the item", []verdict.Answer{o, o}, a(verdict.Part), verdict.ValuePart},
		{"not applicable without a reason", []verdict.Answer{none}, verdict.Answer{Given: true, Value: verdict.NA}, verdict.Unanswered},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := verdict.AnswerValue(tc.clauses, tc.item); got != tc.want {
				t.Errorf("value %d, want %d", got, tc.want)
			}
		})
	}
}

func TestPoints(t *testing.T) {
	t.Parallel()
	got := verdict.Points([]verdict.Scored{
		{Level: "1", Label: "l7", Value: verdict.ValueMet},
		{Level: "1", Label: "l7", Value: verdict.ValuePart},
		{Level: "1", Label: "l8", Value: verdict.NotApplicable},
		{Level: "2", Label: "l8", Value: verdict.Unanswered},
	}, 2)
	want := verdict.Score{Items: 4, Answered: 3, Met: 1, NA: 1, Earned: 3, Possible: 6, EarnedWithNA: 5, PossibleWithNA: 8}
	if diff := cmp.Diff(want, got.All); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	levels := map[string]int{}
	for level, s := range got.ByLevel {
		levels[level] = s.Earned*100 + s.Possible
	}
	if diff := cmp.Diff(map[string]int{"1": 304, "2": 2}, levels, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("levels (-want +got):\n%s", diff)
	}
	if got.ByLabel["l8"].NA != 1 || got.ByLabel["l7"].Earned != 3 {
		t.Errorf("labels: %+v", got.ByLabel)
	}
	if none := verdict.Points([]verdict.Scored{{Value: verdict.ValueMet}}, 0); none.All.Possible != 0 || none.All.Met != 1 {
		t.Errorf("a scheme without points: %+v", none.All)
	}
}
