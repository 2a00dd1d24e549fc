package account_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/signin"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// site is a running office; browser keeps cookies and follows redirects.
type site struct {
	*office
	url string
}

func serve(t *testing.T, o *office) site {
	t.Helper()
	m, err := i18n.New(web.Messages(), account.Messages(), signin.Messages(), link.Messages())
	if err != nil {
		t.Fatal(err)
	}
	auth := account.NewAuth(o.svc, false, nil)
	rt := web.NewRouter(web.Config{
		Log: slog.New(slog.DiscardHandler), Messages: m, Now: o.clock.Now, Authenticate: auth.Authenticate,
	})
	account.NewWeb(o.svc, auth, rt.Shell()).Routes(rt)
	signin.NewWeb(signin.New(o.db, o.svc, signin.Config{}), auth, rt.Shell()).Routes(rt)
	rt.Handle("GET /{$}", web.SignedIn, func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.WriteString(w, "home of "+actor.From(r.Context()).Name)
		return err
	})
	server := httptest.NewServer(rt.Handler())
	t.Cleanup(server.Close)
	return site{o, server.URL}
}

type browser struct {
	t      *testing.T
	site   site
	client *http.Client
	agent  string
	lang   string
}

func (s site) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, site: s, client: &http.Client{Jar: jar}, agent: "Test 1.0", lang: "ja"}
}

// do sends a request and returns status, body and the path it ended at.
func (b *browser) do(method, path string, form url.Values) (status int, body, at string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.site.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("User-Agent", b.agent)
	req.Header.Set("Accept-Language", b.lang)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if cerr := res.Body.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, string(text), res.Request.URL.Path
}

func (b *browser) get(path string) (int, string) {
	b.t.Helper()
	status, body, _ := b.do(http.MethodGet, path, nil)
	return status, body
}

// post sends name, value, name, value ….
func (b *browser) post(path string, pairs ...string) (int, string, string) {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, path, form)
}

func (b *browser) signIn(login string) {
	b.t.Helper()
	if status, body, at := b.post("/login", "login", login, "password", good); status != http.StatusOK || at != "/" {
		b.t.Fatalf("sign-in ends at %s with %d: %s", at, status, body)
	}
}

var (
	unresolved = regexp.MustCompile(`\[(account|web|link|actor)\.[a-z_.0-9]+\]|\{[a-z]+\}|<no value>`)
	japanese   = regexp.MustCompile(`[\p{Hiragana}\p{Katakana}\p{Han}]+`)
)

// page gets a page and checks what holds for every one.
func (b *browser) page(path string) {
	b.t.Helper()
	status, body := b.get(path)
	if status != http.StatusOK {
		b.t.Fatalf("%s gives %d: %s", path, status, body)
	}
	checkPage(b.t, path, b.lang, body)
}

func checkPage(t *testing.T, name, lang, body string) {
	t.Helper()
	if found := unresolved.FindString(body); found != "" {
		t.Errorf("%s in %s shows %s", name, lang, found)
	}
	if n := strings.Count(body, "<h1"); n != 1 {
		t.Errorf("%s in %s has %d headings", name, lang, n)
	}
	if n := strings.Count(body, `class="lead"`); n != 1 {
		t.Errorf("%s in %s has %d leads", name, lang, n)
	}
	if n := len(regexp.MustCompile(`class="(btn )?first"`).FindAllString(body, -1)); n > 1 {
		t.Errorf("%s in %s has %d primary buttons", name, lang, n)
	}
	if strings.Contains(body, "style=") || strings.Contains(body, "<script>") {
		t.Errorf("%s in %s breaks the content security policy", name, lang)
	}
	if lang == "en" {
		// The language switch, and what the office itself holds in Japanese.
		rest := strings.NewReplacer(">日本語<", "><", "総務課", "", "製造部", "", "佐藤 花子", "", "鈴木 一郎", "").Replace(body)
		if found := japanese.FindString(rest); found != "" {
			t.Errorf("%s in English says %s", name, found)
		}
	}
}

