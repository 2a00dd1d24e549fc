// Package certificate keeps the certificate with which the office answers over TLS: one that the company
// brings as two files, or one that is made here and lies in the data folder. Both are read again when the
// files change, without a restart; a bad new file leaves the old certificate in use and is told.
//
// A certificate made here is vouched for by nobody, so people compare its fingerprint once (Info). It is
// renewed before it ends, with the same key.
//
// The package knows no office word and imports problem only.
package certificate

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// lookEvery is how often the files are looked at, at most; a handshake more or less sees a new one later.
const lookEvery = 10 * time.Second

// maxFile bounds a file of certificates, in bytes: a chain has a few thousand.
const maxFile = 1 << 20

// Source gives the certificate of the moment. It is safe for concurrent use.
type Source struct {
	cert, key string
	now       func() time.Time
	renew     func() error // makes the files anew when they end soon; nil: not ours to make

	mu     sync.Mutex
	looked time.Time
	stamp  string
	pair   *tls.Certificate
	failed error
}

// Info is what people may know of a certificate.
type Info struct {
	Fingerprint string    // SHA-256, as browsers show it: "AB:CD:…"
	Ends        time.Time // not valid after
	Names       []string  // host names and IP addresses that it is for
	SelfMade    bool
	Failed      error // why newer files are not in use; nil: they are
}

// FromFiles takes the certificate that the company brings: PEM files, the chain beginning with its own.
// Problem code invalid with the reason when they cannot be used.
func FromFiles(cert, key string, now func() time.Time) (*Source, error) {
	s := &Source{cert: cert, key: key, now: now}
	return s, s.start()
}

func (s *Source) start() error {
	pair, stamp, err := s.read()
	if err != nil {
		return problem.Invalid("", "certificate.unusable", "file", s.cert, "reason", reason(err)).Because(err)
	}
	s.pair, s.stamp, s.looked = pair, stamp, s.now()
	return nil
}

// reason is the short text of a library's complaint: it names what is wrong inside a file.
func reason(err error) string {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return strings.TrimPrefix(err.Error(), "tls: ")
}

// Get is for tls.Config.GetCertificate.
func (s *Source) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look()
	return s.pair, nil
}

// Info tells about the certificate in use.
func (s *Source) Info() Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look()
	leaf := s.pair.Leaf
	info := Info{Fingerprint: fingerprint(leaf.Raw), Ends: leaf.NotAfter, SelfMade: s.renew != nil, Failed: s.failed}
	info.Names = slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		info.Names = append(info.Names, ip.String())
	}
	return info
}

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":")
}

// look takes changed files into use; the caller holds the lock. A company replaces two files one after the
// other: what does not fit together yet is tried again.
func (s *Source) look() {
	now := s.now()
	if age := now.Sub(s.looked); age >= 0 && age < lookEvery {
		return
	}
	s.looked = now
	if s.renew != nil && now.After(s.pair.Leaf.NotAfter.Add(-renewBefore)) {
		if err := s.renew(); err != nil {
			s.failed = err
			return
		}
		s.stamp = "" // written just now: the new file may have the time and size of the old one
	}
	stamp, err := s.stampOf()
	if err == nil && stamp == s.stamp {
		s.failed = nil
		return
	}
	pair, stamp, err := s.read()
	if s.failed = err; err == nil {
		s.pair, s.stamp = pair, stamp
	}
}

// stampOf tells whether the files may have changed.
func (s *Source) stampOf() (string, error) {
	var stamp strings.Builder
	for _, name := range []string{s.cert, s.key} {
		info, err := os.Stat(name)
		if err != nil {
			return "", fmt.Errorf("look at certificate: %w", err)
		}
		if info.Size() > maxFile {
			return "", fmt.Errorf("%s is no certificate: it has %d bytes", name, info.Size())
		}
		fmt.Fprintf(&stamp, "%d %d ", info.ModTime().UnixNano(), info.Size())
	}
	return stamp.String(), nil
}

func (s *Source) read() (*tls.Certificate, string, error) {
	stamp, err := s.stampOf() // before reading: what changes in between is seen the next time
	if err != nil {
		return nil, "", err
	}
	pair, err := tls.LoadX509KeyPair(s.cert, s.key)
	if err != nil {
		return nil, "", fmt.Errorf("read certificate: %w", err)
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, "", fmt.Errorf("parse certificate: %w", err)
		}
	}
	return &pair, stamp, nil
}

// Config is the TLS of a server with this certificate: 1.2 and newer, with the suites that Go thinks fit.
func (s *Source) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.Get, NextProtos: []string{"h2", "http/1.1"}}
}
