package victoria_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/victoria"
)

// slow is an engine that lets nobody flush and shows rows a while after they came.
type slow struct {
	clock    *clock
	after    time.Duration
	requests int
	rows     []map[string]any
	came     []time.Time
}

func (s *slow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/force_flush"):
		w.WriteHeader(http.StatusForbidden)
	case strings.HasSuffix(r.URL.Path, "/jsonline"):
		s.requests++
		z, err := zstd.NewReader(r.Body)
		if err != nil {
			panic(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			panic(err)
		}
		for line := range strings.Lines(string(text)) {
			row := map[string]any{}
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				panic(err)
			}
			s.rows, s.came = append(s.rows, row), append(s.came, s.clock.now)
		}
	default:
		for i, row := range s.rows {
			if s.clock.now.Sub(s.came[i]) >= s.after {
				_, _ = fmt.Fprintf(w, "{\"seq\":%q}\n", fmt.Sprint(row["seq"]))
			}
		}
	}
}

// TestSlowEngineWithoutFlush: rows that show a little later are not sent again.
func TestSlowEngineWithoutFlush(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{0, time.Second, 5 * time.Second} {
		c := &clock{now: time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)}
		engine := &slow{clock: c, after: after}
		server := httptest.NewServer(engine)
		defer server.Close()
		var all feed
		for i := range 100 {
			all = append(all, event.Record{Source: "fw", Seq: uint64(i + 1), Format: event.Raw, Raw: []byte("a line"), Time: c.now, Received: c.now})
		}
		s, err := victoria.NewSender(victoria.SenderConfig{
			Client: client(t, server.URL), Feed: all, Marks: marks(t), Now: func() time.Time { return c.now },
			Wait: func(ctx context.Context, d time.Duration) error { return c.wait(ctx, d) },
		})
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Step(t.Context(), "fw")
		if err != nil || p.Sent != 100 || engine.requests != 1 || len(engine.rows) != 100 {
			t.Errorf("rows shown after %v: %d requests of %d rows, %+v, %v", after, engine.requests, len(engine.rows), p, err)
		}
	}
}
