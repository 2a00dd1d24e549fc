package request_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/office/assessment/request"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
)

const jama = assessmenttest.JAMA

// form is what the page of a new request would send.
func form(more ...string) url.Values {
	v := url.Values{
		"customer": {"○○自動車"}, "framework": {jama}, "level": {""}, "items": {"No.28、53"}, "mean": {"1.8"}, "deadline": {"2026-12-16"}, "version": {"0"},
	}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v
}

func TestRequestFromFirstToLastPage(t *testing.T) {
	t.Parallel()
	o, svc := open(t)
	s := o.Site(t)
	request.NewWeb(svc, s.Router.Shell()).Routes(s.Router)
	for _, locale := range []string{"ja", "en"} {
		assessmenttest.Sound(t, s.Page(t, "/requests", locale, http.StatusOK))
		assessmenttest.Sound(t, s.Page(t, "/requests/new", locale, http.StatusOK))
	}
	body := s.Post(t, "/requests/new", form("customer", "", "items", "28, 154, 53-49", "mean", "3"), http.StatusUnprocessableEntity)
	for _, want := range []string{"0から2までの数", "「154」という項目はありません", "28, 154, 53-49"} {
		if !strings.Contains(body, want) {
			t.Errorf("missing %q", want)
		}
	}
	if body := s.Post(t, "/requests/new", form("customer", ""), http.StatusUnprocessableEntity); !strings.Contains(body, "得意先の名前を入れてください。") {
		t.Error("a request of nobody is not refused in words")
	}
	page := s.Post(t, "/requests/new", form(), http.StatusSeeOther)
	if err := o.Svc.SaveAnswer(assessmenttest.Keeper(t), jama, "53", assessment.WayPage, assessment.NewAnswer{Node: "53", Value: verdict.Unmet}); err != nil {
		t.Fatal(err)
	}
	for _, locale := range []string{"ja", "en"} {
		for _, path := range []string{page, page + "/edit", "/requests", "/requests?state=closed", "/requests?state=open"} {
			assessmenttest.Sound(t, s.Page(t, path, locale, http.StatusOK))
		}
	}
	body = s.Page(t, page, "ja", http.StatusOK)
	for _, want := range []string{"1／2項目", "あと23日（12/16 水）", "目標 1.80", "0.00", "電子メールの教育", "/sheet/" + jama + "/ask?items=28%2C&#43;53", "28, 53"} {
		if !strings.Contains(body, want) && !strings.Contains(body, strings.ReplaceAll(want, "&#43;", "+")) {
			t.Errorf("the page of the request lacks %q", want)
		}
	}
	if body := s.Page(t, page+"/edit", "ja", http.StatusOK); !strings.Contains(body, `value="28, 53"`) || !strings.Contains(body, `value="1.80"`) {
		t.Error("the form does not hold what was entered")
	}
	s.Post(t, page+"/events", url.Values{"on": {"2026-11-24"}, "what": {"送った"}}, http.StatusUnprocessableEntity)
	s.Post(t, page+"/events", url.Values{"on": {"2026-11-20"}, "what": {"チェックシートを送った"}, "how": {"メール"}}, http.StatusSeeOther)
	if body := s.Page(t, page, "ja", http.StatusOK); !strings.Contains(body, "チェックシートを送った") || strings.Contains(body, "/remove") {
		t.Error("what was sent is not shown, or the request can still be deleted")
	}
	s.Post(t, page+"/remove", url.Values{"version": {"1"}}, http.StatusConflict)
	s.Post(t, page+"/close", url.Values{"closed": {"yes"}, "version": {"9"}}, http.StatusConflict)
	s.Post(t, page+"/close", url.Values{"closed": {"yes"}, "version": {"1"}}, http.StatusSeeOther)
	assessmenttest.Sound(t, s.Page(t, page, "en", http.StatusOK))
	if body := s.Page(t, "/requests/export?format=csv&state=closed", "ja", http.StatusOK); !strings.Contains(body, "○○自動車") || !strings.Contains(body, "2026-12-16") {
		t.Errorf("export: %s", body)
	}
}

func TestChangedMeanwhile(t *testing.T) {
	t.Parallel()
	o, svc := open(t)
	s := o.Site(t)
	request.NewWeb(svc, s.Router.Shell()).Routes(s.Router)
	page := s.Post(t, "/requests/new", form(), http.StatusSeeOther)
	s.Post(t, page+"/edit", form("version", "1", "deadline", "2026-12-20"), http.StatusSeeOther)
	body := s.Post(t, page+"/edit", form("version", "1", "deadline", "2026-12-25"), http.StatusConflict)
	for _, want := range []string{"先に変更しました", "12/20", `value="2026-12-25"`, `name="version" value="2"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the form lacks %q", want)
		}
	}
	assessmenttest.Sound(t, body)
	s.Post(t, page+"/edit", form("version", "2", "deadline", "2026-12-25"), http.StatusSeeOther)
	s.Post(t, page+"/edit", form(), http.StatusUnprocessableEntity)
}

func TestWhoMayKeepRequests(t *testing.T) {
	t.Parallel()
	o, svc := open(t)
	s := o.Site(t)
	request.NewWeb(svc, s.Router.Shell()).Routes(s.Router)
	page := s.Post(t, "/requests/new", form(), http.StatusSeeOther)
	s.Reader()
	if body := s.Page(t, page, "ja", http.StatusOK); strings.Contains(body, "<form") {
		t.Error("a reader sees a form")
	}
	s.Page(t, "/requests/new", "ja", http.StatusForbidden)
	s.Page(t, page+"/edit", "ja", http.StatusForbidden)
	for _, act := range []string{"/edit", "/events", "/close", "/remove"} {
		s.Post(t, page+act, url.Values{}, http.StatusForbidden)
	}
	s.Post(t, "/requests/new", form(), http.StatusForbidden)
	s.Page(t, "/requests/nothing", "ja", http.StatusNotFound)
	s.Nobody()
	s.Page(t, "/requests", "ja", http.StatusUnauthorized)
}
