package factor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// A sign-in waits for its second step this long, and for so many wrong codes.
const (
	WaitLife = 5 * time.Minute
	MaxTries = 5
)

// Waiting is a sign-in whose password was right.
type Waiting struct {
	ID      int64
	Account int64 // row number
	Tries   int   // wrong codes so far
}

// Wait keeps a sign-in for its second step and returns its token, given this once. Those that are over go.
func Wait(ctx context.Context, tx *sqlite.Tx, account int64) (token string, err error) {
	now := sqlite.Millis(tx.Now)
	if _, err := tx.ExecContext(ctx, `DELETE FROM account_waiting WHERE created_at < ? OR created_at > ?`, now-WaitLife.Milliseconds(), now); err != nil {
		return "", fmt.Errorf("sweep waiting sign-ins: %w", err)
	}
	token = session.NewToken()
	if _, err := tx.ExecContext(ctx, `INSERT INTO account_waiting (account, token_hash, created_at) VALUES (?, ?, ?)`, account, session.HashOf(token), now); err != nil {
		return "", fmt.Errorf("keep a sign-in waiting: %w", err)
	}
	return token, nil
}

// WaitingBy returns the sign-in of a token while it waits; problem code unauthenticated.
func WaitingBy(ctx context.Context, tx *sqlite.Tx, token string) (Waiting, error) {
	var w Waiting
	var created int64
	err := tx.QueryRowContext(ctx, `SELECT id, account, created_at, tries FROM account_waiting WHERE token_hash = ?`, session.HashOf(token)).
		Scan(&w.ID, &w.Account, &created, &w.Tries)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Waiting{}, fmt.Errorf("read a waiting sign-in: %w", err)
	}
	age := tx.Now.Sub(sqlite.FromMillis(created))
	if err != nil || age < 0 || age >= WaitLife || w.Tries >= MaxTries {
		return Waiting{}, problem.Unauthenticated("signin.waiting_over")
	}
	return w, nil
}

// Miss notes a wrong code.
func Miss(ctx context.Context, tx *sqlite.Tx, w Waiting) error {
	if _, err := tx.ExecContext(ctx, `UPDATE account_waiting SET tries = tries + 1 WHERE id = ?`, w.ID); err != nil {
		return fmt.Errorf("note a wrong code: %w", err)
	}
	return nil
}

// EndWaiting forgets every sign-in of an account that waits.
func EndWaiting(ctx context.Context, tx *sqlite.Tx, account int64) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM account_waiting WHERE account = ?`, account); err != nil {
		return fmt.Errorf("end waiting sign-ins: %w", err)
	}
	return nil
}
