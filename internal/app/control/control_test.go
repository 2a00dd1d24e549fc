package control_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/app/control"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

const version = "v1.2.3"

type echo struct {
	Text string `json:"text"`
	N    int    `json:"n"`
}

// verbs of the tests. The channel tells that "wait" has begun.
func verbs(began chan struct{}) map[string]control.Verb {
	return map[string]control.Verb{
		"echo": control.On(0, func(_ context.Context, e echo, c *control.Call) (any, error) {
			return echo{Text: c.Lang + ":" + e.Text, N: e.N + 1}, nil
		}),
		"files": control.On(1<<20, func(_ context.Context, _ struct{}, c *control.Call) (any, error) {
			for i, f := range c.Files {
				c.Progress(i+1, len(c.Files))
				if _, err := fmt.Fprintf(c, "%s:%s;", f.Name, f.Data); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}),
		"big": control.On(0, func(_ context.Context, n int, c *control.Call) (any, error) {
			_, err := c.Write(bytes.Repeat([]byte("x"), n))
			return n, err
		}),
		"refuse": control.On(0, func(context.Context, struct{}, *control.Call) (any, error) {
			return nil, problem.Invalid("login", "x.taken", "login", "sato")
		}),
		"fail":  control.On(0, func(context.Context, struct{}, *control.Call) (any, error) { return nil, errors.New("disk on fire") }),
		"panic": control.On(0, func(context.Context, struct{}, *control.Call) (any, error) { panic("oh") }),
		"wait": control.On(0, func(ctx context.Context, _ struct{}, c *control.Call) (any, error) {
			c.Progress(1, 2)
			began <- struct{}{}
			<-ctx.Done()
			return nil, ctx.Err()
		}),
	}
}

type house struct {
	dir   string
	began chan struct{}
	srv   *control.Server
}

// serve serves a folder until the test ends.
func serve(t *testing.T, dir string, patience time.Duration) *house {
	t.Helper()
	h := &house{dir: dir, began: make(chan struct{}, 1)}
	var err error
	h.srv, err = control.Listen(t.Context(), control.Config{
		Dir: dir, Version: version, Verbs: verbs(h.began), Log: slog.New(slog.DiscardHandler), Patience: patience,
		Say: func(lang string, err error) string { return lang + " says " + err.Error() },
	})
	if err != nil {
		t.Fatal(err)
	}
	go h.srv.Serve()
	t.Cleanup(func() { _ = h.srv.Close(context.Background()) })
	return h
}

func (h *house) dial(t *testing.T) *control.Client {
	t.Helper()
	c, err := control.Dial(t.Context(), h.dir, version, "en")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// place is what the server wrote down.
func (h *house) place(t *testing.T) (p struct{ Network, Address, Token, Version string }) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(h.dir, "control.json"))
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// raw opens a connection without the client.
func (h *house) raw(t *testing.T) net.Conn {
	t.Helper()
	p := h.place(t)
	if p.Network == "unix" {
		p.Address = filepath.Join(h.dir, p.Address)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), p.Network, p.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// say sends bytes and reads the whole answer.
func (h *house) say(t *testing.T, text string) string {
	t.Helper()
	conn := h.raw(t)
	go func() { _, _ = io.WriteString(conn, text) }()
	line, _ := io.ReadAll(io.LimitReader(conn, 1<<20))
	return string(line)
}

// shortDir is a folder whose socket has a path that every system takes.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "kz") //nolint:usetesting // the path of t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// folders are the two ways to listen.
func folders(t *testing.T) map[string]string {
	t.Helper()
	long := filepath.Join(t.TempDir(), strings.Repeat("とても長い名前", 5))
	if err := os.MkdirAll(long, 0o700); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"unix": shortDir(t), "tcp": long}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	for network, dir := range folders(t) {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			h := serve(t, dir, 0)
			if got := h.place(t).Network; got != network && runtime.GOOS != "windows" {
				t.Errorf("listens on %s, want %s", got, network)
			}
			c := h.dial(t)
			var got echo
			if err := c.Do(t.Context(), control.Ask{Verb: "echo", Args: echo{"改行\nと\"引用\"", 41}}, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(echo{"en:改行\nと\"引用\"", 42}, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			var out bytes.Buffer
			var steps []int
			err := c.Do(t.Context(), control.Ask{
				Verb: "files", Out: &out, Progress: func(done, total int) { steps = append(steps, done, total) },
				Files: []control.File{{Name: "一.csv", Data: []byte("a\nb")}, {Name: "空.csv"}},
			}, nil)
			if err != nil || out.String() != "一.csv:a\nb;空.csv:;" {
				t.Errorf("files: %v, %q", err, out.String())
			}
			if diff := cmp.Diff([]int{1, 2, 2, 2}, steps); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
			out.Reset()
			var n int
			if err := c.Do(t.Context(), control.Ask{Verb: "big", Args: 3 << 20, Out: &out}, &n); err != nil || out.Len() != 3<<20 || n != 3<<20 {
				t.Errorf("3 MB: %v, %d bytes, result %d", err, out.Len(), n)
			}
		})
	}
}

func TestProblemsCross(t *testing.T) {
	t.Parallel()
	h := serve(t, shortDir(t), 0)
	c := h.dial(t)
	err := c.Do(t.Context(), control.Ask{Verb: "refuse"}, nil)
	all := problem.All(err)
	if len(all) != 1 || all[0].Code != problem.CodeInvalid || all[0].Field != "login" || !strings.HasPrefix(fmt.Sprint(all[0].Args["text"]), "en says ") {
		t.Errorf("a refusal arrives as %v", err)
	}
	if err := c.Do(t.Context(), control.Ask{Verb: "fail"}, nil); err == nil || err.Error() != "en says disk on fire" || len(problem.All(err)) != 0 {
		t.Errorf("a failure arrives as %v", err)
	}
	if err := c.Do(t.Context(), control.Ask{Verb: "panic"}, nil); err == nil || !strings.Contains(err.Error(), "panic") {
		t.Errorf("a panic arrives as %v", err)
	}
	if err := c.Do(t.Context(), control.Ask{Verb: "nothing"}, nil); problem.CodeOf(err) != problem.CodeInvalid {
		t.Errorf("an unknown verb arrives as %v", err)
	}
	if err := c.Do(t.Context(), control.Ask{Verb: "echo", Args: "no object"}, nil); problem.CodeOf(err) != problem.CodeInvalid {
		t.Errorf("wrong arguments arrive as %v", err)
	}
	if err := c.Do(t.Context(), control.Ask{Verb: "files", Files: []control.File{{Name: "x", Data: make([]byte, 2<<20)}}}, nil); problem.CodeOf(err) != problem.CodeTooLarge {
		t.Errorf("too large a file arrives as %v", err)
	}
	if err := c.Do(t.Context(), control.Ask{Verb: "echo", Args: echo{Text: strings.Repeat("x", 70_000)}}, nil); problem.CodeOf(err) != problem.CodeTooLarge {
		t.Errorf("too large arguments arrive as %v", err)
	}
	var got echo
	if err := c.Do(t.Context(), control.Ask{Verb: "echo"}, &got); err != nil {
		t.Errorf("after all this: %v", err)
	}
}

// TestCancel: Ctrl-C ends the work at the server, and the command hears of it.
func TestCancel(t *testing.T) {
	t.Parallel()
	h := serve(t, shortDir(t), 0)
	ctx, stop := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() { failed <- h.dial(t).Do(ctx, control.Ask{Verb: "wait"}, nil) }()
	<-h.began
	stop()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled command says %v", err)
	}
	conn := h.raw(t)
	fmt.Fprintf(conn, `{"protocol":1,"version":%q,"token":%q,"verb":"wait"}`+"\n", version, h.place(t).Token)
	<-h.began
	if err := conn.Close(); err != nil { // a command that was killed
		t.Fatal(err)
	}
	if err := h.srv.Close(t.Context()); err != nil { // waits for the work, which would never end
		t.Error(err)
	}
}

