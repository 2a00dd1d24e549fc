package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/web"
)

// Limits of the server: what a browser on a slow plant network needs, and what a stuck client may hold.
const (
	readHeaderLimit = 10 * time.Second
	readLimit       = 60 * time.Second
	writeLimit      = 120 * time.Second
	idleLimit       = 120 * time.Second
	maxHeaderBytes  = 32 << 10
	graceLimit      = 10 * time.Second
)

// Router registers every page of the office.
func (a *App) Router() *web.Router {
	rt := web.NewRouter(a.routerConfig())
	a.routes(rt)
	return rt
}

// Server is an office that answers on an address.
type Server struct {
	app  *App
	http *http.Server
	lis  net.Listener
}

// Listen opens the address; Serve then answers on it. The address of links is this one until the company
// profile names another.
func (a *App) Listen(ctx context.Context, addr string) (*Server, error) {
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	a.address = "http://" + openable(lis.Addr())
	return &Server{app: a, lis: lis, http: &http.Server{
		Handler: a.Router().Handler(), ReadHeaderTimeout: readHeaderLimit, ReadTimeout: readLimit, WriteTimeout: writeLimit,
		IdleTimeout: idleLimit, MaxHeaderBytes: maxHeaderBytes, BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}}, nil
}

// openable is where a browser finds the listener. 0.0.0.0 and [::] mean every address of the machine and are
// none themselves: of those only loopback is sure to be answered before the office knows its own name.
func openable(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("localhost", strconv.Itoa(tcp.Port))
	}
	return addr.String()
}

// Address is where the office can be opened: "http://127.0.0.1:8600".
func (s *Server) Address() string { return s.app.address }

// Close stops listening, for who opened the address and does not serve.
func (s *Server) Close() error { return s.lis.Close() }

// Serve answers until ctx ends, then lets open requests finish.
func (s *Server) Serve(ctx context.Context) error {
	nights, stop := context.WithCancel(ctx)
	defer stop()
	go s.app.nights(nights, sleep)
	go s.app.backups(nights, sleep)
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(s.lis) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceLimit)
	defer cancel()
	if err := s.http.Shutdown(grace); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}
