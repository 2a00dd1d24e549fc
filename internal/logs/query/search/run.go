package search

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// Run answers a query. The error is a *query.Error for queries and limits, that of the context, or that of the store;
// blocks that cannot be read make the result partial instead. Equal queries to an equal store have equal results.
func Run(ctx context.Context, store query.Store, q query.Query, o query.Options) (*query.Result, error) {
	return start(ctx, store, q, o, func(r *run) (*query.Result, error) { return r.answer(ctx, q.Verb) })
}

// start opens the store and lets answer run.
func start(
	ctx context.Context, store query.Store, q query.Query, o query.Options, answer func(*run) (*query.Result, error),
) (*query.Result, error) {
	o.Limits = o.Limits.OrDefault()
	if err := query.Check(q, o.Limits); err != nil {
		return nil, err
	}
	p, err := newPlan(q, o.Limits)
	if err != nil {
		return nil, err
	}
	blocks, err := store.Blocks(ctx, p.from, p.to, p.sources)
	if err != nil {
		return nil, fmt.Errorf("query: blocks: %w", err)
	}
	r := &run{plan: p, options: o, blocks: blocks, failed: map[int]error{}}
	result, err := answer(r)
	if closing := blocks.Close(); err == nil && closing != nil {
		err = fmt.Errorf("query: close: %w", closing)
	}
	if err != nil {
		return nil, err
	}
	return result, nil
}

// run is one query on its way over the blocks.
type run struct {
	*plan
	options query.Options
	blocks  query.Blocks

	mu       sync.Mutex
	next     int
	progress query.Progress
	stats    query.Stats
	failed   map[int]error // by block
	fatal    error         // ends the run
}

// sink takes the rows of blocks. Each worker has one; merge is called with those of the others afterwards.
type sink interface {
	// passes says whether a block can add nothing any more.
	passes(s query.Stat) bool
	// whole takes a block all of whose rows count without opening it, if it can.
	whole(s query.Stat) bool
	take(v *view, block int, found rows) error
	merge(other sink) error
}

// answer runs the query with the sink of its verb.
func (r *run) answer(ctx context.Context, verb query.Verb) (*query.Result, error) {
	switch verb := verb.(type) {
	case query.Count:
		return r.count(ctx)
	case query.Histogram:
		return r.histogram(ctx, verb)
	case query.Top:
		return r.top(ctx, verb)
	case query.Distinct:
		return r.distinct(ctx, verb)
	case query.Newest:
		return r.newest(ctx, verb)
	}
	return r.newest(ctx, query.Newest{})
}

// workers is how many goroutines share the blocks. Each has a block in memory, hence not more than eight by itself.
func (r *run) workers() int {
	if n := r.options.Workers; n > 0 {
		return n
	}
	return max(2, min(runtime.GOMAXPROCS(0), 8))
}

// each runs the workers over all blocks and gives the merged sink.
func (r *run) each(ctx context.Context, start func() sink) (sink, error) {
	r.stats.Blocks = r.blocks.Len()
	r.progress.Blocks = r.stats.Blocks
	workers := max(1, min(r.workers(), r.stats.Blocks))
	sinks := make([]sink, workers)
	var wait sync.WaitGroup
	for i := range sinks {
		sinks[i] = start()
		wait.Go(func() { r.work(ctx, sinks[i]) })
	}
	wait.Wait()
	if r.fatal != nil {
		return nil, r.fatal
	}
	for _, s := range sinks[1:] {
		if err := sinks[0].merge(s); err != nil {
			return nil, err
		}
	}
	return sinks[0], nil
}

// work takes block after block.
func (r *run) work(ctx context.Context, to sink) {
	v := &view{decode: r.options.Decode, keys: r.keys, columns: map[string]*query.Column{}, decoded: map[string]*decoded{}}
	for {
		r.mu.Lock()
		i := r.next
		r.next++
		stop := r.fatal != nil || i >= r.blocks.Len()
		r.mu.Unlock()
		if stop {
			return
		}
		if err := ctx.Err(); err != nil {
			r.stop(err)
			return
		}
		r.block(v, i, to)
	}
}

// stop ends the run.
func (r *run) stop(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fatal == nil {
		r.fatal = err
	}
}

// outcome is what became of a block.
type outcome struct {
	rows, found int
	bytes       int64
	skipped     bool
}

