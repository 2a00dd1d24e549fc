package main

import (
	"context"
	"errors"
	"net"
	"os"

	"github.com/kizuki-security/kizuki/internal/app"
)

type serveCommand struct {
	Listen       string `help:"Address that the office answers on; 127.0.0.1:8600 unless configured." placeholder:"ADDR"`
	TLS          string `name:"tls" help:"Certificate for https: self makes one and keeps it in the data folder." placeholder:"self|off" enum:",self,off" default:""`
	TLSCert      string `name:"tls-cert" help:"File with your certificate for https (PEM)." placeholder:"FILE"`
	TLSKey       string `name:"tls-key" help:"File with its private key (PEM)." placeholder:"FILE"`
	ListenLinks  string `help:"Second address where only pages behind links answer." placeholder:"ADDR"`
	LinksAddress string `help:"Base address of links for other people." placeholder:"URL"`
}

// Run serves the office until it is interrupted. An empty folder shows a one-time set-up link.
func (c *serveCommand) Run(ctx context.Context, e *environment) (err error) {
	e.given(map[string]string{
		"listen": c.Listen, "tls": c.TLS, "tls-cert": c.TLSCert, "tls-key": c.TLSKey, "listen-links": c.ListenLinks, "links-address": c.LinksAddress,
	})
	a, err := e.openSelf(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	addr := e.values.Text("listen")
	s, err := a.Listen(ctx, addr)
	if err != nil {
		return err
	}
	if links := e.values.Text("listen-links"); links != "" {
		if err := s.OpenLinks(ctx, links); err != nil {
			return errors.Join(err, s.Close()) //nolint:contextcheck // it ends when the server does
		}
	}
	if err := e.besides(ctx, a, s); err != nil {
		return errors.Join(err, s.Close()) //nolint:contextcheck // it ends when the server does
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
	e.printDoors(s)
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
