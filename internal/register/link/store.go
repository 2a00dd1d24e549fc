package link

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

const columns = `key, purpose, subject, person, created_at, created_by, expires_at, used_at, revoked_at`

// Create makes a link, by the actor in ctx. The token is given this once and cannot be had again; a
// person who lost it gets a new link. A purpose or subject that is missing, or Days out of range, is a
// programmer's mistake and an internal error.
func Create(ctx context.Context, tx *sqlite.Tx, n New) (token string, l Link, err error) {
	if n.Purpose == "" || n.Subject == "" || n.Days < 1 || n.Days > MaxDays {
		return "", Link{}, fmt.Errorf("create link for %q about %q: %d days", n.Purpose, n.Subject, n.Days)
	}
	token = newToken()
	l = Link{
		Key: tx.NewKey(), Purpose: n.Purpose, Subject: n.Subject, Person: n.Person, CreatedAt: tx.Now,
		CreatedBy: actor.From(ctx).ID(), ExpiresAt: tx.Now.Add(time.Duration(n.Days) * 24 * time.Hour),
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO link_links (token_hash, `+columns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0)`,
		hashOf(token), l.Key, l.Purpose, l.Subject, l.Person, sqlite.Millis(l.CreatedAt), l.CreatedBy, sqlite.Millis(l.ExpiresAt))
	if err != nil {
		return "", Link{}, fmt.Errorf("keep link: %w", err)
	}
	err = audit.Record(ctx, tx, "link.created", "link/"+l.Key, audit.Image{
		"purpose": l.Purpose, "subject": l.Subject, "person": l.Person, "expires_at": sqlite.Millis(l.ExpiresAt),
	})
	if err != nil {
		return "", Link{}, err
	}
	return token, l, nil
}

// Resolve returns the link behind a token that opens for this purpose. Otherwise problem code
// unauthenticated: link.unknown (also for another purpose), link.revoked, link.used or link.expired.
func Resolve(ctx context.Context, tx *sqlite.Tx, token, purpose string) (Link, error) {
	found, err := list(ctx, tx, `WHERE token_hash = ? AND purpose = ?`, hashOf(token), purpose)
	if err != nil {
		return Link{}, err
	}
	if len(found) == 0 {
		return Link{}, problem.Unauthenticated("link.unknown")
	}
	return found[0], found[0].closed(tx.Now)
}

// closed says why the link does not open, nil when it does.
func (l Link) closed(now time.Time) error {
	switch {
	case l.Open(now):
		return nil
	case !l.RevokedAt.IsZero():
		return problem.Unauthenticated("link.revoked")
	case !l.UsedAt.IsZero():
		return problem.Unauthenticated("link.used")
	default:
		return problem.Unauthenticated("link.expired", "at", l.ExpiresAt)
	}
}

// Use uses the link up, in the transaction of the act it was for. Of two acts at the same moment the
// second gets problem code unauthenticated.
func Use(ctx context.Context, tx *sqlite.Tx, l Link) error {
	if err := end(ctx, tx, "used_at", l.Key); err != nil {
		return err
	}
	return audit.Record(ctx, tx, "link.used", "link/"+l.Key, audit.Image{"purpose": l.Purpose, "subject": l.Subject})
}

// Revoke closes a link for good. One that does not open any more stays as it is; an unknown key is
// problem code not_found.
func Revoke(ctx context.Context, tx *sqlite.Tx, key string) error {
	found, err := list(ctx, tx, `WHERE key = ?`, key)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return problem.NotFound("link.not_found")
	}
	l := found[0]
	if !l.Open(tx.Now) {
		return nil
	}
	if err := end(ctx, tx, "revoked_at", key); err != nil {
		return err
	}
	return audit.Record(ctx, tx, "link.revoked", "link/"+key, audit.Image{"purpose": l.Purpose, "subject": l.Subject})
}

// RevokeAll closes every open link of a purpose about a subject, e.g. before a new one is given out.
func RevokeAll(ctx context.Context, tx *sqlite.Tx, purpose, subject string) error {
	all, err := Of(ctx, tx, subject)
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.Purpose == purpose {
			if err := Revoke(ctx, tx, l.Key); err != nil {
				return err
			}
		}
	}
	return nil
}

// end sets the column on a link that still opens; column is one of ours.
func end(ctx context.Context, tx *sqlite.Tx, column, key string) error {
	now := sqlite.Millis(tx.Now)
	res, err := tx.ExecContext(ctx, `UPDATE link_links SET `+column+` = ? WHERE key = ? AND used_at = 0 AND revoked_at = 0 AND expires_at > ?`, now, key, now)
	if err != nil {
		return fmt.Errorf("close link: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("count closed links: %w", err)
	}
	if n == 1 {
		return nil
	}
	found, err := list(ctx, tx, `WHERE key = ?`, key)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return problem.Unauthenticated("link.unknown")
	}
	if err := found[0].closed(tx.Now); err != nil {
		return err
	}
	return errors.New("close link: it opens but cannot be closed")
}

// Of lists the links about a subject, newest first.
func Of(ctx context.Context, tx *sqlite.Tx, subject string) ([]Link, error) {
	return list(ctx, tx, `WHERE subject = ? ORDER BY id DESC`, subject)
}

func list(ctx context.Context, tx *sqlite.Tx, where string, args ...any) ([]Link, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+columns+` FROM link_links `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("query links: %w", err)
	}
	defer rows.Close()
	var out []Link
	for rows.Next() {
		var l Link
		var created, expires, used, revoked int64
		if err := rows.Scan(&l.Key, &l.Purpose, &l.Subject, &l.Person, &created, &l.CreatedBy, &expires, &used, &revoked); err != nil {
			return nil, fmt.Errorf("read link: %w", err)
		}
		l.CreatedAt, l.ExpiresAt = sqlite.FromMillis(created), sqlite.FromMillis(expires)
		l.UsedAt, l.RevokedAt = sqlite.FromMillis(used), sqlite.FromMillis(revoked)
		out = append(out, l)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	return out, nil
}
