package control

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Config is what a server needs of its surroundings.
type Config struct {
	Dir     string // the data folder, whose lock the caller holds
	Version string // of the program; a command of another version is refused
	Verbs   map[string]Verb
	// Say writes a problem as a sentence in a language.
	Say func(lang string, err error) string
	Log *slog.Logger
	// Patience is how long a client may take for the request's line, and for each piece after it; 0 is 20 s.
	Patience time.Duration
}

const (
	patience  = 20 * time.Second
	dialLimit = 5 * time.Second
)

// Server answers commands beside an office that runs.
type Server struct {
	cfg    Config
	lis    net.Listener
	place  *place
	open   chan struct{} // one for each connection
	calls  sync.WaitGroup
	ctx    context.Context //nolint:containedctx // of all calls: Close ends them
	cancel context.CancelFunc
}

// Listen opens the control address; Serve then answers.
func Listen(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Patience == 0 {
		cfg.Patience = patience
	}
	lis, p, err := listen(ctx, cfg.Dir, cfg.Version)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, lis: lis, place: p, open: make(chan struct{}, maxOpen)}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return s, nil
}

// Serve answers until Close.
func (s *Server) Serve() {
	for {
		conn, err := s.lis.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.cfg.Log.WarnContext(s.ctx, "control connection failed", "error", err)
			continue
		}
		select {
		case s.open <- struct{}{}:
			s.calls.Go(func() {
				defer func() { <-s.open }()
				s.answer(conn)
			})
		default:
			l := &line{conn: conn, patience: s.cfg.Patience}
			l.refuse(s, "ja", errBusy)
			_ = conn.Close() // it was told
		}
	}
}

// Close stops listening and lets the calls at work finish until ctx ends; then they are cancelled.
func (s *Server) Close(ctx context.Context) error {
	err := s.lis.Close()
	for _, name := range []string{placeFile, socketFile} {
		if rerr := os.Remove(filepath.Join(s.cfg.Dir, name)); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}
	done := make(chan struct{})
	go func() {
		s.calls.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	s.cancel()
	<-done
	return err
}

// line sends answers over a connection.
type line struct {
	mu       sync.Mutex
	conn     net.Conn
	patience time.Duration
}

func (l *line) send(a answer) error {
	data, err := encode(a)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.conn.SetWriteDeadline(time.Now().Add(l.patience)) // a connection without one fails at the write
	_, err = l.conn.Write(data)
	return err
}

// refuse tells what went wrong; a client that cannot be told is gone.
func (l *line) refuse(s *Server, lang string, err error) {
	a := answer{Type: "problem", Code: problem.CodeOf(err), Text: s.cfg.Say(lang, err)}
	if errors.Is(err, context.Canceled) {
		a.Code = interrupted
	} else if all := problem.All(err); len(all) > 0 {
		a.Field = all[0].Field
	}
	_ = l.send(a)
}

// answer serves one connection: one request, its work, its answer.
func (s *Server) answer(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // the answer was sent, or nobody is there
	l := &line{conn: conn, patience: s.cfg.Patience}
	if !peerAllowed(conn) {
		s.cfg.Log.WarnContext(s.ctx, "control connection of another user refused")
		return
	}
	_ = conn.SetReadDeadline(time.Now().Add(s.cfg.Patience)) // one that cannot be set fails at the read
	r := bufio.NewReader(conn)
	q, err := readRequest(r)
	if err != nil {
		l.refuse(s, "ja", told(err))
		return
	}
	lang := "ja"
	if q.Lang == "en" {
		lang = "en"
	}
	verb, err := s.admit(q)
	if err != nil {
		s.cfg.Log.WarnContext(s.ctx, "control request refused", "error", err)
		l.refuse(s, lang, err)
		s.drain(conn, r)
		return
	}
	files, err := readFiles(&patient{conn, r, s.cfg.Patience}, q.Files, verb.limit)
	if err != nil {
		l.refuse(s, lang, told(err))
		s.drain(conn, r)
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	_ = conn.SetReadDeadline(time.Time{})
	go func() { // another byte, or the end of the connection, cancels
		_, _ = r.ReadByte()
		cancel()
	}()
	res, err := s.run(ctx, verb, q, &Call{Lang: lang, Files: files, send: l.send})
	if err != nil {
		l.refuse(s, lang, err)
		return
	}
	_ = l.send(answer{Type: "result", Result: res})
}

// drain reads what a refused client still sends until it has read its answer: to close at once would throw the
// answer away on some systems.
func (s *Server) drain(conn net.Conn, r io.Reader) {
	_ = conn.SetReadDeadline(time.Now().Add(s.cfg.Patience)) // one that cannot be set fails at the read
	_, _ = io.CopyN(io.Discard, r, 64<<20)
}

// told turns the end or the silence of a connection into a problem that can be told.
func told(err error) error {
	if len(problem.All(err)) > 0 {
		return err
	}
	return ErrBroken
}

// admit says whether a request may be served.
func (s *Server) admit(q *request) (Verb, error) {
	// Hashes of equal length: the comparison takes the same time whatever was sent.
	got, want := sha256.Sum256([]byte(q.Token)), sha256.Sum256([]byte(s.place.Token))
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return Verb{}, errToken
	}
	if q.Protocol != protocol || q.Version != s.cfg.Version {
		return Verb{}, errVersion(s.cfg.Version, q.Version)
	}
	verb, known := s.cfg.Verbs[q.Verb]
	if !known {
		return Verb{}, ErrBroken
	}
	return verb, nil
}

// run does the work. A panic ends the request, not the office.
func (s *Server) run(ctx context.Context, verb Verb, q *request, c *Call) (res json.RawMessage, err error) {
	started := time.Now()
	defer func() {
		if v := recover(); v != nil {
			s.cfg.Log.ErrorContext(ctx, "control request panicked", "verb", q.Verb, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic in %s", q.Verb)
		}
		s.cfg.Log.DebugContext(ctx, "control request", "verb", q.Verb, "ok", err == nil, "ms", time.Since(started).Milliseconds())
	}()
	v, err := verb.do(ctx, q.Args, c)
	if err != nil {
		if ctx.Err() != nil {
			err = errors.Join(context.Canceled, err)
		}
		return nil, err
	}
	if res, err = json.Marshal(v); err != nil {
		return nil, fmt.Errorf("encode result of %s: %w", q.Verb, err)
	}
	return res, nil
}

// patient reads the files of a request: each piece may take its time, silence may not.
type patient struct {
	conn     net.Conn
	r        io.Reader
	patience time.Duration
}

// Read sets a new deadline before each piece.
func (p *patient) Read(b []byte) (int, error) {
	_ = p.conn.SetReadDeadline(time.Now().Add(p.patience)) // one that cannot be set fails at the read
	return p.r.Read(b)
}
