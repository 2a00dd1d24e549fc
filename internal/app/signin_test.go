package app_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/secret"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/factor"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/account/signin"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// enrol gives an account an authenticator app and returns its seed.
func enrol(t testing.TB, a *app.App, login string) (seed []byte) {
	t.Helper()
	var who actor.Actor
	read := func(act func(tx *sqlite.Tx) error) {
		t.Helper()
		if err := a.DB.Read(t.Context(), act); err != nil {
			t.Fatal(err)
		}
	}
	read(func(tx *sqlite.Tx) (err error) {
		who, err = a.Accounts.ActorOf(t.Context(), tx, login)
		return err
	})
	ctx := actor.With(t.Context(), who)
	proof := signin.Proof{Password: password, Client: session.Client{Address: "10.0.0.1"}}
	if err := a.SignIn.OfferApp(ctx, proof); err != nil {
		t.Fatal(err)
	}
	read(func(tx *sqlite.Tx) (err error) {
		seed, _, err = a.SignIn.OfferedSeed(ctx, tx)
		return err
	})
	if _, err := a.SignIn.ConfirmApp(ctx, factor.CodeAt(seed, factor.StepOf(a.Config().Now())), proof); err != nil {
		t.Fatal(err)
	}
	return seed
}

// TestAdministratorsNeedAFactor walks every route as an administrator without a second factor: only the own
// pages and what is open to all answer. With one, and after both steps, everything does.
func TestAdministratorsNeedAFactor(t *testing.T) {
	t.Parallel()
	a := openWith(t, app.Config{})
	setUp(t, a)
	h := a.Router().Handler()
	cookie := signIn(t, a, string(actor.Admin), password)
	gated := 0
	for _, r := range routes(a) {
		method, path := target(r.Pattern)
		w := ask(t, h, method, path, cookie)
		open := r.Access == web.Public || r.Access == web.ByLink || path == "/me" || strings.HasPrefix(path, "/me/")
		may := r.Access == web.SignedIn || slices.Contains(holders[r.Access.String()], actor.Admin)
		switch {
		case open:
			if w.Header().Get("Location") == "/me/factors" && !strings.HasPrefix(path, "/me/factors") {
				t.Errorf("%s is held up", r.Pattern)
			}
		case method == http.MethodGet && may:
			gated++
			if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/me/factors" {
				t.Errorf("%s: status %d to %q, want 303 to /me/factors", r.Pattern, w.Code, w.Header().Get("Location"))
			}
			for name, value := range map[string]string{"Accept": "application/json", "X-Fragment": "item"} {
				if got := ask(t, h, method, path, cookie, func(r *http.Request) { r.Header.Set(name, value) }).Code; got != http.StatusForbidden {
					t.Errorf("%s for a program: status %d, want 403", r.Pattern, got)
				}
			}
		case w.Code != http.StatusForbidden:
			t.Errorf("%s: status %d, want 403", r.Pattern, w.Code)
		}
	}
	if gated < 30 {
		t.Errorf("only %d pages were held up", gated)
	}
	cookie = signIn(t, a, string(actor.Keeper), password)
	if got := ask(t, h, http.MethodGet, "/today", cookie).Code; got != http.StatusOK {
		t.Errorf("a keeper without a factor: status %d", got)
	}
}

// TestTwoStepsOverHTTP signs an administrator in as a browser does: no page opens between the steps.
func TestTwoStepsOverHTTP(t *testing.T) {
	t.Parallel()
	a := openWith(t, app.Config{})
	setUp(t, a)
	seed := enrol(t, a, string(actor.Admin))
	h := a.Router().Handler()
	post := func(path string, form url.Values, cookies ...*http.Cookie) *http.Response {
		t.Helper()
		return ask(t, h, http.MethodPost, path, nil, func(r *http.Request) {
			body := strings.NewReader(form.Encode())
			r.Body, r.ContentLength = io.NopCloser(body), int64(body.Len())
			for _, c := range cookies {
				r.AddCookie(c)
			}
		}).Result()
	}
	first := post("/login", url.Values{"login": {"admin"}, "password": {password}})
	defer func() { _ = first.Body.Close() }() // it lies in memory
	if first.Header.Get("Location") != account.SecondPath {
		t.Fatalf("the password leads to %q", first.Header.Get("Location"))
	}
	var waiting *http.Cookie
	for _, c := range first.Cookies() {
		if c.Name == "session" && c.Value != "" {
			t.Error("the password alone gave a session")
		}
		if c.Name == "waiting" {
			waiting = c
		}
	}
	if waiting == nil || !waiting.HttpOnly || waiting.Path != "/login" || waiting.MaxAge > 300 {
		t.Fatalf("the waiting cookie is %v", waiting)
	}
	if got := ask(t, h, http.MethodGet, "/today", &http.Cookie{Name: "session", Value: waiting.Value}).Code; got != http.StatusSeeOther {
		t.Errorf("with the token of the first step as a session: status %d", got)
	}
	code := factor.CodeAt(seed, factor.StepOf(a.Config().Now())+1) // that of now set the app up
	second := post(account.SecondPath, url.Values{"code": {code}}, waiting)
	defer func() { _ = second.Body.Close() }() // as above
	if second.Header.Get("Location") != "/" {
		t.Fatalf("the code leads to %q (%d)", second.Header.Get("Location"), second.StatusCode)
	}
	for _, c := range second.Cookies() {
		if c.Name == "session" {
			if got := ask(t, h, http.MethodGet, "/today", c).Code; got != http.StatusOK {
				t.Errorf("after both steps: status %d", got)
			}
		}
	}
	again := post(account.SecondPath, url.Values{"code": {code}}, waiting)
	defer func() { _ = again.Body.Close() }() // as above
	if again.Header.Get("Location") != "/login" {
		t.Errorf("the same step again leads to %q", again.Header.Get("Location"))
	}
}

func TestResetFactor(t *testing.T) {
	t.Parallel()
	a := openWith(t, app.Config{})
	setUp(t, a)
	enrol(t, a, "first")
	if err := a.ResetFactor(app.AsCommand(t.Context()), "FIRST"); err != nil {
		t.Fatal(err)
	}
	signIn(t, a, "first", password)
	if err := a.ResetFactor(app.AsCommand(t.Context()), "first"); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("without a factor: %v", err)
	}
	if err := a.ResetFactor(app.AsCommand(t.Context()), "nobody"); problem.CodeOf(err) != problem.CodeNotFound {
		t.Errorf("of nobody: %v", err)
	}
}

// A key file that is no key stops the office with a sentence: going on would lose every sealed value.
func TestBrokenKeyFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, secret.KeyFile), []byte("?"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := app.Open(t.Context(), app.Config{Dir: dir, Now: fixed(), Log: app.DiscardLog()})
	if problem.CodeOf(err) != problem.CodeUnavailable || !errors.Is(err, secret.ErrKey) {
		t.Errorf("opened: %v", err)
	}
}
