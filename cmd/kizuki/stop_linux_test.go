package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// served is the command as a process of its own, with a socket where systemd would listen.
type served struct {
	cmd     *exec.Cmd
	dir     string
	address string // host:port
	systemd *net.UnixConn
}

// serveProcess starts kizuki serve on an empty folder.
func serveProcess(t *testing.T) *served {
	t.Helper()
	work, err := os.MkdirTemp("", "kz") //nolint:usetesting // the path of t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(work) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(work, "kizuki") // by this name the test binary is the command
	if err := os.Symlink(self, binary); err != nil {
		t.Fatal(err)
	}
	s := &served{dir: filepath.Join(work, "office")}
	name := filepath.Join(work, "notify")
	if s.systemd, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.systemd.Close() })
	s.cmd = exec.CommandContext(t.Context(), binary, "serve", "--data", s.dir, "--listen", "127.0.0.1:0", "--lang", "ja")
	s.cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+name)
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for s.address == "" && lines.Scan() {
		if _, rest, found := strings.Cut(lines.Text(), "http://"); found {
			s.address, _, _ = strings.Cut(rest, "/")
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if s.address == "" {
		t.Fatal("serve printed no address")
	}
	s.told(t, "READY=1")
	return s
}

// told waits until systemd hears a state.
func (s *served) told(t *testing.T, want string) {
	t.Helper()
	buf := make([]byte, 100)
	if err := s.systemd.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	n, err := s.systemd.Read(buf)
	if err != nil || string(buf[:n]) != want {
		t.Fatalf("systemd hears %q, %v; want %s", buf[:n], err, want)
	}
}

// half begins a request whose body is not through.
func (s *served) half(t *testing.T) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	// "Expect" makes the server say that the handler has begun to read.
	fmt.Fprintf(conn, "POST /login HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 20\r\nExpect: 100-continue\r\n\r\n", s.address)
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("the server answers %q, %v", line, err)
	}
	return conn
}

// TestStop: SIGTERM lets an open request finish, takes no new one, and leaves neither socket nor lock.
func TestStop(t *testing.T) {
	t.Parallel()
	s := serveProcess(t)
	conn := s.half(t)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.told(t, "STOPPING=1")
	fmt.Fprint(conn, "login=x&password=yyy")
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(answer), "HTTP/1.1 422") {
		t.Errorf("the open request is answered %.200q, %v", answer, err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("serve ended with %v, want exit code 0", err)
	}
	for _, name := range []string{"control.sock", "control.json"} {
		if _, err := os.Stat(filepath.Join(s.dir, name)); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", name, err)
		}
	}
	if wal, err := os.Stat(filepath.Join(s.dir, "kizuki.db-wal")); err == nil && wal.Size() > 0 {
		t.Error("the database was not closed: its log is left")
	}
}

// TestStopTwice: a second signal ends the process at once, whatever is open.
func TestStopTwice(t *testing.T) {
	t.Parallel()
	s := serveProcess(t)
	s.half(t)
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.told(t, "STOPPING=1")
	began := time.Now()
	for {
		_ = s.cmd.Process.Signal(syscall.SIGTERM) // one that comes too early counts as the first
		select {
		case err := <-ended:
			failed, ok := errors.AsType[*exec.ExitError](err)
			if !ok || failed.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
				t.Errorf("serve ended with %v, want by the signal", err)
			}
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("it took %v: the open request was waited for", took)
			}
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}
