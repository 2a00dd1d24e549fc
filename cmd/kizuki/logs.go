package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/logs"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type logsCommand struct {
	Scan logsScan `cmd:"" help:"Look for attacks in log files: Windows event logs and JSON, also inside gz, zst and zip. Needs no office. Example: kizuki logs scan C:\\Windows\\System32\\winevt\\Logs"`
	Dump logsDump `cmd:"" help:"Write Windows event logs as JSON lines. Example: kizuki logs dump Security.evtx > security.jsonl"`

	Import      logsImport      `cmd:"" help:"Take log files into the lake of the data folder: Windows event logs, JSON and text, also inside gz, zst and zip. Example: kizuki logs import Security.evtx firewall.log"`
	Query       logsQuery       `cmd:"" help:"Find lines in the lake. Example: kizuki logs query 'user=sato and event_id in (4624, 4625) | newest 50' --from 2026-11-26"`
	Tail        logsTail        `cmd:"" help:"Show the newest lines of the lake. Example: kizuki logs tail -n 20 --follow source=windows.security"`
	Stats       logsStats       `cmd:"" help:"Show what the lake holds: sources, times, size, and what needs attention. Example: kizuki logs stats"`
	Verify      logsVerify      `cmd:"" help:"Check every line of the lake against its signed checkpoints. Example: kizuki logs verify"`
	Prove       logsProve       `cmd:"" help:"Write the proof of one line, which kizuki-logproof checks without the lake. Example: kizuki logs prove windows.security 1042 --out proof.json"`
	Checkpoints logsCheckpoints `cmd:"" help:"Write what was signed last of each source, to be kept outside this computer: kizuki logs verify --checkpoint FILE knows by it when the lake was put back or made anew. Example: kizuki logs checkpoints --out usb/lake-2026-11.txt"`
	Export      logsExport      `cmd:"" help:"Write lines of the lake as JSON lines or CSV, or copy its Parquet files. Example: kizuki logs export --format csv --from 2026-11-01 --to 2026-12-01 --out november.csv"`
	Retention   logsRetention   `cmd:"" help:"Show and set how long lines are kept, and delete what is over its time. Example: kizuki logs retention set 365 --source firewall --why 社内規程第8条"`
	Hold        logsHold        `cmd:"" help:"Forbid deleting lines, for an investigation or a lawsuit. Example: kizuki logs hold add case-7 --source firewall --from 2026-11-01 --why 不正アクセスの調査"`
}

type logsScan struct {
	Paths    []string `arg:"" name:"path" help:"Files and folders; a folder with all that is below."`
	Rules    []string `help:"Folder or file of Sigma rules; may be given more than once. Without it, the rules that come with Kizuki and those imported into the data folder." placeholder:"PATH"`
	MinLevel string   `help:"Least level of hits that are shown: informational, low, medium, high, critical." default:"informational" enum:"informational,low,medium,high,critical"`
	From     string   `help:"Only events from this time on: 2026-11-26 or 2026-11-26T09:00:00+09:00. A day begins at midnight of this computer." placeholder:"TIME"`
	To       string   `help:"Only events before this time." placeholder:"TIME"`
	Exclude  []string `help:"Leave out files and folders whose name or path fits this pattern, e.g. Archive-*; may be given more than once." placeholder:"GLOB"`
	FailOn   string   `help:"Exit with code 3 when there is a hit of this level or above." default:"" enum:",informational,low,medium,high,critical"`
	Product  string   `help:"Where events without a Windows channel come from, as rules call it: fortigate, aws, m365." placeholder:"NAME"`
	Service  string   `help:"The same, its service: cloudtrail, threat_management." placeholder:"NAME"`
	Category string   `help:"The same, its category: firewall, proxy, webserver." placeholder:"NAME"`
	Format   string   `help:"table, jsonl (kizuki.hit/1), csv, or html: a report in one file that opens offline and prints." default:"table" enum:"table,jsonl,csv,html"`
	Samples  int      `help:"In a report: hits shown for each rule." default:"5" placeholder:"N"`
	Out      string   `short:"o" help:"File to write; - is standard output." default:"-" placeholder:"FILE"`
}

