package advice

import (
	"context"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Service keeps advice. It is safe for concurrent use.
type Service struct {
	db   *sqlite.DB
	main *assessment.Service
}

// New returns the service.
func New(db *sqlite.DB, main *assessment.Service) *Service { return &Service{db: db, main: main} }

// Entry is what an expert enters at an item.
type Entry struct {
	Text   string
	Signed bool
	Seen   string // seal of the item as the page showed it; only a signature needs it
}

// Give keeps advice about an item. Problem codes: forbidden, not_found, invalid without text and signature, conflict
// when the item changed since the expert saw it and is to be signed.
func (s *Service) Give(ctx context.Context, framework, item string, e Entry) error {
	if err := actor.From(ctx).Require(PermAdvise); err != nil {
		return err
	}
	e.Text = jtext.StoreLines(e.Text)
	switch n := utf8.RuneCountInString(e.Text); {
	case n == 0 && !e.Signed:
		return problem.Invalid("text", "advice.needed")
	case n > maxText:
		return problem.Invalid("text", "web.too_long", "limit", maxText, "n", n)
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		b, it, err := s.main.Item(ctx, tx, framework, item)
		if err != nil {
			return err
		}
		a := Advice{
			Key: tx.NewKey(), Framework: b.Key(), Item: it.Node.ID, Text: e.Text, Signed: e.Signed, State: it.State, Seal: Seal(it),
			By: actor.From(ctx).ID(), At: tx.Now,
		}
		if b.Round != nil {
			a.Round = b.Round.Key
		}
		if a.Signed && e.Seen != a.Seal {
			return problem.Conflict("advice.changed_meanwhile")
		}
		if err := insert(ctx, tx, a); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "advice.given", "advice/"+a.Key, audit.Image{
			"framework": a.Framework, "item": a.Item, "round": a.Round, "text": a.Text, "signed": a.Signed, "state": a.State.Stored(), "seal": a.Seal,
		})
	})
}

// Of lists the advice about an item, newest first. Problem code forbidden.
func (s *Service) Of(ctx context.Context, tx *sqlite.Tx, framework, item string) ([]Advice, error) {
	if err := actor.From(ctx).Require(assessment.PermRead); err != nil {
		return nil, err
	}
	return find(ctx, tx, framework, item)
}
