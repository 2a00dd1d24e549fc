// Package signin holds the second step of signing in and the own page (自分の設定): authenticator app, recovery
// codes, passkeys, the list of browsers that are signed in, and what the person sees of a new one.
//
// An account with a second factor signs in with password and code, or with a passkey alone; until the second
// step is done there is no session. Roles that ask for a factor open no other page before they have one (Gate).
// Changing a factor asks for the password again; a lost one is taken away by another administrator or at the
// machine itself. The package imports account and its subfolders; it owns no table of its own words.
package signin

import (
	"context"
	"embed"
	"io"
	"io/fs"
	"math"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/factor"
	"github.com/kizuki-security/kizuki/internal/register/account/passkey"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/account/throttle"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package and of the factors.
func Messages() fs.FS { return messages }

// Config is what the second step needs from app.
type Config struct {
	Box     factor.Box // seals the seeds of authenticator apps
	Rand    io.Reader
	Relaxed bool // the sample company: nobody is asked for a factor, and the page says so
}

// Service holds the acts. It is safe for concurrent use.
type Service struct {
	db       *sqlite.DB
	accounts *account.Service
	cfg      Config
	codes    throttle.Throttle
	desk     passkey.Desk
}

// New returns the service.
func New(db *sqlite.DB, accounts *account.Service, cfg Config) *Service {
	return &Service{db: db, accounts: accounts, cfg: cfg}
}

func owner(a account.Account) factor.Owner { return factor.Owner{ID: a.ID, Key: a.Key} }

func subject(a account.Account) string { return "account/" + a.Key }

// self is the account of who acts.
func (s *Service) self(ctx context.Context, tx *sqlite.Tx) (account.Account, error) {
	return s.accounts.ByKey(ctx, tx, actor.From(ctx).Account)
}

// requires says whether the roles with which who acts asks for a second factor: the own ones, and those taken for an
// emergency.
func (s *Service) requires(ctx context.Context, tx *sqlite.Tx, a account.Account) bool {
	return s.accounts.Requires(a, jdate.Of(tx.Now)) || s.asks(actor.From(ctx).Lent, jdate.Of(tx.Now))
}

// asks says whether roles ask for a second factor.
func (s *Service) asks(roles []actor.Role, today jdate.Day) bool {
	return len(roles) > 0 && s.accounts.Requires(account.Account{Roles: roles}, today)
}

// Lacks says whether who acts holds a role that asks for a second factor and has none yet.
func (s *Service) Lacks(ctx context.Context) (lacks bool, err error) {
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		a, err := s.self(ctx, tx)
		if err != nil || !s.requires(ctx, tx, a) {
			return err
		}
		have, err := factor.Of(ctx, tx, a.ID)
		lacks = !have.Any()
		return err
	})
	return lacks, err
}

// Step is one try at the second step.
type Step struct {
	Waiting string // token of the sign-in that waits
	Code    string // as typed: of the app, or a recovery code
	Old     string // token of the session the browser already has; it ends
	Client  session.Client
}

// Waits returns the account whose sign-in waits, and what it has; problem code unauthenticated.
func (s *Service) Waits(ctx context.Context, tx *sqlite.Tx, token string) (a account.Account, have factor.State, err error) {
	w, err := factor.WaitingBy(ctx, tx, token)
	if err != nil {
		return a, have, err
	}
	if a, err = s.accounts.ByRow(ctx, tx, w.Account); err != nil {
		return a, have, err
	}
	have, err = factor.Of(ctx, tx, a.ID)
	return a, have, err
}

// Finish checks the code of the second step and begins a session with a new token. left is the number of
// recovery codes after one was used, -1 when none was. Problem codes: unauthenticated when the sign-in is over,
// invalid at "code", unavailable while tries of this address for this account must wait.
func (s *Service) Finish(ctx context.Context, try Step) (token string, left int, err error) {
	var a account.Account
	err = s.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		a, _, err = s.Waits(ctx, tx, try.Waiting)
		return err
	})
	if err != nil {
		return "", -1, err
	}
	if wait := s.codes.Begin(s.db.Now(), a.Key, try.Client.Address); wait > 0 {
		return "", -1, waits(wait)
	}
	left = -1
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		w, err := factor.WaitingBy(ctx, tx, try.Waiting) // it may have ended meanwhile
		if err != nil {
			return err
		}
		how, err := s.open(ctx, tx, a, try.Code)
		if err != nil {
			return err
		}
		if how == "" {
			return s.missed(ctx, tx, a, w, try.Client)
		}
		if how == session.ByRecovery {
			if left, err = s.usedRecovery(ctx, tx, a); err != nil {
				return err
			}
		}
		if err := factor.EndWaiting(ctx, tx, a.ID); err != nil {
			return err
		}
		token, err = s.accounts.Begin(ctx, tx, a, how, try.Old, try.Client)
		return err
	})
	if err != nil {
		return "", -1, err
	}
	if token == "" { // the miss is stored: it is no error of the transaction
		return "", -1, problem.Invalid("code", "signin.code_wrong")
	}
	s.codes.Succeed(a.Key, try.Client.Address)
	return token, left, nil
}

func waits(wait time.Duration) error {
	return problem.Unavailable("account.wait", "seconds", int(math.Ceil(wait.Seconds())))
}

// open tries a code as what it looks like; how is "" when it is wrong.
func (s *Service) open(ctx context.Context, tx *sqlite.Tx, a account.Account, typed string) (how session.How, err error) {
	var ok bool
	switch kind, code := factor.Read(typed); kind {
	case factor.App:
		how = session.ByApp
		ok, err = factor.UseApp(ctx, tx, s.cfg.Box, owner(a), code)
	case factor.Recovery:
		how = session.ByRecovery
		ok, err = factor.UseRecovery(ctx, tx, s.cfg.Box, owner(a), code)
	default: // neither: wrong
	}
	if !ok {
		how = ""
	}
	return how, err
}

// missed notes a wrong code. After the last try the person hears of it: somebody knows the password.
func (s *Service) missed(ctx context.Context, tx *sqlite.Tx, a account.Account, w factor.Waiting, c session.Client) error {
	if err := factor.Miss(ctx, tx, w); err != nil {
		return err
	}
	c = c.Tidy()
	if err := audit.Record(ctx, tx, "account.second_refused", subject(a), audit.Image{"address": audit.Personal(c.Address)}); err != nil {
		return err
	}
	if w.Tries+1 < factor.MaxTries {
		return nil
	}
	return s.accounts.Notify(ctx, tx, a.Key, "signin.notice.codes_wrong", problem.Args{"at": tx.Now, "address": c.Address})
}

func (s *Service) usedRecovery(ctx context.Context, tx *sqlite.Tx, a account.Account) (left int, err error) {
	have, err := factor.Of(ctx, tx, a.ID)
	if err != nil {
		return 0, err
	}
	if err := audit.Record(ctx, tx, "account.recovery_used", subject(a), audit.Image{"left": have.Codes}); err != nil {
		return 0, err
	}
	return have.Codes, s.accounts.Notify(ctx, tx, a.Key, "signin.notice.recovery_used", problem.Args{"at": tx.Now, "left": have.Codes})
}
