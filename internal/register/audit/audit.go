// Package audit keeps the audit log (操作記録): one linked row per act, with the canonical after-image.
//
// Every service method that changes something calls Record in its transaction. Rows cannot be changed
// or removed (triggers), and Verify names the first row whose link is broken. Signed checkpoints over
// the chain come with the next part; the columns they need are here from the first day.
package audit

import (
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
)

// PermRead lets a person read the log; app binds it to roles.
const PermRead actor.Permission = "audit.read"

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the tables of the log.
func Migrations() sqlite.Migration {
	return sqlite.Migration{Feature: "audit", FS: migrations, Own: []string{"audit_log", "audit_personal"}}
}

// Image is the state of an object after an act. Values must be JSON-able; wrap what identifies a
// person in Personal. An empty image is fine for acts that leave nothing (a sign-out).
type Image map[string]any

// Personal marks a value that identifies a person: the row keeps a salted hash, the value stands in an
// erasable table beside it.
type Personal string

// Row is one line of the log as people read it.
type Row struct {
	ID      int64
	At      time.Time
	Actor   string // actor.ID of who acted
	Via     string
	Request string
	Act     string // "policy.approved"
	Object  string // "policy/KEY"
	After   string // canonical JSON
	Prev    string // hash of the row before
	Hash    string
}

// MarshalJSON refuses: a Personal deeper inside an image would stand in the log in the clear, for good.
func (p Personal) MarshalJSON() ([]byte, error) {
	return nil, errors.New("personal value below the top of an image")
}

type personalField struct{ field, value, salt string }

// canonical writes the image as JSON with sorted keys (encoding/json sorts map keys) and personal
// values replaced by hashes.
func canonical(after Image) (string, []personalField, error) {
	plain := make(map[string]any, len(after))
	var personal []personalField
	for k, v := range after {
		p, ok := v.(Personal)
		if !ok {
			plain[k] = v
			continue
		}
		var salt [16]byte
		if _, err := rand.Read(salt[:]); err != nil {
			return "", nil, fmt.Errorf("salt personal field: %w", err)
		}
		f := personalField{k, string(p), hex.EncodeToString(salt[:])}
		plain[k] = f.sealed()
		personal = append(personal, f)
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return "", nil, fmt.Errorf("write after-image: %w", err)
	}
	return string(text), personal, nil
}

// sealed is what stands in the image instead of the value.
func (f personalField) sealed() string {
	sum := sha256.Sum256([]byte(f.salt + "\x00" + f.value))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// link computes the hash of a row: each part is length-prefixed, so that no two rows share a text.
func link(prev string, r Row) string {
	h := sha256.New()
	for _, part := range []string{prev, strconv.FormatInt(sqlite.Millis(r.At), 10), r.Actor, r.Via, r.Request, r.Act, r.Object, r.After} {
		fmt.Fprintf(h, "%d:%s,", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}
