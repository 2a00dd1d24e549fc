package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/office/assessment/question"
	assesssheet "github.com/kizuki-security/kizuki/internal/office/assessment/sheet"
	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/platform/notify"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/outbox"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// noPages are the GET routes that answer with something else than a page, or only before the set-up
// (TestFirstAfternoon goes there), or lead to another house (TestCompanyAccount). Those that lead on to another page count as looked at.
var noPages = []string{
	"GET /healthz", "GET /static/{hash}/{name}", "GET /setup", "GET /attachments/{key}", "GET /import/{kind}/template",
	"GET /audit/chain", "GET /audit/checkpoints/{size}/note", "GET /backup/files/{key}",
	"GET /login/company", "GET /login/company/callback", "GET /logout/company",
}

// axe reads axe-core, which looks for what keeps people with impairments out.
func axe(t testing.TB) string {
	t.Helper()
	file := os.Getenv("KIZUKI_AXE") // scripts/env.sh names the file
	if file == "" {
		t.Fatal("KIZUKI_AXE names no file: run `. scripts/env.sh` first; scripts/setup fetches axe-core")
	}
	script, err := os.ReadFile(file) // scripts/setup checked its hash
	if err != nil {
		t.Fatalf("read axe-core (scripts/setup fetches it): %v", err)
	}
	return string(script)
}

// TestEveryPage looks at every page of the sample company as the person in charge: in both languages, on a
// desk and on a phone.
func TestEveryPage(t *testing.T) {
	t.Parallel()
	script := axe(t)
	a, address := sampleOffice(t)
	routes := http.NewServeMux()
	var want []string
	for _, r := range a.Router().Routes() {
		if strings.HasPrefix(r.Pattern, "GET ") {
			routes.Handle(r.Pattern, http.NotFoundHandler())
			if !slices.Contains(noPages, r.Pattern) && !strings.HasSuffix(r.Pattern, "/export") && !strings.HasPrefix(r.Pattern, "GET /import/{kind}/{key}/") {
				want = append(want, r.Pattern)
			}
		}
	}
	begin := seeds(t, a)
	for _, locale := range []string{"ja", "en"} {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			w := &walk{tab: newTab(t, address, wide), locale: locale, axe: script, routes: routes, seen: map[string]bool{}, patterns: map[string]int{}}
			w.outside("/login")
			w.outside(begin.links...)
			w.signIn(app.DemoLogin, app.DemoPassword)
			w.crawl(append([]string{"/gaps", "/today"}, begin.pages...))
			for _, pattern := range want {
				if w.patterns[pattern] == 0 {
					t.Errorf("no page of %q was found by following links", pattern)
				}
			}
		})
	}
}

// walk is one way through all pages.
type walk struct {
	*tab

	locale, axe string
	office      *app.App
	reads       bool // this person only reads: forms are shown as they are, without a way to send them
	routes      *http.ServeMux
	seen        map[string]bool
	patterns    map[string]int // pages looked at of each route
}

// mostOf is how many pages of one route are looked at: records differ in what they show.
const mostOf = 2

// pattern names the route of an address, "" when it is none to look at.
func (w *walk) pattern(at string) string {
	u, err := url.Parse(at)
	if err != nil || !strings.HasPrefix(at, "/") {
		return ""
	}
	_, pattern := w.routes.Handler(&http.Request{Method: http.MethodGet, URL: u, Host: "127.0.0.1"})
	if slices.Contains(noPages, pattern) || strings.HasSuffix(u.Path, "/export") || strings.HasPrefix(pattern, "GET /import/{kind}/{key}/") || u.Query().Has("lang") {
		return ""
	}
	return pattern
}

// outside looks at pages that need no account.
func (w *walk) outside(paths ...string) {
	w.t.Helper()
	w.open("/login?lang=" + w.locale)
	for _, at := range paths {
		w.look(at)
	}
}

