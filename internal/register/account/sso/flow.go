package sso

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"sync"
	"time"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// flowLife is how long an answer of the provider is waited for.
const flowLife = 10 * time.Minute

// maxUsed bounds the memory for answers that have been used; each is forgotten after flowLife.
const maxUsed = 50_000

// flow is one sign-in on its way. It lies sealed in the browser that began it, so that strangers who begin
// thousands fill nobody's memory and push nobody else's out.
type flow struct {
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"` // PKCE
	Redirect string    `json:"r"`
	Provider string    `json:"p"` // identity of the settings that it began with
	Begun    time.Time `json:"t"`
}

// flows seals flows with a key that lives as long as the process, and remembers which have been answered.
type flows struct {
	aead cipher.AEAD
	mu   sync.Mutex
	used map[string]time.Time
}

func newFlows() *flows {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		panic("sso: no randomness: " + err.Error()) // crypto/rand never fails on supported systems
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("sso: " + err.Error()) // the length is right
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("sso: " + err.Error())
	}
	return &flows{aead: aead, used: map[string]time.Time{}}
}

func (f *flows) seal(fl flow) (string, error) {
	text, err := json.Marshal(fl)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(f.aead.Seal(nil, nil, text, nil)), nil //nolint:gosec // no nonce is given: this AEAD draws its own
}

// open gives a flow back; ok is false for anything that this process did not seal.
func (f *flows) open(cookie string) (fl flow, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cookie)
	if err != nil {
		return flow{}, false
	}
	text, err := f.aead.Open(nil, nil, raw, nil)
	if err != nil {
		return flow{}, false
	}
	return fl, json.Unmarshal(text, &fl) == nil
}

// take gives the flow that an answer belongs to, this once. Problem codes: invalid for an answer that this
// browser did not ask for, that is late or was used before; unavailable when too many are remembered.
func (f *flows) take(cookie, state string, now time.Time) (flow, error) {
	fl, ok := f.open(cookie)
	if !ok || state == "" || subtle.ConstantTimeCompare([]byte(fl.State), []byte(state)) != 1 {
		return flow{}, problem.Invalid("", "sso.not_asked")
	}
	if age := now.Sub(fl.Begun); age < 0 || age >= flowLife {
		return flow{}, problem.Invalid("", "sso.late")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, again := f.used[fl.State]; again {
		return flow{}, problem.Invalid("", "sso.used")
	}
	if len(f.used) >= maxUsed {
		for state, begun := range f.used {
			if now.Sub(begun) >= flowLife {
				delete(f.used, state)
			}
		}
		if len(f.used) >= maxUsed {
			return flow{}, problem.Unavailable("sso.busy")
		}
	}
	f.used[fl.State] = fl.Begun
	return fl, nil
}
