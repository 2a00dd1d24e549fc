package app

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// OpenLinks opens the second address, where only the pages behind links answer: people outside the plant
// reach their question, and nothing of the office. It begins and ends with the server.
func (s *Server) OpenLinks(ctx context.Context, addr string) error {
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s for links: %w", addr, err)
	}
	s.app.linksHost = openable(lis.Addr())
	s.links = &door{http: newHTTP(ctx, s.app.Router().LinkHandler("GET /healthz")), lis: newBound(lis, maxConns), cert: s.cert}
	return nil
}

// LinksAddress is where the pages behind links answer besides, "" without a second listener.
func (s *Server) LinksAddress() string {
	if s.links == nil {
		return ""
	}
	return s.app.scheme() + s.app.linksHost
}

// checkLinks wants an address of the form that base addresses have.
func checkLinks(address string) error {
	u, err := url.Parse(address)
	if address != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil) {
		return problem.Invalid("", "app.links_address", "address", address)
	}
	return nil
}

// linkAddress is where links and QR codes for other people lead: the address that the settings name for
// them, else that of the office.
func (a *App) linkAddress(ctx context.Context) string {
	if own := strings.TrimRight(a.cfg.LinksAddress, "/"); own != "" {
		return own
	}
	return a.baseAddress(ctx)
}

// linkHosts are the names under which the pages behind links answer besides those of the office.
func (a *App) linkHosts() []string {
	var out []string
	if a.linksHost != "" {
		out = append(out, a.linksHost)
	}
	if u, err := url.Parse(a.cfg.LinksAddress); err == nil && u.Host != "" {
		out = append(out, u.Hostname())
	}
	return out
}
