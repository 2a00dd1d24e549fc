package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"

	"github.com/kizuki-security/kizuki/internal/app/service"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// runAsService runs the program under the service manager when that started it. Nobody has tried it on a real
// Windows yet; the README says so.
func runAsService(args []string) (code int, ran bool) {
	if is, err := svc.IsWindowsService(); err != nil || !is {
		return 0, false
	}
	h := &serviceHandler{args: args}
	if err := svc.Run(service.Name, h); err != nil {
		return exitFailed, true
	}
	return h.code, true
}

type serviceHandler struct {
	args []string
	code int
}

// Execute starts the command and ends it when the service manager says so.
func (h *serviceHandler) Execute(_ []string, ask <-chan svc.ChangeRequest, tell chan<- svc.Status) (own bool, code uint32) {
	tell <- svc.Status{State: svc.StartPending}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan int, 1)
	// A service has no streams: what it says goes nowhere until the log of Windows is written.
	go func() { ended <- run(ctx, h.args, strings.NewReader(""), io.Discard, io.Discard) }()
	tell <- svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown}
	for {
		select {
		case h.code = <-ended:
			return true, uint32(h.code)
		case c := <-ask:
			switch c.Cmd {
			case svc.Interrogate:
				tell <- c.CurrentStatus
			case svc.Stop, svc.Shutdown:
				tell <- svc.Status{State: svc.StopPending, WaitHint: 30_000}
				stop()
			default: // nothing else was accepted
			}
		}
	}
}

// Run makes the service.
func (c *serviceInstall) Run(e *environment) error {
	o, err := c.options(e)
	if err != nil {
		return err
	}
	args := []string{"serve"}
	if o.Data != "" {
		args = append(args, "--data", o.Data)
	}
	if o.Listen != "" {
		args = append(args, "--listen", o.Listen)
	}
	cfg := mgr.Config{
		DisplayName: "Kizuki", Description: "Kizuki, the security office", StartType: mgr.StartAutomatic, DelayedAutoStart: true,
		ServiceStartName: `NT AUTHORITY\LocalService`,
	}
	if c.User != "" {
		cfg.ServiceStartName = c.User
	}
	if c.Print {
		e.println(fmt.Sprintf("%s: %s %s (%s)", service.Name, o.Binary, strings.Join(args, " "), cfg.ServiceStartName))
		return nil
	}
	m, err := mgr.Connect()
	if err != nil {
		return rights(err)
	}
	defer m.Disconnect() //nolint:errcheck // nothing more is asked
	s, err := m.CreateService(service.Name, o.Binary, cfg, args...)
	if errors.Is(err, windows.ERROR_SERVICE_EXISTS) {
		return problem.Conflict("cli.service.exists", "file", service.Name)
	}
	if err != nil {
		return rights(err)
	}
	defer s.Close() //nolint:errcheck // nothing more is asked
	e.println(e.t("cli.service.installed", "name", service.Name))
	return nil
}

// Run takes the service away.
func (c *serviceUninstall) Run(e *environment) error {
	return withService(func(s *mgr.Service) error {
		_, _ = s.Control(svc.Stop) // one that does not run cannot be stopped
		if err := s.Delete(); err != nil {
			return rights(err)
		}
		e.println(e.t("cli.service.removed", "file", service.Name))
		return nil
	})
}

// Run asks the service manager.
func (c *serviceStatus) Run(e *environment) error {
	state := ""
	err := withService(func(s *mgr.Service) error {
		st, err := s.Query()
		if err != nil {
			return rights(err)
		}
		state = map[svc.State]string{svc.Stopped: "stopped", svc.StartPending: "starting", svc.StopPending: "stopping", svc.Running: "active"}[st.State]
		if state == "" {
			state = "unknown"
		}
		return nil
	})
	if err != nil && problem.CodeOf(err) != problem.CodeNotFound {
		return err
	}
	if perr := c.printStatus(e, service.Name, state); perr != nil {
		return perr
	}
	if state != "active" {
		return exitError{exitFound}
	}
	return nil
}

func withService(do func(*mgr.Service) error) error {
	m, err := mgr.Connect()
	if err != nil {
		return rights(err)
	}
	defer m.Disconnect() //nolint:errcheck // nothing more is asked
	s, err := m.OpenService(service.Name)
	if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return problem.NotFound("cli.service.none", "file", service.Name)
	}
	if err != nil {
		return rights(err)
	}
	defer s.Close() //nolint:errcheck // nothing more is asked
	return do(s)
}

func rights(err error) error {
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, os.ErrPermission) {
		return problem.Forbidden("cli.service.rights", "reason", err.Error())
	}
	return fmt.Errorf("change service: %w", err)
}
