//go:build !windows && !darwin

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"

	"github.com/kizuki-security/kizuki/internal/app/service"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// runAsService says whether a service manager started the program in its own way; systemd does not.
func runAsService([]string) (code int, ran bool) { return 0, false }

// Run writes the unit and says how to start it.
func (c *serviceInstall) Run(e *environment) error {
	o, err := c.options(e)
	if err != nil {
		return err
	}
	text, err := service.Unit(o)
	if err != nil {
		return err
	}
	if c.Print {
		_, err := fmt.Fprint(e.stdout, text)
		return err
	}
	old, err := os.ReadFile(c.file())
	if err == nil && !bytes.Equal(old, []byte(text)) && !c.Force {
		return problem.Conflict("cli.service.exists", "file", c.file())
	}
	if err := os.WriteFile(c.file(), []byte(text), 0o644); err != nil { //nolint:gosec // systemd units are for everybody to read
		return rights(err)
	}
	e.println(e.t("cli.service.written", "file", c.file()))
	e.println("  systemctl daemon-reload")
	e.println("  systemctl enable --now " + service.Name)
	return nil
}

// Run takes the unit away.
func (c *serviceUninstall) Run(e *environment) error {
	err := os.Remove(c.file())
	if errors.Is(err, fs.ErrNotExist) {
		return problem.NotFound("cli.service.none", "file", c.file())
	}
	if err != nil {
		return rights(err)
	}
	e.println(e.t("cli.service.removed", "file", c.file()))
	e.println("  systemctl disable --now " + service.Name)
	e.println("  systemctl daemon-reload")
	return nil
}

func rights(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return problem.Forbidden("cli.service.rights", "reason", err.Error())
	}
	return fmt.Errorf("change service: %w", err)
}

// Run asks systemd.
func (c *serviceStatus) Run(ctx context.Context, e *environment) error {
	if _, err := os.Stat(c.file()); err != nil {
		return errors.Join(c.printStatus(e, c.file(), ""), exitError{exitFound})
	}
	out, err := exec.CommandContext(ctx, "systemctl", "is-active", service.Name).Output() //nolint:gosec // a constant of the program
	state := strings.TrimSpace(string(out))
	if state == "" { // no systemd is running here
		state = "unknown"
	}
	if perr := c.printStatus(e, c.file(), state); perr != nil {
		return perr
	}
	if err != nil {
		return exitError{exitFound}
	}
	return nil
}
