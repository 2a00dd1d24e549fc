package app_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/people"
)

// TestKindsHaveOneSource: what the catalogue calls live is given by one package, the one it names, and no
// package gives what the catalogue does not know.
func TestKindsHaveOneSource(t *testing.T) {
	t.Parallel()
	a := open(t)
	givers := map[string][]string{}
	for _, src := range a.Sources() {
		for _, kind := range src.Kinds() {
			givers[kind] = append(givers[kind], fmt.Sprintf("%T", src))
			if k, known := a.Catalog.Table.Kinds[kind]; !known || !k.Live() {
				t.Errorf("%T gives kind %q, which catalog/kinds.yaml does not call live", src, kind)
			}
		}
	}
	for name, kind := range a.Catalog.Table.Kinds {
		if kind.Live() && len(givers[name]) != 1 {
			t.Errorf("kind %q is live and given by %v, want one source", name, givers[name])
		}
	}
}

// serves tells whether some route answers GET for an address.
func serves(a *app.App) func(address string) bool {
	mux := http.NewServeMux()
	for _, r := range a.Router().Routes() {
		mux.Handle(r.Pattern, http.NotFoundHandler())
	}
	return func(address string) bool {
		u, err := url.Parse(address)
		if err != nil {
			return false
		}
		_, pattern := mux.Handler(&http.Request{Method: http.MethodGet, URL: u, Host: "127.0.0.1"})
		return pattern != ""
	}
}

// TestRemediesLeadToPages: the button of a next step opens a page that exists. Remedies of planned kinds
// only may wait for the feature that brings them.
func TestRemediesLeadToPages(t *testing.T) {
	t.Parallel()
	a := open(t)
	needed := map[string]string{}
	for name, kind := range a.Catalog.Table.Kinds {
		if kind.Live() {
			needed[kind.Remedy] = "kind " + name
		}
	}
	for name, p := range a.Catalog.Table.Populations {
		if a.Catalog.Table.Kinds[p.MemberKind].Live() && p.FillRemedy != "" {
			needed[p.FillRemedy] = "population " + name
		}
	}
	hold := strings.NewReplacer("{topic}", "mail", "{member}", "00000000000000000000000000", "{framework}", "jama-japia@2.3")
	found := serves(a)
	for name, by := range needed {
		link := hold.Replace(a.Catalog.Table.Remedies[name].Link)
		if !strings.HasPrefix(link, "/") || strings.Contains(link, "{") || !found(link) {
			t.Errorf("remedy %q (%s) leads to %q, where no page is", name, by, link)
		}
	}
}

