package mail

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// patience is the longest wait for one answer of the server. Source: RFC 5321 §4.5.3.2 allows minutes; the
// queue tries again, and a person at a test button does not wait for minutes.
const patience = 30 * time.Second

// errPinned says that the server showed another certificate than the trusted one.
var errPinned = errors.New("certificate has another fingerprint")

// Send hands one mail to the server. Problem codes: unavailable when a later attempt may go well (no
// connection, 4xx, a wrong password), unsupported when it cannot (5xx, too large).
func (s Server) Send(ctx context.Context, m Message) error {
	msg, err := s.compose(m)
	if err != nil {
		return err
	}
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
	if err != nil {
		return s.unreachable(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // a stop of the office does not wait for the server
	defer func() {
		if stop() {
			_ = conn.Close()
		}
	}()
	client, session, err := s.greet(ctx, conn)
	if err != nil {
		return err
	}
	if err := fits(session, msg); err != nil {
		return errors.Join(err, client.CloseWithSMTPClient(session))
	}
	err = client.SendWithSMTPClient(session, msg)
	closing := client.CloseWithSMTPClient(session)
	if msg.IsDelivered() {
		return nil // the server has taken it: whatever happens afterwards, it must not be sent twice
	}
	if err == nil {
		err = closing
	}
	return s.refused(err)
}

// greet opens the SMTP session: greeting, TLS, sign-in.
func (s Server) greet(ctx context.Context, conn net.Conn) (*gomail.Client, *smtp.Client, error) {
	trusted := s.tlsConfig()
	if s.Security == TLS {
		secured := tls.Client(conn, trusted)
		shaking, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err := secured.HandshakeContext(shaking); err != nil {
			return nil, nil, s.insecure(err)
		}
		conn = secured
	}
	policy := gomail.NoTLS
	if s.Security == StartTLS {
		policy = gomail.TLSMandatory
	}
	options := []gomail.Option{
		gomail.WithPort(s.Port), gomail.WithTimeout(patience), gomail.WithTLSPolicy(policy), gomail.WithTLSConfig(trusted),
		gomail.WithHELO(literal(conn.LocalAddr())), gomail.WithoutNoop(), gomail.WithoutRset(), gomail.WithoutSMTPUTF8(),
		gomail.WithDialContextFunc(func(context.Context, string, string) (net.Conn, error) { return conn, nil }),
	}
	if s.User != "" {
		options = append(options, gomail.WithUsername(s.User), gomail.WithPassword(s.Password), gomail.WithOpportunisticSMTPAuth(
			gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthCramMD5))
	}
	client, err := gomail.NewClient(s.Host, options...)
	if err != nil {
		return nil, nil, fmt.Errorf("prepare mail client: %w", err)
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return nil, nil, s.ungreeted(err)
	}
	return client, session, nil
}

// literal is how a machine without a name of its own greets. Source: RFC 5321 §4.1.3.
func literal(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	switch {
	case !ok:
		return "[127.0.0.1]"
	case tcp.IP.To4() != nil:
		return "[" + tcp.IP.String() + "]"
	default:
		return "[IPv6:" + tcp.IP.String() + "]"
	}
}

// tlsConfig trusts the CAs of the machine and the own one, or one certificate alone by its fingerprint.
func (s Server) tlsConfig() *tls.Config {
	cfg := &tls.Config{ServerName: s.Host, MinVersion: tls.VersionTLS12}
	if s.CA != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		pool.AppendCertsFromPEM([]byte(s.CA))
		cfg.RootCAs = pool
	}
	if s.Fingerprint != "" {
		cfg.InsecureSkipVerify = true // the line below trusts this one certificate and no other
		cfg.VerifyConnection = func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 || Fingerprint(state.PeerCertificates[0]) != s.Fingerprint {
				return errPinned
			}
			return nil
		}
	}
	return cfg
}

// Fingerprint is the SHA-256 of a certificate, as settings hold it.
func Fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

// fits asks before sending whether the server takes so much. Source: RFC 1870.
func fits(session *smtp.Client, msg *gomail.Msg) error {
	_, param := session.Extension("SIZE")
	limit, err := strconv.ParseInt(strings.TrimSpace(param), 10, 64)
	if err != nil || limit <= 0 {
		return nil //nolint:nilerr // a server that names no limit is asked by sending
	}
	size, err := msg.WriteTo(io.Discard)
	if err != nil {
		return fmt.Errorf("measure mail: %w", err)
	}
	if size > limit {
		return problem.Unsupported("mail.too_large_there", "size", size>>10, "limit", limit>>10)
	}
	return nil
}

func (s Server) unreachable(err error) error {
	return problem.Unavailable("mail.unreachable", "host", s.Host, "port", strconv.Itoa(s.Port)).Because(err)
}

// insecure says why the connection is not protected, with the fingerprint of what the server showed.
func (s Server) insecure(err error) error {
	if shown, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(shown.UnverifiedCertificates) > 0 {
		return problem.Unavailable("mail.certificate", "host", s.Host, "fingerprint", Fingerprint(shown.UnverifiedCertificates[0])).Because(err)
	}
	if errors.Is(err, errPinned) {
		return problem.Unavailable("mail.certificate_changed", "host", s.Host).Because(err)
	}
	return problem.Unavailable("mail.no_tls", "host", s.Host).Because(err)
}

// ungreeted says why no session came about.
func (s Server) ungreeted(err error) error {
	_, verify := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	text := err.Error()
	switch {
	case verify || record || alert || errors.Is(err, errPinned):
		return s.insecure(err)
	case strings.HasPrefix(text, "STARTTLS mode"):
		return problem.Unavailable("mail.no_starttls", "host", s.Host).Because(err)
	case strings.HasPrefix(text, "SMTP AUTH failed"):
		return problem.Unavailable("mail.auth", "host", s.Host, "user", s.User).Because(err)
	case strings.HasPrefix(text, "server does not support SMTP AUTH"), errors.Is(err, gomail.ErrNoSupportedAuthDiscovered):
		return problem.Unavailable("mail.no_auth", "host", s.Host).Because(err)
	}
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		return problem.Unavailable("mail.refused_later", "answer", words(strconv.Itoa(answer.Code)+" "+answer.Msg)).Because(err)
	}
	return s.unreachable(err)
}

// answer finds what the server said in the text of an error. Source: RFC 5321 §4.2.
var answer = regexp.MustCompile(`\b([45])[0-9]{2} .*`)

// refused tells a later from a final no.
func (s Server) refused(err error) error {
	if err == nil {
		return nil
	}
	failed, ok := errors.AsType[*gomail.SendError](err)
	if !ok || failed.ErrorCode() == 0 {
		return s.unreachable(err)
	}
	said := words(answer.FindString(strings.ReplaceAll(failed.Error(), "\n", " ")))
	if failed.ErrorCode() >= 500 {
		return problem.Unsupported("mail.refused", "answer", said)
	}
	return problem.Unavailable("mail.refused_later", "answer", said)
}

// words is what another machine said, cut to what a page can show.
func words(said string) string { return jtext.Truncate(line(said), 200) }
