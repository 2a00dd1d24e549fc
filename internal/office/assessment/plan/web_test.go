package plan_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/office/assessment/plan"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

const (
	jama = assessmenttest.JAMA
	scs  = assessmenttest.SCS
)

func open(t *testing.T) (*assessmenttest.Office, *assessmenttest.Site) {
	t.Helper()
	o := assessmenttest.Open(t, plan.Messages())
	s := o.Site(t)
	plan.NewWeb(o.Svc, s.Router.Shell()).Routes(s.Router)
	return o, s
}

// both gets pages in both languages.
func both(t *testing.T, s *assessmenttest.Site, paths ...string) {
	t.Helper()
	for _, locale := range []string{"ja", "en"} {
		for _, path := range paths {
			assessmenttest.Sound(t, s.Page(t, path, locale, http.StatusOK))
		}
	}
}

func has(t *testing.T, body string, texts ...string) {
	t.Helper()
	for _, want := range texts {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// round is what the page of a new round would send.
func round(more ...string) url.Values {
	v := url.Values{"framework": {jama}, "year": {"2026"}, "name": {"2026年度の自己評価"}, "from": {"2026-04-01"}, "to": {"2027-03-31"}}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v
}

func TestRoundFromOpeningToLocking(t *testing.T) {
	t.Parallel()
	o, s := open(t)
	both(t, s, "/rounds", "/rounds/new", "/rounds/new?framework="+scs)
	has(t, s.Page(t, "/rounds/new?framework="+jama, "ja", http.StatusOK), `value="2026"`, `value="2026-04-01"`, `value="2027-03-31"`, "2026年度の自己評価")

	body := s.Post(t, "/rounds/new", round("year", "", "name", "", "to", "2026-01-01"), http.StatusUnprocessableEntity)
	has(t, body, "年度を入れてください")
	body = s.Post(t, "/rounds/new", round("name", "", "to", "2026-01-01"), http.StatusUnprocessableEntity)
	has(t, body, "回の名前を入れてください", "始まりの日より後")
	page := s.Post(t, "/rounds/new", round(), http.StatusSeeOther)
	has(t, s.Post(t, "/rounds/new", round(), http.StatusConflict), "先に確定してください", page)

	if err := o.Svc.SaveAnswer(assessmenttest.Keeper(t), jama, "53", assessment.WayPage, assessment.NewAnswer{Node: "53", Value: verdict.Unmet}); err != nil {
		t.Fatal(err)
	}
	both(t, s, "/rounds", page, page+"/lock", "/rounds/new?framework="+jama)
	has(t, s.Page(t, page, "ja", http.StatusOK), "1／6項目", "進行中", "No.53", "0点", "未回答")
	has(t, s.Page(t, page+"/lock", "ja", http.StatusOK), "確定は取り消せません", "5項目", "/sheet/"+jama+"/ask")

	has(t, s.Post(t, page+"/lock", url.Values{"version": {"1"}}, http.StatusUnprocessableEntity), "印を付けてください")
	s.Post(t, page+"/lock", url.Values{"version": {"9"}, "sure": {"yes"}}, http.StatusConflict)
	if got := s.Post(t, page+"/lock", url.Values{"version": {"1"}, "sure": {"yes"}}, http.StatusSeeOther); got != page {
		t.Errorf("leads to %s", got)
	}
	both(t, s, "/rounds", page)
	has(t, s.Page(t, page, "ja", http.StatusOK), "2026-11-23に確定", "確定したときの結果", "0点")
	s.Post(t, page+"/lock", url.Values{"version": {"2"}, "sure": {"yes"}}, http.StatusConflict)
	s.Page(t, page+"/lock", "ja", http.StatusConflict)
	if body := s.Page(t, page+"/export?format=csv", "ja", http.StatusOK); !strings.Contains(body, "No.53") || strings.Count(body, "\n") < 7 {
		t.Errorf("export: %s", body)
	}
	// The next round to open is the one of next year, and what was locked does not change any more.
	has(t, s.Page(t, "/rounds/new?framework="+jama, "ja", http.StatusOK), `value="2027"`, `value="2028-03-31"`)
	o.MailTraining(t, 3, "2026-06-10")
	if body := s.Page(t, page+"/export?format=csv", "ja", http.StatusOK); strings.Contains(body, "No.28,Lv1,電子メールの教育,達成") {
		t.Error("a record changed the results of a locked round")
	}
}

func TestImportedRoundIsShown(t *testing.T) {
	t.Parallel()
	o, s := open(t)
	o.Write(t, func(_ context.Context, tx *sqlite.Tx) error {
		_, err := o.Svc.ImportRound(assessmenttest.House(t), tx, assessment.NewRound{
			Framework: jama, FiscalYear: 2025, Name: "去年のシート", From: jdate.On(2025, 4, 1), To: jdate.On(2026, 3, 31),
		}, []assessment.PastItem{{Item: "28", Value: verdict.ValueMet}, {Item: "53", Value: verdict.NotApplicable}})
		return err
	})
	body := s.Page(t, "/rounds", "ja", http.StatusOK)
	has(t, body, "去年のシート", "取り込んだシート", "2／2項目")
	_, after, _ := strings.Cut(body, `href="/rounds/`)
	key, _, _ := strings.Cut(after, `"`)
	both(t, s, "/rounds/"+key)
	has(t, s.Page(t, "/rounds/"+key, "ja", http.StatusOK), "2点", "該当なし")
}

func TestWhoMayManageRounds(t *testing.T) {
	t.Parallel()
	_, s := open(t)
	page := s.Post(t, "/rounds/new", round(), http.StatusSeeOther)
	s.Page(t, "/rounds/nothing", "ja", http.StatusNotFound)
	s.Reader()
	if body := s.Page(t, page, "ja", http.StatusOK); strings.Contains(body, "/lock") {
		t.Error("a reader is offered to lock")
	}
	s.Page(t, "/rounds/new", "ja", http.StatusForbidden)
	s.Page(t, page+"/lock", "ja", http.StatusForbidden)
	s.Post(t, "/rounds/new", round(), http.StatusForbidden)
	s.Post(t, page+"/lock", url.Values{"version": {"1"}, "sure": {"yes"}}, http.StatusForbidden)
	s.Nobody()
	s.Page(t, "/rounds", "ja", http.StatusUnauthorized)
}

func TestActionFromGapToDone(t *testing.T) {
	t.Parallel()
	o, s := open(t)
	o.MailTraining(t, 1, "2026-06-10")
	clause := o.Board(t, jama).Item("28").Clauses[0].ID
	both(t, s, "/actions", "/actions/new", "/actions/new?framework="+jama+"&item=53", "/actions/new?framework="+jama+"&item=28&clause="+url.QueryEscape(clause))
	s.Page(t, "/actions/new?framework="+jama+"&item=999", "ja", http.StatusNotFound)
	has(t, s.Page(t, "/actions/new?framework="+jama+"&item=28&clause="+url.QueryEscape(clause), "ja", http.StatusOK),
		"No.28 教育を実施している", `value="`+jama+"|28|"+clause+`"`)

	form := url.Values{"version": {"0"}, "title": {""}, "owner": {"nobody"}, "target": {jama + "|28|" + clause}, "add_framework": {jama}, "add_items": {"53, 999"}}
	body := s.Post(t, "/actions/new", form, http.StatusUnprocessableEntity)
	has(t, body, "「999」という項目はありません", "一つ選んでください")
	form.Set("owner", "suzuki")
	form.Set("add_items", "53")
	has(t, s.Post(t, "/actions/new", form, http.StatusUnprocessableEntity), "何をするか書いてください", "日付を入れてください")
	form.Set("title", "ログを6か月残す設定にする")
	form.Set("due", "2026-11-20")
	if got := s.Post(t, "/actions/new", form, http.StatusSeeOther); got != "/actions" {
		t.Errorf("leads to %s", got)
	}

	list := s.Page(t, "/actions", "ja", http.StatusOK)
	has(t, list, "期限を3日過ぎています", "鈴木 一郎", "No.53", "No.28")
	_, after, _ := strings.Cut(list, `<th scope="row"><a href="/actions/`)
	key, _, _ := strings.Cut(after, `"`)
	page := "/actions/" + key
	both(t, s, "/actions", "/actions?state=overdue&owner=suzuki&q=ﾛｸﾞ", page)
	has(t, s.Page(t, "/actions?state=overdue&owner=suzuki&q=ろぐ", "ja", http.StatusOK), "ログを6か月")
	for _, none := range []string{"?state=done", "?owner=sato", "?q=教育"} {
		has(t, s.Page(t, "/actions"+none, "ja", http.StatusOK), "この条件に合う対応はありません")
	}

	// Taking out a target, moving the day; then a stale version shows both.
	form = url.Values{"version": {"1"}, "title": {"ログを6か月残す"}, "owner": {"suzuki"}, "due": {"2026-12-16"}, "target": {jama + "|53|"}}
	s.Post(t, page, form, http.StatusSeeOther)
	form.Set("due", "2026-12-20")
	body = s.Post(t, page, form, http.StatusConflict)
	has(t, body, "先に変更しました", "12/16 水", `value="2026-12-20"`, `name="version" value="2"`)
	assessmenttest.Sound(t, body)
	if list := s.Page(t, "/actions", "ja", http.StatusOK); strings.Contains(list, "No.28") {
		t.Error("the target that was taken out is still there")
	}
	form.Del("version")
	s.Post(t, page, form, http.StatusUnprocessableEntity)

	s.Post(t, page+"/done", url.Values{"version": {"1"}, "done": {"yes"}}, http.StatusConflict)
	s.Post(t, page+"/done", url.Values{"version": {"2"}, "done": {"yes"}}, http.StatusSeeOther)
	both(t, s, "/actions?state=done", page)
	has(t, s.Page(t, "/actions/export?format=csv&state=done", "ja", http.StatusOK), "ログを6か月残す", "2026-11-23", "鈴木 一郎")
	s.Post(t, page+"/done", url.Values{"version": {"3"}, "done": {"no"}}, http.StatusSeeOther)
	s.Post(t, page+"/remove", url.Values{"version": {"4"}}, http.StatusSeeOther)
	s.Page(t, page, "ja", http.StatusNotFound)
}

func TestWhoMayKeepActions(t *testing.T) {
	t.Parallel()
	o, s := open(t)
	key, err := o.Svc.SaveAction(assessmenttest.Keeper(t), assessment.Action{
		Title: "教育", Owner: "sato", Due: jdate.On(2026, 12, 1), Note: "会議室で", Targets: []assessment.ActionTarget{{Framework: jama, Item: "28"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	page := "/actions/" + key
	s.Reader()
	both(t, s, page, "/actions")
	body := s.Page(t, page, "ja", http.StatusOK)
	has(t, body, "会議室で", "電子メールの教育", "佐藤 花子")
	if strings.Contains(body, "<form") {
		t.Error("a reader sees a form")
	}
	s.Page(t, "/actions/new", "ja", http.StatusForbidden)
	for _, act := range []string{"/actions/new", page, page + "/done", page + "/remove"} {
		s.Post(t, act, url.Values{"version": {"1"}}, http.StatusForbidden)
	}
}

// A keeper of one department takes nothing from another by changing what an action is about.
func TestActionsOfOtherDepartments(t *testing.T) {
	t.Parallel()
	o, s := open(t)
	a := assessment.Action{Title: "教育", Owner: "sato", Due: jdate.On(2026, 12, 1), Targets: []assessment.ActionTarget{{Framework: jama, Item: "28"}}}
	key, err := o.Svc.SaveAction(assessmenttest.Keeper(t), a)
	if err != nil {
		t.Fatal(err)
	}
	s.As = actor.From(assessmenttest.As(t, "suzuki", []string{"factory"}, assessment.PermRead, assessment.PermAnswer))
	s.Post(t, "/actions/"+key, url.Values{"version": {"1"}, "title": {"横取り"}, "owner": {"suzuki"}, "due": {"2026-12-01"}}, http.StatusForbidden)
	s.Post(t, "/actions/"+key+"/remove", url.Values{"version": {"1"}}, http.StatusForbidden)
	s.Post(t, "/actions/new", url.Values{"version": {"0"}, "title": {"自部署"}, "owner": {"suzuki"}, "due": {"2026-12-01"}}, http.StatusSeeOther)
}
