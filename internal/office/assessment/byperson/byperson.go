// Package byperson says what assessments hold about one person. It reads the tables of the room above.
package byperson

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/personal"
)

// Source is the assessments as a personal.Source.
type Source struct{}

// Held lists the answers that a person gave and the items and actions that the person is in charge of
// (personal.Source). They name the person by key; answers are frozen, and locked rounds stay as they were.
func (Source) Held(ctx context.Context, tx *sqlite.Tx, who personal.Subject) ([]personal.Item, error) {
	n, err := countsOf(ctx, tx, who)
	return []personal.Item{
		{Key: "personal.held.answers", Link: "/rounds", Count: n.answers, Retained: "personal.kept.proof"},
		{Key: "personal.held.charge", Link: "/sheet/owners", Count: n.items, Retained: "personal.kept.act"},
		{Key: "personal.held.actions", Link: "/actions", Count: n.actions, Retained: "personal.kept.act"},
	}, err
}

// Erase has nothing to erase: everything is by key (personal.Source).
func (Source) Erase(context.Context, *sqlite.Tx, personal.Subject) (int, error) { return 0, nil }
