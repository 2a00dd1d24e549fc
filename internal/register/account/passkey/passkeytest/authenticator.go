// Package passkeytest is a security key in software, for tests of passkeys: it makes credentials and signs
// challenges as a browser and a key do together (WebAuthn §6, CTAP2 CBOR), rightly or wrongly.
package passkeytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
)

// Authenticator is a security key with one credential.
type Authenticator struct {
	Counter    uint32 // moves with every use, unless it is 0
	Unverified bool   // nobody showed finger, face or PIN
	t          testing.TB
	key        *ecdsa.PrivateKey
	id         []byte
	handle     []byte
}

// Flags of authenticator data: user present, user verified, attested credential data.
const present, verified, attested = 0x01, 0x04, 0x40

// New returns a key with no credential yet.
func New(t testing.TB) *Authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		t.Fatal(err)
	}
	return &Authenticator{t: t, key: key, id: id}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// clientData is what the browser adds: which page asked, and for which challenge.
func (a *Authenticator) clientData(kind, challenge, origin string) []byte {
	a.t.Helper()
	text, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false})
	if err != nil {
		a.t.Fatal(err)
	}
	return text
}

func (a *Authenticator) data(party string, flags byte) []byte {
	hash := sha256.Sum256([]byte(party))
	return binary.BigEndian.AppendUint32(append(hash[:], flags), a.Counter)
}

// options are the parts of what the office says that the authenticator needs.
type options struct {
	Challenge string `json:"challenge"`
	User      struct {
		ID string `json:"id"`
	} `json:"user"`
}

func (a *Authenticator) read(text []byte) options {
	a.t.Helper()
	var o options
	if err := json.Unmarshal(text, &o); err != nil {
		a.t.Fatal(err)
	}
	return o
}

// Create makes the credential that the options ask for, as at the origin.
func (a *Authenticator) Create(text []byte, party, origin string) []byte {
	a.t.Helper()
	o := a.read(text)
	handle, err := base64.RawURLEncoding.DecodeString(o.User.ID)
	if err != nil {
		a.t.Fatal(err)
	}
	a.handle = handle
	public, err := a.key.PublicKey.Bytes() // 4 ‖ x ‖ y
	if err != nil {
		a.t.Fatal(err)
	}
	// {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}
	cose := append([]byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20}, public[1:33]...)
	cose = append(append(cose, 0x22, 0x58, 0x20), public[33:]...)
	data := append(a.data(party, present|verified|attested), make([]byte, 16)...) // no make told
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.id)))
	data = append(append(data, a.id...), cose...)
	// {"fmt": "none", "attStmt": {}, "authData": data}
	object := append([]byte{0xa3, 0x63}, "fmt"...)
	object = append(append(append(object, 0x64), "none"...), 0x67)
	object = append(append(append(object, "attStmt"...), 0xa0, 0x68), "authData"...)
	object = append(append(object, 0x58, byte(len(data))), data...)
	return a.answer(map[string]string{
		"clientDataJSON": b64(a.clientData("webauthn.create", o.Challenge, origin)), "attestationObject": b64(object),
	})
}

// Get signs the challenge of the options, as at the origin.
func (a *Authenticator) Get(text []byte, party, origin string) []byte {
	a.t.Helper()
	if a.Counter > 0 {
		a.Counter++
	}
	flags := byte(present | verified)
	if a.Unverified {
		flags = present
	}
	data, client := a.data(party, flags), a.clientData("webauthn.get", a.read(text).Challenge, origin)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(append([]byte(nil), data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, sum[:])
	if err != nil {
		a.t.Fatal(err)
	}
	return a.answer(map[string]string{
		"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64(a.handle),
	})
}

func (a *Authenticator) answer(response map[string]string) []byte {
	a.t.Helper()
	text, err := json.Marshal(map[string]any{
		"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": response,
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return text
}

// Stolen is a key that knows the name of the credential and not its secret.
func (a *Authenticator) Stolen() *Authenticator {
	a.t.Helper()
	thief := *a
	thief.key = New(a.t).key
	return &thief
}
