package main

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
)

// commands is the whole command line: one struct documents verbs, flags and defaults.
type commands struct {
	Global global `embed:""`

	Demo       demoCommand       `cmd:"" help:"Start with a fictional sample company. Example: kizuki demo"`
	Serve      serveCommand      `cmd:"" help:"Serve the office. Example: kizuki serve --listen 127.0.0.1:8600"`
	Init       initCommand       `cmd:"" help:"Set an empty office up without a browser. Example: kizuki init --company みどり精工 --family-name 佐藤 --given-name 花子 --login sato --recipient あおば自動車 --due 2026-12-16"`
	Import     importCommand     `cmd:"" help:"Take a file in. Without --yes it only shows what would change. Example: kizuki import people staff.xlsx --yes"`
	Export     exportCommand     `cmd:"" help:"Write a list as a file. Example: kizuki export gaps --format csv -o gaps.csv"`
	Assess     assessCommand     `cmd:"" help:"Show what is not done yet. Example: kizuki assess --framework jama-japia --require 1"`
	Logs       logsCommand       `cmd:"" help:"Look into log files; needs no office. Example: kizuki logs scan --rules rules Security.evtx"`
	Rules      rulesCommand      `cmd:"" help:"Check Sigma rules and take them in; needs no office. Example: kizuki rules check rules"`
	User       userCommand       `cmd:"" help:"Add accounts, set passwords, switch accounts off. Example: kizuki user list"`
	Doctor     doctorCommand     `cmd:"" help:"Check the office: folder, clock, audit log, attachments, facts. Example: kizuki doctor"`
	Verify     verifyCommand     `cmd:"" help:"Check that nothing was changed or damaged: database, audit log, checkpoints, answers, files. Example: kizuki verify --checkpoint usb/kizuki-checkpoint-20261126-160000-812.txt"`
	Backup     backupCommand     `cmd:"" help:"Write the whole office to one encrypted file and read it back. Example: kizuki backup office.kizuki.age"`
	Restore    restoreCommand    `cmd:"" help:"Restore a backup into an empty folder. Example: kizuki restore office.kizuki.age --data NEWDIR"`
	Config     configCommand     `cmd:"" help:"Show the settings of the process. Example: kizuki config show"`
	Service    serviceCommand    `cmd:"" help:"Have the system start the office by itself. Example: sudo kizuki service install"`
	Completion completionCommand `cmd:"" help:"Print what completes commands in your shell. Example: kizuki completion bash > ~/.local/share/bash-completion/completions/kizuki"`
	Info       versionInfo       `cmd:"" name:"version" help:"Print the version. Example: kizuki version --json"`
}

type versionFlag bool

// BeforeReset prints the version and ends, whatever else was given.
func (versionFlag) BeforeReset(app *kong.Kong, vars kong.Vars) error { //nolint:unparam // kong calls it in this shape
	fmt.Fprintln(app.Stdout, vars["version"])
	app.Exit(exitDone)
	return nil
}

type versionInfo struct {
	JSON bool `name:"json" help:"Print as JSON (kizuki.version/1)."`
}

// Run prints the version.
func (c *versionInfo) Run(e *environment) error {
	if c.JSON {
		return e.printJSON(map[string]string{"schema": "kizuki.version/1", "version": version()})
	}
	e.println("kizuki " + version())
	return nil
}

// version is that of the build: the tag, else the revision, else "devel".
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return "devel"
}

type configCommand struct {
	Show configShow `cmd:"" help:"Print each setting, its value and where it came from."`
}

type configShow struct {
	JSON bool `name:"json" help:"Print as JSON (kizuki.config/1)."`
}

// Run prints the settings.
func (c *configShow) Run(e *environment) error {
	dir, err := e.folder()
	if err != nil {
		return err
	}
	if c.JSON {
		type row struct {
			Name   string `json:"name"`
			Value  string `json:"value"`
			Origin string `json:"origin"`
			Env    string `json:"env"`
		}
		out := struct {
			Schema   string `json:"schema"`
			Folder   string `json:"folder"`
			File     string `json:"file"`
			Settings []row  `json:"settings"`
		}{"kizuki.config/1", dir, e.file, nil}
		for _, v := range e.values {
			out.Settings = append(out.Settings, row{v.Key.Name, v.Text, string(v.Origin), v.Key.Env})
		}
		return e.printJSON(out)
	}
	e.println(e.t("cli.config.folder", "dir", dir))
	for _, v := range e.values {
		e.println(fmt.Sprintf("%-18s %-22s %s", v.Key.Name, strings.TrimSpace(v.Text+" "), e.t("cli.config.origin."+string(v.Origin), "env", v.Key.Env)))
	}
	return nil
}

func (e *environment) printJSON(v any) error {
	enc := json.NewEncoder(e.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	return nil
}
