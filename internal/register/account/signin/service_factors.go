package signin

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/factor"
	"github.com/kizuki-security/kizuki/internal/register/account/passkey"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Proof is what a person shows again before a factor changes.
type Proof struct {
	Password string
	Present  string // key of the session that asks: the others end with a first factor
	Client   session.Client
}

// OfferApp draws a seed for the actor's authenticator app; it counts with its first code. Problem codes:
// invalid at "current", unavailable.
func (s *Service) OfferApp(ctx context.Context, p Proof) error {
	a, err := s.confirm(ctx, p)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		return factor.Offer(ctx, tx, s.cfg.Box, s.cfg.Rand, owner(a))
	})
}

// OfferedSeed gives the seed that waits for its first code, with the account; problem code not_found.
func (s *Service) OfferedSeed(ctx context.Context, tx *sqlite.Tx) (seed []byte, a account.Account, err error) {
	if a, err = s.self(ctx, tx); err != nil {
		return nil, a, err
	}
	seed, err = factor.Offered(ctx, tx, s.cfg.Box, owner(a))
	return seed, a, err
}

// ConfirmApp makes the offered app count when its code is right. codes are the recovery codes that come with a
// first factor, shown this once; nil when there are some already. Problem codes: not_found, invalid at "code",
// unavailable.
func (s *Service) ConfirmApp(ctx context.Context, typed string, p Proof) (codes []string, err error) {
	who := actor.From(ctx).Account
	if wait := s.codes.Begin(s.db.Now(), who, p.Client.Address); wait > 0 {
		return nil, waits(wait)
	}
	kind, code := factor.Read(typed)
	if kind != factor.App {
		return nil, problem.Invalid("code", "signin.code_six")
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		a, err := s.self(ctx, tx)
		if err != nil {
			return err
		}
		had, err := factor.Of(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		ok, err := factor.Confirm(ctx, tx, s.cfg.Box, owner(a), code)
		if err != nil {
			return err
		}
		if !ok {
			return problem.Invalid("code", "signin.code_wrong")
		}
		codes, err = s.gained(ctx, tx, a, had, "app", p.Present)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.codes.Succeed(who, p.Client.Address)
	return codes, nil
}

// gained is what every new factor brings: an audit row, a notice, and with the first one recovery codes and
// the end of the other sessions, which a password alone had opened.
func (s *Service) gained(ctx context.Context, tx *sqlite.Tx, a account.Account, had factor.State, kind, present string) (codes []string, err error) {
	if !had.Any() {
		if _, err := session.End(ctx, tx, a.ID, "", present); err != nil {
			return nil, err
		}
	}
	if had.Codes == 0 {
		if codes, err = factor.RenewCodes(ctx, tx, s.cfg.Box, s.cfg.Rand, owner(a)); err != nil {
			return nil, err
		}
	}
	if err := audit.Record(ctx, tx, "account.factor_set", subject(a), audit.Image{"factor": kind, "codes": len(codes)}); err != nil {
		return nil, err
	}
	return codes, s.accounts.Notify(ctx, tx, a.Key, "signin.notice.factor_set", problem.Args{"at": tx.Now})
}

// RemoveApp takes the actor's authenticator app away. Problem codes: invalid at "current", conflict for the
// last factor of a role that asks for one.
func (s *Service) RemoveApp(ctx context.Context, p Proof) error {
	return s.remove(ctx, p, "app", func(tx *sqlite.Tx, a account.Account) error { return factor.RemoveApp(ctx, tx, a.ID) })
}

// RemovePasskey takes one of the actor's passkeys away. Problem codes: as RemoveApp, and not_found.
func (s *Service) RemovePasskey(ctx context.Context, key string, p Proof) error {
	return s.remove(ctx, p, "passkey", func(tx *sqlite.Tx, a account.Account) error {
		n, err := int64(0), error(nil)
		if key != "" {
			n, err = passkey.Remove(ctx, tx, a.ID, key)
		}
		if err == nil && n == 0 {
			err = problem.NotFound("signin.passkey.gone")
		}
		return err
	})
}

func (s *Service) remove(ctx context.Context, p Proof, kind string, act func(*sqlite.Tx, account.Account) error) error {
	a, err := s.confirm(ctx, p)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if err := act(tx, a); err != nil {
			return err
		}
		left, err := factor.Of(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		if !left.Any() {
			if s.requires(ctx, tx, a) {
				return problem.Conflict("signin.last_factor")
			}
			if err := factor.RemoveCodes(ctx, tx, a.ID); err != nil {
				return err
			}
		}
		if err := audit.Record(ctx, tx, "account.factor_removed", subject(a), audit.Image{"factor": kind}); err != nil {
			return err
		}
		return s.accounts.Notify(ctx, tx, a.Key, "signin.notice.factor_removed", problem.Args{"at": tx.Now})
	})
}

// RenewCodes gives the actor ten new recovery codes, shown this once. Problem codes: invalid at "current",
// conflict without a factor that they could stand in for.
func (s *Service) RenewCodes(ctx context.Context, p Proof) (codes []string, err error) {
	a, err := s.confirm(ctx, p)
	if err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		have, err := factor.Of(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		if !have.Any() {
			return problem.Conflict("signin.codes.no_factor")
		}
		if codes, err = factor.RenewCodes(ctx, tx, s.cfg.Box, s.cfg.Rand, owner(a)); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "account.codes_renewed", subject(a), audit.Image{"codes": len(codes)})
	})
	return codes, err
}

