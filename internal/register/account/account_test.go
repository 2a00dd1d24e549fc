package account_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/password"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

const (
	good   = "kasa wo motte dekakeru"
	better = "ashita no asa wa hareru"
)

// binding gives every role something of its own, so that tests can see which roles count.
var binding = account.Bind(map[actor.Role][]actor.Permission{
	actor.Admin: {account.PermManage}, actor.Approver: {"approve"}, actor.Keeper: {"keep"}, actor.Viewer: {"view"}, actor.Advisor: {"advise"},
})

type office struct {
	clock  *sqlitetest.Clock
	db     *sqlite.DB
	svc    *account.Service
	hasher *password.Hasher
	ctx    context.Context // of the house
}

func cheap() *password.Hasher {
	return password.New(password.Params{Time: 1, MemoryKiB: 64, Threads: 1})
}

func open(t *testing.T) *office {
	t.Helper()
	o := &office{clock: sqlitetest.NewClock("2026-11-23"), hasher: cheap(), ctx: actor.With(t.Context(), actor.House())}
	o.db = sqlitetest.Open(t, o.clock, audit.Migrations(), link.Migrations(), account.Migrations())
	o.svc = o.service(o.hasher)
	return o
}

func (o *office) service(h *password.Hasher) *account.Service {
	return account.New(o.db, account.Config{
		Binding: binding, Hasher: h,
		Company: func(context.Context, *sqlite.Tx) (org.Company, error) {
			return org.Company{Name: "midoriseiko", BaseAddress: "https://kizuki.example.co.jp"}, nil
		},
		People: func(context.Context, *sqlite.Tx) ([]org.Choice, error) {
			return []org.Choice{{Key: "P1", Name: "佐藤 花子"}, {Key: "P2", Name: "鈴木 一郎"}}, nil
		},
		Departments: func(context.Context, *sqlite.Tx) ([]org.Choice, error) {
			return []org.Choice{{Key: "D1", Name: "総務課"}, {Key: "D2", Name: "製造部"}}, nil
		},
	})
}

func profile(name string, roles ...actor.Role) account.Profile {
	return account.Profile{Name: name, Person: "P1", Roles: roles}
}

