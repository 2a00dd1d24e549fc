package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
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
	more []Companion
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
func (s *Server) Close() error { return errors.Join(s.lis.Close(), s.end(context.Background())) }

// Serve answers until ctx ends, then lets open requests, and what companions have at work, finish. What is not
// through within graceLimit is cut off; what it had not committed is undone.
func (s *Server) Serve(ctx context.Context) error {
	nights, stop := context.WithCancel(ctx)
	defer stop()
	var night sync.WaitGroup
	night.Go(func() { s.app.nights(nights, sleep) })
	for _, c := range s.more {
		go c.Serve()
	}
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(s.lis) }()
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
