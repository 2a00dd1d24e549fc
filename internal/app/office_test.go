package app_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

const password = "kiku-no-hana-2026"

// day reads an ISO day that the test itself wrote.
func day(text string) jdate.Day {
	d, err := jdate.ISO(text)
	if err != nil {
		panic(err)
	}
	return d
}

// morning is 10:00 in Tokyo on the day of all tests here.
func morning() time.Time { return day("2026-11-23").Start().Add(10 * time.Hour) }

// fixed is a clock that starts in the morning of that day and runs on from there.
func fixed() func() time.Time {
	started := time.Now() // tests measure the real time that passes
	return func() time.Time { return morning().Add(time.Since(started)) }
}

// open opens an empty office whose administrators need no second factor; it closes with the test.
func open(t testing.TB) *app.App {
	t.Helper()
	return openWith(t, app.Config{PasswordAlone: true})
}

// openWith opens an empty office of its own kind.
func openWith(t testing.TB, cfg app.Config) *app.App {
	t.Helper()
	cfg.Dir, cfg.Log = t.TempDir(), app.DiscardLog()
	if cfg.Now == nil {
		cfg.Now = fixed()
	}
	a, err := app.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// template is the sample company, built once for all tests of this package.
var template struct {
	once sync.Once
	dir  string
	err  error
}

// TestMain removes the template when all tests are through.
func TestMain(m *testing.M) {
	code := m.Run()
	if template.dir != "" {
		if err := os.RemoveAll(template.dir); err != nil {
			fmt.Fprintln(os.Stderr, "remove template:", err)
		}
	}
	os.Exit(code)
}

// demoFolder gives a test its own copy of the sample company's folder.
func demoFolder(t testing.TB) string {
	t.Helper()
	template.once.Do(func() {
		if template.dir, template.err = os.MkdirTemp("", "kizuki-template-"); template.err != nil { //nolint:usetesting // it outlives the test that builds it
			return
		}
		ctx := context.WithoutCancel(t.Context())
		var a *app.App
		// The clock stands while the template is built: however long that takes on a busy machine, a copy whose
		// clock starts in the morning finds no record of a time yet to come.
		a, template.err = app.OpenDemo(ctx, app.Config{Dir: template.dir, Now: morning, Log: app.DiscardLog(), Demo: true}, nil)
		if template.err == nil {
			template.err = a.Close()
		}
	})
	if template.err != nil {
		t.Fatal(template.err)
	}
	dir := t.TempDir()
	if err := errors.Join(os.CopyFS(dir, os.DirFS(template.dir)), os.Chmod(dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// openDemo opens a copy of the sample company; it closes with the test.
func openDemo(t testing.TB) *app.App {
	t.Helper()
	a, err := app.OpenDemo(t.Context(), app.Config{Dir: demoFolder(t), Now: fixed(), Log: app.DiscardLog(), Demo: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// setUp makes an office with one account for each role, and gives the keys of their persons.
func setUp(t testing.TB, a *app.App) map[actor.Role]string {
	t.Helper()
	ctx := app.AsCommand(t.Context())
	err := a.Init(ctx, app.FirstOffice{
		Company: "みどり精工", FamilyName: "佐藤", GivenName: "花子", Login: "first", Password: password, Industry: "auto_parts", Size: "101-300", FiscalStart: 4, Level: "2", Star: "3", Roles: []string{"keeper"},
	})
	if err != nil {
		t.Fatal(err)
	}
	persons := map[actor.Role]string{}
	for _, role := range actor.Roles() {
		key, err := a.People.Add(ctx, people.Person{
			FamilyName: "試験", GivenName: string(role), Class: people.Employee, Mail: people.Unknown, Internet: people.Unknown, Joined: day("2020-04-01"),
		})
		if err != nil {
			t.Fatal(err)
		}
		persons[role] = key
		profile := account.Profile{Name: string(role), Person: key, Roles: []actor.Role{role}}
		if role == actor.Advisor {
			profile.Ends = day("2027-03-31")
		}
		if _, err := a.Accounts.Create(ctx, account.NewAccount{Login: string(role), Password: password, Profile: profile}); err != nil {
			t.Fatal(err)
		}
	}
	return persons
}

// signIn gives the session cookie of an account.
func signIn(t testing.TB, a *app.App, login, password string) *http.Cookie {
	t.Helper()
	in, err := a.Accounts.SignIn(context.WithoutCancel(t.Context()), account.Attempt{Login: login, Password: password})
	if err != nil {
		t.Fatalf("sign in as %s: %v", login, err)
	}
	return &http.Cookie{Name: "session", Value: in.Session}
}

// ask sends a request as a browser does from the office's own pages; cookie nil is nobody.
func ask(t testing.TB, h http.Handler, method, target string, cookie *http.Cookie, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(""))
	r.Host = "127.0.0.1:8600"
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if cookie != nil {
		r.AddCookie(cookie)
	}
	for _, fn := range change {
		fn(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