func TestEveryPageInBothLanguages(t *testing.T) {
	t.Parallel()
	for _, lang := range i18n.Locales {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			s := serve(t, o)
			nobody := s.browser(t)
			nobody.lang = lang
			nobody.page("/login") // before the set-up
			chief := o.add(t, "chief", actor.Admin, actor.Approver)
			p := account.Profile{Name: "Expert", Person: "GONE", Roles: []actor.Role{actor.Advisor, actor.Viewer}, Ends: jdate.On(2026, 12, 31), Scope: []string{"D2"}}
			if _, err := o.svc.Create(o.ctx, account.NewAccount{Login: "x1", Profile: p}); keys(err) != "person:account.person_unknown" {
				t.Fatal(err)
			}
			p.Person = ""
			expert, err := o.svc.Create(o.ctx, account.NewAccount{Login: "expert", Profile: p})
			check(t, err)
			closed := o.add(t, "closed", actor.Keeper)
			check(t, o.svc.SetDisabled(o.ctx, closed.Key, true))
			token, _, err := o.svc.PasswordLink(o.ctx, expert.Key)
			check(t, err)
			nobody.page("/login")
			nobody.page("/l/password/" + token)
			_, body, _ := nobody.post("/l/password/"+token, "password", "short", "again", "other")
			checkPage(t, "reset again", lang, body)
			_, body, _ = nobody.post("/login")
			checkPage(t, "login again", lang, body)

			b := s.browser(t)
			b.lang = lang
			b.signIn("chief")
			for _, path := range []string{
				"/me", "/settings/accounts", "/settings/accounts?state=ended&q=zzz", "/settings/accounts/new",
				"/settings/accounts/" + chief.Key, "/settings/accounts/" + expert.Key, "/settings/accounts/" + closed.Key,
			} {
				b.page(path)
			}
			_, body, _ = b.post("/me/password", "current", "x")
			checkPage(t, "me again", lang, body)
			_, body, _ = b.post("/settings/accounts/new", "roles", "advisor", "scope", "D9", "ends", "soon")
			checkPage(t, "new again", lang, body)
			_, body, _ = b.post("/settings/accounts/new", "login", "new1", "name", "New", "scope", "D9")
			checkPage(t, "new again", lang, body)
			_, body, _ = b.post("/settings/accounts/" + expert.Key + "/link")
			checkPage(t, "link", lang, body)
			if !strings.Contains(body, "https://kizuki.example.co.jp/l/password/") || !strings.Contains(body, `<svg class="qr"`) {
				t.Error("the link page shows no link")
			}
			for _, path := range []string{"close", "open", "sessions"} {
				_, body, _ = b.post("/settings/accounts/" + expert.Key + "/" + path)
				checkPage(t, path, lang, body)
			}
		})
	}
}

func TestEveryMessageOfRolesAndStates(t *testing.T) {
	t.Parallel()
	m, err := i18n.New(web.Messages(), account.Messages())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range actor.Roles() {
		for _, key := range []string{"account.role." + string(r), "account.role." + string(r) + "_does"} {
			if !m.Has(key) {
				t.Errorf("no message %s", key)
			}
		}
	}
}

func TestSignInByPage(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add(t, "sato", actor.Admin)
	s := serve(t, o)
	b := s.browser(t)
	status, body, at := b.post("/login", "login", "sato", "password", better)
	if status != http.StatusUnprocessableEntity || at != "/login" || !strings.Contains(body, "ログイン名かパスワードが違います") {
		t.Errorf("wrong password: %d at %s", status, at)
	}
	if strings.Contains(body, better) {
		t.Error("the page repeats the password")
	}
	_, unknown, _ := b.post("/login", "login", "nobody", "password", better)
	if got, want := strings.ReplaceAll(unknown, "nobody", "sato"), body; got != want {
		t.Error("an unknown login gives another page than a wrong password")
	}
	b.signIn("sato")
	if _, body := b.get("/"); body != "home of sato" {
		t.Errorf("home says %q", body)
	}
	b.agent = "Test 2.0" // browsers update themselves
	if status, _ := b.get("/me"); status != http.StatusOK {
		t.Errorf("after an update of the browser: %d", status)
	}
	if status, _, at := b.post("/logout"); status != http.StatusOK || at != "/login" {
		t.Errorf("signing out ends at %s with %d", at, status)
	}
	if status, _ := b.get("/me"); status != http.StatusUnauthorized {
		t.Errorf("after signing out: %d", status)
	}
}

func TestStolenCookie(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add(t, "sato", actor.Admin)
	s := serve(t, o)
	owner := s.browser(t)
	owner.signIn("sato")
	thief := s.browser(t)
	thief.client.Jar = owner.client.Jar // the cookie, copied
	copied, err := cookiejar.New(nil)
	check(t, err)
	at, err := url.Parse(s.url)
	check(t, err)
	copied.SetCookies(at, owner.client.Jar.Cookies(at))
	thief.client.Jar = copied
	if status, _ := thief.get("/me"); status != http.StatusOK {
		t.Fatalf("the copied cookie gives %d; the test shows nothing", status)
	}
	if status, body, _ := owner.post("/me/password", "current", good, "password", better, "again", better); status != http.StatusOK {
		t.Fatalf("changing the password: %d %s", status, body)
	}
	if status, _ := thief.get("/me"); status != http.StatusUnauthorized {
		t.Errorf("the thief after the change: %d", status)
	}
	if status, _ := owner.get("/me"); status != http.StatusOK {
		t.Errorf("the owner after the change: %d", status)
	}
}

func TestSessionsByPage(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add(t, "sato", actor.Admin)
	s := serve(t, o)
	b, other := s.browser(t), s.browser(t)
	other.agent = "Lost tablet"
	b.signIn("sato")
	other.signIn("sato")
	_, body := b.get("/me")
	end := regexp.MustCompile(`/me/sessions/[a-z0-9]+/end`).FindAllString(body, -1)
	if len(end) != 1 || !strings.Contains(body, "Lost tablet") || !strings.Contains(body, "このブラウザー") {
		t.Fatalf("the page offers %v", end)
	}
	if status, _, _ := b.post(end[0]); status != http.StatusOK {
		t.Errorf("ending gives %d", status)
	}
	if status, _ := other.get("/me"); status != http.StatusUnauthorized {
		t.Errorf("the ended browser gets %d", status)
	}
	other.signIn("sato")
	if _, body, _ := b.post("/me/sessions/end"); !strings.Contains(body, "1件終わらせました") {
		t.Error("the page does not say how many ended")
	}
	if status, _ := other.get("/me"); status != http.StatusUnauthorized {
		t.Errorf("the other browser gets %d", status)
	}
}

