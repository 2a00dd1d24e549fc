package training

import (
	"context"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/personal"
)

// attendedBy lists the sessions of a person, oldest first.
func attendedBy(ctx context.Context, tx *sqlite.Tx, person string) ([]personal.Value, error) {
	rows, err := tx.QueryContext(ctx, `SELECT s.title, a.on_day FROM training_attendance a JOIN training_sessions s ON s.id = a.session
		WHERE a.person = ? ORDER BY a.on_day, s.id`, person)
	if err != nil {
		return nil, fmt.Errorf("query sessions of a person: %w", err)
	}
	defer rows.Close()
	var out []personal.Value
	for rows.Next() {
		var v personal.Value
		if err := rows.Scan(&v.Text, &v.On); err != nil {
			return nil, fmt.Errorf("read session of a person: %w", err)
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

func countReflections(ctx context.Context, tx *sqlite.Tx, person string) (n int, err error) {
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM training_reflections WHERE by_person = ?`, person).Scan(&n); err != nil {
		return 0, fmt.Errorf("count reflections of a person: %w", err)
	}
	return n, nil
}
