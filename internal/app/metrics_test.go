package app_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/metrics"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// figures asks for /metrics.
func figures(t *testing.T, a *app.App, token, sent, host string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
	r.Host = host
	if sent != "" {
		r.Header.Set("Authorization", sent)
	}
	w := httptest.NewRecorder()
	a.MetricsHandler(token).ServeHTTP(w, r)
	return w
}

// TestMetrics: figures of real requests, without anything that somebody typed.
func TestMetrics(t *testing.T) {
	t.Parallel()
	a := openDemo(t)
	h, cookie := a.Router().Handler(), signIn(t, a, app.DemoLogin, app.DemoPassword)
	for _, path := range []string{"/gaps", "/people?q=himitsu-na-kotoba", "/l/answer/himitsu-token", "/himitsu/page", "/sheet/jama-japia@2.3/28"} {
		ask(t, h, http.MethodGet, path, cookie)
	}
	if w := ask(t, h, http.MethodGet, "/metrics", cookie); w.Code != http.StatusNotFound {
		t.Errorf("the pages' own address shows the figures: status %d", w.Code)
	}
	w := figures(t, a, "", "", "127.0.0.1:9")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != metrics.ContentType {
		t.Fatalf("status %d, %s", w.Code, w.Header().Get("Content-Type"))
	}
	text := w.Body.String()
	for _, want := range []string{
		`kizuki_http_requests_total{route="GET /gaps",status="2xx"} 1`, `kizuki_http_requests_total{route="none",status="4xx"} 2`,
		`kizuki_http_request_seconds_bucket{route="GET /l/answer/{token}",le="+Inf"} 1`, "\nkizuki_sessions ", "\nkizuki_database_bytes ", "\nkizuki_disk_low 0\n",
		"\nkizuki_build_info{", "\ngo_goroutines ", "\nkizuki_judge_seconds_count ", "\nkizuki_disk_free_bytes ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		if regexp.MustCompile(`himitsu|sato|佐藤|jama-japia@|[0-9a-hjkmnp-tv-z]{26}`).MatchString(line) {
			t.Errorf("a figure tells too much: %s", line)
		}
	}
}

func TestWhoMayFetchMetrics(t *testing.T) {
	t.Parallel()
	a := open(t)
	for name, tt := range map[string]struct {
		token, sent, host string
		want              int
	}{
		"loopback":         {"", "", "localhost:9100", 200},
		"rebound name":     {"", "", "evil.example:9100", 421},
		"token":            {"abc", "Bearer abc", "office.example", 200},
		"no token":         {"abc", "", "127.0.0.1", 401},
		"wrong token":      {"abc", "Bearer abd", "127.0.0.1", 401},
		"token without it": {"abc", "abc", "127.0.0.1", 401},
	} {
		if w := figures(t, a, tt.token, tt.sent, tt.host); w.Code != tt.want {
			t.Errorf("%s: status %d, want %d", name, w.Code, tt.want)
		}
	}
	for addr, ok := range map[string]bool{"127.0.0.1:0": true, "[::1]:0": true, "localhost:0": true, "0.0.0.0:0": false, ":0": false, "here": false} {
		c, err := a.ListenMetrics(t.Context(), addr, "")
		if (err == nil) != ok && !strings.Contains(addr, "::1") { // not every machine has IPv6
			t.Errorf("%s without a token: %v", addr, err)
		}
		if !ok && problem.CodeOf(err) != problem.CodeInvalid {
			t.Errorf("%s: %v", addr, err)
		}
		if c != nil {
			if err := c.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
}
