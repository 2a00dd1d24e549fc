package app_test

import (
	"bytes"
	"encoding/base32"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/mail"
	"github.com/kizuki-security/kizuki/internal/platform/mail/mailtest"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/factor"
	"github.com/kizuki-security/kizuki/internal/register/account/sso"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/people"
)

// logged is a log that several goroutines write.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// day in the life of an office: what is typed, sent and given out in TestLogNamesNobody.
const (
	hanako       = "hanako.tanaka@kojo.example"
	typedWrong   = "Typed-Wrong-7931"
	clientSecret = "client-secret-4711"
	fileName     = "田中花子_診断書"
)

// TestLogNamesNobody does what an office does all day, with failures, and reads the whole log at its most talkative:
// no names, addresses, logins, passwords, codes, tokens, cookies, file names or query strings (ASVS 5.0, 16.2.5).
func TestLogNamesNobody(t *testing.T) {
	t.Parallel()
	out := &logged{} // the clock stands: however slow the machine, the fourth wrong password comes while the first three have to wait
	a, err := app.Open(t.Context(), app.Config{Dir: t.TempDir(), Now: morning, PasswordAlone: true, Log: slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	o := &talk{T: t, a: a, h: a.Router().Handler(), secrets: map[string]string{
		"a family name": "田中", "a reading": "タナカ", "the company": "みどり精工", "a mail address": "@kojo.example", "a login": "hanako", "a password": password, "a wrong password": typedWrong,
		"a client secret": clientSecret, "a file name": "診断書", "a query": "q-tok3n", "an address of a person": "10.9.8.7", "a browser": "Hanako-Browser",
	}}
	o.setUpLink()
	setUp(t, a)
	o.signIns()
	o.lists()
	o.sheet()
	o.mails()
	o.company()
	o.broken()
	text := out.String()
	for _, part := range []string{"access refused", "request refused", "request failed", "key=account.wrong", "key=account.wait", "key=web.forbidden", "key=signin.code_wrong", "level=DEBUG"} {
		if !strings.Contains(text, part) {
			t.Errorf("the log lacks %q: the test does not show what it is for", part)
		}
	}
	for what, secret := range o.secrets {
		for line := range strings.Lines(text) {
			if secret != "" && strings.Contains(line, secret) {
				t.Errorf("the log holds %s: %s", what, line)
			}
		}
	}
}

// talk is the office of the test with all that must not be in its log.
type talk struct {
	*testing.T
	a       *app.App
	h       http.Handler
	hanako  *http.Cookie
	account string
	secrets map[string]string
}

func (o *talk) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

// ask sends a request as Hanako's browser does; want is the status, 0 for any.
func (o *talk) ask(want int, method, path string, cookie *http.Cookie, form url.Values) {
	o.Helper()
	w := ask(o.T, o.h, method, path, cookie, post(form), func(r *http.Request) {
		r.RemoteAddr = "10.9.8.7:5000"
		r.Header.Set("User-Agent", "Hanako-Browser/1")
	})
	if want != 0 && w.Code != want {
		o.Errorf("%s %s: status %d, want %d", method, strings.SplitN(path, "?", 2)[0], w.Code, want)
	}
	for _, c := range w.Result().Cookies() {
		if len(c.Value) > 20 {
			o.secrets["the cookie "+c.Name+" of "+path] = c.Value
		}
	}
}

// setUpLink opens the one-time address of the set-up, and one that somebody made up.
func (o *talk) setUpLink() {
	at, err := o.a.SetupLink(o.Context())
	o.must(err)
	u, err := url.Parse(at)
	o.must(err)
	o.secrets["the token of the set-up"] = u.Query().Get("token")
	o.ask(303, http.MethodGet, u.RequestURI(), nil, nil)
	o.ask(200, http.MethodGet, "/setup", &http.Cookie{Name: "setup", Value: u.Query().Get("token")}, nil)
	o.ask(401, http.MethodGet, "/setup", &http.Cookie{Name: "setup", Value: "q-tok3n-made-up"}, nil)
}

func (o *talk) signIns() {
	ctx := app.AsCommand(o.Context())
	person, err := o.a.People.Add(ctx, people.Person{FamilyName: "田中", GivenName: "花子", FamilyKana: "タナカ", GivenKana: "ハナコ", Email: hanako, Class: people.Employee, Mail: people.Yes, Internet: people.Yes, Joined: day("2020-04-01")})
	o.must(err)
	acc, err := o.a.Accounts.Create(ctx, account.NewAccount{Login: hanako, Password: password, Profile: account.Profile{Name: "田中花子", Person: person, Roles: []actor.Role{actor.Keeper}}})
	o.must(err)
	o.account = acc.Key
	for range 3 {
		o.ask(422, http.MethodPost, "/login", nil, url.Values{"login": {hanako}, "password": {typedWrong}})
	}
	o.ask(503, http.MethodPost, "/login", nil, url.Values{"login": {hanako}, "password": {typedWrong}})
	o.ask(422, http.MethodPost, "/login", nil, url.Values{"login": {typedWrong}, "password": {hanako}}) // the wrong way round
	o.hanako = signIn(o.T, o.a, string(actor.Keeper), password)
	o.ask(200, http.MethodGet, "/people?q=q-tok3n", o.hanako, nil)
	o.ask(403, http.MethodGet, "/settings/accounts?q=q-tok3n", o.hanako, nil)
	o.ask(404, http.MethodGet, "/nowhere/q-tok3n", o.hanako, nil)
	o.secrets["a session"] = o.hanako.Value

	seed := enrol(o.T, o.a, string(actor.Viewer))
	code := factor.CodeAt(seed, factor.StepOf(o.a.Config().Now())+1)
	o.secrets["a seed"], o.secrets["a code"] = base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed), code
	in, err := o.a.Accounts.SignIn(o.Context(), account.Attempt{Login: string(actor.Viewer), Password: password})
	o.must(err)
	o.secrets["a waiting sign-in"] = in.Waiting
	waiting := &http.Cookie{Name: "waiting", Value: in.Waiting}
	wrong := factor.CodeAt(seed, factor.StepOf(o.a.Config().Now())+9)
	o.secrets["a wrong code"] = wrong
	o.ask(422, http.MethodPost, "/login/second", waiting, url.Values{"code": {wrong}})
	o.ask(303, http.MethodPost, "/login/second", waiting, url.Values{"code": {code}})

	token, _, err := o.a.Accounts.PasswordLink(ctx, acc.Key)
	o.must(err)
	o.secrets["a password link"] = token
	o.ask(200, http.MethodGet, "/l/password/"+token, nil, nil)
	o.ask(422, http.MethodPost, "/l/password/"+token, nil, url.Values{"password": {"short"}, "again": {hanako}})
	o.ask(401, http.MethodGet, "/l/password/q-tok3n", nil, nil)
}

// lists imports a staff list with rows that are refused, and a file that is none.
func (o *talk) lists() {
	rows := []byte("社員番号,氏名,フリガナ,メールアドレス,区分,入社日\r\n1,田中 一郎,タナカ イチロウ,ichiro@kojo.example,正社員,2020-04-01\r\n1,田中 二郎,タナカ ジロウ,not-an-address-@kojo.example,なし,いつか\r\n")
	send(o.T, o.h, "/import/people", o.hanako, nil, "file", fileName+".csv", rows)
	send(o.T, o.h, "/import/people", o.hanako, nil, "file", fileName+".xlsx", []byte("PK\x03\x04 田中"))
}

// sheet answers an item and attaches files, good and bad.
func (o *talk) sheet() {
	at := "/sheet/" + o.a.Catalog.Latest("jama-japia").Key() + "/28"
	o.ask(0, http.MethodPost, at, o.hanako, url.Values{"answer-1": {"田中"}, "item": {hanako}, "note-1": {"田中花子が担当"}})
	o.ask(303, http.MethodPost, at+"/note", o.hanako, url.Values{"note": {"田中花子に聞く"}})
	for name, want := range map[string]int{".pdf": 303, ".exe": 415} {
		data := scan("").Data
		if name == ".exe" {
			data = []byte("MZ\x90\x00\x03\x00")
		}
		if got := send(o.T, o.h, at+"/attach", o.hanako, nil, "file", fileName+name, data).Code; got != want {
			o.Errorf("attach %s: status %d, want %d", name, got, want)
		}
	}
}

// mails sends a message to a server that refuses and names the person.
func (o *talk) mails() {
	ctx := app.AsCommand(o.Context())
	post := mailtest.Start(o.T, mail.StartTLS)
	post.Refuse = func(string, string) error {
		return &smtp.SMTPError{Code: 550, Message: "no mailbox for 田中 <" + hanako + ">"}
	}
	o.must(o.a.Outbox.SaveServer(ctx, post.Settings, 0))
	o.must(o.a.DB.Write(ctx, func(tx *sqlite.Tx) error { return o.a.Notice(ctx, tx, o.account, "outbox.test", nil) }))
	o.must(o.a.Jobs.RunDue(actor.With(o.Context(), actor.House())))
}

// company signs in at a provider that is not there, and comes back with answers that nobody asked for.
func (o *talk) company() {
	o.must(o.a.Company.Save(app.AsCommand(o.Context()), sso.Settings{Enabled: true, Private: true, Issuer: "https://127.0.0.1:1/tenant", Client: "kizuki"}, clientSecret))
	o.ask(503, http.MethodGet, "/login/company", nil, nil)
	o.ask(422, http.MethodGet, "/login/company/callback?code=q-tok3n&state=q-tok3n&error="+url.QueryEscape("田中"), nil, nil)
}

// broken takes away what pages need.
func (o *talk) broken() {
	o.must(o.a.DB.Write(o.Context(), func(tx *sqlite.Tx) error {
		_, err := tx.ExecContext(o.Context(), `ALTER TABLE org_sites RENAME TO org_gone`)
		return err
	}))
	o.ask(500, http.MethodGet, "/org?q=q-tok3n", o.hanako, nil)
}
