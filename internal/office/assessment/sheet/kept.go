package sheet

import (
	"context"
	"io"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
)

// Keep stores a workbook that is to be filled, for the same person and at most a day, and returns its key. A workbook
// that cannot be filled is not kept; problem codes are those of PlanFill.
func (s *Service) Keep(ctx context.Context, name string, data []byte, o FillOptions) (string, error) {
	plan, err := s.PlanFill(ctx, name, data, o)
	if err != nil {
		return "", err
	}
	key := ""
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if err := actor.From(ctx).Require(assessment.PermRead); err != nil {
			return err
		}
		key, err = insertWaiting(ctx, tx, waiting{Framework: plan.Framework, File: name, Data: data, By: actor.From(ctx).ID()})
		return err
	})
	return key, err
}

func (s *Service) kept(ctx context.Context, key string, o FillOptions) (w waiting, err error) {
	f, err := s.framework(o.Framework)
	if err != nil {
		return waiting{}, err
	}
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		w, err = findWaiting(ctx, tx, f.Key(), key, actor.From(ctx).ID())
		return err
	})
	return w, err
}

// PlanKept is PlanFill for a workbook that was kept; problem code not_found when it is gone.
func (s *Service) PlanKept(ctx context.Context, key string, o FillOptions) (*FillPlan, error) {
	w, err := s.kept(ctx, key, o)
	if err != nil {
		return nil, err
	}
	return s.PlanFill(ctx, w.File, w.Data, o)
}

// FillKept is Fill for a workbook that was kept; it is forgotten then.
func (s *Service) FillKept(ctx context.Context, key string, o FillOptions, out io.Writer) (*FillPlan, error) {
	w, err := s.kept(ctx, key, o)
	if err != nil {
		return nil, err
	}
	plan, err := s.Fill(ctx, w.File, w.Data, o, out)
	if err != nil {
		return nil, err
	}
	return plan, s.db.Write(ctx, func(tx *sqlite.Tx) error { return deleteWaiting(ctx, tx, key) })
}
