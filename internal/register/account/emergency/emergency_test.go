package emergency_test

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
	"github.com/kizuki-security/kizuki/internal/register/account/emergency"
	"github.com/kizuki-security/kizuki/internal/register/account/factor"
	"github.com/kizuki-security/kizuki/internal/register/account/password"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/account/signin"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

const (
	good   = "kasa wo motte dekakeru"
	reason = "システム管理者が入院し、不審なサインインを止めるため"
)

var desk = session.Client{Address: "10.0.0.9", Agent: "test"}

type office struct {
	clock    *sqlitetest.Clock
	db       *sqlite.DB
	accounts *account.Service
	signin   *signin.Service
	svc      *emergency.Service
	ctx      context.Context // of the house
	notices  []string
	factors  bool // システム管理者 needs a second factor
}

func open(t *testing.T) *office {
	t.Helper()
	o := &office{clock: sqlitetest.NewClock("2026-11-23"), ctx: actor.With(t.Context(), actor.House())}
	o.db = sqlitetest.Open(t, o.clock, audit.Migrations(), link.Migrations(), account.Migrations(), emergency.Migrations())
	o.accounts = account.New(o.db, account.Config{
		Binding: account.Bind(map[actor.Role][]actor.Permission{
			actor.Admin: {account.PermManage, emergency.PermReview}, actor.Approver: {"approve", emergency.PermReview}, actor.Keeper: {"keep"},
		}),
		Hasher:        password.New(password.Params{Time: 1, MemoryKiB: 64, Threads: 1}),
		RequireFactor: func(roles []actor.Role) bool { return o.factors && cmp.Equal(roles, []actor.Role{actor.Admin}) },
		Company: func(context.Context, *sqlite.Tx) (org.Company, error) {
			return org.Company{BaseAddress: "https://kizuki.example.co.jp"}, nil
		},
		Notice: func(_ context.Context, _ *sqlite.Tx, key, message string, _ problem.Args) error {
			if message == "emergency.notice.taken" {
				o.notices = append(o.notices, key)
			}
			return nil
		},
		Lent: func(ctx context.Context, tx *sqlite.Tx, key string) ([]actor.Role, error) {
			return o.svc.Lent(ctx, tx, key)
		},
	})
	box, err := secret.Open(t.TempDir(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o.signin = signin.New(o.db, o.accounts, signin.Config{Box: box, Rand: rand.Reader})
	o.svc = emergency.New(o.db, o.accounts, o.signin)
	return o
}

// someone is a person who is signed in.
type someone struct {
	account.Account
	o     *office
	token string
	seed  []byte // of the authenticator app; nil without one
}

func (o *office) add(t *testing.T, login string, roles ...actor.Role) *someone {
	t.Helper()
	a, err := o.accounts.Create(o.ctx, account.NewAccount{Login: login, Password: good, Profile: account.Profile{Name: login, Person: "P-" + login, Roles: roles}})
	if err != nil {
		t.Fatal(err)
	}
	s := &someone{Account: a, o: o}
	s.signIn(t)
	return s
}

func (s *someone) signIn(t *testing.T) {
	t.Helper()
	in, err := s.o.accounts.SignIn(t.Context(), account.Attempt{Login: s.Login, Password: good, Client: desk})
	if err != nil {
		t.Fatal(err)
	}
	s.token = in.Session
	if in.Waiting == "" {
		return
	}
	s.token, _, err = s.o.signin.Finish(t.Context(), signin.Step{Waiting: in.Waiting, Code: s.code(), Client: desk})
	if err != nil {
		t.Fatal(err)
	}
	s.o.clock.Advance(time.Minute) // past the code that was used
}

func (s *someone) code() string { return factor.CodeAt(s.seed, factor.StepOf(s.o.clock.Now())) }

// enrol sets up an authenticator app.
func (s *someone) enrol(t *testing.T) {
	t.Helper()
	ctx := s.now(t)
	if err := s.o.signin.OfferApp(ctx, signin.Proof{Password: good, Client: desk}); err != nil {
		t.Fatal(err)
	}
	s.o.read(t, func(tx *sqlite.Tx) (err error) {
		s.seed, _, err = s.o.signin.OfferedSeed(ctx, tx)
		return err
	})
	_, found, _, err := s.o.accounts.Authenticated(t.Context(), s.token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.o.signin.ConfirmApp(ctx, s.code(), signin.Proof{Password: good, Present: found.Key, Client: desk}); err != nil {
		t.Fatal(err)
	}
	s.o.clock.Advance(time.Minute)
}

// who is the person as a request of now makes them; ok is false when nobody is signed in any longer.
func (s *someone) who(t *testing.T) (who actor.Actor, ok bool) {
	t.Helper()
	who, _, ok, err := s.o.accounts.Authenticated(t.Context(), s.token)
	if err != nil {
		t.Fatal(err)
	}
	return who, ok
}

// now is the context of a request of now.
func (s *someone) now(t *testing.T) context.Context {
	t.Helper()
	who, ok := s.who(t)
	if !ok {
		t.Fatalf("%s is signed out", s.Login)
	}
	return actor.With(t.Context(), who)
}

func (s *someone) administers(t *testing.T) bool {
	t.Helper()
	who, ok := s.who(t)
	return ok && who.May(account.PermManage)
}

func (s *someone) take(t *testing.T, r actor.Role, hours int) (emergency.Use, error) {
	t.Helper()
	code := ""
	if s.seed != nil {
		code = s.code()
	}
	return s.o.svc.Take(s.now(t), emergency.Request{Role: r, Hours: hours, Reason: reason}, signin.Proof{Password: good, Client: desk}, code)
}

func (s *someone) mustTake(t *testing.T, r actor.Role, hours int) emergency.Use {
	t.Helper()
	u, err := s.take(t, r, hours)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (o *office) read(t *testing.T, act func(*sqlite.Tx) error) {
	t.Helper()
	if err := o.db.Read(o.ctx, act); err != nil {
		t.Fatal(err)
	}
}

func (o *office) uses(t *testing.T) (list []emergency.Use) {
	t.Helper()
	o.read(t, func(tx *sqlite.Tx) (err error) {
		list, err = o.svc.List(o.ctx, tx)
		return err
	})
	return list
}

func key(err error) string {
	if all := problem.All(err); len(all) > 0 {
		return all[0].Key
	}
	return fmt.Sprint(err)
}

func TestRoleEndsByTheClock(t *testing.T) {
	t.Parallel()
	for _, hours := range emergency.Hours() {
		o := open(t)
		s := o.add(t, "sato", actor.Keeper)
		if s.administers(t) {
			t.Fatal("a keeper administers")
		}
		u := s.mustTake(t, actor.Admin, hours)
		if want := time.Duration(hours) * time.Hour; u.Until.Sub(u.TakenAt) != want {
			t.Errorf("%d hours end after %v", hours, u.Until.Sub(u.TakenAt))
		}
		who, _ := s.who(t)
		if !who.May(account.PermManage) || !who.May("keep") || !cmp.Equal(who.Lent, []actor.Role{actor.Admin}) || !cmp.Equal(who.Roles, []actor.Role{actor.Keeper}) {
			t.Errorf("at once: %+v", who)
		}
		o.clock.Advance(time.Duration(hours)*time.Hour - time.Millisecond)
		if s.signIn(t); !s.administers(t) { // a session does not last a day
			t.Errorf("%d hours: over before the time", hours)
		}
		o.clock.Advance(time.Millisecond)
		if s.administers(t) {
			t.Errorf("%d hours: still open at the very moment", hours)
		}
	}
}

func TestClockSetBackLendsNothing(t *testing.T) {
	t.Parallel()
	o := open(t)
	s := o.add(t, "sato", actor.Keeper)
	s.mustTake(t, actor.Admin, 1)
	o.clock.Advance(-time.Minute) // a time server's correction
	if !s.administers(t) {
		t.Error("a correction of a minute ends it")
	}
	o.clock.Advance(time.Minute + 59*time.Minute)
	s.signIn(t) // a row of the log tells that the clock has been here
	o.clock.Advance(-9 * time.Minute)
	if !s.administers(t) {
		t.Error("it ends before its time")
	}
	o.clock.Advance(9 * time.Minute)
	o.clock.Advance(time.Minute)
	other := o.add(t, "ito", actor.Keeper) // at the end
	_ = other
	o.clock.Advance(-2 * time.Minute)
	if s.administers(t) {
		t.Error("the clock set back by two minutes opens it again")
	}
	o.clock.Advance(-58 * time.Minute)
	if s.administers(t) {
		t.Error("the clock set back by an hour opens it again")
	}
}

// While it runs, a clock that lies far behind the log lends nothing: else it would last until the clock catches up.
func TestClockSetBackMeanwhile(t *testing.T) {
	t.Parallel()
	o := open(t)
	s := o.add(t, "sato", actor.Keeper)
	s.mustTake(t, actor.Admin, 1)
	o.clock.Advance(-11 * time.Minute)
	if s.administers(t) {
		t.Error("a role counts although nobody knows what time it is")
	}
	o.clock.Advance(11 * time.Minute)
	if !s.administers(t) {
		t.Error("it does not come back with the right time")
	}
}

func TestProofIsNeeded(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.factors = true
	s := o.add(t, "sato", actor.Keeper)
	q := emergency.Request{Role: actor.Admin, Hours: 4, Reason: reason}
	right := signin.Proof{Password: good, Client: desk}
	if _, err := o.svc.Take(s.now(t), q, right, ""); key(err) != "signin.again.factor_first" {
		t.Errorf("without a second factor: %v", err)
	}
	s.enrol(t)
	for name, tt := range map[string]struct {
		password, code, want string
	}{
		"no password":    {"", s.code(), "account.current_wrong"},
		"wrong password": {"ashita no asa wa hareru", s.code(), "account.current_wrong"},
		"no code":        {good, "", "signin.code_needed"},
		"wrong code":     {good, "000000", "signin.code_wrong"},
	} {
		if _, err := o.svc.Take(s.now(t), q, signin.Proof{Password: tt.password, Client: desk}, tt.code); key(err) != tt.want {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
		o.clock.Advance(time.Hour) // past the wait that wrong tries bring
	}
	if len(o.uses(t)) != 0 || s.administers(t) {
		t.Fatal("a refused try leaves something behind")
	}
	used := s.code()
	u, err := o.svc.Take(s.now(t), q, right, used)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.svc.Take(s.now(t), q, right, used); key(err) != "emergency.open_already" {
		t.Errorf("the form sent twice: %v", err)
	}
	if err := o.svc.End(s.now(t), u.Key); err != nil {
		t.Fatal(err)
	}
	if _, err := o.svc.Take(s.now(t), q, right, used); key(err) != "signin.code_wrong" {
		t.Errorf("the code replayed: %v", err)
	}
	if n := len(o.uses(t)); n != 1 {
		t.Errorf("%d uses", n)
	}
}

// While the lent role asks for a second factor, the last one cannot go, and the gate holds who has none.
func TestLentRoleAsksForAFactor(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.factors = true
	s := o.add(t, "sato", actor.Keeper)
	s.enrol(t)
	u := s.mustTake(t, actor.Admin, 4)
	if err := o.signin.RemoveApp(s.now(t), signin.Proof{Password: good, Client: desk}); key(err) != "signin.last_factor" {
		t.Errorf("the factor goes: %v", err)
	}
	if err := o.svc.End(s.now(t), u.Key); err != nil {
		t.Fatal(err)
	}
	if err := o.signin.RemoveApp(s.now(t), signin.Proof{Password: good, Client: desk}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	o := open(t)
	s := o.add(t, "sato", actor.Keeper)
	viewer, worker := o.add(t, "kansa", actor.Viewer), o.add(t, "genba", actor.Employee)
	proof := signin.Proof{Password: good, Client: desk}
	for name, q := range map[string]struct {
		emergency.Request
		want string
	}{
		"a short reason":          {emergency.Request{Role: actor.Admin, Hours: 4, Reason: "障 害 対 応 中 の た"}, "emergency.reason_needed"},
		"a long reason":           {emergency.Request{Role: actor.Admin, Hours: 4, Reason: strings.Repeat("あ", 301)}, "web.too_long"},
		"no role":                 {emergency.Request{Hours: 4, Reason: reason}, "web.choose"},
		"a role for outsiders":    {emergency.Request{Role: actor.Advisor, Hours: 4, Reason: reason}, "web.choose"},
		"a role held already":     {emergency.Request{Role: actor.Keeper, Hours: 4, Reason: reason}, "emergency.role_not_offered"},
		"two hours":               {emergency.Request{Role: actor.Admin, Hours: 2, Reason: reason}, "web.choose"},
		"longer than a day":       {emergency.Request{Role: actor.Admin, Hours: 25, Reason: reason}, "web.choose"},
		"less than no time":       {emergency.Request{Role: actor.Admin, Hours: -1, Reason: reason}, "web.choose"},
		"a reason with no letter": {emergency.Request{Role: actor.Admin, Hours: 4, Reason: strings.Repeat(" \n", 20)}, "emergency.reason_needed"},
	} {
		if _, err := o.svc.Take(s.now(t), q.Request, proof, ""); key(err) != q.want {
			t.Errorf("%s: %v, want %s", name, err, q.want)
		}
	}
	for _, other := range []*someone{viewer, worker} {
		if _, err := other.take(t, actor.Admin, 4); key(err) != "emergency.not_eligible" {
			t.Errorf("%s: %v", other.Login, err)
		}
	}
	if _, err := o.svc.Take(o.ctx, emergency.Request{Role: actor.Admin, Hours: 4, Reason: reason}, proof, ""); problem.CodeOf(err) != problem.CodeUnauthenticated {
		t.Errorf("the house: %v", err)
	}
	if len(o.uses(t)) != 0 {
		t.Error("a refused try is kept as a use")
	}
}

// Who keeps or approves must be known as a person: else nobody could tell an own draft.
func TestAccountsWithoutAPerson(t *testing.T) {
	t.Parallel()
	o := open(t)
	a, err := o.accounts.Create(o.ctx, account.NewAccount{Login: "kyoyu", Password: good, Profile: account.Profile{Name: "共用", Roles: []actor.Role{actor.Admin}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := emergency.Offered(a, jdate.Of(o.clock.Now())); len(got) != 0 {
		t.Errorf("offered: %v", got)
	}
}

func TestSetting(t *testing.T) {
	t.Parallel()
	o := open(t)
	admin, keeper, worker, viewer := o.add(t, "admin", actor.Admin), o.add(t, "sato", actor.Keeper), o.add(t, "genba", actor.Employee), o.add(t, "kansa", actor.Viewer)
	if err := o.svc.SaveSetting(keeper.now(t), emergency.Setting{Who: emergency.Named, Version: 1}); problem.CodeOf(err) != problem.CodeForbidden {
		t.Errorf("a keeper decides: %v", err)
	}
	for want, set := range map[string]emergency.Setting{
		"emergency.not_nameable":      {Who: emergency.Named, Named: []string{viewer.Key}, Version: 1},
		"web.choose":                  {Who: "all", Version: 1},
		"emergency.changed_meanwhile": {Who: emergency.Named, Version: 7},
	} {
		if err := o.svc.SaveSetting(admin.now(t), set); key(err) != want {
			t.Errorf("%+v: %v", set, err)
		}
	}
	if err := o.svc.SaveSetting(admin.now(t), emergency.Setting{Who: emergency.Named, Named: []string{worker.Key, worker.Key}, Version: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := keeper.take(t, actor.Admin, 4); key(err) != "emergency.not_eligible" {
		t.Errorf("a keeper who is not named: %v", err)
	}
	worker.mustTake(t, actor.Admin, 4)
	if err := o.svc.SaveSetting(worker.now(t), emergency.Setting{Who: emergency.Managers, Version: 2}); key(err) != "emergency.lent_setting" {
		t.Errorf("who may is decided with a lent role: %v", err)
	}
	if err := o.svc.SaveSetting(admin.now(t), emergency.Setting{Who: emergency.Named, Version: 2}); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.take(t, actor.Approver, 4); key(err) != "emergency.not_eligible" {
		t.Errorf("nobody is named: %v", err)
	}
}

// A closed account and an ended session lose the role at once.
func TestClosingTakesItAway(t *testing.T) {
	t.Parallel()
	o := open(t)
	admin, s := o.add(t, "admin", actor.Admin), o.add(t, "sato", actor.Keeper)
	s.mustTake(t, actor.Admin, 4)
	old := s.token
	if _, err := o.accounts.RevokeSessionsOf(admin.now(t), s.Key); err != nil {
		t.Fatal(err)
	}
	if s.administers(t) {
		t.Error("an ended session still administers")
	}
	s.signIn(t)
	if s.token == old || !s.administers(t) {
		t.Error("signed in again: the role is gone before its time")
	}
	if err := o.accounts.SetDisabled(admin.now(t), s.Key, true); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.who(t); ok || s.administers(t) {
		t.Error("a closed account still acts")
	}
	var roles []actor.Role
	o.read(t, func(tx *sqlite.Tx) error { // what a program does in somebody's name never has it
		_, err := o.accounts.ActorOf(o.ctx, tx, "sato")
		if key(err) != "account.closed" {
			t.Errorf("a program in the name of a closed account: %v", err)
		}
		who, err := o.accounts.ActorOf(o.ctx, tx, "admin")
		roles = who.Lent
		return err
	})
	if len(roles) != 0 {
		t.Errorf("a program holds %v", roles)
	}
}

func TestEnding(t *testing.T) {
	t.Parallel()
	o := open(t)
	approver, other, s := o.add(t, "shacho", actor.Approver), o.add(t, "ito", actor.Keeper), o.add(t, "sato", actor.Keeper)
	u := s.mustTake(t, actor.Admin, 4)
	if err := o.svc.End(other.now(t), u.Key); key(err) != "emergency.not_yours" {
		t.Errorf("a colleague ends it: %v", err)
	}
	if err := o.svc.End(approver.now(t), u.Key); err != nil {
		t.Fatal(err)
	}
	if s.administers(t) {
		t.Error("ended, and still open")
	}
	if err := o.svc.End(s.now(t), u.Key); key(err) != "emergency.over" {
		t.Errorf("ended twice: %v", err)
	}
	u = s.mustTake(t, actor.Approver, 1)
	o.clock.Advance(time.Hour)
	if err := o.svc.End(s.now(t), u.Key); key(err) != "emergency.over" {
		t.Errorf("ended after its time: %v", err)
	}
	if err := o.svc.End(s.now(t), "none"); problem.CodeOf(err) != problem.CodeNotFound {
		t.Errorf("none: %v", err)
	}
}

func TestAnotherPersonReviews(t *testing.T) {
	t.Parallel()
	o := open(t)
	admin, approver, s := o.add(t, "admin", actor.Admin), o.add(t, "shacho", actor.Approver), o.add(t, "sato", actor.Keeper)
	u := s.mustTake(t, actor.Approver, 1)
	if diff := cmp.Diff(map[string]bool{admin.Key: true, approver.Key: true}, set(o.notices)); diff != "" {
		t.Errorf("told: %s", diff)
	}
	if err := o.svc.Review(admin.now(t), u.Key, "理由は正しい"); key(err) != "emergency.still_open" {
		t.Errorf("while it is open: %v", err)
	}
	if err := o.svc.Review(s.now(t), u.Key, "問題なし"); key(err) != "emergency.own_review" {
		t.Errorf("with the lent role itself: %v", err)
	}
	o.clock.Advance(time.Hour)
	if err := o.svc.Review(s.now(t), u.Key, "問題なし"); problem.CodeOf(err) != problem.CodeForbidden {
		t.Errorf("a keeper: %v", err)
	}
	if err := o.svc.Review(admin.now(t), u.Key, " \n"); key(err) != "emergency.note_needed" {
		t.Errorf("without a word: %v", err)
	}
	if err := o.svc.Review(admin.now(t), u.Key, "操作記録を見た。理由は正しい"); err != nil {
		t.Fatal(err)
	}
	if err := o.svc.Review(approver.now(t), u.Key, "もういちど"); key(err) != "emergency.reviewed_already" {
		t.Errorf("twice: %v", err)
	}
	got := o.uses(t)[0]
	if got.ReviewedBy != "account/"+admin.Key || got.Note != "操作記録を見た。理由は正しい" || got.State(o.clock.Now()) != "reviewed" {
		t.Errorf("kept: %+v", got)
	}
}

// Nobody reviews the own use by a second account, and two people with lent roles do not excuse each other.
func TestReviewsAreSeparateByPerson(t *testing.T) {
	t.Parallel()
	o := open(t)
	approver, other, s := o.add(t, "shacho", actor.Approver), o.add(t, "ito", actor.Keeper), o.add(t, "sato", actor.Keeper)
	u := approver.mustTake(t, actor.Admin, 1)
	second, err := o.accounts.Create(o.ctx, account.NewAccount{Login: "shacho2", Password: good, Profile: account.Profile{Name: "shacho2", Person: approver.Person, Roles: []actor.Role{actor.Approver}}})
	if err != nil {
		t.Fatal(err)
	}
	twin := &someone{Account: second, o: o}
	twin.signIn(t)
	o.clock.Advance(time.Hour)
	for _, self := range []*someone{approver, twin} {
		if err := o.svc.Review(self.now(t), u.Key, "問題なし"); key(err) != "emergency.own_review" {
			t.Errorf("%s reviews the own use: %v", self.Login, err)
		}
	}
	first := s.mustTake(t, actor.Admin, 1)
	if err := o.svc.End(s.now(t), first.Key); err != nil {
		t.Fatal(err)
	}
	other.mustTake(t, actor.Approver, 1)
	if err := o.svc.Review(other.now(t), first.Key, "問題なし"); key(err) != "emergency.lent_review" {
		t.Errorf("with a lent role: %v", err)
	}
}

func set(keys []string) map[string]bool {
	out := map[string]bool{}
	for _, k := range keys {
		out[k] = true
	}
	return out
}

// What was lent for hours cannot be made to last: not for the own account, not by a new one, not for a friend.
func TestLentRolesDoNotLast(t *testing.T) {
	t.Parallel()
	o := open(t)
	friend, s := o.add(t, "ito", actor.Keeper), o.add(t, "sato", actor.Keeper)
	// Nobody else administers: the one case in which an administrator may change the own roles.
	s.mustTake(t, actor.Admin, 4)
	own := account.Profile{Name: s.Name, Person: s.Person, Roles: []actor.Role{actor.Keeper, actor.Admin}}
	if err := o.accounts.Edit(s.now(t), s.Key, 1, own); key(err) != "account.own_rights" {
		t.Errorf("the own account: %v", err)
	}
	own.Roles = []actor.Role{actor.Keeper, actor.Approver}
	if err := o.accounts.Edit(s.now(t), s.Key, 1, own); key(err) != "account.own_rights" {
		t.Errorf("another role for the own account: %v", err)
	}
	for name, p := range map[string]account.Profile{
		"a new administrator":                 {Name: "x", Roles: []actor.Role{actor.Admin}},
		"a second account for the own person": {Name: "x", Person: s.Person, Roles: []actor.Role{actor.Approver}},
	} {
		if _, err := o.accounts.Create(s.now(t), account.NewAccount{Login: "new", Password: good, Profile: p}); key(err) != "account.lent_rights" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := o.accounts.Edit(s.now(t), friend.Key, 1, account.Profile{Name: "ito", Person: friend.Person, Roles: []actor.Role{actor.Keeper, actor.Admin}}); key(err) != "account.lent_rights" {
		t.Errorf("a friend: %v", err)
	}
	if err := o.accounts.SetDisabled(s.now(t), friend.Key, true); err != nil {
		t.Errorf("what an emergency needs is refused: %v", err)
	}
}

func TestUsesCannotBeTakenBack(t *testing.T) {
	t.Parallel()
	o := open(t)
	approver, s := o.add(t, "shacho", actor.Approver), o.add(t, "sato", actor.Keeper)
	u := s.mustTake(t, actor.Admin, 1)
	if err := o.svc.End(s.now(t), u.Key); err != nil {
		t.Fatal(err)
	}
	if err := o.svc.Review(approver.now(t), u.Key, "見た"); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"DELETE FROM emergency_uses", "UPDATE emergency_uses SET reason = 'x'", "UPDATE emergency_uses SET until_at = until_at + 1",
		"UPDATE emergency_uses SET role = 'keeper'", "UPDATE emergency_uses SET ended_at = 0", "UPDATE emergency_uses SET note = ''", "UPDATE emergency_uses SET reviewed_at = 0",
	} {
		err := o.db.Write(t.Context(), func(tx *sqlite.Tx) error {
			_, err := tx.ExecContext(t.Context(), text)
			return err
		})
		if err == nil {
			t.Errorf("%s went through", text)
		}
	}
}

// Everybody is told until another person has looked, and the list of duties asks for it.
func TestBannersAndDuties(t *testing.T) {
	t.Parallel()
	o := open(t)
	approver, s := o.add(t, "shacho", actor.Approver), o.add(t, "sato", actor.Keeper)
	shown := func() (keys []string, duties int) {
		t.Helper()
		o.read(t, func(tx *sqlite.Tx) error {
			banners, err := o.svc.Banners(o.ctx, tx)
			if err != nil {
				return err
			}
			for _, b := range banners {
				keys = append(keys, b.Key)
			}
			all, err := o.svc.Duties(o.ctx, tx, jdate.Of(tx.Now))
			duties = len(all)
			return err
		})
		return keys, duties
	}
	if keys, n := shown(); len(keys) != 0 || n != 0 {
		t.Errorf("before: %v, %d", keys, n)
	}
	u := s.mustTake(t, actor.Admin, 1)
	if keys, n := shown(); !cmp.Equal(keys, []string{"emergency.banner.open"}) || n != 1 {
		t.Errorf("open: %v, %d", keys, n)
	}
	o.clock.Advance(time.Hour)
	if keys, n := shown(); !cmp.Equal(keys, []string{"emergency.banner.waiting"}) || n != 1 {
		t.Errorf("over: %v, %d", keys, n)
	}
	if err := o.svc.Review(approver.now(t), u.Key, "見た"); err != nil {
		t.Fatal(err)
	}
	if keys, n := shown(); len(keys) != 0 || n != 0 {
		t.Errorf("reviewed: %v, %d", keys, n)
	}
	for range 5 {
		u := s.mustTake(t, actor.Admin, 1)
		if err := o.svc.End(s.now(t), u.Key); err != nil {
			t.Fatal(err)
		}
	}
	if keys, n := shown(); len(keys) != 4 || keys[3] != "emergency.banner.more" || n != 5 {
		t.Errorf("five: %v, %d", keys, n)
	}
}

// A sign-in of a moment ago with a passkey, or from the company's own accounts, stands for what cannot be typed.
func TestFreshSignInsCount(t *testing.T) {
	t.Parallel()
	o := open(t)
	begin := func(a account.Account, how session.How) (ctx context.Context, key string) {
		t.Helper()
		var token string
		err := o.db.Write(o.ctx, func(tx *sqlite.Tx) (err error) {
			token, err = o.accounts.Begin(o.ctx, tx, a, how, "", desk)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		who, found, _, err := o.accounts.Authenticated(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		return actor.With(t.Context(), who), found.Key
	}
	s := o.add(t, "sato", actor.Keeper)
	s.enrol(t)
	company, err := o.accounts.Create(o.ctx, account.NewAccount{Login: "ito", Profile: account.Profile{Name: "ito", Person: "P-ito", Roles: []actor.Role{actor.Keeper}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		who       account.Account
		how       session.How
		age       time.Duration
		want      signin.Asked
		againWith string // problem of a try with password alone
	}{
		{"a passkey just now", s.Account, session.ByPasskey, 10*time.Minute - time.Millisecond, signin.Asked{Password: true}, ""},
		{"a passkey a while ago", s.Account, session.ByPasskey, 10 * time.Minute, signin.Asked{Password: true, Code: true}, "signin.code_needed"},
		{"a code just now", s.Account, session.ByApp, 0, signin.Asked{Password: true, Code: true}, "signin.code_needed"},
		{"the company's account just now", company, session.ByCompany, time.Minute, signin.Asked{}, ""},
		{"the company's account a while ago", company, session.ByCompany, time.Hour, signin.Asked{Anew: true}, "signin.again.anew"},
	} {
		ctx, present := begin(tt.who, tt.how)
		o.clock.Advance(tt.age)
		var got signin.Asked
		o.read(t, func(tx *sqlite.Tx) (err error) {
			got, err = o.signin.Asks(ctx, tx, present, []actor.Role{actor.Admin})
			return err
		})
		if got != tt.want {
			t.Errorf("%s: asked for %+v, want %+v", tt.name, got, tt.want)
		}
		err := o.signin.Again(ctx, signin.Proof{Password: good, Present: present, Client: desk}, "", []actor.Role{actor.Admin})
		if err == nil && tt.againWith != "" || err != nil && key(err) != tt.againWith {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.againWith)
		}
		if err := o.signin.Again(ctx, signin.Proof{Password: good, Present: "another", Client: desk}, "", []actor.Role{actor.Admin}); err == nil {
			t.Errorf("%s: the session of somebody else stands for it", tt.name)
		}
	}
}
