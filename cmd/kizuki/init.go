package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

type initCommand struct {
	Company      string   `required:"" help:"Name of the company."`
	FamilyName   string   `required:"" help:"Family name of the first person."`
	GivenName    string   `required:"" help:"Given name of the first person."`
	FamilyKana   string   `help:"Reading of the family name, in kana."`
	GivenKana    string   `help:"Reading of the given name, in kana."`
	Email        string   `help:"Mail address of the first person; the login when that is one."`
	Login        string   `required:"" help:"Login name or mail address of the first account."`
	PasswordFile string   `help:"File with the password; without it one line is read from standard input." placeholder:"FILE"`
	Industry     string   `help:"Industry: auto_parts, metal, resin, mould, machinery, electronics, material, logistics, software, trading, other." default:"auto_parts"`
	Size         string   `help:"People: 1-20, 21-50, 51-100, 101-300, 301-1000, 1001-." default:"51-100"`
	Fiscal       int      `help:"Month in which the fiscal year begins." default:"4"`
	Recipient    string   `help:"Who asks for the check sheet."`
	Due          string   `help:"Until when they ask for it." placeholder:"YYYY-MM-DD"`
	BaseAddress  string   `help:"Address under which people open the office, e.g. http://kizuki.example.local:8600. Links and QR codes carry it." placeholder:"URL"`
	Level        string   `help:"Target level of the guideline: 1, 2 or 3; proposed from the three answers below when left out." default:"" enum:",1,2,3"`
	Star         string   `help:"Target of SCS: 3 or 4; what --asked says when left out, else none." default:"" enum:",3,4"`
	Important    string   `help:"Secrets of other companies, important technology, or an outage that hits the supply chain: yes, no, unknown." default:"unknown" enum:"yes,no,unknown"`
	Leads        string   `help:"The company represents and leads its industry: yes, no, unknown." default:"no" enum:"yes,no,unknown"`
	Asked        string   `help:"Star of SCS that customers ask for: none, 3, 4, unknown." default:"unknown" enum:"none,3,4,unknown"`
	Role         []string `help:"Roles of the first account beside admin." default:"keeper"`
	JSON         bool     `name:"json" help:"Print as JSON (kizuki.init/1)."`
}

// initResult is what init prints as JSON.
type initResult struct {
	Schema   string `json:"schema"`
	Company  string `json:"company"`
	Login    string `json:"login"`
	Level    string `json:"level"`
	Star     string `json:"star"`     // "" for none
	Proposed bool   `json:"proposed"` // the level follows from the answers
	Why      string `json:"why"`      // of a proposed level
}

// Run sets the office up: the same questions as the two pages of the set-up.
func (c *initCommand) Run(ctx context.Context, e *environment) (err error) {
	var due jdate.Day
	if c.Due != "" {
		if due, err = jdate.ISO(c.Due); err != nil {
			fmt.Fprintln(e.stderr, "kizuki:", e.t("cli.init.due", "text", c.Due))
			return exitError{exitUsage}
		}
	}
	out := initResult{Schema: "kizuki.init/1", Company: c.Company, Login: c.Login, Level: c.Level, Star: c.Star}
	level, star, why := app.ProposeTarget(c.Important, c.Leads, c.Asked)
	if c.Level == "" {
		out.Level, out.Proposed, out.Why = level, true, e.texts.Format(e.lang, why)
	}
	if c.Star == "" {
		out.Star = star
	}
	password, err := e.secret(c.PasswordFile)
	if err != nil {
		return err
	}
	a, err := e.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	err = a.Init(app.AsCommand(ctx), app.FirstOffice{
		Company: c.Company, FamilyName: c.FamilyName, GivenName: c.GivenName, FamilyKana: c.FamilyKana, GivenKana: c.GivenKana, Email: c.Email,
		Login: c.Login, Password: password, Industry: c.Industry, Size: c.Size, FiscalStart: c.Fiscal,
		Recipient: c.Recipient, Due: due, BaseAddress: c.BaseAddress, Level: out.Level, Star: out.Star, Roles: c.Role,
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(out)
	}
	if out.Proposed {
		e.println(e.t("cli.init.proposed", "level", out.Level, "why", out.Why))
	}
	e.println(e.t("cli.init.done", "company", c.Company, "login", c.Login))
	return nil
}
