package sso

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/kizuki-security/kizuki/internal/platform/outward"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// providerLife is how long what a provider says of itself is believed without asking again.
const providerLife = 15 * time.Minute

// signings are the ways to sign that count: never "none", and no shared secret, with which whoever knows a
// public key could sign. Source: RFC 8725 §3.1.
func signings() []string {
	return []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}
}

// provider is a provider as it describes itself. Source: OpenID Connect Discovery 1.0 §3, RFC 9207 §3.
type provider struct {
	identity string // of the settings
	at       time.Time
	oidc     *oidc.Provider
	oauth    oauth2.Config
	EndPage  string   `json:"end_session_endpoint"`
	IssParam bool     `json:"authorization_response_iss_parameter_supported"`
	PKCE     []string `json:"code_challenge_methods_supported"`
	Methods  []string `json:"token_endpoint_auth_methods_supported"`
	UserInfo string   `json:"userinfo_endpoint"`
	Keys     string   `json:"jwks_uri"`
}

// call is the context with which the libraries call out: only where the settings allow.
func (s Settings) call(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, outward.Client(s.policy()))
}

// provider gives the provider of the settings, asking it when what is known is old.
func (s *Service) provider(ctx context.Context, set Settings) (*provider, error) {
	s.mu.Lock()
	known, now := s.known, s.db.Now()
	s.mu.Unlock()
	if known != nil && known.identity == set.identity && now.Sub(known.at) < providerLife {
		return known, nil
	}
	p, err := discover(ctx, set)
	if err != nil {
		return nil, err
	}
	plain, err := s.cfg.Secrets.Open(set.sealed, sealContext)
	if err != nil {
		return nil, problem.Unavailable("sso.secret_lost").Because(err)
	}
	p.oauth.ClientSecret, p.at = string(plain), now
	s.mu.Lock()
	s.known = p
	s.mu.Unlock()
	return p, nil
}

// discover asks the provider to describe itself, and refuses what would send people or secrets astray.
func discover(ctx context.Context, set Settings) (*provider, error) {
	found, err := oidc.NewProvider(set.call(ctx), set.Issuer)
	if err != nil {
		return nil, unreachable(err)
	}
	p := &provider{identity: set.identity, oidc: found}
	if err := found.Claims(p); err != nil {
		return nil, problem.Unavailable("sso.description").Because(err)
	}
	end := found.Endpoint()
	for _, address := range []string{end.AuthURL, end.TokenURL, p.Keys} {
		if !trustedText(address, set.Private) {
			return nil, problem.Unavailable("sso.endpoint_https").Because(fmt.Errorf("endpoint %q", address))
		}
	}
	for _, optional := range []*string{&p.EndPage, &p.UserInfo} {
		if *optional != "" && !trustedText(*optional, set.Private) {
			*optional = ""
		}
	}
	end.AuthStyle = oauth2.AuthStyleInHeader
	if len(p.Methods) > 0 && !slices.Contains(p.Methods, "client_secret_basic") {
		end.AuthStyle = oauth2.AuthStyleInParams
	}
	p.oauth = oauth2.Config{ClientID: set.Client, Endpoint: end, Scopes: []string{oidc.ScopeOpenID, "email", "profile"}}
	return p, nil
}

// unreachable says why a provider gave no description, in words that an administrator can act on.
func unreachable(err error) error {
	if p, ok := errors.AsType[*problem.Error](err); ok { // of outward: the address may not be called
		return problem.Unavailable(p.Key, pairsOf(p.Args)...).Because(err)
	}
	return problem.Unavailable("sso.unreachable").Because(err)
}

func pairsOf(args problem.Args) []any {
	var pairs []any
	for name, value := range args {
		pairs = append(pairs, name, value)
	}
	return pairs
}

// trusted says whether an address is worth sending people and secrets to: https, or http on this machine.
func trusted(u *url.URL, loopback bool) bool {
	if u.User != nil || u.Hostname() == "" {
		return false
	}
	if u.Scheme == "https" {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return loopback && u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && ip.IsLoopback())
}

func trustedText(address string, loopback bool) bool {
	u, err := url.Parse(address)
	return err == nil && trusted(u, loopback)
}

// Begin starts a sign-in: where the browser goes, and what it keeps until it comes back.
func (s *Service) Begin(ctx context.Context, redirect string) (address, cookie string, err error) {
	set, err := s.usable(ctx)
	if err != nil {
		return "", "", err
	}
	release, err := s.acquire()
	if err != nil {
		return "", "", err
	}
	defer release()
	p, err := s.provider(ctx, set)
	if err != nil {
		return "", "", toPeople(err)
	}
	fl := flow{
		State: oauth2.GenerateVerifier(), Nonce: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier(),
		Redirect: redirect, Provider: set.identity, Begun: s.db.Now(),
	}
	if cookie, err = s.flows.seal(fl); err != nil {
		return "", "", fmt.Errorf("seal sign-in: %w", err)
	}
	conf := p.oauth
	conf.RedirectURL = redirect
	return conf.AuthCodeURL(fl.State, oidc.Nonce(fl.Nonce), oauth2.S256ChallengeOption(fl.Verifier)), cookie, nil
}

// toPeople hides from who signs in what only an administrator can mend: the cause goes to the log.
func toPeople(err error) error {
	if problem.CodeOf(err) == problem.CodeInternal {
		return err
	}
	return problem.Unavailable("sso.tell_admin").Because(err)
}

// EndPage is where people sign out of the provider, "" when it offers no such page or cannot be asked.
// Without a hint the provider asks the person once more: no token of theirs is kept for it.
func (s *Service) EndPage(ctx context.Context) string {
	set, err := s.usable(ctx)
	if err != nil {
		return ""
	}
	release, err := s.acquire()
	if err != nil {
		return ""
	}
	defer release()
	p, err := s.provider(ctx, set)
	if err != nil || p.EndPage == "" {
		return ""
	}
	u, err := url.Parse(p.EndPage)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", set.Client)
	u.RawQuery = q.Encode()
	return u.String()
}
