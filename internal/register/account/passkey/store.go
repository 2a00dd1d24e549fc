package passkey

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func credentialID(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// Insert stores a new passkey of an account; problem code conflict when somebody holds it already.
func Insert(ctx context.Context, tx *sqlite.Tx, k *Passkey) error {
	record, err := json.Marshal(k.record)
	if err != nil {
		return fmt.Errorf("write the passkey: %w", err)
	}
	k.Key, k.CreatedAt = tx.NewKey(), tx.Now
	res, err := tx.ExecContext(ctx, `INSERT INTO account_passkeys (key, account, credential_id, credential, party, name, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (credential_id) DO NOTHING`,
		k.Key, k.Account, credentialID(k.record.ID), string(record), k.Party, k.Name, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("store the passkey: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("count stored passkeys: %w", err)
	}
	if n == 0 {
		return problem.Conflict("signin.passkey.known")
	}
	return nil
}

// Of lists the passkeys of an account, oldest first.
func Of(ctx context.Context, tx *sqlite.Tx, account int64) ([]Passkey, error) {
	return list(ctx, tx, `account = ?`, account)
}

// ByCredential returns the passkey that an answer names; problem code invalid.
func ByCredential(ctx context.Context, tx *sqlite.Tx, credential string) (Passkey, error) {
	found, err := list(ctx, tx, `credential_id = ?`, credential)
	if err != nil {
		return Passkey{}, err
	}
	if len(found) == 0 {
		return Passkey{}, problem.Invalid("", "signin.passkey.unknown")
	}
	return found[0], nil
}

func list(ctx context.Context, tx *sqlite.Tx, where string, args ...any) ([]Passkey, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, key, account, credential, party, name, created_at, used_at FROM account_passkeys WHERE `+where+` ORDER BY id`, args...)
	if err != nil {
		return nil, fmt.Errorf("query passkeys: %w", err)
	}
	defer rows.Close()
	var out []Passkey
	for rows.Next() {
		var k Passkey
		var record string
		var created, used int64
		if err := rows.Scan(&k.ID, &k.Key, &k.Account, &record, &k.Party, &k.Name, &created, &used); err != nil {
			return nil, fmt.Errorf("read passkey: %w", err)
		}
		if err := json.Unmarshal([]byte(record), &k.record); err != nil {
			return nil, fmt.Errorf("read passkey %s: %w", k.Key, err)
		}
		k.CreatedAt, k.UsedAt = sqlite.FromMillis(created), sqlite.FromMillis(used)
		out = append(out, k)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list passkeys: %w", err)
	}
	return out, nil
}

// Used stores a passkey after it opened: its counter has moved.
func Used(ctx context.Context, tx *sqlite.Tx, k Passkey) error {
	record, err := json.Marshal(k.record)
	if err != nil {
		return fmt.Errorf("write the passkey: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE account_passkeys SET credential = ?, used_at = ? WHERE id = ?`, string(record), sqlite.Millis(tx.Now), k.ID); err != nil {
		return fmt.Errorf("note the passkey's use: %w", err)
	}
	return nil
}

// Remove forgets a passkey of an account, or all of them for key "", and returns how many there were.
func Remove(ctx context.Context, tx *sqlite.Tx, account int64, key string) (int64, error) {
	res, err := tx.ExecContext(ctx, `DELETE FROM account_passkeys WHERE account = ? AND (key = ? OR ? = '')`, account, key, key)
	if err != nil {
		return 0, fmt.Errorf("remove passkeys: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("count removed passkeys: %w", err)
	}
	return n, nil
}
