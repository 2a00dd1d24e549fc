package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type logsExport struct {
	Query  []string `arg:"" optional:"" name:"query" help:"Only such lines, as for kizuki logs query; not for parquet."`
	From   string   `help:"Only lines from this time on: 2026-11-26 or 2026-11-26T09:00:00+09:00." placeholder:"TIME"`
	To     string   `help:"Only lines before this time." placeholder:"TIME"`
	Source string   `help:"For parquet: only files with lines of this source." placeholder:"NAME"`
	Format string   `help:"jsonl (kizuki.log/1), csv, or parquet: the sealed files themselves, whole, into the folder --out." default:"jsonl" enum:"jsonl,csv,parquet"`
	Out    string   `short:"o" help:"File to write, - is standard output; for parquet a folder that is new or empty." default:"-" placeholder:"FILE"`
	BOM    bool     `name:"bom" help:"Begin a CSV file with a byte order mark: without it, Excel shows Japanese wrongly." default:"true" negatable:""`
	JSON   bool     `name:"json" help:"Print what was written as JSON (kizuki.logs-export/1); needs --out."`
}

// exported is the result as programs read it.
type exported struct {
	Schema  string `json:"schema"`
	Out     string `json:"out"`
	Lines   int64  `json:"lines"` // of parquet: of the whole files
	Damaged int    `json:"damaged"`
	// Unsealed are lines that are in no file yet, since an import is at work or was killed: parquet lacks them.
	Unsealed int           `json:"unsealed"`
	Files    []lake.Copied `json:"files"`
}

// Run writes lines, or copies files.
func (c *logsExport) Run(ctx context.Context, e *environment) error {
	if c.Out == "-" && (c.JSON || c.Format == "parquet") {
		return e.usage(jsonNeedsOut())
	}
	if (c.Format == "parquet") != (c.Source != "") && c.Source != "" || c.Format == "parquet" && len(c.Query) > 0 {
		return e.usage(problem.Invalid("", "cli.lake.export.mix"))
	}
	from, to, err := e.span(c.From, c.To)
	if err != nil {
		return err
	}
	sum := exported{Schema: "kizuki.logs-export/1", Out: c.Out, Files: []lake.Copied{}}
	if c.Format == "parquet" {
		err = c.copies(ctx, e, &sum, from, to)
	} else {
		err = c.lines(ctx, e, &sum, from, to)
	}
	if err != nil {
		return err
	}
	switch {
	case c.JSON:
		err = e.printJSON(sum)
	case c.Format == "parquet":
		e.println(e.t("cli.lake.export.copied", "n", sum.Lines, "out", c.Out, "files", len(sum.Files)))
	case c.Out != "-":
		e.println(e.t("cli.lake.export.done", "n", sum.Lines, "out", c.Out))
	}
	if err == nil && sum.Damaged > 0 {
		fmt.Fprintln(e.stderr, e.t("cli.lake.query.damaged", "n", sum.Damaged))
		return exitError{exitPartly}
	}
	if err == nil && sum.Unsealed > 0 {
		fmt.Fprintln(e.stderr, e.t("cli.lake.export.unsealed", "n", sum.Unsealed))
		return exitError{exitPartly}
	}
	return err
}

func (c *logsExport) lines(ctx context.Context, e *environment, sum *exported, from, to time.Time) error {
	text := strings.Join(c.Query, " ")
	q, err := e.question(lake.Question{Text: text, From: from, To: to})
	if err != nil {
		return err
	}
	if q.Verb != nil {
		return e.usage(problem.Invalid("", "cli.lake.export.verb"))
	}
	own := ownLine
	if c.Format == "csv" {
		own = ownCSV(lake.ExportColumns)
	}
	if err := e.mayWrite(c.Out, own); err != nil {
		return err
	}
	keepLake()
	return e.withReader(func(l *lake.Reader) error {
		out, err := e.wholeFile(c.Out)
		if err != nil {
			return err
		}
		w := &lineWriter{e: e, out: out.output, format: c.Format, bare: !c.BOM}
		if c.Format == "csv" {
			err = w.head(lake.ExportColumns)
		}
		if err == nil {
			progress := e.progress("cli.lake.export.writing")
			sum.Damaged, err = l.Each(ctx, q, func(r *lake.Record) error {
				sum.Lines++
				return w.record(r)
			}, func(p lake.Walk) { progress.step(p.Done, p.Blocks) })
			progress.end()
		}
		if err := out.end(err); err != nil {
			if ctx.Err() != nil && out.part != "" {
				fmt.Fprintln(e.stderr, e.t("cli.lake.export.nothing", "out", c.Out))
			}
			return err
		}
		return nil
	})
}

func (c *logsExport) copies(ctx context.Context, e *environment, sum *exported, from, to time.Time) error {
	if entries, err := os.ReadDir(c.Out); err == nil && len(entries) > 0 {
		return e.usage(problem.Conflict("cli.lake.export.not_empty", "dir", c.Out))
	}
	if err := os.MkdirAll(c.Out, 0o700); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	return e.withReader(func(l *lake.Reader) error {
		sum.Unsealed = l.Stats().HotRows
		return l.CopySealed(ctx, from, to, c.Source, c.Out, func(f lake.Copied) error {
			sum.Files = append(sum.Files, f)
			sum.Lines += int64(f.Records)
			return nil
		})
	})
}
