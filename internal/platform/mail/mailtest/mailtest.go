// Package mailtest is a mail server for tests: a real SMTP server on loopback, with a certificate made for the test.
package mailtest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	netmail "net/mail"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/kizuki-security/kizuki/internal/platform/mail"
)

// User and Password open the server.
const (
	User     = "kizuki"
	Password = "mihon"
)

// Server is a running mail server.
type Server struct {
	T        testing.TB
	Settings mail.Server // how to reach it
	Cert     tls.Certificate
	// Refuse answers MAIL, RCPT or DATA with an error; nil takes everything.
	Refuse func(command, address string) error

	mu       sync.Mutex
	received []Received
}

// Received is one mail that arrived.
type Received struct {
	From, To string
	User     string // who had signed in
	Raw      []byte
}

// Parsed reads the mail.
func (r Received) Parsed(t testing.TB) *netmail.Message {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(r.Raw))
	if err != nil {
		t.Fatalf("read mail: %v\n%s", err, r.Raw)
	}
	return m
}

// Start starts a server with a protection; it ends with the test. change may set limits before it starts.
func Start(t testing.TB, security mail.Security, change ...func(*smtp.Server)) *Server {
	t.Helper()
	s := &Server{T: t, Cert: Certificate(t)}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{server: s}, nil }))
	server.Domain = "mail.example.test"
	server.ErrorLog = log.New(io.Discard, "", 0)
	cfg := &tls.Config{Certificates: []tls.Certificate{s.Cert}, MinVersion: tls.VersionTLS12}
	if security == mail.StartTLS {
		server.TLSConfig = cfg
	}
	for _, c := range change {
		c(server)
	}
	lis, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := lis.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // a TCP listener
	if security == mail.TLS {
		lis = tls.NewListener(lis, cfg)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(lis) }()
	t.Cleanup(func() {
		_ = server.Close()
		_ = lis.Close() // Close knows only what Serve has been given already, and a short test can be over before
		<-done
	})
	s.Settings = mail.Server{Host: "127.0.0.1", Port: port, Security: security, From: "kizuki@kojo.example", FromName: "Kizuki 見本製作所"}
	if security != mail.None {
		s.Settings.CA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Cert.Certificate[0]}))
		s.Settings.User, s.Settings.Password = User, Password
	}
	return s
}

// Received lists the mails so far.
func (s *Server) Received() []Received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Received(nil), s.received...)
}

// Certificate makes a self-signed certificate for 127.0.0.1.
func Certificate(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.example.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

type session struct {
	server *Server
	mail   Received
}

func (s *session) refuse(command, address string) error {
	if s.server.Refuse == nil {
		return nil
	}
	return s.server.Refuse(command, address)
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != User || password != Password {
			return smtp.ErrAuthFailed
		}
		s.mail.User = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.mail.From = from
	return s.refuse("MAIL", from)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = to
	return s.refuse("RCPT", to)
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.refuse("DATA", s.mail.To); err != nil {
		return err
	}
	s.mail.Raw = raw
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.received = append(s.server.received, s.mail)
	return nil
}

func (s *session) Reset() { s.mail = Received{User: s.mail.User} }

func (s *session) Logout() error { return nil }
