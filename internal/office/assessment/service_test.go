package assessment_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web/request"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

const (
	jama = assessmenttest.JAMA
	scs  = assessmenttest.SCS
)

// states lists the states of the clauses of an item, in order.
func states(it *assessment.Item) []verdict.Result {
	var out []verdict.Result
	for _, c := range it.Clauses {
		out = append(out, c.State.Result)
	}
	return out
}

func TestRecordsOfOneTrainingTurnBothFrameworks(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	before := o.Board(t, jama).Item("28")
	if before.State != verdict.Unknown {
		t.Fatalf("before any record item 28 is %q", before.State)
	}
	o.MailTraining(t, 3, "2026-06-10")
	it := o.Board(t, jama).Item("28")
	want := []verdict.Result{verdict.Met, verdict.Met, verdict.Met, verdict.NA, verdict.Met}
	if diff := cmp.Diff(want, states(it)); diff != "" {
		t.Errorf("clauses of item 28 (-want +got):\n%s", diff)
	}
	if it.State != verdict.Met || it.Value != verdict.ValueMet || it.AnswerValue != verdict.Unanswered {
		t.Errorf("item 28 is %q, value %d, answer value %d", it.State, it.Value, it.AnswerValue)
	}
	if got := o.Board(t, scs).Item("4-2-1-3").State; got != verdict.Met {
		t.Errorf("SCS 4-2-1-3 is %q", got)
	}
}

func TestOneMissingPersonIsNamed(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	o.MailTraining(t, 3, "2026-06-10")
	o.Put(t, "people/new", fact.Fact{Kind: "people.member", Member: "person/late", Attrs: map[string]string{"class": "dispatched", "mail": "yes"}, On: jdate.On(2020, 4, 1)})
	c := o.Board(t, jama).Item("28").Clauses[2]
	if c.State.Result != verdict.Unmet || c.Verdict.Members != 4 || c.Verdict.Done != 3 {
		t.Errorf("target clause: %q, %d of %d", c.State.Result, c.Verdict.Done, c.Verdict.Members)
	}
	if len(c.Verdict.Misses) != 1 || c.Verdict.Misses[0].Member != "person/late" {
		t.Errorf("misses: %+v", c.Verdict.Misses)
	}
	o.Put(t, "people/new", fact.Fact{Kind: "people.member", Member: "person/late", Attrs: map[string]string{"class": "dispatched", "mail": "unknown"}, On: jdate.On(2020, 4, 1)})
	if got := o.Board(t, jama).Item("28").Clauses[2].State.Result; got != verdict.Unknown {
		t.Errorf("with an unknown mailbox the clause is %q, not unknown", got)
	}
}

