package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/logs/ruleset"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type rulesImport struct {
	Source  string `arg:"" name:"path" help:"Folder of Sigma rules, a zip of them as SigmaHQ releases it, or one file." type:"path"`
	Name    string `help:"Name of the set; an import of the same name replaces it. Default: that of the folder or zip." placeholder:"NAME"`
	License string `help:"License of rules that name none. Default: what a LICENSE file beside them says." placeholder:"TEXT"`
	DryRun  bool   `help:"Only show what would be taken in; this is the default."`
	Yes     bool   `help:"Take the rules in."`
	JSON    bool   `name:"json" help:"Print as JSON (kizuki.rules-import/1)."`
}

// rulesImported is the result as programs read it.
type rulesImported struct {
	Schema       string         `json:"schema"`
	Name         string         `json:"name"`
	State        string         `json:"state"` // done, checked, failed, interrupted
	Files        int            `json:"files"`
	Rules        int            `json:"rules"`
	Correlations int            `json:"correlations"`
	Filters      int            `json:"filters"`
	License      string         `json:"license"`
	Ignored      int            `json:"ignored"`
	Deprecated   int            `json:"deprecated"`
	Refused      []rulesRefuse  `json:"refused"`
	Replaced     *rulesReplaced `json:"replaced"`
	Reason       string         `json:"reason"`
}

type rulesReplaced struct {
	Rules        int       `json:"rules"`
	Correlations int       `json:"correlations"`
	ImportedAt   time.Time `json:"imported_at"`
}

// Run shows what would be taken in, and takes it in with --yes. It needs no lock of the folder: nothing running writes
// below rules, and a scan reads one whole set or the other.
func (c *rulesImport) Run(ctx context.Context, e *environment) error {
	data, err := e.folder()
	if err != nil {
		return err
	}
	got, err := ruleset.Import(ctx, ruleset.Order{Data: data, Source: c.Source, Name: c.Name, License: c.License, Apply: c.Yes && !c.DryRun, Now: time.Now()})
	if code := problem.CodeOf(err); code == problem.CodeNotFound || len(problem.All(err)) > 0 && problem.All(err)[0].Field == "name" {
		return e.usage(err)
	}
	report := rulesImported{Schema: "kizuki.rules-import/1", Name: c.Name, State: fileChecked, Refused: []rulesRefuse{}}
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled):
		report.State = fileInterrupted
	case err != nil:
		report.State, report.Reason = fileFailed, e.say(err)
	default:
		c.note(e, got, &report)
	}
	if c.JSON {
		if err := e.printJSON(report); err != nil {
			return err
		}
	} else if err == nil {
		c.tell(e, &report)
	}
	switch {
	case err != nil:
		return err
	case len(report.Refused) > 0:
		return exitError{exitPartly}
	}
	return nil
}

func (c *rulesImport) note(e *environment, got *ruleset.Result, report *rulesImported) {
	if got.Applied {
		report.State = fileDone
	}
	report.Name, report.License = got.Name, got.License
	report.Files, report.Rules, report.Correlations, report.Ignored, report.Deprecated = got.Files, got.Rules, got.Correlations, got.Ignored, got.Deprecated
	report.Filters = got.Filters
	for _, r := range got.Refused {
		if r.Reason == "" {
			r.Reason = e.t("logs.rules.code." + r.Code)
		}
		report.Refused = append(report.Refused, rulesRefuse{r.File, r.Line, r.RuleID, r.Code, r.Reason})
	}
	if m := got.Replaced; m != nil {
		report.Replaced = &rulesReplaced{m.Rules, m.Correlations, m.ImportedAt}
	}
}

// tell writes for people what is taken in, and on standard error what is not.
func (c *rulesImport) tell(e *environment, r *rulesImported) {
	e.println(e.t("cli.rules.import.plan", "name", printable(r.Name), "rules", r.Rules, "correlations", r.Correlations, "files", r.Files,
		"refused", len(r.Refused), "deprecated", r.Deprecated, "ignored", r.Ignored))
	if r.Filters > 0 {
		e.println(e.t("cli.rules.filters", "n", r.Filters))
	}
	if r.License == "" {
		e.println(e.t("cli.rules.import.unlicensed"))
	} else {
		e.println(e.t("cli.rules.import.license", "license", printable(r.License)))
	}
	if p := r.Replaced; p != nil {
		e.println(e.t("cli.rules.import.replaces", "rules", p.Rules, "at", p.ImportedAt.Local().Format("2006-01-02 15:04"))) //nolint:gosmopolitan // the person's clock
	}
	if r.State == fileDone {
		e.println(e.t("cli.rules.import.done"))
	} else {
		e.println(e.t("cli.rules.import.dry"))
	}
	for _, p := range r.Refused {
		fmt.Fprintln(e.stderr, "× "+refusedLine(&p))
	}
}

// refusedLine names what was refused in one line.
func refusedLine(p *rulesRefuse) string {
	place := p.File
	if p.Line > 0 {
		place = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	if p.RuleID != "" {
		place += " " + p.RuleID
	}
	return printable(fmt.Sprintf("%s [%s] %s", place, p.Code, p.Reason))
}
