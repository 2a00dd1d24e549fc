// Package passkey lets accounts sign in with passkeys (WebAuthn): keys that a phone, a computer or a security
// key holds, unlocked by finger, face or PIN, and bound to the name of this office.
//
// Browsers allow them on http://localhost and on trusted TLS with a name only; PartyOf says so. A ceremony
// (challenge and answer) lives in memory for five minutes, is bound to the browser by a token, and ends with
// its first answer, right or wrong: a replayed answer finds none. The package knows accounts by row number and
// key; package signin judges who may do what. Its table is among the migrations of account.
package passkey

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Party is the office as browsers bind passkeys to it: the name in the address of this request.
type Party struct {
	ID     string // "localhost", "kizuki.example.co.jp"
	Origin string // "https://kizuki.example.co.jp:8600"
}

// PartyOf makes the party of an address like "http://localhost:8600", whose host the router has checked. why
// is the message that says why browsers allow no passkeys there, "" when they do.
func PartyOf(address string) (p Party, why string) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return Party{}, "signin.passkey.why_address"
	}
	name := strings.ToLower(u.Hostname())
	if ip, err := netip.ParseAddr(name); err == nil {
		if ip.IsLoopback() {
			return Party{}, "signin.passkey.why_loopback"
		}
		return Party{}, "signin.passkey.why_address"
	}
	if u.Scheme != "https" && name != "localhost" {
		return Party{}, "signin.passkey.why_plain"
	}
	return Party{ID: name, Origin: u.Scheme + "://" + strings.ToLower(u.Host)}, ""
}

// Passkey is one passkey of an account.
type Passkey struct {
	ID        int64
	Key       string
	Account   int64  // row number
	Party     string // the name that it is bound to
	Name      string // what the person calls it
	CreatedAt time.Time
	UsedAt    time.Time // zero: never
	record    webauthn.Credential
}

// Person is the account that a passkey is made for.
type Person struct {
	Key, Login, Name string
	Passkeys         []Passkey
}

// user is a person as the library asks for it.
type user struct{ Person }

func (u user) WebAuthnID() []byte          { return []byte(u.Key) } // random, and says nothing of the person
func (u user) WebAuthnName() string        { return u.Login }
func (u user) WebAuthnDisplayName() string { return u.Name }
func (u user) WebAuthnCredentials() []webauthn.Credential {
	out := make([]webauthn.Credential, len(u.Passkeys))
	for i, k := range u.Passkeys {
		out[i] = k.record
	}
	return out
}

// Bounds of the ceremonies that strangers can begin.
const (
	ceremonyLife = 5 * time.Minute
	maxOpen      = 2048
	maxEach      = 20 // from one address
	maxAnswer    = 64 << 10
)

type ceremony struct {
	party   Party
	person  string // key of the account that registers; "" for a sign-in
	address string
	began   time.Time
	data    webauthn.SessionData
}

// Desk holds the ceremonies under way. The zero value is ready; it is safe for concurrent use.
type Desk struct {
	mu   sync.Mutex
	open map[string]ceremony // by the hash of the token
}

// keep remembers a ceremony and returns its token. What is over goes; an address over its share, and a table
// that is full, lose their oldest.
func (d *Desk) keep(c ceremony) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil {
		d.open = map[string]ceremony{}
	}
	maps.DeleteFunc(d.open, func(_ string, other ceremony) bool {
		age := c.began.Sub(other.began)
		return age < 0 || age >= ceremonyLife
	})
	d.bound(maxEach, func(other ceremony) bool { return other.address == c.address })
	d.bound(maxOpen, func(ceremony) bool { return true })
	token := session.NewToken()
	d.open[session.HashOf(token)] = c
	return token
}

// bound makes room for one more among those that fit.
func (d *Desk) bound(most int, fits func(ceremony) bool) {
	n, oldest := 0, ""
	for token, c := range d.open {
		if !fits(c) {
			continue
		}
		n++
		if oldest == "" || c.began.Before(d.open[oldest].began) {
			oldest = token
		}
	}
	if n >= most {
		delete(d.open, oldest)
	}
}

// take ends the ceremony of a token.
func (d *Desk) take(token string, party Party, person string, now time.Time) (ceremony, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	hash := session.HashOf(token)
	c, ok := d.open[hash]
	delete(d.open, hash)
	age := now.Sub(c.began)
	if !ok || age < 0 || age >= ceremonyLife || c.party != party || c.person != person {
		return ceremony{}, problem.Invalid("", "signin.passkey.over")
	}
	return c, nil
}