// TestClose: work may finish within the grace; after it, it is cancelled. Nothing stays in the folder.
func TestClose(t *testing.T) {
	t.Parallel()
	h := serve(t, shortDir(t), 0)
	failed := make(chan error, 1)
	go func() { failed <- h.dial(t).Do(t.Context(), control.Ask{Verb: "wait"}, nil) }()
	<-h.began
	grace, end := context.WithCancel(t.Context())
	end()
	if err := h.srv.Close(grace); err != nil {
		t.Error(err)
	}
	if err := <-failed; problem.CodeOf(err) != problem.CodeUnavailable {
		t.Errorf("the command hears %v", err)
	}
	left, err := os.ReadDir(h.dir)
	if err != nil || len(left) != 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
	if _, err := control.Dial(t.Context(), h.dir, version, "ja"); !errors.Is(err, control.ErrNone) {
		t.Errorf("after the end Dial says %v", err)
	}
}

func TestWhoMayNotSpeak(t *testing.T) {
	t.Parallel()
	for network, dir := range folders(t) {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			h := serve(t, dir, 200*time.Millisecond)
			token := h.place(t).Token
			ask := func(version, token, verb, more string) string {
				return fmt.Sprintf(`{"protocol":1,"version":%q,"token":%q,"verb":%q%s}`+"\n", version, token, verb, more)
			}
			for name, tt := range map[string]struct{ sent, want string }{
				"no token":             {ask(version, "", "echo", ""), `"unauthenticated"`},
				"wrong token":          {ask(version, strings.Repeat("A", len(token)), "echo", ""), `"unauthenticated"`},
				"half a token":         {ask(version, token[:20], "echo", ""), `"unauthenticated"`},
				"wrong token, no verb": {ask(version, "x", "none", ""), `"unauthenticated"`},
				"other version":        {ask("v9", token, "echo", ""), `app.control.version`},
				"other protocol":       {strings.Replace(ask(version, token, "echo", ""), `:1,`, `:2,`, 1), `app.control.version`},
				"unknown verb":         {ask(version, token, "shutdown", ""), `"invalid"`},
				"garbage":              {"\x00\xff\xfe garbage\n", `"invalid"`},
				"a web browser":        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", `"invalid"`},
				"an endless line":      {strings.Repeat("x", 200_000), `"too_large"`},
				"silence":              {"", `"invalid"`},
				"half a line":          {`{"protocol":1`, `"invalid"`},
				"a list":               {"[1,2,3]\n", `"invalid"`},
				"negative file":        {ask(version, token, "files", `,"files":[{"name":"x","size":-1}]`), `"invalid"`},
				"huge file":            {ask(version, token, "files", `,"files":[{"name":"x","size":9223372036854775807}]`), `"too_large"`},
				"sizes that overflow":  {ask(version, token, "files", `,"files":[{"name":"x","size":9223372036854775807},{"name":"x","size":9223372036854775807}]`), `"too_large"`},
				"many files":           {ask(version, token, "files", `,"files":[`+strings.TrimSuffix(strings.Repeat(`{},`, 100), ",")+`]`), `"too_large"`},
				"half a file":          {ask(version, token, "files", `,"files":[{"name":"x","size":10}]`) + "abc", `"invalid"`},
				"files for none":       {ask(version, token, "echo", `,"files":[{"name":"x","size":1}]`) + "a", `"too_large"`},
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					got := h.say(t, tt.sent)
					if !strings.Contains(got, tt.want) || strings.Contains(got, `"result"`) {
						t.Errorf("answer %.300q, want %s", got, tt.want)
					}
					if strings.Contains(got, token) {
						t.Error("the answer tells the token")
					}
				})
			}
		})
	}
}

