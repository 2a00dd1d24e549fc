package training

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/personal"
)

// Held lists the sessions that a person took part in (personal.Source). They name the person by key, and stay: they
// prove that the company taught its people.
func (s *Service) Held(ctx context.Context, tx *sqlite.Tx, who personal.Subject) ([]personal.Item, error) {
	attended, err := attendedBy(ctx, tx, who.Person)
	if err != nil {
		return nil, err
	}
	item := personal.Item{Key: "personal.held.training", Link: "/training", Count: len(attended), Retained: "personal.kept.proof", Values: attended}
	if len(attended) > 0 {
		item.On = attended[0].On
	}
	reflected, err := countReflections(ctx, tx, who.Person)
	return []personal.Item{item, {Key: "personal.held.reflections", Link: "/training", Count: reflected, Retained: "personal.kept.act"}}, err
}

// Erase has nothing to erase: attendance is by key (personal.Source).
func (s *Service) Erase(context.Context, *sqlite.Tx, personal.Subject) (int, error) { return 0, nil }
