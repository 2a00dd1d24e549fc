package sample

import (
	"context"
	"fmt"
	"slices"

	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// step is one act of the history.
type step struct {
	on   jdate.Day
	name string
	do   func(ctx context.Context) error
}

// plan is the history, in the order in which it was written down until run sorts it by day.
type plan struct{ steps []step }

func (p *plan) add(on jdate.Day, name string, do func(ctx context.Context) error) {
	p.steps = append(p.steps, step{on, name, do})
}

// run makes the history day by day. Steps of one day keep the order in which they were written down.
func (p *plan) run(ctx context.Context, clock *Clock, progress func(done, total int)) error {
	slices.SortStableFunc(p.steps, func(a, b step) int { return a.on.Sub(b.on) })
	for i, s := range p.steps {
		clock.Set(s.on)
		if err := s.do(ctx); err != nil {
			return fmt.Errorf("%s on %s: %w", s.name, s.on, err)
		}
		if progress != nil {
			progress(i+1, len(p.steps))
		}
	}
	return nil
}
