package item_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/office/assessment/item"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

const (
	jama = assessmenttest.JAMA
	page = "/sheet/" + jama + "/28"
)

func open(t *testing.T) (*assessmenttest.Office, *assessmenttest.Site) {
	t.Helper()
	o, s, _ := openWithFiles(t)
	return o, s
}

func openWithFiles(t *testing.T) (*assessmenttest.Office, *assessmenttest.Site, *attach.Store) {
	t.Helper()
	o := assessmenttest.Open(t, item.Messages(), attach.Messages())
	if err := o.DB.Migrate(t.Context(), []sqlite.Migration{attach.Migrations()}); err != nil {
		t.Fatal(err)
	}
	s, files := o.Site(t), attach.New(t.TempDir())
	item.NewWeb(o.Svc, s.Router.Shell(), files).Routes(s.Router)
	return o, s, files
}

func TestPagesInBothLanguages(t *testing.T) {
	t.Parallel()
	o, s := open(t)
	o.MailTraining(t, 3, "2026-06-10")
	o.Put(t, "people/new", fact.Fact{Kind: "people.member", Member: "person/tanaka", Attrs: map[string]string{"class": "employee", "mail": "yes"}, On: jdate.On(2020, 4, 1)})
	for _, locale := range []string{"ja", "en"} {
		for _, path := range []string{
			"/sheet/" + jama, "/sheet/" + jama + "?state=open&level=1&label=l7&owner=", "/sheet/" + jama + "?owner=sato", "/sheet/" + jama + "/confirm",
			"/sheet/" + assessmenttest.SCS + "/confirm", page, "/sheet/" + jama + "/1", "/sheet/" + jama + "/8", "/sheet/" + jama + "/53",
			"/sheet/" + assessmenttest.SCS, "/sheet/" + assessmenttest.SCS + "/4-2-1-3",
		} {
			assessmenttest.Sound(t, s.Page(t, path, locale, http.StatusOK))
		}
	}
	body := s.Page(t, page, "ja", http.StatusOK)
	for _, want := range []string{"No.28", "電子メールの教育", "記録からの判定（参考）", "4名のうち3名", "田中 次郎", "記録どおりに回答する（4件）", "SCS 4-2-1-3", "A.6.3", "前の項目", "集合教育やeラーニング", "今年度に「教育の実施（電子メール）」の記録がある", "2026-06-10"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page of item 28 lacks %q", want)
		}
	}
	if got := s.Page(t, "/sheet", "ja", http.StatusSeeOther); got != "/sheet/"+jama {
		t.Errorf("/sheet leads to %s", got)
	}
	s.Page(t, "/sheet/"+jama+"/999", "ja", http.StatusNotFound)
	s.Page(t, "/sheet/nothing@1", "ja", http.StatusNotFound)
}

// form is what the page of an item would send.
func form(it *assessment.Item, clause int, reason, expires string) url.Values {
	c := it.Clauses[clause]
	return url.Values{
		"field": {"0"}, "node-0": {c.ID}, "version-0": {"0"}, "was-0": {"||"}, "value-0": {"met"}, "reason-0": {reason}, "expires-0": {expires},
	}
}

func TestAnswering(t *testing.T) {
	t.Parallel()
	o, s := open(t)
	o.MailTraining(t, 3, "2026-06-10")
	o.Put(t, "people/new", fact.Fact{Kind: "people.member", Member: "person/tanaka", Attrs: map[string]string{"class": "employee", "mail": "yes"}, On: jdate.On(2020, 4, 1)})
	it := o.Board(t, jama).Item("28")

	body := s.Post(t, page, form(it, 2, "", ""), http.StatusUnprocessableEntity)
	if !strings.Contains(body, "記録では未達成です。達成とする理由を書いてください。") || !strings.Contains(body, "aria-invalid") {
		t.Error("the reason is not asked for at its field")
	}
	if got := s.Post(t, page, form(it, 2, "紙の受講記録がある", "2027年1月31日"), http.StatusSeeOther); got != page {
		t.Errorf("leads to %s", got)
	}
	c := o.Board(t, jama).Item("28").Clauses[2]
	if !c.State.Held || c.Answer.Expires != jdate.On(2027, 1, 31) {
		t.Errorf("answer: %+v, state %+v", c.Answer, c.State)
	}
	body = s.Page(t, page, "ja", http.StatusOK)
	if !strings.Contains(body, `class="differs"`) || !strings.Contains(body, "食い違い") {
		t.Error("the contradiction is not shown")
	}
	body = s.Fragment(t, page+"/confirm", "item", url.Values{}, http.StatusOK)
	if !strings.HasPrefix(strings.TrimSpace(body), `<div id="item">`) {
		t.Errorf("fragment: %.80s", body)
	}
	if got := o.Board(t, jama).Item("28").Clauses[0]; got.Answer == nil || got.Answer.Value != verdict.Met {
		t.Errorf("confirmed: %+v", got.Answer)
	}
	s.Post(t, page+"/note", url.Values{"owner": {"sato"}, "planned": {"2027-01-29"}, "note": {"メモ"}, "meta_version": {"0"}}, http.StatusSeeOther)
	if body := s.Post(t, page+"/note", url.Values{"owner": {"suzuki"}, "meta_version": {"0"}}, http.StatusConflict); !strings.Contains(body, "先に変更しました") {
		t.Error("a stale note is not refused in words")
	}
	s.Post(t, "/sheet/"+assessmenttest.SCS+"/confirm", url.Values{}, http.StatusSeeOther)
	s.Reader()
	s.Post(t, page, form(it, 0, "", ""), http.StatusForbidden)
	if body := s.Page(t, page, "ja", http.StatusOK); strings.Contains(body, "<select") {
		t.Error("a reader sees a form")
	}
}

func TestUnchangedAnswersAreNotSavedAgain(t *testing.T) {
	t.Parallel()
	o, s := open(t)
	it := o.Board(t, jama).Item("1")
	s.Post(t, "/sheet/"+jama+"/1", form(it, 1, "", ""), http.StatusSeeOther)
	again := form(it, 1, "", "")
	again.Set("version-0", "1")
	again.Set("was-0", "met||")
	s.Post(t, "/sheet/"+jama+"/1", again, http.StatusSeeOther)
	if got := o.Board(t, jama).Item("1").Clauses[1].Version; got != 1 {
		t.Errorf("version %d after the same answer twice", got)
	}
	again.Set("value-0", "")
	s.Post(t, "/sheet/"+jama+"/1", again, http.StatusSeeOther)
	if got := o.Board(t, jama).Item("1").Clauses[1]; got.Answer != nil || got.Version != 2 {
		t.Errorf("taken back: %+v", got.Answer)
	}
}
