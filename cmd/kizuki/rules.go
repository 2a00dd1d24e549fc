package main

import (
	"context"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/app/logs"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type rulesCommand struct {
	Check rulesCheck `cmd:"" help:"Say which rules work, which are refused and why, and with --logs which can find anything in such logs. Example: kizuki rules check rules --logs Security.evtx"`

	Import rulesImport `cmd:"" help:"Take Sigma rules into the data folder; kizuki logs scan uses them from then on. Without --yes it only shows what would be taken in. Example: kizuki rules import sigma_core.zip --yes"`
}

type rulesCheck struct {
	Paths []string `arg:"" optional:"" name:"dir" help:"Folders or files of Sigma rules. Without any, the rules that come with Kizuki and those imported into the data folder."`
	Logs  []string `help:"Log file or folder: which rules are for sources that occur in it? May be given more than once." placeholder:"FILE"`
	JSON  bool     `name:"json" help:"Print as JSON (kizuki.rules/1)."`
}

// rulesReport is the result as programs read it.
type rulesReport struct {
	Schema       string        `json:"schema"`
	Files        int           `json:"files"`
	Loaded       int           `json:"loaded"`
	Correlations int           `json:"correlations"`
	Filters      int           `json:"filters"`
	Refused      []rulesRefuse `json:"refused"`
	Reached      *int          `json:"reached,omitempty"` // with --logs
	Unreached    []rulesName   `json:"unreached,omitempty"`
}

type rulesRefuse struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	RuleID string `json:"rule_id"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

type rulesName struct {
	RuleID   string `json:"rule_id"`
	Title    string `json:"title"`
	File     string `json:"file"`
	Product  string `json:"product"`
	Category string `json:"category"`
	Service  string `json:"service"`
}

// Run checks rules; code 3 when one is refused, 2 when there is none at all.
func (c *rulesCheck) Run(ctx context.Context, e *environment) error {
	rules, err := e.loadRules(c.Paths, false)
	if err != nil {
		return err
	}
	all := rules.Set.Rules()
	report := rulesReport{Schema: "kizuki.rules/1", Files: rules.Files, Loaded: len(all), Correlations: len(rules.Correlations), Filters: rules.Filters, Refused: []rulesRefuse{}}
	for _, p := range rules.Problems {
		report.Refused = append(report.Refused, rulesRefuse{p.File, p.Line, p.RuleID, p.Code, p.Reason})
	}
	if len(c.Logs) > 0 {
		files, err := e.logFiles(c.Logs, nil)
		if err != nil {
			return err
		}
		reached, err := logs.Reach(ctx, files, rules.Rules, logs.Limits{}, e.tellFile)
		if err != nil {
			return err
		}
		n := len(reached)
		report.Reached = &n
		for _, r := range all {
			if !reached[r] {
				report.Unreached = append(report.Unreached, rulesName{r.ID, r.Title, r.File, r.LogSource.Product, r.LogSource.Category, r.LogSource.Service})
			}
		}
	}
	if c.JSON {
		err = e.printJSON(report)
	} else {
		e.printRules(&report)
	}
	switch {
	case err != nil:
		return err
	case len(report.Refused) > 0:
		return exitError{exitFound}
	case len(all) == 0: // a wrong folder must not pass for good rules
		return e.usage(problem.Invalid("", "cli.rules.empty"))
	}
	return nil
}

func (e *environment) printRules(r *rulesReport) {
	e.println(e.t("cli.rules.loaded", "rules", r.Loaded, "correlations", r.Correlations, "refused", len(r.Refused)))
	if r.Filters > 0 {
		e.println(e.t("cli.rules.filters", "n", r.Filters))
	}
	for _, p := range r.Refused {
		e.println("× " + refusedLine(&p))
	}
	if r.Reached == nil {
		return
	}
	e.println(e.t("cli.rules.reached", "n", *r.Reached, "of", r.Loaded))
	for _, u := range r.Unreached {
		e.println("－ " + printable(fmt.Sprintf("%s (%s/%s/%s)", e.ruleTitle(u.RuleID, u.Title), u.Product, u.Category, u.Service)))
	}
}
