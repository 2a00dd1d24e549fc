package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/kizuki-security/kizuki/internal/app/service"
)

type serviceCommand struct {
	Install   serviceInstall   `cmd:"" help:"Have the system start the office. Example: sudo kizuki service install"`
	Uninstall serviceUninstall `cmd:"" help:"Take the service away; the data stays. Example: sudo kizuki service uninstall"`
	Status    serviceStatus    `cmd:"" help:"Say whether the service is installed and runs. Example: kizuki service status"`
}

// serviceDir are the flags that name where systemd units lie.
type serviceDir struct {
	Dir string `help:"Folder of the systemd units." default:"/etc/systemd/system" placeholder:"DIR"`
}

func (d serviceDir) file() string { return filepath.Join(d.Dir, service.Name+".service") }

type serviceInstall struct {
	serviceDir `embed:""`

	Listen string `help:"Address that the office answers on." placeholder:"ADDR"`
	User   string `help:"Existing account that owns the data folder; without it systemd makes one of its own." placeholder:"NAME"`
	Print  bool   `help:"Only print what would be written."`
	Force  bool   `help:"Replace a service that differs."`
}

type serviceUninstall struct {
	serviceDir `embed:""`
}

type serviceStatus struct {
	serviceDir `embed:""`

	JSON bool `name:"json" help:"Print as JSON (kizuki.service/1)."`
}

// options are what the service starts: this program, on the folder that was given.
func (c *serviceInstall) options(e *environment) (service.Options, error) {
	o := service.Options{Listen: c.Listen, User: c.User}
	var err error
	if o.Binary, err = os.Executable(); err == nil {
		o.Binary, err = filepath.EvalSymlinks(o.Binary)
	}
	if dir := e.values.Text("data"); err == nil && dir != "" {
		o.Data, err = filepath.Abs(dir)
	}
	if err != nil {
		return o, fmt.Errorf("name what to start: %w", err)
	}
	return o, nil
}

// printStatus tells how the service does.
func (c *serviceStatus) printStatus(e *environment, where, state string) error {
	if c.JSON {
		return e.printJSON(map[string]any{"schema": "kizuki.service/1", "installed": state != "", "where": where, "state": state})
	}
	if state == "" {
		e.println(e.t("cli.service.none", "file", where))
	} else {
		e.println(e.t("cli.service.status", "file", where, "state", state))
	}
	return nil
}
