package dossier

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// erasePerson writes p, emptied, and forgets the notes about absences; it returns how many notes.
func erasePerson(ctx context.Context, tx *sqlite.Tx, p people.Person) (int, error) {
	_, err := tx.ExecContext(ctx, `UPDATE people_persons SET employee_no = '', family_name = '', given_name = '', family_kana = '', given_kana = '',
		display_name = ?, email = '', sort_key = ?, search_key = ?, erased_on = ?, version = version + 1, updated_at = ? WHERE key = ?`,
		p.DisplayName, p.SortKey(), p.SearchKey(), jdate.Of(tx.Now), sqlite.Millis(tx.Now), p.Key)
	if err != nil {
		return 0, fmt.Errorf("erase person: %w", err)
	}
	res, err := tx.ExecContext(ctx, `UPDATE people_exclusions SET note = '' WHERE person = ? AND note <> ''`, p.Key)
	if err != nil {
		return 0, fmt.Errorf("erase notes of absences: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("count erased notes: %w", err)
	}
	return int(n), nil
}

// countConfirmed counts the yearly confirmations by any of the actors.
func countConfirmed(ctx context.Context, tx *sqlite.Tx, actors []string) (int, error) {
	list, err := json.Marshal(actors)
	if err != nil {
		return 0, fmt.Errorf("list actors: %w", err)
	}
	var n int
	err = tx.QueryRowContext(ctx, `SELECT count(*) FROM people_confirmations WHERE confirmed_by IN (SELECT value FROM json_each(?))`, string(list)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count confirmations of a person: %w", err)
	}
	return n, nil
}
