package policy

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/personal"
)

// Held lists what a person was told of, and what the person wrote, approved, reviewed or answers for (personal.Source).
// All of it names the person by key, and stays: it proves who was told what, and that a second person approved.
func (s *Service) Held(ctx context.Context, tx *sqlite.Tx, who personal.Subject) ([]personal.Item, error) {
	told, err := notifiedOf(ctx, tx, who.Person)
	if err != nil {
		return nil, err
	}
	item := personal.Item{Key: "personal.held.notices", Link: "/policy", Count: len(told), Retained: "personal.kept.proof", Values: told}
	if len(told) > 0 {
		item.On = told[0].On
	}
	acted, err := countActed(ctx, tx, who)
	return []personal.Item{item, {Key: "personal.held.approvals", Link: "/policy", Count: acted, Retained: "personal.kept.act"}}, err
}

// Erase has nothing to erase: everything is by key (personal.Source).
func (s *Service) Erase(context.Context, *sqlite.Tx, personal.Subject) (int, error) { return 0, nil }