// Reset takes every factor of another account away, for a person who has lost theirs, and ends its sessions.
// Problem codes: forbidden, also for the own account; not_found; conflict when there is none.
func (s *Service) Reset(ctx context.Context, key string) error {
	who := actor.From(ctx)
	if err := who.Require(account.PermManage); err != nil {
		return err
	}
	if who.Account == key {
		return problem.Forbidden("signin.own_reset")
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		a, err := s.accounts.ByKey(ctx, tx, key)
		if err != nil {
			return err
		}
		if who.SamePerson(a.Person) {
			return problem.Forbidden("signin.own_reset")
		}
		had, err := factor.Of(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		if !had.Any() {
			return problem.Conflict("signin.nothing_to_reset")
		}
		if err := factor.RemoveApp(ctx, tx, a.ID); err != nil {
			return err
		}
		if err := factor.RemoveCodes(ctx, tx, a.ID); err != nil {
			return err
		}
		if _, err := passkey.Remove(ctx, tx, a.ID, ""); err != nil {
			return err
		}
		if err := factor.EndWaiting(ctx, tx, a.ID); err != nil {
			return err
		}
		if _, err := session.End(ctx, tx, a.ID, "", ""); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, "account.factors_reset", subject(a), audit.Image{"app": !had.AppSince.IsZero(), "passkeys": had.Passkeys}); err != nil {
			return err
		}
		return s.accounts.Notify(ctx, tx, a.Key, "signin.notice.factors_reset", problem.Args{"at": tx.Now})
	})
}

// Alarm is the answer of a person who does not know a sign-in: every session but the present one ends.
func (s *Service) Alarm(ctx context.Context, present string) (n int, err error) {
	if n, err = s.accounts.RevokeOthers(ctx, present); err != nil {
		return 0, err
	}
	return n, s.Answer(ctx, present, "account.sign_in_denied")
}

// Known is the answer of a person who knows the sign-ins from new places.
func (s *Service) Known(ctx context.Context, present string) error {
	return s.Answer(ctx, present, "account.sign_in_known")
}

// Answer closes the question about sign-ins from new places, but for the present session's own.
func (s *Service) Answer(ctx context.Context, present, act string) error {
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		a, err := s.self(ctx, tx)
		if err != nil {
			return err
		}
		open, err := session.Unseen(ctx, tx, a.ID, present)
		if err != nil || len(open) == 0 {
			return err
		}
		if err := session.Answer(ctx, tx, a.ID, present); err != nil {
			return err
		}
		return audit.Record(ctx, tx, act, subject(a), audit.Image{"n": len(open)})
	})
}
