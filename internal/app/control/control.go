// Package control lets a command work beside a running server: the server holds the lock of the data folder,
// and whoever would write goes through it, never a second writer (DESIGN §6).
//
// The server listens inside the data folder: on a Unix socket, or, on Windows and where the folder's path is too
// long for one, on a loopback port. control.json (readable by the owner alone) says where, and holds the token
// that every request carries; it is new at each start. A request is one JSON line and the bytes of its files;
// the answer is JSON lines: progress and data while the work goes on, then one result or one problem. A client
// that sends another line, or goes away, cancels the work; what was finished before stays.
//
// It knows no verb: app hands them over. It imports words only.
package control

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// protocol numbers the form of requests and answers; another number is refused.
const protocol = 1

// Limits of one request and one answer. Whoever may speak here may do everything; the limits keep mistakes, and
// programs that are none of ours, from filling the memory of the server.
const (
	maxLine     = 64 << 10 // bytes of the request's line
	maxFiles    = 64       // of one request
	maxAnswer   = 32 << 20 // bytes of one line of an answer
	maxOpen     = 16       // connections at a time, those that have not said anything yet included
	maxFileName = 1 << 10  // bytes
)

// Problems that the two sides have with each other.
var (
	// ErrNone says that no server answers in this folder.
	ErrNone = problem.Unavailable("app.control.none")
	// ErrBroken says that the other side sent what cannot be understood.
	ErrBroken = problem.Invalid("", "app.control.broken")
	errToken  = problem.Unauthenticated("app.control.token")
	errBusy   = problem.Unavailable("app.control.busy")
	errLost   = problem.Unavailable("app.control.lost")
)

func errVersion(theirs, ours string) error {
	return problem.Unavailable("app.control.version", "server", theirs, "command", ours)
}

// request is the first line that a client sends.
type request struct {
	Protocol int             `json:"protocol"`
	Version  string          `json:"version"` // of the program
	Token    string          `json:"token"`
	Verb     string          `json:"verb"`
	Lang     string          `json:"lang"`
	Args     json.RawMessage `json:"args,omitempty"`
	Files    []fileHead      `json:"files,omitempty"`
}

// fileHead announces a file; its bytes follow the line.
type fileHead struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// answer is one line that the server sends. Type is "progress", "data", "result" or "problem".
type answer struct {
	Type   string          `json:"type"`
	Done   int             `json:"done,omitempty"`
	Total  int             `json:"total,omitempty"`
	Data   []byte          `json:"data,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Code   problem.Code    `json:"code,omitempty"`
	Field  string          `json:"field,omitempty"`
	Text   string          `json:"text,omitempty"`
}

// interrupted is the code of work that its client cancelled.
const interrupted = "interrupted"

// File is a file that came with a request.
type File struct {
	Name string // as the client calls it: for display, never a path
	Data []byte
}

// Call is one request at work.
type Call struct {
	Lang  string // "ja" or "en": of every text in the answer
	Files []File
	send  func(answer) error
}

// Progress tells the client how far the work is; total 0 is unknown. A client that cannot be told is gone, and
// the work ends by its context.
func (c *Call) Progress(done, total int) {
	_ = c.send(answer{Type: "progress", Done: done, Total: total})
}

// Write sends bytes of a file that the work makes.
func (c *Call) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), 256<<10)
		if err := c.send(answer{Type: "data", Data: rest[:n]}); err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	return len(p), nil
}

// Verb is one thing that can be asked.
type Verb struct {
	limit int64
	do    func(ctx context.Context, args json.RawMessage, c *Call) (any, error)
}

// On makes a verb with arguments of type A. limit bounds its files together, in bytes; 0 takes none.
func On[A any](limit int64, do func(ctx context.Context, args A, c *Call) (any, error)) Verb {
	return Verb{limit: limit, do: func(ctx context.Context, raw json.RawMessage, c *Call) (any, error) {
		var args A
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &args); err != nil {
				return nil, fmt.Errorf("read arguments: %w", ErrBroken)
			}
		}
		return do(ctx, args, c)
	}}
}

var _ io.Writer = (*Call)(nil)
