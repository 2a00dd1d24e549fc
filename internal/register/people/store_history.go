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

// anybody says whether the list has any person at all.
func anybody(ctx context.Context, tx *sqlite.Tx) (bool, error) {
	var yes bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM people_persons)`).Scan(&yes); err != nil {
		return false, fmt.Errorf("count people: %w", err)
	}
	return yes, nil
}
