package account

import (
	"context"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Session is one browser that is signed in.
type Session struct {
	ID        int64
	Key       string
	CreatedAt time.Time
	SeenAt    time.Time // to within a few minutes
	Address   string
	Agent     string // what the browser says it is
}

// Open says whether the session still counts.
func (s Session) Open(now time.Time) bool {
	return now.Sub(s.SeenAt) < IdleLife && now.Sub(s.CreatedAt) < AbsoluteLife
}

func insertSession(ctx context.Context, tx *sqlite.Tx, account int64, hash, address, agent string) (key string, err error) {
	key = sqlite.NewKey(tx.Now)
	now := sqlite.Millis(tx.Now)
	_, err = tx.ExecContext(ctx, `INSERT INTO account_sessions (key, account, token_hash, created_at, seen_at, address, agent) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		key, account, hash, now, now, address, agent)
	if err != nil {
		return "", fmt.Errorf("open session: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE account_accounts SET signed_in_at = ? WHERE id = ?`, now, account); err != nil {
		return "", fmt.Errorf("note sign-in: %w", err)
	}
	return key, nil
}

// sessionByHash returns a session that counts, with its account; problem code not_found.
func sessionByHash(ctx context.Context, tx *sqlite.Tx, hash string) (Session, stored, error) {
	rows, err := tx.QueryContext(ctx, `SELECT x.*, s.id, s.key, s.created_at, s.seen_at, s.address, s.agent FROM account_sessions s JOIN (`+accountQuery+`) x ON x.id = s.account
		WHERE s.token_hash = ? AND s.revoked_at = 0`, hash)
	if err != nil {
		return Session{}, stored{}, fmt.Errorf("query session: %w", err)
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return Session{}, stored{}, fmt.Errorf("find session: %w", err)
		}
		return Session{}, stored{}, problem.NotFound("account.session_gone")
	}
	var s Session
	var created, seen int64
	a, err := scanAccount(rows, &s.ID, &s.Key, &created, &seen, &s.Address, &s.Agent)
	if err != nil {
		return Session{}, stored{}, err
	}
	s.CreatedAt, s.SeenAt = sqlite.FromMillis(created), sqlite.FromMillis(seen)
	if !s.Open(tx.Now) {
		return Session{}, stored{}, problem.NotFound("account.session_gone")
	}
	return s, a, nil
}

func touchSession(ctx context.Context, tx *sqlite.Tx, id int64) error {
	if _, err := tx.ExecContext(ctx, `UPDATE account_sessions SET seen_at = ? WHERE id = ?`, sqlite.Millis(tx.Now), id); err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

// openSessions lists the sessions of an account that count, newest first.
func openSessions(ctx context.Context, tx *sqlite.Tx, account int64) ([]Session, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, key, created_at, seen_at, address, agent FROM account_sessions
		WHERE account = ? AND revoked_at = 0 ORDER BY id DESC`, account)
	if err != nil {
		return nil, fmt.Errorf("query sessions: %w", err)
	}
	defer rows.Close()
	var out []Session
	for rows.Next() {
		var s Session
		var created, seen int64
		if err := rows.Scan(&s.ID, &s.Key, &created, &seen, &s.Address, &s.Agent); err != nil {
			return nil, fmt.Errorf("read session: %w", err)
		}
		s.CreatedAt, s.SeenAt = sqlite.FromMillis(created), sqlite.FromMillis(seen)
		if s.Open(tx.Now) {
			out = append(out, s)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return out, nil
}

// revokeSessions ends sessions of an account: the one with key, or, for key "", all but the one with
// except. It returns how many it ended.
func revokeSessions(ctx context.Context, tx *sqlite.Tx, account int64, key, except string) (int64, error) {
	res, err := tx.ExecContext(ctx, `UPDATE account_sessions SET revoked_at = ?
		WHERE account = ? AND revoked_at = 0 AND (? = '' OR key = ?) AND key <> ?`, sqlite.Millis(tx.Now), account, key, key, except)
	if err != nil {
		return 0, fmt.Errorf("revoke sessions: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("count revoked sessions: %w", err)
	}
	return n, nil
}

// Sweep removes sessions that ended more than 30 days ago; they hold addresses of persons. It is part of
// the nightly pass and returns how many it removed.
func (s *Service) Sweep(ctx context.Context, tx *sqlite.Tx) (int64, error) {
	res, err := tx.ExecContext(ctx, `DELETE FROM account_sessions WHERE seen_at < ?`, sqlite.Millis(tx.Now.Add(-30*24*time.Hour)))
	if err != nil {
		return 0, fmt.Errorf("sweep sessions: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("count swept sessions: %w", err)
	}
	return n, nil
}
