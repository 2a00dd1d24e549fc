package browser

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
)

// send opens a page, fills in a form without the browser's own checks, sends it, and inspects what comes back.
func (w *walk) send(path, form string, fields map[string]string, want int) {
	w.t.Helper()
	w.do("widen", chromedp.EmulateViewport(wide, 900))
	w.open(path)
	w.answer(form, fields, want)
}

// answer is send on the page that is open.
func (w *walk) answer(form string, fields map[string]string, want int) {
	w.t.Helper()
	from := w.at()
	if !eval[bool](w.tab, "!!document.querySelector(`"+form+"`)") {
		w.t.Fatalf("%s (%s): no form %s", from, w.locale, form)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value, err := json.Marshal(fields[name])
		if err != nil {
			w.t.Fatal(err)
		}
		if !eval[bool](w.tab, "(() => { const f = document.querySelector(`"+form+"`), e = f.elements.namedItem('"+name+"'); if (!e) return false; "+
			"if (e.type === 'checkbox') e.checked = true; else e.value = "+string(value)+"; return true })()") {
			w.t.Fatalf("%s (%s): no field %s in %s", from, w.locale, name, form)
		}
	}
	got := w.leave("send "+form, func() chromedp.Action[chromedp.Void] {
		return chromedp.Evaluate[chromedp.Void]("(() => { const f = document.querySelector(`" + form + "`); f.noValidate = true; f.dataset.plain = 'yes'; " +
			"f.requestSubmit([...f.elements].find((e) => e.type === 'submit')) })();undefined")
	}())
	if got != want {
		w.t.Errorf("%s (%s): %s answers %d, want %d", from, w.locale, form, got, want)
	}
	w.loaded()
	w.inspect(w.at()+" after "+form, "GET "+from+"-sent", true)
}

// loaded forgets that the browser noted the status of a page that refuses: that is what the step wanted.
func (w *walk) loaded() {
	for _, c := range w.complaints() {
		if !strings.Contains(c, "Failed to load resource") {
			w.t.Errorf("%s (%s): the browser complained: %s", w.at(), w.locale, c)
		}
	}
}

// refused opens a page that must answer with an error page.
func (w *walk) refused(path string, want int) {
	w.t.Helper()
	w.do("widen", chromedp.EmulateViewport(wide, 900))
	if got := w.leave("open "+path, chromedp.Navigate(w.base+path)); got != want {
		w.t.Errorf("%s (%s): status %d, want %d", path, w.locale, got, want)
	}
	w.loaded()
	w.inspect(path, "GET "+path+"-refused", true)
}

// TestPagesAfterForms looks at what no link leads to: forms that are refused, pages that a form makes, error pages.
func TestPagesAfterForms(t *testing.T) {
	t.Parallel()
	script := axe(t)
	for _, locale := range []string{"ja", "en"} {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			a, address := sampleOffice(t)
			begin := seeds(t, a)
			w := &walk{tab: newTab(t, address, wide), locale: locale, axe: script, office: a, routes: http.NewServeMux(), seen: map[string]bool{}, patterns: map[string]int{}}
			w.open("/login?lang=" + locale)
			w.send("/login", "main form", map[string]string{"login": "nobody", "password": "wrong"}, http.StatusUnprocessableEntity)
			w.linkPages(begin.links)
			w.signIn(app.DemoLogin, app.DemoPassword)
			w.emptyForms()
			w.madePages()
			w.refused("/nothing-here", http.StatusNotFound)
			w.signOutAndIn("genba")
			w.refused("/policy", http.StatusForbidden)
			w.crawlAll("/today")
			w.reads = true
			w.signOutAndIn("shacho")
			w.crawlAll("/gaps", "/policy")
		})
	}
}

// linkPages answers the pages that people open by a link, wrongly where that can be done, then rightly.
func (w *walk) linkPages(links []string) {
	w.t.Helper()
	for _, at := range links {
		switch {
		case strings.HasPrefix(at, "/l/password/"):
			w.send(at, "main form", map[string]string{"password": "short", "again": "other"}, http.StatusUnprocessableEntity)
		case strings.HasPrefix(at, "/l/policy/"):
			w.send(at, "main form", map[string]string{"number": "", "name": ""}, http.StatusUnprocessableEntity)
		case strings.HasPrefix(at, "/l/approve/"):
			w.send(at, "main form", nil, http.StatusOK)
		case strings.HasPrefix(at, "/l/answer/"):
			w.open(at)
			w.click("main a.btn.first")
			w.answer("main form", nil, http.StatusOK)
		}
		w.refused(strings.TrimRight(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")+"x", http.StatusUnauthorized)
	}
}

// emptyForms sends every form for something new as it comes: each must say what to enter.
func (w *walk) emptyForms() {
	w.t.Helper()
	for _, path := range []string{
		"/people/new", "/policy/new", "/training/new", "/demands/new", "/org/sites/new", "/org/departments/new", "/requests/new",
		"/settings/accounts/new", "/import/people", "/import/sheet",
	} {
		w.send(path, "main form[method=post]", nil, http.StatusUnprocessableEntity)
	}
	w.send("/me", `main form[action="/me/password"]`, nil, http.StatusUnprocessableEntity)
	w.send("/settings/company", "main form[method=post]", map[string]string{"name": ""}, http.StatusUnprocessableEntity)
}

// madePages sends the forms whose answer is a page of its own.
func (w *walk) madePages() {
	w.t.Helper()
	w.open("/settings/accounts")
	w.click(`main td a[href^="/settings/accounts/"], main th a[href^="/settings/accounts/"]`)
	w.answer(`main form[action$="/link"]`, nil, http.StatusOK)
	w.send("/sheet/jama-japia@2.3/ask", "main form", nil, http.StatusOK)
	w.send("/sheet/jama-japia@2.3/owners", `main form[action$="/link"]`, nil, http.StatusOK)
	w.openByText("/policy", "鍵の手順")
	var president account.Account
	ctx := app.AsCommand(w.t.Context())
	err := w.office.DB.Read(ctx, func(tx *sqlite.Tx) (err error) {
		president, err = w.office.Accounts.ByLogin(ctx, tx, "shacho")
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.answer(`main form[action$="/ask"]`, map[string]string{"approver": president.Person}, http.StatusOK)
	w.openByText("/policy", "来客の手順")
	w.answer(`main form[action$="/notify"]`, map[string]string{"way": "link"}, http.StatusOK)
}

// openByText opens the page that a link of a list leads to.
func (w *walk) openByText(list, text string) {
	w.t.Helper()
	w.open(list)
	w.open(eval[string](w.tab, `[...document.querySelectorAll("main a")].find((a) => a.textContent.includes("`+text+`")).getAttribute("href")`))
}

func (w *walk) signOutAndIn(login string) {
	w.t.Helper()
	w.do("widen", chromedp.EmulateViewport(wide, 900))
	w.open("/me")
	w.leave("sign out", chromedp.Click(chromedp.CSS(`form[action="/logout"] button`)))
	w.signIn(login, app.DemoPassword)
}

// crawlAll follows the links that this person sees; each page is looked at.
func (w *walk) crawlAll(from ...string) {
	w.t.Helper()
	w.routes = http.NewServeMux()
	for _, r := range w.office.Router().Routes() {
		if strings.HasPrefix(r.Pattern, "GET ") {
			w.routes.Handle(r.Pattern, http.NotFoundHandler())
		}
	}
	w.seen, w.patterns = map[string]bool{}, map[string]int{}
	w.crawl(from)
}
