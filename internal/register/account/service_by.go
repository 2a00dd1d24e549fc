package account

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account/factor"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// SignInBy begins a session for an account whose holder has shown it in another way than by password, in
// the transaction that noted how. old is the token that the browser brought along; its session ends.
// Problem codes: not_found, and invalid (account.closed) for an account that no longer counts.
func (s *Service) SignInBy(ctx context.Context, tx *sqlite.Tx, key, old string, c session.Client) (token string, err error) {
	a, err := accountByKey(ctx, tx, key)
	if err != nil {
		return "", err
	}
	return s.Begin(ctx, tx, a.Account, session.ByCompany, old, c)
}

// WaitFor lets the sign-in of an account wait for its second factor, and returns the token of the waiting one; ""
// when the account has no factor to ask for.
func (s *Service) WaitFor(ctx context.Context, key string) (waiting string, err error) {
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		a, err := accountByKey(ctx, tx, key)
		if err != nil {
			return err
		}
		second, err := factor.Of(ctx, tx, a.ID)
		if err == nil && second.Any() {
			waiting, err = factor.Wait(ctx, tx, a.ID)
		}
		return err
	})
	return waiting, err
}

// Join makes an account for a person on the staff list who shows up for the first time, in the caller's
// transaction: role 従業員 only, no password. The caller has checked that the person may.
func (s *Service) Join(ctx context.Context, tx *sqlite.Tx, login, name, person string) (Account, error) {
	n := NewAccount{Login: cleanLogin(login), Profile: Profile{Name: name, Person: person, Roles: []actor.Role{actor.Employee}}.tidy()}
	var found problem.List
	found.Add(checkLogin(n.Login))
	n.check(&found)
	if err := found.Err(); err != nil {
		return Account{}, err
	}
	if err := s.checkNamed(ctx, tx, n.Profile, Profile{}); err != nil {
		return Account{}, err
	}
	return s.insert(actor.With(ctx, actor.House()), tx, n, "")
}
