package main

import (
	"io"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/logs"
	"github.com/kizuki-security/kizuki/internal/app/logs/report"
)

// scanReport makes one HTML file of a scan.
type scanReport struct {
	*report.Report

	scope report.Scope
}

// newReport begins the report; now is when the scan begins.
func (c *logsScan) newReport(e *environment, o *logs.Options, rules *ruleBook, now time.Time) *scanReport {
	r := &scanReport{scope: report.Scope{
		Program: "kizuki " + version(), Paths: c.Paths, Exclude: c.Exclude, From: o.From, To: o.To, MinLevel: c.MinLevel,
		Rules: len(rules.Set.Rules()), Correlations: len(rules.Correlations), RulesRefused: len(rules.Problems), Filters: rules.Filters, Sources: rules.sources,
	}}
	options := report.Options{Texts: e.texts, Lang: e.lang, Zone: time.Local, Now: now, Samples: c.Samples} //nolint:gosmopolitan // the person's clock
	options.Explain = func(id string) (report.Explanation, bool) {
		x, ok := logs.Explain(id, e.lang)
		return report.Explanation(x), ok
	}
	r.Report = report.New(options)
	return r
}

// conclude writes the report once all is counted.
func (r *scanReport) conclude(w io.Writer, total *logs.Total, stopped bool) error {
	r.scope.Total, r.scope.Stopped = total, stopped
	return r.Write(w, &r.scope)
}
