package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type importCommand struct {
	Kind    string            `arg:"" help:"What the files hold: people, sheet."`
	Files   []string          `arg:"" help:"Files: xlsx, xlsm, csv." type:"existingfile"`
	DryRun  bool              `help:"Only show what would change; this is the default."`
	Yes     bool              `help:"Take the files over."`
	Rejects string            `help:"File to which rows that cannot be read are written, as CSV." placeholder:"FILE"`
	Set     map[string]string `help:"Choices about the reading, e.g. --set year=2025."`
}

// Run shows what each file would change, and takes it over with --yes. Refused rows end with code 4.
func (c *importCommand) Run(ctx context.Context, e *environment) (err error) {
	a, err := e.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	ctx = app.AsCommand(ctx)
	refused := 0
	var rejects bytes.Buffer
	for _, file := range c.Files {
		if err := ctx.Err(); err != nil { // Ctrl-C: what was taken over stays, the rest is told
			return err
		}
		data, err := os.ReadFile(file) //nolint:gosec // the person names the file
		if err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		p, err := c.one(ctx, e, a, filepath.Base(file), data)
		if err != nil && ctx.Err() != nil {
			return err
		}
		if err != nil {
			fmt.Fprintln(e.stderr, "kizuki:", e.t("cli.import.failed", "file", filepath.Base(file), "reason", e.say(err)))
			return exitError{exitFailed}
		}
		refused += len(p.Refused)
		for _, r := range p.Refused {
			line := e.t("cli.import.refused", "file", filepath.Base(file), "line", r.Line, "value", r.Value, "reason", r.Reason)
			fmt.Fprintln(e.stderr, line)
			fmt.Fprintf(&rejects, "%q,%d,%q,%q\r\n", filepath.Base(file), r.Line, r.Value, e.texts.Format(e.lang, r.Reason))
		}
	}
	if c.Rejects != "" {
		if err := os.WriteFile(c.Rejects, rejects.Bytes(), 0o600); err != nil {
			return fmt.Errorf("write rejects: %w", err)
		}
	}
	if refused > 0 {
		return exitError{exitPartly}
	}
	return nil
}

func (c *importCommand) one(ctx context.Context, e *environment, a *app.App, name string, data []byte) (*app.ImportResult, error) {
	progress := e.progress("cli.import.reading")
	res, err := a.Import(ctx, c.Kind, name, data, c.Set, c.Yes && !c.DryRun, progress.step)
	progress.end()
	if err != nil {
		return nil, err
	}
	e.println(e.t("cli.import.plan", "file", name, "adds", res.Adds, "changes", res.Changes, "same", res.Same,
		"refused", len(res.Refused), "missing", res.Missing))
	for _, n := range res.Notes {
		e.println("  " + e.texts.T(e.lang, n.Key, n.Args))
	}
	if res.Applied {
		e.println(e.t("cli.import.done", "file", name, "adds", res.Added, "changes", res.Changed))
	} else {
		e.println(e.t("cli.import.dry"))
	}
	return res, nil
}

type exportCommand struct {
	Kind       string `arg:"" help:"What to write: gaps, sheet, people, person."`
	ID         string `arg:"" optional:"" help:"For sheet: the framework, e.g. jama-japia. For person: employee number or key."`
	Format     string `help:"xlsx, csv or json." default:"xlsx" enum:"xlsx,csv,json"`
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
	switch c.Kind {
	case "gaps":
		err = a.ExportGaps(ctx, &buf, c.Format, e.lang)
	case "sheet":
		err = a.ExportSheet(ctx, &buf, c.ID, c.Format, e.lang, c.Unanswered)
	case "people":
		err = a.ExportPeople(ctx, &buf, c.Format, e.lang)
	case "person":
		err = a.ExportPerson(ctx, &buf, c.ID, c.Format, e.lang)
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
	Require   string `help:"Exit with code 3 when an item of this level or below is not met." placeholder:"LEVEL"`
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
	if c.JSON {
		err = e.printJSON(report)
	} else {
		e.printGaps(report)
	}
	if err != nil || c.Require == "" {
		return err
	}
	for _, g := range report.Gaps {
		if g.Level != "" && strings.Compare(g.Level, c.Require) <= 0 {
			return exitError{exitFound}
		}
	}
	return nil
}