// crawl follows the links from some pages on.
func (w *walk) crawl(queue []string) {
	w.t.Helper()
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if pattern := w.pattern(at); pattern == "" || w.seen[at] || w.patterns[pattern] >= mostOf {
			continue
		}
		w.look(at)
		queue = append(queue, eval[[]string](w.tab, `[...new Set([...document.querySelectorAll("a[href^='/']")].map((a) => a.getAttribute("href").split("#")[0]))]`)...)
	}
}

// facts are what the browser measures of a page.
type facts struct {
	Lang, Title string
	H1          int
	Scroll      int
	Widest      string // what sticks out
}

const measure = `(() => {
	const all = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll"));
	const e = all.at(-1);
	return {Lang: document.documentElement.lang, Title: document.title, H1: document.querySelectorAll("h1").length,
		Scroll: document.scrollingElement.scrollWidth - innerWidth, Widest: e ? e.outerHTML.slice(0, 160) : ""};
})()`

// look opens a page and checks it.
func (w *walk) look(at string) {
	w.t.Helper()
	pattern := w.pattern(at)
	w.seen[at] = true
	w.patterns[pattern]++
	w.do("widen", chromedp.EmulateViewport(wide, 900))
	if got := w.leave("open "+at, chromedp.Navigate(w.base+at)); got != http.StatusOK {
		w.t.Errorf("%s: status %d", at, got)
		return
	}
	if to, _ := url.PathUnescape(w.at()); to != at { // the page leads on: that one is looked at in its own right
		if from, _ := url.PathUnescape(at); to != from {
			w.crawl([]string{to})
			return
		}
	}
	w.inspect(at, pattern, w.patterns[pattern] == 1)
}

// inspect checks the page that is open, on a desk and on a phone; closely also for barriers, keyboard and what
// needs a script.
func (w *walk) inspect(at, pattern string, closely bool) {
	w.t.Helper()
	w.check(at, wide)
	if closely {
		w.barriers(at)
		w.keyboard(at)
		if !w.reads {
			w.plain(at)
		}
	}
	name := w.locale + "-" + strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.TrimPrefix(pattern, "GET "), "-"), "-") + fmt.Sprintf("-%d", w.patterns[pattern])
	w.picture(name + "-wide")
	w.do("narrow", chromedp.EmulateViewport(phone, 812))
	w.check(at, phone)
	if closely {
		w.barriers(at)
	}
	w.picture(name + "-phone")
	for _, complaint := range w.complaints() {
		w.t.Errorf("%s (%s): the browser complained: %s", at, w.locale, complaint)
	}
}

func (w *walk) check(at string, width int) {
	w.t.Helper()
	f := eval[facts](w.tab, measure)
	switch {
	case f.Lang != w.locale:
		w.t.Errorf("%s: html lang is %q, want %q", at, f.Lang, w.locale)
	case f.H1 != 1:
		w.t.Errorf("%s (%s): %d h1, want one", at, w.locale, f.H1)
	case strings.TrimSpace(f.Title) == "" || strings.HasPrefix(f.Title, "—"):
		w.t.Errorf("%s (%s): no title: %q", at, w.locale, f.Title)
	case f.Scroll > 0:
		w.t.Errorf("%s (%s): %d px too wide at %d px: %s", at, w.locale, f.Scroll, width, f.Widest)
	}
}

