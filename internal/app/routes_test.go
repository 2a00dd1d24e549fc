package app_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/link"
)

// parameter is one {name} of a pattern; values that lead to nothing will do, as access is checked first.
var (
	parameter = regexp.MustCompile(`\{([a-z]+|\$)\}`)
	values    = map[string]string{"$": "", "framework": "jama-japia@2.3", "item": "28", "kind": "people"}
)

// target splits a pattern into its method and an address that it matches.
func target(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	return method, parameter.ReplaceAllStringFunc(path, func(name string) string {
		if v, ok := values[strings.Trim(name, "{}")]; ok {
			return v
		}
		return "00000000000000000000000000"
	})
}

// routes lists the routes; signing out comes last, as it ends the session that asks.
func routes(a *app.App) []web.Route {
	all := a.Router().Routes()
	slices.SortStableFunc(all, func(x, y web.Route) int { return strings.Compare(x.Access.String(), y.Access.String()) })
	out := slices.DeleteFunc(slices.Clone(all), func(r web.Route) bool { return r.Pattern == "POST /logout" })
	return append(out, web.Route{Pattern: "POST /logout", Access: web.Public})
}

// TestRoutesByRole sends one request to every route as every role and as nobody.
func TestRoutesByRole(t *testing.T) {
	t.Parallel()
	a := open(t)
	setUp(t, a)
	h := a.Router().Handler()
	for _, role := range actor.Roles() {
		cookie := signIn(t, a, string(role), password)
		for _, r := range routes(a) {
			method, path := target(r.Pattern)
			got := ask(t, h, method, path, cookie).Code
			access := r.Access.String()
			may := access == "public" || access == "signed-in" || slices.Contains(holders[access], role)
			switch {
			case access == "link":
				if got != http.StatusUnauthorized {
					t.Errorf("%s with a made-up link as %s: status %d, want 401", r.Pattern, role, got)
				}
			case got >= http.StatusInternalServerError:
				t.Errorf("%s as %s: status %d", r.Pattern, role, got)
			case r.Pattern == "GET /setup" || r.Pattern == "POST /setup":
				if got < http.StatusBadRequest {
					t.Errorf("%s as %s after the set-up: status %d, want a refusal", r.Pattern, role, got)
				}
			case may && (got == http.StatusForbidden || got == http.StatusUnauthorized):
				t.Errorf("%s as %s: status %d although the role holds %s", r.Pattern, role, got, access)
			case !may && got != http.StatusForbidden:
				t.Errorf("%s as %s: status %d, want 403: the role lacks %s", r.Pattern, role, got, access)
			}
		}
	}
}

func TestRoutesForNobody(t *testing.T) {
	t.Parallel()
	a := open(t)
	setUp(t, a)
	h := a.Router().Handler()
	for _, r := range routes(a) {
		method, path := target(r.Pattern)
		w := ask(t, h, method, path, nil)
		switch access := r.Access.String(); {
		case access == "public":
			if r.Pattern != "GET /setup" && r.Pattern != "POST /setup" && (w.Code == http.StatusUnauthorized || w.Code == http.StatusForbidden) {
				t.Errorf("%s for nobody: status %d, want it open", r.Pattern, w.Code)
			}
		case access == "link" || method != http.MethodGet:
			if w.Code != http.StatusUnauthorized {
				t.Errorf("%s for nobody: status %d, want 401", r.Pattern, w.Code)
			}
		default:
			if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/login" {
				t.Errorf("%s for nobody: status %d to %q, want 303 to /login", r.Pattern, w.Code, w.Header().Get("Location"))
			}
			plain := ask(t, h, method, path, nil, func(r *http.Request) { r.Header.Set("Accept", "application/json") })
			if plain.Code != http.StatusUnauthorized {
				t.Errorf("%s for a program that is nobody: status %d, want 401", r.Pattern, plain.Code)
			}
		}
	}
}

