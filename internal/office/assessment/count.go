package assessment

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

// OpenClauses counts the clauses that are not met, over all targets: the number beside できていないところ in the
// menu. It is cheap, because boards are kept until something changes. Problem code forbidden.
func (s *Service) OpenClauses(ctx context.Context) (int, error) {
	n := 0
	err := s.Read(ctx, func(tx *sqlite.Tx) error {
		targets, err := s.Targets(ctx, tx)
		for _, t := range targets {
			for _, it := range t.Board.Items {
				if t.Within(it) {
					n += it.OpenClauses()
				}
			}
		}
		return err
	})
	return n, err
}

// MayAnswer says whether the actor may answer items of an owner; "" is an item without one. Problem code forbidden.
func (s *Service) MayAnswer(ctx context.Context, tx *sqlite.Tx, owner string) error {
	return s.mayAnswer(ctx, tx, owner)
}