func TestManyConnections(t *testing.T) {
	t.Parallel()
	h := serve(t, shortDir(t), time.Minute)
	for range 16 { // they say nothing
		h.raw(t)
	}
	conn := h.raw(t)
	if line, err := io.ReadAll(conn); err != nil || !strings.Contains(string(line), "app.control.busy") {
		t.Errorf("one too many hears %q, %v", line, err)
	}
}

// TestStale: what a killed server left behind hinders neither the next server nor a command.
func TestStale(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	for _, text := range []string{
		`{"network":"unix","address":"control.sock","token":"x","version":"v1.2.3"}`,
		`{"network":"unix","address":"../../elsewhere.sock","token":"x","version":"v1.2.3"}`,
		`{"network":"tcp","address":"192.0.2.1:80","token":"x","version":"v1.2.3"}`,
		`{"network":"tcp","address":"127.0.0.1:1","token":"x","version":"v1.2.3"}`,
		`{"network":"tcp","address":"localhost:1","token":"x","version":"v1.2.3"}`,
		`{"network":"pipe"}`, `{`, ``,
	} {
		if err := os.WriteFile(filepath.Join(dir, "control.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "control.sock"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := control.Dial(t.Context(), dir, version, "ja"); !errors.Is(err, control.ErrNone) {
			t.Errorf("%s: %v, want ErrNone", text, err)
		}
	}
	h := serve(t, dir, 0)
	if err := h.dial(t).Do(t.Context(), control.Ask{Verb: "echo"}, nil); err != nil {
		t.Error(err)
	}
	if _, err := control.Dial(t.Context(), dir, "v1.2.4", "ja"); problem.CodeOf(err) != problem.CodeUnavailable || errors.Is(err, control.ErrNone) {
		t.Errorf("another version says %v", err)
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there the access list says it, not the mode")
	}
	h := serve(t, shortDir(t), 0)
	for _, name := range []string{"control.json", "control.sock"} {
		info, err := os.Stat(filepath.Join(h.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}
