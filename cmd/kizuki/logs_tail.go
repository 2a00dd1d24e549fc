package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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

// How --follow looks: every so often, and so many lines, and bytes of them, are put in order at a time.
const (
	followEvery = 2 * time.Second
	followLines = 10_000
	followBytes = 16 << 20
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
	if newest, ok := q.Verb.(lake.Newest); ok && c.Follow && newest.Fields != nil {
		return e.usage(problem.Invalid("", "cli.lake.tail.fields"))
	}
	return e.withReader(func(l *lake.Reader) error {
		return c.show(ctx, &tail{e: e, lake: l, out: out, w: &lineWriter{e: e, out: out, format: c.Format}}, text, q)
	})
}

func (c *logsTail) show(ctx context.Context, t *tail, text string, q lake.Query) error {
	result, err := t.first(ctx, q)
	if err != nil {
		return t.e.refusedQuery(text, err)
	}
	slices.Reverse(result.Records)
	if result.Table != nil {
		slices.Reverse(result.Table.Rows)
	}
	if err := errors.Join(t.w.result(q, result), t.out.Flush()); err != nil || !c.Follow {
		t.e.tellNothing(q, result)
		return errors.Join(err, t.e.partial(result))
	}
	_ = t.e.partial(result) // told; the code of what was missed is of no use to who follows
	for {
		select {
		case <-ctx.Done():
			return nil // how following ends: what was asked for is done
		case <-time.After(followEvery):
		}
		if err := t.follow(ctx, q); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// tail shows lines that came in since it looked last.
type tail struct {
	e     *environment
	lake  *lake.Reader
	out   *output
	w     *lineWriter
	marks lake.Marks
}

// first asks for the newest lines, and notes how far each source is.
func (t *tail) first(ctx context.Context, q lake.Query) (*lake.Result, error) {
	t.marks = t.lake.Marks()
	return t.lake.Ask(ctx, q, 0, nil)
}

// follow writes what is new, by time as far as it fits in memory.
func (t *tail) follow(ctx context.Context, q lake.Query) error {
	if err := t.lake.Refresh(); err != nil {
		return err
	}
	b := &batch{write: func(lines []lake.Record) error {
		for i := range lines {
			if err := t.w.record(&lines[i]); err != nil {
				return err
			}
		}
		return t.out.Flush()
	}}
	damaged, err := t.lake.Since(ctx, q, t.marks, b.add)
	if damaged > 0 {
		fmt.Fprintln(t.e.stderr, t.e.t("cli.lake.query.damaged", "n", damaged))
	}
	return errors.Join(err, b.end())
}

// batch puts lines in order, as many as fit.
type batch struct {
	write func([]lake.Record) error
	lines []lake.Record
	bytes int
}

func (b *batch) add(r *lake.Record) error {
	b.lines = append(b.lines, *r)
	if b.bytes += len(r.Raw); len(b.lines) < followLines && b.bytes < followBytes {
		return nil
	}
	return b.end()
}

// end writes what waits.
func (b *batch) end() error {
	slices.SortStableFunc(b.lines, func(a, b lake.Record) int {
		return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.Source, b.Source), cmp.Compare(a.Seq, b.Seq))
	})
	err := b.write(b.lines)
	clear(b.lines)
	b.lines, b.bytes = b.lines[:0], 0
	return err
}