// block runs the query over one block and counts it.
func (r *run) block(v *view, i int, to sink) {
	stat := r.blocks.Stat(i)
	done, err := r.look(v, i, stat, to)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Rows += int64(done.rows)
	r.stats.Bytes += done.bytes
	r.progress.Done++
	r.progress.Bytes = r.stats.Bytes
	r.progress.Found += int64(done.found)
	if done.skipped {
		r.stats.Skipped++
	}
	switch {
	case err == nil:
	case isFatal(err):
		if r.fatal == nil {
			r.fatal = err
		}
	default:
		r.failed[i] = err
	}
	if r.options.Progress != nil {
		r.options.Progress(r.progress)
	}
}

// isFatal says whether an error ends the run: a limit, or that nobody wants more.
func isFatal(err error) bool {
	if _, limit := errors.AsType[*query.Error](err); limit {
		return true
	}
	_, stop := errors.AsType[*stopped](err)
	return stop
}

// look runs the query over one block. A panic of a reader of damaged data is damage like others.
func (r *run) look(v *view, i int, stat query.Stat, to sink) (done outcome, err error) {
	if !r.root.may(stat) || to.passes(stat) {
		return outcome{skipped: true}, nil
	}
	if !stat.Doubtful && r.root.sure(stat) && to.whole(stat) {
		return outcome{found: stat.Rows}, nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("query: block: %v", p)
		}
	}()
	prober, probed := r.blocks.(query.Prober)
	if probed {
		if may, err := mayHave(r.root, probe{prober, i}, stat); err != nil || !may {
			return outcome{skipped: true}, err
		}
	}
	b, err := r.blocks.Open(i)
	if err != nil {
		return done, fmt.Errorf("open: %w", err)
	}
	defer b.Release()
	if !probed {
		if may, err := mayHave(r.root, b, stat); err != nil || !may {
			return outcome{skipped: true}, err
		}
	}
	v.reset(b, stat)
	in, out := v.take(), v.take()
	defer func() { v.give(in); v.give(out) }()
	in.fill(stat.Rows)
	err = r.root.eval(v, in, out)
	if err == nil {
		done.found = out.count()
		if done.found > 0 {
			err = to.take(v, i, out)
		}
	}
	done.rows, done.bytes = stat.Rows, v.searched
	return done, err
}

// finish puts into the result what all verbs have.
func (r *run) finish(result *query.Result) *query.Result {
	result.Stats = r.stats
	result.Count = r.progress.Found
	var blocks []int
	for i := range r.failed {
		blocks = append(blocks, i)
	}
	slices.Sort(blocks)
	for _, i := range blocks {
		result.Damaged = append(result.Damaged, query.Damage{Stat: r.blocks.Stat(i), Err: r.failed[i]})
	}
	return result
}

// Estimate says what a query would read. It asks the indexes of the blocks in the range.
func Estimate(ctx context.Context, store query.Store, q query.Query, o query.Options) (query.Cost, error) {
	o.Limits = o.Limits.OrDefault()
	if err := query.Check(q, o.Limits); err != nil {
		return query.Cost{}, err
	}
	p, err := newPlan(q, o.Limits)
	if err != nil {
		return query.Cost{}, err
	}
	blocks, err := store.Blocks(ctx, p.from, p.to, p.sources)
	if err != nil {
		return query.Cost{}, fmt.Errorf("query: blocks: %w", err)
	}
	cost := query.Cost{Blocks: blocks.Len(), Text: p.text}
	for i := range blocks.Len() {
		if err = ctx.Err(); err != nil {
			break
		}
		stat := blocks.Stat(i)
		if !p.root.may(stat) {
			continue
		}
		may, damage := p.asks(blocks, i, stat)
		switch {
		case damage != nil:
			cost.Damaged++
		case may:
			cost.Read++
			cost.Rows += int64(stat.Rows)
			cost.Bytes += stat.Bytes
		}
	}
	if closing := blocks.Close(); err == nil && closing != nil {
		err = fmt.Errorf("query: close: %w", closing)
	}
	return cost, err
}

// asks asks the index of a block.
func (p *plan) asks(blocks query.Blocks, i int, stat query.Stat) (may bool, err error) {
	if !asksIndex(p.root) {
		return true, nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("query: block: %v", p)
		}
	}()
	if prober, ok := blocks.(query.Prober); ok {
		return mayHave(p.root, probe{prober, i}, stat)
	}
	b, err := blocks.Open(i)
	if err != nil {
		return false, fmt.Errorf("open: %w", err)
	}
	defer b.Release()
	return mayHave(p.root, b, stat)
}

// probe asks the index of a block that is not open.
type probe struct {
	query.Prober
	i int
}

func (p probe) MayHave(words []string) (bool, error) { return p.Prober.MayHave(p.i, words) }