// TestFactsLeadToPages: なぜ？ shows records with links; each opens.
func TestFactsLeadToPages(t *testing.T) {
	t.Parallel()
	a := openDemo(t)
	h, cookie := a.Router().Handler(), signIn(t, a, app.DemoLogin, app.DemoPassword)
	seen := map[string]bool{}
	for _, f := range facts(t, a) {
		if f.Link == "" || seen[f.Link] {
			continue
		}
		seen[f.Link] = true
		if got := ask(t, h, http.MethodGet, f.Link, cookie).Code; got != http.StatusOK {
			t.Errorf("fact %s of %s links to %s: status %d", f.Kind, f.Record, f.Link, got)
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d different links in the facts of the sample company", len(seen))
	}
}

// facts lists what stands now, of all kinds.
func facts(t testing.TB, a *app.App) (all []fact.Fact) {
	t.Helper()
	err := a.DB.Read(t.Context(), func(tx *sqlite.Tx) error {
		var kinds []string
		for _, src := range a.Sources() {
			kinds = append(kinds, src.Kinds()...)
		}
		var err error
		all, err = a.Facts.Current(t.Context(), tx, kinds...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestNightlyChangesNothing: what the acts wrote down as they happened is what the records say when they
// are read again, for three years of the sample company.
func TestNightlyChangesNothing(t *testing.T) {
	t.Parallel()
	a := openDemo(t)
	before := facts(t, a)
	if len(before) < 500 {
		t.Fatalf("the sample company has only %d facts", len(before))
	}
	report, err := a.Gaps(app.AsCommand(t.Context()), "ja")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Nightly(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, facts(t, a)); diff != "" {
		t.Errorf("the nightly pass changed facts (-acts +night):\n%.4000s", diff)
	}
	again, err := a.Gaps(app.AsCommand(t.Context()), "ja")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(report, again); diff != "" {
		t.Errorf("the nightly pass changed the gaps (-before +after):\n%.4000s", diff)
	}
}

// TestDemoIsStable: the sample company of one day is the same every time, though its keys are new.
func TestDemoIsStable(t *testing.T) {
	t.Parallel()
	var reports [2]*app.GapsReport
	for i := range reports {
		var err error
		if reports[i], err = openDemoOn(t, "2026-11-23").Gaps(app.AsCommand(t.Context()), "ja"); err != nil {
			t.Fatal(err)
		}
	}
	if len(reports[0].NextSteps) != 5 || reports[0].Open.Unmet == 0 || reports[0].Open.Unknown == 0 {
		t.Errorf("the sample company has %d next steps and %+v", len(reports[0].NextSteps), reports[0].Open)
	}
	key := regexp.MustCompile(`^/[a-z]+/[0-9a-hjkmnp-tv-z]{26}`)
	for _, r := range reports {
		for i := range r.NextSteps {
			r.NextSteps[i].Link = key.ReplaceAllString(r.NextSteps[i].Link, "KEY")
		}
		for i := range r.Gaps {
			if r.Gaps[i].Owner != "" {
				r.Gaps[i].Owner = "KEY"
			}
		}
	}
	if diff := cmp.Diff(reports[0], reports[1]); diff != "" {
		t.Errorf("two sample companies of one day differ:\n%.4000s", diff)
	}
}

// page is what a crawl reads of one page.
type page struct {
	links, actions []string
	text           string
	stuck          []string // actions of forms that can be filled in but not sent
}

func parse(t testing.TB, body []byte) page {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var p page
	var text strings.Builder
	for n := range root.Descendants() {
		switch n.Type {
		case html.TextNode:
			text.WriteString(n.Data)
			text.WriteByte(' ')
		case html.ElementNode:
			if n.Data == "form" && stuck(n) {
				p.stuck = append(p.stuck, attribute(n, "action"))
			}
			for _, attr := range n.Attr {
				switch {
				case attr.Key == "href" && strings.HasPrefix(attr.Val, "/"):
					p.links = append(p.links, attr.Val)
				case attr.Key == "action" || attr.Key == "formaction":
					p.actions = append(p.actions, attr.Val)
				}
			}
		default: // only text and elements hold what is looked for
		}
	}
	p.text = text.String()
	return p
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// stuck says whether a form has fields and no button: somebody who may only read would write in vain.
func stuck(form *html.Node) bool {
	fields, buttons := 0, 0
	for n := range form.Descendants() {
		switch {
		case n.Data == "button":
			buttons++
		case n.Data == "select" || n.Data == "textarea" || n.Data == "input" && attribute(n, "type") != "hidden":
			fields++
		}
	}
	return fields > 0 && buttons == 0
}

// TestEveryLinkLeadsSomewhere follows every link of the sample company in both languages as three people:
// no dead link, no form that posts to nowhere or cannot be sent, no name of a message instead of its text.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	a := openDemo(t)
	h := a.Router().Handler()
	posts := map[string]bool{}
	mux := http.NewServeMux()
	for _, r := range a.Router().Routes() {
		mux.Handle(r.Pattern, http.NotFoundHandler())
	}
	keys := regexp.MustCompile(`(^|[^\w.@/-])[a-z]+(\.[a-z_0-9]+)+($|[^\w.@/-])`)
	for login, locales := range map[string][]string{app.DemoLogin: {"ja", "en"}, "shacho": {"ja"}, "genba": {"ja"}} {
		cookie := signIn(t, a, login, app.DemoPassword)
		for _, locale := range locales {
			lang := func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "lang", Value: locale}) }
			seen, queue, shapes := map[string]bool{}, []string{"/"}, map[string]int{}
			for len(queue) > 0 {
				at := queue[0]
				queue = queue[1:]
				shape := regexp.MustCompile(`[0-9a-hjkmnp-tv-z]{26}|\d+|=[^&]*`).ReplaceAllString(at, "*")
				if seen[at] || strings.HasPrefix(at, "/static/") || strings.Contains(at, "lang=") || shapes[shape] >= 2 {
					continue
				}
				seen[at] = true
				shapes[shape]++
				w := ask(t, h, http.MethodGet, at, cookie, lang)
				if w.Code == http.StatusSeeOther {
					queue = append(queue, w.Header().Get("Location"))
					continue
				}
				if w.Code != http.StatusOK {
					t.Errorf("%s, %s: %s answers %d", login, locale, at, w.Code)
					continue
				}
				if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
					continue
				}
				p := parse(t, w.Body.Bytes())
				queue = append(queue, p.links...)
				for _, action := range p.actions {
					u, err := url.Parse(action)
					if err != nil {
						t.Errorf("%s posts to %q", at, action)
						continue
					}
					_, post := mux.Handler(&http.Request{Method: http.MethodPost, URL: u, Host: "127.0.0.1"})
					_, get := mux.Handler(&http.Request{Method: http.MethodGet, URL: u, Host: "127.0.0.1"})
					if post == "" && get == "" {
						t.Errorf("%s has a form for %q, where nothing is", at, action)
					}
					posts[post] = true
				}
				for _, action := range p.stuck {
					t.Errorf("%s: %s has a form for %q without a button", login, at, action)
				}
				for _, word := range keys.FindAllString(p.text, -1) {
					if word = strings.Trim(word, " \t\n　（）()「」、。:："); a.Texts.Has(word) {
						t.Errorf("%s, %s: %s shows the name of a message: %s", login, locale, at, word)
					}
				}
			}
			if login == app.DemoLogin && len(seen) < 60 {
				t.Errorf("the crawl as %s saw only %d pages", login, len(seen))
			}
		}
	}
}

// TestManyAtOnce: twenty people click through the office while two of them change it.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	a := openDemo(t)
	h, cookie := a.Router().Handler(), signIn(t, a, app.DemoLogin, app.DemoPassword)
	paths := []string{"/gaps", "/today", "/sheet/jama-japia@2.3", "/people", "/policy", "/training", "/sheet/jama-japia@2.3/28", "/conflicts", "/gaps/export?format=json"}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var writers, readers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			for i := range 15 {
				name := fmt.Sprintf("同時%d-%d", w, i)
				_, err := a.People.Add(app.AsCommand(ctx), people.Person{
					FamilyName: name, GivenName: "試験", Class: people.Employee, Mail: people.Unknown, Internet: people.Unknown, Joined: day("2026-11-01"),
				})
				if err != nil {
					t.Errorf("add %s: %v", name, err)
				}
			}
		})
	}
	for reader := range 20 {
		readers.Go(func() {
			for i := range 6 {
				at := paths[(reader+i)%len(paths)]
				if got := ask(t, h, http.MethodGet, at, cookie).Code; got != http.StatusOK {
					t.Errorf("%s while others write: status %d", at, got)
				}
			}
		})
	}
	writers.Wait()
	readers.Wait()
	var names []string
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		list, err := a.People.List(ctx, tx, people.Filter{Query: "同時"})
		for _, p := range list {
			names = append(names, p.FamilyName)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(names); len(slices.Compact(names)) != 30 {
		t.Errorf("%d of 30 people were written", len(names))
	}
}
