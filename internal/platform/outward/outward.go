// Package outward makes the HTTP clients with which the office calls addresses that a person typed in: the
// sign-in of a company, webhooks. Such an address may be a trap: it points at the machine itself, at the
// parts of a network that only machines should reach, or changes where it points between check and call
// (SSRF). So the address is judged where it cannot change any more: in the dialer, after the name was
// looked up, for every connection and every redirect.
//
// What is refused always: link-local and the metadata services of clouds, multicast, broadcast, reserved
// space. The company's own network and this machine are open only by policy. Plain http never leaves for
// a public address. There is no proxy: behind one, nobody here sees where a call really goes.
//
// It imports problem only and knows nothing of who calls what.
package outward

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages holds the sentences of this package.
func Messages() fs.FS { return messages }

const (
	defaultTimeout = 10 * time.Second
	defaultMaxBody = 1 << 20 // bytes
	maxRedirects   = 3
	maxHeader      = 64 << 10 // bytes of an answer's headers
	maxAddress     = 2000     // characters
)

// Policy says where a client may go and how much it takes.
type Policy struct {
	AllowPrivate  bool           // the company's own network (RFC 1918, RFC 6598, RFC 4193)
	AllowLoopback bool           // this machine
	Timeout       time.Duration  // for the whole call with its redirects; zero means 10 s
	MaxBody       int64          // bytes of an answer after unpacking; zero means 1 MiB
	Roots         *x509.CertPool // who may sign certificates; nil means those this system trusts
}

// Client gives a client that keeps to the policy. Refusals come out of Do as problem.Error inside the
// url.Error (code forbidden; too_large when reading a body that is larger than allowed). Connections are
// not kept: every call is judged anew. Safe for concurrent use.
func Client(p Policy) *http.Client {
	if p.Timeout == 0 {
		p.Timeout = defaultTimeout
	}
	if p.MaxBody == 0 {
		p.MaxBody = defaultMaxBody
	}
	dialer := &net.Dialer{
		Timeout: p.Timeout,
		ControlContext: func(ctx context.Context, network, address string, _ syscall.RawConn) error {
			return p.judgeDial(network, address, isPlain(ctx))
		},
	}
	return &http.Client{
		Timeout: p.Timeout,
		Transport: &guard{maxBody: p.MaxBody, next: &http.Transport{
			DialContext: dialer.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeader,
			TLSHandshakeTimeout: p.Timeout, ResponseHeaderTimeout: p.Timeout,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: p.Roots},
		}},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return problem.Forbidden("outward.redirects", "limit", maxRedirects)
			}
			if via[0].URL.Scheme == "https" && r.URL.Scheme != "https" {
				return problem.Forbidden("outward.downgrade", "host", r.URL.Hostname())
			}
			return nil
		},
	}
}

// Check judges an address as a person typed it, so that a form can refuse it before anything is called. A
// name passes here: where it leads is known only at the call. Problems: invalid for what is no web
// address, forbidden for an IP address outside the policy.
func (p Policy) Check(field, address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || len(address) > maxAddress || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, problem.Invalid(field, "outward.address")
	}
	if u.User != nil {
		return nil, problem.Invalid(field, "outward.userinfo")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		if refused := p.judge(ip, u.Scheme == "http"); refused != nil {
			refused.Field = field
			return nil, refused
		}
	}
	return u, nil
}

// judgeDial is asked by the dialer with the address it is about to connect to: an IP address and a port.
func (p Policy) judgeDial(network, address string, plain bool) error {
	if network != "tcp4" && network != "tcp6" {
		return problem.Forbidden("outward.never", "address", address)
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read the address to call: %w", err)
	}
	if refused := p.judge(to.Addr(), plain); refused != nil {
		return refused
	}
	return nil
}

// judge refuses an IP address that the policy does not open; nil when it may be called.
func (p Policy) judge(ip netip.Addr, plain bool) *problem.Error {
	switch kindOf(ip) {
	case never:
		return problem.Forbidden("outward.never", "address", ip.String())
	case loopback:
		if !p.AllowLoopback {
			return problem.Forbidden("outward.loopback", "address", ip.String())
		}
	case private:
		if !p.AllowPrivate {
			return problem.Forbidden("outward.private", "address", ip.String())
		}
	case public:
		if plain {
			return problem.Forbidden("outward.plain", "address", ip.String())
		}
	}
	return nil
}

type plainKey struct{}

func isPlain(ctx context.Context) bool { return ctx.Value(plainKey{}) != nil }

// guard tells the dialer whether a call is in the clear, and bounds what comes back.
type guard struct {
	maxBody int64
	next    http.RoundTripper
}

func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.User != nil { // a redirect may bring one; nobody here means it
		return nil, problem.Forbidden("outward.userinfo")
	}
	if r.URL.Scheme != "https" {
		r = r.WithContext(context.WithValue(r.Context(), plainKey{}, true))
	}
	res, err := g.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = &bounded{ReadCloser: res.Body, left: g.maxBody, limit: g.maxBody}
	return res, nil
}

// bounded fails when a body goes on beyond the limit, so that nobody takes half an answer for a whole one.
type bounded struct {
	io.ReadCloser
	left, limit int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, problem.TooLarge("outward.too_large", "kb", b.limit>>10)
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, problem.TooLarge("outward.too_large", "kb", b.limit>>10)
	}
	return n, err
}
