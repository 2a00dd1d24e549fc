package advice

import (
	"context"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
)

const columns = `key, framework, item, round, text, signed, state, seal, by_actor, at`

func insert(ctx context.Context, tx *sqlite.Tx, a Advice) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO assessment_advice (`+columns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		a.Key, a.Framework, a.Item, a.Round, a.Text, a.Signed, a.State.Stored(), a.Seal, a.By, sqlite.Millis(a.At))
	if err != nil {
		return fmt.Errorf("keep advice: %w", err)
	}
	return nil
}

// find lists advice, newest first; an empty framework or item means all.
func find(ctx context.Context, tx *sqlite.Tx, framework, item string) ([]Advice, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+columns+` FROM assessment_advice
		WHERE (? = '' OR framework = ?) AND (? = '' OR item = ?) ORDER BY id DESC`, framework, framework, item, item)
	if err != nil {
		return nil, fmt.Errorf("query advice: %w", err)
	}
	defer rows.Close()
	var out []Advice
	for rows.Next() {
		var a Advice
		var state string
		var at int64
		if err := rows.Scan(&a.Key, &a.Framework, &a.Item, &a.Round, &a.Text, &a.Signed, &state, &a.Seal, &a.By, &at); err != nil {
			return nil, fmt.Errorf("read advice: %w", err)
		}
		a.State, a.At = verdict.ReadResult(state), sqlite.FromMillis(at)
		out = append(out, a)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list advice: %w", err)
	}
	return out, nil
}
