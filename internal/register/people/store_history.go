package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// findMoves returns the moves by person, oldest first; person "" means everybody.
func findMoves(ctx context.Context, tx *sqlite.Tx, person string) (map[string][]Move, error) {
	rows, err := tx.QueryContext(ctx, `SELECT key, person, moved_on, from_department, to_department FROM people_moves
		WHERE ? = '' OR person = ? ORDER BY moved_on, id`, person, person)
	if err != nil {
		return nil, fmt.Errorf("list moves: %w", err)
	}
	defer rows.Close()
	out := map[string][]Move{}
	for rows.Next() {
		var m Move
		if err := rows.Scan(&m.Key, &m.Person, &m.On, &m.From, &m.To); err != nil {
			return nil, fmt.Errorf("read move: %w", err)
		}
		out[m.Person] = append(out[m.Person], m)
	}
	return out, rows.Err()
}

func insertMove(ctx context.Context, tx *sqlite.Tx, m Move) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO people_moves (key, person, moved_on, from_department, to_department, recorded_at)
		VALUES (?, ?, ?, ?, ?, ?)`, m.Key, m.Person, m.On, m.From, m.To, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("add move: %w", err)
	}
	return nil
}

func deleteMove(ctx context.Context, tx *sqlite.Tx, key string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM people_moves WHERE key = ?`, key); err != nil {
		return fmt.Errorf("remove move: %w", err)
	}
	return nil
}

// findExclusions returns the exclusions by person, oldest first; person "" means everybody.
func findExclusions(ctx context.Context, tx *sqlite.Tx, person string) (map[string][]Exclusion, error) {
	rows, err := tx.QueryContext(ctx, `SELECT key, person, reason, note, from_on, until_on FROM people_exclusions
		WHERE ? = '' OR person = ? ORDER BY from_on, id`, person, person)
	if err != nil {
		return nil, fmt.Errorf("list exclusions: %w", err)
	}
	defer rows.Close()
	out := map[string][]Exclusion{}
	for rows.Next() {
		var e Exclusion
		if err := rows.Scan(&e.Key, &e.Person, &e.Reason, &e.Note, &e.From, &e.Until); err != nil {
			return nil, fmt.Errorf("read exclusion: %w", err)
		}
		out[e.Person] = append(out[e.Person], e)
	}
	return out, rows.Err()
}

func findExclusion(ctx context.Context, tx *sqlite.Tx, key string) (Exclusion, error) {
	var e Exclusion
	err := tx.QueryRowContext(ctx, `SELECT key, person, reason, note, from_on, until_on FROM people_exclusions WHERE key = ?`, key).
		Scan(&e.Key, &e.Person, &e.Reason, &e.Note, &e.From, &e.Until)
	if errors.Is(err, sql.ErrNoRows) {
		return e, problem.NotFound("people.exclusion.unknown")
	}
	if err != nil {
		return e, fmt.Errorf("read one exclusion: %w", err)
	}
	return e, nil
}

func insertExclusion(ctx context.Context, tx *sqlite.Tx, e Exclusion) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO people_exclusions (key, person, reason, note, from_on, until_on, recorded_at)
		VALUES (?, ?, ?, ?, ?, ?, ?)`, e.Key, e.Person, e.Reason, e.Note, e.From, e.Until, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("add exclusion: %w", err)
	}
	return nil
}

func endExclusion(ctx context.Context, tx *sqlite.Tx, e Exclusion) error {
	text, args := `UPDATE people_exclusions SET until_on = ? WHERE key = ?`, []any{e.Until, e.Key}
	if e.Until.Before(e.From) { // it never began
		text, args = `DELETE FROM people_exclusions WHERE key = ?`, []any{e.Key}
	}
	if _, err := tx.ExecContext(ctx, text, args...); err != nil {
		return fmt.Errorf("end exclusion: %w", err)
	}
	return nil
}

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

// anybody says whether the list has any person at all.
func anybody(ctx context.Context, tx *sqlite.Tx) (bool, error) {
	var yes bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM people_persons)`).Scan(&yes); err != nil {
		return false, fmt.Errorf("count people: %w", err)
	}
	return yes, nil
}
