package sso_test

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/outward"
	"github.com/kizuki-security/kizuki/internal/platform/secret"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/sso"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/link"
)

// office is a running office with its provider.
type office struct {
	t        *testing.T
	db       *sqlite.DB
	clock    *sqlitetest.Clock
	accounts *account.Service
	svc      *sso.Service
	pages    *sso.Web
	staff    []sso.Person
	provider *provider
	texts    *i18n.Messages
	url      string
}

func open(t *testing.T) *office {
	t.Helper()
	clock := sqlitetest.NewClock("2026-11-26")
	o := &office{t: t, clock: clock, provider: newProvider(t, clock.Now)}
	o.db = sqlitetest.Open(t, clock, audit.Migrations(), link.Migrations(), account.Migrations())
	o.accounts = account.New(o.db, account.Config{Binding: account.Bind(map[actor.Role][]actor.Permission{actor.Admin: {account.PermManage}})})
	box, err := secret.Open(t.TempDir(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o.svc = sso.New(o.db, o.accounts, sso.Config{
		Secrets: box, Staff: func(context.Context, *sqlite.Tx) ([]sso.Person, error) { return o.staff, nil },
	})
	if o.texts, err = i18n.New(web.Messages(), account.Messages(), sso.Messages(), outward.Messages(), link.Messages()); err != nil {
		t.Fatal(err)
	}
	auth := account.NewAuth(o.accounts, false, nil)
	rt := web.NewRouter(web.Config{Log: slog.New(slog.DiscardHandler), Messages: o.texts, Now: clock.Now, Authenticate: auth.Authenticate})
	account.NewWeb(o.accounts, auth, rt.Shell()).Routes(rt)
	o.pages = sso.NewWeb(o.svc, auth, rt.Shell())
	o.pages.Routes(rt)
	auth.Elsewhere = o.pages.Elsewhere
	rt.Handle("GET /{$}", web.SignedIn, func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.WriteString(w, "home of "+actor.From(r.Context()).Name)
		return err
	})
	server := httptest.NewServer(rt.Handler())
	t.Cleanup(server.Close)
	o.url = server.URL
	return o
}

func command(t *testing.T) context.Context {
	t.Helper()
	return actor.With(t.Context(), actor.Command())
}

func (o *office) set() sso.Settings {
	return sso.Settings{Enabled: true, Issuer: o.provider.url, Client: clientID, Private: true}
}

// save stores settings over whatever is there.
func (o *office) save(set sso.Settings, plain string) error {
	o.t.Helper()
	ctx := command(o.t)
	err := o.db.Read(ctx, func(tx *sqlite.Tx) error {
		now, err := o.svc.Settings(ctx, tx)
		set.Version = now.Version
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return o.svc.Save(ctx, set, plain)
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) add(login, person string, roles ...actor.Role) account.Account {
	o.t.Helper()
	a, err := o.accounts.Create(command(o.t), account.NewAccount{Login: login, Profile: account.Profile{Name: login, Person: person, Roles: roles}})
	o.must(err)
	return a
}

// browser keeps cookies and follows no redirect.
type browser struct {
	o      *office
	client *http.Client
}

func (o *office) browser() *browser {
	o.t.Helper()
	jar, err := cookiejar.New(nil)
	o.must(err)
	return &browser{o, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (b *browser) do(method, path string, form url.Values) (status int, to, body string) {
	b.o.t.Helper()
	r, err := http.NewRequestWithContext(b.o.t.Context(), method, b.o.url+path, strings.NewReader(form.Encode()))
	b.o.must(err)
	r.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := b.client.Do(r)
	b.o.must(err)
	defer func() {
		if err := res.Body.Close(); err != nil {
			b.o.t.Error(err)
		}
	}()
	text, err := io.ReadAll(res.Body)
	b.o.must(err)
	return res.StatusCode, res.Header.Get("Location"), string(text)
}

func (b *browser) get(path string) (status int, to, body string) {
	b.o.t.Helper()
	return b.do(http.MethodGet, path, nil)
}

// start presses the button and gives what the provider was asked.
func (b *browser) start() url.Values {
	b.o.t.Helper()
	status, to, body := b.get(sso.PathStart)
	if status != http.StatusSeeOther {
		b.o.t.Fatalf("start answers %d: %.400s", status, body)
	}
	u, err := url.Parse(to)
	b.o.must(err)
	b.o.provider.mu.Lock()
	defer b.o.provider.mu.Unlock()
	b.o.provider.asked = u.Query()
	return u.Query()
}

// back is what the provider's page sends the browser back with.
func back(asked url.Values, more ...string) url.Values {
	q := url.Values{"state": {asked.Get("state")}, "code": {"code " + asked.Get("state")}}
	for i := 0; i < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return q
}

func (b *browser) callback(q url.Values) (status int, to, body string) {
	b.o.t.Helper()
	return b.get(sso.PathCallback + "?" + q.Encode())
}

// home is what "/" shows, "" for who is not signed in.
func (b *browser) home() string {
	b.o.t.Helper()
	if status, _, body := b.get("/"); status == http.StatusOK {
		return body
	}
	return ""
}

// says tells whether a page shows the message.
func (o *office) says(body, key string) bool {
	return strings.Contains(body, o.texts.T("ja", key, nil))
}
