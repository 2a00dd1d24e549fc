package search

import (
	"context"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// Each gives every line that the term holds for, one block at a time, whatever their number: for exports. The order is
// that of the store's blocks, and inside of one by source, time and sequence; it is the same each time. An error of emit
// ends it and is returned. The record may be kept. The result has no lines, but what was read and what was damaged.
func Each(ctx context.Context, store query.Store, where query.Term, o query.Options, emit func(*event.Record) error) (*query.Result, error) {
	o.Workers = 1
	var s *stream
	return start(ctx, store, query.Query{Where: where}, o, func(r *run) (*query.Result, error) {
		s = &stream{r, emit}
		if _, err := r.each(ctx, func() sink { return s }); err != nil {
			return nil, err
		}
		return r.finish(&query.Result{}), nil
	})
}

// stream is the sink that hands records on.
type stream struct {
	run  *run
	emit func(*event.Record) error
}

func (*stream) passes(query.Stat) bool { return false }
func (*stream) whole(query.Stat) bool  { return false }
func (*stream) merge(sink) error       { return nil }

// stopped is an error of the receiver: not damage.
type stopped struct{ error }

func (s *stopped) Unwrap() error { return s.error }

func (s *stream) take(v *view, block int, found rows) error {
	g := &gather{run: s.run}
	var which []int
	err := v.places(found, false, func(p place) bool {
		p.block = block
		which = append(which, len(g.places))
		g.places = append(g.places, p)
		return true
	})
	if err != nil {
		return err
	}
	g.records = make([]event.Record, len(g.places))
	if err := g.lines(v, found, which); err != nil {
		return err
	}
	for i := range g.records {
		if err := s.emit(&g.records[i]); err != nil {
			return &stopped{fmt.Errorf("query: emit: %w", err)}
		}
	}
	return nil
}