func TestSaveAnswerRules(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		clause int // of item 28; -1: the item itself
		in     assessment.NewAnswer
		field  string // of the problem; "" none
		key    string
		state  verdict.Result // of the clause afterwards
	}{
		{"met as the records say", 0, assessment.NewAnswer{Value: verdict.Met}, "", "", verdict.Met},
		{"not applicable without a reason", 0, assessment.NewAnswer{Value: verdict.NA}, "reason", "assessment.answer.na_reason", ""},
		{"not applicable with a reason", 0, assessment.NewAnswer{Value: verdict.NA, Reason: "メールを使わない"}, "", "", verdict.NA},
		{"met against the records without a reason", 2, assessment.NewAnswer{Value: verdict.Met}, "reason", "assessment.answer.against_reason", ""},
		{"met against the records without a last day", 2, assessment.NewAnswer{Value: verdict.Met, Reason: "紙の記録"}, "expires", "assessment.answer.against_expires", ""},
		{"met against the records for too long", 2, assessment.NewAnswer{Value: verdict.Met, Reason: "紙の記録", Expires: jdate.On(2027, 11, 24)}, "expires", "assessment.answer.expires_range", ""},
		{"met against the records until yesterday", 2, assessment.NewAnswer{Value: verdict.Met, Reason: "紙の記録", Expires: jdate.On(2026, 11, 22)}, "expires", "assessment.answer.expires_range", ""},
		{"met against the records for a year", 2, assessment.NewAnswer{Value: verdict.Met, Reason: "紙の記録", Expires: jdate.On(2027, 11, 23)}, "", "", verdict.Met},
		{"partly met at a clause", 0, assessment.NewAnswer{Value: verdict.Part}, "value", "assessment.answer.part_only_item", ""},
		{"a word that is no result", 0, assessment.NewAnswer{Value: "perhaps"}, "value", "web.choose", ""},
		{"lowered by a person", 0, assessment.NewAnswer{Value: verdict.Unmet}, "", "", verdict.Unmet},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := assessmenttest.Open(t)
			o.MailTraining(t, 3, "2026-06-10")
			o.Put(t, "people/new", fact.Fact{Kind: "people.member", Member: "person/late", Attrs: map[string]string{"class": "employee", "mail": "yes"}, On: jdate.On(2020, 4, 1)})
			c := o.Board(t, jama).Item("28").Clauses[tt.clause]
			tt.in.Node = c.ID
			err := o.Svc.SaveAnswer(assessmenttest.Keeper(t), jama, "28", assessment.WayPage, tt.in)
			if tt.key == "" {
				if err != nil {
					t.Fatal(err)
				}
				got := o.Board(t, jama).Item("28").Clauses[tt.clause]
				if got.State.Result != tt.state {
					t.Errorf("state is %q, want %q", got.State.Result, tt.state)
				}
				if len(got.Answer.Facts) != len(c.Verdict.Facts) || got.Answer.FactsHash == "" {
					t.Errorf("frozen %d of %d facts, hash %q", len(got.Answer.Facts), len(c.Verdict.Facts), got.Answer.FactsHash)
				}
				return
			}
			found := problem.All(err)
			if len(found) == 0 || found[0].Key != tt.key || found[0].Field != tt.field || found[0].Code != problem.CodeInvalid {
				t.Errorf("problems: %v", err)
			}
			if got := o.Board(t, jama).Item("28").Clauses[tt.clause].Answer; got != nil {
				t.Errorf("an answer was kept: %+v", got)
			}
		})
	}
}

func TestSelfDeclarationRunsOut(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	o.ReadAll(t)
	it := o.Board(t, jama).Item("53")
	err := o.Svc.SaveAnswer(assessmenttest.Keeper(t), jama, "53", assessment.WayPage, assessment.NewAnswer{Node: it.Clauses[0].ID, Value: verdict.Met})
	if err != nil {
		t.Fatal(err)
	}
	c := o.Board(t, jama).Item("53").Clauses[0]
	if c.State.Result != verdict.Met || !c.State.Declared || c.Answer.Expires != jdate.On(2027, 3, 31) {
		t.Errorf("state %+v, expires %s", c.State, c.Answer.Expires)
	}
	o.Clock.SetDay("2027-03-31")
	if got := o.Board(t, jama).Item("53").Clauses[0].State.Result; got != verdict.Met {
		t.Errorf("on its last day it is %q", got)
	}
	o.Clock.SetDay("2027-04-01")
	if got := o.Board(t, jama).Item("53").Clauses[0].State.Result; got != verdict.Unknown {
		t.Errorf("the day after it is %q", got)
	}
}

func TestStaleVersionIsAConflict(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	node := o.Board(t, jama).Item("53").Clauses[0].ID
	ctx := assessmenttest.Keeper(t)
	save := func(version int, value verdict.Result) error {
		return o.Svc.SaveAnswer(ctx, jama, "53", assessment.WayPage, assessment.NewAnswer{Node: node, Value: value, Version: version})
	}
	if err := save(0, verdict.Unmet); err != nil {
		t.Fatal(err)
	}
	if err := save(0, verdict.Met); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("a second first answer: %v", err)
	}
	if err := save(1, assessment.None); err != nil {
		t.Fatal(err)
	}
	c := o.Board(t, jama).Item("53").Clauses[0]
	if c.Answer != nil || c.Version != 2 || c.State.Result != verdict.Unknown {
		t.Errorf("taken back: %+v, version %d, state %q", c.Answer, c.Version, c.State.Result)
	}
	if err := save(2, verdict.Met); err != nil {
		t.Errorf("answering again: %v", err)
	}
}

