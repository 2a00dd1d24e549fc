package forget

import (
	"context"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
)

// eraseAccount closes an account and writes its new login and name; password, roles and scope go.
func eraseAccount(ctx context.Context, tx *sqlite.Tx, a account.Account) error {
	_, err := tx.ExecContext(ctx, `UPDATE account_accounts SET login = ?, name = ?, status = 'disabled', ends_on = '', password = '', password_at = 0,
		signed_in_at = 0, version = version + 1 WHERE id = ?`, a.Login, a.Name, a.ID)
	if err != nil {
		return fmt.Errorf("erase account: %w", err)
	}
	for _, text := range []string{`DELETE FROM account_roles WHERE account = ?`, `DELETE FROM account_scopes WHERE account = ?`} {
		if _, err := tx.ExecContext(ctx, text, a.ID); err != nil {
			return fmt.Errorf("take rights of an erased account: %w", err)
		}
	}
	return nil
}
