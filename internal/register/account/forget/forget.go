// Package forget says what accounts hold about a person, and closes them for good when the person is erased.
package forget

import (
	"context"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/personal"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Source is the accounts as a personal.Source.
type Source struct{ Accounts *account.Service }

// OfPerson lists the accounts that name a person of the staff list.
func (s Source) OfPerson(ctx context.Context, tx *sqlite.Tx, person string) ([]account.Account, error) {
	all, err := s.Accounts.List(ctx, tx)
	return slices.DeleteFunc(all, func(a account.Account) bool { return a.Person != person }), err
}

// onlyAdmin says whether nobody but this account could administer today.
func (s Source) onlyAdmin(ctx context.Context, tx *sqlite.Tx, a account.Account) (bool, error) {
	if a.Disabled || !a.Holds(actor.Admin) {
		return false, nil
	}
	all, err := s.Accounts.List(ctx, tx)
	return !slices.ContainsFunc(all, func(o account.Account) bool {
		return o.Key != a.Key && !o.Disabled && o.HasPassword && o.Holds(actor.Admin)
	}), err
}

// Held lists accounts and sessions of a person (personal.Source).
func (s Source) Held(ctx context.Context, tx *sqlite.Tx, who personal.Subject) ([]personal.Item, error) {
	accounts, err := s.OfPerson(ctx, tx, who.Person)
	if err != nil {
		return nil, err
	}
	logins := personal.Item{Key: "personal.held.account"}
	sessions := personal.Item{Key: "personal.held.sessions"}
	known := personal.Item{Key: "personal.held.signin"}
	for _, a := range accounts {
		if strings.HasPrefix(a.Login, erasedLogin) {
			continue
		}
		logins.Link = "/settings/accounts/" + a.Key
		logins.On = jdate.Of(a.CreatedAt)
		logins.Values = append(logins.Values, personal.Value{Label: "account.field.login", Text: a.Login, On: logins.On})
		logins.Values = append(logins.Values, personal.Value{Label: "account.field.name", Text: a.Name, On: logins.On})
		values, err := signInData(ctx, tx, a.ID)
		if err != nil {
			return nil, err
		}
		known.Values = append(known.Values, values...)
		all, err := session.All(ctx, tx, a.ID)
		if err != nil {
			return nil, err
		}
		for _, one := range all {
			sessions.Values = append(sessions.Values, personal.Value{Text: one.Address + "  " + one.Agent, On: jdate.Of(one.CreatedAt)})
			sessions.On = jdate.Of(one.CreatedAt) // they come newest first
		}
	}
	logins.Count, sessions.Count, known.Count = len(logins.Values)/2, len(sessions.Values), len(known.Values)
	return []personal.Item{logins, sessions, known}, nil
}

// erasedLogin begins what stands in the place of a login that was erased.
const erasedLogin = "erased-"

// Erase closes the accounts of a person for good: sessions, roles, password, login and name go, the key stays, so
// that acts keep their actor (personal.Source). One administrator always stays: code conflict.
func (s Source) Erase(ctx context.Context, tx *sqlite.Tx, who personal.Subject) (int, error) {
	accounts, err := s.OfPerson(ctx, tx, who.Person)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, a := range accounts {
		only, err := s.onlyAdmin(ctx, tx, a)
		if err != nil {
			return n, err
		}
		if only {
			return n, problem.Conflict("account.last_admin")
		}
		ended, err := session.Erase(ctx, tx, a.ID)
		if err != nil {
			return n, err
		}
		a.Login, a.Name = erasedLogin+a.Key, who.Label
		if err := eraseAccount(ctx, tx, a); err != nil {
			return n, err
		}
		n += 1 + ended
	}
	return n, nil
}
