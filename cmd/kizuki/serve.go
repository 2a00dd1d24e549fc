package main

import (
	"context"
	"errors"
	"net"
	"os"

	"github.com/kizuki-security/kizuki/internal/app"
)

type serveCommand struct {
	Listen string `help:"Address that the office answers on; 127.0.0.1:8600 unless configured." placeholder:"ADDR"`
}

// Run serves the office until it is interrupted. An empty folder shows a one-time set-up link.
func (c *serveCommand) Run(ctx context.Context, e *environment) (err error) {
	a, err := e.openSelf(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	addr := e.values.Text("listen")
	if c.Listen != "" {
		addr = c.Listen
	}
	s, err := a.Listen(ctx, addr)
	if err != nil {
		return err
	}
	if err := e.besides(ctx, a, s); err != nil {
		return errors.Join(err, s.Close())
	}
	link, err := a.SetupLink(ctx)
	if err != nil {
		return err
	}
	if link != "" {
		e.println(e.t("cli.serve.setup"))
		e.println("  " + link)
	} else {
		e.println(e.t("cli.serve.address", "address", s.Address()))
	}
	if !loopback(addr) {
		e.println(e.t("cli.serve.open"))
		if a.Config().Demo {
			e.println(e.t("cli.demo.open"))
		}
	}
	e.log.InfoContext(ctx, "serving", "address", s.Address(), "pid", os.Getpid())
	return e.serve(ctx, s)
}

// serve answers until ctx ends, and tells the service manager when it is ready and when it stops.
func (e *environment) serve(ctx context.Context, s *app.Server) error {
	tell := func(state string) {
		if err := notify(context.WithoutCancel(ctx), state); err != nil {
			e.log.WarnContext(ctx, "service manager was not told", "error", err)
		}
	}
	tell("READY=1")
	defer context.AfterFunc(ctx, func() { tell("STOPPING=1") })()
	err := s.Serve(ctx)
	if ctx.Err() != nil {
		e.log.InfoContext(ctx, "stopped")
	}
	return err
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

type initCommand struct {
	Company      string   `required:"" help:"Name of the company."`
	FamilyName   string   `required:"" help:"Family name of the first person."`
	GivenName    string   `help:"Given name of the first person."`
	Login        string   `required:"" help:"Login name or mail address of the first account."`
	PasswordFile string   `help:"File with the password; without it one line is read from standard input." placeholder:"FILE"`
	Industry     string   `help:"Industry: auto_parts, metal, resin, mould, machinery, electronics, material, logistics, software, trading, other." default:"auto_parts"`
	Size         string   `help:"People: 1-20, 21-50, 51-100, 101-300, 301-1000, 1001-." default:"51-100"`
	Fiscal       int      `help:"Month in which the fiscal year begins." default:"4"`
	Level        string   `help:"Target level of the guideline: 1, 2 or 3." default:"1" enum:"1,2,3"`
	Star         string   `help:"Target of SCS: 3 or 4; none when left out." default:"" enum:",3,4"`
	Role         []string `help:"Roles of the first account beside admin." default:"keeper"`
}

// Run sets the office up.
func (c *initCommand) Run(ctx context.Context, e *environment) (err error) {
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
		Company: c.Company, FamilyName: c.FamilyName, GivenName: c.GivenName, Login: c.Login, Password: password,
		Industry: c.Industry, Size: c.Size,
		FiscalStart: c.Fiscal, Level: c.Level, Star: c.Star, Roles: c.Role,
	})
	if err != nil {
		return err
	}
	e.println(e.t("cli.init.done", "company", c.Company, "login", c.Login))
	return nil
}