// keyboard gives the focus to everything that can be pressed or filled in: Tab must be able to get there, and where the
// focus is must be seen.
func (w *walk) keyboard(at string) {
	w.t.Helper()
	lost := eval[[]string](w.tab, `(() => {
		const before = document.activeElement, lost = [];
		for (const d of document.querySelectorAll("details")) d.dataset.was = d.open, d.open = true;
		for (const e of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [onclick]")) {
			const box = e.getBoundingClientRect();
			if (e.disabled || getComputedStyle(e).visibility === "hidden" || box.width === 0 && box.height === 0) continue;
			e.focus({focusVisible: true, preventScroll: true});
			const s = getComputedStyle(e);
			const ring = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== "none";
			if (document.activeElement !== e || e.tabIndex < 0 || !ring) lost.push(e.outerHTML.slice(0, 120));
		}
		for (const d of document.querySelectorAll("details")) d.open = d.dataset.was === "true", delete d.dataset.was;
		before.focus ? before.focus({preventScroll: true}) : 0;
		return lost.slice(0, 3);
	})()`)
	for _, e := range lost {
		w.t.Errorf("%s (%s): the keyboard does not get to, or does not show: %s", at, w.locale, e)
	}
}

// plain wants a way to send each form, and no button that only a script could give a meaning, but printing, which
// TestWithoutJavaScript looks at.
func (w *walk) plain(at string) {
	w.t.Helper()
	odd := eval[[]string](w.tab, `(() => {
		const odd = [];
		for (const f of document.forms) {
			if (![...f.elements].some((e) => e.type === "submit" && !e.disabled && !e.hidden)) odd.push("no way to send " + f.outerHTML.slice(0, 120));
		}
		for (const b of document.querySelectorAll("button[type=button]:not([data-print])")) {
			if (!b.hidden && !b.hasAttribute("popovertarget") && !b.hasAttribute("commandfor")) odd.push("needs a script: " + b.outerHTML.slice(0, 120));
		}
		return odd.slice(0, 3);
	})()`)
	for _, e := range odd {
		w.t.Errorf("%s (%s): %s", at, w.locale, e)
	}
}

// picture keeps a picture only when somebody wants to look at it: it takes as long as the checks.
func (w *walk) picture(name string) {
	if os.Getenv("KIZUKI_SCREENSHOTS") != "" { // asked for by the person who runs the test
		w.shoot(name)
	}
}

// barriers runs axe-core on the page: levels A and AA and its good practice.
func (w *walk) barriers(at string) {
	w.t.Helper()
	w.do("load axe-core", func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Evaluate[chromedp.Void](w.axe+";undefined")(ctx, target)
		return chromedp.Void{}, err
	})
	found := eval[string](w.tab, `axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then((r) =>
		JSON.stringify(r.violations.map((v) => ({id: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + " " + n.failureSummary)}))))`)
	var violations []struct {
		ID, Help string
		Nodes    []string
	}
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		w.t.Fatalf("read what axe-core found on %s: %v", at, err)
	}
	for _, v := range violations {
		w.t.Errorf("%s (%s): axe %s: %s\n\t%s", at, w.locale, v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
	}
}

// start is where the walk begins beside the menu.
type start struct {
	links []string // single-purpose links
	pages []string // pages that follow a form
}

