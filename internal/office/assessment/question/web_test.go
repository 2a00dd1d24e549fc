package question_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/office/assessment/question"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

const (
	jama = assessmenttest.JAMA
	ask  = "/sheet/" + jama + "/ask"
)

func open(t *testing.T) (*assessmenttest.Office, *assessmenttest.Site) {
	t.Helper()
	o := assessmenttest.Open(t, question.Messages(), link.Messages())
	if err := o.DB.Migrate(t.Context(), []sqlite.Migration{link.Migrations()}); err != nil {
		t.Fatal(err)
	}
	s := o.Site(t)
	question.NewWeb(o.Svc, o.DB, s.Router.Shell(), func(context.Context) string { return "http://localhost" }).Routes(s.Router)
	return o, s
}

func choose(item, value, version string, more ...string) url.Values {
	form := url.Values{"framework": {jama}, "item": {item}, "value": {value}, "version": {version}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

func TestOneByOne(t *testing.T) {
	t.Parallel()
	o, s := open(t)
	o.MailTraining(t, 3, "2026-06-10")
	o.Put(t, "people/new", fact.Fact{Kind: "people.member", Member: "person/tanaka", Attrs: map[string]string{"class": "employee", "mail": "yes"}, On: jdate.On(2020, 4, 1)})
	first := s.Page(t, ask, "ja", http.StatusOK)
	assessmenttest.Sound(t, first)
	for _, want := range []string{"1／4", "No.1 対応方針の策定", "会社の考え方を示すため", `data-key="2 ２"`, `data-key="Enter"`} {
		if !strings.Contains(first, want) {
			t.Errorf("the first question lacks %q", want)
		}
	}
	question := s.Page(t, ask+"?item=28", "ja", http.StatusOK)
	if strings.Contains(question, "記録からの判定") {
		t.Error("the verdict leads before the answer")
	}
	body := s.Post(t, ask, choose("28", "2", "0"), http.StatusUnprocessableEntity)
	assessmenttest.Sound(t, body)
	if !strings.Contains(body, "記録では未達成です。達成とする理由を書いてください。") || !strings.Contains(body, `name="expires"`) {
		t.Error("a contradiction is not asked about")
	}
	if got := s.Post(t, ask, choose("28", "1", "0"), http.StatusSeeOther); got != ask+"?item=28" {
		t.Errorf("leads to %s", got)
	}
	for _, locale := range []string{"ja", "en"} {
		assessmenttest.Sound(t, s.Page(t, ask+"?item=28", locale, http.StatusOK))
	}
	if body := s.Page(t, ask+"?item=28", "ja", http.StatusOK); !strings.Contains(body, "記録からの判定（参考）") || !strings.Contains(body, "item=49") {
		t.Error("after the answer the records are not shown")
	}
	if body := s.Post(t, ask, choose("53", "-", "0"), http.StatusUnprocessableEntity); !strings.Contains(body, "該当なしの理由を書いてください。") {
		t.Error("not applicable is taken without a reason")
	}
	s.Post(t, ask, choose("53", "-", "0", "reason", "ログを出す機器がない"), http.StatusSeeOther)
	s.Post(t, ask, choose("1", "?", "0"), http.StatusSeeOther)
	if body := s.Page(t, ask, "ja", http.StatusOK); !strings.Contains(body, "No.49") {
		t.Error("it does not resume at the first open question")
	}
	s.Post(t, ask, choose("49", "0", "0"), http.StatusSeeOther)
	if body := s.Page(t, ask, "ja", http.StatusOK); !strings.Contains(body, "すべて答えました") {
		t.Error("the end is not told")
	}
	it := o.Board(t, jama).Item("49")
	if it.Answer == nil || it.Answer.Way != assessment.WayAsk || it.AnswerValue != verdict.ValueUnmet {
		t.Errorf("answer of 49: %+v", it.Answer)
	}
	s.Post(t, ask, choose("120", "0", "0"), http.StatusNotFound) // not of the target
	s.Post(t, ask, choose("49", "9", "1"), http.StatusUnprocessableEntity)
	s.Reader()
	s.Page(t, ask, "ja", http.StatusForbidden)
}

func TestOwnerWithoutAccount(t *testing.T) {
	t.Parallel()
	o, s := open(t)
	o.ReadAll(t)
	for _, locale := range []string{"ja", "en"} {
		assessmenttest.Sound(t, s.Page(t, "/sheet/owners", locale, http.StatusOK))
	}
	if err := o.Svc.SaveItemMeta(assessmenttest.Keeper(t), jama, "53", assessment.ItemMeta{Owner: "suzuki"}); err != nil {
		t.Fatal(err)
	}
	for _, locale := range []string{"ja", "en"} {
		assessmenttest.Sound(t, s.Page(t, "/sheet/owners", locale, http.StatusOK))
		assessmenttest.Sound(t, s.Page(t, "/sheet/paper?owner=suzuki", locale, http.StatusOK))
		assessmenttest.Sound(t, s.Page(t, "/sheet/paper?owner=nobody", locale, http.StatusOK))
	}
	s.Post(t, "/sheet/owners", url.Values{"owner": {""}}, http.StatusUnprocessableEntity)
	body := s.Post(t, "/sheet/owners", url.Values{"owner": {"suzuki"}}, http.StatusOK)
	path := regexp.MustCompile(`/l/answer/[A-Za-z0-9_-]+`).FindString(body)
	if path == "" || !strings.Contains(body, `class="qr"`) {
		t.Fatalf("no link on the page: %.300s", body)
	}
	s.Nobody()
	for _, locale := range []string{"ja", "en"} {
		assessmenttest.Sound(t, s.Page(t, path, locale, http.StatusOK))
	}
	body = s.Page(t, path, "ja", http.StatusOK)
	if !strings.Contains(body, "鈴木 一郎さん") || !strings.Contains(body, "ログの保護と保持期間") || strings.Contains(body, `href="/sheet`) {
		t.Error("the page behind the link is wrong")
	}
	s.Post(t, path, choose("28", "2", "0"), http.StatusNotFound) // an item of somebody else
	s.Post(t, path, choose("53", "2", "0"), http.StatusSeeOther)
	got := o.Board(t, jama).Item("53").Answer
	if got == nil || got.Way != assessment.WayLink || got.By != "person/suzuki" {
		t.Errorf("answer: %+v", got)
	}
	if body := s.Page(t, path, "ja", http.StatusOK); !strings.Contains(body, "ありがとうございました") {
		t.Error("no thanks at the end")
	}
	s.Page(t, "/l/answer/wrong", "ja", http.StatusUnauthorized)
	o.Clock.SetDay("2027-01-10")
	s.Page(t, path, "ja", http.StatusUnauthorized)
}

func TestCopyingPaper(t *testing.T) {
	t.Parallel()
	o, s := open(t)
	if err := o.Svc.SaveItemMeta(assessmenttest.Keeper(t), jama, "53", assessment.ItemMeta{Owner: "suzuki"}); err != nil {
		t.Fatal(err)
	}
	s.Page(t, ask+"?owner=suzuki", "ja", http.StatusOK)
	if got := s.Post(t, ask+"?owner=suzuki", choose("53", "0", "0"), http.StatusSeeOther); got != ask+"?item=53&owner=suzuki" {
		t.Errorf("leads to %s", got)
	}
	if got := o.Board(t, jama).Item("53").Answer; got == nil || got.Way != assessment.WayPaper {
		t.Errorf("answer: %+v", got)
	}
}
