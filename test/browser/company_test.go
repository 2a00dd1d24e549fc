package browser

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"golang.org/x/text/language"

	"github.com/kizuki-security/kizuki/internal/app"
)

// users are the people that the provider knows.
type users []*storage.User

func (u users) ExampleClientID() string { return "service" }

func (u users) GetUserByID(id string) *storage.User {
	for _, user := range u {
		if user.ID == id {
			return user
		}
	}
	return nil
}

func (u users) GetUserByUsername(name string) *storage.User {
	for _, user := range u {
		if user.Username == name {
			return user
		}
	}
	return nil
}

// TestCompanyAccount signs in with the account of the company at a real OpenID provider (that of
// zitadel/oidc, certified), from the settings to the first page.
func TestCompanyAccount(t *testing.T) {
	t.Parallel()
	const password = "momiji-no-kouen-2026"
	a, err := app.Open(t.Context(), app.Config{Dir: t.TempDir(), Now: time.Now, Log: app.DiscardLog(), PasswordAlone: true, Watch: watch}) // the provider's clock is the real one
	if err != nil {
		t.Fatal(err)
	}
	err = a.Init(app.AsCommand(t.Context()), app.FirstOffice{
		Company: "みどり精工株式会社", FamilyName: "佐藤", GivenName: "花子", Login: "sato@midori.example", Password: password,
		Industry: "auto_parts", Size: "51-100", FiscalStart: 4, Level: "1", Roles: []string{"admin", "keeper"},
	})
	if err != nil {
		t.Fatal(err)
	}
	address := serve(t, a)
	issuer := provider(t, address+"/login/company/callback")

	b := newTab(t, address, wide)
	b.signIn("sato@midori.example", password)
	b.open("/settings/sso")
	for name, value := range map[string]string{"issuer": issuer, "client": "kizuki", "secret": "the-secret", "label": "Midori ID", "private": "yes"} {
		b.fill(name, value)
	}
	b.click("main form button.first")
	b.reads(".flash", "保存しました")
	b.click(`form[action="/settings/sso/test"] button`)
	b.reads("main .note", "クライアントIDとシークレットは正しいものです")
	b.shoot("company-settings")
	n := newTab(t, address, phone)
	n.signIn("sato@midori.example", password)
	n.open("/settings/sso?lang=en")
	n.reads("main", "Sign-in with company accounts")
	if w := eval[int](n, "document.documentElement.scrollWidth"); w > phone {
		t.Errorf("on a phone the settings are %d px wide", w)
	}
	n.shoot("company-settings-phone-en")
	b.open("/me")
	b.click(`form[action="/logout"] button`)
	b.shoot("company-login")

	// The person is another one than who set it up: a tab of its own, on a phone.
	p := newTab(t, address, phone)
	p.open("/login")
	p.reads("main", "Midori IDでサインイン")
	p.shoot("company-login-phone")
	p.click(`main a[href$="/login/company"]`)
	if at := p.at(); !strings.HasPrefix(at, issuer+"/login/") {
		t.Fatalf("the button leads to %s", at)
	}
	p.fill("username", "sato")
	p.fill("password", "verysecure")
	if got := p.click("button[type=submit]"); got != 200 || strings.HasPrefix(p.at(), "/login") {
		t.Fatalf("back at %s with status %d: %s", p.at(), got, p.text("main"))
	}
	p.open("/me")
	p.reads("main", "sato@midori.example")

	// Somebody whom the provider knows and the office does not.
	s := newTab(t, address, wide)
	s.open("/login")
	s.click(`main a[href$="/login/company"]`)
	s.fill("username", "guest")
	s.fill("password", "verysecure")
	if got := s.click("button[type=submit]"); got != http.StatusNotFound {
		t.Errorf("a stranger gets status %d", got)
	}
	s.reads("main", "アカウントがありません")
	s.shoot("company-failed")
	s.open("/login?lang=en")
	s.click(`main a[href$="/login/company"]`)
	if strings.HasPrefix(s.at(), issuer) {
		s.fill("username", "guest")
		s.fill("password", "verysecure")
		s.click("button[type=submit]")
	}
	s.reads("main", "No account belongs to this company account")
	for _, tab := range []*tab{b, p} {
		for _, complaint := range tab.complaints() {
			if !strings.Contains(complaint, issuer) { // its page lacks an icon
				t.Errorf("the browser complained: %s", complaint)
			}
		}
	}
}

// provider runs the OpenID provider and gives its issuer.
func provider(t testing.TB, callback string) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	issuer := "http://" + server.Listener.Addr().String()
	storage.RegisterClients(storage.WebClient("kizuki", "the-secret", callback))
	server.Config.Handler = exampleop.SetupServer(issuer, storage.NewStorage(users{
		{ID: "u-1", Username: "sato", Password: "verysecure", FirstName: "花子", LastName: "佐藤", Email: "sato@midori.example", EmailVerified: true, PreferredLanguage: language.Japanese},
		{ID: "u-2", Username: "guest", Password: "verysecure", Email: "guest@elsewhere.example", EmailVerified: true, PreferredLanguage: language.Japanese},
	}), nil, false)
	server.Start()
	t.Cleanup(server.Close)
	return issuer
}
