package assessment_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func TestSelect(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	tests := []struct {
		name, framework, text, want string
		wrong                       string // the part that the problem names; empty: none
		key                         string
	}{
		{"one", jama, "28", "28", "", ""},
		{"as people write them", jama, "No.28, １、49・53", "1 28 49 53", "", ""},
		{"each once", jama, "28 28, 28-28", "28", "", ""},
		{"a range", jama, "28-53", "28 49 53", "", ""},
		{"a range in full width", jama, "８ 〜 ２８、120", "8 28 120", "", ""},
		{"a range with a long-vowel mark", jama, "1ー28", "1 8 28", "", ""},
		{"nothing", jama, " 、 ", "", "", ""},
		{"no such number", jama, "28, 154", "", "154", "assessment.select.unknown"},
		{"a range that ends nowhere", jama, "28-154", "", "154", "assessment.select.unknown"},
		{"several that do not exist", jama, "154, 28, 9-28", "", "154, 9", "assessment.select.unknown"},
		{"half a range", jama, "28-", "", "28-", "assessment.select.half"},
		{"backwards", jama, "53-28", "", "53-28", "assessment.select.backwards"},
		{"a word", jama, "全部", "", "全部", "assessment.select.unknown"},
		{"an id", scs, "4-2-1-3", "4-2-1-3", "", ""},
		{"all below a node", scs, "4-2-1", "4-2-1-3 4-2-1-4", "", ""},
		{"a range of ids", scs, "4-2-1-3 ~ 4-2-1-4", "4-2-1-3 4-2-1-4", "", ""},
		{"an id that does not exist", scs, "4-2-9-9", "", "4-2-9-9", "assessment.select.unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			nodes, err := o.Board(t, tt.framework).Select("items", tt.text)
			if found := problem.All(err); tt.wrong != "" {
				named := len(found) == 1 && (found[0].Args["item"] == tt.wrong || found[0].Args["part"] == tt.wrong)
				if !named || found[0].Field != "items" || found[0].Key != tt.key {
					t.Errorf("problems: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, n := range nodes {
				ids = append(ids, n.ID)
			}
			if diff := cmp.Diff(tt.want, strings.Join(ids, " ")); diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSelectionText(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	tests := []struct{ framework, text, want string }{
		{jama, "1,8,28,49,120", "1-49, 120"},
		{jama, "1,8", "1, 8"},
		{jama, "53", "53"},
		{jama, "", ""},
		{scs, "4-2-1", "4-2-1-3, 4-2-1-4"},
	}
	for _, tt := range tests {
		b := o.Board(t, tt.framework)
		nodes, err := b.Select("items", tt.text)
		if err != nil {
			t.Fatal(err)
		}
		got := b.SelectionText(nodes)
		if got != tt.want {
			t.Errorf("%q is written %q, want %q", tt.text, got, tt.want)
		}
		again, err := b.Select("items", got)
		if err != nil || len(again) != len(nodes) {
			t.Errorf("%q reads as %d items: %v", got, len(again), err)
		}
	}
}

func TestOpenClauses(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	ctx := assessmenttest.As(t, "sato", nil, assessment.PermRead)
	before, err := o.Svc.OpenClauses(ctx)
	if err != nil {
		t.Fatal(err)
	}
	// Item 1 has two clauses, 28 five, 49 two, 53 one; ★3 has one. Items of unknown level and of Lv3 do not count.
	if before != 11 {
		t.Errorf("%d open clauses, want 11", before)
	}
	o.MailTraining(t, 3, "2026-06-10")
	after, err := o.Svc.OpenClauses(ctx)
	if err != nil || after != before-6 {
		t.Errorf("after a training %d open clauses, want %d: %v", after, before-6, err)
	}
	if _, err := o.Svc.OpenClauses(assessmenttest.As(t, "sato", nil)); problem.CodeOf(err) != problem.CodeForbidden {
		t.Errorf("without permission: %v", err)
	}
}

// Over a locked round of last year the next answer is the first of this year's round, whatever was answered before.
func TestFirstAnswerOfANewYear(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	ctx := assessmenttest.Keeper(t)
	save := func() error {
		it := o.Board(t, jama).Item("53")
		return o.Svc.SaveAnswer(ctx, jama, "53", assessment.WayAsk, assessment.NewAnswer{Node: "53", Value: verdict.Unmet, Version: it.Version})
	}
	if err := save(); err != nil {
		t.Fatal(err)
	}
	round := o.Board(t, jama).Round
	if err := o.Svc.LockRound(ctx, round.Key, round.Version); err != nil {
		t.Fatal(err)
	}
	if err := save(); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("in the year of the locked round: %v", err)
	}
	o.Clock.SetDay("2027-04-01")
	if err := save(); err != nil {
		t.Errorf("in the new year: %v", err)
	}
	if got := o.Board(t, jama).Round; got.FiscalYear != 2027 || got.Locked() {
		t.Errorf("round: %+v", got)
	}
}
