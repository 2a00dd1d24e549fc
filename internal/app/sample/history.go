package sample

import (
	"context"
	"errors"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/fact"
)

// monthEnds is how many ends of months are judged, so that pages can say what changed since.
const monthEnds = 3

// write writes the whole history down; run makes it.
func (b *builder) write() error {
	begins, err := b.past(b.content.Begins)
	if err != nil {
		return err
	}
	b.add(begins, "the company moves in", b.establish)
	if err := b.planStaff(begins); err != nil {
		return err
	}
	b.add(begins, "departments get owners", b.nameOwners)
	if err := errors.Join(b.planRules(), b.planTraining(), b.planRounds(), b.planPlans()); err != nil {
		return err
	}
	for n := monthEnds; n >= 1; n-- {
		b.add(b.monthEnd(n), "a month ends", b.judge)
	}
	if err := b.planAnswers(); err != nil {
		return err
	}
	b.add(b.today, "today is judged", b.judge)
	return nil
}

// judge reads every register again, as every night does, and judges every clause.
func (b *builder) judge(ctx context.Context) error {
	return b.DB.Write(ctx, func(tx *sqlite.Tx) error {
		for _, source := range []fact.Source{b.Org, b.People, b.Roster, b.Policy, b.Demands, b.Training} {
			if err := b.Facts.Sync(ctx, tx, source); err != nil {
				return err
			}
		}
		return b.Assess.RecomputeAll(ctx, tx)
	})
}