func library(p Party) (*webauthn.WebAuthn, error) {
	w, err := webauthn.New(&webauthn.Config{
		RPID: p.ID, RPDisplayName: "Kizuki", RPOrigins: []string{p.Origin},
		AttestationPreference: protocol.PreferNoAttestation, // which make of key it is, is nobody's business here
	})
	if err != nil {
		return nil, fmt.Errorf("set up WebAuthn for %s: %w", p.ID, err)
	}
	return w, nil
}

// BeginRegistration gives what the browser needs to make a passkey, as JSON, and the token of the ceremony.
func (d *Desk) BeginRegistration(p Party, who Person, now time.Time, address string) (options []byte, token string, err error) {
	w, err := library(p)
	if err != nil {
		return nil, "", err
	}
	var have []protocol.CredentialDescriptor
	for _, k := range who.Passkeys {
		have = append(have, k.record.Descriptor())
	}
	required := true
	creation, data, err := w.BeginRegistration(user{who}, webauthn.WithExclusions(have), webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
		ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: &required, UserVerification: protocol.VerificationRequired,
	}))
	if err != nil {
		return nil, "", fmt.Errorf("begin to register a passkey: %w", err)
	}
	if options, err = json.Marshal(creation.Response); err != nil {
		return nil, "", fmt.Errorf("write options: %w", err)
	}
	return options, d.keep(ceremony{p, who.Key, address, now, *data}), nil
}

// errRefused is all that a person reads about a wrong answer; the cause goes to the log.
func errRefused(cause error) error {
	if detailed := (*protocol.Error)(nil); errors.As(cause, &detailed) && detailed.DevInfo != "" {
		cause = fmt.Errorf("%w: %s", cause, detailed.DevInfo)
	}
	return problem.Invalid("", "signin.passkey.refused").Because(cause)
}

// FinishRegistration checks the browser's answer and returns the passkey to store. Problem code invalid.
func (d *Desk) FinishRegistration(p Party, who Person, token string, answer []byte, now time.Time) (Passkey, error) {
	c, err := d.take(token, p, who.Key, now)
	if err != nil {
		return Passkey{}, err
	}
	w, err := library(p)
	if err != nil {
		return Passkey{}, err
	}
	if len(answer) > maxAnswer {
		return Passkey{}, errRefused(errors.New("the answer is too long"))
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Passkey{}, errRefused(err)
	}
	record, err := w.CreateCredential(user{who}, c.data, parsed)
	if err != nil {
		return Passkey{}, errRefused(err)
	}
	return Passkey{Party: p.ID, record: *record}, nil
}

// BeginSignIn gives what the browser needs to find a passkey for this office, whosever, and the ceremony's token.
func (d *Desk) BeginSignIn(p Party, now time.Time, address string) (options []byte, token string, err error) {
	w, err := library(p)
	if err != nil {
		return nil, "", err
	}
	assertion, data, err := w.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, "", fmt.Errorf("begin to ask for a passkey: %w", err)
	}
	if options, err = json.Marshal(assertion.Response); err != nil {
		return nil, "", fmt.Errorf("write options: %w", err)
	}
	return options, d.keep(ceremony{p, "", address, now, *data}), nil
}

// Answer is a checked form of what a browser says when it was asked for a passkey: not yet verified.
type Answer struct {
	c      ceremony
	parsed *protocol.ParsedCredentialAssertionData
}

// Credential is the name of the passkey that the answer speaks for, to look it up by.
func (a Answer) Credential() string { return credentialID(a.parsed.RawID) }

// TakeSignIn ends the ceremony of a token and reads the browser's answer. Problem code invalid.
func (d *Desk) TakeSignIn(p Party, token string, answer []byte, now time.Time) (Answer, error) {
	c, err := d.take(token, p, "", now)
	if err != nil {
		return Answer{}, err
	}
	if len(answer) > maxAnswer {
		return Answer{}, errRefused(errors.New("the answer is too long"))
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return Answer{}, errRefused(err)
	}
	return Answer{c, parsed}, nil
}

// Verify checks the answer against the passkey of a person and returns it with its counter moved on. A counter
// that does not move tells of a copy of the key, and is refused. Problem code invalid.
func (a Answer) Verify(who Person, k Passkey) (Passkey, error) {
	w, err := library(a.c.party)
	if err != nil {
		return Passkey{}, err
	}
	who.Passkeys = []Passkey{k}
	_, record, err := w.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		if !bytes.Equal(handle, []byte(who.Key)) {
			return nil, errors.New("the passkey belongs to another account")
		}
		return user{who}, nil
	}, a.c.data, a.parsed)
	switch {
	case err != nil:
		return Passkey{}, errRefused(err)
	case k.Party != a.c.party.ID:
		return Passkey{}, errRefused(errors.New("the passkey is bound to " + k.Party))
	case record.Authenticator.CloneWarning:
		return Passkey{}, problem.Invalid("", "signin.passkey.cloned")
	}
	k.record = *record
	return k, nil
}
