package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type logsTail struct {
	Query  []string `arg:"" optional:"" name:"query" help:"Only such lines, as for kizuki logs query."`
	N      int      `short:"n" help:"How many lines." default:"20" placeholder:"N"`
	Follow bool     `short:"f" help:"Go on with lines that come in, until Ctrl-C. The lake is looked at every two seconds."`
	Format string   `help:"table or jsonl (kizuki.log/1)." default:"table" enum:"table,jsonl"`
}

// How --follow looks: every so often, at so many of the newest lines.
const (
	followEvery = 2 * time.Second
	followLines = 10_000
)

// Run shows the newest lines, the newest last.
func (c *logsTail) Run(ctx context.Context, e *environment) error {
	text := strings.Join(c.Query, " ")
	if c.N < 1 || c.N > followLines {
		return e.usage(problem.Invalid("", "cli.lake.tail.n", "most", followLines))
	}
	q, err := e.question(lake.Question{Text: text, Newest: c.N})
	if err != nil {
		return err
	}
	if !lake.Lines(q) {
		return e.usage(problem.Invalid("", "cli.lake.tail.verb"))
	}
	out, err := e.output("-")
	if err != nil {
		return err
	}
	return e.withReader(func(l *lake.Reader) error {
		t := &tail{e: e, lake: l, out: out, w: &lineWriter{e: e, out: out, format: c.Format}, seen: map[string]uint64{}}
		return c.show(ctx, t, text, q)
	})
}

func (c *logsTail) show(ctx context.Context, t *tail, text string, q lake.Query) error {
	result, err := t.look(ctx, q)
	if err != nil {
		return t.e.refusedQuery(text, err)
	}
	slices.Reverse(result.Records)
	if result.Table != nil {
		slices.Reverse(result.Table.Rows)
	}
	if err := errors.Join(t.w.result(q, result), t.out.Flush()); err != nil || !c.Follow {
		return errors.Join(err, t.e.partial(result))
	}
	if q, err = t.e.question(lake.Question{Text: text, Newest: followLines}); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(followEvery):
		}
		if err := t.follow(ctx, q); err != nil {
			return err
		}
	}
}

// tail shows lines that came in since it looked last.
type tail struct {
	e    *environment
	lake *lake.Reader
	out  *output
	w    *lineWriter
	seen map[string]uint64 // newest sequence number of each source
}

// look asks the lake, and notes how far each source is.
func (t *tail) look(ctx context.Context, q lake.Query) (result *lake.Result, err error) {
	result, err = t.lake.Ask(ctx, q, 0, nil)
	stats := t.lake.Stats()
	for i := range stats.Sources {
		s := &stats.Sources[i]
		t.seen[s.Name] = max(t.seen[s.Name], s.Last)
	}
	return result, err
}

// follow writes what is new, oldest first.
func (t *tail) follow(ctx context.Context, q lake.Query) error {
	before := maps.Clone(t.seen)
	if err := t.lake.Refresh(); err != nil {
		return err
	}
	result, err := t.look(ctx, q)
	if err != nil {
		return err
	}
	for i := len(result.Records) - 1; i >= 0; i-- {
		if r := &result.Records[i]; r.Seq > before[r.Source] {
			if err := t.w.record(r); err != nil {
				return err
			}
		}
	}
	return t.out.Flush()
}
