package main

import (
	"fmt"

	"github.com/kizuki-security/kizuki/internal/app/service"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// runAsService says whether a service manager started the program in its own way; launchd does not.
func runAsService([]string) (code int, ran bool) { return 0, false }

// Run prints a pattern for launchd: nobody has tried it.
func (c *serviceInstall) Run(e *environment) error {
	o, err := c.options(e)
	if err != nil {
		return err
	}
	text, err := service.Job(o)
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stderr, e.t("cli.service.darwin"))
	if _, err := fmt.Fprint(e.stdout, text); err != nil {
		return err
	}
	return exitError{exitFailed}
}

// Run says that there is nothing to take away.
func (c *serviceUninstall) Run(*environment) error { return problem.Unsupported("cli.service.darwin") }

// Run says that nothing is known.
func (c *serviceStatus) Run(*environment) error { return problem.Unsupported("cli.service.darwin") }
