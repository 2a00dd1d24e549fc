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
func NewKey(now time.Time) string { return newKey(now, nil) }

// NewKey returns a key of this moment, for a record that is written outside a transaction's time.
func (db *DB) NewKey() string { return newKey(db.Now(), &db.keys) }

// NewKey returns a key of the time of the act.
func (tx *Tx) NewKey() string { return newKey(tx.Now, tx.keys) }

func newKey(now time.Time, repeated *keySource) string {
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

// keySource is where the keys of one database come from while RepeatKeys is on.
type keySource struct {
	mu  sync.Mutex
	rng *rand.ChaCha8
}

// fill reports false when keys are to be random.
func (s *keySource) fill(b []byte) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rng == nil {
		return false
	}
	_, _ = s.rng.Read(b) // never fails
	return true
}

// RepeatKeys makes the keys of this database the same for the same acts at the same instants, until the
// returned function is called. It is for building the sample company alone: what the demo prints must be
// the same on every run, and nothing secret is a key (links have tokens of their own).
func (db *DB) RepeatKeys() (stop func()) {
	set := func(rng *rand.ChaCha8) {
		db.keys.mu.Lock()
		defer db.keys.mu.Unlock()
		db.keys.rng = rng
	}
	set(rand.NewChaCha8([32]byte{'k', 'i', 'z', 'u', 'k', 'i'}))
	return func() { set(nil) }
}
