// Package session keeps the sessions of accounts: which browsers are signed in, since when, and until
// when they count. A session is a random token of 256 bits in a cookie; here lies only its SHA-256.
//
// The package knows accounts by row number only and does not judge who may end what: package account
// does. Its table is among the migrations of account.
package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Lives of a session. Source: OWASP ASVS 4.0.3 V3.3.2 (12 hours idle for level 2); seven days so that a
// working week needs one sign-in where the office is open all day.
const (
	IdleLife     = 12 * time.Hour
	AbsoluteLife = 7 * 24 * time.Hour
)

// touchAfter is how old the last sight may be before it is written again: not every page needs a write.
const touchAfter = 5 * time.Minute

// keep is how long ended sessions stay in the table; they hold addresses of persons.
const keep = 30 * 24 * time.Hour

// tokenBytes is the length of a token before encoding: 256 bits cannot be guessed.
const tokenBytes = 32

// Client is the browser that signs in.
type Client struct {
	Address string // IP address
	Agent   string // what the browser says it is
}

// Tidy shortens what a stranger sends.
func (c Client) Tidy() Client {
	return Client{Address: jtext.Truncate(jtext.Line(c.Address), 60), Agent: jtext.Truncate(jtext.Line(c.Agent), 200)}
}

// How somebody signed in: what the list of sessions shows under account.how.
type How string

// The ways in.
const (
	ByPassword How = "password"
	ByApp      How = "app"      // password and the code of an authenticator app
	ByRecovery How = "recovery" // password and a recovery code
	ByPasskey  How = "passkey"
	ByCompany  How = "oidc"    // the account that the company keeps elsewhere
	BySetup    How = "setup"   // the first account, at the end of the set-up
	ByChange   How = "changed" // went on after changing the password
)

// Session is one browser that is signed in.
type Session struct {
	ID        int64
	Key       string
	Account   int64 // row number
	CreatedAt time.Time
	SeenAt    time.Time // to within a few minutes
	How       How
	Unseen    bool // from a place that the account had never used, and nobody has answered for it yet
	Client
}

// Open says whether the session still counts.
func (s Session) Open(now time.Time) bool {
	return now.Sub(s.SeenAt) < IdleLife && now.Sub(s.CreatedAt) < AbsoluteLife
}

// Stale says whether the last sight should be written again, by Touch.
func (s Session) Stale(now time.Time) bool { return now.Sub(s.SeenAt) >= touchAfter }

// NewToken returns a token that nobody can guess.
func NewToken() string {
	var b [tokenBytes]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("session: no randomness: " + err.Error()) // crypto/rand never fails on supported systems
	}
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// HashOf is what is stored of a token.
func HashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Begin opens a session for an account and returns its token, given this once.
func Begin(ctx context.Context, tx *sqlite.Tx, account int64, how How, c Client) (token string, s Session, err error) {
	token = NewToken()
	s = Session{Key: tx.NewKey(), Account: account, CreatedAt: tx.Now, SeenAt: tx.Now, How: how, Client: c}
	if s.Unseen, err = visit(ctx, tx, account, c); err != nil {
		return "", s, err
	}
	now := sqlite.Millis(tx.Now)
	res, err := tx.ExecContext(ctx, `INSERT INTO account_sessions (key, account, token_hash, created_at, seen_at, address, agent, how, unseen)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, s.Key, account, HashOf(token), now, now, c.Address, c.Agent, how, s.Unseen)
	if err != nil {
		return "", s, fmt.Errorf("open session: %w", err)
	}
	if s.ID, err = res.LastInsertId(); err != nil {
		return "", s, fmt.Errorf("number session: %w", err)
	}
	return token, s, nil
}

const columns = `id, key, account, created_at, seen_at, how, unseen, address, agent`

// ByToken returns the session of a token, while it counts; problem code not_found.
func ByToken(ctx context.Context, tx *sqlite.Tx, token string) (Session, error) {
	row := tx.QueryRowContext(ctx, `SELECT `+columns+` FROM account_sessions WHERE token_hash = ? AND revoked_at = 0`, HashOf(token))
	s, err := scan(row)
	if err == nil && !s.Open(tx.Now) || errors.Is(err, sql.ErrNoRows) {
		return Session{}, problem.NotFound("account.session_gone")
	}
	return s, err
}

func scan(row interface{ Scan(into ...any) error }) (Session, error) {
	var s Session
	var created, seen int64
	if err := row.Scan(&s.ID, &s.Key, &s.Account, &created, &seen, &s.How, &s.Unseen, &s.Address, &s.Agent); err != nil {
		return Session{}, fmt.Errorf("read session: %w", err)
	}
	s.CreatedAt, s.SeenAt = sqlite.FromMillis(created), sqlite.FromMillis(seen)
	return s, nil
}

// Touch notes that a session was seen now.
func Touch(ctx context.Context, tx *sqlite.Tx, id int64) error {
	if _, err := tx.ExecContext(ctx, `UPDATE account_sessions SET seen_at = ? WHERE id = ?`, sqlite.Millis(tx.Now), id); err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

// Of lists the sessions of an account that count, newest first.
func Of(ctx context.Context, tx *sqlite.Tx, account int64) ([]Session, error) {
	all, err := list(ctx, tx, `account = ? AND revoked_at = 0`, account)
	return slices.DeleteFunc(all, func(s Session) bool { return !s.Open(tx.Now) }), err
}

func list(ctx context.Context, tx *sqlite.Tx, where string, args ...any) (out []Session, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+columns+` FROM account_sessions WHERE `+where+` ORDER BY id DESC`, args...)
	if err != nil {
		return nil, fmt.Errorf("query sessions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		s, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return out, nil
}

// End ends sessions of an account: the one with key, or, for key "", all but the one with key except. It
// returns how many of them still counted.
func End(ctx context.Context, tx *sqlite.Tx, account int64, key, except string) (int, error) {
	open, err := Of(ctx, tx, account)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, s := range open {
		if s.Key == except || key != "" && s.Key != key {
			continue
		}
		if _, err := tx.ExecContext(ctx, `UPDATE account_sessions SET revoked_at = ? WHERE id = ?`, sqlite.Millis(tx.Now), s.ID); err != nil {
			return n, fmt.Errorf("end session: %w", err)
		}
		n++
	}
	return n, nil
}

// Count is how many sessions are open now.
func Count(ctx context.Context, tx *sqlite.Tx) (int, error) {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM account_sessions WHERE revoked_at = 0 AND seen_at >= ? AND created_at >= ?`,
		sqlite.Millis(tx.Now.Add(-IdleLife)), sqlite.Millis(tx.Now.Add(-AbsoluteLife))).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count sessions: %w", err)
	}
	return n, nil
}

// Sweep removes sessions not seen for 30 days and returns how many, and forgets places not used for half a
// year; it is part of the nightly pass.
func Sweep(ctx context.Context, tx *sqlite.Tx) (int64, error) {
	if _, err := tx.ExecContext(ctx, `DELETE FROM account_places WHERE seen_at < ?`, sqlite.Millis(tx.Now.Add(-keepPlaces))); err != nil {
		return 0, fmt.Errorf("sweep places: %w", err)
	}
	res, err := tx.ExecContext(ctx, `DELETE FROM account_sessions WHERE seen_at < ?`, sqlite.Millis(tx.Now.Add(-keep)))
	if err != nil {
		return 0, fmt.Errorf("sweep sessions: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("count swept sessions: %w", err)
	}
	return n, nil
}
