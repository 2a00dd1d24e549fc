// Package mail composes mails and hands them to one mail server over SMTP. It owns the words server, address
// and attachment, and knows no office word: what a mail says comes from above.
//
// TLS is asked for unless the settings say otherwise, a password never travels without it, and a server whose
// certificate nobody vouches for is trusted by its fingerprint or by an own CA, never blindly. What goes wrong
// is a problem.Error: code unavailable when a later attempt may go well, unsupported when it cannot.
package mail

import (
	"crypto/x509"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/netip"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

// Security is how the connection to the server is protected.
type Security string

// The kinds of protection, best known first.
const (
	StartTLS Security = "starttls" // plain first, then TLS, which must be offered (port 587)
	TLS      Security = "tls"      // TLS from the first byte (port 465)
	None     Security = "none"     // none: a relay inside the plant (port 25)
)

// Securities lists them in the order shown. Labels: messages mail.security.*.
func Securities() []Security { return []Security{StartTLS, TLS, None} }

// Port is the usual port.
func (s Security) Port() int {
	switch s {
	case TLS:
		return 465
	case None:
		return 25
	default:
		return 587
	}
}

// Server is the mail server and who writes.
type Server struct {
	Host        string   `json:"host"`
	Port        int      `json:"port"` // 0: the usual one
	Security    Security `json:"security"`
	User        string   `json:"user,omitempty"` // empty: no sign-in
	Password    string   `json:"-"`
	From        string   `json:"from"`                // address
	FromName    string   `json:"from_name,omitempty"` // how the sender is shown
	CA          string   `json:"ca,omitempty"`        // PEM of an own CA; empty: those of the machine
	Fingerprint string   `json:"fingerprint,omitempty"`
}

// Address is one mailbox.
type Address struct{ Name, Addr string }

// Attachment is one file that a mail carries.
type Attachment struct {
	Name string
	Type string // media type; "" is application/octet-stream
	Data []byte
}

// Message is one mail to one person. Every recipient gets a mail of their own.
type Message struct {
	ID          string // left part of the Message-ID; the right one is the sender's domain
	Date        time.Time
	To          Address
	Subject     string
	Text        string
	HTML        string // the same text for clients that show HTML; may be empty
	Attachments []Attachment
}

// Limits of what is sent. Longer lines are no mail at all (RFC 5322 §2.1.1), larger ones most servers refuse.
const (
	maxSubject = 200 // characters
	MaxBytes   = 20 << 20
)

// Source: RFC 5321 §4.5.3.1: local part 64 octets, path 254 with its brackets taken off.
const (
	maxLocal   = 64
	maxAddress = 254
)

var (
	// Source: RFC 5322 §3.2.3 (dot-atom); quoted local parts are refused, nobody has them.
	local = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+)*$`)
	label = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
)

// ParseAddress reads one mail address, with the domain in the form that travels (xn--). Nothing that could be
// a second address, a name or a line of a header is an address. Problem code invalid.
func ParseAddress(text string) (string, error) {
	text = strings.TrimSpace(text)
	if !utf8.ValidString(text) {
		return "", problem.Invalid("", "mail.address")
	}
	if ascii, all := jtext.ASCII(text); all {
		text = ascii // full-width letters, as Japanese keyboards give them
	}
	name, domain, ok := cutLast(text, "@")
	if !ok || len(name) > maxLocal || !local.MatchString(name) {
		return "", problem.Invalid("", "mail.address")
	}
	host, err := hostname(domain)
	if err != nil || len(name)+1+len(host) > maxAddress || !strings.Contains(host, ".") && host != "localhost" {
		return "", problem.Invalid("", "mail.address")
	}
	return name + "@" + host, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// hostname reads the name of a machine in the form that travels.
func hostname(text string) (string, error) {
	host, err := idna.Lookup.ToASCII(strings.TrimSuffix(text, "."))
	if err != nil || host == "" || len(host) > 253 {
		return "", problem.Invalid("host", "mail.host")
	}
	for part := range strings.SplitSeq(host, ".") {
		if !label.MatchString(part) {
			return "", problem.Invalid("host", "mail.host")
		}
	}
	return strings.ToLower(host), nil
}

// Check puts the settings into the form in which they are used, or says with every field what must be changed.
func (s Server) Check() (Server, error) {
	var found problem.List
	s.Host = strings.TrimSpace(s.Host)
	if addr, err := netip.ParseAddr(strings.Trim(s.Host, "[]")); err == nil {
		s.Host = addr.String()
	} else if host, err := hostname(s.Host); err == nil {
		s.Host = host
	} else {
		found.Add(problem.Invalid("host", "mail.host"))
	}
	switch s.Security {
	case StartTLS, TLS, None:
	default:
		found.Add(problem.Invalid("security", "web.choose"))
	}
	if s.Port == 0 {
		s.Port = s.Security.Port()
	}
	if s.Port < 1 || s.Port > 65535 {
		found.Add(problem.Invalid("port", "web.not_a_number", "low", 1, "high", 65535))
	}
	if from, err := ParseAddress(s.From); err == nil {
		s.From = from
	} else {
		found.Add(problem.Invalid("from", "mail.address"))
	}
	s.FromName = jtext.Line(s.FromName)
	if s.Security == None && s.User != "" {
		found.Add(problem.Invalid("user", "mail.password_needs_tls"))
	}
	s.CA = strings.TrimSpace(s.CA)
	if s.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(s.CA)) {
		found.Add(problem.Invalid("ca", "mail.ca"))
	}
	sum, ok := fingerprint(s.Fingerprint)
	if !ok {
		found.Add(problem.Invalid("fingerprint", "mail.fingerprint"))
	}
	s.Fingerprint = sum
	return s, found.Err()
}

// fingerprint reads a SHA-256 as people copy it, with colons or spaces; "" is none.
func fingerprint(text string) (string, bool) {
	text = strings.ToLower(strings.NewReplacer(":", "", " ", "", "\t", "").Replace(strings.TrimSpace(text)))
	sum, err := hex.DecodeString(text)
	return text, err == nil && (len(sum) == 0 || len(sum) == 32)
}
