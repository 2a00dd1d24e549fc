package app_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/mail"
	"github.com/kizuki-security/kizuki/internal/platform/mail/mailtest"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/register/account/factor"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/account/signin"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/outbox"
)

// night is an office in which something happens while the administrator is away.
type night struct {
	a     *app.App
	clock *sqlitetest.Clock
	http  http.Handler
	who   map[actor.Role]*http.Cookie
}

func newNight(t *testing.T, cfg app.Config) *night {
	t.Helper()
	n := &night{clock: sqlitetest.NewClock("2026-11-23"), who: map[actor.Role]*http.Cookie{}}
	cfg.Now = n.clock.Now
	n.a = openWith(t, cfg)
	setUp(t, n.a)
	n.http = n.a.Router().Handler()
	for _, role := range actor.Roles() {
		n.who[role] = signIn(t, n.a, string(role), password)
	}
	return n
}

// get gives status and text of a page.
func (n *night) get(t *testing.T, as actor.Role, path, locale string) (int, string) {
	t.Helper()
	w := ask(t, n.http, http.MethodGet, path, n.who[as], func(r *http.Request) { r.Header.Set("Accept-Language", locale) })
	return w.Code, w.Body.String()
}

func (n *night) post(t *testing.T, as actor.Role, path string, form url.Values) int {
	t.Helper()
	return ask(t, n.http, http.MethodPost, path, n.who[as], post(form)).Code
}

const why = "管理者が入院。不審なサインインを止めるため"

