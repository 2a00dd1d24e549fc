// Package password hashes and checks passwords with argon2id, and says which passwords are too easy.
//
// It bounds how many hashes run at once, because each takes 64 MiB, and counts them, so that a test can
// show that an unknown login costs as much as a wrong password. It reads new passwords from forms and keeps nothing.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Params are the costs of one hash. They are stored beside it.
type Params struct {
	Time      uint32 // passes over the memory
	MemoryKiB uint32
	Threads   uint8
}

// Recommended is the second recommended option of RFC 9106 §4, for machines without gigabytes to spare.
var Recommended = Params{Time: 3, MemoryKiB: 64 * 1024, Threads: 4}

// Sizes of RFC 9106 §4, in bytes, and bounds on what is read back.
const (
	saltBytes    = 16
	tagBytes     = 32
	maxTime      = 64
	maxMemoryKiB = 1 << 20
)

// At most atOnce hashes run, and at most maxWaiting callers wait for them: memory stays bounded when
// somebody tries passwords by the thousand.
const (
	atOnce     = 2
	maxWaiting = 64
)

// Hasher hashes with fixed costs. It is safe for concurrent use.
type Hasher struct {
	params  Params
	slots   chan struct{}
	waiting atomic.Int32
	hashes  atomic.Int64
}

// New returns a hasher with the given costs.
func New(p Params) *Hasher { return &Hasher{params: p, slots: make(chan struct{}, atOnce)} }

// Hashes is the number of hashes computed so far.
func (h *Hasher) Hashes() int64 { return h.hashes.Load() }

// Hash returns what is stored for a password, in the PHC string format. Problem code unavailable when
// too many callers wait.
func (h *Hasher) Hash(ctx context.Context, plain string) (string, error) {
	var salt [saltBytes]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return "", fmt.Errorf("salt password: %w", err)
	}
	tag, err := h.run(ctx, h.params, plain, salt[:], tagBytes)
	if err != nil {
		return "", err
	}
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.params.MemoryKiB, h.params.Time, h.params.Threads,
		enc.EncodeToString(salt[:]), enc.EncodeToString(tag)), nil
}

// Verify says whether plain is the password behind stored. An empty stored, for a login that does not
// exist or has no password, costs the same hash and is never ok. stale says that the costs have changed
// since: store a new Hash of plain.
func (h *Hasher) Verify(ctx context.Context, stored, plain string) (ok, stale bool, err error) {
	p, salt, want := h.params, make([]byte, saltBytes), make([]byte, tagBytes)
	if stored != "" {
		if p, salt, want, err = parse(stored); err != nil {
			return false, false, err
		}
	}
	got, err := h.run(ctx, p, plain, salt, uint32(len(want)))
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(got, want) == 1 && stored != ""
	return ok, ok && p != h.params, nil
}

func (h *Hasher) run(ctx context.Context, p Params, plain string, salt []byte, size uint32) ([]byte, error) {
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > maxWaiting {
		return nil, problem.Unavailable("account.busy")
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for password check: %w", ctx.Err())
	}
	h.hashes.Add(1)
	// The same letters typed on another system must give the same password (RFC 8265 §4.2.2).
	return argon2.IDKey([]byte(norm.NFC.String(plain)), salt, p.Time, p.MemoryKiB, p.Threads, size), nil
}

var errStored = errors.New("stored password has a form we do not know")

func parse(stored string) (p Params, salt, tag []byte, err error) {
	part := strings.Split(stored, "$")
	if len(part) != 6 || part[1] != "argon2id" || part[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, errStored
	}
	if n, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &p.MemoryKiB, &p.Time, &p.Threads); err != nil || n != 3 {
		return p, nil, nil, errStored
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(part[4])
	tag, tagErr := base64.RawStdEncoding.DecodeString(part[5])
	if saltErr != nil || tagErr != nil || len(tag) < 16 || len(tag) > 64 ||
		p.Time < 1 || p.Time > maxTime || p.Threads < 1 || p.MemoryKiB > maxMemoryKiB {
		return p, nil, nil, errStored
	}
	return p, salt, tag, nil
}
