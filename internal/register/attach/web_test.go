package attach_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
)

type viewer struct{ actor.Actor }

func (v viewer) SignedIn() bool      { return v.Via != "" }
func (v viewer) Holds(p string) bool { return v.May(actor.Permission(p)) }

// serve answers one GET as who.
func serve(t *testing.T, o office, who actor.Actor, path string) *httptest.ResponseRecorder {
	t.Helper()
	rt := web.NewRouter(web.Config{
		Log: slog.New(slog.DiscardHandler), Messages: texts(t), Now: time.Now,
		Authenticate: func(r *http.Request) (*http.Request, web.Viewer, error) {
			return r.WithContext(actor.With(r.Context(), who)), viewer{who}, nil
		},
	})
	attach.NewWeb(o.db, o.store).Routes(rt)
	rec := httptest.NewRecorder()
	rt.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, nil))
	return rec
}

func TestDownload(t *testing.T) {
	t.Parallel()
	o := open(t)
	a, err := o.add(t, attach.Upload{Record: "policy/A", Name: "情報 方針;\"1%.png", Data: []byte(png)})
	if err != nil {
		t.Fatal(err)
	}
	reader := actor.New(actor.Actor{Account: "a", Via: "session"}, []actor.Permission{attach.PermRead})
	rec := serve(t, o, reader, a.Path())
	if rec.Code != http.StatusOK || rec.Body.String() != png {
		t.Fatalf("status %d, body %q", rec.Code, rec.Body)
	}
	for name, want := range map[string]string{
		"Content-Type":            "image/png",
		"Content-Disposition":     `attachment; filename="__ ____1_.png"; filename*=UTF-8''%E6%83%85%E5%A0%B1%20%E6%96%B9%E9%87%9D%3B_1%25.png`,
		"Content-Security-Policy": "sandbox; default-src 'none'",
		"X-Content-Type-Options":  "nosniff",
		"Cache-Control":           "private, no-store",
	} {
		if got := rec.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if rec := serve(t, o, reader, "/attachments/unknown"); rec.Code != http.StatusNotFound {
		t.Errorf("unknown key gives %d", rec.Code)
	}
	other := actor.New(actor.Actor{Account: "b", Via: "session"}, nil)
	if rec := serve(t, o, other, a.Path()); rec.Code != http.StatusForbidden || strings.Contains(rec.Body.String(), "IHDR") {
		t.Errorf("without permission: %d", rec.Code)
	}
	if rec := serve(t, o, actor.Actor{}, a.Path()); rec.Code != http.StatusUnauthorized {
		t.Errorf("not signed in: %d", rec.Code)
	}
}
