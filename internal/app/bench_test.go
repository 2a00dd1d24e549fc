package app_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
)

// BenchmarkGapsPage asks the whole page できていないところ of the sample company (three years of history) and
// reports the 95th percentile of one request in ms.
func BenchmarkGapsPage(b *testing.B) {
	clock := sqlitetest.NewClock("2026-11-23")
	a, err := app.OpenDemo(b.Context(), app.Config{Dir: b.TempDir(), Now: clock.Now, Log: app.DiscardLog(), Demo: true}, func(int, int) {})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := a.Close(); err != nil {
			b.Error(err)
		}
	})
	handler := a.Router().Handler()
	cookie := demoSession(b, handler)
	var took []time.Duration
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "http://127.0.0.1/gaps", http.NoBody)
		r.AddCookie(cookie)
		w := httptest.NewRecorder()
		start := time.Now()
		handler.ServeHTTP(w, r)
		took = append(took, time.Since(start))
		if w.Code != http.StatusOK {
			b.Fatalf("status %d", w.Code)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
}

func demoSession(tb testing.TB, handler http.Handler) *http.Cookie {
	tb.Helper()
	form := url.Values{"login": {app.DemoLogin}, "password": {app.DemoPassword}}
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "http://127.0.0.1/login", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.Name == "session" {
			return c
		}
	}
	tb.Fatalf("sign-in: status %d, no session", w.Code)
	return nil
}

// BenchmarkStart starts the real binary on an office with the sample company until it answers its first
// page, and reports ms to the page and MB of memory after it.
func BenchmarkStart(b *testing.B) {
	binary := built(b)
	data := filepath.Join(b.TempDir(), "data")
	if out, err := exec.CommandContext(b.Context(), binary, "demo", "--no-serve", "--data", data).CombinedOutput(); err != nil {
		b.Fatalf("demo: %v\n%s", err, out)
	}
	const address = "127.0.0.1:18615"
	var memory float64
	for b.Loop() {
		memory = startOnce(b, address, binary, "serve", "--data", data)
	}
	b.ReportMetric(memory, "idle-MB")
	if info, err := os.Stat(binary); err == nil {
		b.ReportMetric(float64(info.Size())/1e6, "binary-MB")
	}
}

// BenchmarkDemo is what a new user waits for once the binary is built: kizuki demo in an empty folder builds the
// sample company with its three years and answers its first page.
func BenchmarkDemo(b *testing.B) {
	binary := built(b)
	for b.Loop() {
		startOnce(b, "127.0.0.1:18616", binary, "demo", "--data", b.TempDir())
	}
}

// built builds the command as it is shipped.
func built(b *testing.B) string {
	b.Helper()
	binary := filepath.Join(b.TempDir(), "kizuki")
	build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "../../cmd/kizuki")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// startOnce runs a command that serves until it answers its first page, and returns its memory in MB then.
func startOnce(b *testing.B, address, binary string, args ...string) float64 {
	b.Helper()
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	cmd := exec.CommandContext(ctx, binary, append(args, "--listen", address)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/login", http.NoBody)
		if err != nil {
			b.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			break
		}
		time.Sleep(2 * time.Millisecond)
	}
	memory := residentMB(b, cmd.Process.Pid)
	stop()
	_ = cmd.Wait() // it was interrupted on purpose
	return memory
}

func residentMB(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		if kb, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kb), "kB")), 64)
			if err != nil {
				b.Fatal(err)
			}
			return n / 1000
		}
	}
	return 0
}
