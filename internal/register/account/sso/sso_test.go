package sso_test

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account/sso"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add("sato@midori.example", "", actor.Admin)
	b := o.browser()
	if _, _, body := b.get("/login"); o.says(body, "account.login.company") {
		t.Error("the sign-in page offers what is not set up")
	}
	if status, _, _ := b.get(sso.PathStart); status != http.StatusNotFound {
		t.Errorf("without a provider the button's address answers %d, want 404", status)
	}
	o.must(o.save(o.set(), clientSecret))
	if _, _, body := b.get("/login"); !o.says(body, "account.login.company") {
		t.Error("the sign-in page does not offer it")
	}
	asked := b.start()
	for name, want := range map[string]string{
		"response_type": "code", "client_id": clientID, "code_challenge_method": "S256", "redirect_uri": o.url + sso.PathCallback, "scope": "openid email profile",
	} {
		if got := asked.Get(name); got != want {
			t.Errorf("the provider is asked with %s=%q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(asked.Get(name)) < 43 {
			t.Errorf("%s is %q: too short to be unguessable", name, asked.Get(name))
		}
	}
	status, to, body := b.callback(back(asked, "iss", o.provider.url))
	if status != http.StatusSeeOther || to != "/" {
		t.Fatalf("the answer leads to %d %q: %.2000s", status, to, body)
	}
	if got := b.home(); got != "home of sato@midori.example" {
		t.Errorf("signed in: %q", got)
	}
	// The second time the link counts, whatever the mail address has become.
	o.provider.claims = map[string]any{"email": "married@midori.example"}
	again := o.browser()
	if _, to, _ := again.callback(back(again.start())); to != "/" {
		t.Error("the second sign-in fails")
	}
	// Signing out offers the provider's page as well.
	if status, _, _ := b.do(http.MethodPost, "/logout", nil); status != http.StatusSeeOther {
		t.Fatalf("sign out: %d", status)
	}
	if _, _, body := b.get("/login"); !o.says(body, "account.login.leave") {
		t.Error("nothing says that the company account is still signed in")
	}
	if _, to, _ := b.get("/logout/company"); to != o.provider.url+"/end?client_id="+clientID {
		t.Errorf("sign out there leads to %q", to)
	}
	if _, _, body := b.get("/login"); o.says(body, "account.login.leave") {
		t.Error("it is still said after signing out there")
	}
}

