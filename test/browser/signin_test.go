package browser

import (
	"encoding/base32"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/register/account/factor"
)

// shownCode is what a phone would show now for the seed on the page of the authenticator app.
func shownCode(b *tab, now func() time.Time) string {
	b.t.Helper()
	seed, err := base32.StdEncoding.DecodeString(strings.ReplaceAll(b.text("#seed"), " ", ""))
	if err != nil {
		b.t.Fatalf("the page shows no seed: %v", err)
	}
	return factor.CodeAt(seed, factor.StepOf(now()))
}

// enrol sets an authenticator app up on the page of the factors and gives the recovery codes.
func enrol(b *tab, password string, now func() time.Time) (codes []string) {
	b.t.Helper()
	b.click(`main a[href="/me/factors/app/new"]`)
	b.fill("current", password)
	b.click("main button.first")
	b.shoot("signin-app")
	b.fill("code", shownCode(b, now))
	b.click("main button.first")
	b.reads("h1", "回復コード")
	b.shoot("signin-codes")
	return strings.Fields(b.text("ol.codes"))
}

// virtualKey plugs a security key into the tab that verifies its person at once.
func virtualKey(b *tab) webauthn.AuthenticatorID {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, webauthn.Enable, webauthn.EnableParams{})
	b.must("switch WebAuthn on", err)
	made, err := chromedp.Call(b.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: "ctap2", Transport: "internal", HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	b.must("plug a security key in", err)
	return made.AuthenticatorID
}

// TestPasskey registers a passkey at http://localhost, signs out, and signs in with it alone.
func TestPasskey(t *testing.T) {
	t.Parallel()
	_, address := sampleOffice(t)
	b := newTab(t, strings.Replace(address, "127.0.0.1", "localhost", 1), wide)
	virtualKey(b)
	b.signIn(app.DemoLogin, app.DemoPassword)
	b.open("/me/factors")
	b.reads("main", "見本の会社")
	b.click(`main a[href="/me/factors/passkeys/new"]`)
	b.shoot("signin-passkey")

	// A wrong password makes none.
	b.fill("current", "not the password")
	b.do("try", chromedp.Click(chromedp.CSS("main button.first")))
	b.wait(`!document.querySelector("form[data-passkey] [role=alert]").hidden`)
	b.reads("form[data-passkey] [role=alert]", "パスワード")
	b.complaints() // the browser notes the refused request

	b.fill("current", app.DemoPassword)
	b.click("main button.first")
	b.reads("h1", "回復コード")
	b.open("/me/factors")
	b.reads("main table", "localhost")
	b.shoot("signin-factors")
	b.open("/me")
	b.click(`form[action="/logout"] button`)
	if b.at() != "/login" {
		t.Fatalf("signing out leads to %s", b.at())
	}
	b.shoot("signin-login")
	before := sessionCookie(b)
	b.click(`form[data-passkey="get"] button`)
	if b.at() == "/login" || b.at() == "/login/passkey" {
		t.Fatalf("the passkey leads to %s: %s", b.at(), b.text("main"))
	}
	if after := sessionCookie(b); after == "" || after == before {
		t.Error("the session did not change")
	}
	b.open("/me")
	b.reads("main table", "パスキー")
	b.shoot("signin-me")

	// After the password the second step takes it too.
	b.click(`form[action="/logout"] button`)
	b.fill("login", app.DemoLogin)
	b.fill("password", app.DemoPassword)
	b.click("main button.first")
	if b.at() != "/login/second" {
		t.Fatalf("the password leads to %s", b.at())
	}
	b.shoot("signin-second")
	b.click(`form[data-passkey="get"] button`)
	b.open("/me")
	for _, complaint := range b.complaints() {
		t.Errorf("the browser complained: %s", complaint)
	}
}

// sessionCookie is the token that the browser holds, "" for none.
func sessionCookie(b *tab) string {
	b.t.Helper()
	found, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{})
	b.must("read the cookies", err)
	for _, c := range found.Cookies {
		if c.Name == "session" {
			return c.Value
		}
	}
	return ""
}

// TestSecondStepWithoutJavaScript sets an authenticator app up and signs in with it in a browser that runs no
// script, on a phone.
func TestSecondStepWithoutJavaScript(t *testing.T) {
	t.Parallel()
	a, address := sampleOffice(t)
	b := newTab(t, address, phone)
	b.withoutScripts()
	b.signIn(app.DemoLogin, app.DemoPassword)
	b.open("/me/factors")
	b.reads("main", "127.0.0.1") // why there is no passkey here
	codes := enrol(b, app.DemoPassword, a.Config().Now)
	if len(codes) < 10 {
		t.Fatalf("recovery codes: %v", codes)
	}
	b.open("/me")
	b.click(`form[action="/logout"] button`)
	b.fill("login", app.DemoLogin)
	b.fill("password", app.DemoPassword)
	b.click("main button.first")
	b.shoot("signin-second-phone")
	b.fill("code", "000000")
	b.click("main button.first")
	b.reads("main", "コードが違うか")
	b.fill("code", codes[len(codes)-1])
	b.click("main button.first")
	b.reads(".flash", "残りは9個")
	b.shoot("signin-factors-phone")
	for _, complaint := range b.complaints() {
		if !strings.Contains(complaint, "422") {
			t.Errorf("the browser complained: %s", complaint)
		}
	}
}

// TestNewPlaceIsShown: who signs in with a browser that the account never used is shown to the person in the
// browser that they have open, who ends it with one click.
func TestNewPlaceIsShown(t *testing.T) {
	t.Parallel()
	_, address := sampleOffice(t)
	b := newTab(t, address, phone)
	b.signIn(app.DemoLogin, app.DemoPassword)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	stranger := &http.Client{Jar: jar}
	ask := func(method, path string, form url.Values) (at string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, address+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept", "text/html")
		r.Header.Set("User-Agent", "Mozilla/5.0 (Windows NT 10.0) Firefox/150.0")
		res, err := stranger.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.Request.URL.Path
	}
	if at := ask(http.MethodPost, "/login", url.Values{"login": {app.DemoLogin}, "password": {app.DemoPassword}}); at == "/login" {
		t.Fatal("the stranger is not signed in")
	}
	b.open("/today")
	b.reads(".banner", "はじめての場所かブラウザー")
	b.click(".banner a")
	b.reads(".note", "Firefox/Windows")
	b.shoot("signin-unseen-phone")
	b.open("/me?lang=en")
	b.shoot("signin-unseen-phone-en")
	b.open("/me?lang=ja")
	b.click(`form[action="/me/sessions/alarm"] button`)
	b.reads(".flash", "1件終わらせました")
	if at := ask(http.MethodGet, "/me", nil); at != "/login" {
		t.Errorf("the stranger still gets %s", at)
	}
	if strings.Contains(b.text("main"), "はじめての場所か") {
		t.Error("the question is still open")
	}
}
