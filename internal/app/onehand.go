package app

import (
	"context"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// oneHand says in a sentence who holds several of the roles that ought to watch each other, "" for nobody.
func (a *App) oneHand(ctx context.Context, tx *sqlite.Tx, locale string) (string, error) {
	hands, err := a.Accounts.OneHands(ctx, tx)
	if err != nil || len(hands) == 0 {
		return "", err
	}
	people := make([]string, len(hands))
	for i, h := range hands {
		roles := make([]string, len(h.Roles))
		for k, r := range h.Roles {
			roles[k] = a.Texts.T(locale, "account.role."+string(r), nil)
		}
		people[i] = a.Texts.T(locale, "app.one_hand.person", problem.Args{"name": h.Name, "roles": strings.Join(roles, a.Texts.T(locale, "app.one_hand.and", nil))})
	}
	return a.Texts.T(locale, "app.one_hand", problem.Args{"people": strings.Join(people, a.Texts.T(locale, "app.one_hand.then", nil))}), nil
}
