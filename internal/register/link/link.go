// Package link makes single-purpose links: pages that one person opens without an account, by a link, a
// QR code or paper (棚卸の回答, 周知の確認, パスワードの再設定 …).
//
// A link is a random token of 256 bits of which only the SHA-256 is stored. It is bound to a purpose and
// a subject, it expires, it can be revoked, and it can be used up. Its pages live at /l/{purpose}/{token}
// and belong to the features. The package imports actor and audit and never logs a token.
package link

import (
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
)

// MaxDays is the longest life of a link, in days: a forgotten one must not open for years.
const MaxDays = 400

// tokenBytes is the length of a token before encoding: 256 bits cannot be guessed.
const tokenBytes = 32

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Migrations returns the table of the links.
func Migrations() sqlite.Migration { return sqlite.Migration{Feature: "link", FS: migrations} }

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

// New says what a new link is for.
type New struct {
	Purpose string // what may be done with it, a word for the address: "password"
	Subject string // the record it is about: "account/KEY"
	Person  string // key of the person it is meant for; empty: whoever holds it
	Days    int    // how long it opens, in days of 24 hours, 1 to MaxDays
}

// Link is one link without its token.
type Link struct {
	Key       string
	Purpose   string
	Subject   string
	Person    string
	CreatedAt time.Time
	CreatedBy string    // actor.ID of who made it
	ExpiresAt time.Time // from this instant on it no longer opens
	UsedAt    time.Time // zero: not used up
	RevokedAt time.Time // zero: not revoked
}

// Open says whether the link opens at the instant.
func (l Link) Open(now time.Time) bool {
	return l.UsedAt.IsZero() && l.RevokedAt.IsZero() && now.Before(l.ExpiresAt)
}

// Path is the address of the page behind a link, below the base address.
func Path(purpose, token string) string { return "/l/" + purpose + "/" + token }

// Actor is the person behind the link, holding just grants; put it into the context of the act.
func (l Link) Actor(grants ...actor.Permission) actor.Actor {
	return actor.New(actor.Actor{Person: l.Person, Via: "link"}, grants)
}

func newToken() string {
	var b [tokenBytes]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("link: no randomness: " + err.Error()) // crypto/rand never fails on supported systems
	}
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