func TestItemAnswerCountsWhereClausesHaveNone(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	o.ReadAll(t)
	ctx := assessmenttest.Keeper(t)
	it := o.Board(t, jama).Item("1")
	if err := o.Svc.SaveAnswer(ctx, jama, "1", assessment.WayPage, assessment.NewAnswer{Node: it.Clauses[1].ID, Value: verdict.Unmet}); err != nil {
		t.Fatal(err)
	}
	err := o.Svc.SaveAnswer(ctx, jama, "1", assessment.WayPage, assessment.NewAnswer{
		Node: "1", Value: verdict.Met, Reason: "紙で承認", Expires: jdate.On(2027, 1, 31),
	})
	if err != nil {
		t.Fatal(err)
	}
	it = o.Board(t, jama).Item("1")
	if diff := cmp.Diff([]verdict.Result{verdict.Met, verdict.Unmet}, states(it)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	if it.State != verdict.Part || it.AnswerValue != verdict.ValuePart {
		t.Errorf("item is %q, answer value %d", it.State, it.AnswerValue)
	}
}

func TestConfirmProposed(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	o.MailTraining(t, 3, "2026-06-10")
	if n := len(o.Board(t, jama).Item("28").Proposed()); n != 5 {
		t.Fatalf("%d clauses proposed, want 5", n)
	}
	n, err := o.Svc.ConfirmProposed(assessmenttest.Keeper(t), jama, "28")
	if err != nil || n != 5 {
		t.Fatalf("confirmed %d: %v", n, err)
	}
	it := o.Board(t, jama).Item("28")
	if len(it.Proposed()) != 0 || it.Clauses[0].Answer.Way != assessment.WayConfirm {
		t.Errorf("still proposed: %d; way %q", len(it.Proposed()), it.Clauses[0].Answer.Way)
	}
	if n, err := o.Svc.ConfirmProposed(assessmenttest.Keeper(t), scs, ""); err != nil || n != 1 {
		t.Errorf("whole SCS sheet: %d, %v", n, err)
	}
	_, err = o.Svc.ConfirmProposed(assessmenttest.As(t, "sato", nil, assessment.PermRead), jama, "")
	if problem.CodeOf(err) != problem.CodeForbidden {
		t.Errorf("a reader confirmed: %v", err)
	}
}

func TestScopeFollowsTheOwnerOfTheItem(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	if err := o.Svc.SaveItemMeta(assessmenttest.Keeper(t), jama, "28", assessment.ItemMeta{Owner: "suzuki", PlannedOn: jdate.On(2027, 1, 29), Note: "工場"}); err != nil {
		t.Fatal(err)
	}
	grants := assessment.PermAnswer
	node := o.Board(t, jama).Item("28").Clauses[0].ID
	in := assessment.NewAnswer{Node: node, Value: verdict.Unmet}
	if err := o.Svc.SaveAnswer(assessmenttest.As(t, "tanaka", []string{"general"}, grants), jama, "28", assessment.WayPage, in); problem.CodeOf(err) != problem.CodeForbidden {
		t.Errorf("another department answered: %v", err)
	}
	if err := o.Svc.SaveAnswer(assessmenttest.As(t, "tanaka", []string{"factory"}, grants), jama, "28", assessment.WayPage, in); err != nil {
		t.Errorf("the own department: %v", err)
	}
	if err := o.Svc.SaveItemMeta(assessmenttest.Keeper(t), jama, "28", assessment.ItemMeta{Owner: "sato"}); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("stale version of the note: %v", err)
	}
}

