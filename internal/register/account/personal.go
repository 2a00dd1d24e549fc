package account

import (
	"context"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/personal"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// OfPerson lists the accounts that name a person of the staff list.
func (s *Service) OfPerson(ctx context.Context, tx *sqlite.Tx, person string) ([]Account, error) {
	found, err := listAccounts(ctx, tx, `WHERE a.person = ? ORDER BY a.id`, person)
	out := make([]Account, len(found))
	for i, a := range found {
		out[i] = a.Account
	}
	return out, err
}

// Held lists accounts and sessions of a person (personal.Source).
func (s *Service) Held(ctx context.Context, tx *sqlite.Tx, who personal.Subject) ([]personal.Item, error) {
	accounts, err := s.OfPerson(ctx, tx, who.Person)
	if err != nil {
		return nil, err
	}
	logins := personal.Item{Key: "personal.held.account"}
	sessions := personal.Item{Key: "personal.held.sessions"}
	for _, a := range accounts {
		if strings.HasPrefix(a.Login, erasedLogin) {
			continue
		}
		logins.Link = "/settings/accounts/" + a.Key
		logins.On = jdate.Of(a.CreatedAt)
		logins.Values = append(logins.Values, personal.Value{Label: "account.field.login", Text: a.Login, On: logins.On})
		logins.Values = append(logins.Values, personal.Value{Label: "account.field.name", Text: a.Name, On: logins.On})
		all, err := session.All(ctx, tx, a.ID)
		if err != nil {
			return nil, err
		}
		for _, one := range all {
			sessions.Values = append(sessions.Values, personal.Value{Text: one.Address + "  " + one.Agent, On: jdate.Of(one.CreatedAt)})
			sessions.On = jdate.Of(one.CreatedAt) // they come newest first
		}
	}
	logins.Count, sessions.Count = len(logins.Values)/2, len(sessions.Values)
	return []personal.Item{logins, sessions}, nil
}

// erasedLogin begins what stands in the place of a login that was erased.
const erasedLogin = "erased-"

// Erase closes the accounts of a person for good: sessions, roles, password, login and name go, the key stays, so
// that acts keep their actor (personal.Source). One administrator always stays: code conflict.
func (s *Service) Erase(ctx context.Context, tx *sqlite.Tx, who personal.Subject) (int, error) {
	accounts, err := s.OfPerson(ctx, tx, who.Person)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, a := range accounts {
		if a.Holds(actor.Admin) && !a.Disabled {
			others, err := otherAdmins(ctx, tx, a.ID)
			if err != nil {
				return n, err
			}
			if others == 0 {
				return n, problem.Conflict("account.last_admin")
			}
		}
		ended, err := session.Erase(ctx, tx, a.ID)
		if err != nil {
			return n, err
		}
		a.Login, a.Name, a.Roles, a.Scope, a.Ends, a.Disabled = erasedLogin+a.Key, who.Label, nil, nil, 0, true
		if err := eraseAccount(ctx, tx, a); err != nil {
			return n, err
		}
		n += 1 + ended
	}
	return n, nil
}
