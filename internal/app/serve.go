package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/certificate"
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

// Server is an office that answers on an address, and the pages behind links on a second one if wanted.
type Server struct {
	app *App
	door
	links *door // nil: none
	more  []Companion
}

// door is one listener with what answers there.
type door struct {
	http *http.Server
	lis  net.Listener
	cert *certificate.Source // nil: plain http
}

// open answers until the door is shut.
func (d *door) open() error {
	if d.cert == nil {
		return d.http.Serve(d.lis)
	}
	d.http.TLSConfig = d.cert.Config()
	return d.http.ServeTLS(d.lis, "", "")
}

// newHTTP is a server with the limits of the office.
func newHTTP(ctx context.Context, h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: readHeaderLimit, ReadTimeout: readLimit, WriteTimeout: writeLimit,
		IdleTimeout: idleLimit, MaxHeaderBytes: maxHeaderBytes, BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo), // what strangers send on the wire fills no log
	}
}

// Companion answers beside the pages of an office: commands, a program that collects figures.
type Companion interface {
	// Serve answers until Close.
	Serve()
	// Close lets what is at work finish until ctx ends.
	Close(ctx context.Context) error
}

// With adds a companion; it begins and ends with the server.
func (s *Server) With(c Companion) { s.more = append(s.more, c) }

// Listen opens the address; Serve then answers on it. The address of links is this one until the company
// profile names another.
func (a *App) Listen(ctx context.Context, addr string) (*Server, error) {
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	cert, err := a.openCertificate(ctx, addr)
	if err != nil {
		return nil, errors.Join(err, lis.Close())
	}
	a.address = a.scheme() + openable(lis.Addr())
	return &Server{app: a, door: door{http: newHTTP(ctx, a.Router().Handler()), lis: newBound(lis, maxConns), cert: cert}}, nil
}

func (a *App) scheme() string {
	if a.cfg.TLS.On() {
		return "https://"
	}
	return "http://"
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
func (s *Server) Close() error {
	if s.links != nil {
		return errors.Join(s.lis.Close(), s.links.lis.Close(), s.end(context.Background()))
	}
	return errors.Join(s.lis.Close(), s.end(context.Background()))
}

// Serve answers until ctx ends, then lets open requests, and what companions have at work, finish. What is not
// through within graceLimit is cut off; what it had not committed is undone.
func (s *Server) Serve(ctx context.Context) error {
	nights, stop := context.WithCancel(ctx)
	sent := s.app.startMessages(nights)
	defer func() { stop(); sent() }()
	var night sync.WaitGroup
	for _, work := range []func(context.Context, func(context.Context, time.Duration) bool){s.app.nights, s.app.backups, s.app.hours} {
		night.Go(func() { work(nights, sleep) })
	}
	for _, c := range s.more {
		go c.Serve()
	}
	failed := make(chan error, 2)
	go func() { failed <- s.open() }()
	if s.links != nil {
		go func() { failed <- s.links.open() }()
		defer func() { _ = s.links.http.Close() }()
	}
	var err error
	select {
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	stop()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceLimit)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.end(grace) }()
	if serr := s.http.Shutdown(grace); serr != nil {
		err = errors.Join(err, s.http.Close())
		if !errors.Is(serr, context.DeadlineExceeded) {
			err = errors.Join(err, fmt.Errorf("stop: %w", serr))
		}
	}
	err = errors.Join(err, <-ended)
	night.Wait()
	return err
}

// end closes the companions side by side.
func (s *Server) end(ctx context.Context) error {
	errs := make([]error, len(s.more))
	var all sync.WaitGroup
	for i, c := range s.more {
		all.Go(func() { errs[i] = c.Close(ctx) })
	}
	all.Wait()
	return errors.Join(errs...)
}
