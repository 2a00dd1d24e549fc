package setup_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/password"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/account/setup"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

const good = "kasa wo motte dekakeru"

// office records what the set-up hands to the other registers.
type office struct {
	clock    *sqlitetest.Clock
	db       *sqlite.DB
	accounts *account.Service
	svc      *setup.Service

	company  org.Company
	person   setup.FirstPerson
	requests []setup.Request
	refuse   error // what the profile answers
}

func open(t *testing.T) *office {
	t.Helper()
	o := &office{clock: sqlitetest.NewClock("2026-11-23")}
	o.db = sqlitetest.Open(t, o.clock, audit.Migrations(), link.Migrations(), account.Migrations())
	company := func(context.Context, *sqlite.Tx) (org.Company, error) {
		c := o.company
		c.NotApplicable = org.Leaves // a default that the set-up must keep
		return c, nil
	}
	o.accounts = account.New(o.db, account.Config{
		Binding: account.Bind(map[actor.Role][]actor.Permission{actor.Admin: {account.PermManage}}),
		Hasher:  password.New(password.Params{Time: 1, MemoryKiB: 64, Threads: 1}), Company: company,
	})
	o.svc = setup.New(o.db, o.accounts, setup.Config{
		Company: company,
		SaveCompany: func(ctx context.Context, _ *sqlite.Tx, c org.Company) error {
			if !actor.From(ctx).May(org.PermCompany) {
				return errors.New("the set-up may not save the profile")
			}
			o.company = c
			return o.refuse
		},
		CreatePerson: func(_ context.Context, _ *sqlite.Tx, p setup.FirstPerson) (string, error) {
			o.person = p
			return "P1", nil
		},
		SaveRequest: func(_ context.Context, _ *sqlite.Tx, r setup.Request) error {
			o.requests = append(o.requests, r)
			return nil
		},
	})
	return o
}

