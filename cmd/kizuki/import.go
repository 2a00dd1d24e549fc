package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type importCommand struct {
	Kind    string            `arg:"" help:"What the files hold: people, sheet." choices:"people,sheet"`
	Files   []string          `arg:"" help:"Files: xlsx, xlsm, csv. They are taken in one after the other; the first that fails ends the work." type:"existingfile"`
	DryRun  bool              `help:"Only show what would change; this is the default."`
	Yes     bool              `help:"Take the files over."`
	Rejects string            `help:"File to which rows that cannot be read are written, as CSV." placeholder:"FILE"`
	Set     map[string]string `help:"Choices about the reading, e.g. --set round=this. sheet: framework, round, answers, wording, notes. people: class, blank, mail. A wrong value is refused with those that fit."`
	JSON    bool              `name:"json" help:"Print as JSON (kizuki.import/1)."`
}

// States of a file of one import.
const (
	fileDone        = "done"        // taken over
	fileChecked     = "checked"     // shown only; nothing changed
	fileFailed      = "failed"      // nothing of it was taken over
	fileInterrupted = "interrupted" // at work when Ctrl-C came: nothing of it was taken over
	fileNotTried    = "not_tried"
)

// fileResult is what became of one file.
type fileResult struct {
	File    string       `json:"file"`
	State   string       `json:"state"`
	Adds    int          `json:"adds"`
	Changes int          `json:"changes"`
	Same    int          `json:"same"`
	Missing int          `json:"missing"`
	Added   int          `json:"added"`   // really taken over
	Changed int          `json:"changed"` // really taken over
	Refused []refusedRow `json:"refused"`
	Notes   []string     `json:"notes"`
	Reason  string       `json:"reason"` // why it failed; "" otherwise
}

// refusedRow is one row that was left out.
type refusedRow struct {
	Line   int    `json:"line"`
	Value  string `json:"value"`
	Reason string `json:"reason"`
}

// importer is what this command needs of an office.
type importer interface {
	Import(ctx context.Context, kind, name string, data []byte, options map[string]string, apply bool, progress func(done, total int)) (*app.ImportResult, error)
}

// Run shows what each file would change, and takes it over with --yes. Whatever happens, every file is told: done,
// failed, interrupted or not tried.
func (c *importCommand) Run(ctx context.Context, e *environment) (err error) {
	a, err := e.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	ctx = app.AsCommand(ctx)
	results := make([]fileResult, 0, len(c.Files))
	for _, file := range c.Files {
		res := fileResult{File: filepath.Base(file), State: fileNotTried, Refused: []refusedRow{}, Notes: []string{}}
		if n := len(results); ctx.Err() == nil && (n == 0 || results[n-1].State == fileDone || results[n-1].State == fileChecked) {
			if err := c.one(ctx, e, a, file, &res); wrongUsage(err) {
				fmt.Fprintln(e.stderr, "kizuki:", e.say(err))
				return exitError{exitUsage}
			}
		}
		results = append(results, res)
	}
	if err := errors.Join(c.writeRejects(e, results), c.conclude(ctx, e, results)); err != nil {
		return err
	}
	return importCode(ctx, results)
}

// wrongUsage says whether a choice of the command line itself is wrong, whatever the file holds.
func wrongUsage(err error) bool {
	all := problem.All(err)
	return len(all) > 0 && all[0].Field == "set"
}

// one takes one file in and notes the outcome in res; the error is the reason of a failure.
func (c *importCommand) one(ctx context.Context, e *environment, a importer, file string, res *fileResult) error {
	data, err := os.ReadFile(file) //nolint:gosec // the person names the file
	var got *app.ImportResult
	if err == nil {
		progress := e.progress("cli.import.reading")
		got, err = a.Import(ctx, c.Kind, res.File, data, c.Set, c.Yes && !c.DryRun, progress.step)
		progress.end()
	}
	switch {
	case err != nil && ctx.Err() != nil:
		res.State = fileInterrupted
	case wrongUsage(err):
	case err != nil:
		res.State, res.Reason = fileFailed, e.say(err)
		fmt.Fprintln(e.stderr, "kizuki:", e.t("cli.import.failed", "file", res.File, "reason", res.Reason))
	default:
		c.note(e, got, res)
	}
	return err
}

