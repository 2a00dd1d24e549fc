package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/app/logs"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type logsDump struct {
	Files []string `arg:"" name:"file" help:"Windows event logs, also inside gz, zst and zip, and folders of them."`
	Out   string   `short:"o" help:"File to write; - is standard output." default:"-" placeholder:"FILE"`
	JSON  bool     `name:"json" help:"Print what was written and lost as JSON (kizuki.logs-dump/1); needs --out FILE."`
}

// dumped is the summary as programs read it.
type dumped struct {
	Schema  string       `json:"schema"`
	Files   []dumpedFile `json:"files"`
	Written uint64       `json:"written"`
	Lost    uint64       `json:"lost"`
}

type dumpedFile struct {
	File    string   `json:"file"`
	Written uint64   `json:"written"`
	Lost    uint64   `json:"lost"`
	Notes   []string `json:"notes"`
	Reason  string   `json:"reason"` // code; "": read to its end
}

// Run writes each record as one line.
func (c *logsDump) Run(ctx context.Context, e *environment) error {
	if c.JSON && c.Out == "-" {
		return e.usage(problem.Invalid("", "cli.logs.dump.json"))
	}
	files, err := e.logFiles(c.Files, nil)
	if err != nil {
		return err
	}
	if files, err = e.apart(files, c.Out, recordLine); err != nil {
		return err
	}
	out, err := e.output(c.Out)
	if err != nil {
		return err
	}
	sum := dumped{Schema: "kizuki.logs-dump/1", Files: []dumpedFile{}}
	partly, nothing := false, true
	line := func(text []byte) error {
		_, err := out.Write(text)
		return errors.Join(err, out.WriteByte('\n'))
	}
	err = logs.Dump(ctx, files, logs.Limits{}, line, func(f *logs.FileReport) error {
		sum.add(f)
		partly = partly || f.Error != nil || f.Read != f.Scanned
		nothing = nothing && f.Error != nil && f.Scanned == 0
		fmt.Fprintln(e.stderr, e.t("cli.logs.dumped", "file", printable(f.Name), "n", f.Scanned, "lost", f.Read-f.Scanned))
		return e.tellFile(f)
	})
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	if c.JSON {
		if err := e.printJSON(sum); err != nil {
			return err
		}
	}
	switch {
	case nothing:
		return exitError{exitFailed}
	case partly:
		return exitError{exitPartly}
	}
	return nil
}

func (d *dumped) add(f *logs.FileReport) {
	one := dumpedFile{File: f.Name, Written: f.Scanned, Lost: f.Read - f.Scanned, Notes: []string{}}
	one.Notes = append(one.Notes, f.Notes...)
	if f.Error != nil {
		one.Reason = string(f.Error.Reason)
	}
	d.Files = append(d.Files, one)
	d.Written += one.Written
	d.Lost += one.Lost
}
