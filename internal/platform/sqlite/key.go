package sqlite

import (
	crypto "crypto/rand"
	"encoding/base32"
	"math/rand/v2"
	"sync"
	"time"
)

var keyEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewKey returns a new 26-letter key (48 bits of time, 80 random bits, like a ULID in lower case): what
// appears in addresses and exports, where row numbers would tell how many there are.
func NewKey(now time.Time) string {
	var b [16]byte
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	if !repeated.fill(b[6:]) {
		if _, err := crypto.Read(b[6:]); err != nil {
			panic("sqlite: no randomness: " + err.Error()) // crypto/rand never fails on supported systems
		}
	}
	return keyEncoding.EncodeToString(b[:])
}

// repeated is where keys come from while RepeatKeys is on.
var repeated keySource

type keySource struct {
	mu  sync.Mutex
	rng *rand.ChaCha8
}

// fill reports false when keys are to be random.
func (s *keySource) fill(b []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rng == nil {
		return false
	}
	_, _ = s.rng.Read(b) // never fails
	return true
}

// RepeatKeys makes NewKey give the same keys for the same acts at the same instants, until the returned
// function is called. It is for building the sample company alone: what the demo prints must be the same
// on every run, and nothing secret is a key (links have tokens of their own).
func RepeatKeys() (stop func()) {
	rng := rand.NewChaCha8([32]byte{'k', 'i', 'z', 'u', 'k', 'i'})
	repeated.mu.Lock()
	defer repeated.mu.Unlock()
	repeated.rng = rng
	return func() {
		repeated.mu.Lock()
		defer repeated.mu.Unlock()
		if repeated.rng == rng { // else a later call has taken over
			repeated.rng = nil
		}
	}
}
