package roster

import (
	"context"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

// findConfirmations returns the confirmations, newest first.
func findConfirmations(ctx context.Context, tx *sqlite.Tx) ([]Confirmation, error) {
	rows, err := tx.QueryContext(ctx, `SELECT key, confirmed_on, note, people, blanks, attachment, confirmed_by
		FROM people_confirmations ORDER BY id DESC`)
	if err != nil {
		return nil, fmt.Errorf("list confirmations: %w", err)
	}
	defer rows.Close()
	var out []Confirmation
	for rows.Next() {
		var c Confirmation
		if err := rows.Scan(&c.Key, &c.On, &c.Note, &c.People, &c.Blanks, &c.Attachment, &c.By); err != nil {
			return nil, fmt.Errorf("read confirmation: %w", err)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

func insertConfirmation(ctx context.Context, tx *sqlite.Tx, c Confirmation) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO people_confirmations (key, confirmed_on, note, people, blanks, attachment, confirmed_by, recorded_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, c.Key, c.On, c.Note, c.People, c.Blanks, c.Attachment, c.By, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("add confirmation: %w", err)
	}
	return nil
}

// changedSince lists keys of people by what was recorded about them after the last confirmation.
type changedSince struct{ added, left, moved, changed []string }

func findChanged(ctx context.Context, tx *sqlite.Tx) (changedSince, error) {
	var since int64
	var c changedSince
	err := tx.QueryRowContext(ctx, `SELECT coalesce(max(recorded_at), 0) FROM people_confirmations`).Scan(&since)
	if err != nil {
		return c, fmt.Errorf("look up last confirmation: %w", err)
	}
	rows, err := tx.QueryContext(ctx, `SELECT key, created_at > ?1, left_at > ?1,
			EXISTS (SELECT 1 FROM people_moves m WHERE m.person = people_persons.key AND m.recorded_at > ?1)
		FROM people_persons WHERE updated_at > ?1 ORDER BY sort_key, id`, since)
	if err != nil {
		return c, fmt.Errorf("list changed people: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var added, left, moved bool
		if err := rows.Scan(&key, &added, &left, &moved); err != nil {
			return c, fmt.Errorf("read changed person: %w", err)
		}
		switch {
		case left:
			c.left = append(c.left, key)
		case added:
			c.added = append(c.added, key)
		case moved:
			c.moved = append(c.moved, key)
		default:
			c.changed = append(c.changed, key)
		}
	}
	return c, rows.Err()
}

// rosterMark changes whenever anybody on the list does: a confirmation says which state it confirms.
func rosterMark(ctx context.Context, tx *sqlite.Tx) (string, error) {
	var mark string
	err := tx.QueryRowContext(ctx, `SELECT count(*) || '.' || coalesce(sum(version), 0) || '.' || coalesce(max(updated_at), 0) || '.' ||
		(SELECT count(*) || '.' || coalesce(max(recorded_at), 0) FROM people_exclusions) FROM people_persons`).Scan(&mark)
	if err != nil {
		return "", fmt.Errorf("mark roster: %w", err)
	}
	return mark, nil
}
