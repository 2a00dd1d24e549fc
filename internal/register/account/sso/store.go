package sso

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

func settings(ctx context.Context, tx *sqlite.Tx) (Settings, error) {
	var s Settings
	err := tx.QueryRowContext(ctx, `SELECT enabled, issuer, client, secret, label, private, joins, version FROM account_sso WHERE id = 1`).
		Scan(&s.Enabled, &s.Issuer, &s.Client, &s.sealed, &s.Label, &s.Private, &s.Joins, &s.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return Settings{}, nil
	}
	if err != nil {
		return Settings{}, fmt.Errorf("read sign-in by company account: %w", err)
	}
	s.identity = strconv.FormatInt(s.Version, 10)
	return s, nil
}

func putSettings(ctx context.Context, tx *sqlite.Tx, s Settings) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO account_sso (id, enabled, issuer, client, secret, label, private, joins, version, updated_at)
		VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET enabled = excluded.enabled, issuer = excluded.issuer, client = excluded.client, secret = excluded.secret,
			label = excluded.label, private = excluded.private, joins = excluded.joins, version = excluded.version, updated_at = excluded.updated_at`,
		s.Enabled, s.Issuer, s.Client, s.sealed, s.Label, s.Private, s.Joins, s.Version+1, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("store sign-in by company account: %w", err)
	}
	return nil
}

// linkedAccount gives the key of the account that an identity is linked to, "" for none.
func linkedAccount(ctx context.Context, tx *sqlite.Tx, id identity) (string, error) {
	return oneKey(tx.QueryRowContext(ctx, `SELECT a.key FROM account_sso_links l JOIN account_accounts a ON a.id = l.account
		WHERE l.issuer = ? AND l.subject = ?`, id.issuer, id.subject))
}

// expectedAccount gives the key of the account that one of the names was written down for, "" for none.
func expectedAccount(ctx context.Context, tx *sqlite.Tx, names []string) (string, error) {
	args := make([]any, len(names))
	for i, name := range names {
		args[i] = name
	}
	// What is put together is question marks only; the names are arguments
	return oneKey(tx.QueryRowContext(ctx, `SELECT a.key FROM account_sso_expected e JOIN account_accounts a ON a.id = e.account
		WHERE e.identifier IN (`+strings.TrimSuffix(strings.Repeat("?, ", len(names)), ", ")+`) ORDER BY a.id LIMIT 1`, args...))
}

func oneKey(row *sql.Row) (key string, err error) {
	if err = row.Scan(&key); errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find account of the provider: %w", err)
	}
	return key, nil
}

func hasLink(ctx context.Context, tx *sqlite.Tx, account int64, issuer string) (bool, error) {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM account_sso_links WHERE account = ? AND issuer = ?`, account, issuer).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for a link: %w", err)
	}
	return n > 0, nil
}

func putLink(ctx context.Context, tx *sqlite.Tx, account int64, id identity) error {
	now := sqlite.Millis(tx.Now)
	return exec(ctx, tx, "link account", `INSERT INTO account_sso_links (account, issuer, subject, linked_at, used_at) VALUES (?, ?, ?, ?, ?)`,
		account, id.issuer, id.subject, now, now)
}

func touchLink(ctx context.Context, tx *sqlite.Tx, id identity) error {
	return exec(ctx, tx, "note use of link", `UPDATE account_sso_links SET used_at = ? WHERE issuer = ? AND subject = ?`, sqlite.Millis(tx.Now), id.issuer, id.subject)
}

func dropLinks(ctx context.Context, tx *sqlite.Tx, account int64) error {
	return exec(ctx, tx, "unlink account", `DELETE FROM account_sso_links WHERE account = ?`, account)
}

func putExpected(ctx context.Context, tx *sqlite.Tx, account int64, identifier string) error {
	if err := exec(ctx, tx, "forget identifier", `DELETE FROM account_sso_expected WHERE account = ?`, account); err != nil || identifier == "" {
		return err
	}
	return exec(ctx, tx, "note identifier", `INSERT INTO account_sso_expected (account, identifier, set_at) VALUES (?, ?, ?)`, account, identifier, sqlite.Millis(tx.Now))
}

func exec(ctx context.Context, tx *sqlite.Tx, doing, query string, args ...any) error {
	if _, err := tx.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// Linked is one account with what ties it to the provider.
type Linked struct {
	Key, Name, Login string
	Expected         string
	LinkedAt, UsedAt time.Time // zero: not linked
}

// Links lists every account that is in use, by login.
func (s *Service) Links(ctx context.Context, tx *sqlite.Tx) ([]Linked, error) {
	rows, err := tx.QueryContext(ctx, `SELECT a.key, a.name, a.login, coalesce(e.identifier, ''), coalesce(max(l.linked_at), 0), coalesce(max(l.used_at), 0)
		FROM account_accounts a LEFT JOIN account_sso_expected e ON e.account = a.id LEFT JOIN account_sso_links l ON l.account = a.id
		WHERE a.status = 'active' GROUP BY a.id ORDER BY a.login`)
	if err != nil {
		return nil, fmt.Errorf("query links: %w", err)
	}
	defer rows.Close()
	var out []Linked
	for rows.Next() {
		var l Linked
		var linked, used int64
		if err := rows.Scan(&l.Key, &l.Name, &l.Login, &l.Expected, &linked, &used); err != nil {
			return nil, fmt.Errorf("read link: %w", err)
		}
		l.LinkedAt, l.UsedAt = sqlite.FromMillis(linked), sqlite.FromMillis(used)
		out = append(out, l)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	return out, nil
}
