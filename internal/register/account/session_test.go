package account_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/password"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func TestEveryRefusalCostsTheSame(t *testing.T) {
	t.Parallel()
	o := open(t)
	chief := o.add(t, "chief", actor.Admin)
	o.add(t, "sato", actor.Keeper)
	closed := o.add(t, "closed", actor.Keeper)
	if err := o.svc.SetDisabled(o.ctx, closed.Key, true); err != nil {
		t.Fatal(err)
	}
	if _, err := o.svc.Create(o.ctx, account.NewAccount{Login: "invited", Profile: profile("I", actor.Keeper)}); err != nil {
		t.Fatal(err)
	}
	rows := func() (n int) {
		t.Helper()
		if err := o.db.Read(o.ctx, func(tx *sqlite.Tx) error {
			return tx.QueryRowContext(o.ctx, `SELECT count(*) FROM audit_log`).Scan(&n)
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	tests := []struct{ name, login, plain, want string }{
		{"wrong password", "sato", better, "account.wrong"},
		{"unknown login", "nobody", better, "account.wrong"},
		{"a login that cannot be", "さとう さん", better, "account.wrong"},
		{"no password set yet", "invited", better, "account.wrong"},
		{"closed, wrong password", "closed", better, "account.wrong"},
		{"empty password", "sato", "", "account.wrong"},
	}
	for i, tt := range tests {
		hashes, written := o.hasher.Hashes(), rows()
		_, err := o.signIn(tt.login, tt.plain, fmt.Sprint("10.0.1.", i))
		if keys(err) != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, keys(err), tt.want)
		}
		if n := o.hasher.Hashes() - hashes; n != 1 {
			t.Errorf("%s took %d hashes, want 1", tt.name, n)
		}
		if n := rows() - written; n != 1 {
			t.Errorf("%s wrote %d audit rows, want 1", tt.name, n)
		}
	}
	// What is closed is said only to who knows the password.
	if _, err := o.signIn("closed", good, "10.0.2.1"); keys(err) != "account.closed" {
		t.Errorf("closed, right password: %q", keys(err))
	}
	if o.account(t, chief.Key).SignedInAt != (time.Time{}) {
		t.Error("a refusal counts as a sign-in")
	}
}