// TestRefusals bends the answer of an honest sign-in in one place after another.
func TestRefusals(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add("sato@midori.example", "", actor.Admin)
	o.must(o.save(o.set(), clientSecret))
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	o.must(err)
	hour := func(h int) int64 { return o.clock.Now().Add(time.Duration(h) * time.Hour).Unix() }
	for _, tc := range []struct {
		name, want string
		claims     map[string]any
		sign       func(header, claims map[string]any) string
		answer     []string // over the right parameters
		meta       map[string]any
	}{
		{name: "no state", want: "sso.not_asked", answer: []string{"state", ""}},
		{name: "another state", want: "sso.not_asked", answer: []string{"state", "x"}},
		{name: "no code", want: "sso.not_asked", answer: []string{"code", ""}},
		{name: "a made-up code", want: "sso.again", answer: []string{"code", "x"}},
		{name: "another issuer's answer", want: "sso.other_issuer", answer: []string{"iss", "https://evil.example"}},
		{name: "the issuer with a slash more", want: "sso.other_issuer", answer: []string{"iss", o.provider.url + "/"}},
		{name: "no issuer where one is promised", want: "sso.other_issuer", meta: map[string]any{"authorization_response_iss_parameter_supported": true}},
		{name: "cancelled there", want: "sso.declined", answer: []string{"error", "access_denied"}},
		{name: "registered wrongly", want: "sso.tell_admin", answer: []string{"error", "unauthorized_client"}},
		{name: "an error nobody knows", want: "sso.tell_admin", answer: []string{"error", "<script>alert(1)</script>"}},
		{name: "provider down", want: "sso.provider_down", answer: []string{"error", "temporarily_unavailable"}},
		{name: "nonce of another sign-in", want: "sso.token", claims: map[string]any{"nonce": "x"}},
		{name: "no nonce", want: "sso.token", claims: map[string]any{"nonce": nil}},
		{name: "for another audience", want: "sso.token", claims: map[string]any{"aud": "other"}},
		{name: "for several, made for another", want: "sso.token", claims: map[string]any{"aud": []string{clientID, "other"}, "azp": "other"}},
		{name: "for several, made for nobody", want: "sso.token", claims: map[string]any{"aud": []string{clientID, "other"}}},
		{name: "made for another", want: "sso.token", claims: map[string]any{"azp": "other"}},
		{name: "from another issuer", want: "sso.token", claims: map[string]any{"iss": "https://evil.example"}},
		{name: "expired", want: "sso.token", claims: map[string]any{"exp": hour(-1), "iat": hour(0)}},
		{name: "without an end", want: "sso.token", claims: map[string]any{"exp": nil}},
		{name: "not yet valid", want: "sso.token", claims: map[string]any{"nbf": hour(1)}},
		{name: "issued before it was asked for", want: "sso.token", claims: map[string]any{"iat": hour(-1)}},
		{name: "issued in the future", want: "sso.token", claims: map[string]any{"iat": hour(1)}},
		{name: "without subject", want: "sso.token", claims: map[string]any{"sub": nil}},
		{name: "an endless subject", want: "sso.token", claims: map[string]any{"sub": strings.Repeat("x", 400)}},
		{name: "of another access token", want: "sso.token", claims: map[string]any{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}},
		{name: "unsigned", want: "sso.token", sign: unsigned},
		{name: "signed with the public key as a secret", want: "sso.token", sign: hs256},
		{name: "signed with the client secret", want: "sso.token", sign: hsSecret},
		{name: "signed by a stranger", want: "sso.token", sign: signWith(stranger)},
		{name: "signature cut off", want: "sso.token", sign: parts},
		{name: "no token at all", want: "sso.token", sign: func(_, _ map[string]any) string { return "" }},
		{name: "mail not verified", want: "sso.mail_unverified", claims: map[string]any{"email_verified": false}},
		{name: "nothing said about the mail", want: "sso.mail_unverified", claims: map[string]any{"email_verified": nil}},
		{name: "a stranger's mail", want: "sso.no_account", claims: map[string]any{"email": "stranger@elsewhere.example"}},
		{name: "userinfo of nobody", want: "sso.mail_unverified", claims: map[string]any{"email": nil}},
	} {
		o.provider.claims, o.provider.sign, o.provider.meta = tc.claims, tc.sign, tc.meta
		if tc.sign == nil {
			o.provider.sign = rs256
		}
		o.must(o.save(o.set(), clientSecret)) // the provider is asked anew what it is
		b := o.browser()
		status, to, body := b.callback(back(b.start(), tc.answer...))
		if to != "" || status < 400 || status >= 600 || !o.says(body, tc.want) {
			t.Errorf("%s: status %d to %q, want %s in %.1500s", tc.name, status, to, tc.want, body)
		}
		if b.home() != "" || strings.Contains(body, "<script>alert") {
			t.Errorf("%s: signed in, or the page says what the stranger wants", tc.name)
		}
	}
}

// TestAnswersBelongToTheBrowserThatAsked: an answer counts in one browser, once, for ten minutes.
func TestAnswersBelongToTheBrowserThatAsked(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add("sato@midori.example", "", actor.Admin)
	o.must(o.save(o.set(), clientSecret))
	attacker, victim := o.browser(), o.browser()
	asked := attacker.start()
	if _, _, body := victim.callback(back(asked)); !o.says(body, "sso.not_asked") || victim.home() != "" {
		t.Error("an answer for another browser counts")
	}
	victim.start()
	o.provider.asked = asked
	if _, _, body := victim.callback(back(asked)); !o.says(body, "sso.not_asked") || victim.home() != "" {
		t.Error("the answer of one browser counts in another that asked too")
	}
	before := o.provider.tokens
	if _, to, _ := attacker.callback(back(asked)); to != "/" || o.provider.tokens != before+1 {
		t.Error("the browser that asked is refused")
	}
	// The same answer again, with the cookie kept by hand.
	b := o.browser()
	asked = b.start()
	u, err := url.Parse(o.url)
	o.must(err)
	kept := b.client.Jar.Cookies(u)
	if _, to, _ := b.callback(back(asked)); to != "/" {
		t.Fatal("the sign-in fails")
	}
	thief := o.browser()
	thief.client.Jar.SetCookies(u, kept)
	calls := o.provider.tokens
	if _, _, body := thief.callback(back(asked)); !o.says(body, "sso.used") || thief.home() != "" || o.provider.tokens != calls {
		t.Error("a used answer counts again, or troubles the provider")
	}
	late := o.browser()
	asked = late.start()
	o.clock.Advance(10 * time.Minute)
	if _, _, body := late.callback(back(asked)); !o.says(body, "sso.late") {
		t.Error("an answer after ten minutes counts")
	}
	changed := o.browser()
	asked = changed.start()
	o.must(o.save(o.set(), clientSecret))
	if _, _, body := changed.callback(back(asked)); !o.says(body, "sso.late") {
		t.Error("an answer counts although the settings changed")
	}
}

