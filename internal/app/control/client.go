package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Client asks the server of a folder.
type Client struct {
	dir, version, lang string
	place              *place
}

// Dial finds the server of a folder and says whether they understand each other. ErrNone when no server
// answers; problem code unavailable when it is of another version.
func Dial(ctx context.Context, dir, version, lang string) (*Client, error) {
	p, err := readPlace(dir)
	if err != nil {
		return nil, err
	}
	conn, err := p.dial(ctx, dir)
	if err != nil {
		return nil, err
	}
	_ = conn.Close() // it only had to answer
	if p.Version != version {
		return nil, errVersion(p.Version, version)
	}
	return &Client{dir, version, lang, p}, nil
}

// Ask is one request. Out takes the file that the work makes; Progress how far it is; both may be nil.
type Ask struct {
	Verb     string
	Args     any
	Files    []File
	Out      io.Writer
	Progress func(done, total int)
}

// Do asks and waits for the answer, which it writes into result (nil for none). When ctx ends the work is
// cancelled and what it says then is waited for. A problem of the server comes back with its code and field;
// its sentence stands in the parameter "text".
func (c *Client) Do(ctx context.Context, ask Ask, result any) error {
	args, err := json.Marshal(ask.Args)
	if err != nil {
		return fmt.Errorf("encode arguments: %w", err)
	}
	q := request{Protocol: protocol, Version: c.version, Token: c.place.Token, Verb: ask.Verb, Lang: c.lang, Args: args}
	for _, f := range ask.Files {
		q.Files = append(q.Files, fileHead{Name: f.Name, Size: int64(len(f.Data))})
	}
	head, err := encode(q)
	if err != nil {
		return err
	}
	if len(head) > maxLine {
		return problem.TooLarge("app.control.too_large")
	}
	conn, err := c.place.dial(ctx, c.dir)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // the answer was read
	s := &sender{conn: conn}
	go s.all(head, ask.Files)
	defer context.AfterFunc(ctx, s.cancel)()
	return receive(ctx, bufio.NewReader(conn), ask, result)
}

// receive reads the answer.
func receive(ctx context.Context, r *bufio.Reader, ask Ask, result any) error {
	for {
		a, err := readAnswer(r)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return errors.Join(errLost, err)
		}
		switch a.Type {
		case "progress":
			if ask.Progress != nil {
				ask.Progress(a.Done, a.Total)
			}
		case "data":
			if ask.Out == nil {
				return ErrBroken
			}
			if _, err := ask.Out.Write(a.Data); err != nil {
				return fmt.Errorf("write what the server sent: %w", err)
			}
		case "result":
			if result == nil {
				return nil
			}
			if err := json.Unmarshal(a.Result, result); err != nil {
				return errors.Join(ErrBroken, err)
			}
			return nil
		case "problem":
			return problemOf(ctx, a)
		}
	}
}

// problemOf is what the server said, as an error of the client.
func problemOf(ctx context.Context, a *answer) error {
	switch a.Code {
	case interrupted:
		if err := ctx.Err(); err != nil {
			return err
		}
		return errLost // the server stops
	case problem.CodeInternal:
		return errors.New(a.Text)
	default:
		return &problem.Error{Code: a.Code, Field: a.Field, Key: "app.control.said", Args: problem.Args{"text": a.Text}}
	}
}

// sender writes the request, and the line that cancels it.
type sender struct {
	mu   sync.Mutex
	conn net.Conn
	sent bool
}

// all writes the request. What goes wrong shows when the answer is read.
func (s *sender) all(head []byte, files []File) {
	if _, err := s.conn.Write(head); err != nil {
		return
	}
	for _, f := range files {
		if _, err := s.conn.Write(f.Data); err != nil {
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = true
}

// cancel asks the server to stop; a request that is not out yet is dropped.
func (s *sender) cancel() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.sent {
		_ = s.conn.Close() // nothing was begun
		return
	}
	_, _ = s.conn.Write([]byte("cancel\n")) // a server that is gone needs no asking
}
