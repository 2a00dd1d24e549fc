package app_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/certificate"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// listening serves a new office over real TCP until the test ends.
func listening(t *testing.T, cfg app.Config, links bool) (*app.App, *app.Server) {
	t.Helper()
	cfg.Now, cfg.Log = fixed(), app.DiscardLog()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	a, err := app.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	setUp(t, a)
	ctx, stop := context.WithCancel(context.Background())
	s, err := a.Listen(ctx, "127.0.0.1:0")
	if err == nil && links {
		err = s.OpenLinks(ctx, "127.0.0.1:0")
	}
	if err != nil {
		stop()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, a.Close()); err != nil {
			t.Error(err)
		}
	})
	return a, s
}

// answer is what came back, read to its end.
type answer struct {
	status  int
	proto   string
	header  http.Header
	cookies []*http.Cookie
	body    string
}

// get asks over TCP.
func get(t *testing.T, client *http.Client, address string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Proto, res.Header, res.Cookies(), string(body)}
}

func clientOf(t *testing.T, dir string) *http.Client {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, certificate.CertFile))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		t.Fatal("the certificate cannot be trusted")
	}
	return &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Time: fixed(), MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// TestOverTLS: an office with a certificate of its own is opened by https, with cookies bound to the host.
func TestOverTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, s := listening(t, app.Config{Dir: dir, TLS: app.TLS{Self: true}}, true)
	if !strings.HasPrefix(s.Address(), "https://") || !strings.HasPrefix(s.LinksAddress(), "https://") {
		t.Errorf("it is at %s and %s", s.Address(), s.LinksAddress())
	}
	info, ok := s.Certificate()
	if !ok || !info.SelfMade || len(info.Fingerprint) != 95 {
		t.Errorf("certificate %+v", info)
	}
	client := clientOf(t, dir)
	for _, address := range []string{s.Address(), s.LinksAddress()} {
		res := get(t, client, address+"/healthz")
		if res.status != http.StatusOK || res.body != "ok\n" || res.proto != "HTTP/2.0" {
			t.Errorf("%s: %d %q over %s", address, res.status, res.body, res.proto)
		}
		if got := res.header.Get("Strict-Transport-Security"); got != "" {
			t.Errorf("browsers shall insist on a certificate that nobody vouches for: %q", got)
		}
	}
	res := get(t, client, s.Address()+"/login?lang=en")
	if c := res.cookies; len(c) != 1 || !c[0].Secure {
		t.Errorf("cookies %v", c)
	}
	form := url.Values{"login": {"admin"}, "password": {password}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Address()+"/login", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	in, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = in.Body.Close()
	if c := in.Cookies(); len(c) != 1 || !strings.HasPrefix(c[0].Name, "__Host-") || !c[0].Secure || !c[0].HttpOnly {
		t.Errorf("signing in answers %d with the cookies %v", in.StatusCode, c)
	}
	// Who types http:// gets words, not silence.
	res = get(t, http.DefaultClient, strings.Replace(s.Address(), "https:", "http:", 1)+"/")
	if res.status != http.StatusBadRequest || !strings.Contains(res.body, "HTTPS") {
		t.Errorf("http at the port of https: %d %q", res.status, res.body)
	}
	if check, ok := a.CertificateCheck(); !ok || !check.OK {
		t.Errorf("doctor says %+v", check)
	}
}

