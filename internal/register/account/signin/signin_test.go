package signin_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/secret"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/factor"
	"github.com/kizuki-security/kizuki/internal/register/account/passkey"
	"github.com/kizuki-security/kizuki/internal/register/account/passkey/passkeytest"
	"github.com/kizuki-security/kizuki/internal/register/account/password"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/account/signin"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

const good = "kasa wo motte dekakeru"

var (
	here = passkey.Party{ID: "localhost", Origin: "http://localhost:8600"}
	desk = session.Client{Address: "10.0.0.9", Agent: "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0"}
)

type office struct {
	clock    *sqlitetest.Clock
	db       *sqlite.DB
	accounts *account.Service
	svc      *signin.Service
	ctx      context.Context // of the house
	notices  []string
}

func open(t *testing.T) *office {
	t.Helper()
	o := &office{clock: sqlitetest.NewClock("2026-11-23"), ctx: actor.With(t.Context(), actor.House())}
	o.db = sqlitetest.Open(t, o.clock, audit.Migrations(), link.Migrations(), account.Migrations())
	o.accounts = account.New(o.db, account.Config{
		Binding:       account.Bind(map[actor.Role][]actor.Permission{actor.Admin: {account.PermManage}, actor.Keeper: {"keep"}}),
		Hasher:        password.New(password.Params{Time: 1, MemoryKiB: 64, Threads: 1}),
		RequireFactor: func(roles []actor.Role) bool { return cmp.Equal(roles, []actor.Role{actor.Admin}) },
		Notice: func(_ context.Context, _ *sqlite.Tx, key, message string, _ problem.Args) error {
			o.notices = append(o.notices, key+" "+message)
			return nil
		},
	})
	box, err := secret.Open(t.TempDir(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o.svc = signin.New(o.db, o.accounts, signin.Config{Box: box, Rand: rand.Reader})
	return o
}

// add makes an account; the context is that of its person.
func (o *office) add(t *testing.T, login string, roles ...actor.Role) (account.Account, context.Context) {
	t.Helper()
	p := account.Profile{Name: login, Roles: roles}
	if len(roles) > 0 && roles[0] == actor.Keeper {
		p.Person = "P-" + login
	}
	a, err := o.accounts.Create(o.ctx, account.NewAccount{Login: login, Password: good, Profile: p})
	if err != nil {
		t.Fatal(err)
	}
	var who actor.Actor
	o.read(t, func(tx *sqlite.Tx) (err error) {
		who, err = o.accounts.ActorOf(o.ctx, tx, login)
		return err
	})
	return a, actor.With(t.Context(), who)
}

func (o *office) read(t *testing.T, act func(*sqlite.Tx) error) {
	t.Helper()
	if err := o.db.Read(o.ctx, act); err != nil {
		t.Fatal(err)
	}
}

func proof() signin.Proof { return signin.Proof{Password: good, Client: desk} }

// enrol sets up an authenticator app and gives its seed and the recovery codes.
func (o *office) enrol(ctx context.Context, t *testing.T) (seed []byte, codes []string) {
	t.Helper()
	if err := o.svc.OfferApp(ctx, proof()); err != nil {
		t.Fatal(err)
	}
	o.read(t, func(tx *sqlite.Tx) (err error) {
		seed, _, err = o.svc.OfferedSeed(ctx, tx)
		return err
	})
	codes, err := o.svc.ConfirmApp(ctx, o.code(seed), proof())
	if err != nil {
		t.Fatal(err)
	}
	o.clock.Advance(time.Minute) // past the code that the set-up used
	return seed, codes
}

func (o *office) code(seed []byte) string { return factor.CodeAt(seed, factor.StepOf(o.clock.Now())) }

// first does the first step.
func (o *office) first(t *testing.T, login string, c session.Client) account.Entry {
	t.Helper()
	in, err := o.accounts.SignIn(t.Context(), account.Attempt{Login: login, Password: good, Client: c})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func (o *office) signedIn(t *testing.T, token string) (who actor.Actor, ok bool) {
	t.Helper()
	who, _, ok, err := o.accounts.Authenticated(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return who, ok
}

func key(err error) string {
	if all := problem.All(err); len(all) > 0 {
		return all[0].Key
	}
	return fmt.Sprint(err)
}

func (o *office) acts(t *testing.T) string {
	t.Helper()
	var acts string
	o.read(t, func(tx *sqlite.Tx) error {
		return tx.QueryRowContext(o.ctx, `SELECT group_concat(act || ' ' || after, '; ') FROM (SELECT * FROM audit_log ORDER BY rowid)`).Scan(&acts)
	})
	return acts
}

func TestTwoSteps(t *testing.T) {
	t.Parallel()
	o := open(t)
	_, ctx := o.add(t, "sato", actor.Keeper)
	seed, codes := o.enrol(ctx, t)
	if len(codes) != 10 {
		t.Errorf("%d recovery codes", len(codes))
	}
	in := o.first(t, "sato", desk)
	if in.Session != "" || in.Waiting == "" {
		t.Fatalf("the password alone gives %+v", in)
	}
	if _, ok := o.signedIn(t, in.Waiting); ok {
		t.Error("a waiting sign-in counts as a session")
	}
	if _, _, err := o.svc.Finish(t.Context(), signin.Step{Waiting: in.Waiting, Code: "000000", Client: desk}); key(err) != "signin.code_wrong" {
		t.Errorf("a wrong code: %v", err)
	}
	right := signin.Step{Waiting: in.Waiting, Code: o.code(seed), Client: desk}
	token, left, err := o.svc.Finish(t.Context(), right)
	if err != nil || left != -1 {
		t.Fatalf("the right code: %v, %d left", err, left)
	}
	if who, ok := o.signedIn(t, token); !ok || who.Name != "sato" {
		t.Errorf("signed in as %q, %v", who.Name, ok)
	}
	if token == in.Waiting {
		t.Error("the token of the first step became the session")
	}
	if _, _, err := o.svc.Finish(t.Context(), right); problem.CodeOf(err) != problem.CodeUnauthenticated {
		t.Errorf("the same step again: %v", err)
	}
	again := o.first(t, "sato", desk)
	if _, _, err := o.svc.Finish(t.Context(), signin.Step{Waiting: again.Waiting, Code: right.Code, Client: desk}); key(err) != "signin.code_wrong" {
		t.Errorf("the same code again: %v", err)
	}
	token, left, err = o.svc.Finish(t.Context(), signin.Step{Waiting: again.Waiting, Code: codes[0], Client: desk})
	if err != nil || token == "" || left != 9 {
		t.Errorf("a recovery code: %v, %d left", err, left)
	}
	again = o.first(t, "sato", desk)
	if _, _, err := o.svc.Finish(t.Context(), signin.Step{Waiting: again.Waiting, Code: codes[0], Client: desk}); key(err) != "signin.code_wrong" {
		t.Errorf("the same recovery code again: %v", err)
	}
	if acts := o.acts(t); strings.Contains(acts, right.Code) || strings.Contains(acts, codes[0]) || strings.Contains(acts, factor.Text(seed)) {
		t.Error("the audit log holds a secret")
	}
}

// A session planted in the browser dies with the second step, and is not what comes out of it.
func TestFixation(t *testing.T) {
	t.Parallel()
	o := open(t)
	_, ctx := o.add(t, "sato", actor.Keeper)
	o.add(t, "mallory", actor.Keeper)
	seed, _ := o.enrol(ctx, t)
	planted := o.first(t, "mallory", desk).Session
	in := o.first(t, "sato", desk)
	if _, ok := o.signedIn(t, planted); !ok {
		t.Error("the first step alone ended a session")
	}
	token, _, err := o.svc.Finish(t.Context(), signin.Step{Waiting: in.Waiting, Code: o.code(seed), Old: planted, Client: desk})
	if err != nil {
		t.Fatal(err)
	}
	if token == planted {
		t.Error("the planted token is the session")
	}
	if _, ok := o.signedIn(t, planted); ok {
		t.Error("the planted session still counts")
	}
}

func TestWrongCodes(t *testing.T) {
	t.Parallel()
	o := open(t)
	a, ctx := o.add(t, "sato", actor.Keeper)
	seed, _ := o.enrol(ctx, t)
	guesser := session.Client{Address: "10.9.9.9"}
	refused, ended := 0, 0
	in := o.first(t, "sato", guesser)
	for range 10_000 {
		o.clock.Advance(time.Second)
		_, _, err := o.svc.Finish(t.Context(), signin.Step{Waiting: in.Waiting, Code: "000000", Client: guesser})
		switch problem.CodeOf(err) {
		case problem.CodeInvalid:
			refused++
		case problem.CodeUnauthenticated:
			ended++
			in = o.first(t, "sato", guesser)
		default: // anything else is not counted
		}
	}
	if refused > 40 || refused < 5 || ended == 0 {
		t.Errorf("in three hours %d codes were looked at; %d sign-ins ended", refused, ended)
	}
	if !strings.Contains(strings.Join(o.notices, "\n"), a.Key+" signin.notice.codes_wrong") {
		t.Errorf("the person did not hear of it: %v", o.notices)
	}
	mine := o.first(t, "sato", desk)
	if _, _, err := o.svc.Finish(t.Context(), signin.Step{Waiting: mine.Waiting, Code: o.code(seed), Client: desk}); err != nil {
		t.Errorf("the owner at another machine: %v", err)
	}
}

func TestWhoNeedsAFactor(t *testing.T) {
	t.Parallel()
	o := open(t)
	_, chief := o.add(t, "chief", actor.Admin)
	_, keeper := o.add(t, "sato", actor.Keeper)
	lacks := func(ctx context.Context) bool {
		t.Helper()
		yes, err := o.svc.Lacks(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return yes
	}
	if !lacks(chief) || lacks(keeper) {
		t.Errorf("chief lacks %v, keeper lacks %v", lacks(chief), lacks(keeper))
	}
	o.enrol(chief, t)
	if lacks(chief) {
		t.Error("the chief still lacks a factor")
	}
	if err := o.svc.RemoveApp(chief, proof()); key(err) != "signin.last_factor" {
		t.Errorf("the last factor of an administrator: %v", err)
	}
	o.enrol(keeper, t)
	if err := o.svc.RemoveApp(keeper, proof()); err != nil {
		t.Errorf("the last factor of a keeper: %v", err)
	}
	if in := o.first(t, "sato", desk); in.Session == "" {
		t.Error("after removing the factor a second step is asked")
	}
}

func TestPasswordIsAskedAgain(t *testing.T) {
	t.Parallel()
	o := open(t)
	_, ctx := o.add(t, "sato", actor.Keeper)
	o.enrol(ctx, t)
	wrong := signin.Proof{Password: "not the password", Client: desk}
	_, codesErr := o.svc.RenewCodes(ctx, wrong)
	_, _, keyErr := o.svc.BeginPasskey(ctx, here, wrong)
	for name, err := range map[string]error{
		"another app": o.svc.OfferApp(ctx, wrong), "new codes": codesErr, "a passkey": keyErr, "no app": o.svc.RemoveApp(ctx, wrong),
	} {
		if k := key(err); k != "account.current_wrong" && k != "account.wait" {
			t.Errorf("%s with a wrong password: %v", name, err)
		}
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	o := open(t)
	chief, asChief := o.add(t, "chief", actor.Admin)
	sato, asSato := o.add(t, "sato", actor.Keeper)
	o.enrol(asSato, t)
	o.enrol(asChief, t)
	if err := o.svc.Reset(asSato, chief.Key); problem.CodeOf(err) != problem.CodeForbidden {
		t.Errorf("by who may not: %v", err)
	}
	if err := o.svc.Reset(asChief, chief.Key); key(err) != "signin.own_reset" {
		t.Errorf("the own factor: %v", err)
	}
	waiting := o.first(t, "sato", desk).Waiting
	if err := o.svc.Reset(asChief, sato.Key); err != nil {
		t.Fatal(err)
	}
	if _, _, err := o.svc.Finish(t.Context(), signin.Step{Waiting: waiting, Code: "000000", Client: desk}); problem.CodeOf(err) != problem.CodeUnauthenticated {
		t.Errorf("a sign-in that waited: %v", err)
	}
	if in := o.first(t, "sato", desk); in.Session == "" {
		t.Error("the password alone does not open")
	}
	if err := o.svc.Reset(asChief, sato.Key); key(err) != "signin.nothing_to_reset" {
		t.Errorf("twice: %v", err)
	}
	if n := o.notices[len(o.notices)-1]; n != sato.Key+" signin.notice.factors_reset" {
		t.Errorf("the person heard %q", n)
	}
	if err := o.svc.Reset(actor.With(t.Context(), actor.Command()), chief.Key); err != nil { // kizuki user reset-factor
		t.Errorf("at the machine itself: %v", err)
	}
}

// A first factor ends what a password alone had opened; a further one does not.
func TestFirstFactorEndsOtherSessions(t *testing.T) {
	t.Parallel()
	o := open(t)
	_, ctx := o.add(t, "sato", actor.Keeper)
	other := o.first(t, "sato", desk).Session
	o.enrol(ctx, t)
	if _, ok := o.signedIn(t, other); ok {
		t.Error("a session opened by the password alone still counts")
	}
}

// register makes a passkey for who acts.
func (o *office) register(ctx context.Context, t *testing.T) *passkeytest.Authenticator {
	t.Helper()
	k := passkeytest.New(t)
	k.Counter = 1
	options, token, err := o.svc.BeginPasskey(ctx, here, proof())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.svc.AddPasskey(ctx, here, signin.NewPasskey{Token: token, Name: "事務所", Answer: k.Create(options, here.ID, here.Origin)}, proof()); err != nil {
		t.Fatal(err)
	}
	return k
}

func (o *office) passkey(t *testing.T, k *passkeytest.Authenticator, waiting, old string) (string, error) {
	t.Helper()
	options, token, err := o.svc.BeginSignIn(here, desk)
	if err != nil {
		t.Fatal(err)
	}
	return o.svc.SignIn(t.Context(), here, signin.PasskeyTry{Token: token, Answer: k.Get(options, here.ID, here.Origin), Waiting: waiting, Old: old, Client: desk})
}

func TestPasskey(t *testing.T) {
	t.Parallel()
	o := open(t)
	sato, ctx := o.add(t, "sato", actor.Keeper)
	suzuki, asSuzuki := o.add(t, "suzuki", actor.Keeper)
	o.add(t, "mallory", actor.Keeper)
	k := o.register(ctx, t)
	o.register(asSuzuki, t)
	planted := o.first(t, "mallory", desk).Session
	token, err := o.passkey(t, k, "", planted)
	if err != nil {
		t.Fatal(err)
	}
	if who, ok := o.signedIn(t, token); !ok || who.Name != "sato" {
		t.Errorf("signed in as %q", who.Name)
	}
	if _, ok := o.signedIn(t, planted); ok || token == planted {
		t.Error("the planted session still counts")
	}
	// After a password it is the second step of that account and of no other.
	if _, err := o.passkey(t, k, o.first(t, "sato", desk).Waiting, ""); err != nil {
		t.Errorf("as a second step: %v", err)
	}
	if _, err := o.passkey(t, k, o.first(t, "suzuki", desk).Waiting, ""); key(err) != "signin.passkey.other_account" {
		t.Errorf("for another account: %v", err)
	}
	k.Counter = 0
	if _, err := o.passkey(t, k, "", ""); key(err) != "signin.passkey.cloned" {
		t.Errorf("a counter that went back: %v", err)
	}
	if n := o.notices[len(o.notices)-1]; n != sato.Key+" signin.notice.cloned" {
		t.Errorf("the person heard %q", n)
	}
	if err := o.accounts.SetDisabled(o.ctx, sato.Key, true); err != nil {
		t.Fatal(err)
	}
	k.Counter = 100
	if _, err := o.passkey(t, k, "", ""); key(err) != "account.closed" {
		t.Errorf("a closed account: %v", err)
	}
	if err := o.svc.Reset(o.ctx, suzuki.Key); err != nil {
		t.Error(err)
	}
}

func TestNewPlaces(t *testing.T) {
	t.Parallel()
	o := open(t)
	a, ctx := o.add(t, "sato", actor.Keeper)
	unseen := func(present string) (n int) {
		t.Helper()
		o.read(t, func(tx *sqlite.Tx) error {
			found, err := session.Unseen(ctx, tx, a.ID, present)
			n = len(found)
			return err
		})
		return n
	}
	keyOf := func(token string) string {
		t.Helper()
		_, s, _, err := o.accounts.Authenticated(ctx, token)
		if err != nil {
			t.Fatal(err)
		}
		return s.Key
	}
	first := o.first(t, "sato", desk)
	newer := desk
	newer.Address, newer.Agent = "10.0.0.77", strings.ReplaceAll(desk.Agent, "140", "141")
	o.first(t, "sato", newer)
	if n := unseen(""); n != 0 || len(o.notices) != 0 {
		t.Errorf("the same network with a newer browser counts as new: %d, %v", n, o.notices)
	}
	thief := o.first(t, "sato", session.Client{Address: "192.0.2.7", Agent: "curl/8"})
	if n := unseen(keyOf(first.Session)); n != 1 || len(o.notices) != 1 || o.notices[0] != a.Key+" account.notice.new_place" {
		t.Errorf("%d new places, notices %v", n, o.notices)
	}
	// Who has just come in does not answer for themselves.
	if err := o.svc.Known(ctx, keyOf(thief.Session)); err != nil {
		t.Fatal(err)
	}
	if n := unseen(keyOf(first.Session)); n != 1 {
		t.Error("the new session answered for itself")
	}
	if n, err := o.svc.Alarm(ctx, keyOf(first.Session)); err != nil || n != 2 {
		t.Errorf("%d sessions ended, %v", n, err)
	}
	if _, ok := o.signedIn(t, thief.Session); ok {
		t.Error("the stranger is still signed in")
	}
	if _, ok := o.signedIn(t, first.Session); !ok {
		t.Error("the person is signed out")
	}
	if n := unseen(""); n != 0 {
		t.Errorf("%d still asked about", n)
	}
	if got := session.Client.Device(desk).Shown(); got != "Edge/Windows" {
		t.Errorf("the device is %q", got)
	}
}

// Whose account the company keeps has no password here: a sign-in of a moment ago stands for it.
func TestFactorWithoutPassword(t *testing.T) {
	t.Parallel()
	o := open(t)
	a, err := o.accounts.Create(o.ctx, account.NewAccount{Login: "ito", Profile: account.Profile{Name: "ito", Roles: []actor.Role{actor.Admin}}})
	if err != nil {
		t.Fatal(err)
	}
	var token string
	err = o.db.Write(o.ctx, func(tx *sqlite.Tx) (err error) {
		token, err = o.accounts.Begin(o.ctx, tx, a, session.ByCompany, "", desk)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	who, found, _, err := o.accounts.Authenticated(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	ctx, p := actor.With(t.Context(), who), signin.Proof{Present: found.Key, Client: desk}
	o.clock.Advance(10*time.Minute - time.Millisecond)
	if err := o.svc.OfferApp(ctx, signin.Proof{Present: "of somebody else", Client: desk}); key(err) != "signin.again.anew" {
		t.Errorf("with a session of somebody else: %v", err)
	}
	if err := o.svc.OfferApp(ctx, p); err != nil {
		t.Errorf("just now: %v", err)
	}
	o.clock.Advance(time.Millisecond)
	if err := o.svc.OfferApp(ctx, p); key(err) != "signin.again.anew" {
		t.Errorf("ten minutes ago: %v", err)
	}
	keeper, asKeeper := o.add(t, "sato", actor.Keeper)
	if err := o.svc.OfferApp(asKeeper, signin.Proof{Client: desk}); key(err) != "account.password.needed" {
		t.Errorf("%s without a password: %v", keeper.Login, err)
	}
}
