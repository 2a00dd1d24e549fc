package intake

import (
	"context"
	"errors"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/personal"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// Held lists the imports that changed a person and can still be taken back, which are erased with the person, and the
// files of other imports, which may name anybody and go by their own time (personal.Source).
func (s *Service) Held(ctx context.Context, tx *sqlite.Tx, who personal.Subject) ([]personal.Item, error) {
	named, err := naming(ctx, tx, who.Person)
	if err != nil {
		return nil, err
	}
	others, err := list(ctx, tx, `WHERE swept_at = 0 AND coalesce(instr(undo, ?), 0) = 0 ORDER BY id`, []byte(who.Person))
	if err != nil {
		return nil, err
	}
	items := []personal.Item{
		{Key: "personal.held.imports", Count: len(named)},
		{Key: "personal.held.files", Count: len(others), Retained: "personal.kept.files"},
	}
	for i, found := range [][]Import{named, others} {
		for _, one := range found {
			items[i].Values = append(items[i].Values, personal.Value{Text: one.File, On: jdate.Of(one.CreatedAt)})
		}
		if len(found) > 0 {
			items[i].On = jdate.Of(found[0].CreatedAt)
		}
	}
	return items, nil
}

// naming lists the imports whose undo data hold the person.
func naming(ctx context.Context, tx *sqlite.Tx, person string) ([]Import, error) {
	return list(ctx, tx, `WHERE swept_at = 0 AND instr(undo, ?) > 0 ORDER BY id`, []byte(person))
}

// Erase forgets what would bring a person back: the undo data that hold them. Those imports cannot be taken back any
// more; Finish removes their files (personal.Source).
func (s *Service) Erase(ctx context.Context, tx *sqlite.Tx, who personal.Subject) (int, error) {
	named, err := naming(ctx, tx, who.Person)
	if err != nil {
		return 0, err
	}
	for _, i := range named {
		if err := forgetUndo(ctx, tx, i.Key); err != nil {
			return 0, err
		}
	}
	return len(named), nil
}

// Finish removes the files of imports that were swept or erased (personal.Finisher).
func (s *Service) Finish(ctx context.Context) error {
	var swept []Import
	err := s.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		swept, err = list(ctx, tx, `WHERE swept_at > 0`)
		return err
	})
	for _, i := range swept {
		err = errors.Join(err, s.forget(i.Key))
	}
	return err
}
