// Package victoriatest starts the real VictoriaLogs on this machine, for tests: one node, or a cluster of two storage nodes
// and a front. scripts/setup builds the program.
package victoriatest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Node is one running process.
type Node struct {
	URL  string
	args []string
	cmd  *exec.Cmd
	said *output
}

// Cluster is a front and its storage nodes.
type Cluster struct {
	Front   *Node
	Storage []*Node
}

// output keeps what a process said, for when it fails.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// program is the binary that scripts/setup built; scripts/env.sh names it.
func program(t testing.TB) string {
	t.Helper()
	file := os.Getenv("KIZUKI_VICTORIALOGS") //nolint:forbidigo // test support
	if file == "" {
		t.Fatal("KIZUKI_VICTORIALOGS names no program: run `. scripts/env.sh` first; scripts/setup builds VictoriaLogs")
	}
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("VictoriaLogs is not built: run scripts/setup (%v)", err)
	}
	return file
}

// Single starts one node.
func Single(t testing.TB, more ...string) *Node {
	t.Helper()
	return start(t, append([]string{"-storageDataPath=" + t.TempDir(), "-retentionPeriod=100y", "-futureRetention=100y"}, more...))
}

// Start starts a cluster of two storage nodes and a front.
func Start(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{Storage: []*Node{Single(t), Single(t)}}
	var names []string
	for _, n := range c.Storage {
		names = append(names, strings.TrimPrefix(n.URL, "http://"))
	}
	c.Front = start(t, []string{"-storageNode=" + strings.Join(names, ","), "-storageDataPath=" + t.TempDir()})
	return c
}

func start(t testing.TB, args []string) *Node {
	t.Helper()
	for range 5 { // another process may take the port between looking and listening
		n := &Node{args: args, said: &output{}}
		n.URL = "http://" + freeAddress(t)
		if n.run(t) {
			t.Cleanup(n.Kill)
			return n
		}
	}
	t.Fatal("VictoriaLogs does not start")
	return nil
}

func freeAddress(t testing.TB) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// run starts the process and waits until it answers; false: it ended.
func (n *Node) run(t testing.TB) bool {
	t.Helper()
	args := append([]string{
		"-httpListenAddr=" + strings.TrimPrefix(n.URL, "http://"), "-loggerLevel=WARN", "-memory.allowedBytes=200MB",
	}, n.args...)
	n.cmd = exec.Command(program(t), args...) //nolint:noctx,gosec // ends with the test, by Kill
	n.cmd.Stdout, n.cmd.Stderr = n.said, n.said
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = n.cmd.Wait()
		close(ended)
	}()
	ask := time.NewTicker(20 * time.Millisecond)
	defer ask.Stop()
	deadline := time.After(60 * time.Second)
	for {
		select {
		case <-ended:
			t.Logf("VictoriaLogs ended: %s", n.said)
			return false
		case <-deadline:
			t.Fatalf("VictoriaLogs does not answer: %s", n.said)
		case <-ask.C:
			if n.answers() {
				return true
			}
		}
	}
}

func (n *Node) answers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, n.URL+"/health", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 100))
	return response.Body.Close() == nil && err == nil && string(body) == "OK"
}

// Kill ends the process as a power cut would, as far as the process is concerned. It may be called twice.
func (n *Node) Kill() {
	if n.cmd.Process != nil {
		_ = n.cmd.Process.Kill() // ended already
	}
}

// Stop ends the process as its operator would: it writes what it has in memory.
func (n *Node) Stop(t testing.TB) {
	t.Helper()
	if err := n.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = n.cmd.Process.Wait() // another waits for it too
}

// Again starts a killed node on its data and its address.
func (n *Node) Again(t testing.TB) {
	t.Helper()
	n.Kill()
	for try := range 50 { // until the process before is gone and its lock with it
		if n.run(t) {
			return
		}
		if try == 49 {
			t.Fatalf("VictoriaLogs does not start again: %s", n.said)
		}
	}
}

// Pid is the process while it runs.
func (n *Node) Pid() int { return n.cmd.Process.Pid }

// Said is what the process wrote.
func (n *Node) Said() string { return fmt.Sprint(n.said) }
