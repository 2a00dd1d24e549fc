package app

import (
	"context"
	"slices"
	"strings"
	"sync"

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

// foot keeps the sentence of oneHand by language: every page shows it, and reading all accounts for it costs more than
// the rest of what surrounds a page.
type foot struct {
	mu    sync.Mutex
	state uint64
	today jdate.Day
	texts map[string]string
}

// footOf is oneHand for as long as the database and the day stay the same.
func (a *App) footOf(ctx context.Context, locale string) (text string, err error) {
	state, known := a.DB.Changes() // before reading: what is read is at least as new
	today := jdate.Of(a.DB.Now())
	k := &a.foot
	k.mu.Lock()
	text, kept := k.texts[locale]
	kept = kept && known && k.state == state && k.today == today
	k.mu.Unlock()
	if kept {
		return text, nil
	}
	err = a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		text, err = a.oneHand(ctx, tx, locale)
		return err
	})
	if err != nil {
		return "", err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.texts == nil || k.state != state || k.today != today {
		k.texts = map[string]string{}
	}
	k.state, k.today, k.texts[locale] = state, today, text
	return text, nil
}
