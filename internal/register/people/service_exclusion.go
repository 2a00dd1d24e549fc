package people

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Exclude leaves a person out of the populations from e.From (zero: today) until e.Until; codes as Save.
func (s *Service) Exclude(ctx context.Context, e Exclusion) error {
	if err := actor.From(ctx).Require(PermEdit); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		p, err := s.scoped(ctx, tx, e.Person)
		if err != nil {
			return err
		}
		e.Key, e.Note = tx.NewKey(), jtext.Line(e.Note)
		if e.From.IsZero() {
			e.From = today(tx)
		}
		if err := e.Check(); err != nil {
			return err
		}
		if err := insertExclusion(ctx, tx, e); err != nil {
			return err
		}
		after := audit.Image{"reason": e.Reason, "note": audit.Personal(e.Note), "from_on": e.From, "until_on": e.Until}
		if err := audit.Record(ctx, tx, "people.excluded", "people/"+p.Key, after); err != nil {
			return err
		}
		return s.putFacts(ctx, tx, p)
	})
}

// EndExclusion ends an exclusion yesterday, so that the person counts again from today; one that has not
// begun disappears. Codes: not_found, forbidden, conflict when it is over already.
func (s *Service) EndExclusion(ctx context.Context, key string) error {
	if err := actor.From(ctx).Require(PermEdit); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		e, err := findExclusion(ctx, tx, key)
		if err != nil {
			return err
		}
		p, err := s.scoped(ctx, tx, e.Person)
		if err != nil {
			return err
		}
		if e.Until.Before(today(tx)) {
			return problem.Conflict("people.exclusion.over")
		}
		e.Until = today(tx).Add(-1)
		if err := endExclusion(ctx, tx, e); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, "people.exclusion_ended", "people/"+p.Key, audit.Image{"until_on": e.Until}); err != nil {
			return err
		}
		return s.putFacts(ctx, tx, p)
	})
}

// scoped reads a person whom the actor may change.
func (s *Service) scoped(ctx context.Context, tx *sqlite.Tx, key string) (Person, error) {
	p, err := findPerson(ctx, tx, key)
	if err != nil {
		return p, err
	}
	if !p.Erased.IsZero() {
		return p, problem.Conflict("people.erased")
	}
	return p, actor.From(ctx).RequireScope(p.Department)
}