// add makes an account with the password good.
func (o *office) add(t *testing.T, login string, roles ...actor.Role) account.Account {
	t.Helper()
	a, err := o.svc.Create(o.ctx, account.NewAccount{Login: login, Password: good, Profile: profile(login, roles...)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// as is the context of a person who acts with an account.
func (o *office) as(t *testing.T, login string) context.Context {
	t.Helper()
	var who actor.Actor
	err := o.db.Read(o.ctx, func(tx *sqlite.Tx) (err error) {
		who, err = o.svc.ActorOf(o.ctx, tx, login)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return actor.With(t.Context(), who)
}

func (o *office) account(t *testing.T, key string) (a account.Account) {
	t.Helper()
	err := o.db.Read(o.ctx, func(tx *sqlite.Tx) (err error) {
		a, err = o.svc.ByKey(o.ctx, tx, key)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (o *office) signIn(login, plain, address string) (string, error) {
	in, err := o.svc.SignIn(context.Background(), account.Attempt{Login: login, Password: plain, Client: session.Client{Address: address, Agent: "test"}})
	return in.Session, err
}

func (o *office) mustSignIn(t *testing.T, login, plain string) string {
	t.Helper()
	token, err := o.signIn(login, plain, "10.0.0.9")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (o *office) authenticated(t *testing.T, token string) (actor.Actor, bool) {
	t.Helper()
	who, _, ok, err := o.svc.Authenticated(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return who, ok
}

// keys are the message keys of a problem, with the fields.
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

func TestWhatAnAccountNeeds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		n    account.NewAccount
		want string
	}{
		{"a keeper", account.NewAccount{Login: "Sato", Profile: profile("佐藤", actor.Keeper)}, ""},
		{"a mail address, full-width", account.NewAccount{Login: " ｓａｔｏ@example.co.jp", Profile: profile("佐藤", actor.Keeper)}, ""},
		{"an expert with an end", account.NewAccount{Login: "expert", Profile: account.Profile{Name: "専門家", Roles: []actor.Role{actor.Advisor}, Ends: jdate.On(2027, 3, 31)}}, ""},
		{"nothing", account.NewAccount{}, "login:account.login_needed name:account.name_needed roles:account.role_needed"},
		{"a login with spaces", account.NewAccount{Login: "sa to", Profile: profile("佐藤", actor.Viewer)}, "login:account.login_form"},
		{"a login in kana", account.NewAccount{Login: "さとう", Profile: profile("佐藤", actor.Viewer)}, "login:account.login_form"},
		{"a taken login", account.NewAccount{Login: "TAKEN", Profile: profile("佐藤", actor.Viewer)}, "login:account.login_taken"},
		{"a role of ours that is none", account.NewAccount{Login: "a1", Profile: profile("佐藤", "boss")}, "roles:web.choose"},
		{"an approver nobody knows", account.NewAccount{Login: "a1", Profile: account.Profile{Name: "A", Roles: []actor.Role{actor.Approver}}}, "person:account.person_needed"},
		{"a person not on the list", account.NewAccount{Login: "a1", Profile: account.Profile{Name: "A", Person: "P9", Roles: []actor.Role{actor.Keeper}}}, "person:account.person_unknown"},
		{"a department not on the list", account.NewAccount{Login: "a1", Profile: account.Profile{Name: "A", Roles: []actor.Role{actor.Viewer}, Scope: []string{"D1", "D9"}}}, "scope:account.department_unknown"},
		{"an expert without end", account.NewAccount{Login: "a1", Profile: profile("A", actor.Advisor)}, "ends:account.end_needed"},
		{"an end for a keeper", account.NewAccount{Login: "a1", Profile: account.Profile{Name: "A", Person: "P1", Roles: []actor.Role{actor.Keeper}, Ends: 1}}, "ends:account.end_without_role"},
		{"an easy password", account.NewAccount{Login: "a1", Password: "password1234", Profile: profile("A", actor.Viewer)}, "password:account.password.common"},
		{"the company as password", account.NewAccount{Login: "a1", Password: "MidoriSeiko1", Profile: profile("A", actor.Viewer)}, "password:account.password.name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			o.add(t, "taken", actor.Viewer)
			a, err := o.svc.Create(o.ctx, tt.n)
			if keys(err) != tt.want {
				t.Fatalf("error is %q, want %q", keys(err), tt.want)
			}
			if err == nil {
				if diff := cmp.Diff(o.account(t, a.Key), a); diff != "" {
					t.Errorf("account (-stored +returned):\n%s", diff)
				}
				if a.Login != strings.ToLower(a.Login) || strings.ContainsAny(a.Login, " ｓ") {
					t.Errorf("login is %q", a.Login)
				}
			}
		})
	}
}

func TestRolesStopOnTheDayAfter(t *testing.T) {
	t.Parallel()
	o := open(t)
	p := account.Profile{Name: "専門家", Person: "P1", Roles: []actor.Role{actor.Keeper, actor.Advisor}, Ends: jdate.On(2026, 11, 30)}
	if _, err := o.svc.Create(o.ctx, account.NewAccount{Login: "both", Password: good, Profile: p}); err != nil {
		t.Fatal(err)
	}
	p.Roles, p.Person = []actor.Role{actor.Advisor}, ""
	only, err := o.svc.Create(o.ctx, account.NewAccount{Login: "only", Password: good, Profile: p})
	if err != nil {
		t.Fatal(err)
	}
	token := o.mustSignIn(t, "only", good)
	for _, tt := range []struct {
		day           string
		advise, opens bool
	}{{"2026-11-30", true, true}, {"2026-12-01", false, false}} {
		o.clock.SetDay(tt.day)
		if who := actor.From(o.as(t, "both")); who.May("advise") != tt.advise || !who.May("keep") {
			t.Errorf("on %s: advises %t, keeps %t", tt.day, who.May("advise"), who.May("keep"))
		}
		_, err := o.signIn("only", good, "10.0.0.9")
		if (err == nil) != tt.opens {
			t.Errorf("on %s signing in gives %v", tt.day, err)
		}
		if !tt.opens && keys(err) != "account.closed" {
			t.Errorf("on %s it says %q", tt.day, keys(err))
		}
	}
	if _, ok := o.authenticated(t, token); ok {
		t.Error("a session of an ended account still counts")
	}
	if got := o.account(t, only.Key).State(jdate.On(2026, 12, 1)); got != "ended" {
		t.Errorf("state is %q", got)
	}
}

func TestScopeReachesTheActor(t *testing.T) {
	t.Parallel()
	o := open(t)
	p := profile("佐藤", actor.Keeper)
	p.Scope = []string{"D2", "", "D2"}
	if _, err := o.svc.Create(o.ctx, account.NewAccount{Login: "sato", Password: good, Profile: p}); err != nil {
		t.Fatal(err)
	}
	who := actor.From(o.as(t, "sato"))
	if !who.Covers("D2") || who.Covers("D1") || who.Covers("") || who.Person != "P1" || who.Via != "account" {
		t.Errorf("actor is %+v", who)
	}
}

func TestNobodyChangesTheOwnRights(t *testing.T) {
	t.Parallel()
	o := open(t)
	chief, other := o.add(t, "chief", actor.Admin), o.add(t, "other", actor.Admin)
	invited, err := o.svc.Create(o.ctx, account.NewAccount{Login: "invited", Profile: profile("I", actor.Admin)}) // without password
	if err != nil {
		t.Fatal(err)
	}
	as := o.as(t, "chief")
	steps := []struct {
		name string
		act  func() error
		want string
	}{
		{"own name may change", func() error { return o.svc.Edit(as, chief.Key, 1, profile("Chief", actor.Admin)) }, ""},
		{"own roles may not", func() error { return o.svc.Edit(as, chief.Key, 2, profile("Chief", actor.Admin, actor.Approver)) }, "account.own_rights"},
		{"nor the own person", func() error {
			p := profile("Chief", actor.Admin)
			p.Person = "P2"
			return o.svc.Edit(as, chief.Key, 2, p)
		}, "account.own_rights"},
		{"nor be closed by oneself", func() error { return o.svc.SetDisabled(as, chief.Key, true) }, "account.own_closing"},
		{"another's roles may", func() error { return o.svc.Edit(as, other.Key, 1, profile("other", actor.Viewer)) }, ""},
		{"the last with a password stays, whoever acts", func() error { return o.svc.Edit(o.ctx, chief.Key, 2, profile("Chief", actor.Viewer)) }, "roles:account.last_admin"},
		{"and is not closed", func() error { return o.svc.SetDisabled(o.ctx, chief.Key, true) }, "account.last_admin"},
		{"an only one may take roles", func() error { return o.svc.Edit(as, chief.Key, 2, profile("Chief", actor.Admin, actor.Approver)) }, ""},
		{"but not lay administration down", func() error { return o.svc.Edit(as, chief.Key, 3, profile("Chief", actor.Approver)) }, "roles:account.last_admin"},
		{"an invited one who has a password counts", func() error { return o.svc.SetPassword(as, "invited", good) }, ""},
		{"then the first may go", func() error { return o.svc.SetDisabled(o.ctx, chief.Key, true) }, ""},
	}
	for _, s := range steps {
		if got := keys(s.act()); got != s.want {
			t.Fatalf("%s: %q, want %q", s.name, got, s.want)
		}
	}
	if a := o.account(t, chief.Key); !a.Disabled || a.AdminApproves() || !o.account(t, invited.Key).HasPassword {
		t.Errorf("chief is %+v", a)
	}
}

func TestAdminWhoApprovesIsSaidOpenly(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add(t, "chief", actor.Admin)
	banners := func() (n int) {
		t.Helper()
		err := o.db.Read(o.ctx, func(tx *sqlite.Tx) error {
			all, err := o.svc.Banners(o.ctx, tx)
			n = len(all)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	o.add(t, "boss", actor.Approver)
	if banners() != 0 {
		t.Error("two people share the roles, but a banner stands")
	}
	o.add(t, "both", actor.Admin, actor.Approver)
	if banners() != 1 {
		t.Error("one person administers and approves, but no banner stands")
	}
}

func TestTwoPeopleEdit(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add(t, "chief", actor.Admin)
	a := o.add(t, "sato", actor.Keeper)
	if err := o.svc.Edit(o.ctx, a.Key, a.Version, profile("first", actor.Keeper)); err != nil {
		t.Fatal(err)
	}
	err := o.svc.Edit(o.ctx, a.Key, a.Version, profile("second", actor.Viewer))
	if problem.CodeOf(err) != problem.CodeConflict || o.account(t, a.Key).Name != "first" {
		t.Errorf("the second gives %v", err)
	}
}

func TestOnlyManagersManage(t *testing.T) {
	t.Parallel()
	o := open(t)
	a := o.add(t, "sato", actor.Keeper, actor.Approver)
	as := o.as(t, "sato")
	for name, act := range map[string]func() error{
		"create": func() error {
			_, err := o.svc.Create(as, account.NewAccount{Login: "x1", Profile: profile("x", actor.Viewer)})
			return err
		},
		"edit":     func() error { return o.svc.Edit(as, a.Key, 1, profile("x", actor.Admin)) },
		"close":    func() error { return o.svc.SetDisabled(as, a.Key, true) },
		"password": func() error { return o.svc.SetPassword(as, "sato", better) },
		"link":     func() error { _, _, err := o.svc.PasswordLink(as, a.Key); return err },
		"sessions": func() error { _, err := o.svc.RevokeSessionsOf(as, a.Key); return err },
	} {
		if err := act(); problem.CodeOf(err) != problem.CodeForbidden {
			t.Errorf("%s gives %v", name, err)
		}
	}
	if err := o.svc.SetPassword(t.Context(), "sato", better); problem.CodeOf(err) != problem.CodeUnauthenticated {
		t.Errorf("nobody gives %v", err)
	}
}

func TestAuditKnowsNoNames(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add(t, "sato.hanako", actor.Admin)
	if _, err := o.signIn("sato.hanako", "wrong", "192.0.2.77"); err == nil {
		t.Fatal("a wrong password signs in")
	}
	if _, err := o.signIn("my secret password", "", "192.0.2.77"); err == nil {
		t.Fatal("an unknown login signs in")
	}
	token := o.mustSignIn(t, "sato.hanako", good)
	err := o.db.Read(o.ctx, func(tx *sqlite.Tx) error {
		rows, err := audit.List(o.ctx, tx, audit.Filter{})
		var acts []string
		for _, r := range rows {
			acts = append(acts, r.Act)
			for _, secret := range []string{"sato.hanako", "192.0.2.77", good, "my secret", token, "argon2"} {
				if strings.Contains(r.After+r.Object+r.Actor, secret) {
					t.Errorf("row %s holds %q", r.Act, secret)
				}
			}
		}
		want := []string{"account.signed_in", "account.sign_in_refused", "account.sign_in_refused", "account.created"}
		if diff := cmp.Diff(want, acts); diff != "" {
			t.Errorf("acts, newest first (-want +got):\n%s", diff)
		}
		_, verr := audit.Verify(o.ctx, tx)
		if verr != nil {
			t.Error(verr)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add(t, "sato", actor.Admin)
	o.mustSignIn(t, "sato", good)
	o.clock.Advance(20 * 24 * time.Hour)
	o.mustSignIn(t, "sato", good)
	o.clock.Advance(11 * 24 * time.Hour)
	err := o.db.Write(o.ctx, func(tx *sqlite.Tx) error {
		n, err := o.svc.Sweep(o.ctx, tx)
		if n != 1 {
			t.Errorf("swept %d sessions, want 1", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
