// Package sso lets people sign in with the account of their company (会社のアカウント): OpenID Connect,
// code flow with PKCE, at the one provider that a システム管理者 named.
//
// Whom the provider means is its pair (issuer, subject), noted at the first sign-in. That first time an
// account is found by a mail address that the provider has verified, or by the identifier that an
// administrator wrote down; nothing else links, and no account comes about by itself: where the office
// allows it, a person on the staff list gets one with the role 従業員. An answer of the provider counts
// only in the browser that asked, once, for ten minutes.
//
// The package judges no second factor: it tells whether the provider saw one, and hands over (Web.After).
// It imports account and what account imports; net/http stands in web*.go, calls go out through outward.
package sso

import (
	"context"
	"embed"
	"io/fs"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/platform/outward"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

// Paths that others need to know.
const (
	PathStart    = "/login/company"
	PathCallback = "/login/company/callback"
	PathSettings = "/settings/sso"
)

const (
	maxShort = 300 // characters of an identifier at the provider
	maxLabel = 40
)

// Settings is the provider as an administrator wrote it down. The zero value is none.
type Settings struct {
	Enabled  bool
	Issuer   string
	Client   string
	Label    string // how people call the account; empty: 会社のアカウント
	Private  bool   // the provider may stand in the company's own network, or on this machine
	Joins    bool   // people on the staff list get an account at their first sign-in
	Version  int64
	sealed   string // the secret; empty: none yet
	identity string // of what a cached provider depends on
}

// HasSecret says whether a secret is stored.
func (s Settings) HasSecret() bool { return s.sealed != "" }

// policy says where the provider may stand.
func (s Settings) policy() outward.Policy {
	return outward.Policy{AllowPrivate: s.Private, AllowLoopback: s.Private, Timeout: callLimit}
}

// check gives every field that must be changed.
func (s Settings) check() error {
	var found problem.List
	if err := checkIssuer(s); err != nil {
		for _, p := range problem.All(err) {
			found.Add(p)
		}
	}
	for _, f := range []struct {
		name, value, key string
		limit            int
	}{{"client", s.Client, "sso.client_needed", maxShort}, {"label", s.Label, "", maxLabel}} {
		if n := utf8.RuneCountInString(f.value); n > f.limit {
			found.Add(problem.Invalid(f.name, "web.too_long", "limit", f.limit, "n", n))
		}
		if f.value == "" && f.key != "" {
			found.Add(problem.Invalid(f.name, f.key))
		}
	}
	return found.Err()
}

// checkIssuer takes https, and http on this machine only: what the provider says must not be changed on its way.
func checkIssuer(s Settings) error {
	if s.Issuer == "" {
		return problem.Invalid("issuer", "sso.issuer_needed")
	}
	u, err := s.policy().Check("issuer", s.Issuer)
	if err != nil {
		return err
	}
	if strings.Contains(s.Issuer, "/.well-known/") {
		return problem.Invalid("issuer", "sso.issuer_well_known")
	}
	if u.RawQuery != "" || u.Fragment != "" || !trusted(u, s.Private) {
		return problem.Invalid("issuer", "sso.issuer_https")
	}
	return nil
}

// Person is somebody on the staff list, as far as a sign-in asks.
type Person struct{ Key, Name, Mail string }

// Secrets seals what the database must not tell; secret.Box is one.
type Secrets interface {
	Seal(plain []byte, context string) (string, error)
	Open(sealed, context string) ([]byte, error)
}

// Config is what the package needs from app.
type Config struct {
	Secrets Secrets
	// Staff lists who is on the staff list today.
	Staff func(ctx context.Context, tx *sqlite.Tx) ([]Person, error)
	// Base is the address under which people open the office; empty: the one they asked at.
	Base func(ctx context.Context) string
}

// Service holds the acts of this package. It is safe for concurrent use.
type Service struct {
	db       *sqlite.DB
	accounts *account.Service
	cfg      Config
	flows    *flows
	slots    chan struct{} // calls on their way out

	mu    sync.Mutex
	known *provider
}

// callLimit bounds one call to the provider; maxCalls how many are on their way at once, so that whoever
// knocks at the sign-in cannot make the office knock at the provider without end.
const (
	callLimit = 10 * time.Second
	maxCalls  = 8
)

// New returns the service.
func New(db *sqlite.DB, accounts *account.Service, cfg Config) *Service {
	return &Service{db: db, accounts: accounts, cfg: cfg, flows: newFlows(), slots: make(chan struct{}, maxCalls)}
}

// acquire takes a slot for a call; problem code unavailable when all are taken.
func (s *Service) acquire() (release func(), err error) {
	select {
	case s.slots <- struct{}{}:
		return func() { <-s.slots }, nil
	default:
		return nil, problem.Unavailable("sso.busy")
	}
}