func TestRounds(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	o.MailTraining(t, 3, "2026-06-10")
	ctx := assessmenttest.Keeper(t)
	if _, err := o.Svc.ConfirmProposed(ctx, jama, ""); err != nil {
		t.Fatal(err)
	}
	b := o.Board(t, jama)
	if b.Round == nil || b.Round.Name != "2026年度の自己評価" || b.Round.To != jdate.On(2027, 3, 31) {
		t.Fatalf("round: %+v", b.Round)
	}
	again := assessment.NewRound{Framework: jama, FiscalYear: 2027, Name: "次", From: jdate.On(2027, 4, 1), To: jdate.On(2028, 3, 31)}
	if _, err := o.Svc.OpenRound(ctx, again); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("two open rounds: %v", err)
	}
	if err := o.Svc.LockRound(ctx, b.Round.Key, b.Round.Version+1); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("stale lock: %v", err)
	}
	if err := o.Svc.LockRound(ctx, b.Round.Key, b.Round.Version); err != nil {
		t.Fatal(err)
	}
	in := assessment.NewAnswer{Node: b.Item("53").Clauses[0].ID, Value: verdict.Unmet}
	if err := o.Svc.SaveAnswer(ctx, jama, "53", assessment.WayPage, in); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("answer in a locked round: %v", err)
	}
	if got := o.Board(t, jama).Item("28"); got.State != verdict.Met || len(got.Proposed()) != 0 {
		t.Errorf("locked: item 28 is %q, %d proposed", got.State, len(got.Proposed()))
	}
	if _, err := o.Svc.OpenRound(ctx, again); err != nil {
		t.Fatal(err)
	}
	b = o.Board(t, jama)
	it := b.Item("28")
	if it.Past == nil || it.Past.AnswerValue != int(verdict.ValueMet) || it.Clauses[0].Answer != nil || b.Previous == nil {
		t.Errorf("new round: past %+v, answer %+v", it.Past, it.Clauses[0].Answer)
	}
}

