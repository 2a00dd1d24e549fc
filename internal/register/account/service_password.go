package account

import (
	"context"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account/factor"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// PasswordLink makes a link with which the person behind an account chooses a new password, valid 24
// hours; earlier ones no longer open. Problem codes: forbidden, not_found, conflict for a disabled account.
func (s *Service) PasswordLink(ctx context.Context, key string) (token string, l link.Link, err error) {
	if err := actor.From(ctx).Require(PermManage); err != nil {
		return "", link.Link{}, err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		a, err := accountByKey(ctx, tx, key)
		if err != nil {
			return err
		}
		if a.Disabled {
			return problem.Conflict("account.closed")
		}
		if err := link.RevokeAll(ctx, tx, purposePassword, subject(key)); err != nil {
			return err
		}
		token, l, err = link.Create(ctx, tx, link.New{Purpose: purposePassword, Subject: subject(key), Person: a.Person, Days: passwordDays})
		return err
	})
	return token, l, err
}

// PasswordLinkFor returns the account that a password link is for, while it opens. Problem code
// unauthenticated, as link.Resolve says.
func (s *Service) PasswordLinkFor(ctx context.Context, tx *sqlite.Tx, token string) (Account, link.Link, error) {
	l, err := link.Resolve(ctx, tx, token, purposePassword)
	if err != nil {
		return Account{}, link.Link{}, err
	}
	a, err := accountByKey(ctx, tx, strings.TrimPrefix(l.Subject, "account/"))
	if err != nil {
		return Account{}, link.Link{}, err
	}
	if a.Disabled {
		return Account{}, link.Link{}, problem.Unauthenticated("account.closed")
	}
	return a.Account, l, nil
}

// ResetPassword stores the password that the person behind a link chose, uses the link up and ends all
// sessions of the account. Problem codes: unauthenticated, invalid at "password".
func (s *Service) ResetPassword(ctx context.Context, token, plain string) error {
	var a Account
	err := s.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		a, _, err = s.PasswordLinkFor(ctx, tx, token)
		return err
	})
	if err != nil {
		return err
	}
	hash, err := s.hashOf(ctx, "password", plain, a.Login)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		a, l, err := s.PasswordLinkFor(ctx, tx, token) // it may have been used while the hash was computed
		if err != nil {
			return err
		}
		ctx := actor.With(ctx, l.Actor())
		if err := link.Use(ctx, tx, l); err != nil {
			return err
		}
		return s.replacePassword(ctx, tx, a, hash, "account.password_reset")
	})
}

// SetPassword stores a password for a login: kizuki user passwd. It ends all sessions of the account.
// Problem codes: forbidden, not_found, invalid at "password".
func (s *Service) SetPassword(ctx context.Context, login, plain string) error {
	if err := actor.From(ctx).Require(PermManage); err != nil {
		return err
	}
	login = cleanLogin(login)
	hash, err := s.hashOf(ctx, "password", plain, login)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		a, err := accountByLogin(ctx, tx, login)
		if err != nil {
			return err
		}
		return s.replacePassword(ctx, tx, a.Account, hash, "account.password_set")
	})
}

// PasswordChange is what a person enters to change the own password.
type PasswordChange struct {
	Current, New string
	Client       session.Client
}

// ChangePassword changes the password of the actor's own account. All its sessions end, and a new one
// begins, whose token is returned. Problem codes: unauthenticated, invalid at "current" or "password",
// unavailable after wrong tries.
func (s *Service) ChangePassword(ctx context.Context, c PasswordChange) (token string, err error) {
	a, err := s.confirm(ctx, c.Current, c.Client)
	if err != nil {
		return "", err
	}
	if c.New == c.Current {
		return "", problem.Invalid("password", "account.password.same")
	}
	hash, err := s.hashOf(ctx, "password", c.New, a.Login)
	if err != nil {
		return "", err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		now, err := accountByKey(ctx, tx, a.Key)
		if err != nil {
			return err
		}
		if now.password != a.password || now.Disabled {
			return problem.Conflict("account.changed_meanwhile")
		}
		if err := s.replacePassword(ctx, tx, now.Account, hash, "account.password_changed"); err != nil {
			return err
		}
		token, err = s.begin(ctx, tx, now.Account, session.ByChange, c.Client)
		return err
	})
	return token, err
}

// Confirm asks who acts for the own password once more, before what a stranger at an open screen must not do.
// Problem codes: unauthenticated, invalid at "current", unavailable after wrong tries.
func (s *Service) Confirm(ctx context.Context, plain string, c session.Client) (Account, error) {
	a, err := s.confirm(ctx, plain, c)
	return a.Account, err
}

func (s *Service) confirm(ctx context.Context, plain string, c session.Client) (a stored, err error) {
	err = s.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		a, err = accountByKey(ctx, tx, actor.From(ctx).Account)
		return err
	})
	if err != nil {
		return a, err
	}
	ok, _, err := s.try(ctx, a.Login, a.password, plain, c)
	if err == nil && !ok {
		err = problem.Invalid("current", "account.current_wrong")
	}
	return a, err
}

// hashOf checks a new password against the rules and hashes it.
func (s *Service) hashOf(ctx context.Context, field, plain, login string) (string, error) {
	weak, err := s.weak(ctx, field, plain, login)
	if err != nil {
		return "", err
	}
	if weak != nil {
		return "", weak
	}
	return s.hasher.Hash(ctx, plain)
}

// replacePassword stores a hash, ends all sessions and open password links, and records the act.
func (s *Service) replacePassword(ctx context.Context, tx *sqlite.Tx, a Account, hash, act string) error {
	if err := putPassword(ctx, tx, a.ID, hash, true); err != nil {
		return err
	}
	if _, err := session.End(ctx, tx, a.ID, "", ""); err != nil {
		return err
	}
	if err := factor.EndWaiting(ctx, tx, a.ID); err != nil {
		return err
	}
	if err := s.Notify(ctx, tx, a.Key, "account.notice.password", problem.Args{"at": tx.Now}); err != nil {
		return err
	}
	if err := link.RevokeAll(ctx, tx, purposePassword, subject(a.Key)); err != nil {
		return err
	}
	return s.record(ctx, tx, act, a)
}
