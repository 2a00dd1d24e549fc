package outward_test

import (
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/outward"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// call gives the answer of an address, or what was refused on the way there.
func call(t *testing.T, p outward.Policy, address string) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := outward.Client(p).Do(r)
	if err != nil {
		return "", err
	}
	defer func() {
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
	}()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}

func keyOf(err error) string {
	if e, ok := errors.AsType[*problem.Error](err); ok {
		return e.Key
	}
	return ""
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestThisMachineOnlyByPolicy(t *testing.T) {
	t.Parallel()
	asked := 0
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) { asked++; _, _ = w.Write([]byte("hello")) })
	port := address[strings.LastIndex(address, ":"):]
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		_, err := call(t, outward.Policy{AllowPrivate: true}, "http://"+host+port)
		if keyOf(err) != "outward.loopback" {
			t.Errorf("%s: %v", host, err)
		}
	}
	if asked != 0 {
		t.Errorf("the server was asked %d times", asked)
	}
	if got, err := call(t, outward.Policy{AllowLoopback: true}, address); err != nil || got != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestNeverCalled(t *testing.T) {
	t.Parallel()
	open := outward.Policy{AllowPrivate: true, AllowLoopback: true, Timeout: time.Second}
	tests := []struct {
		policy       outward.Policy
		address, key string
	}{
		{open, "http://169.254.169.254/latest/meta-data/", "outward.never"},
		{open, "http://[::ffff:169.254.169.254]/", "outward.never"},
		{open, "http://[64:ff9b::a9fe:a9fe]/", "outward.never"},
		{open, "https://[fd00:ec2::254]/", "outward.never"},
		{open, "https://[fe80::1]/", "outward.never"},
		{open, "https://0.0.0.0/", "outward.never"},
		{open, "https://224.0.0.1/", "outward.never"},
		{open, "http://8.8.8.8/", "outward.plain"},
		{outward.Policy{}, "https://10.0.0.1/", "outward.private"},
		{outward.Policy{}, "https://192.168.0.1/", "outward.private"},
		{outward.Policy{}, "https://100.64.0.1/", "outward.private"},
		{outward.Policy{}, "https://[fd12::1]/", "outward.private"},
		{outward.Policy{}, "https://[::1]/", "outward.loopback"},
		{open, "https://user:secret@example.com/", "outward.userinfo"},
	}
	for _, tc := range tests {
		if _, err := call(t, tc.policy, tc.address); keyOf(err) != tc.key {
			t.Errorf("%s: %v, want %s", tc.address, err, tc.key)
		}
	}
}

func TestRedirectsAreJudgedAnew(t *testing.T) {
	t.Parallel()
	tests := []struct{ to, key string }{
		{"http://169.254.169.254/latest/meta-data/", "outward.never"},
		{"http://10.0.0.1/", "outward.private"},
		{"http://me:pw@127.0.0.1/", "outward.userinfo"},
	}
	for _, tc := range tests {
		address := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, tc.to, http.StatusFound) })
		if _, err := call(t, outward.Policy{AllowLoopback: true, Timeout: time.Second}, address); keyOf(err) != tc.key {
			t.Errorf("to %s: %v, want %s", tc.to, err, tc.key)
		}
	}
	steps := 0
	var loop string
	loop = serve(t, func(w http.ResponseWriter, r *http.Request) { steps++; http.Redirect(w, r, loop, http.StatusFound) })
	if _, err := call(t, outward.Policy{AllowLoopback: true}, loop); keyOf(err) != "outward.redirects" || steps != 4 {
		t.Errorf("after %d calls: %v", steps, err)
	}
}

func TestNoStepBackToPlain(t *testing.T) {
	t.Parallel()
	plain := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("plain")) })
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, plain, http.StatusFound) }))
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	if _, err := call(t, outward.Policy{AllowLoopback: true, Roots: roots}, srv.URL); keyOf(err) != "outward.downgrade" {
		t.Errorf("got %v", err)
	}
	_, err := call(t, outward.Policy{AllowLoopback: true}, srv.URL)
	if unknown := (x509.UnknownAuthorityError{}); !errors.As(err, &unknown) {
		t.Errorf("a certificate that nobody vouches for: %v", err)
	}
}

func TestBodyIsBounded(t *testing.T) {
	t.Parallel()
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", map[string]int{"/fits": 4096, "/over": 4097, "/far": 1 << 20}[r.URL.Path]))
	})
	p := outward.Policy{AllowLoopback: true, MaxBody: 4096}
	if got, err := call(t, p, address+"/fits"); err != nil || len(got) != 4096 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	for _, path := range []string{"/over", "/far"} {
		if got, err := call(t, p, address+path); problem.CodeOf(err) != problem.CodeTooLarge || len(got) != 4096 {
			t.Errorf("%s: %d bytes, %v", path, len(got), err)
		}
	}
}

func TestSlowAnswersAreCut(t *testing.T) {
	t.Parallel()
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }) // never answers
	_, err := call(t, outward.Policy{AllowLoopback: true, Timeout: 50 * time.Millisecond}, address)
	if slow := (interface{ Timeout() bool })(nil); !errors.As(err, &slow) || !slow.Timeout() {
		t.Errorf("got %v", err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		address string
		policy  outward.Policy
		key     string
	}{
		{"https://login.example.com/realms/a", outward.Policy{}, ""},
		{"https://login.example.com:8443", outward.Policy{}, ""},
		{"http://127.0.0.1:9000", outward.Policy{AllowLoopback: true}, ""},
		{"http://10.0.0.1", outward.Policy{AllowPrivate: true}, ""},
		{"", outward.Policy{}, "outward.address"},
		{"login.example.com", outward.Policy{}, "outward.address"},
		{"ftp://login.example.com", outward.Policy{}, "outward.address"},
		{"https://", outward.Policy{}, "outward.address"},
		{"https://a b/", outward.Policy{}, "outward.address"},
		{"file:///etc/passwd", outward.Policy{}, "outward.address"},
		{"https://" + strings.Repeat("a", 2000), outward.Policy{}, "outward.address"},
		{"https://me@login.example.com", outward.Policy{}, "outward.userinfo"},
		{"https://10.0.0.1", outward.Policy{}, "outward.private"},
		{"https://127.0.0.1", outward.Policy{}, "outward.loopback"},
		{"https://169.254.169.254", outward.Policy{AllowPrivate: true, AllowLoopback: true}, "outward.never"},
		{"http://8.8.8.8", outward.Policy{}, "outward.plain"},
	}
	for _, tc := range tests {
		_, err := tc.policy.Check("issuer", tc.address)
		if keyOf(err) != tc.key {
			t.Errorf("%s: %v, want %s", tc.address, err, tc.key)
		}
		if e, ok := errors.AsType[*problem.Error](err); ok && e.Field != "issuer" {
			t.Errorf("%s: the problem stands at %q", tc.address, e.Field)
		}
	}
}