// TestRoutesByLink opens every link page with a link of its own purpose and with those of the others.
func TestRoutesByLink(t *testing.T) {
	t.Parallel()
	a := open(t)
	persons := setUp(t, a)
	tokens := links(t, a, persons)
	h := a.Router().Handler()
	for _, r := range a.Router().Routes() {
		if r.Access != web.ByLink || !strings.HasPrefix(r.Pattern, "GET ") {
			continue
		}
		own, found := "", false
		for purpose, token := range tokens {
			path := link.Path(purpose, "")
			switch {
			case strings.HasPrefix(r.Pattern, "GET "+path):
				own, found = token, true
			default:
				at := strings.TrimSuffix(strings.TrimPrefix(r.Pattern, "GET "), "{token}")
				if got := ask(t, h, http.MethodGet, at+token, nil).Code; got != http.StatusUnauthorized {
					t.Errorf("%s with a link for %q: status %d, want 401", r.Pattern, purpose, got)
				}
			}
		}
		if !found {
			t.Errorf("%s: the test has no link of this purpose", r.Pattern)
			continue
		}
		at := strings.Replace(strings.TrimPrefix(r.Pattern, "GET "), "{token}", own, 1)
		if got := ask(t, h, http.MethodGet, at, nil).Code; got != http.StatusOK {
			t.Errorf("%s with its own link: status %d, want 200", r.Pattern, got)
		}
	}
}

// links gives a token for each purpose.
func links(t *testing.T, a *app.App, persons map[actor.Role]string) map[string]string {
	t.Helper()
	ctx := app.AsCommand(t.Context())
	tokens := map[string]string{}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(a.DB.Write(ctx, func(tx *sqlite.Tx) error {
		acc, err := a.Accounts.ByLogin(ctx, tx, string(actor.Viewer))
		if err != nil {
			return err
		}
		for purpose, subject := range map[string]string{"password": "account/" + acc.Key, "answer": "assessment/" + a.Catalog.Latest("jama-japia").Key() + "/owner/" + persons[actor.Employee]} {
			if tokens[purpose], _, err = link.Create(ctx, tx, link.New{Purpose: purpose, Subject: subject, Person: persons[actor.Employee], Days: 1}); err != nil {
				return err
			}
		}
		return nil
	}))
	draft := policy.Draft{Type: policy.TypePolicy, Title: "情報セキュリティ方針", Owner: persons[actor.Keeper], Body: "守ること。"}
	key, err := a.Policy.Create(ctx, draft)
	must(err)
	tokens[policy.LinkApprove], err = a.Policy.AskApproval(ctx, key, persons[actor.Approver])
	must(err)
	second, err := a.Policy.Create(ctx, draft)
	must(err)
	asApprover := actor.With(t.Context(), actor.New(actor.Actor{Account: "x", Person: persons[actor.Approver], Via: "session"}, []actor.Permission{policy.PermApprove}))
	must(a.Policy.Approve(asApprover, second, policy.Approval{}))
	_, tokens[policy.LinkRead], err = a.Policy.Notify(ctx, second, policy.NewNotice{Way: policy.WayLink})
	must(err)
	return tokens
}

func TestPostsFromOtherSites(t *testing.T) {
	t.Parallel()
	a := open(t)
	setUp(t, a)
	h := a.Router().Handler()
	cookie := signIn(t, a, string(actor.Keeper), password)
	for _, r := range a.Router().Routes() {
		method, path := target(r.Pattern)
		if method == http.MethodGet {
			continue
		}
		for _, site := range []string{"cross-site", "same-site"} {
			w := ask(t, h, method, path, cookie, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", site) })
			if w.Code != http.StatusForbidden {
				t.Errorf("%s from %s: status %d, want 403", r.Pattern, site, w.Code)
			}
		}
		w := ask(t, h, method, path, cookie, func(r *http.Request) {
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Set("Origin", "https://elsewhere.example")
		})
		if w.Code != http.StatusForbidden {
			t.Errorf("%s with the origin of another site: status %d, want 403", r.Pattern, w.Code)
		}
	}
}

func TestForeignHosts(t *testing.T) {
	t.Parallel()
	a := open(t)
	setUp(t, a)
	h := a.Router().Handler()
	for _, r := range a.Router().Routes() {
		method, path := target(r.Pattern)
		for _, host := range []string{"elsewhere.example", "192.0.2.1:8600", "127.0.0.1.elsewhere.example"} {
			w := ask(t, h, method, path, nil, func(r *http.Request) { r.Host = host })
			if w.Code != http.StatusMisdirectedRequest {
				t.Errorf("%s at host %s: status %d, want 421", r.Pattern, host, w.Code)
			}
		}
	}
}