func TestCookies(t *testing.T) {
	t.Parallel()
	for name, secure := range map[string]bool{"session": false, "__Host-session": true} {
		o := open(t)
		o.add(t, "sato", actor.Admin)
		auth := account.NewAuth(o.svc, secure, nil)
		rec := httptest.NewRecorder()
		auth.SignIn(rec, o.mustSignIn(t, "sato", good))
		c := rec.Result().Cookies()[0]
		if c.Name != name || !c.HttpOnly || c.Secure != secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("cookie is %+v", c)
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.AddCookie(c)
		r, viewer, err := auth.Authenticate(r)
		if err != nil || !viewer.SignedIn() || !viewer.Holds(string(account.PermManage)) || viewer.Holds("approve") || actor.From(r.Context()).Name != "sato" {
			t.Errorf("behind the cookie is %+v, %v", viewer, err)
		}
		forged := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		forged.AddCookie(&http.Cookie{Name: name, Value: "forged"})
		if _, viewer, err := auth.Authenticate(forged); err != nil || viewer.SignedIn() {
			t.Errorf("behind a forged cookie is %+v, %v", viewer, err)
		}
	}
}

func TestAccountsByPage(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add(t, "chief", actor.Admin)
	s := serve(t, o)
	b := s.browser(t)
	b.signIn("chief")
	status, body, at := b.post("/settings/accounts/new", "login", "sato", "name", "佐藤", "person", "P1", "roles", "keeper", "scope", "D1")
	if status != http.StatusOK || !strings.Contains(body, "パスワードを決めるリンクを渡してください") {
		t.Fatalf("adding ends at %s with %d: %s", at, status, body)
	}
	_, body, _ = b.post(at + "/link")
	path := regexp.MustCompile(`/l/password/[A-Za-z0-9_-]{43}`).FindString(body)
	sato := s.browser(t)
	if status, body, at := sato.post(path, "password", good, "again", good); status != http.StatusOK || at != "/login" {
		t.Fatalf("choosing a password ends at %s with %d: %s", at, status, body)
	}
	if status, _ := sato.get(path); status != http.StatusUnauthorized {
		t.Errorf("the used link gives %d", status)
	}
	sato.signIn("sato")
	if status, _ := sato.get("/settings/accounts"); status != http.StatusForbidden {
		t.Errorf("a keeper at the accounts gets %d", status)
	}

	// Two people edit: the second sees both values, and may then save over them.
	check(t, o.svc.Edit(o.ctx, strings.TrimPrefix(at, "/settings/accounts/"), 1, profile("first", actor.Keeper)))
	status, body, _ = b.post(at, "version", "1", "name", "second", "person", "P1", "roles", "keeper")
	if status != http.StatusConflict || !strings.Contains(body, "first") || !strings.Contains(body, "second") {
		t.Errorf("the conflict gives %d", status)
	}
	version := regexp.MustCompile(`name="version" value="(\d+)"`).FindStringSubmatch(body)[1]
	status, body, _ = b.post(at, "version", version, "name", "second", "person", "P1", "roles", "keeper", "roles", "admin", "roles", "approver")
	if status != http.StatusOK || !strings.Contains(body, "システム管理者と承認者を兼ねる") {
		t.Errorf("saving again gives %d", status)
	}

	status, body = b.get("/settings/accounts/export?format=json&q=second")
	var doc struct{ Sheets []struct{ Rows [][]any } }
	if err := json.Unmarshal([]byte(body), &doc); err != nil || status != http.StatusOK || len(doc.Sheets[0].Rows) != 1 || doc.Sheets[0].Rows[0][0] != "sato" {
		t.Errorf("export gives %d: %s", status, body)
	}
	if status, _ := b.get("/settings/accounts/export?format=exe"); status != http.StatusUnsupportedMediaType {
		t.Errorf("an unknown format gives %d", status)
	}
}

func TestFormsFromElsewhere(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add(t, "sato", actor.Admin)
	s := serve(t, o)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/login", strings.NewReader("login=sato&password="+url.QueryEscape(good)))
	check(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "https://evil.example")
	res, err := http.DefaultClient.Do(req)
	check(t, err)
	check(t, res.Body.Close())
	if res.StatusCode != http.StatusForbidden || len(res.Cookies()) != 0 {
		t.Errorf("a sign-in sent by another site gives %d", res.StatusCode)
	}
	var n int
	check(t, o.db.Read(o.ctx, func(tx *sqlite.Tx) error {
		return tx.QueryRowContext(o.ctx, `SELECT count(*) FROM account_sessions`).Scan(&n)
	}))
	if n != 0 {
		t.Error("another site signed somebody in")
	}
}
