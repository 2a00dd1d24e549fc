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
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

const (
	jama   = assessmenttest.JAMA
	scs    = assessmenttest.SCS
	ask    = "/sheet/" + jama + "/ask"
	owners = "/sheet/" + jama + "/owners"
	entry  = "/sheet/" + jama + "/paper/entry"
)

type site struct {
	*assessmenttest.Site
	*assessmenttest.Office
	svc *question.Service
}

func open(t *testing.T) site {
	t.Helper()
	o := assessmenttest.Open(t, question.Messages(), link.Messages(), attach.Messages())
	if err := o.DB.Migrate(t.Context(), []sqlite.Migration{link.Migrations(), attach.Migrations()}); err != nil {
		t.Fatal(err)
	}
	s := site{o.Site(t), o, question.New(o.DB, o.Svc, attach.New(t.TempDir()))}
	address := func(context.Context) string { return "http://kizuki.example" }
	asker := func(_ context.Context, _ *sqlite.Tx, by string) (string, error) {
		return map[string]string{"account/account-sato": "佐藤 花子"}[by], nil
	}
	question.NewWeb(s.svc, s.Router.Shell(), address, asker).Routes(s.Router)
	return s
}

// sound gets pages in both languages.
func (s site) sound(t *testing.T, paths ...string) {
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

func lacks(t *testing.T, body string, texts ...string) {
	t.Helper()
	for _, bad := range texts {
		if strings.Contains(body, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

// press is what a button sends.
func press(item, value string, more ...string) url.Values {
	v := url.Values{"item": {item}, "version": {"0"}, "value": {value}}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v
}

// mails puts a training that one of two people missed, so that the records call a clause of item 28 未達成.
func (s site) mails(t *testing.T) {
	t.Helper()
	s.MailTraining(t, 1, "2026-06-10")
	s.Put(t, "people/new", fact.Fact{Kind: "people.member", Member: "person/late", Attrs: map[string]string{"class": "employee", "mail": "yes"}, On: jdate.On(2020, 4, 1)})
}

func TestOneByOne(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.mails(t)
	s.sound(t, ask, ask+"?at=28", ask+"?end=1", "/sheet/"+scs+"/ask")
	// Lv1 and Lv2 only: 1, 28, 49, 53; not 8 of unknown level, not 120 of Lv3.
	first := s.Page(t, ask, "ja", http.StatusOK)
	has(t, first, "1／4", "No.1　対応方針の策定", "目的：会社の考え方を示すため", `data-key="2 ２"`, "<kbd>2</kbd> 達成", `data-key="? ？"`, `data-key="- − －"`, "at=28", `data-key="Enter"`)
	lacks(t, first, `data-key="Backspace"`)
	s.Page(t, ask+"?at=120", "ja", http.StatusNotFound)

	question := s.Page(t, ask+"?at=28", "ja", http.StatusOK)
	has(t, question, "2／4", `data-key="Backspace"`, "メールを使う全員が受けている")
	lacks(t, question, "記録からの判定", "まだ1名") // the verdict must not lead

	if got := s.Post(t, ask, press("53", "unknown"), http.StatusSeeOther); got != ask+"?at=53&said=1" {
		t.Errorf("leads to %s", got)
	}
	s.sound(t, ask+"?at=53&said=1")
	has(t, s.Page(t, ask+"?at=53&said=1", "ja", http.StatusOK), "記録からの判定（参考）", "この項目の記録は、まだありません", `href="`+ask+`?at=1"`, `data-key="Enter"`)
	if a := s.Board(t, jama).Item("53").Answer; a == nil || a.Way != assessment.WayAsk || a.Value != verdict.Unknown {
		t.Errorf("answer: %+v", a)
	}
	has(t, s.Page(t, ask+"?at=53", "ja", http.StatusOK), "いまの回答", `aria-current="true"`)
}

func TestMetAgainstTheRecordsIsAskedGently(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.mails(t)
	body := s.Post(t, ask, press("28", "met"), http.StatusOK)
	assessmenttest.Sound(t, body)
	has(t, body, "記録では、まだのところがあります", "メールを使う全員が受けている", `name="differ"`, `value="2027-02-21"`)
	lacks(t, body, `role="alert"`, `class="error"`)
	if s.Board(t, jama).Item("28").Answer != nil {
		t.Error("something was saved before it was asked")
	}
	body = s.Post(t, ask, press("28", "met", "differ", "yes", "expires", "2027-02-21"), http.StatusUnprocessableEntity)
	has(t, body, "達成とする理由を書いてください", "記録では、まだのところがあります")
	body = s.Post(t, ask, press("28", "met", "differ", "yes", "reason", "紙で受講", "expires", "いつか"), http.StatusUnprocessableEntity)
	has(t, body, "日付として読めません", `name="differ"`)
	s.Post(t, ask, press("28", "met", "differ", "yes", "reason", "紙で受講", "expires", "2027-02-21"), http.StatusSeeOther)
	a := s.Board(t, jama).Item("28").Answer
	if a == nil || a.Reason != "紙で受講" || a.Expires != jdate.On(2027, 2, 21) {
		t.Errorf("answer: %+v", a)
	}
	has(t, s.Page(t, ask+"?at=28&said=1", "ja", http.StatusOK), "記録と違うところが1件", "食い違い", "紙で受講")
	// The other way out: lowered in one step.
	s.Post(t, ask, press("28", "part", "differ", "yes", "version", "1", "reason", "書きかけ"), http.StatusSeeOther)
	if a := s.Board(t, jama).Item("28").Answer; a.Value != verdict.Part || a.Reason != "" {
		t.Errorf("answer: %+v", a)
	}
}

func TestNotApplicableTakesAReason(t *testing.T) {
	t.Parallel()
	s := open(t)
	body := s.Post(t, ask, press("49", "na"), http.StatusUnprocessableEntity)
	assessmenttest.Sound(t, body)
	has(t, body, "該当なしの理由を書いてください", `<details class="more-form" open>`, "autofocus")
	s.Post(t, ask, press("49", "na", "reason_na", "社内にシステムがない"), http.StatusSeeOther)
	if a := s.Board(t, jama).Item("49").Answer; a == nil || a.Reason != "社内にシステムがない" {
		t.Errorf("answer: %+v", a)
	}
	// What stands in the field for 該当なし does not go with another button.
	s.Post(t, ask, press("53", "unmet", "reason_na", "書きかけ"), http.StatusSeeOther)
	if a := s.Board(t, jama).Item("53").Answer; a.Reason != "" {
		t.Errorf("reason %q", a.Reason)
	}
	has(t, s.Post(t, ask, press("28", "maybe"), http.StatusUnprocessableEntity), "一つ選んでください")
	s.Post(t, ask, press("120", "unmet"), http.StatusNotFound)
	has(t, s.Post(t, ask, press("49", "unmet"), http.StatusConflict), "ほかの人が先に回答しました", `name="version" value="1"`)
}

func TestResumeAndEnd(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.Post(t, ask, press("1", "unmet"), http.StatusSeeOther)
	has(t, s.Page(t, ask, "ja", http.StatusOK), "No.28", "回答済み 1／4")
	s.Post(t, ask, press("28", "unmet"), http.StatusSeeOther)
	s.Post(t, ask, press("49", "unknown"), http.StatusSeeOther)
	has(t, s.Page(t, ask+"?end=1", "ja", http.StatusOK), "あと1項目", "No.53")
	s.Post(t, ask, press("53", "unmet"), http.StatusSeeOther)
	has(t, s.Page(t, ask+"?at=53&said=1", "ja", http.StatusOK), "?end=1")
	s.sound(t, ask)
	body := s.Page(t, ask, "ja", http.StatusOK)
	has(t, body, "すべて答えました", "分からないと答えた項目（1）", "at=49")
	// A list of items narrows the questions, whatever the target.
	only := ask + "?items=" + url.QueryEscape("53, 120")
	has(t, s.Page(t, only, "ja", http.StatusOK), "No.120", "2／2", `name="items" value="53, 120"`)
	if got := s.Post(t, ask, press("120", "unmet", "items", "53, 120"), http.StatusSeeOther); got != ask+"?at=120&items=53%2C+120&said=1" {
		t.Errorf("leads to %s", got)
	}
	has(t, s.Page(t, ask+"?items=999", "ja", http.StatusUnprocessableEntity), "「999」という項目はありません")
}

func TestLockedRoundTakesNoAnswers(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.Post(t, ask, press("53", "unmet"), http.StatusSeeOther)
	round := s.Board(t, jama).Round
	if err := s.Svc.LockRound(assessmenttest.Keeper(t), round.Key, round.Version); err != nil {
		t.Fatal(err)
	}
	s.sound(t, ask, entry+"?owner=sato")
	body := s.Page(t, ask+"?at=53", "ja", http.StatusOK)
	has(t, body, "確定しているため、答えられません", "/rounds")
	lacks(t, body, `name="value"`)
	has(t, s.Post(t, ask, press("53", "met"), http.StatusConflict), "確定しているため、変更できません")
	s.Clock.SetDay("2027-04-01") // the next year begins from the first question
	has(t, s.Page(t, ask, "ja", http.StatusOK), "回答済み 0／4", "1／4")
	has(t, s.Page(t, ask+"?at=53", "ja", http.StatusOK), "2 ２")
	s.Post(t, ask, press("53", "unknown"), http.StatusSeeOther)
	has(t, s.Page(t, ask+"?at=53", "ja", http.StatusOK), "前年：0点")
}

func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.hold(t, "53", "sato")
	s.As = actor.From(assessmenttest.As(t, "suzuki", []string{"factory"}, assessment.PermRead, assessment.PermAnswer))
	s.hold49(t)
	has(t, s.Page(t, ask, "ja", http.StatusOK), "No.49", "1／1") // only items of the own department
	s.Post(t, ask, press("53", "unmet"), http.StatusNotFound)
	s.Post(t, owners+"/sato/link", url.Values{"days": {"14"}}, http.StatusForbidden)
	s.Post(t, owners+"/sato/close", nil, http.StatusForbidden)
	s.Post(t, owners, url.Values{"items": {"53"}, "owner": {"suzuki"}}, http.StatusForbidden)
	s.Reader()
	for _, path := range []string{ask, owners, "/sheet/owners", "/sheet/" + jama + "/paper", entry} {
		s.Page(t, path, "ja", http.StatusForbidden)
	}
	for _, path := range []string{ask, owners, owners + "/sato/link", owners + "/sato/close", entry} {
		s.Post(t, path, press("53", "unmet"), http.StatusForbidden)
	}
	s.Nobody()
	s.Page(t, ask, "ja", http.StatusUnauthorized)
}

func (s site) hold(t *testing.T, items, owner string) {
	t.Helper()
	if _, err := s.svc.Assign(assessmenttest.Keeper(t), jama, items, owner); err != nil {
		t.Fatal(err)
	}
}

func (s site) hold49(t *testing.T) {
	t.Helper()
	s.hold(t, "49", "suzuki")
}

func TestOwners(t *testing.T) {
	t.Parallel()
	s := open(t)
	if got := s.Page(t, "/sheet/owners", "ja", http.StatusSeeOther); got != owners {
		t.Errorf("leads to %s", got)
	}
	s.sound(t, owners, owners+"?items=1")
	has(t, s.Page(t, owners, "ja", http.StatusOK), "1, 28-53", "担当の決まっている項目（0／4）")
	has(t, s.Post(t, owners, url.Values{"items": {""}, "owner": {""}}, http.StatusUnprocessableEntity), "担当を選んでください")
	has(t, s.Post(t, owners, url.Values{"items": {""}, "owner": {"sato"}}, http.StatusUnprocessableEntity), "項目の番号を入れてください")
	has(t, s.Post(t, owners, url.Values{"items": {"1, 9"}, "owner": {"sato"}}, http.StatusUnprocessableEntity), "「9」という項目はありません", `value="1, 9"`)
	s.Post(t, owners, url.Values{"items": {"1"}, "owner": {"nobody"}}, http.StatusUnprocessableEntity)
	s.Post(t, owners, url.Values{"items": {"28-53"}, "owner": {"suzuki"}}, http.StatusSeeOther)
	has(t, s.Page(t, owners, "ja", http.StatusOK), "鈴木 一郎", "28-53", "担当の決まっている項目（3／4）")
	s.Post(t, owners+"/tanaka/link", url.Values{"days": {"14"}}, http.StatusConflict)
	s.Post(t, owners+"/suzuki/link", url.Values{"days": {"15"}}, http.StatusUnprocessableEntity)
	body := s.Post(t, owners+"/suzuki/link", url.Values{"days": {"14"}}, http.StatusOK)
	assessmenttest.Sound(t, body)
	has(t, body, "鈴木 一郎さんへのリンクができました", "http://kizuki.example/l/answer/", "<svg", "2026-12-06")
	lacks(t, s.Page(t, owners, "ja", http.StatusOK), "/l/answer/") // the token is shown once
}

var token = regexp.MustCompile(`/l/answer/[A-Za-z0-9_-]+`)

func TestAnsweringByLink(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.mails(t)
	s.hold(t, "28, 53", "suzuki")
	s.hold(t, "49", "sato")
	page := token.FindString(s.Post(t, owners+"/suzuki/link", url.Values{"days": {"14"}}, http.StatusOK))
	s.Nobody()
	s.sound(t, page, page+"?at=28", page+"?end=1")
	body := s.Page(t, page, "ja", http.StatusOK)
	has(t, body, "みどり精工株式会社", "鈴木 一郎さんの担当している項目について、佐藤 花子さんからのお願いです", "2問、約2分", "2026-12-06まで", "はじめる")
	lacks(t, body, "/sheet/", "/gaps")
	question := s.Page(t, page+"?at=28", "ja", http.StatusOK)
	has(t, question, "1／2")
	lacks(t, question, "/sheet/", "記録からの判定")
	s.Page(t, page+"?at=49", "ja", http.StatusNotFound)
	s.Post(t, page, press("49", "unmet"), http.StatusNotFound)

	body = s.Post(t, page, press("28", "met"), http.StatusOK) // asked gently
	has(t, body, "記録では、まだのところがあります")
	lacks(t, body, "/sheet/")
	if got := s.Post(t, page, press("28", "met", "differ", "yes", "reason", "紙で受講", "expires", "2027-01-31"), http.StatusSeeOther); got != page+"?at=53" {
		t.Errorf("leads to %s", got)
	}
	a := s.Board(t, jama).Item("28").Answer
	if a == nil || a.Way != assessment.WayLink || a.By != "person/suzuki" {
		t.Errorf("answer: %+v", a)
	}
	has(t, s.Page(t, page, "ja", http.StatusOK), "続きから答える")
	has(t, s.Page(t, page+"?end=1", "ja", http.StatusOK), "ありがとうございました", "まだ答えていない質問があります")
	if got := s.Post(t, page, press("53", "unknown"), http.StatusSeeOther); got != page+"?end=1" {
		t.Errorf("leads to %s", got)
	}
	s.sound(t, page)
	body = s.Page(t, page, "ja", http.StatusOK)
	has(t, body, "ありがとうございました", "すべての質問に答えていただきました", "「分からない」の1問")
	// 未達成 where the records say 達成 shows what they say, without a way into the office.
	got := s.Post(t, page, press("28", "unmet", "version", "1"), http.StatusSeeOther)
	if got != page+"?at=28&said=1" {
		t.Errorf("leads to %s", got)
	}
	said := s.Page(t, got, "ja", http.StatusOK)
	has(t, said, "記録と違うところ")
	lacks(t, said, "/sheet/")
}

func TestLinkCloses(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.hold(t, "53", "suzuki")
	link := func() string {
		return token.FindString(s.Post(t, owners+"/suzuki/link", url.Values{"days": {"14"}}, http.StatusOK))
	}
	first := link()
	second := link()
	s.Page(t, first, "ja", http.StatusUnauthorized) // a new link closes the one before
	s.Post(t, first, press("53", "unmet"), http.StatusUnauthorized)
	s.Page(t, second, "ja", http.StatusOK)
	s.Page(t, "/l/answer/anything", "ja", http.StatusUnauthorized)
	has(t, s.Page(t, owners, "ja", http.StatusOK), "2026-12-06まで開けるリンクがあります")
	s.Post(t, owners+"/suzuki/close", nil, http.StatusSeeOther)
	s.Page(t, second, "ja", http.StatusUnauthorized)
	third := link()
	s.hold(t, "53", "sato") // somebody else took the item over
	has(t, s.Page(t, third, "ja", http.StatusOK), "いま、お聞きしている項目はありません")
	s.Post(t, third, press("53", "unmet"), http.StatusNotFound)
	s.Clock.SetDay("2026-12-08")
	s.Page(t, third, "ja", http.StatusUnauthorized)
	s.Post(t, third, press("53", "unmet"), http.StatusUnauthorized)
	if a := s.Board(t, jama).Item("53").Answer; a != nil {
		t.Errorf("a closed link answered: %+v", a)
	}
}

func TestPaperForm(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.hold(t, "28, 53", "suzuki")
	s.sound(t, "/sheet/"+jama+"/paper?owner=suzuki", "/sheet/"+jama+"/paper", "/sheet/"+jama+"/paper?owner=tanaka", entry+"?owner=suzuki", entry+"?owner=tanaka")
	body := s.Page(t, "/sheet/"+jama+"/paper?owner=suzuki", "ja", http.StatusOK)
	has(t, body, "□ 2 達成", "□ − 該当なし", "鈴木 一郎", "No.28", "No.53", "data-print", "<svg")
	lacks(t, body, "No.49")
	s.Page(t, "/sheet/"+jama+"/paper?owner=nobody", "ja", http.StatusNotFound)
}

// paper is what the page of a paper form of suzuki would send; the first value is of item 28, the second of 53.
func paper(values ...string) url.Values {
	form := url.Values{"owner": {"suzuki"}}
	for i, item := range []string{"28", "53"} {
		n := string(rune('0' + i))
		form.Add("field", n)
		form.Set("item-"+n, item)
		form.Set("version-"+n, "0")
		form.Set("was-"+n, "||")
		form.Set("value-"+n, values[i])
	}
	return form
}

func TestCopyingPaperIn(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.mails(t)
	s.hold(t, "28, 53", "suzuki")
	has(t, s.Post(t, entry, paper("", ""), http.StatusUnprocessableEntity), "変わった回答がありません")
	wrong := paper("met", "na")
	body := s.Post(t, entry, wrong, http.StatusUnprocessableEntity)
	assessmenttest.Sound(t, body)
	has(t, body, "達成とする理由を書いてください", "該当なしの理由を書いてください", "日付を入れてください", "checked")
	if it := s.Board(t, jama).Item("53"); it.Answer != nil {
		t.Error("half of a form was copied")
	}
	good := paper("met", "na")
	good.Set("reason-0", "紙で受講")
	good.Set("expires-0", "2027-01-31")
	good.Set("reason-1", "ログを出す機器がない")
	if got := s.Post(t, entry, good, http.StatusSeeOther); got != owners {
		t.Errorf("leads to %s", got)
	}
	b := s.Board(t, jama)
	for item, want := range map[string]verdict.Result{"28": verdict.Met, "53": verdict.NA} {
		if a := b.Item(item).Answer; a == nil || a.Value != want || a.Way != assessment.WayPaper || a.By != "account/account-sato" {
			t.Errorf("item %s: %+v", item, a)
		}
	}
	has(t, s.Post(t, entry, good, http.StatusConflict), "ほかの人が先に回答しました")
	has(t, s.Page(t, entry+"?owner=suzuki", "ja", http.StatusOK), `value="ログを出す機器がない"`, `name="version-1" value="1"`, `value="na|ログを出す機器がない|"`)
	s.Post(t, entry, url.Values{"field": {"x"}}, http.StatusUnprocessableEntity)
}

func TestScanStandsAtEachItem(t *testing.T) {
	t.Parallel()
	s := open(t)
	const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
	ctx := assessmenttest.Keeper(t)
	in := []question.PaperAnswer{
		{Item: "28", NewAnswer: assessment.NewAnswer{Value: verdict.Unmet}}, {Item: "53", NewAnswer: assessment.NewAnswer{Value: verdict.Unknown}},
	}
	if err := s.svc.PutPaper(ctx, jama, in, &attach.Upload{Name: "確認票.png", Data: []byte(png)}); err != nil {
		t.Fatal(err)
	}
	files := attach.New(t.TempDir())
	err := s.DB.Read(ctx, func(tx *sqlite.Tx) error {
		for _, item := range []string{"28", "53"} {
			list, err := files.Of(ctx, tx, assessment.RecordOf(jama, item))
			if err != nil || len(list) != 1 {
				t.Errorf("files of item %s: %v, %v", item, list, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
