package session

import (
	"context"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

// All lists every session of an account that is still in the table, also ended ones, newest first.
func All(ctx context.Context, tx *sqlite.Tx, account int64) ([]Session, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+columns+` FROM account_sessions WHERE account = ? ORDER BY id DESC`, account)
	if err != nil {
		return nil, fmt.Errorf("query all sessions: %w", err)
	}
	defer rows.Close()
	var out []Session
	for rows.Next() {
		s, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// Erase removes every session of an account and returns how many there were.
func Erase(ctx context.Context, tx *sqlite.Tx, account int64) (int, error) {
	res, err := tx.ExecContext(ctx, `DELETE FROM account_sessions WHERE account = ?`, account)
	if err != nil {
		return 0, fmt.Errorf("erase sessions: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("count erased sessions: %w", err)
	}
	return int(n), nil
}
