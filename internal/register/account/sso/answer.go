package sso

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// skew is how far the clocks of office and provider may differ.
const skew = 5 * time.Minute

// Answer is what the browser brings back from the provider. Source: RFC 6749 §4.1.2, RFC 9207.
type Answer struct {
	Cookie string // what Begin gave
	State  string
	Code   string
	Issuer string // iss; empty when not sent
	Error  string
}

// identity is whom the provider means.
type identity struct {
	issuer, subject string
	mail            string   // verified by the provider; empty otherwise
	names           []string // what an administrator may have written down for this person
	multi           bool     // the provider saw more than one factor
}

// Finish takes an answer of the provider and says whom it means. Problem codes: invalid for an answer that
// does not belong to a sign-in of this browser or does not hold, unavailable for what an administrator must
// mend.
func (s *Service) finish(ctx context.Context, a Answer) (identity, error) {
	fl, err := s.flows.take(a.Cookie, a.State, s.db.Now())
	if err != nil {
		return identity{}, err
	}
	set, err := s.usable(ctx)
	if err != nil {
		return identity{}, err
	}
	if fl.Provider != set.identity { // somebody changed the settings in between
		return identity{}, problem.Invalid("", "sso.late")
	}
	release, err := s.acquire()
	if err != nil {
		return identity{}, err
	}
	defer release()
	p, err := s.provider(ctx, set)
	if err != nil {
		return identity{}, toPeople(err)
	}
	if a.Issuer != "" && a.Issuer != set.Issuer || a.Issuer == "" && p.IssParam {
		return identity{}, problem.Invalid("", "sso.other_issuer")
	}
	if a.Error != "" {
		return identity{}, refusedBy(a.Error)
	}
	if a.Code == "" {
		return identity{}, problem.Invalid("", "sso.not_asked")
	}
	conf := p.oauth
	conf.RedirectURL = fl.Redirect
	tokens, err := conf.Exchange(set.call(ctx), a.Code, oauth2.VerifierOption(fl.Verifier))
	if err != nil {
		return identity{}, exchangeFailed(err)
	}
	return s.identify(ctx, set, p, fl, tokens)
}

// refusedBy turns the error of the provider's page into words; its own text is not trusted.
func refusedBy(code string) error {
	switch code {
	case "access_denied", "login_required", "interaction_required", "consent_required":
		return problem.Invalid("", "sso.declined").Because(errors.New("provider: " + code))
	case "temporarily_unavailable", "server_error":
		return problem.Unavailable("sso.provider_down").Because(errors.New("provider: " + code))
	}
	return toPeople(problem.Unavailable("sso.registration").Because(errors.New("provider: " + plainCode(code))))
}

// plainCode is a code of RFC 6749 for the log; what does not look like one comes from a stranger and is left out.
func plainCode(code string) string {
	if len(code) > 60 || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return "an answer that is no code"
	}
	return code
}

func exchangeFailed(err error) error {
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		cause := errors.New("token endpoint: " + plainCode(e.ErrorCode)) // its description may hold the code
		switch e.ErrorCode {
		case "invalid_grant":
			return problem.Invalid("", "sso.again").Because(cause)
		case "invalid_client", "unauthorized_client":
			return toPeople(problem.Unavailable("sso.client_wrong").Because(cause))
		}
		return toPeople(problem.Unavailable("sso.unreachable").Because(cause))
	}
	return toPeople(unreachable(err))
}

// claims are the parts of a token or of the userinfo that tell whom the provider means.
type claims struct {
	Mail     string   `json:"email"`
	Verified any      `json:"email_verified"` // true, or "true" with some providers
	Username string   `json:"preferred_username"`
	UPN      string   `json:"upn"`
	OID      string   `json:"oid"`
	AZP      string   `json:"azp"`
	AMR      []string `json:"amr"`
	ACR      string   `json:"acr"`
}

// identify checks the ID token. Source: OpenID Connect Core 1.0 §3.1.3.7.
func (s *Service) identify(ctx context.Context, set Settings, p *provider, fl flow, tokens *oauth2.Token) (identity, error) {
	raw, _ := tokens.Extra("id_token").(string)
	verifier := p.oidc.Verifier(&oidc.Config{ClientID: set.Client, SupportedSigningAlgs: signings(), Now: s.db.Now})
	token, err := verifier.Verify(set.call(ctx), raw)
	if err != nil {
		return identity{}, problem.Invalid("", "sso.token").Because(err)
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return identity{}, problem.Invalid("", "sso.token").Because(err)
	}
	now := s.db.Now()
	var wrong error
	switch {
	case token.Nonce != fl.Nonce:
		wrong = errors.New("nonce of another sign-in")
	case token.Subject == "" || len(token.Subject) > maxShort:
		wrong = errors.New("no usable subject")
	case len(token.Audience) > 1 && c.AZP != set.Client || c.AZP != "" && c.AZP != set.Client:
		wrong = errors.New("made for another party")
	case token.IssuedAt.Before(fl.Begun.Add(-skew)) || token.IssuedAt.After(now.Add(skew)):
		wrong = errors.New("issued at another time")
	case token.AccessTokenHash != "":
		wrong = token.VerifyAccessToken(tokens.AccessToken)
	}
	if wrong != nil {
		return identity{}, problem.Invalid("", "sso.token").Because(wrong)
	}
	if c.Mail == "" && p.UserInfo != "" {
		info, err := p.oidc.UserInfo(set.call(ctx), oauth2.StaticTokenSource(tokens))
		if err != nil {
			return identity{}, toPeople(unreachable(err))
		}
		if info.Subject != token.Subject { // Source: OpenID Connect Core 1.0 §5.3.2
			return identity{}, problem.Invalid("", "sso.token").Because(errors.New("userinfo of another person"))
		}
		amr, acr := c.AMR, c.ACR
		if err := info.Claims(&c); err != nil {
			return identity{}, problem.Invalid("", "sso.token").Because(err)
		}
		c.AMR, c.ACR = amr, acr // how somebody signed in says the signed token only
	}
	return identityOf(token.Issuer, token.Subject, c), nil
}

func identityOf(issuer, subject string, c claims) identity {
	id := identity{issuer: issuer, subject: subject, multi: multiFactor(c.AMR, c.ACR)}
	if c.Verified == true || c.Verified == "true" {
		id.mail = strings.ToLower(strings.TrimSpace(c.Mail))
	}
	for _, name := range []string{subject, c.OID, c.Username, c.UPN, id.mail} {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" && len(name) <= maxShort && !slices.Contains(id.names, name) {
			id.names = append(id.names, name)
		}
	}
	return id
}

// multiFactor reads whether the provider saw more than one factor. Source: RFC 8176 §2, OpenID Connect
// Extended Authentication Profile (phr, phrh).
func multiFactor(amr []string, acr string) bool {
	if acr == "phr" || acr == "phrh" || slices.Contains(amr, "mfa") {
		return true
	}
	some := func(of ...string) bool {
		return slices.ContainsFunc(amr, func(m string) bool { return slices.Contains(of, m) })
	}
	knows, has, is := some("pwd", "pin", "kba"), some("otp", "hwk", "swk", "sc", "sms", "tel"), some("face", "fpt", "iris", "retina", "vbm")
	return knows && has || knows && is || has && is
}
