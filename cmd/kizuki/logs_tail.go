package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type logsTail struct {
	Query  []string `arg:"" optional:"" name:"query" help:"Only such lines, as for kizuki logs query."`
	N      int      `short:"n" help:"How many lines." default:"20" placeholder:"N"`
	Follow bool     `short:"f" help:"Go on with lines that come in, until Ctrl-C. The lake is looked at every two seconds, so that other commands get their turn."`
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
	w := &lineWriter{e: e, out: out, format: c.Format}
	seen := map[string]uint64{}
	look := func(q lake.Query) (result *lake.Result, err error) {
		err = e.withLake(ctx, false, func(l *lake.Lake) error {
			result, err = l.Ask(ctx, q, 0, nil)
			for _, s := range l.Stats().Sources {
				seen[s.Name] = max(seen[s.Name], s.Last)
			}
			return err
		})
		return result, err
	}
	result, err := look(q)
	if err != nil {
		return e.refusedQuery(text, err)
	}
	slices.Reverse(result.Records)
	if result.Table != nil {
		slices.Reverse(result.Table.Rows)
	}
	if err := errors.Join(w.result(q, result), out.Flush()); err != nil || !c.Follow {
		return errors.Join(err, e.partial(result))
	}
	q, err = e.question(lake.Question{Text: text, Newest: followLines})
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(followEvery):
		}
		before := map[string]uint64{}
		for s, n := range seen {
			before[s] = n
		}
		result, err := look(q)
		if problem.CodeOf(err) == problem.CodeUnavailable { // another command is at work for long: wait for it
			continue
		}
		if err != nil {
			return err
		}
		for i := len(result.Records) - 1; i >= 0; i-- {
			r := &result.Records[i]
			if r.Seq > before[r.Source] {
				err = errors.Join(err, w.record(r))
			}
		}
		if err := errors.Join(err, out.Flush()); err != nil {
			return err
		}
	}
}
