package policy

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/personal"
)

// notifiedOf lists the documents that a person was told of, oldest first.
func notifiedOf(ctx context.Context, tx *sqlite.Tx, person string) ([]personal.Value, error) {
	rows, err := tx.QueryContext(ctx, `SELECT d.title, p.on_day FROM policy_notified p JOIN policy_notices n ON n.id = p.notice
		JOIN policy_documents d ON d.id = n.document WHERE p.person = ? ORDER BY p.on_day, n.id`, person)
	if err != nil {
		return nil, fmt.Errorf("query notices of a person: %w", err)
	}
	defer rows.Close()
	var out []personal.Value
	for rows.Next() {
		var v personal.Value
		if err := rows.Scan(&v.Text, &v.On); err != nil {
			return nil, fmt.Errorf("read notice of a person: %w", err)
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// countActed counts editions, reviews, checks and documents that name the person.
func countActed(ctx context.Context, tx *sqlite.Tx, who personal.Subject) (n int, err error) {
	list, err := json.Marshal(who.Actors())
	if err != nil {
		return 0, fmt.Errorf("list names of a person: %w", err)
	}
	err = tx.QueryRowContext(ctx, `WITH who AS (SELECT value FROM json_each(?))
		SELECT (SELECT count(*) FROM policy_versions WHERE author IN who OR approver IN who OR taken_in_by IN who)
		+ (SELECT count(*) FROM policy_documents WHERE owner IN who) + (SELECT count(*) FROM policy_reviews WHERE by_person IN who)
		+ (SELECT count(*) FROM policy_checks WHERE by_person IN who)`, string(list)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count acts of a person: %w", err)
	}
	return n, nil
}
