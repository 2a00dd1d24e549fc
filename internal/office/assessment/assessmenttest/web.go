package assessmenttest

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
)

// Site is the web side of an office: requests come from one actor.
type Site struct {
	Router *web.Router
	As     actor.Actor
}

type viewer struct{ a actor.Actor }

func (v viewer) SignedIn() bool               { return v.a.Via != "" }
func (v viewer) Holds(permission string) bool { return v.a.May(actor.Permission(permission)) }

// Site opens the web side; requests come from a person who may do everything in assessments.
func (o *Office) Site(t testing.TB) *Site {
	t.Helper()
	s := &Site{As: actor.From(Keeper(t))}
	s.Router = web.NewRouter(web.Config{
		Log: slog.New(slog.DiscardHandler), Messages: o.Texts, Now: o.Clock.Now,
		Authenticate: func(r *http.Request) (*http.Request, web.Viewer, error) {
			return r.WithContext(actor.With(r.Context(), s.As)), viewer{s.As}, nil
		},
	})
	return s
}

// Reader makes requests come from somebody who may only read.
func (s *Site) Reader() {
	s.As = actor.New(actor.Actor{Account: "reader", Person: "tanaka", Via: "session"}, []actor.Permission{assessment.PermRead})
}

// Nobody makes requests come from somebody without an account.
func (s *Site) Nobody() { s.As = actor.Actor{} }

// Page gets a page in a language, asks for a status and returns the body.
func (s *Site) Page(t testing.TB, path, locale string, status int) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Header.Set("Cookie", "lang="+locale)
	return s.do(t, r, status)
}

// Post sends a form, asks for a status and returns the body, or the address it redirects to.
func (s *Site) Post(t testing.TB, path string, form url.Values, status int) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Cookie", "lang=ja")
	return s.do(t, r, status)
}

// Fragment sends a form as the page's script does.
func (s *Site) Fragment(t testing.TB, path, id string, form url.Values, status int) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Fragment", id)
	r.Header.Set("Cookie", "lang=ja")
	return s.do(t, r, status)
}

func (s *Site) do(t testing.TB, r *http.Request, status int) string {
	t.Helper()
	r.Host = "localhost"
	w := httptest.NewRecorder()
	s.Router.Handler().ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	text := string(body)
	if w.Code != status {
		t.Fatalf("%s %s: status %d, want %d\n%s", r.Method, r.URL, w.Code, status, text)
	}
	if w.Code == http.StatusSeeOther {
		return w.Header().Get("Location")
	}
	return text
}

// Sound reports what no page may contain: a message without text, two first headings, an inline style.
func Sound(t testing.TB, body string) {
	t.Helper()
	for _, bad := range []string{"[assessment.", "[item.", "[gap.", "[plan.", "[question.", "[request.", "[web.", "style=", "<no value>", "{n}", "%!"} {
		if i := strings.Index(body, bad); i >= 0 {
			t.Errorf("the page contains %q: …%s…", bad, body[max(0, i-80):min(len(body), i+120)])
		}
	}
	if n := strings.Count(body, "<h1"); n != 1 {
		t.Errorf("%d first headings", n)
	}
	if strings.Count(body, `class="lead"`) == 0 {
		t.Error("no sentence says what the page is for")
	}
}
