package account

import (
	"context"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// OneHand is a person who holds several of the roles that ought to watch each other. Many plants have no other way;
// it is said openly at the set-up, and at the foot of what leaves the house (DESIGN §7).
type OneHand struct {
	Name  string
	Roles []actor.Role // two or three of システム管理者, 承認者, 担当
}

// OneHands lists the people who hold several of those roles today, by login.
func (s *Service) OneHands(ctx context.Context, tx *sqlite.Tx) ([]OneHand, error) {
	all, err := s.List(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []OneHand
	for _, a := range all {
		h := OneHand{Name: a.Name}
		for _, r := range a.ActiveRoles(jdate.Of(tx.Now)) {
			if slices.Contains([]actor.Role{actor.Admin, actor.Approver, actor.Keeper}, r) {
				h.Roles = append(h.Roles, r)
			}
		}
		if len(h.Roles) > 1 {
			out = append(out, h)
		}
	}
	return out, nil
}
