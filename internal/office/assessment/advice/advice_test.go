package advice_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/advice"
	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

const (
	jama = assessmenttest.JAMA
	page = "/sheet/" + jama + "/28/advice"
)

func open(t *testing.T) (*assessmenttest.Office, *assessmenttest.Site, *advice.Service) {
	t.Helper()
	o := assessmenttest.Open(t, advice.Messages())
	s, svc := o.Site(t), advice.New(o.DB, o.Svc)
	name := func(_ context.Context, _ *sqlite.Tx, by string) (string, error) {
		return map[string]string{"account/expert": "外部 専子"}[by], nil
	}
	advice.NewWeb(svc, s.Router.Shell(), name).Routes(s.Router)
	s.As = expert()
	return o, s, svc
}

func expert() actor.Actor {
	return actor.New(actor.Actor{Account: "expert", Via: "session"}, []actor.Permission{assessment.PermRead, advice.PermAdvise})
}

func all(t *testing.T, o *assessmenttest.Office, svc *advice.Service) (list []advice.Advice) {
	t.Helper()
	ctx := assessmenttest.House(t)
	err := o.DB.Read(ctx, func(tx *sqlite.Tx) (err error) {
		list, err = svc.Of(ctx, tx, jama, "28")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestOnlyExpertsAdvise(t *testing.T) {
	t.Parallel()
	_, s, svc := open(t)
	err := svc.Give(assessmenttest.Keeper(t), jama, "28", advice.Entry{Text: "よいと思います"})
	if problem.CodeOf(err) != problem.CodeForbidden {
		t.Errorf("a keeper advises: %v", err)
	}
	s.Reader()
	s.Post(t, page, url.Values{"text": {"x"}}, http.StatusForbidden)
	if body := s.Page(t, page, "ja", http.StatusOK); strings.Contains(body, "<textarea") {
		t.Error("a reader sees the form")
	}
}

// A signature stands for the item as it was seen: not for another one, and not silently for a later one.
func TestSignatureStandsForWhatWasSeen(t *testing.T) {
	t.Parallel()
	o, s, svc := open(t)
	o.MailTraining(t, 3, "2026-06-10")
	seen := regexp.MustCompile(`name="seen" value="([0-9a-f]{64})"`)
	shown := func() string { return seen.FindStringSubmatch(s.Page(t, page, "ja", http.StatusOK))[1] }

	s.Post(t, page, url.Values{"text": {""}}, http.StatusUnprocessableEntity)
	old := shown()
	it := o.Board(t, jama).Item("28")
	in := assessment.NewAnswer{Node: it.Clauses[0].ID, Value: verdict.Met}
	if err := o.Svc.SaveAnswer(assessmenttest.Keeper(t), jama, "28", assessment.WayPage, in); err != nil {
		t.Fatal(err)
	}
	if body := s.Post(t, page, url.Values{"signed": {"yes"}, "seen": {old}}, http.StatusConflict); !strings.Contains(body, "もう一度見てから") {
		t.Error("what changed meanwhile is not said")
	}
	if got := all(t, o, svc); len(got) != 0 {
		t.Fatalf("kept: %+v", got)
	}
	s.Post(t, page, url.Values{"text": {"対象者の名簿も残すとよいです。"}}, http.StatusSeeOther)
	s.Post(t, page, url.Values{"signed": {"yes"}, "seen": {shown()}}, http.StatusSeeOther)
	for locale, want := range map[string][2]string{"ja": {"確認済", "そのあとに変わりました"}, "en": {"Signed", "changed since"}} {
		body := s.Page(t, "/advice", locale, http.StatusOK)
		assessmenttest.Sound(t, body)
		if !strings.Contains(body, want[0]) || strings.Contains(body, want[1]) || !strings.Contains(body, "外部 専子") {
			t.Errorf("%s: the fresh signature is not shown as such", locale)
		}
	}
	o.MailTraining(t, 3, "2025-06-10") // the records change
	for locale, want := range map[string]string{"ja": "そのあとに変わりました", "en": "changed since"} {
		body := s.Page(t, page, locale, http.StatusOK)
		assessmenttest.Sound(t, body)
		if !strings.Contains(body, want) {
			t.Errorf("%s: the page does not say that the item changed after it was signed", locale)
		}
	}
	if got := all(t, o, svc); len(got) != 2 || !got[0].Signed || got[1].Signed || got[0].Round == "" {
		t.Errorf("kept: %+v", got)
	}
	s.Page(t, "/advice/export?format=json", "ja", http.StatusOK)
}

func TestAdviceCannotBeTakenBack(t *testing.T) {
	t.Parallel()
	o, s, _ := open(t)
	s.Post(t, page, url.Values{"text": {"様式をそろえてください。"}}, http.StatusSeeOther)
	for _, text := range []string{"DELETE FROM assessment_advice", "UPDATE assessment_advice SET text = ''"} {
		err := o.DB.Write(t.Context(), func(tx *sqlite.Tx) error {
			_, err := tx.ExecContext(t.Context(), text)
			return err
		})
		if err == nil {
			t.Errorf("%s went through", text)
		}
	}
}
