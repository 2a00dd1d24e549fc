package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type exportCommand struct {
	Kind       string `arg:"" help:"What to write: gaps, sheet, people, person." choices:"gaps,sheet,people,person"`
	ID         string `arg:"" optional:"" help:"For sheet: the framework, e.g. jama-japia. For person: employee number or key."`
	Format     string `help:"xlsx, csv or json." default:"xlsx" enum:"xlsx,csv,json"`
	Encoding   string `help:"Of csv: utf-8 (with byte order mark, for Excel) or cp932 (Shift_JIS of Windows, for old programs)." default:"utf-8" enum:"utf-8,cp932"`
	Unanswered bool   `help:"For sheet: write although items are still unanswered."`
	Output     string `short:"o" help:"File to write; - is standard output." default:"-"`
}

// Run writes the list.
func (c *exportCommand) Run(ctx context.Context, e *environment) (err error) {
	a, err := e.openReading(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	var buf bytes.Buffer
	ctx = app.AsCommand(ctx)
	format := c.Format
	if c.Encoding == "cp932" && format == "csv" {
		format = app.CP932
	}
	switch c.Kind {
	case "gaps":
		err = a.ExportGaps(ctx, &buf, format, e.lang)
	case "sheet":
		err = a.ExportSheet(ctx, &buf, c.ID, format, e.lang, c.Unanswered)
	case "people":
		err = a.ExportPeople(ctx, &buf, format, e.lang)
	case "person":
		err = a.ExportPerson(ctx, &buf, c.ID, format, e.lang)
	default:
		return problem.Invalid("", "cli.export.kind", "kind", c.Kind)
	}
	if err != nil {
		return err
	}
	if c.Output == "-" {
		_, err = e.stdout.Write(buf.Bytes())
		return err
	}
	if err := os.WriteFile(c.Output, buf.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", c.Output, err)
	}
	fmt.Fprintln(e.stderr, e.t("cli.export.done", "file", c.Output))
	return nil
}

type assessCommand struct {
	Framework string `help:"Only this framework, e.g. jama-japia or scs." placeholder:"ID"`
	JSON      bool   `name:"json" help:"Print as JSON (kizuki.gaps/1)."`
	Require   string `help:"Exit with code 3 when an item of this level or below is not met, whatever the company aims at: 2, Lv2, ★3. Open items of unknown level count against it." placeholder:"LEVEL"`
}

// Run prints the gaps.
func (c *assessCommand) Run(ctx context.Context, e *environment) (err error) {
	a, err := e.openReading(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	ctx = app.AsCommand(ctx)
	report, err := a.Gaps(ctx, e.lang)
	if err != nil {
		return err
	}
	if c.Framework != "" {
		report = report.Only(c.Framework)
		if len(report.Targets) == 0 {
			return problem.Invalid("", "cli.assess.no_target", "framework", c.Framework)
		}
	}
	var required app.Required
	if c.Require != "" {
		if required, err = report.Require(c.Require); err != nil {
			fmt.Fprintln(e.stderr, "kizuki:", e.say(err))
			return exitError{exitUsage}
		}
	}
	if c.JSON {
		err = e.printJSON(report)
	} else {
		e.printGaps(report)
	}
	if err != nil || c.Require == "" {
		return err
	}
	c.tellRequired(e, required)
	if !required.Reached() {
		return exitError{exitFound}
	}
	return nil
}

// tellRequired says why the level is reached or not; beside JSON on standard error.
func (c *assessCommand) tellRequired(e *environment, r app.Required) {
	tell := e.println
	if c.JSON {
		tell = func(text string) { fmt.Fprintln(e.stderr, text) }
	}
	switch {
	case r.Open > 0:
		tell(e.t("cli.require.short", "title", r.Title, "level", r.LevelName, "n", r.Open))
	case r.Reached():
		tell(e.t("cli.require.reached", "title", r.Title, "level", r.LevelName))
	}
	switch {
	case r.Unknown == 0:
	case r.UnknownOpen > 0 && r.UnknownCounts:
		tell(e.t("cli.require.unknown", "level", r.LevelName, "items", r.Unknown, "n", r.UnknownOpen))
	default:
		tell(e.t("cli.require.unknown_apart", "items", r.Unknown))
	}
}