func taking(more ...string) url.Values {
	form := url.Values{"role": {"admin"}, "hours": {"4"}, "reason": {why}, "current": {password}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

// TestEmergency: a keeper takes the role of the administrator for a night, all see it, it ends by itself, and another
// person reviews it.
func TestEmergency(t *testing.T) {
	t.Parallel()
	n := newNight(t, app.Config{PasswordAlone: true})
	if err := n.a.Outbox.SaveServer(app.AsCommand(t.Context()), mailtest.Start(t, mail.StartTLS).Settings, 0); err != nil {
		t.Fatal(err)
	}
	status := func(as actor.Role, path string, want int) {
		t.Helper()
		if got, _ := n.get(t, as, path, "ja"); got != want {
			t.Errorf("%s as %s: status %d, want %d", path, as, got, want)
		}
	}
	status(actor.Keeper, "/settings/accounts", http.StatusForbidden)
	if got := n.post(t, actor.Keeper, "/emergency/new", taking("current", "tigau")); got != http.StatusUnprocessableEntity {
		t.Errorf("with a wrong password: status %d", got)
	}
	if got := n.post(t, actor.Viewer, "/emergency/new", taking()); got != http.StatusForbidden {
		t.Errorf("an outsider: status %d", got)
	}
	status(actor.Keeper, "/settings/accounts", http.StatusForbidden)
	if got := n.post(t, actor.Keeper, "/emergency/new", taking()); got != http.StatusSeeOther {
		t.Fatalf("with everything: status %d", got)
	}
	if got := n.post(t, actor.Keeper, "/emergency/new", taking()); got != http.StatusConflict {
		t.Errorf("sent twice: status %d", got)
	}
	status(actor.Keeper, "/settings/accounts", http.StatusOK)
	status(actor.Keeper, "/people", http.StatusOK)
	status(actor.Employee, "/settings/accounts", http.StatusForbidden)
	n.seenByAll(t, map[string]string{"ja": "緊急時の権限を使用中", "en": "Emergency access in use"})
	n.told(t)

	// What is lent does not last: the own account gains nothing.
	if got := n.post(t, actor.Keeper, "/settings/accounts/new", url.Values{"login": {"new"}, "name": {"x"}, "roles": {"admin"}}); got != http.StatusForbidden {
		t.Errorf("a new administrator made with a lent role: status %d", got)
	}

	n.clock.Advance(4*time.Hour - time.Second)
	status(actor.Keeper, "/settings/accounts", http.StatusOK)
	n.clock.Advance(time.Second)
	status(actor.Keeper, "/settings/accounts", http.StatusForbidden)
	status(actor.Keeper, "/people", http.StatusOK)
	n.seenByAll(t, map[string]string{"ja": "緊急時の権限の確認待ち", "en": "Emergency access waiting for a review"})
	n.reviewed(t)
}

// seenByAll wants a sentence above the pages of every role, with name and reason.
func (n *night) seenByAll(t *testing.T, said map[string]string) {
	t.Helper()
	for role := range n.who {
		for locale, want := range said {
			if locale == "en" && role != actor.Employee { // one reader of it is enough
				continue
			}
			code, body := n.get(t, role, "/me", locale)
			if code != http.StatusOK || !strings.Contains(body, want) || !strings.Contains(body, why) || !strings.Contains(body, "keeper") {
				t.Errorf("/me in %s as %s: status %d, or the notice is missing", locale, role, code)
			}
		}
	}
	if _, body := n.get(t, actor.Admin, "/today", "ja"); !strings.Contains(body, "終わったら、ほかの人が確認してください") {
		t.Error("the list of the day does not ask for the review")
	}
}

// told wants one message to each who reviews: the first administrator, another, the approver.
func (n *night) told(t *testing.T) {
	t.Helper()
	err := n.a.DB.Read(t.Context(), func(tx *sqlite.Tx) error {
		all, err := n.a.Outbox.List(t.Context(), tx, outbox.Filter{})
		found := 0
		for _, e := range all {
			if e.Text == "app.notice" {
				found++
			}
		}
		if found != 3 {
			t.Errorf("%d messages, want one to each of the two administrators and to the approver", found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// reviewed goes through the review as each role.
func (n *night) reviewed(t *testing.T) {
	t.Helper()
	_, body := n.get(t, actor.Employee, "/emergency", "ja")
	page := regexp.MustCompile(`href="(/emergency/[0-9a-z]{26})"`).FindStringSubmatch(body)
	if page == nil {
		t.Fatal("the list has no link to the use")
	}
	for _, locale := range []string{"ja", "en"} {
		for _, path := range []string{"/emergency", "/emergency/new", "/emergency/setting", page[1], "/emergency/export?format=json"} {
			if code, _ := n.get(t, actor.Admin, path, locale); code != http.StatusOK {
				t.Errorf("%s in %s: status %d", path, locale, code)
			}
		}
	}
	note := url.Values{"note": {"操作記録を確かめた。理由は正しい。"}}
	if got := n.post(t, actor.Keeper, page[1]+"/review", note); got != http.StatusForbidden {
		t.Errorf("the person reviews the own use: status %d", got)
	}
	if got := n.post(t, actor.Approver, page[1]+"/review", url.Values{}); got != http.StatusUnprocessableEntity {
		t.Errorf("a review without a word: status %d", got)
	}
	if got := n.post(t, actor.Approver, page[1]+"/review", note); got != http.StatusSeeOther {
		t.Fatalf("review: status %d", got)
	}
	for role := range n.who {
		if _, body := n.get(t, role, "/me", "ja"); strings.Contains(body, why) {
			t.Errorf("reviewed, and still above the pages of %s", role)
		}
	}
	for locale, want := range map[string][]string{
		"ja": {"緊急時の権限を使い始めました", "緊急時の権限の使用を確認しました", why},
		"en": {"Started to use emergency access", "Reviewed a use of emergency access", why},
	} {
		_, body := n.get(t, actor.Admin, "/audit?object=emergency/", locale)
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("the audit log in %s does not say %q", locale, text)
			}
		}
	}
}

// TestEmergencyNeedsTheFactor: the role of the administrator asks for a second factor, also when it is lent.
func TestEmergencyNeedsTheFactor(t *testing.T) {
	t.Parallel()
	n := newNight(t, app.Config{})
	if got := n.post(t, actor.Keeper, "/emergency/new", taking()); got != http.StatusConflict {
		t.Errorf("without a factor: status %d", got)
	}
	if _, body := n.get(t, actor.Keeper, "/emergency/new", "ja"); !strings.Contains(body, `href="/me/factors"`) {
		t.Error("the form does not lead to the factors")
	}
	seed := enrol(t, n.a, string(actor.Keeper))
	n.clock.Advance(time.Minute)
	in := signInTwice(t, n, seed)
	n.who[actor.Keeper] = in
	n.clock.Advance(time.Minute)
	if got := n.post(t, actor.Keeper, "/emergency/new", taking()); got != http.StatusUnprocessableEntity {
		t.Errorf("without a code: status %d", got)
	}
	code := factor.CodeAt(seed, factor.StepOf(n.clock.Now()))
	if got := n.post(t, actor.Keeper, "/emergency/new", taking("code", code)); got != http.StatusSeeOther {
		t.Fatalf("with the code: status %d", got)
	}
	if got, _ := n.get(t, actor.Keeper, "/settings/accounts", "ja"); got != http.StatusOK {
		t.Errorf("the accounts: status %d", got)
	}
}

// signInTwice signs the keeper in with password and code.
func signInTwice(t *testing.T, n *night, seed []byte) *http.Cookie {
	t.Helper()
	first := ask(t, n.http, http.MethodPost, "/login", nil, post(url.Values{"login": {"keeper"}, "password": {password}})).Result()
	defer func() { _ = first.Body.Close() }() // it lies in memory
	for _, c := range first.Cookies() {
		if c.Name == "waiting" {
			token, _, err := n.a.SignIn.Finish(t.Context(), signin.Step{
				Waiting: c.Value, Code: factor.CodeAt(seed, factor.StepOf(n.clock.Now())), Client: session.Client{Address: "10.0.0.1"},
			})
			if err != nil {
				t.Fatal(err)
			}
			return &http.Cookie{Name: "session", Value: token}
		}
	}
	t.Fatal("the sign-in does not wait for its second step")
	return nil
}