// seeds makes what no link of the sample company leads to: links for one person, files that were put in.
func seeds(t testing.TB, a *app.App) (s start) {
	t.Helper()
	ctx := app.AsCommand(t.Context())
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := a.Outbox.AddChannel(ctx, outbox.NewChannel{Name: "総務の部屋", To: notify.Channel{Kind: notify.Chatwork, Room: "1", Token: "mihon"}})
	must(err)
	var me, other, president account.Account
	must(a.DB.Read(ctx, func(tx *sqlite.Tx) (err error) {
		if me, err = a.Accounts.ByLogin(ctx, tx, app.DemoLogin); err != nil {
			return err
		}
		if president, err = a.Accounts.ByLogin(ctx, tx, "shacho"); err != nil {
			return err
		}
		other, err = a.Accounts.ByLogin(ctx, tx, "genba")
		return err
	}))
	token, _, err := a.Accounts.PasswordLink(ctx, other.Key)
	must(err)
	s.links = append(s.links, link.Path("password", token))
	s.pages = append(s.pages, "/import", "/rounds/new", "/people/retention", "/backup/key")
	s.pages = append(s.pages, leavers(t, a)...)
	s.pages = append(s.pages, emergencies(t, a)...)
	// Pages about factors that the person in charge does not have, or that this address does not allow.
	s.pages = append(s.pages, "/me/factors/app", "/me/factors/app/remove", "/me/factors/codes", "/me/factors/passkeys/new", "/me/factors/passkeys/none/remove")
	s.links = append(s.links, account.SecondPath) // leads back to the first step
	asMe := actor.With(t.Context(), actor.New(actor.Actor{Account: me.Key, Person: me.Person, Name: me.Name, Via: "session"}, app.Grants()[actor.Keeper]))
	asPresident := actor.With(t.Context(), actor.New(actor.Actor{Account: president.Key, Person: president.Person, Via: "session"}, app.Grants()[actor.Approver]))
	draft := policy.Draft{Type: policy.TypeRegulation, Title: "持出しの手順", Topics: []string{"media"}, Owner: me.Person, Body: "1 持ち出す前に\n2 戻したあとに"}
	key, err := a.Policy.Create(asMe, draft)
	must(err)
	token, err = a.Policy.AskApproval(asMe, key, president.Person)
	must(err)
	s.links = append(s.links, link.Path(policy.LinkApprove, token))
	draft.Title = "鍵の手順" // stays a draft
	_, err = a.Policy.Create(asMe, draft)
	must(err)
	draft.Title = "来客の手順"
	key, err = a.Policy.Create(asMe, draft)
	must(err)
	must(a.Policy.Approve(asPresident, key, policy.Approval{}))
	_, token, err = a.Policy.Notify(asMe, key, policy.NewNotice{Way: policy.WayLink})
	must(err)
	s.links = append(s.links, link.Path(policy.LinkRead, token))
	owners := question.New(a.DB, a.Assess, a.Files)
	_, err = owners.Assign(asMe, "jama-japia@2.3", "5", other.Person)
	must(err)
	token, _, err = owners.MakeLink(asMe, "jama-japia@2.3", other.Person, 14)
	must(err)
	s.links = append(s.links, link.Path(question.Purpose, token))
	s.pages = append(s.pages, waiting(t, a, asMe)...)
	return s
}

// leavers gives the pages about what is held of people who left.
func leavers(t testing.TB, a *app.App) (pages []string) {
	t.Helper()
	ctx := app.AsCommand(t.Context())
	var left []people.Person
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) (err error) {
		left, err = a.People.List(ctx, tx, people.Filter{LeftBefore: jdate.Of(tx.Now)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range left[:min(2, len(left))] {
		pages = append(pages, "/people/"+p.Key+"/data", "/people/"+p.Key+"/erase")
	}
	return pages
}

// waiting puts files in: a staff list that waits, one that was taken over, a sheet to fill.
func waiting(t testing.TB, a *app.App, ctx context.Context) (pages []string) { //nolint:revive // the context is the person who does it
	t.Helper()
	_, made := lastYearsSheet(t)
	kept, err := a.Sheets.Keep(ctx, "様式.xlsx", made.Data, assesssheet.FillOptions{Framework: "jama-japia@2.3"})
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, "/sheet/jama-japia@2.3/fill?file="+url.QueryEscape(kept))
	csv := []byte("社員番号,氏名,フリガナ,区分\r\n9901,試験 太郎,シケン タロウ,従業員\r\n9902,,,従業員\r\n")
	for _, apply := range []bool{false, true} {
		i, err := a.Intake.Prepare(ctx, "people", "名簿.csv", csv, intake.Setting{})
		if err != nil {
			t.Fatal(err)
		}
		if apply {
			p, err := a.Intake.Preview(ctx, i.Kind, i.Key, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.Intake.Apply(ctx, i.Kind, i.Key, intake.Consent{Mark: p.Mark}); err != nil {
				t.Fatal(err)
			}
		}
		pages = append(pages, "/import/"+i.Kind+"/"+i.Key)
	}
	return pages
}
