package forget

import (
	"context"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/personal"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// signInData lists what an account keeps to recognise its owner: places, passkeys, names at the company's provider.
func signInData(ctx context.Context, tx *sqlite.Tx, account int64) ([]personal.Value, error) {
	rows, err := tx.QueryContext(ctx, `SELECT value, seen_at FROM account_places WHERE account = ?1
		UNION ALL SELECT name, created_at FROM account_passkeys WHERE account = ?1
		UNION ALL SELECT issuer || ' ' || subject, linked_at FROM account_sso_links WHERE account = ?1
		UNION ALL SELECT identifier, set_at FROM account_sso_expected WHERE account = ?1`, account)
	if err != nil {
		return nil, fmt.Errorf("query what an account is recognised by: %w", err)
	}
	defer rows.Close()
	var out []personal.Value
	for rows.Next() {
		var v personal.Value
		var at int64
		if err := rows.Scan(&v.Text, &at); err != nil {
			return nil, fmt.Errorf("read what an account is recognised by: %w", err)
		}
		v.On = jdate.Of(sqlite.FromMillis(at))
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list what an account is recognised by: %w", err)
	}
	return out, nil
}

// eraseAccount closes an account and writes its new login and name; password, roles and scope go.
func eraseAccount(ctx context.Context, tx *sqlite.Tx, a account.Account) error {
	_, err := tx.ExecContext(ctx, `UPDATE account_accounts SET login = ?, name = ?, status = 'disabled', ends_on = '', password = '', password_at = 0,
		signed_in_at = 0, version = version + 1 WHERE id = ?`, a.Login, a.Name, a.ID)
	if err != nil {
		return fmt.Errorf("erase account: %w", err)
	}
	for _, text := range []string{
		`DELETE FROM account_roles WHERE account = ?`, `DELETE FROM account_scopes WHERE account = ?`,
		`DELETE FROM account_places WHERE account = ?`, `DELETE FROM account_totp WHERE account = ?`, `DELETE FROM account_recovery WHERE account = ?`,
		`DELETE FROM account_passkeys WHERE account = ?`, `DELETE FROM account_waiting WHERE account = ?`,
		`DELETE FROM account_sso_links WHERE account = ?`, `DELETE FROM account_sso_expected WHERE account = ?`,
	} {
		if _, err := tx.ExecContext(ctx, text, a.ID); err != nil {
			return fmt.Errorf("take rights of an erased account: %w", err)
		}
	}
	return nil
}
