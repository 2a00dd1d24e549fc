package plan_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/office/assessment/plan"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
)

const jama = assessmenttest.JAMA

func open(t *testing.T) (*assessmenttest.Office, *assessmenttest.Site) {
	t.Helper()
	o := assessmenttest.Open(t, plan.Messages())
	s := o.Site(t)
	plan.NewWeb(o.Svc, s.Router.Shell()).Routes(s.Router)
	return o, s
}

func both(t *testing.T, s *assessmenttest.Site, path string) {
	t.Helper()
	for _, locale := range []string{"ja", "en"} {
		assessmenttest.Sound(t, s.Page(t, path, locale, http.StatusOK))
	}
}

func TestRoundFromOpeningToLocking(t *testing.T) {
	t.Parallel()
	o, s := open(t)
	both(t, s, "/rounds")
	if body := s.Page(t, "/rounds", "ja", http.StatusOK); !strings.Contains(body, `value="2026-04-01"`) || !strings.Contains(body, "2026年度の自己評価") {
		t.Error("this year's round is not suggested")
	}
	form := url.Values{"framework": {jama}, "name": {"2026年度"}, "from": {"2026-04-01"}, "to": {"2026-03-01"}}
	if body := s.Post(t, "/rounds", form, http.StatusUnprocessableEntity); !strings.Contains(body, "始まりの日より後") {
		t.Error("a round that ends before it begins")
	}
	form.Set("to", "2027-03-31")
	s.Post(t, "/rounds", form, http.StatusSeeOther)
	s.Post(t, "/rounds", form, http.StatusConflict)
	if err := o.Svc.SaveAnswer(assessmenttest.Keeper(t), jama, "53", assessment.WayAsk, assessment.NewAnswer{Node: "53", Value: verdict.Unknown}); err != nil {
		t.Fatal(err)
	}
	round := o.Board(t, jama).Round
	if round.FiscalYear != 2026 {
		t.Errorf("fiscal year %d", round.FiscalYear)
	}
	page := "/rounds/" + round.Key
	both(t, s, page)
	if body := s.Page(t, page, "ja", http.StatusOK); !strings.Contains(body, "まだ答えていない項目　6／6") || !strings.Contains(body, "分からないと答えた項目が1") {
		t.Error("what is not answered is not listed before locking")
	}
	s.Post(t, page+"/lock", url.Values{"version": {"7"}}, http.StatusConflict)
	s.Post(t, page+"/lock", url.Values{"version": {"1"}}, http.StatusSeeOther)
	both(t, s, page)
	both(t, s, "/rounds")
	s.Reader()
	s.Post(t, "/rounds", form, http.StatusForbidden)
	s.Page(t, "/rounds/none", "ja", http.StatusNotFound)
}

func TestActionPages(t *testing.T) {
	t.Parallel()
	_, s := open(t)
	both(t, s, "/actions")
	both(t, s, "/actions/new?framework="+url.QueryEscape(jama)+"&item=28")
	form := url.Values{"title": {""}, "due": {""}, "version": {"0"}, "target": {jama + " 28 "}}
	if body := s.Post(t, "/actions/new", form, http.StatusUnprocessableEntity); !strings.Contains(body, "何をするか書いてください。") || !strings.Contains(body, jama+" 28 ") {
		t.Error("an empty action, or its item is forgotten")
	}
	form.Set("title", "6名に受講してもらう")
	form.Set("due", "2026-11-20")
	form.Set("owner", "sato")
	s.Post(t, "/actions/new", form, http.StatusSeeOther)
	both(t, s, "/actions?state=over&owner=sato")
	body := s.Page(t, "/actions?state=over&owner=sato", "ja", http.StatusOK)
	if !strings.Contains(body, "期限を3日過ぎています") || !strings.Contains(body, "No.28 電子メールの教育") {
		t.Error("the action is not listed with its item and its delay")
	}
	if body := s.Page(t, "/actions?state=done", "ja", http.StatusOK); strings.Contains(body, "6名に受講") {
		t.Error("an open action among those done")
	}
	_, rest, _ := strings.Cut(body, `<th scope="row"><a href="`)
	page, _, _ := strings.Cut(rest, `"`)
	both(t, s, page)
	if csv := s.Page(t, "/actions/export?format=csv", "ja", http.StatusOK); !strings.Contains(csv, "2026-11-20") {
		t.Errorf("csv: %s", csv)
	}
	s.Page(t, "/actions/export?format=doc", "ja", http.StatusUnsupportedMediaType)
	form.Set("version", "1")
	form.Set("due", "2027-01-29")
	s.Post(t, page, form, http.StatusSeeOther)
	s.Post(t, page, form, http.StatusConflict)
	s.Post(t, page+"/done", url.Values{"done": {"yes"}, "version": {"2"}}, http.StatusSeeOther)
	both(t, s, page)
	s.Post(t, page+"/done", url.Values{"done": {"no"}, "version": {"3"}}, http.StatusSeeOther)
	s.Reader()
	both(t, s, page)
	s.Post(t, page+"/remove", url.Values{"version": {"4"}}, http.StatusForbidden)
}