// note keeps what the office said about a file, and tells it.
func (c *importCommand) note(e *environment, got *app.ImportResult, res *fileResult) {
	res.State = fileChecked
	if got.Applied {
		res.State = fileDone
	}
	res.Adds, res.Changes, res.Same, res.Missing, res.Added, res.Changed = got.Adds, got.Changes, got.Same, got.Missing, got.Added, got.Changed
	for _, n := range got.Notes {
		res.Notes = append(res.Notes, e.texts.T(e.lang, n.Key, n.Args))
	}
	for _, r := range got.Refused {
		res.Refused = append(res.Refused, refusedRow{r.Line, r.Value, e.texts.Format(e.lang, r.Reason)})
	}
	if c.JSON {
		return
	}
	e.println(e.t("cli.import.plan", "file", res.File, "adds", res.Adds, "changes", res.Changes, "same", res.Same,
		"refused", len(res.Refused), "missing", res.Missing))
	for _, n := range res.Notes {
		e.println("  " + n)
	}
	if got.Applied {
		e.println(e.t("cli.import.done", "file", res.File, "adds", res.Added, "changes", res.Changed))
	} else {
		e.println(e.t("cli.import.dry"))
	}
	for _, r := range res.Refused {
		fmt.Fprintln(e.stderr, e.t("cli.import.refused", "file", res.File, "line", r.Line, "value", r.Value, "reason", r.Reason))
	}
}

// writeRejects writes the refused rows of all files, also when the work ended early.
func (c *importCommand) writeRejects(e *environment, results []fileResult) error {
	if c.Rejects == "" {
		return nil
	}
	var rows [][]any
	for _, res := range results {
		for _, r := range res.Refused {
			rows = append(rows, []any{res.File, r.Line, r.Value, r.Reason})
		}
	}
	var buf bytes.Buffer
	titles := []string{e.t("cli.rejects.file"), e.t("cli.rejects.line"), e.t("cli.rejects.value"), e.t("cli.rejects.reason")}
	if err := app.WriteCSV(&buf, titles, rows); err != nil {
		return err
	}
	if err := os.WriteFile(c.Rejects, buf.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	return nil
}

// conclude says what became of each file: always as JSON, as text when there are several or not all went well.
func (c *importCommand) conclude(ctx context.Context, e *environment, results []fileResult) error {
	if ctx.Err() != nil {
		fmt.Fprintln(e.stderr, "kizuki:", e.t("cli.interrupted"))
	}
	if c.JSON {
		return e.printJSON(struct {
			Schema string       `json:"schema"`
			Kind   string       `json:"kind"`
			Files  []fileResult `json:"files"`
		}{"kizuki.import/1", c.Kind, results})
	}
	if len(results) == 1 && results[0].State != fileInterrupted {
		return nil
	}
	e.println(e.t("cli.import.summary"))
	for _, res := range results {
		e.println("  " + e.t("cli.import.state."+res.State, "file", res.File, "adds", res.Added, "changes", res.Changed, "refused", len(res.Refused)))
	}
	return nil
}

// importCode maps the outcome of all files to an exit code: interrupted before failed before partly done.
func importCode(ctx context.Context, results []fileResult) error {
	taken, failed, refused := false, false, false
	for _, res := range results {
		taken = taken || res.State == fileDone
		failed = failed || res.State == fileFailed
		refused = refused || len(res.Refused) > 0
	}
	switch {
	case ctx.Err() != nil:
		return exitError{exitInterrupted}
	case failed && !taken:
		return exitError{exitFailed}
	case failed || refused:
		return exitError{exitPartly}
	default:
		return nil
	}
}