// TestCookie: the cookie of a sign-in on its way is out of reach of scripts and of other sites' forms, and
// holds nothing that can be read.
func TestCookie(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.must(o.save(o.set(), clientSecret))
	b := o.browser()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.url+sso.PathStart, nil)
	o.must(err)
	res, err := b.client.Do(r)
	o.must(err)
	o.must(res.Body.Close())
	cookies := res.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies", len(cookies))
	}
	c := cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 600 || c.Path != "/" || strings.Contains(c.Value, "state") {
		t.Errorf("the cookie is %s", c)
	}
}

// TestNoOpenRedirect: neither button nor answer leads anywhere that the request names.
func TestNoOpenRedirect(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add("sato@midori.example", "", actor.Admin)
	o.must(o.save(o.set(), clientSecret))
	b := o.browser()
	_, to, _ := b.get(sso.PathStart + "?next=https://evil.example&redirect_uri=https://evil.example")
	if strings.Contains(to, "evil") {
		t.Errorf("the button leads to %s", to)
	}
	q := back(b.start(), "next", "https://evil.example", "redirect_uri", "https://evil.example", "return_to", "//evil.example")
	if _, to, _ := b.callback(q); to != "/" {
		t.Errorf("the answer leads to %s", to)
	}
}

// TestSessionIsNew: whatever session a browser brings along, it ends, and the new one has another token.
func TestSessionIsNew(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add("sato@midori.example", "", actor.Admin)
	o.must(o.save(o.set(), clientSecret))
	b, u := o.browser(), func() *url.URL { u, _ := url.Parse(o.url); return u }()
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: "planted"}})
	token := func() string {
		for _, c := range b.client.Jar.Cookies(u) {
			if c.Name == "session" {
				return c.Value
			}
		}
		return ""
	}
	b.callback(back(b.start()))
	first := token()
	b.callback(back(b.start()))
	if first == "planted" || first == token() || b.home() == "" {
		t.Error("a session lives on through a sign-in")
	}
	old := o.browser()
	old.client.Jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: first}})
	if old.home() != "" {
		t.Error("the session before still counts")
	}
}

