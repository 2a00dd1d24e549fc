package outbox

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/personal"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// Held lists the messages to a person that still hold their text (personal.Source).
func (s *Service) Held(ctx context.Context, tx *sqlite.Tx, who personal.Subject) ([]personal.Item, error) {
	found, err := messagesTo(ctx, tx, who)
	if err != nil {
		return nil, err
	}
	item := personal.Item{Key: "personal.held.messages", Count: len(found)}
	for _, m := range found {
		item.Values = append(item.Values, personal.Value{Text: m.text, On: jdate.Of(m.at)})
	}
	if len(found) > 0 {
		item.On = jdate.Of(found[0].at)
	}
	return []personal.Item{item}, nil
}

// Erase empties the messages to a person, whether they went out or not: what is still queued goes nowhere
// (personal.Source). The wishes about mail go too.
func (s *Service) Erase(ctx context.Context, tx *sqlite.Tx, who personal.Subject) (int, error) {
	return eraseTo(ctx, tx, who)
}
