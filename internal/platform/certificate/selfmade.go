package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Files of a certificate that is made here.
const (
	CertFile = "tls-cert.pem"
	KeyFile  = "tls-key.pem"
)

const (
	selfLife    = 397 * 24 * time.Hour // the longest that browsers take of a public one; a self-made one keeps to it
	renewBefore = 30 * 24 * time.Hour
	backdate    = 24 * time.Hour // clocks of tablets are wrong
)

// SelfMade gives the certificate that lies in a folder, making it when there is none, when it ends soon, or
// when it lacks one of the names. names are host names and IP addresses; none is fine: this machine is
// always among them.
func SelfMade(dir string, names []string, now func() time.Time) (*Source, error) {
	s := &Source{cert: filepath.Join(dir, CertFile), key: filepath.Join(dir, KeyFile), now: now}
	names = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(names), "localhost", "127.0.0.1", "::1"))))
	s.renew = func() error { return s.write(names) }
	pair, _, err := s.read()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = s.renew()
	case err != nil:
		return nil, problem.Invalid("", "certificate.unusable", "file", s.cert, "reason", reason(err)).Because(err)
	case now().After(pair.Leaf.NotAfter.Add(-renewBefore)) || lacks(pair.Leaf, names):
		err = s.renew()
	}
	if err != nil {
		return nil, err
	}
	return s, s.start()
}

func lacks(leaf *x509.Certificate, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return leaf.VerifyHostname(name) != nil })
}

// write makes a certificate for the key that is there, or for a new one.
func (s *Source) write(names []string) error {
	key, err := s.ownKey()
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return fmt.Errorf("draw a serial number: %w", err)
	}
	now := s.now()
	want := x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Kizuki"}, NotBefore: now.Add(-backdate), NotAfter: now.Add(selfLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			want.IPAddresses = append(want.IPAddresses, ip)
		} else {
			want.DNSNames = append(want.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, &want, &want, key.Public(), key)
	if err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	return replace(s.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// ownKey reads the key in the folder, or draws one.
func (s *Source) ownKey() (*ecdsa.PrivateKey, error) {
	text, err := os.ReadFile(s.key)
	if err == nil {
		block, _ := pem.Decode(text)
		if block == nil {
			return nil, problem.Invalid("", "certificate.key_unusable", "file", s.key)
		}
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		own, ok := key.(*ecdsa.PrivateKey)
		if err != nil || !ok {
			return nil, problem.Invalid("", "certificate.key_unusable", "file", s.key).Because(err)
		}
		return own, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read key of the certificate: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("draw a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("write key of the certificate: %w", err)
	}
	return key, replace(s.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// replace puts a file in place whole, readable by its owner only.
func replace(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*") // 0600 from the start
	if err != nil {
		return fmt.Errorf("write certificate: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write certificate: %w", err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fmt.Errorf("put certificate in place: %w", err)
	}
	return nil
}
