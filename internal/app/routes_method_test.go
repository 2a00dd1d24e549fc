package app_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
)

// methods are those that an attacker tries: all that a browser, a proxy or a WebDAV client knows, and one that
// nobody knows.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace, "BREW",
}

// differences says where routes and the table of this test disagree: routes that nobody wrote down, accesses other
// than the written one, permissions that no role holds, and rows of the table without a route.
func differences(routes []web.Route, table map[string]string) []string {
	var out []string
	seen := map[string]bool{}
	for _, r := range routes {
		seen[r.Pattern] = true
		access := r.Access.String()
		want, listed := table[r.Pattern]
		_, held := holders[access]
		switch {
		case !listed:
			out = append(out, fmt.Sprintf("route %q (%s) is not in the table of this test", r.Pattern, access))
		case want != access:
			out = append(out, fmt.Sprintf("route %q needs %s, the table says %s", r.Pattern, access, want))
		case !held && !slices.Contains([]string{"public", "link", "signed-in"}, access):
			out = append(out, fmt.Sprintf("route %q needs %q, which no role holds", r.Pattern, access))
		}
	}
	for pattern := range table {
		if !seen[pattern] {
			out = append(out, fmt.Sprintf("route %q is in the table of this test and nowhere else", pattern))
		}
	}
	slices.Sort(out)
	return out
}

func TestEveryRouteIsListed(t *testing.T) {
	t.Parallel()
	for _, d := range differences(open(t).Router().Routes(), accesses) {
		t.Error(d)
	}
}

// TestUnlistedRouteIsReported shows that the check above finds what it is for.
func TestUnlistedRouteIsReported(t *testing.T) {
	t.Parallel()
	rt := open(t).Router()
	rt.Handle("GET /everything", web.Public, func(http.ResponseWriter, *http.Request) error { return nil })
	rt.Handle("DELETE /people/{key}", web.Needs("people.destroy"), func(http.ResponseWriter, *http.Request) error { return nil })
	want := []string{
		`route "DELETE /people/{key}" (people.destroy) is not in the table of this test`,
		`route "GET /everything" (public) is not in the table of this test`,
	}
	if got := differences(rt.Routes(), accesses); !slices.Equal(got, want) {
		t.Errorf("the check says %q, want %q", got, want)
	}
	table := map[string]string{"GET /everything": "signed-in", "DELETE /people/{key}": "people.destroy", "GET /gone": "public"}
	routes := slices.DeleteFunc(rt.Routes(), func(r web.Route) bool { return table[r.Pattern] == "" })
	want = []string{
		`route "DELETE /people/{key}" needs "people.destroy", which no role holds`,
		`route "GET /everything" needs public, the table says signed-in`,
		`route "GET /gone" is in the table of this test and nowhere else`,
	}
	if got := differences(routes, table); !slices.Equal(got, want) {
		t.Errorf("the check says %q, want %q", got, want)
	}
}

// paths are the addresses of all routes, each once.
func paths(a *app.App) []string {
	var out []string
	for _, r := range a.Router().Routes() {
		_, path := target(r.Pattern)
		out = append(out, path)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// written is a router made of nothing but the table of this test: what it does not know must not be answered.
func written() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern := range accesses {
		mux.Handle(pattern, http.NotFoundHandler())
	}
	return mux
}

// TestRoutesByMethod sends every method to every address as every role and as nobody. What the table does not list
// is refused with 405 and changes nothing; what it lists by the way (HEAD where GET stands, one pattern inside
// another) follows the table. The listed method of each route itself is asked in TestRoutesByRole.
func TestRoutesByMethod(t *testing.T) {
	t.Parallel()
	a := open(t)
	setUp(t, a)
	h, table := a.Router().Handler(), written()
	asked := 0
	for _, role := range append([]actor.Role{""}, actor.Roles()...) {
		var cookie *http.Cookie
		if role != "" {
			cookie = signIn(t, a, string(role), password)
			ask(t, h, http.MethodGet, "/me", cookie) // the time of its last use is written here, not below
		}
		before := logical(t, a)
		for _, path := range paths(a) {
			for _, method := range methods {
				r, err := http.NewRequestWithContext(t.Context(), method, path, nil)
				if err != nil {
					t.Fatal(err)
				}
				_, pattern := table.Handler(r)
				if listed, _, _ := strings.Cut(pattern, " "); listed == method && method != http.MethodHead {
					continue
				}
				asked++
				w := ask(t, h, method, path, cookie, sly)
				if pattern == "" {
					if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
						t.Errorf("%s %s as %q: status %d, want 405 with the methods that are allowed", method, path, role, w.Code)
					}
					continue
				}
				if path == "/setup" { // open once, before anybody is there
					if w.Code < http.StatusBadRequest {
						t.Errorf("%s /setup as %q: status %d after the set-up, want a refusal", method, role, w.Code)
					}
					continue
				}
				if want := refusal(accesses[pattern], role); want != 0 && w.Code != want || want == 0 && (w.Code == http.StatusForbidden || w.Code == http.StatusUnauthorized) {
					t.Errorf("%s %s as %q: status %d; the table says %s of %s", method, path, role, w.Code, accesses[pattern], pattern)
				}
			}
		}
		if logical(t, a) != before {
			t.Errorf("methods that are not listed changed something as %q", role)
		}
	}
	if least := 7 * 7 * len(paths(a)) / 2; asked < least {
		t.Errorf("only %d requests were made, want at least %d", asked, least)
	}
}

// sly asks for a short answer, and for another method by the headers that some programs obey.
func sly(r *http.Request) {
	r.Header.Set("X-Fragment", "1") // a refusal in one line, without a page around it
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		r.Header.Set(name, http.MethodPost)
	}
}

// refusal is the status for a role ("" for nobody) that may not use what needs the access, 0 when it may.
func refusal(access string, role actor.Role) int {
	switch {
	case access == "public":
		return 0
	case access == "link" || role == "":
		return http.StatusUnauthorized
	case access == "signed-in" || slices.Contains(holders[access], role):
		return 0
	}
	return http.StatusForbidden
}
