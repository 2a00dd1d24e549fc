package certificate_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/certificate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func start() *clock { return &clock{time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)} }

func selfMade(t *testing.T, dir string, c *clock, names ...string) *certificate.Source {
	t.Helper()
	s, err := certificate.SelfMade(dir, names, c.Now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSelfMade: the certificate serves a real handshake for each of its names, and stays the same.
func TestSelfMade(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), start()
	s := selfMade(t, dir, c, "kizuki.midori.example", "192.0.2.7")
	info := s.Info()
	if !info.SelfMade || len(info.Fingerprint) != 95 || info.Failed != nil {
		t.Errorf("%+v", info)
	}
	for _, name := range []string{certificate.KeyFile, certificate.CertFile} {
		stat, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if stat.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
			t.Errorf("%s has mode %v", name, stat.Mode())
		}
	}
	for _, name := range []string{"kizuki.midori.example", "192.0.2.7", "localhost", "127.0.0.1"} {
		if got := handshake(t, s, name, c, tls.VersionTLS13); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	if handshake(t, s, "elsewhere.example", c, tls.VersionTLS13) == nil {
		t.Error("it is good for a foreign name")
	}
	if handshake(t, s, "localhost", c, tls.VersionTLS11) == nil {
		t.Error("TLS 1.1 is spoken")
	}
	if again := selfMade(t, dir, c, "192.0.2.7").Info(); again.Fingerprint != info.Fingerprint {
		t.Error("the next start makes another certificate")
	}
	if more := selfMade(t, dir, c, "new.midori.example").Info(); more.Fingerprint == info.Fingerprint {
		t.Error("a new name is not taken up")
	}
}

// handshake connects over a real socket as a client that trusts the certificate.
func handshake(t *testing.T, s *certificate.Source, name string, c *clock, newest uint16) error {
	t.Helper()
	lis, err := tls.Listen("tcp", "127.0.0.1:0", s.Config())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := lis.Accept()
		if err == nil {
			_ = conn.(*tls.Conn).HandshakeContext(t.Context()) // the client says what went wrong
			_ = conn.Close()
		}
	}()
	pair, err := s.Get(nil)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(pair.Leaf)
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: name, Time: c.Now, MinVersion: tls.VersionTLS10, MaxVersion: newest}}
	conn, err := dialer.DialContext(t.Context(), "tcp", lis.Addr().String())
	if err == nil {
		err = conn.Close()
	}
	<-done
	if cerr := lis.Close(); cerr != nil {
		t.Error(cerr)
	}
	return err
}

// TestRenewal: before it ends a new one takes its place, without a restart and with the same key.
func TestRenewal(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), start()
	s := selfMade(t, dir, c)
	first := s.Info()
	key, err := os.ReadFile(filepath.Join(dir, certificate.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	c.now = first.Ends.Add(-31 * 24 * time.Hour)
	if got := s.Info(); got.Fingerprint != first.Fingerprint {
		t.Error("renewed a month too early")
	}
	c.now = first.Ends.Add(-29 * 24 * time.Hour)
	got := s.Info()
	if got.Fingerprint == first.Fingerprint || !got.Ends.After(c.now.Add(365*24*time.Hour)) || got.Failed != nil {
		t.Errorf("not renewed: %+v", got)
	}
	after, err := os.ReadFile(filepath.Join(dir, certificate.KeyFile))
	if err != nil || string(after) != string(key) {
		t.Errorf("the key changed: %v", err)
	}
	c.now = got.Ends.Add(time.Hour) // the office was closed for long
	if got := selfMade(t, dir, c).Info(); !got.Ends.After(c.now) {
		t.Error("it starts with a certificate that has ended")
	}
}

// TestReload: the company replaces its files while the office runs.
func TestReload(t *testing.T) {
	t.Parallel()
	c, dir, other := start(), t.TempDir(), t.TempDir()
	selfMade(t, dir, c, "one.example")
	two := selfMade(t, other, c, "two.example").Info()
	cert, key := filepath.Join(dir, certificate.CertFile), filepath.Join(dir, certificate.KeyFile)
	s, err := certificate.FromFiles(cert, key, c.Now)
	if err != nil {
		t.Fatal(err)
	}
	first := s.Info()
	if first.SelfMade {
		t.Error("the company's own file is called self-made")
	}
	move := func(name string) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(other, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(dir, name), time.Time{}, c.now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		c.now = c.now.Add(time.Minute)
	}
	move(certificate.CertFile)
	if got := s.Info(); got.Fingerprint != first.Fingerprint || got.Failed == nil {
		t.Errorf("half a change: %+v", got)
	}
	move(certificate.KeyFile)
	if got := s.Info(); got.Fingerprint != two.Fingerprint || got.Failed != nil {
		t.Errorf("the new files are not in use: %+v", got)
	}
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	c.now = c.now.Add(time.Minute)
	if got := s.Info(); got.Fingerprint != two.Fingerprint || got.Failed == nil {
		t.Errorf("without a file: %+v", got)
	}
}

func TestUnusable(t *testing.T) {
	t.Parallel()
	c, dir := start(), t.TempDir()
	text := filepath.Join(dir, "text.pem")
	if err := os.WriteFile(text, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{text, filepath.Join(dir, "missing.pem"), dir} {
		if _, err := certificate.FromFiles(name, name, c.Now); problem.CodeOf(err) != problem.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, certificate.KeyFile), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := certificate.SelfMade(dir, nil, c.Now); problem.CodeOf(err) != problem.CodeInvalid {
		t.Errorf("a broken key: %v", err)
	}
}
