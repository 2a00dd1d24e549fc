package setup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

func putToken(ctx context.Context, tx *sqlite.Tx, hash string) error {
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO account_setup (id, token_hash, created_at) VALUES (1, ?, ?)`, hash, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("store set-up token: %w", err)
	}
	return nil
}

// tokenHash is the hash of the present set-up token, "" for none.
func tokenHash(ctx context.Context, tx *sqlite.Tx) (string, error) {
	var hash string
	err := tx.QueryRowContext(ctx, `SELECT token_hash FROM account_setup`).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read set-up token: %w", err)
	}
	return hash, nil
}

func dropToken(ctx context.Context, tx *sqlite.Tx) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM account_setup`); err != nil {
		return fmt.Errorf("end set-up: %w", err)
	}
	return nil
}
