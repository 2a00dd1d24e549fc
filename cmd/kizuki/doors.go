package main

import (
	"time"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/config"
)

// given takes flags of one command over what the settings say; empty ones were not given.
func (e *environment) given(flags map[string]string) {
	for i, v := range e.values {
		if text := flags[v.Key.Name]; text != "" {
			e.values[i].Text, e.values[i].Origin = text, config.FromFlag
		}
	}
}

// tls is the certificate that the settings name.
func (e *environment) tls() app.TLS {
	return app.TLS{Cert: e.values.Text("tls-cert"), Key: e.values.Text("tls-key"), Self: e.values.Text("tls") == "self"}
}

// printDoors says what people need to know of the listeners: the fingerprint to compare, the second address.
func (e *environment) printDoors(s *app.Server) {
	if cert, ok := s.Certificate(); ok {
		if cert.SelfMade {
			e.println(e.t("cli.serve.self_made"))
		}
		e.println(e.t("cli.serve.certificate", "day", cert.Ends.Format(time.DateOnly)))
		e.println("  " + cert.Fingerprint)
	}
	if links := s.LinksAddress(); links != "" {
		e.println(e.t("cli.serve.links", "address", links))
	}
}
