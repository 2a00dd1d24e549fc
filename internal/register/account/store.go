package account

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// One query gives an account with its sets, because every request asks for one.
const accountQuery = `SELECT a.id, a.key, a.login, a.name, a.person, a.status = 'disabled', a.ends_on, a.password, a.password_at,
	a.created_at, a.signed_in_at, a.version,
	coalesce((SELECT group_concat(role, ' ') FROM account_roles r WHERE r.account = a.id), ''),
	coalesce((SELECT group_concat(department, ' ') FROM account_scopes s WHERE s.account = a.id), '')
	FROM account_accounts a `

// stored is an account with its password as stored.
type stored struct {
	Account
	password string
}

func listAccounts(ctx context.Context, tx *sqlite.Tx, where string, args ...any) ([]stored, error) {
	rows, err := tx.QueryContext(ctx, accountQuery+where, args...)
	if err != nil {
		return nil, fmt.Errorf("query accounts: %w", err)
	}
	defer rows.Close()
	var out []stored
	for rows.Next() {
		a, err := scanAccount(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	return out, nil
}

func scanAccount(rows *sql.Rows) (stored, error) {
	var a stored
	var passwordAt, created, signedIn int64
	var roles, scope string
	err := rows.Scan(&a.ID, &a.Key, &a.Login, &a.Name, &a.Person, &a.Disabled, &a.Ends, &a.password, &passwordAt,
		&created, &signedIn, &a.Version, &roles, &scope)
	if err != nil {
		return a, fmt.Errorf("read account: %w", err)
	}
	a.PasswordAt, a.CreatedAt, a.SignedInAt = sqlite.FromMillis(passwordAt), sqlite.FromMillis(created), sqlite.FromMillis(signedIn)
	a.HasPassword = a.password != ""
	for r := range strings.FieldsSeq(roles) {
		a.Roles = append(a.Roles, actor.Role(r))
	}
	a.Scope = strings.Fields(scope)
	p := a.profile().tidy()
	a.Roles, a.Scope = p.Roles, p.Scope
	return a, nil
}

// one returns the single account; problem code not_found.
func one(found []stored, err error) (stored, error) {
	if err != nil {
		return stored{}, err
	}
	if len(found) == 0 {
		return stored{}, problem.NotFound("account.not_found")
	}
	return found[0], nil
}

func accountByKey(ctx context.Context, tx *sqlite.Tx, key string) (stored, error) {
	return one(listAccounts(ctx, tx, `WHERE a.key = ?`, key))
}

func accountByID(ctx context.Context, tx *sqlite.Tx, id int64) (stored, error) {
	return one(listAccounts(ctx, tx, `WHERE a.id = ?`, id))
}

func accountByLogin(ctx context.Context, tx *sqlite.Tx, login string) (stored, error) {
	return one(listAccounts(ctx, tx, `WHERE a.login = ?`, login))
}

func countAccounts(ctx context.Context, tx *sqlite.Tx) (int, error) {
	var n int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM account_accounts`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count accounts: %w", err)
	}
	return n, nil
}

// otherAdmins counts the administrators besides one account who could sign in today.
func otherAdmins(ctx context.Context, tx *sqlite.Tx, account int64) (int, error) {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM account_accounts a JOIN account_roles r ON r.account = a.id
		WHERE r.role = 'admin' AND a.status = 'active' AND a.password <> '' AND a.id <> ?`, account).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count administrators: %w", err)
	}
	return n, nil
}

// insertAccount adds a and sets its row number.
func insertAccount(ctx context.Context, tx *sqlite.Tx, a *stored) error {
	passwordAt := int64(0)
	if a.password != "" {
		passwordAt = sqlite.Millis(tx.Now)
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO account_accounts (key, login, name, person, ends_on, password, password_at, created_at, version)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT (login) DO NOTHING`,
		a.Key, a.Login, a.Name, a.Person, a.Ends, a.password, passwordAt, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("insert account: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("count inserted accounts: %w", err)
	}
	if n == 0 {
		return problem.Invalid("login", "account.login_taken", "login", a.Login)
	}
	if a.ID, err = res.LastInsertId(); err != nil {
		return fmt.Errorf("number account: %w", err)
	}
	a.Version = 1
	return putSets(ctx, tx, a.Account)
}

// updateAccount stores the profile over version; problem code conflict when somebody was faster.
func updateAccount(ctx context.Context, tx *sqlite.Tx, a Account, version int64) error {
	status := "active"
	if a.Disabled {
		status = "disabled"
	}
	res, err := tx.ExecContext(ctx, `UPDATE account_accounts SET name = ?, person = ?, ends_on = ?, status = ?, version = version + 1
		WHERE id = ? AND version = ?`, a.Name, a.Person, a.Ends, status, a.ID, version)
	if err != nil {
		return fmt.Errorf("update account: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("count updated accounts: %w", err)
	}
	if n == 0 {
		return problem.Conflict("account.changed_meanwhile")
	}
	return putSets(ctx, tx, a)
}

func putSets(ctx context.Context, tx *sqlite.Tx, a Account) error {
	for _, table := range []string{"account_roles", "account_scopes"} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE account = ?`, a.ID); err != nil {
			return fmt.Errorf("clear %s: %w", table, err)
		}
	}
	for _, r := range a.Roles {
		if _, err := tx.ExecContext(ctx, `INSERT INTO account_roles (account, role) VALUES (?, ?)`, a.ID, r); err != nil {
			return fmt.Errorf("give role: %w", err)
		}
	}
	for _, d := range a.Scope {
		if _, err := tx.ExecContext(ctx, `INSERT INTO account_scopes (account, department) VALUES (?, ?)`, a.ID, d); err != nil {
			return fmt.Errorf("give department: %w", err)
		}
	}
	return nil
}

// putPassword stores a hash; a rehash of the same password keeps the day of the last change.
func putPassword(ctx context.Context, tx *sqlite.Tx, account int64, hash string, changed bool) error {
	_, err := tx.ExecContext(ctx, `UPDATE account_accounts SET password = ?, password_at = CASE WHEN ? THEN ? ELSE password_at END WHERE id = ?`,
		hash, changed, sqlite.Millis(tx.Now), account)
	if err != nil {
		return fmt.Errorf("store password: %w", err)
	}
	return nil
}

func noteSignIn(ctx context.Context, tx *sqlite.Tx, account int64) error {
	if _, err := tx.ExecContext(ctx, `UPDATE account_accounts SET signed_in_at = ? WHERE id = ?`, sqlite.Millis(tx.Now), account); err != nil {
		return fmt.Errorf("note sign-in: %w", err)
	}
	return nil
}