func TestGuessingLocksNobodyOut(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add(t, "sato", actor.Keeper)
	o.add(t, "suzuki", actor.Keeper)
	before := o.hasher.Hashes()
	waits := 0
	for range 10_000 {
		_, err := o.signIn("sato", better, "10.9.9.9")
		if keys(err) == "account.wait" {
			waits++
		}
		o.clock.Advance(time.Second)
	}
	if tried := o.hasher.Hashes() - before; tried > 30 || tried < 5 || waits < 9_900 {
		t.Errorf("in three hours %d of 10,000 passwords were tried, %d had to wait", tried, waits)
	}
	if _, err := o.signIn("sato", good, "10.9.9.9"); problem.CodeOf(err) != problem.CodeUnavailable {
		t.Errorf("the guesser's machine gives %v", err)
	}
	if _, err := o.signIn("suzuki", good, "10.9.9.9"); err != nil {
		t.Errorf("another account at the guesser's machine: %v", err)
	}
	if _, err := o.signIn("sato", good, "10.0.0.9"); err != nil {
		t.Errorf("the owner at another machine: %v", err)
	}
	o.clock.Advance(15 * time.Minute)
	if _, err := o.signIn("sato", good, "10.9.9.9"); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

func TestFixation(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add(t, "sato", actor.Keeper)
	o.add(t, "mallory", actor.Keeper)
	planted := o.mustSignIn(t, "mallory", good) // put into the victim's browser
	in, err := o.svc.SignIn(t.Context(), account.Attempt{Login: "sato", Password: good, Old: planted, Client: session.Client{Address: "10.0.0.1"}})
	token := in.Session
	if err != nil {
		t.Fatal(err)
	}
	if token == planted {
		t.Error("the sign-in kept the token that the browser brought")
	}
	if _, ok := o.authenticated(t, planted); ok {
		t.Error("the planted session still counts")
	}
	if who, ok := o.authenticated(t, token); !ok || who.Name != "sato" || who.Via != "session" {
		t.Errorf("the new session is %+v", who)
	}
	// A made-up token is no session, before and after.
	if _, err := o.svc.SignIn(t.Context(), account.Attempt{Login: "sato", Password: good, Old: "made-up", Client: session.Client{Address: "10.0.0.1"}}); err != nil {
		t.Fatal(err)
	}
	if _, ok := o.authenticated(t, "made-up"); ok {
		t.Error("a made-up token is a session")
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		act  func(t *testing.T, o *office, key string, token string)
		open bool
	}{
		{"used all day long", func(t *testing.T, o *office, _, token string) {
			t.Helper()
			for range 6 * 3 {
				o.clock.Advance(8 * time.Hour)
				o.authenticated(t, token)
			}
		}, true},
		{"older than a week, however busy", func(t *testing.T, o *office, _, token string) {
			t.Helper()
			for range 7*3 + 1 {
				o.clock.Advance(8 * time.Hour)
				o.authenticated(t, token)
			}
		}, false},
		{"almost idle", func(_ *testing.T, o *office, _, _ string) { o.clock.Advance(12*time.Hour - time.Minute) }, true},
		{"idle", func(_ *testing.T, o *office, _, _ string) { o.clock.Advance(12 * time.Hour) }, false},
		{"signed out", func(t *testing.T, o *office, _, token string) {
			t.Helper()
			check(t, o.svc.SignOut(t.Context(), token))
		}, false},
		{"ended by an administrator", func(t *testing.T, o *office, key, _ string) {
			t.Helper()
			_, err := o.svc.RevokeSessionsOf(o.ctx, key)
			check(t, err)
		}, false},
		{"account closed", func(t *testing.T, o *office, key, _ string) {
			t.Helper()
			check(t, o.svc.SetDisabled(o.ctx, key, true))
		}, false},
		{"account closed and opened again", func(t *testing.T, o *office, key, _ string) {
			t.Helper()
			check(t, o.svc.SetDisabled(o.ctx, key, true))
			check(t, o.svc.SetDisabled(o.ctx, key, false))
		}, false},
		{"password set by an administrator", func(t *testing.T, o *office, _, _ string) {
			t.Helper()
			check(t, o.svc.SetPassword(o.ctx, "sato", better))
		}, false},
		{"password link made, not used", func(t *testing.T, o *office, key, _ string) {
			t.Helper()
			_, _, err := o.svc.PasswordLink(o.ctx, key)
			check(t, err)
		}, true},
		{"password reset", func(t *testing.T, o *office, key, _ string) {
			t.Helper()
			link, _, err := o.svc.PasswordLink(o.ctx, key)
			check(t, err)
			check(t, o.svc.ResetPassword(t.Context(), link, better))
		}, false},
		{"other sessions ended", func(t *testing.T, o *office, _, token string) {
			t.Helper()
			_, s, _, err := o.svc.Authenticated(t.Context(), token)
			check(t, err)
			n, err := o.svc.RevokeOthers(o.as(t, "sato"), s.Key)
			check(t, err)
			if n != 1 {
				t.Errorf("ended %d others, want 1", n)
			}
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			o.add(t, "chief", actor.Admin)
			a := o.add(t, "sato", actor.Keeper)
			o.mustSignIn(t, "sato", good) // another browser
			token := o.mustSignIn(t, "sato", good)
			tt.act(t, o, a.Key, token)
			if _, ok := o.authenticated(t, token); ok != tt.open {
				t.Errorf("the session counts: %t, want %t", ok, tt.open)
			}
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOneSessionEnds(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add(t, "sato", actor.Admin)
	o.add(t, "suzuki", actor.Keeper)
	first, second, strange := o.mustSignIn(t, "sato", good), o.mustSignIn(t, "sato", good), o.mustSignIn(t, "suzuki", good)
	keyOf := func(token string) string {
		_, s, _, err := o.svc.Authenticated(t.Context(), token)
		check(t, err)
		return s.Key
	}
	as := o.as(t, "sato")
	if err := o.svc.RevokeSession(as, keyOf(strange)); problem.CodeOf(err) != problem.CodeNotFound {
		t.Errorf("a stranger's session gives %v", err)
	}
	gone := keyOf(first)
	check(t, o.svc.RevokeSession(as, gone))
	if err := o.svc.RevokeSession(as, gone); problem.CodeOf(err) != problem.CodeNotFound {
		t.Errorf("an ended session gives %v", err)
	}
	for token, want := range map[string]bool{first: false, second: true, strange: true} {
		if _, ok := o.authenticated(t, token); ok != want {
			t.Errorf("session counts: %t, want %t", ok, want)
		}
	}
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	o := open(t)
	a := o.add(t, "sato", actor.Admin)
	token, other := o.mustSignIn(t, "sato", good), o.mustSignIn(t, "sato", good)
	as := o.as(t, "sato")
	change := func(current, plain string) (string, error) {
		return o.svc.ChangePassword(as, account.PasswordChange{Current: current, New: plain, Client: session.Client{Address: "10.0.0.9"}})
	}
	for _, tt := range []struct{ name, current, plain, want string }{
		{"wrong present one", better, better, "current:account.current_wrong"},
		{"the same again", good, good, "password:account.password.same"},
		{"too short", good, "short", "password:account.password.short"},
	} {
		if _, err := change(tt.current, tt.plain); keys(err) != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, keys(err), tt.want)
		}
	}
	o.clock.Advance(time.Hour)
	fresh, err := change(good, better)
	check(t, err)
	for name, s := range map[string]struct {
		token string
		want  bool
	}{"this browser, old token": {token, false}, "another browser": {other, false}, "this browser, new token": {fresh, true}} {
		if _, ok := o.authenticated(t, s.token); ok != s.want {
			t.Errorf("%s counts: %t", name, ok)
		}
	}
	if _, err := o.signIn("sato", good, "10.0.0.8"); keys(err) != "account.wrong" {
		t.Errorf("the old password: %q", keys(err))
	}
	o.mustSignIn(t, "sato", better)
	if at := o.account(t, a.Key).PasswordAt; !at.Equal(o.clock.Now()) {
		t.Errorf("password dates from %v", at)
	}
}

func TestPasswordLink(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.add(t, "chief", actor.Admin)
	a, err := o.svc.Create(o.ctx, account.NewAccount{Login: "sato", Profile: profile("佐藤", actor.Keeper)})
	check(t, err)
	link := func() string {
		t.Helper()
		token, _, err := o.svc.PasswordLink(o.ctx, a.Key)
		check(t, err)
		return token
	}
	first := link()
	second := link()
	if err := o.svc.ResetPassword(t.Context(), first, good); keys(err) != "link.revoked" {
		t.Errorf("an older link: %q", keys(err))
	}
	if err := o.svc.ResetPassword(t.Context(), second, "satosatosato"); keys(err) == "" {
		t.Error("the login is taken as password")
	}
	check(t, o.svc.ResetPassword(t.Context(), second, good))
	if err := o.svc.ResetPassword(t.Context(), second, better); keys(err) != "link.used" {
		t.Errorf("a used link: %q", keys(err))
	}
	o.mustSignIn(t, "sato", good)
	third := link()
	o.clock.Advance(24 * time.Hour)
	if err := o.svc.ResetPassword(t.Context(), third, better); keys(err) != "link.expired" {
		t.Errorf("a link of yesterday: %q", keys(err))
	}
	fourth := link()
	check(t, o.svc.SetDisabled(o.ctx, a.Key, true))
	if err := o.svc.ResetPassword(t.Context(), fourth, better); problem.CodeOf(err) != problem.CodeUnauthenticated {
		t.Errorf("a closed account: %v", err)
	}
	if _, _, err := o.svc.PasswordLink(o.ctx, a.Key); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("a link for a closed account: %v", err)
	}
}

func TestRehashWhenCostsChange(t *testing.T) {
	t.Parallel()
	o := open(t)
	a := o.add(t, "sato", actor.Admin)
	since := o.account(t, a.Key).PasswordAt
	o.clock.Advance(time.Hour)
	dearer := password.New(password.Params{Time: 2, MemoryKiB: 64, Threads: 1})
	o.svc = o.service(dearer)
	o.mustSignIn(t, "sato", good)
	if n := dearer.Hashes(); n != 2 {
		t.Errorf("the first sign-in took %d hashes, want one to check and one to store", n)
	}
	o.mustSignIn(t, "sato", good)
	if n := dearer.Hashes(); n != 3 {
		t.Errorf("the second sign-in took %d more hashes, want 1", n-2)
	}
	if at := o.account(t, a.Key).PasswordAt; !at.Equal(since) {
		t.Error("a new hash of the same password counts as a new password")
	}
}
