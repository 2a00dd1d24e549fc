package signin

import (
	"context"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/factor"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// freshLife is how old a sign-in may be to count as a proof of its own, where nothing can be typed again: passkeys, and
// accounts that the company keeps elsewhere.
const freshLife = 10 * time.Minute

// Asked is what a person must show again in the middle of a session, before a heavy act.
type Asked struct {
	Password bool // the account has one
	Code     bool // of the app, or a recovery code
	Anew     bool // there is nothing to type: sign in once more, then within ten minutes
	First    bool // the roles of the act ask for a second factor, and there is none yet
}

// Asks says what who acts must show again. present is the key of the session; roles are those that the act brings.
func (s *Service) Asks(ctx context.Context, tx *sqlite.Tx, present string, roles []actor.Role) (Asked, error) {
	a, err := s.self(ctx, tx)
	if err != nil {
		return Asked{}, err
	}
	have, err := factor.Of(ctx, tx, a.ID)
	if err != nil {
		return Asked{}, err
	}
	how, err := freshly(ctx, tx, a.ID, present)
	if err != nil {
		return Asked{}, err
	}
	return Asked{
		Password: a.HasPassword,
		Code:     have.Any() && how != session.ByPasskey,
		Anew:     !a.HasPassword && how != session.ByPasskey && how != session.ByCompany && how != session.ByApp,
		First:    !have.Any() && s.asks(roles, jdate.Of(tx.Now)),
	}, nil
}

// freshly is how the present session was opened a moment ago; "" when that is longer ago, or lies ahead of the clock.
func freshly(ctx context.Context, tx *sqlite.Tx, account int64, present string) (session.How, error) {
	open, err := session.Of(ctx, tx, account)
	for _, one := range open {
		if age := tx.Now.Sub(one.CreatedAt); one.Key == present && age >= 0 && age < freshLife {
			return one.How, err
		}
	}
	return "", err
}

// confirm lets who acts show the password again. Who has none, because the company keeps the account, must have signed in
// a moment ago.
func (s *Service) confirm(ctx context.Context, p Proof) (a account.Account, err error) {
	var how session.How
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		if a, err = s.self(ctx, tx); err != nil {
			return err
		}
		how, err = freshly(ctx, tx, a.ID, p.Present)
		return err
	})
	switch {
	case err != nil:
		return a, err
	case a.HasPassword && p.Password == "":
		return a, problem.Invalid("current", "account.password.needed")
	case a.HasPassword:
		return s.accounts.Confirm(ctx, p.Password, p.Client)
	case how == "":
		return a, problem.Conflict("signin.again.anew")
	}
	return a, nil
}

// Again lets who acts show once more who they are: password and second factor. A code counts once, also when the act
// fails afterwards. Problem codes: invalid at "current" or "code"; conflict when a factor must be set up first, or the
// person must sign in anew; unavailable after wrong tries.
func (s *Service) Again(ctx context.Context, p Proof, code string, roles []actor.Role) error {
	var asked Asked
	var a account.Account
	err := s.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		if asked, err = s.Asks(ctx, tx, p.Present, roles); err != nil {
			return err
		}
		a, err = s.self(ctx, tx)
		return err
	})
	switch {
	case err != nil:
		return err
	case asked.First:
		return problem.Conflict("signin.again.factor_first")
	case asked.Anew:
		return problem.Conflict("signin.again.anew")
	case asked.Code && code == "":
		return problem.Invalid("code", "signin.code_needed")
	}
	if asked.Password {
		if _, err := s.accounts.Confirm(ctx, p.Password, p.Client); err != nil {
			return err
		}
	}
	if !asked.Code {
		return nil
	}
	return s.codeAgain(ctx, a, code, p.Client)
}

// codeAgain tries a code of the actor's own account; a wrong one is recorded like one at the second step.
func (s *Service) codeAgain(ctx context.Context, a account.Account, code string, c session.Client) error {
	if wait := s.codes.Begin(s.db.Now(), a.Key, c.Address); wait > 0 {
		return waits(wait)
	}
	var how session.How
	err := s.db.Write(ctx, func(tx *sqlite.Tx) (err error) {
		if how, err = s.open(ctx, tx, a, code); err != nil {
			return err
		}
		if how == "" {
			return audit.Record(ctx, tx, "account.second_refused", subject(a), audit.Image{"address": audit.Personal(c.Tidy().Address)})
		}
		if how == session.ByRecovery {
			_, err = s.usedRecovery(ctx, tx, a)
		}
		return err
	})
	if err != nil {
		return err
	}
	if how == "" { // the miss is stored: it is no error of the transaction
		return problem.Invalid("code", "signin.code_wrong")
	}
	s.codes.Succeed(a.Key, c.Address)
	return nil
}
