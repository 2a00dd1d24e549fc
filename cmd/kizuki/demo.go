package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

type demoCommand struct {
	Listen  string `help:"Address that the sample office answers on." default:"127.0.0.1:8600" placeholder:"ADDR"`
	NoServe bool   `help:"Print the gaps and next steps, and exit."`
	Date    string `help:"The day that is today in the sample, for repeatable output." placeholder:"YYYY-MM-DD"`
	JSON    bool   `name:"json" help:"Print as JSON (kizuki.gaps/1)."`
}

// Run builds the sample company, prints its next steps and serves it.
func (c *demoCommand) Run(ctx context.Context, e *environment) (err error) {
	dir, remove, err := c.folder(e)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	now, err := c.clock()
	if err != nil {
		return err
	}
	progress := e.progress("cli.demo.building")
	cfg, err := e.config(dir)
	if err != nil {
		return err
	}
	cfg.Now, cfg.Demo = now, true
	a, err := app.OpenDemo(ctx, cfg, progress.step)
	progress.end()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	report, err := a.Gaps(app.AsCommand(ctx), e.lang)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := e.printJSON(report); err != nil {
			return err
		}
	} else {
		e.printGaps(report)
	}
	if c.NoServe {
		return nil
	}
	s, err := a.Listen(ctx, c.Listen)
	if err != nil {
		return err
	}
	if err := e.besides(ctx, a, s); err != nil {
		return errors.Join(err, s.Close()) //nolint:contextcheck // it ends when the server does
	}
	e.println("")
	e.println(e.t("cli.demo.address", "address", s.Address()))
	e.println(e.t("cli.demo.sign_in", "login", app.DemoLogin, "password", app.DemoPassword))
	e.println(e.t("cli.demo.samples", "dir", app.SampleDir(dir)))
	if !loopback(c.Listen) {
		e.println(e.t("cli.demo.open"))
	}
	return e.serve(ctx, s)
}

// folder is the given data folder, which is kept, or a temporary one, which is not.
func (c *demoCommand) folder(e *environment) (dir string, remove func() error, err error) {
	if dir := e.values.Text("data"); dir != "" {
		return dir, func() error { return nil }, nil
	}
	dir, err = os.MkdirTemp("", "kizuki-demo-")
	if err != nil {
		return "", nil, fmt.Errorf("make a temporary folder: %w", err)
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}

// clock is the real one, or stands at noon of --date and runs on from there.
func (c *demoCommand) clock() (func() time.Time, error) {
	if c.Date == "" {
		return time.Now, nil
	}
	day, err := jdate.ISO(c.Date)
	if err != nil {
		return nil, fmt.Errorf("--date: %w", err)
	}
	started := time.Now()
	noon := day.Start().Add(12 * time.Hour)
	return func() time.Time { return noon.Add(time.Since(started)) }, nil
}

// printGaps writes the headline and the next five as text.
func (e *environment) printGaps(r *app.GapsReport) {
	e.println(e.t("cli.gaps.head", "company", r.Company, "day", r.AsOf))
	e.println(e.t("cli.gaps.open", "n", r.Open.Clauses, "unmet", r.Open.Unmet, "unknown", r.Open.Unknown))
	for _, t := range r.Targets {
		e.println(e.t("cli.gaps.target", "title", t.Title, "level", t.LevelName, "met", t.Met+t.NA, "items", t.Items))
	}
	if len(r.NextSteps) == 0 {
		return
	}
	e.println("")
	e.println(e.t("cli.gaps.next"))
	for i, s := range r.NextSteps {
		e.println(e.t("cli.gaps.step", "i", i+1, "title", s.Title, "n", s.Closes, "minutes", s.Minutes))
		e.println("    " + s.Why)
	}
}
