package factor

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 as every authenticator app knows it; HMAC does not rest on collisions
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// Shape of the codes: what every authenticator app assumes. Source: RFC 6238 §5.2, RFC 4226 §4 and §5.3.
const (
	period    = 30 * time.Second
	digits    = 6
	million   = 1_000_000
	seedBytes = 20 // RFC 4226 §4 R6 recommends 160 bits
)

// drift is how many steps the clock of a phone may be off, either way. Source: RFC 6238 §5.2.
const drift = 1

// NewSeed draws a seed for an authenticator app.
func NewSeed(rand io.Reader) ([]byte, error) {
	seed := make([]byte, seedBytes)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return nil, fmt.Errorf("draw a seed: %w", err)
	}
	return seed, nil
}

// StepOf is the time step of an instant.
func StepOf(t time.Time) int64 { return t.Unix() / int64(period.Seconds()) }

// CodeAt is the code that an app with the seed shows during a time step.
func CodeAt(seed []byte, step int64) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step))
	mac := hmac.New(sha1.New, seed)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%0*d", digits, (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%million)
}

// match finds the step for which the code is right, among those near now and after the last one used.
func match(seed []byte, code string, now time.Time, last int64) (step int64, ok bool) {
	for near := StepOf(now) - drift; near <= StepOf(now)+drift; near++ {
		right := subtle.ConstantTimeCompare([]byte(CodeAt(seed, near)), []byte(code)) == 1
		if right && near > last && !ok {
			step, ok = near, true
		}
	}
	return step, ok
}

var seedText = base32.StdEncoding.WithPadding(base32.NoPadding)

// Text is the seed as a person types it into an app: in groups of four.
func Text(seed []byte) string {
	plain := seedText.EncodeToString(seed)
	var groups []string
	for len(plain) > 4 {
		groups, plain = append(groups, plain[:4]), plain[4:]
	}
	return strings.Join(append(groups, plain), " ")
}

// URI is what the QR code holds, in the form that authenticator apps share (Key Uri Format).
func URI(seed []byte, issuer, login string) string {
	query := url.Values{"secret": {seedText.EncodeToString(seed)}, "issuer": {issuer}}
	return "otpauth://totp/" + url.PathEscape(issuer+":"+login) + "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
}
