package app

import (
	"context"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// watching are the roles that ought to watch each other.
var watching = []actor.Role{actor.Admin, actor.Approver, actor.Keeper}

// oneHand says in a sentence who holds several of the roles that ought to watch each other, "" for nobody. Many
// plants have no other way; it is said openly, at the foot of what leaves the house (DESIGN §7).
func (a *App) oneHand(ctx context.Context, tx *sqlite.Tx, locale string) (string, error) {
	all, err := a.Accounts.List(ctx, tx)
	if err != nil {
		return "", err
	}
	var people []string
	for _, acc := range all {
		var roles []string
		for _, r := range acc.ActiveRoles(jdate.Of(tx.Now)) {
			if slices.Contains(watching, r) {
				roles = append(roles, a.Texts.T(locale, "account.role."+string(r), nil))
			}
		}
		if len(roles) > 1 {
			list := strings.Join(roles, a.Texts.T(locale, "app.one_hand.and", nil))
			people = append(people, a.Texts.T(locale, "app.one_hand.person", problem.Args{"name": acc.Name, "roles": list}))
		}
	}
	if len(people) == 0 {
		return "", nil
	}
	return a.Texts.T(locale, "app.one_hand", problem.Args{"people": strings.Join(people, a.Texts.T(locale, "app.one_hand.then", nil))}), nil
}