func TestWhoIsMeant(t *testing.T) {
	t.Parallel()
	mail := func(address string) map[string]any { return map[string]any{"sub": address, "email": address} }
	for _, tc := range []struct {
		name, want string // message, or the account's name
		joins      bool
		claims     map[string]any
		prepare    func(o *office)
	}{
		{name: "by the login", want: "sato@midori.example", claims: mail("SATO@midori.example")},
		{name: "by the mail of the person", want: "tanaka", claims: mail("tanaka@midori.example")},
		{name: "email_verified as text", want: "tanaka", claims: map[string]any{"email": "tanaka@midori.example", "email_verified": "true"}},
		{name: "two people with one mail", want: "sso.several", claims: mail("shared@midori.example")},
		{name: "nobody joins by default", want: "sso.no_account", claims: mail("new@midori.example")},
		{name: "joins from the staff list", want: "新田 新", joins: true, claims: mail("new@midori.example")},
		{name: "nobody joins from elsewhere", want: "sso.no_account", joins: true, claims: mail("stranger@elsewhere.example")},
		{name: "nobody joins unverified", want: "sso.mail_unverified", joins: true, claims: map[string]any{"email": "new@midori.example", "email_verified": false}},
		{name: "a closed account", want: "account.closed", claims: mail("closed@midori.example")},
		{name: "a closed account does not join anew", want: "account.closed", joins: true, claims: mail("closed@midori.example")},
		{name: "by the identifier", want: "tanaka", claims: map[string]any{"email": nil, "preferred_username": "T.Tanaka@corp"}, prepare: func(o *office) { o.expect("tanaka", "t.tanaka@corp") }},
		{name: "by the subject", want: "tanaka", claims: map[string]any{"email": nil, "sub": "0a1b"}, prepare: func(o *office) { o.expect("tanaka", "0a1b") }},
		{name: "an unverified mail is no identifier", want: "sso.mail_unverified", claims: map[string]any{"email": "t.tanaka@corp", "email_verified": false}, prepare: func(o *office) { o.expect("tanaka", "t.tanaka@corp") }},
		{name: "an account of somebody else there", want: "sso.linked_elsewhere", claims: mail("tanaka@midori.example"), prepare: func(o *office) {
			o.provider.claims = map[string]any{"sub": "first", "email": "tanaka@midori.example"}
			b := o.browser()
			b.callback(back(b.start()))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			o.staff = []sso.Person{{"p1", "田中", "Tanaka@midori.example"}, {"p2", "共", "shared@midori.example"}, {"p3", "同", "shared@midori.example"}, {"p4", "新田 新", "new@midori.example"}}
			o.add("sato@midori.example", "", actor.Admin)
			o.add("tanaka", "p1", actor.Keeper)
			o.add("tomo", "p2", actor.Keeper)
			closed := o.add("closed@midori.example", "", actor.Viewer)
			o.must(o.accounts.SetDisabled(command(t), closed.Key, true))
			set := o.set()
			set.Joins = tc.joins
			o.must(o.save(set, clientSecret))
			if tc.prepare != nil {
				tc.prepare(o)
			}
			o.provider.claims, o.provider.info = tc.claims, map[string]any{"sub": "sub-1"}
			if sub := tc.claims["sub"]; sub != nil {
				o.provider.info["sub"] = sub
			}
			o.provider.meta = map[string]any{"userinfo_endpoint": o.provider.url + "/userinfo"}
			o.must(o.save(set, clientSecret))
			b := o.browser()
			_, _, body := b.callback(back(b.start()))
			if got := b.home(); got != "home of "+tc.want && !o.says(body, tc.want) {
				t.Errorf("signed in as %q, want %s: %.1500s", got, tc.want, body)
			}
		})
	}
}

func (o *office) expect(login, identifier string) {
	o.t.Helper()
	ctx := command(o.t)
	var key string
	o.must(o.db.Read(ctx, func(tx *sqlite.Tx) error {
		a, err := o.accounts.ByLogin(ctx, tx, login)
		key = a.Key
		return err
	}))
	o.must(o.svc.Expect(ctx, key, identifier))
}

// TestUserinfo: the mail address may come from there, for the same person only.
func TestUserinfo(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add("sato@midori.example", "", actor.Admin)
	o.provider.claims = map[string]any{"email": nil, "email_verified": nil}
	o.provider.meta = map[string]any{"userinfo_endpoint": o.provider.url + "/userinfo"}
	o.must(o.save(o.set(), clientSecret))
	o.provider.info = map[string]any{"sub": "another", "email": "sato@midori.example", "email_verified": true}
	b := o.browser()
	if _, _, body := b.callback(back(b.start())); !o.says(body, "sso.token") || b.home() != "" {
		t.Error("the userinfo of another person counts")
	}
	o.provider.info["sub"] = "sub-1"
	if _, to, body := b.callback(back(b.start())); to != "/" {
		t.Errorf("the userinfo does not count: %.1500s", body)
	}
}