func (o *office) token(t *testing.T) string {
	t.Helper()
	token, err := o.svc.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func input() setup.Input {
	return setup.Input{
		Company: org.Company{Name: "みどり精工株式会社", Industry: "auto_parts", Size: "51-100", FiscalStart: time.April, TargetLevel: "2", TargetStar: "3"},
		Person:  setup.FirstPerson{FamilyName: "佐藤", GivenName: "花子"}, Login: "Sato", Password: good, Roles: []actor.Role{actor.Keeper},
	}
}

func keys(err error) string {
	var all []string
	for _, p := range problem.All(err) {
		all = append(all, strings.TrimPrefix(p.Field+":"+p.Key, ":"))
	}
	if err != nil && len(all) == 0 {
		return "internal: " + err.Error()
	}
	return strings.Join(all, " ")
}

func TestSetUpOnce(t *testing.T) {
	t.Parallel()
	o := open(t)
	stale := o.token(t)
	token := o.token(t)
	if err := o.svc.Check(t.Context(), stale); keys(err) != "account.setup.unknown" {
		t.Errorf("an earlier token: %q", keys(err))
	}
	if err := o.svc.Check(t.Context(), ""); keys(err) != "account.setup.unknown" {
		t.Errorf("no token: %q", keys(err))
	}
	in := input()
	in.Recipient, in.Due = "あおば自動車", jdate.On(2026, 12, 16)
	signedIn, err := o.svc.Do(t.Context(), token, in, session.Client{Address: "10.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	who, _, ok, err := o.accounts.Authenticated(t.Context(), signedIn)
	if err != nil || !ok || who.Name != "佐藤 花子" || who.Person != "P1" || !cmp.Equal(who.Roles, []actor.Role{actor.Admin, actor.Keeper}) || !who.Covers("") {
		t.Errorf("signed in is %+v, %v", who, err)
	}
	want := in.Company
	want.NotApplicable = org.Leaves
	if diff := cmp.Diff(want, o.company); diff != "" {
		t.Errorf("profile (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]setup.Request{{Recipient: "あおば自動車", Due: jdate.On(2026, 12, 16), TargetLevel: "2", TargetStar: "3"}}, o.requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}

	// The token is gone, whoever kept it.
	if err := o.svc.Check(t.Context(), token); keys(err) != "account.setup.done" {
		t.Errorf("the token again: %q", keys(err))
	}
	if _, err := o.svc.Do(t.Context(), token, in, session.Client{}); keys(err) != "account.setup.done" {
		t.Errorf("the set-up again: %q", keys(err))
	}
	if _, err := o.svc.Token(t.Context()); keys(err) != "account.setup.done" {
		t.Errorf("a new token: %q", keys(err))
	}
	if err := o.svc.Init(t.Context(), in); keys(err) != "account.setup.done" {
		t.Errorf("the set-up by command: %q", keys(err))
	}
}

func TestTwoBrowsersSetUp(t *testing.T) {
	t.Parallel()
	o := open(t)
	token := o.token(t)
	done := make(chan error)
	for range 2 {
		go func() {
			_, err := o.svc.Do(context.Background(), token, input(), session.Client{})
			done <- err
		}()
	}
	one, two := <-done, <-done
	if (one == nil) == (two == nil) {
		t.Errorf("both browsers get the same: %v and %v", one, two)
	}
}

func TestSetUpByCommand(t *testing.T) {
	t.Parallel()
	o := open(t)
	if err := o.svc.Init(t.Context(), input()); err != nil {
		t.Fatal(err)
	}
	if len(o.requests) != 0 {
		t.Errorf("nobody was named, but %v is kept", o.requests)
	}
	if _, err := o.accounts.SignIn(t.Context(), account.Attempt{Login: "sato", Password: good}); err != nil {
		t.Error(err)
	}
}

func TestSetUpRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*setup.Input)
		want   string
	}{
		{"no company", func(in *setup.Input) { in.Company.Name = "" }, "name:account.setup.company_needed"},
		{"unknown industry", func(in *setup.Input) { in.Company.Industry = "bakery" }, "industry:account.setup.industry_needed"},
		{"unknown size", func(in *setup.Input) { in.Company.Size = "some" }, "size:account.setup.size_needed"},
		{"no month", func(in *setup.Input) { in.Company.FiscalStart = 0 }, "fiscal_start:web.choose"},
		{"a deadline for nobody", func(in *setup.Input) { in.Due = jdate.On(2026, 12, 1) }, "recipient:account.setup.recipient_needed"},
		{"no name", func(in *setup.Input) { in.Person = setup.FirstPerson{} }, "family_name:account.setup.family_name_needed given_name:account.setup.given_name_needed"},
		{"a long name", func(in *setup.Input) { in.Person.FamilyName = strings.Repeat("あ", 41) }, "family_name:web.too_long"},
		{"no login", func(in *setup.Input) { in.Login = "" }, "login:account.login_needed"},
		{"an easy password", func(in *setup.Input) { in.Password = "password1234" }, "password:account.password.common"},
		{"the company as password", func(in *setup.Input) { in.Password = "みどり精工株式会社2026" }, "password:account.password.name"},
		{"an expert as first person", func(in *setup.Input) { in.Roles = []actor.Role{actor.Advisor} }, "roles:web.choose"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			token := o.token(t)
			in := input()
			tt.change(&in)
			if _, err := o.svc.Do(t.Context(), token, in, session.Client{}); keys(err) != tt.want {
				t.Errorf("error is %q, want %q", keys(err), tt.want)
			}
			if err := o.svc.Check(t.Context(), token); err != nil {
				t.Errorf("after a refusal the token gives %v", err)
			}
		})
	}
}

func TestPropose(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		answers     setup.Answers
		level, star string
	}{
		{"a small shop", setup.Answers{Important: "no", Leads: "no", Asked: "none"}, "1", ""},
		{"holds drawings", setup.Answers{Important: "yes", Leads: "no", Asked: "none"}, "2", ""},
		{"leads the industry", setup.Answers{Important: "no", Leads: "yes", Asked: "4"}, "3", "4"},
		{"asked for a star", setup.Answers{Important: "yes", Leads: "no", Asked: "3"}, "2", "3"},
		{"knows nothing", setup.Answers{Important: "unknown", Leads: "unknown", Asked: "unknown"}, "2", ""},
	}
	for _, tt := range tests {
		if level, star, _ := tt.answers.Propose(); level != tt.level || star != tt.star {
			t.Errorf("%s: level %s star %q, want %s %q", tt.name, level, star, tt.level, tt.star)
		}
	}
}

// browser is a person at the two pages.
type browser struct {
	t         *testing.T
	url, lang string
	client    *http.Client
}

func serve(t *testing.T, o *office, lang string) *browser {
	t.Helper()
	m, err := i18n.New(web.Messages(), account.Messages(), org.Messages())
	if err != nil {
		t.Fatal(err)
	}
	auth := account.NewAuth(o.accounts, false, nil)
	rt := web.NewRouter(web.Config{Log: slog.New(slog.DiscardHandler), Messages: m, Now: o.clock.Now, Authenticate: auth.Authenticate})
	setup.NewWeb(o.svc, auth, rt.Shell()).Routes(rt)
	rt.Handle("GET /{$}", web.SignedIn, func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.WriteString(w, "home of "+actor.From(r.Context()).Name)
		return err
	})
	server := httptest.NewServer(rt.Handler())
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, server.URL, lang, &http.Client{Jar: jar}}
}

func (b *browser) do(method, path string, form url.Values) (status int, body string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept-Language", b.lang)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		b.t.Fatal(err)
	}
	if res.Request.URL.RawQuery != "" {
		b.t.Errorf("the address still holds %s", res.Request.URL.RawQuery)
	}
	return res.StatusCode, string(text)
}

