package app

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/metrics"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Buckets in seconds: a page is fast below a tenth, and a person leaves after some.
var (
	requestBuckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}
	judgeBuckets   = []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}
)

// measures are the families that acts fill as they happen.
type measures struct {
	requests *metrics.Counter
	took     *metrics.Histogram
	judged   *metrics.Histogram
}

// measure makes the families. Others, such as the outbox, add theirs with a.Metrics.Gather.
func (a *App) measure() {
	a.Metrics = &metrics.Registry{}
	a.measures = measures{
		requests: a.Metrics.NewCounter("kizuki_http_requests_total", "Requests by pattern of the route and class of the status.", "route", "status"),
		took:     a.Metrics.NewHistogram("kizuki_http_request_seconds", "Time from the head of a request to its answer.", requestBuckets, "route"),
		judged:   a.Metrics.NewHistogram("kizuki_judge_seconds", "Time to judge again the clauses that an act touched.", judgeBuckets),
	}
	started := a.cfg.Now()
	a.Metrics.Gather(func(_ context.Context, put func(metrics.Sample)) { a.processSamples(started, put) })
	a.Metrics.Gather(a.officeSamples)
}

// observe counts one request. A request that no route took has none, whatever its path.
func (a *App) observe(pattern string, status int, took time.Duration) {
	if pattern == "" {
		pattern = "none"
	}
	if status == 0 { // the connection broke before anything was answered
		status = 499
	}
	a.requests.Add(1, pattern, strconv.Itoa(status/100)+"xx")
	a.took.Observe(took.Seconds(), pattern)
}

// recompute judges what an act touched, and notes how long it took.
func (a *App) recompute(ctx context.Context, tx *sqlite.Tx, kinds []string) error {
	started := a.cfg.Now()
	err := a.Assess.Recompute(ctx, tx, kinds)
	a.judged.Observe(a.cfg.Now().Sub(started).Seconds())
	return err
}

func (a *App) processSamples(started time.Time, put func(metrics.Sample)) {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	put(metrics.Sample{Name: "kizuki_build_info", Help: "Version of the program; the value is always 1.", Labels: []string{"version", a.cfg.Program, "go", runtime.Version()}, Value: 1})
	put(metrics.Sample{Name: "process_start_time_seconds", Help: "When the office was opened, in Unix seconds.", Value: float64(started.Unix())})
	put(metrics.Sample{Name: "go_goroutines", Help: "Goroutines at work.", Value: float64(runtime.NumGoroutine())})
	put(metrics.Sample{Name: "go_memstats_heap_inuse_bytes", Help: "Memory that the heap uses.", Value: float64(mem.HeapInuse)})
	put(metrics.Sample{Name: "go_memstats_sys_bytes", Help: "Memory taken from the system.", Value: float64(mem.Sys)})
	put(metrics.Sample{Name: "go_gc_cycles_total", Help: "Garbage collections.", Counter: true, Value: float64(mem.NumGC)})
}

func (a *App) officeSamples(ctx context.Context, put func(metrics.Sample)) {
	for name, file := range map[string]string{"kizuki_database_bytes": databaseFile, "kizuki_database_wal_bytes": databaseFile + "-wal"} {
		if info, err := os.Stat(filepath.Join(a.cfg.Dir, file)); err == nil {
			put(metrics.Sample{Name: name, Help: "Size of the file " + file + ".", Value: float64(info.Size())})
		}
	}
	if free, ok := a.Disk.Left(); ok {
		put(metrics.Sample{Name: "kizuki_disk_free_bytes", Help: "Room left on the disk of the data folder.", Value: float64(free)})
	}
	low := 0.0
	if a.Disk.Low() {
		low = 1
	}
	put(metrics.Sample{Name: "kizuki_disk_low", Help: "1 while writing is refused because the disk is nearly full.", Value: low})
	ctx = actor.With(ctx, actor.House())
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		n, err := session.Count(ctx, tx)
		if err != nil {
			return err
		}
		put(metrics.Sample{Name: "kizuki_sessions", Help: "Sessions that are open.", Value: float64(n)})
		newest, err := audit.List(ctx, tx, audit.Filter{Limit: 1})
		if err == nil && len(newest) > 0 {
			put(metrics.Sample{Name: "kizuki_last_act_time_seconds", Help: "When the last act was recorded, in Unix seconds.", Value: float64(newest[0].At.Unix())})
		}
		return err
	})
	if err != nil {
		a.cfg.Log.WarnContext(ctx, "some figures could not be read", "error", err)
	}
}

// metricsServer gives the figures to a program that collects them, on an address of its own: the pages of the
// office never show them.
type metricsServer struct {
	http http.Server
	lis  net.Listener
}

// ListenMetrics opens the address. Without a token it must be loopback; with one, every request brings it as
// "Authorization: Bearer TOKEN".
func (a *App) ListenMetrics(ctx context.Context, addr, token string) (Companion, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, problem.Invalid("", "app.metrics.address", "address", addr).Because(err)
	}
	if token == "" && !loopback(host) {
		return nil, problem.Invalid("", "app.metrics.token_needed", "address", addr)
	}
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for figures on %s: %w", addr, err)
	}
	a.cfg.Log.InfoContext(ctx, "serving metrics", "address", lis.Addr().String(), "token", token != "")
	return &metricsServer{lis: lis, http: http.Server{
		Handler: a.MetricsHandler(token), ReadHeaderTimeout: readHeaderLimit, ReadTimeout: readHeaderLimit, WriteTimeout: readLimit, MaxHeaderBytes: maxHeaderBytes,
	}}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// MetricsHandler answers GET /metrics.
func (a *App) MetricsHandler(token string) http.Handler {
	want := sha256.Sum256([]byte("Bearer " + token))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		switch {
		case token != "" && subtle.ConstantTimeCompare(got[:], want[:]) != 1:
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.WriteHeader(http.StatusUnauthorized)
			return
		case token == "" && !loopback(host): // a page elsewhere pointed its own name here
			w.WriteHeader(http.StatusMisdirectedRequest)
			return
		}
		w.Header().Set("Content-Type", metrics.ContentType)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if err := a.Metrics.Write(r.Context(), w); err != nil {
			a.cfg.Log.DebugContext(r.Context(), "figures were not taken", "error", err)
		}
	})
	return mux
}

// Serve answers until Close.
func (s *metricsServer) Serve() { _ = s.http.Serve(s.lis) } // it ends by Close

// Close stops it.
func (s *metricsServer) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	if lerr := s.lis.Close(); !errors.Is(lerr, net.ErrClosed) { // still open when it never served
		err = errors.Join(err, lerr)
	}
	return err
}