// usage tells wrong usage that only this command can know.
func (e *environment) usage(err error) error {
	fmt.Fprintln(e.stderr, "kizuki:", e.say(err))
	return exitError{exitUsage}
}

// Run scans. Hits go to the output as they are found; what was read and refused goes to standard error.
func (c *logsScan) Run(ctx context.Context, e *environment) (err error) {
	o, err := c.options(time.Now())
	if err != nil {
		return e.usage(err)
	}
	keepSmall()
	files, err := e.logFiles(c.Paths, c.Exclude)
	if err != nil {
		return err
	}
	own := ""
	if c.Format == "jsonl" {
		own = hitLine
	}
	if files, err = e.apart(files, c.Out, own); err != nil {
		return err
	}
	rules, err := e.rules(c.Rules)
	if err != nil {
		return err
	}
	out, err := e.output(c.Out)
	if err != nil {
		return err
	}
	w := &hitWriter{e: e, format: c.Format, out: out, rules: rules}
	if c.Format == "html" {
		w.report = c.newReport(e, &o, rules, time.Now())
	}
	worst := -1
	o.Hit = func(h *logs.Hit) error {
		worst = max(worst, logs.Severity(h.Rule.Level))
		return w.hit(h)
	}
	o.File = w.file
	progress := e.progress("cli.logs.reading")
	o.Progress = func(p logs.Progress) { progress.step(int(p.Bytes>>20), int(p.TotalBytes>>20)) }
	err = w.head()
	var total *logs.Total
	if err == nil {
		total, err = logs.Scan(ctx, files, rules.Rules, o)
	}
	progress.end()
	stopped := err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled)
	if stopped {
		err = nil
	}
	if err == nil {
		err = w.end(total, stopped)
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	e.tellTotal(total)
	if c.Format == "table" && total.Hits > 0 {
		fmt.Fprintln(e.stderr, e.t("cli.logs.next"))
	}
	return c.code(e, total, stopped, worst)
}

// clockTolerance is how far ahead of this computer a clock may be. Events from further on tell nothing about order: one
// such record would make all others of a scan look late.
const clockTolerance = 48 * time.Hour

// options reads what the person asked for; an error is wrong usage.
func (c *logsScan) options(now time.Time) (o logs.Options, err error) {
	o = logs.Options{MinLevel: logs.Severity(c.MinLevel), Source: logs.Source{Product: c.Product, Category: c.Category, Service: c.Service}}
	o.Latest = now.Add(clockTolerance)
	if o.From, err = moment(c.From); err == nil {
		o.To, err = moment(c.To)
	}
	switch {
	case err != nil:
	case !o.From.IsZero() && !o.To.IsZero() && !o.From.Before(o.To):
		err = problem.Invalid("", "cli.logs.range") // else it would find nothing, and look like good news
	case c.Samples < 1:
		err = problem.Invalid("", "cli.logs.samples")
	}
	return o, err
}

// keepSmall has memory collected more often, at a cost of a tenth: a scan runs on the machine whose logs it reads,
// beside the work of somebody. Who sets GOGC or GOMEMLIMIT decides for himself.
func keepSmall() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(50)
		debug.SetMemoryLimit(scanMemoryGoal)
	}
}

const scanMemoryGoal = 100 << 20 // bytes; the collector works harder near it, and goes beyond when it must

// code maps the outcome: interrupted before found before failed before partly done.
func (c *logsScan) code(e *environment, total *logs.Total, stopped bool, worst int) error {
	lost := uint64(0)
	for reason, n := range total.Refused {
		if reason != logs.OutsideTime && reason != logs.NoTime {
			lost += n
		}
	}
	switch {
	case stopped:
		fmt.Fprintln(e.stderr, "kizuki:", e.t("cli.interrupted"))
		return exitError{exitInterrupted}
	case c.FailOn != "" && worst >= logs.Severity(c.FailOn):
		return exitError{exitFound}
	case total.FilesRefused > 0 && total.FilesRefused == total.Files && total.Scanned == 0:
		return exitError{exitFailed}
	case total.FilesRefused > 0 || lost > 0:
		return exitError{exitPartly}
	}
	return nil
}