func TestOwnCertificate(t *testing.T) {
	t.Parallel()
	made := t.TempDir()
	if _, err := certificate.SelfMade(made, nil, fixed()); err != nil {
		t.Fatal(err)
	}
	files := app.TLS{Cert: filepath.Join(made, certificate.CertFile), Key: filepath.Join(made, certificate.KeyFile)}
	_, s := listening(t, app.Config{TLS: files}, false)
	res := get(t, clientOf(t, made), s.Address()+"/healthz")
	if res.header.Get("Strict-Transport-Security") == "" {
		t.Error("browsers do not learn to insist on TLS")
	}
	for name, tc := range map[string]struct {
		tls   app.TLS
		links string
		want  string
	}{
		"both":         {app.TLS{Self: true, Cert: "a", Key: "b"}, "", "app.tls.both"},
		"half":         {app.TLS{Cert: "a"}, "", "app.tls.half"},
		"links path":   {app.TLS{}, "https://a.example/x", "app.links_address"},
		"links scheme": {app.TLS{}, "javascript:alert(1)", "app.links_address"},
	} {
		_, err := app.Open(t.Context(), app.Config{Dir: t.TempDir(), Now: fixed(), Log: app.DiscardLog(), TLS: tc.tls, LinksAddress: tc.links})
		if all := problem.All(err); len(all) != 1 || all[0].Key != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}

// TestLinkListener: on the second address nothing answers but what stands behind links, for every route.
func TestLinkListener(t *testing.T) {
	t.Parallel()
	a := open(t)
	persons := setUp(t, a)
	rt := a.Router()
	h := rt.LinkHandler("GET /healthz")
	cookie := signIn(t, a, "admin", password)
	answered := 0
	for _, r := range rt.Routes() {
		method, path := target(r.Pattern)
		w := ask(t, h, method, path, cookie)
		open := r.Access == web.ByLink || r.Pattern == "GET /healthz" || r.Pattern == "GET /static/{hash}/{name}"
		switch {
		case !open && (w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "<nav") || strings.Contains(w.Body.String(), "みどり")):
			t.Errorf("%s answers %d and more than that nothing is there", r.Pattern, w.Code)
		case open && r.Access == web.ByLink && w.Code != http.StatusUnauthorized && w.Code != http.StatusUnprocessableEntity && w.Code != http.StatusNotFound:
			t.Errorf("%s without a good link: status %d", r.Pattern, w.Code)
		case open:
			answered++
		}
	}
	if answered < 8 {
		t.Errorf("only %d routes answer", answered)
	}
	for purpose, token := range links(t, a, persons) {
		for _, r := range rt.Routes() {
			if r.Access == web.ByLink && strings.HasPrefix(r.Pattern, "GET /l/"+purpose+"/") {
				w := ask(t, h, http.MethodGet, "/l/"+purpose+"/"+token, cookie)
				if w.Code != http.StatusOK || strings.Contains(w.Body.String(), `<nav class="menu"`) {
					t.Errorf("%s with its link and the cookie of the office: %d, or with the menu", r.Pattern, w.Code)
				}
			}
		}
	}
	for _, path := range []string{"/", "/nowhere", "/login", "//l/policy/x", "/l/../login", "/L/policy/x"} {
		if w := ask(t, h, http.MethodGet, path, nil); w.Code == http.StatusOK {
			t.Errorf("%s answers %d", path, w.Code)
		}
	}
	w := ask(t, h, http.MethodGet, "/healthz", nil, func(r *http.Request) { r.Host = "elsewhere.example" })
	if w.Code != http.StatusMisdirectedRequest {
		t.Errorf("under a foreign name: %d", w.Code)
	}
}

// TestLinksAddress: the name that the settings give the second address is answered, and stands in links.
func TestLinksAddress(t *testing.T) {
	t.Parallel()
	a, s := listening(t, app.Config{LinksAddress: "https://answer.midori.example"}, true)
	for host, want := range map[string]int{"answer.midori.example": http.StatusOK, "elsewhere.example": http.StatusMisdirectedRequest} {
		w := ask(t, a.Router().LinkHandler("GET /healthz"), http.MethodGet, "/healthz", nil, func(r *http.Request) { r.Host = host })
		if w.Code != want {
			t.Errorf("as %s: %d", host, w.Code)
		}
	}
	if res := get(t, http.DefaultClient, s.LinksAddress()+"/login"); res.status != http.StatusNotFound {
		t.Errorf("the sign-in page at the second address: %d", res.status)
	}
}

// TestHostileClients: what strangers send over real TCP costs little and ends soon.
func TestHostileClients(t *testing.T) {
	t.Parallel()
	_, s := listening(t, app.Config{}, false)
	host := strings.TrimPrefix(s.Address(), "http://")
	dial := func(t *testing.T) net.Conn {
		t.Helper()
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	status := func(t *testing.T, conn net.Conn) int {
		t.Helper()
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return 0
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	t.Run("50 MB of headers", func(t *testing.T) {
		t.Parallel()
		conn := dial(t)
		sent, line := 0, []byte("X-Fill: "+strings.Repeat("x", 64<<10)+"\r\n")
		answered := make(chan int, 1)
		go func() { answered <- status(t, conn) }()
		_, _ = fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: %s\r\n", host)
		for sent < 50<<20 {
			n, err := conn.Write(line)
			if sent += n; err != nil {
				break
			}
		}
		if got := <-answered; got != http.StatusRequestHeaderFieldsTooLarge && got != 0 {
			t.Errorf("status %d", got)
		}
		if sent >= 50<<20 {
			t.Errorf("all %d bytes were taken", sent)
		}
	})
	t.Run("a body larger than any form", func(t *testing.T) {
		t.Parallel()
		conn := dial(t)
		_, _ = fmt.Fprintf(conn, "POST /login HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 52428800\r\n\r\n", host)
		go func() { _, _ = conn.Write(bytes.Repeat([]byte("a"), 3<<20)) }()
		if got := status(t, conn); got != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d, want 413", got)
		}
	})
	t.Run("a length that is none", func(t *testing.T) {
		t.Parallel()
		for _, head := range []string{"Content-Length: -1", "Content-Length: 5\r\nContent-Length: 6", "Transfer-Encoding: chunked, identity", "Content-Length: 99999999999999999999"} {
			conn := dial(t)
			_, _ = fmt.Fprintf(conn, "POST /login HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n", host, head)
			if got := status(t, conn); got != http.StatusBadRequest && got != http.StatusNotImplemented {
				t.Errorf("%q: status %d", head, got)
			}
		}
	})
	t.Run("headers that never end", func(t *testing.T) {
		t.Parallel()
		conn := dial(t)
		_, _ = fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: %s\r\nX-Slow: ", host)
		began := time.Now()
		if got := status(t, conn); got != 0 && got != http.StatusRequestTimeout {
			t.Errorf("status %d", got)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("the connection was held for %s", took)
		}
	})
}
