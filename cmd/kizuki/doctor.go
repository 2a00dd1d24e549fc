package main

import (
	"context"
	"errors"

	"github.com/kizuki-security/kizuki/internal/app"
)

type doctorCommand struct {
	JSON bool `name:"json" help:"Print as JSON (kizuki.doctor/1)."`
}

// Run checks the office; findings end with code 3.
func (c *doctorCommand) Run(ctx context.Context, e *environment) (err error) {
	a, err := e.openReading(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	checks, err := a.Doctor(app.AsCommand(ctx))
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
