package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/app"
)

type verifyCommand struct {
	JSON       bool     `name:"json" help:"Print as JSON (kizuki.verify/1)."`
	Checkpoint []string `help:"Checkpoint that was kept outside (a signed note); may be given several times." placeholder:"FILE" type:"existingfile"`
	Key        []string `help:"Verifier key from paper, instead of the keys in the office." placeholder:"VKEY"`
}

type verifyRecord struct {
	File  string `json:"file"`
	Table string `json:"table,omitempty"`
	Row   string `json:"row,omitempty"`
	Text  string `json:"text"`
	Todo  string `json:"todo"`
}

type verifyPart struct {
	Part    string         `json:"part"`
	OK      bool           `json:"ok"`
	Checked int            `json:"checked"`
	Broken  []verifyRecord `json:"broken"`
}

// Run checks all that the office holds and changes nothing; something broken ends with code 3.
func (c *verifyCommand) Run(ctx context.Context, e *environment) error {
	dir, err := e.folder()
	if err != nil {
		return err
	}
	in := app.VerifyInput{Keys: c.Key}
	for _, file := range c.Checkpoint {
		data, err := os.ReadFile(file) //nolint:gosec // the person names the file
		if err != nil {
			return fmt.Errorf("read checkpoint: %w", err)
		}
		in.Outside = append(in.Outside, app.OutsideCheckpoint{Name: filepath.Base(file), Data: data})
	}
	report, err := app.Verify(app.AsCommand(ctx), app.Config{Dir: dir, Now: time.Now, Log: e.log, ReadOnly: true}, in)
	if err != nil {
		return err
	}
	if c.JSON {
		err = e.printVerifyJSON(report)
	} else {
		e.printVerify(report)
	}
	if err == nil && !report.OK() {
		return exitError{exitFound}
	}
	return err
}

func (e *environment) printVerify(report *app.VerifyReport) {
	for _, p := range report.Parts {
		if len(p.Broken) == 0 {
			e.println("○ " + e.t("app.verify.part."+p.Name, "n", p.Checked))
			continue
		}
		e.println("× " + e.t("app.verify.part."+p.Name+".bad"))
		for _, f := range p.Broken {
			where := strings.Join(strings.Fields(strings.Join([]string{f.File, f.Table, f.Row}, " ")), " › ")
			e.println("  " + where + "： " + e.texts.T(e.lang, f.Text.Key, f.Text.Args))
			e.println("  → " + e.texts.T(e.lang, f.Todo.Key, f.Todo.Args))
		}
	}
	if report.OK() {
		e.println(e.t("app.verify.fine"))
	} else {
		e.println(e.t("app.verify.broken"))
	}
}

func (e *environment) printVerifyJSON(report *app.VerifyReport) error {
	parts := make([]verifyPart, len(report.Parts))
	for i, p := range report.Parts {
		parts[i] = verifyPart{Part: p.Name, OK: len(p.Broken) == 0, Checked: p.Checked, Broken: []verifyRecord{}}
		for _, f := range p.Broken {
			parts[i].Broken = append(parts[i].Broken, verifyRecord{
				File: f.File, Table: f.Table, Row: f.Row, Text: e.texts.T(e.lang, f.Text.Key, f.Text.Args), Todo: e.texts.T(e.lang, f.Todo.Key, f.Todo.Args),
			})
		}
	}
	return e.printJSON(map[string]any{
		"schema": "kizuki.verify/1", "ok": report.OK(), "at": report.At.UTC().Format(time.RFC3339), "parts": parts,
	})
}