func TestImportedRoundIsTheYearBefore(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	ctx := assessmenttest.Keeper(t)
	err := o.DB.Write(ctx, func(tx *sqlite.Tx) error {
		_, err := o.Svc.ImportRound(ctx, tx, assessment.NewRound{Framework: jama, FiscalYear: 2025, Name: "2025年度", From: jdate.On(2025, 4, 1), To: jdate.On(2026, 3, 31)},
			[]assessment.PastItem{{Item: "28", Value: verdict.ValuePart}, {Item: "53", Value: verdict.NotApplicable}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b := o.Board(t, jama)
	if b.Round != nil || b.Item("28").State != verdict.Unknown {
		t.Errorf("an imported round counts now: %+v, %q", b.Round, b.Item("28").State)
	}
	if p := b.Item("28").Past; p == nil || p.AnswerValue != 1 {
		t.Errorf("past of 28: %+v", p)
	}
	if p := b.Item("53").Past; p == nil || p.State != verdict.NA {
		t.Errorf("past of 53: %+v", p)
	}
}

func TestOfficialWording(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	ctx := assessmenttest.Keeper(t)
	var report assessment.OfficialReport
	set := func(items ...assessment.OfficialItem) error {
		return o.DB.Write(ctx, func(tx *sqlite.Tx) error {
			var err error
			report, err = o.Svc.SetOfficial(ctx, tx, jama, "sheet.xlsx", items)
			return err
		})
	}
	if err := set(assessment.OfficialItem{Item: "999", Level: "1"}); problem.CodeOf(err) != problem.CodeInvalid {
		t.Errorf("unknown item: %v", err)
	}
	err := set(
		assessment.OfficialItem{Item: "8", Level: "1", Condition: "機器を把握している", Criteria: "【規則】\n・一覧を作っている\n・一覧を見直している\n【頻度】年1回以上"},
		assessment.OfficialItem{Item: "28", Level: "2", Condition: "正式な文"},
	)
	if err != nil {
		t.Fatal(err)
	}
	want := assessment.OfficialReport{Items: 2, Learned: 1, Clauses: 3, Differences: []assessment.LevelDifference{{Item: "28", Known: "1", Official: "2"}}}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	b := o.Board(t, jama)
	it := b.Item("8")
	var kinds []string
	for _, c := range it.Clauses {
		kinds = append(kinds, c.Kind+" "+c.Mark+" "+c.Text.JA)
	}
	if diff := cmp.Diff([]string{"rule human 一覧を作っている", "rule human 一覧を見直している", "frequency human 年1回以上"}, kinds); diff != "" {
		t.Errorf("clauses of item 8 (-want +got):\n%s", diff)
	}
	if it.Node.Level != "1" || it.Node.NeedsImport || b.Item("28").Node.Level != "1" || b.Item("28").Official.Condition != "正式な文" {
		t.Errorf("levels %q and %q", it.Node.Level, b.Item("28").Node.Level)
	}
	if got := b.LevelDifferences(); len(got) != 1 {
		t.Errorf("differences: %+v", got)
	}
	if err := o.Svc.SaveAnswer(ctx, jama, "8", assessment.WayPage, assessment.NewAnswer{Node: it.Clauses[0].ID, Value: verdict.Met}); err != nil {
		t.Errorf("answer an imported clause: %v", err)
	}
	if got := o.Board(t, jama).Item("8").State; got != verdict.Part {
		t.Errorf("item 8 is %q", got)
	}
	if err := set(); err != nil {
		t.Fatal(err)
	}
	if got := o.Board(t, jama).Item("8"); len(got.Clauses) != 0 || got.Node.Level != "" {
		t.Errorf("after removal: %d clauses, level %q", len(got.Clauses), got.Node.Level)
	}
}

func TestChangesOfARequest(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	o.MailTraining(t, 3, "2026-06-10")
	ctx := request.WithID(assessmenttest.House(t), "request-1")
	o.PutIn(ctx, t, "systems/1",
		fact.Fact{Kind: "systems.member", Member: "system/a", Attrs: map[string]string{"in_use": "yes"}, On: jdate.On(2020, 1, 1)},
		fact.Fact{Kind: "systems.confirmed", On: jdate.On(2026, 11, 1)},
		fact.Fact{Kind: "review.closed", Member: "system/a", On: jdate.On(2026, 11, 1)})
	var changes []assessment.Change
	err := o.DB.Read(ctx, func(tx *sqlite.Tx) error {
		var err error
		changes, err = o.Svc.Changes(ctx, tx, "request-1")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var items []string
	for _, c := range changes {
		items = append(items, c.Item+" "+string(c.To))
	}
	slices.Sort(items)
	if diff := cmp.Diff([]string{"120 met", "49 met"}, items); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	want := []assessment.Line{{Key: "assessment.changed.met", Args: problem.Args{"n": 2}}}
	if diff := cmp.Diff(want, assessment.Lines(changes)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestComparisonWithLastMonth(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	overview := func() *assessment.Overview {
		t.Helper()
		var got *assessment.Overview
		ctx := assessmenttest.Keeper(t)
		err := o.Svc.Read(ctx, func(tx *sqlite.Tx) error {
			var err error
			got, err = o.Svc.Overview(ctx, tx)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	first := overview()
	if first.SinceMonth != nil {
		t.Errorf("the first month is compared: %d", *first.SinceMonth)
	}
	if first.Open.OpenClauses != 11 {
		t.Errorf("%d clauses open, want 11 (2+5+2+1 of Lv1 and 2, 1 of ★3)", first.Open.OpenClauses)
	}
	if got := first.Unknown; len(got) != 1 || got[0].UnknownLevels() != 1 {
		t.Errorf("unknown levels: %+v", got)
	}
	o.Clock.SetDay("2026-12-05")
	o.MailTraining(t, 3, "2026-12-01")
	later := overview()
	if later.SinceMonth == nil || *later.SinceMonth != -6 || later.Open.OpenClauses != 5 {
		t.Errorf("since last month: %v, open %d", later.SinceMonth, later.Open.OpenClauses)
	}
	if len(later.Steps) != 0 || later.Proposed != 6 {
		t.Errorf("%d steps, %d proposed", len(later.Steps), later.Proposed)
	}
	o.Put(t, "people/new", fact.Fact{Kind: "people.member", Member: "person/late", Attrs: map[string]string{"class": "employee", "mail": "yes"}, On: jdate.On(2020, 4, 1)})
	later = overview()
	if len(later.Steps) != 1 || later.Steps[0].Remedy != "train_people" || len(later.Steps[0].Clauses) != 1 {
		t.Errorf("steps with one person missing: %+v", later.Steps)
	}
}

func TestBoardIsRebuiltAfterARollback(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	o.MailTraining(t, 3, "2026-06-10")
	stop := errors.New("stop")
	ctx := assessmenttest.Keeper(t)
	node := o.Board(t, jama).Item("28").Clauses[0].ID
	err := o.DB.Write(ctx, func(tx *sqlite.Tx) error {
		if err := o.Svc.PutAnswers(ctx, tx, jama, "28", assessment.WayPage, []assessment.NewAnswer{{Node: node, Value: verdict.Unmet}}); err != nil {
			return err
		}
		if b, err := o.Svc.Board(ctx, tx, jama); err != nil || b.Item("28").Clauses[0].State.Result != verdict.Unmet {
			t.Errorf("inside the act the board does not show it: %v", err)
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if got := o.Board(t, jama).Item("28").Clauses[0]; got.State.Result != verdict.Met || got.Answer != nil {
		t.Errorf("after the rollback: %q, %+v", got.State.Result, got.Answer)
	}
}

func TestActions(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	ctx := assessmenttest.Keeper(t)
	if _, err := o.Svc.SaveAction(ctx, assessment.Action{}); len(problem.All(err)) != 2 {
		t.Errorf("an empty action: %v", err)
	}
	key, err := o.Svc.SaveAction(ctx, assessment.Action{
		Title: "6名に受講してもらう", Owner: "sato", Due: jdate.On(2027, 1, 29), Targets: []assessment.ActionTarget{{Framework: jama, Item: "28"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	duties := func() (out []string) {
		t.Helper()
		err := o.DB.Read(ctx, func(tx *sqlite.Tx) error {
			list, err := o.Svc.Duties(ctx, tx, o.Svc.Today())
			for _, d := range list {
				out = append(out, d.Text+" "+d.On.String()+" "+d.Person)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if diff := cmp.Diff([]string{"assessment.duty.action 2027-01-29 sato"}, duties()); diff != "" {
		t.Errorf("duties (-want +got):\n%s", diff)
	}
	report, err := o.Svc.GapsReport(ctx, "ja")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range report.Gaps {
		if g.Item == "28" && (g.Due != jdate.On(2027, 1, 29) || g.Owner != "sato") {
			t.Errorf("gap of item 28: due %s, owner %q", g.Due, g.Owner)
		}
	}
	if err := o.Svc.FinishAction(ctx, key, 1, true); err != nil {
		t.Fatal(err)
	}
	if err := o.Svc.FinishAction(ctx, key, 1, true); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("finished twice: %v", err)
	}
	if got := duties(); len(got) != 0 {
		t.Errorf("duties of a finished action: %v", got)
	}
	if err := o.Svc.RemoveAction(ctx, key, 2); err != nil {
		t.Error(err)
	}
}

func TestEveryActIsAudited(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	ctx := assessmenttest.Keeper(t)
	if err := o.Svc.SaveItemMeta(ctx, jama, "28", assessment.ItemMeta{Owner: "sato"}); err != nil {
		t.Fatal(err)
	}
	node := o.Board(t, jama).Item("53").Clauses[0].ID
	if err := o.Svc.SaveAnswer(ctx, jama, "53", assessment.WayPage, assessment.NewAnswer{Node: node, Value: verdict.Unmet, Note: "佐藤が確認"}); err != nil {
		t.Fatal(err)
	}
	var acts []string
	err := o.DB.Read(ctx, func(tx *sqlite.Tx) error {
		rows, err := audit.List(ctx, tx, audit.Filter{Object: "assessment/"})
		for _, r := range rows {
			acts = append(acts, r.Act)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"assessment.answered", "assessment.round_opened", "assessment.item_noted"}, acts); diff != "" {
		t.Errorf("acts (-want +got):\n%s", diff)
	}
}

func TestGapsReportIsStable(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	o.MailTraining(t, 2, "2026-06-10")
	ctx := assessmenttest.Keeper(t)
	one, err := o.Svc.GapsReport(ctx, "ja")
	if err != nil {
		t.Fatal(err)
	}
	other := o.Service(assessmenttest.Catalog(t))
	two, err := other.GapsReport(ctx, "ja")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(one, two); diff != "" {
		t.Errorf("another process sees another report:\n%s", diff)
	}
	if one.Schema != "kizuki.gaps/1" || one.AsOf != jdate.On(2026, 11, 23) || len(one.Gaps) != one.Open.Clauses || len(one.Targets) != 2 {
		t.Errorf("report: %+v", one)
	}
	english, err := o.Svc.GapsReport(ctx, "en")
	if err != nil {
		t.Fatal(err)
	}
	if english.Gaps[0].Text != "The president approved the policy" || len(english.Gaps[0].Why) == 0 {
		t.Errorf("first gap in English: %+v", english.Gaps[0])
	}
	_, err = o.Svc.GapsReport(assessmenttest.As(t, "sato", nil), "ja")
	if problem.CodeOf(err) != problem.CodeForbidden {
		t.Errorf("without permission: %v", err)
	}
}
