// Package archivetest starts gofakes3, a fake of S3 that keeps objects in memory, for tests. It is no S3: it checks no
// signature and has no Object Lock. scripts/setup builds the program.
package archivetest

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Bucket is the bucket that the fake has from the start.
const Bucket = "archive"

// Start starts a fake and gives its address; it ends with the test.
func Start(t testing.TB) string {
	t.Helper()
	file := os.Getenv("KIZUKI_GOFAKES3") //nolint:forbidigo // test support
	if file == "" {
		t.Fatal("KIZUKI_GOFAKES3 names no program: run `. scripts/env.sh` first; scripts/setup builds gofakes3")
	}
	for range 5 { // another process may take the port between looking and listening
		address := freeAddress(t)
		cmd := exec.Command(file, "-backend=memory", "-initialbucket="+Bucket, "-host="+address) //nolint:noctx,gosec // ends below
		if err := cmd.Start(); err != nil {
			t.Fatalf("gofakes3 does not start; scripts/setup builds it: %v", err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill() // ended already
			_ = cmd.Wait()
		})
		if answers(t, "http://"+address+"/"+Bucket) {
			return "http://" + address
		}
	}
	t.Fatal("gofakes3 does not answer")
	return ""
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

// answers asks until there is an answer, for ten seconds.
func answers(t testing.TB, address string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ask := time.NewTicker(20 * time.Millisecond)
	defer ask.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = response.Body.Close()
			return response.StatusCode == http.StatusOK
		}
		select {
		case <-ctx.Done():
			return false
		case <-ask.C:
		}
	}
}
