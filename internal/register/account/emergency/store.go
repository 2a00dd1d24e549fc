package emergency

import (
	"context"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

const columns = `key, account, person, role, reason, taken_at, until_at, ended_at, ended_by, reviewed_at, reviewed_by, note`

func insert(ctx context.Context, tx *sqlite.Tx, u Use) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO emergency_uses (key, account, person, role, reason, taken_at, until_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		u.Key, u.Account, u.Person, u.Role, u.Reason, sqlite.Millis(u.TakenAt), sqlite.Millis(u.Until))
	if err != nil {
		return fmt.Errorf("keep use of a role for an emergency: %w", err)
	}
	return nil
}

// find lists uses, newest first.
func find(ctx context.Context, tx *sqlite.Tx, where string, args ...any) ([]Use, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+columns+` FROM emergency_uses WHERE `+where+` ORDER BY id DESC`, args...)
	if err != nil {
		return nil, fmt.Errorf("query uses of roles for an emergency: %w", err)
	}
	defer rows.Close()
	var out []Use
	for rows.Next() {
		var u Use
		var taken, until, ended, reviewed int64
		if err := rows.Scan(&u.Key, &u.Account, &u.Person, &u.Role, &u.Reason, &taken, &until, &ended, &u.EndedBy, &reviewed, &u.ReviewedBy, &u.Note); err != nil {
			return nil, fmt.Errorf("read use of a role for an emergency: %w", err)
		}
		u.TakenAt, u.Until, u.EndedAt, u.ReviewedAt = sqlite.FromMillis(taken), sqlite.FromMillis(until), sqlite.FromMillis(ended), sqlite.FromMillis(reviewed)
		out = append(out, u)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list uses of roles for an emergency: %w", err)
	}
	return out, nil
}

// byKey returns one use; problem code not_found.
func byKey(ctx context.Context, tx *sqlite.Tx, key string) (Use, error) {
	found, err := find(ctx, tx, `key = ?`, key)
	if err != nil {
		return Use{}, err
	}
	if len(found) == 0 {
		return Use{}, problem.NotFound("emergency.not_found")
	}
	return found[0], nil
}

// openOf lists what an account has open at a time.
func openOf(ctx context.Context, tx *sqlite.Tx, account string, now time.Time) ([]Use, error) {
	return find(ctx, tx, `account = ? AND ended_at = 0 AND until_at > ?`, account, sqlite.Millis(now))
}

func putEnd(ctx context.Context, tx *sqlite.Tx, key, by string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE emergency_uses SET ended_at = ?, ended_by = ? WHERE key = ?`, sqlite.Millis(tx.Now), by, key); err != nil {
		return fmt.Errorf("end use of a role for an emergency: %w", err)
	}
	return nil
}

func putReview(ctx context.Context, tx *sqlite.Tx, key, by, note string) error {
	_, err := tx.ExecContext(ctx, `UPDATE emergency_uses SET reviewed_at = ?, reviewed_by = ?, note = ? WHERE key = ?`, sqlite.Millis(tx.Now), by, note, key)
	if err != nil {
		return fmt.Errorf("review use of a role for an emergency: %w", err)
	}
	return nil
}

func readSetting(ctx context.Context, tx *sqlite.Tx) (s Setting, err error) {
	if err := tx.QueryRowContext(ctx, `SELECT who, version FROM emergency_setting`).Scan(&s.Who, &s.Version); err != nil {
		return s, fmt.Errorf("read who may take a role for an emergency: %w", err)
	}
	rows, err := tx.QueryContext(ctx, `SELECT account FROM emergency_named ORDER BY account`)
	if err != nil {
		return s, fmt.Errorf("query who may take a role for an emergency: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return s, fmt.Errorf("read who may take a role for an emergency: %w", err)
		}
		s.Named = append(s.Named, key)
	}
	if err := rows.Err(); err != nil {
		return s, fmt.Errorf("list who may take a role for an emergency: %w", err)
	}
	return s, nil
}

// putSetting stores a setting over its version; problem code conflict when somebody was faster.
func putSetting(ctx context.Context, tx *sqlite.Tx, s Setting) error {
	res, err := tx.ExecContext(ctx, `UPDATE emergency_setting SET who = ?, version = version + 1 WHERE version = ?`, s.Who, s.Version)
	if err != nil {
		return fmt.Errorf("keep who may take a role for an emergency: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("count kept settings: %w", err)
	}
	if n == 0 {
		return problem.Conflict("emergency.changed_meanwhile")
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM emergency_named`); err != nil {
		return fmt.Errorf("clear who may take a role for an emergency: %w", err)
	}
	for _, key := range s.Named {
		if _, err := tx.ExecContext(ctx, `INSERT INTO emergency_named (account) VALUES (?)`, key); err != nil {
			return fmt.Errorf("name who may take a role for an emergency: %w", err)
		}
	}
	return nil
}
