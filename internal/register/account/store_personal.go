package account

import (
	"context"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

// eraseAccount writes a closed account without login, password and roles over the old one.
func eraseAccount(ctx context.Context, tx *sqlite.Tx, a Account) error {
	_, err := tx.ExecContext(ctx, `UPDATE account_accounts SET login = ?, name = ?, status = 'disabled', ends_on = '', password = '', password_at = 0,
		signed_in_at = 0, version = version + 1 WHERE id = ?`, a.Login, a.Name, a.ID)
	if err != nil {
		return fmt.Errorf("erase account: %w", err)
	}
	return putSets(ctx, tx, a)
}