// TestSecondFactor: what the signed token says of factors reaches who decides, and no session is there before.
func TestSecondFactor(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add("sato@midori.example", "", actor.Admin)
	o.must(o.save(o.set(), clientSecret))
	var said []bool
	o.pages.After = func(w http.ResponseWriter, _ *http.Request, _ string, multi bool) (bool, error) {
		if said = append(said, multi); multi {
			return false, nil
		}
		w.Header().Set("Location", "/login/second")
		w.WriteHeader(http.StatusSeeOther)
		return true, nil
	}
	for _, tc := range []struct {
		claims map[string]any
		multi  bool
	}{
		{nil, false},
		{map[string]any{"amr": []string{"pwd"}}, false},
		{map[string]any{"amr": []string{"otp"}}, false},
		{map[string]any{"amr": []string{"pwd", "kba"}}, false},
		{map[string]any{"acr": "1"}, false},
		{map[string]any{"amr": []string{"pwd", "otp"}}, true},
		{map[string]any{"amr": []string{"hwk", "fpt"}}, true},
		{map[string]any{"amr": []string{"pwd", "mfa"}}, true},
		{map[string]any{"acr": "phrh"}, true},
	} {
		said, o.provider.claims = nil, tc.claims
		b := o.browser()
		_, to, _ := b.callback(back(b.start()))
		if len(said) != 1 || said[0] != tc.multi || (to == "/") != tc.multi || (b.home() != "") != tc.multi {
			t.Errorf("%v: asked %v, then to %q", tc.claims, said, to)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	o := open(t)
	good := o.set()
	for _, tc := range []struct {
		name, plain string
		change      func(s *sso.Settings)
		want        string
	}{
		{"no issuer", "x", func(s *sso.Settings) { s.Issuer = "" }, "sso.issuer_needed"},
		{"no client", "x", func(s *sso.Settings) { s.Client = "" }, "sso.client_needed"},
		{"no secret", "", func(*sso.Settings) {}, "sso.secret_needed"},
		{"plain http", "x", func(s *sso.Settings) { s.Issuer = "http://login.example.com" }, "sso.issuer_https"},
		{"plain http inside", "x", func(s *sso.Settings) { s.Issuer = "http://10.0.0.1" }, "sso.issuer_https"},
		{"this machine without the setting", "x", func(s *sso.Settings) { s.Private = false }, "outward.loopback"},
		{"a query", "x", func(s *sso.Settings) { s.Issuer = "https://login.example.com/?a=b" }, "sso.issuer_https"},
		{"the whole address", "x", func(s *sso.Settings) { s.Issuer += "/.well-known/openid-configuration" }, "sso.issuer_well_known"},
		{"metadata of a cloud", "x", func(s *sso.Settings) { s.Issuer = "https://169.254.169.254" }, "outward.never"},
		{"no address", "x", func(s *sso.Settings) { s.Issuer = "javascript:alert(1)" }, "outward.address"},
	} {
		set := good
		tc.change(&set)
		err := o.save(set, tc.plain)
		if all := problem.All(err); len(all) != 1 || all[0].Key != tc.want {
			t.Errorf("%s: %v, want %s", tc.name, err, tc.want)
		}
	}
	o.must(o.save(good, clientSecret))
	o.must(o.save(good, "")) // the secret stays
	moved := good
	moved.Issuer = "https://evil.example"
	if err := o.save(moved, ""); problem.CodeOf(err) != problem.CodeInvalid {
		t.Errorf("the secret travels to another issuer: %v", err)
	}
	if err := o.svc.Save(command(t), good, ""); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("an old page overwrites a new one: %v", err)
	}
	nobody := actor.With(t.Context(), actor.New(actor.Actor{Account: "x", Via: "session"}, nil))
	for name, err := range map[string]error{
		"save": o.svc.Save(nobody, good, ""), "expect": o.svc.Expect(nobody, "x", "y"), "unlink": o.svc.Unlink(nobody, "x"), "test": func() error { _, err := o.svc.Test(nobody); return err }(),
	} {
		if problem.CodeOf(err) != problem.CodeForbidden {
			t.Errorf("%s by who may not: %v", name, err)
		}
	}
	var stored string
	o.must(o.db.Read(t.Context(), func(tx *sqlite.Tx) error {
		return tx.QueryRowContext(t.Context(), `SELECT secret FROM account_sso`).Scan(&stored)
	}))
	if stored == "" || strings.Contains(stored, clientSecret) {
		t.Error("the secret is stored in the clear")
	}
}

// TestConnectionTest says what an administrator can act on.
func TestConnectionTest(t *testing.T) {
	t.Parallel()
	o := open(t)
	test := func() string {
		t.Helper()
		findings, err := o.svc.Test(command(t))
		if all := problem.All(err); len(all) > 0 {
			return all[0].Key
		}
		o.must(err)
		var keys []string
		for _, f := range findings {
			keys = append(keys, f.Key)
		}
		return strings.Join(keys, " ")
	}
	for _, step := range []struct {
		want    string
		prepare func()
	}{
		{"sso.save_first", func() {}},
		{"sso.test.found sso.test.client sso.test.end", func() { o.must(o.save(o.set(), clientSecret)) }},
		{"sso.test.found sso.test.client_wrong sso.test.end", func() { o.must(o.save(o.set(), "wrong")) }},
		{"sso.test.found sso.test.client_wrong sso.test.no_end", func() { o.provider.meta["end_session_endpoint"] = "http://end.example/" }},
		{"sso.endpoint_https", func() { o.provider.meta["token_endpoint"] = "http://token.example/" }},
		{"sso.endpoint_https", func() { o.provider.meta["authorization_endpoint"] = "javascript:alert(1)" }},
		{"sso.unreachable", func() { o.provider.meta["issuer"] = "https://evil.example" }},
		{"sso.unreachable", func() {
			set := o.set()
			set.Issuer += "/nowhere"
			o.must(o.save(set, clientSecret))
		}},
	} {
		step.prepare()
		if got := test(); got != step.want {
			t.Errorf("the test says %s, want %s", got, step.want)
		}
	}
	// Who signs in meanwhile is told whom to ask, and nothing about addresses.
	b := o.browser()
	status, _, body := b.get(sso.PathStart)
	if status != http.StatusServiceUnavailable || !o.says(body, "sso.tell_admin") || strings.Contains(body, o.provider.url) {
		t.Errorf("status %d: %.1500s", status, body)
	}
}

func TestSettingsPages(t *testing.T) {
	t.Parallel()
	o := open(t)
	a := o.add("sato@midori.example", "", actor.Admin)
	o.must(o.save(o.set(), clientSecret))
	b := o.browser()
	b.callback(back(b.start()))
	status, _, body := b.get(sso.PathSettings)
	if status != http.StatusOK || strings.Contains(body, clientSecret) || !strings.Contains(body, o.url+sso.PathCallback) || !o.says(body, "sso.unlink") {
		t.Fatalf("settings: %d %.3000s", status, body)
	}
	if status, _, body := b.do(http.MethodPost, sso.PathSettings+"/test", nil); status != http.StatusOK || !o.says(body, "sso.test.client") {
		t.Errorf("test: %d %.3000s", status, body)
	}
	form := url.Values{"issuer": {"nonsense"}, "client": {""}, "secret": {"typed-secret"}, "version": {"1"}, "enabled": {"yes"}}
	if status, _, body := b.do(http.MethodPost, sso.PathSettings, form); status != http.StatusUnprocessableEntity || strings.Contains(body, "typed-secret") || !o.says(body, "sso.client_needed") {
		t.Errorf("a wrong form: %d %.3000s", status, body)
	}
	form = url.Values{"issuer": {o.provider.url}, "client": {clientID}, "version": {"1"}, "enabled": {"yes"}, "private": {"yes"}, "label": {"Midori ID"}}
	if status, to, body := b.do(http.MethodPost, sso.PathSettings, form); status != http.StatusSeeOther || to != sso.PathSettings {
		t.Errorf("save: %d to %q %.3000s", status, to, body)
	}
	if _, _, body := o.browser().get("/login"); !strings.Contains(body, "Midori ID") {
		t.Error("the button does not bear the name")
	}
	for path, form := range map[string]url.Values{"/unlink": nil, "/expect": {"identifier": {"u123"}}} {
		if status, to, _ := b.do(http.MethodPost, sso.PathSettings+"/accounts/"+a.Key+path, form); status != http.StatusSeeOther || to != sso.PathSettings {
			t.Errorf("%s: %d to %q", path, status, to)
		}
	}
	if _, _, body := b.get(sso.PathSettings); !strings.Contains(body, "u123") || o.says(body, "sso.unlink") {
		t.Error("the page does not show what was done")
	}
}