var (
	unresolved = regexp.MustCompile(`\[(account|web|org)\.[a-z_.0-9-]+\]|\{[a-z]+\}|<no value>`)
	hidden     = regexp.MustCompile(`<input type="hidden" name="([a-z_]+)" value="([^"]*)">`)
	picked     = regexp.MustCompile(`name="(target_level|target_star|roles)" value="([^"]*)" checked`)
)

// page checks what holds for both pages.
func (b *browser) page(name, body string) {
	b.t.Helper()
	if found := unresolved.FindString(body); found != "" {
		b.t.Errorf("%s in %s shows %s", name, b.lang, found)
	}
	if strings.Count(body, "<h1") != 1 || strings.Count(body, `class="lead"`) != 1 || strings.Count(body, `class="first"`) != 1 {
		b.t.Errorf("%s in %s: one heading, one lead, one primary button", name, b.lang)
	}
	if strings.Contains(body, good) {
		b.t.Errorf("%s in %s repeats the password", name, b.lang)
	}
	if b.lang == "en" {
		rest := strings.ReplaceAll(strings.ReplaceAll(body, ">日本語<", "><"), "みどり精工", "")
		if found := regexp.MustCompile(`[\p{Hiragana}\p{Katakana}\p{Han}]+`).FindString(rest); found != "" {
			b.t.Errorf("%s in English says %s", name, found)
		}
	}
}

func TestTwoPages(t *testing.T) {
	t.Parallel()
	for _, lang := range i18n.Locales {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			b := serve(t, o, lang)
			if status, _ := b.do(http.MethodGet, "/setup", nil); status != http.StatusUnauthorized {
				t.Errorf("without a token: %d", status)
			}
			token := o.token(t)
			status, body := b.do(http.MethodGet, setup.Path(token), nil)
			if status != http.StatusOK || strings.Contains(body, token) {
				t.Fatalf("the first page gives %d", status)
			}
			b.page("the first page", body)
			status, body = b.do(http.MethodPost, "/setup", url.Values{"step": {"1"}})
			if status != http.StatusUnprocessableEntity {
				t.Errorf("an empty first page gives %d", status)
			}
			b.page("the first page again", body)

			first := url.Values{
				"step": {"1"}, "name": {"みどり精工"}, "industry": {"auto_parts"}, "size": {"51-100"}, "fiscal_start": {"4"},
				"recipient": {"<b>A</b> Motors"}, "due": {"2026/12/16"}, "important": {"yes"}, "leads": {"no"}, "asked": {"3"},
			}
			status, body = b.do(http.MethodPost, "/setup", first)
			if status != http.StatusOK {
				t.Fatalf("the second page gives %d: %s", status, body)
			}
			b.page("the second page", body)
			second := url.Values{"step": {"2"}}
			for _, h := range hidden.FindAllStringSubmatch(body, -1) {
				second.Set(h[1], strings.NewReplacer("&lt;", "<", "&gt;", ">").Replace(h[2]))
			}
			for _, p := range picked.FindAllStringSubmatch(body, -1) {
				second.Add(p[1], p[2])
			}
			if second.Get("target_level") != "2" || second.Get("target_star") != "3" || !cmp.Equal(second["roles"], []string{"keeper"}) {
				t.Errorf("proposed are %v", second)
			}
			back := maps.Clone(second)
			back["step"] = []string{"back"}
			if status, body := b.do(http.MethodPost, "/setup", back); status != http.StatusOK || !strings.Contains(body, `value="みどり精工"`) {
				t.Errorf("going back gives %d", status)
			}
			status, body = b.do(http.MethodPost, "/setup", second)
			if status != http.StatusUnprocessableEntity {
				t.Errorf("an empty person gives %d", status)
			}
			b.page("the second page again", body)

			for k, v := range map[string]string{"family_name": "Sato", "given_name": "Hana", "login": "sato@example.co.jp", "password": good, "again": good, "base_address": b.url + "/"} {
				second.Set(k, v)
			}
			o.refuse = problem.Invalid("name", "web.choose") // the profile may refuse what the first page asked
			if _, body := b.do(http.MethodPost, "/setup", second); !strings.Contains(body, `id="f-name-e"`) {
				t.Error("the page with the field to change is not shown")
			}
			o.refuse = nil
			if status, body := b.do(http.MethodPost, "/setup", second); status != http.StatusOK || body != "home of Sato Hana" {
				t.Fatalf("finishing gives %d: %s", status, body)
			}
			if o.company.BaseAddress != b.url || o.person.Email != "sato@example.co.jp" || o.requests[len(o.requests)-1].Recipient != "<b>A</b> Motors" {
				t.Errorf("kept are %+v, %+v, %+v", o.company, o.person, o.requests)
			}
			if status, _ := b.do(http.MethodGet, setup.Path(token), nil); status != http.StatusUnauthorized {
				t.Errorf("the token again: %d", status)
			}
			if status, _ := b.do(http.MethodPost, "/setup", second); status != http.StatusUnauthorized {
				t.Errorf("the form again: %d", status)
			}
		})
	}
}
