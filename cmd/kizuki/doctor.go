package main

import (
	"context"
	"errors"

	"github.com/kizuki-security/kizuki/internal/app"
)

type doctorCommand struct {
	JSON bool `name:"json" help:"Print as JSON (kizuki.doctor/1)."`
}

// Run checks the office and changes nothing in it; findings end with code 3. A database of another version is the
// only finding then: all else rests on its tables.
func (c *doctorCommand) Run(ctx context.Context, e *environment) error {
	checks, err := e.checks(ctx)
	if err != nil {
		return err
	}
	found := false
	type row struct {
		Check string `json:"check"`
		OK    bool   `json:"ok"`
		Text  string `json:"text"`
	}
	var rows []row
	for _, check := range checks {
		text := e.texts.T(e.lang, check.Text.Key, check.Text.Args)
		rows = append(rows, row{check.Name, check.OK, text})
		found = found || !check.OK
		if !c.JSON {
			mark := "○"
			if !check.OK {
				mark = "×"
			}
			e.println(mark + " " + text)
		}
	}
	if c.JSON {
		if err := e.printJSON(map[string]any{"schema": "kizuki.doctor/1", "checks": rows}); err != nil {
			return err
		}
	}
	if found {
		return exitError{exitFound}
	}
	return nil
}

func (e *environment) checks(ctx context.Context) (checks []app.Check, err error) {
	cfg, err := e.folderConfig()
	if err != nil {
		return nil, err
	}
	tables, known, err := app.TablesCheck(ctx, cfg)
	if err != nil || known && !tables.OK {
		return []app.Check{tables}, err
	}
	a, err := e.openReading(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	checks, err = a.Doctor(app.AsCommand(ctx))
	if known {
		checks = append([]app.Check{tables}, checks...)
	}
	return checks, err
}