// moment reads a time of the command line; empty is the zero time.
func moment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", time.DateTime} {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil { //nolint:gosmopolitan // the person's clock
			return at, nil
		}
	}
	return time.Time{}, problem.Invalid("", "cli.logs.time", "text", text)
}

// logFiles lists files; a name that does not exist is wrong usage.
func (e *environment) logFiles(paths, exclude []string) ([]logs.File, error) {
	files, err := logs.Find(paths, exclude)
	if err != nil {
		return nil, e.usage(problem.Invalid("", "cli.logs.pattern"))
	}
	for _, f := range files {
		if f.Error != nil && f.Error.Reason == logs.Missing {
			return nil, e.usage(problem.Invalid("", "cli.logs.missing", "file", f.Path))
		}
	}
	if len(files) == 0 {
		return nil, e.usage(problem.Invalid("", "cli.logs.no_files"))
	}
	return files, nil
}

// rules loads rules and says how many are refused; without any that works there is nothing to do.
func (e *environment) rules(paths []string) (*ruleBook, error) {
	rules, err := e.loadRules(paths, true)
	if err != nil {
		return nil, err
	}
	n := len(rules.Set.Rules())
	fmt.Fprintln(e.stderr, e.t("cli.rules.loaded", "rules", n, "correlations", len(rules.Correlations), "refused", len(rules.Problems)))
	if rules.Filters > 0 { // else a filter of somebody takes hits away, and nobody knows
		fmt.Fprintln(e.stderr, e.t("cli.rules.filters", "n", rules.Filters))
	}
	if n == 0 {
		return nil, e.usage(problem.Invalid("", "cli.rules.none"))
	}
	return rules, nil
}

// tellFile tells only what a person must know: files and records that were not scanned.
func (e *environment) tellFile(f *logs.FileReport) error {
	name := printable(f.Name)
	if f.Error != nil {
		fmt.Fprintln(e.stderr, e.t("cli.logs.file", "file", name, "reason", e.t("logs.reason."+string(f.Error.Reason))))
	}
	for _, note := range f.Notes {
		fmt.Fprintln(e.stderr, e.t("cli.logs.file", "file", name, "reason", printable(note)))
	}
	return nil
}

// tellTotal writes what adds up.
func (e *environment) tellTotal(t *logs.Total) {
	refused := uint64(0)
	for _, n := range t.Refused {
		refused += n
	}
	fmt.Fprintln(e.stderr, e.t("cli.logs.total", "files", t.Files, "hits", t.Hits, "read", t.Read, "scanned", t.Scanned, "refused", refused))
	for _, reason := range slices.Sorted(maps.Keys(t.Refused)) {
		fmt.Fprintln(e.stderr, "  "+e.t("cli.logs.records", "n", t.Refused[reason], "reason", e.t("logs.reason."+string(reason))))
	}
	for _, reason := range slices.Sorted(maps.Keys(t.RefusedFiles)) {
		fmt.Fprintln(e.stderr, "  "+e.t("cli.logs.files", "n", t.RefusedFiles[reason], "reason", e.t("logs.reason."+string(reason))))
	}
	if t.Unsourced > 0 {
		fmt.Fprintln(e.stderr, "  "+e.t("cli.logs.unsourced", "n", t.Unsourced))
	}
	if t.NotTried > 0 {
		fmt.Fprintln(e.stderr, "  "+e.t("cli.logs.not_tried", "n", t.NotTried))
	}
	if t.Untimed+t.Evicted+t.Dropped+t.Hurried+t.Late+t.Future > 0 {
		fmt.Fprintln(e.stderr, "  "+e.t("cli.logs.correlations", "untimed", t.Untimed, "evicted", t.Evicted, "dropped", t.Dropped, "hurried", t.Hurried, "late", t.Late, "future", t.Future))
	}
}
