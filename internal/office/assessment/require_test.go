package assessment_test

import (
	"testing"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// TestRequireLooksBeyondTheTarget: the company aims at Lv1 and says 該当なし to all of it. That reaches Lv1, and
// nothing above.
func TestRequireLooksBeyondTheTarget(t *testing.T) {
	t.Parallel()
	o := assessmenttest.Open(t)
	o.Company.Targets = map[string]string{"jama-japia": "1"}
	o.Write(t, o.Svc.RecomputeAll)
	ctx := assessmenttest.Keeper(t)
	for _, it := range o.Board(t, jama).Items {
		if it.Node.Level != "1" {
			continue
		}
		err := o.Svc.SaveAnswer(ctx, jama, it.Node.ID, assessment.WayPage, assessment.NewAnswer{
			Node: it.Node.ID, Value: verdict.NA, Reason: "業務がない", Expires: jdate.On(2027, 1, 31),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := o.Svc.GapsReport(ctx, "ja")
	if err != nil {
		t.Fatal(err)
	}
	one, err := r.Require("Lv1")
	if err != nil || one.Open != 0 {
		t.Errorf("Lv1: %+v, %v", one, err)
	}
	for _, level := range []string{"2", "Ｌｖ２", "lv3", " 3 "} {
		if got, err := r.Require(level); err != nil || got.Reached() || got.Open == 0 {
			t.Errorf("%s: %+v, %v", level, got, err)
		}
	}
	for _, level := range []string{"foo", "", "★3", "10"} {
		if _, err := r.Require(level); problem.CodeOf(err) != problem.CodeInvalid {
			t.Errorf("%q is taken: %v", level, err)
		}
	}
}

// TestRequireAndUnknownLevels: an open item of unknown level counts, unless the level is complete without it.
func TestRequireAndUnknownLevels(t *testing.T) {
	t.Parallel()
	report := func(items, openUnknown int) *assessment.GapsReport {
		return &assessment.GapsReport{
			Targets: []assessment.GapsTarget{{Framework: "a@1", Title: "A", Levels: []assessment.GapsLevel{
				{Level: "1", Name: "Lv1", Items: items, Total: 3}, {Level: "2", Name: "Lv2", Items: 1, Open: 1, Total: 2},
			}}},
			Unknown: []assessment.UnknownLevel{{Framework: "a@1", Items: 2, Open: openUnknown}},
		}
	}
	for _, tt := range []struct {
		name   string
		report *assessment.GapsReport
		level  string
		want   bool
	}{
		{"may belong to it", report(2, 1), "1", false},
		{"are done", report(2, 0), "1", true},
		{"stand above", report(3, 2), "1", true},
		{"a gap is a gap", report(3, 0), "2", false},
	} {
		got, err := tt.report.Require(tt.level)
		if err != nil || got.Reached() != tt.want || got.Unknown != 2 {
			t.Errorf("%s: %+v (%v), %v", tt.name, got, got.Reached(), err)
		}
	}
	both := report(3, 0)
	both.Targets = append(both.Targets, assessment.GapsTarget{Framework: "b@1", Title: "B", Levels: []assessment.GapsLevel{{Level: "2", Name: "★2"}}})
	if _, err := both.Require("2"); problem.CodeOf(err) != problem.CodeInvalid || problem.All(err)[0].Key != "assessment.require.ambiguous" {
		t.Errorf("two frameworks have the level: %v", err)
	}
	if got, err := both.Require("★2"); err != nil || got.Title != "B" {
		t.Errorf("★2: %+v, %v", got, err)
	}
	if got, err := both.Only("b").Require("2"); err != nil || got.Title != "B" {
		t.Errorf("2 of b: %+v, %v", got, err)
	}
}
