package gap_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/office/assessment/gap"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

const jama = assessmenttest.JAMA

func open(t *testing.T) (*assessmenttest.Office, *assessmenttest.Site) {
	t.Helper()
	o := assessmenttest.Open(t, gap.Messages())
	s := o.Site(t)
	next := func(context.Context, *sqlite.Tx) (*gap.Deadline, error) {
		return &gap.Deadline{Customer: "○○自動車", On: jdate.On(2026, 12, 16), Path: "/requests/1"}, nil
	}
	gap.NewWeb(o.Svc, s.Router.Shell(), next).Routes(s.Router)
	return o, s
}

func late(t *testing.T, o *assessmenttest.Office) {
	t.Helper()
	o.Put(t, "people/new", fact.Fact{Kind: "people.member", Member: "person/tanaka", Attrs: map[string]string{"class": "employee", "mail": "yes"}, On: jdate.On(2020, 4, 1)})
}

func TestFirstPage(t *testing.T) {
	t.Parallel()
	o, s := open(t)
	o.MailTraining(t, 3, "2026-06-10")
	late(t, o)
	_, err := o.Svc.SaveAction(assessmenttest.Keeper(t), assessment.Action{
		Title: "田中さんに受けてもらう", Owner: "suzuki", Due: jdate.On(2026, 11, 20), Targets: []assessment.ActionTarget{{Framework: jama, Item: "28"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, locale := range []string{"ja", "en"} {
		assessmenttest.Sound(t, s.Page(t, "/gaps", locale, http.StatusOK))
		assessmenttest.Sound(t, s.Page(t, "/gaps?due=none&level="+url.QueryEscape(jama+"/1"), locale, http.StatusOK))
	}
	body := s.Page(t, "/gaps", "ja", http.StatusOK)
	for _, want := range []string{
		"○○自動車へ出すチェックシート", "あと23日（12/16 水）", "できていない確認事項", "6<small> 件", "Lv1・Lv2", "★3", "1／1基準", "参考：点数 1／8",
		"レベル不明の 1 項目", "電子メールの教育を1名に受けてもらう", "記録どおりに回答できる確認事項が 5件 あります",
		"期限を3日過ぎています", "鈴木 一郎", "4名のうち3名",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the first page lacks %q", want)
		}
	}
	if body := s.Page(t, "/gaps?due=over", "ja", http.StatusOK); strings.Contains(body, "ログの保護と保持期間") || !strings.Contains(body, "できていない確認事項 1件") {
		t.Error("the filter by due day does not narrow the list")
	}
	if got := s.Page(t, "/", "ja", http.StatusSeeOther); got != "/gaps" {
		t.Errorf("/ leads to %s", got)
	}
	s.As = actor.New(actor.Actor{Account: "worker", Via: "session"}, nil)
	if got := s.Page(t, "/", "ja", http.StatusSeeOther); got != "/today" {
		t.Errorf("/ leads an employee to %s", got)
	}
	s.Page(t, "/gaps", "ja", http.StatusForbidden)
}

func TestExports(t *testing.T) {
	t.Parallel()
	o, s := open(t)
	o.MailTraining(t, 3, "2026-06-10")
	var report assessment.GapsReport
	if err := json.Unmarshal([]byte(s.Page(t, "/gaps/export?format=json", "ja", http.StatusOK)), &report); err != nil {
		t.Fatal(err)
	}
	if report.Schema != assessment.GapsSchema || len(report.Gaps) != report.Open.Clauses || len(report.Gaps) != 5 {
		t.Errorf("report: %+v", report)
	}
	csv := s.Page(t, "/gaps/export?format=csv", "ja", http.StatusOK)
	if lines := strings.Count(csv, "\r\n"); lines != 6 || !strings.Contains(csv, "確認事項") {
		t.Errorf("csv of %d lines: %.200s", lines, csv)
	}
	if xlsx := s.Page(t, "/gaps/export?format=xlsx", "ja", http.StatusOK); !strings.HasPrefix(xlsx, "PK") {
		t.Error("the workbook is none")
	}
	s.Page(t, "/gaps/export?format=pdf", "ja", http.StatusUnsupportedMediaType)
}

func TestWaysOutOfAContradiction(t *testing.T) {
	t.Parallel()
	o, s := open(t)
	o.MailTraining(t, 3, "2026-06-10")
	ctx := assessmenttest.Keeper(t)
	if _, err := o.Svc.ConfirmProposed(ctx, jama, "28"); err != nil {
		t.Fatal(err)
	}
	late(t, o)
	c := o.Board(t, jama).Item("28").Clauses[2]
	if !c.State.Conflict || c.State.Result != verdict.Unmet {
		t.Fatalf("no contradiction: %+v", c.State)
	}
	for _, locale := range []string{"ja", "en"} {
		assessmenttest.Sound(t, s.Page(t, "/conflicts", locale, http.StatusOK))
		if list := s.Page(t, "/conflicts/export?format=json", locale, http.StatusOK); !strings.Contains(list, "No.28") {
			t.Errorf("exported: %s", list)
		}
	}
	form := url.Values{"framework": {jama}, "item": {"28"}, "clause": {c.ID}, "version": {"1"}, "way": {"keep"}, "reason": {""}, "expires": {""}}
	if body := s.Post(t, "/conflicts", form, http.StatusUnprocessableEntity); !strings.Contains(body, "理由を書いてください") {
		t.Error("the reason is not asked for")
	}
	form.Set("reason", "紙で受けた")
	if body := s.Post(t, "/conflicts", form, http.StatusUnprocessableEntity); !strings.Contains(body, "日付を入れてください（1年以内）") {
		t.Error("the last day is not asked for")
	}
	form.Set("expires", "2027-01-31")
	s.Post(t, "/conflicts", form, http.StatusSeeOther)
	if got := o.Board(t, jama).Item("28").Clauses[2].State; !got.Held || got.Result != verdict.Met {
		t.Errorf("kept: %+v", got)
	}
	form.Set("way", "follow")
	form.Set("version", "2")
	s.Post(t, "/conflicts", form, http.StatusSeeOther)
	if got := o.Board(t, jama).Item("28").Clauses[2].State; got.Conflict || got.Result != verdict.Unmet {
		t.Errorf("followed: %+v", got)
	}
	assessmenttest.Sound(t, s.Page(t, "/conflicts", "ja", http.StatusOK))
}

func TestNoTarget(t *testing.T) {
	t.Parallel()
	o, s := open(t)
	o.Company.Targets = nil
	assessmenttest.Sound(t, s.Page(t, "/gaps", "ja", http.StatusOK))
}
