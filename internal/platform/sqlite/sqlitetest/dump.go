package sqlitetest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

// Dump writes every table as text, one sorted line a row, by table: two databases with the same dump hold the same.
func Dump(t testing.TB, db *sqlite.DB) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := db.Read(t.Context(), func(tx *sqlite.Tx) error {
		var tables []string
		rows, err := tx.QueryContext(t.Context(), `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`)
		if err != nil {
			return err
		}
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			tables = append(tables, name)
		}
		if err := rows.Close(); err != nil {
			return err
		}
		for _, name := range tables {
			if out[name], err = dumpTable(t.Context(), tx, name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func dumpTable(ctx context.Context, tx *sqlite.Tx, name string) ([]string, error) {
	lines := []string{}
	rows, err := tx.QueryContext(ctx, `SELECT * FROM "`+name+`"`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		lines = append(lines, fmt.Sprintf("%q", values))
	}
	slices.Sort(lines)
	return lines, rows.Err()
}
