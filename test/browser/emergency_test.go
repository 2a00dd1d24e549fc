package browser

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/emergency"
	"github.com/kizuki-security/kizuki/internal/register/account/signin"
	"github.com/kizuki-security/kizuki/internal/register/actor"
)

// TestEmergencyWithoutJavaScript: the president takes the role of the administrator on a phone that runs no script, a
// worker sees it, and the person in charge ends it and reviews it.
func TestEmergencyWithoutJavaScript(t *testing.T) {
	t.Parallel()
	_, address := sampleOffice(t)
	as := func(login string) *tab {
		b := newTab(t, address, phone)
		b.withoutScripts()
		b.signIn(login, app.DemoPassword)
		return b
	}
	narrow := func(b *tab) {
		t.Helper()
		if w := eval[int](b, "document.documentElement.scrollWidth"); w > phone {
			t.Errorf("%s is %d px wide on a phone", b.at(), w)
		}
	}
	president := as("shacho")
	president.open("/me")
	president.click(`main a[href="/emergency"]`)
	president.reads("main", "まだ一度も使われていません")
	president.click("main a.btn.first")
	president.do("choose システム管理者", chromedp.Click(chromedp.CSS(`input[name="role"][value="admin"]`)))
	president.fill("reason", "短い")
	president.fill("current", app.DemoPassword)
	if got := president.click("main form.stack button.danger"); got != http.StatusUnprocessableEntity {
		t.Errorf("with a short reason: %d", got)
	}
	president.reads("main", "10文字以上")
	narrow(president)
	president.fill("reason", "担当が入院し、退職者のアカウントを止めるため")
	president.fill("current", app.DemoPassword)
	if got := president.click("main form.stack button.danger"); got != http.StatusOK {
		t.Errorf("take the role: %d", got)
	}
	president.reads(".flash", "4時間で自動で終わります")
	president.reads("main .banner", "緊急時の権限を使用中")
	narrow(president)
	president.shoot("emergency-phone")
	president.open("/settings/accounts")
	president.reads("h1", "アカウント")

	worker := as("genba")
	worker.open("/today")
	worker.reads("main .banner", "担当が入院し")
	worker.click(`main .banner a`)
	worker.reads("main", "使用中")
	narrow(worker)
	if strings.Contains(worker.text("main"), "今すぐ終える") {
		t.Error("a worker is offered to end it")
	}

	charge := as(app.DemoLogin)
	charge.open("/today")
	charge.reads("main", "終わったら、ほかの人が確認してください")
	charge.click(`main .banner a[href^="/emergency/"]`)
	charge.click(`form[action$="/end"] button`)
	charge.reads(".flash", "緊急時の権限を終えました")
	charge.fill("note", "操作記録を見た。止めたのは退職者のアカウントだけだった。")
	charge.shoot("emergency-review-phone")
	charge.click(`form[action$="/review"] button`)
	charge.reads(".flash", "確認済みにしました")
	charge.reads("tbody", "確認済み")
	narrow(charge)
	worker.open("/today")
	if strings.Contains(worker.text("main"), "緊急時の権限") {
		t.Error("reviewed, and a worker still reads of it")
	}
	for _, b := range []*tab{president, worker, charge} {
		for _, complaint := range b.complaints() {
			if !strings.Contains(complaint, "422") {
				t.Errorf("the browser complained: %s", complaint)
			}
		}
	}
}

// TestEmergencyPages looks at the pages of emergency access in all their states, in both languages.
func TestEmergencyPages(t *testing.T) {
	t.Parallel()
	script := axe(t)
	a, address := sampleOffice(t)
	uses := emergencies(t, a)
	routes := http.NewServeMux()
	for _, r := range a.Router().Routes() {
		if strings.HasPrefix(r.Pattern, "GET ") {
			routes.Handle(r.Pattern, http.NotFoundHandler())
		}
	}
	for _, locale := range []string{"ja", "en"} {
		for _, login := range []string{app.DemoLogin, "shacho"} {
			w := &walk{tab: newTab(t, address, wide), locale: locale, axe: script, routes: routes, seen: map[string]bool{}, patterns: map[string]int{}}
			w.open("/login?lang=" + locale)
			w.signIn(login, app.DemoPassword)
			for _, at := range append([]string{"/emergency", "/emergency/new"}, uses...) {
				w.look(at)
			}
			if login == app.DemoLogin {
				w.send("/emergency/new", `form[action="/emergency/new"]`, map[string]string{"reason": "短い"}, http.StatusUnprocessableEntity)
				w.send("/emergency/setting", `form[action="/emergency/setting"]`, map[string]string{"who": "managers"}, http.StatusOK)
			}
		}
	}
}

// emergencies lets the president take the role of the administrator twice: one use is over and waits for its review,
// one is open. It gives their pages.
func emergencies(t testing.TB, a *app.App) (pages []string) {
	t.Helper()
	var president account.Account
	var who actor.Actor
	err := a.DB.Read(t.Context(), func(tx *sqlite.Tx) (err error) {
		if president, err = a.Accounts.ByLogin(t.Context(), tx, "shacho"); err != nil {
			return err
		}
		who, err = a.Accounts.ActorOf(t.Context(), tx, president.Login)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := actor.With(t.Context(), who)
	for range 2 {
		for _, page := range pages {
			if err := a.Emergency.End(ctx, strings.TrimPrefix(page, "/emergency/")); err != nil {
				t.Fatal(err)
			}
		}
		q := emergency.Request{Role: actor.Admin, Hours: emergency.DefaultHours, Reason: "担当が入院し、退職者のアカウントを止めるため"}
		u, err := a.Emergency.Take(ctx, q, signin.Proof{Password: app.DemoPassword}, "")
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, "/emergency/"+u.Key)
	}
	return pages
}
