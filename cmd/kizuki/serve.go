package main

import (
	"context"
	"errors"
	"net"
	"os"
)

type serveCommand struct {
	Listen string `help:"Address that the office answers on; 127.0.0.1:8600 unless configured." placeholder:"ADDR"`
}

// Run serves the office until it is interrupted. An empty folder shows a one-time set-up link.
func (c *serveCommand) Run(ctx context.Context, e *environment) (err error) {
	a, err := e.open(ctx)
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
	return s.Serve(ctx)
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
