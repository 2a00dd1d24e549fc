package sqlite

import (
	"context"
	"fmt"
)

// Dangling counts the rows of a table whose column holds a key that no row of target has; empty is none. The names,
// here and below, are those of the program, never of a person.
func Dangling(ctx context.Context, tx *Tx, table, column, target string) (int, error) {
	return countDangling(ctx, tx, table+"."+column,
		`SELECT count(*) FROM `+table+` AS t WHERE t.`+column+` <> '' AND NOT EXISTS (SELECT 1 FROM `+target+` AS o WHERE o.key = t.`+column+`)`)
}

// DanglingRecords counts the rows whose column names a record as prefix/key that no row of target has. Longer names
// that begin alike (prefix/other/key) are other records. table may be a query in brackets.
func DanglingRecords(ctx context.Context, tx *Tx, table, column, prefix, target string) (int, error) {
	return countDangling(ctx, tx, prefix,
		`SELECT count(*) FROM (SELECT substr(t.`+column+`, length(?1) + 2) AS key FROM `+table+` AS t WHERE substr(t.`+column+`, 1, length(?1) + 1) = ?1 || '/') AS t
		WHERE instr(t.key, '/') = 0 AND NOT EXISTS (SELECT 1 FROM `+target+` AS o WHERE o.key = t.key)`, prefix)
}

// DanglingLists counts the row numbers in a column of JSON lists that target does not have; a list that cannot be
// read counts as one.
func DanglingLists(ctx context.Context, tx *Tx, table, column, target string) (int, error) {
	lost, err := countDangling(ctx, tx, table+"."+column,
		`SELECT count(*) FROM `+table+` AS t, json_each(iif(json_valid(t.`+column+`), t.`+column+`, '[]')) AS j
		WHERE NOT EXISTS (SELECT 1 FROM `+target+` AS o WHERE o.id = j.value)`)
	if err != nil {
		return 0, err
	}
	unreadable, err := countDangling(ctx, tx, table+"."+column, `SELECT count(*) FROM `+table+` AS t WHERE NOT json_valid(t.`+column+`)`)
	return lost + unreadable, err
}

func countDangling(ctx context.Context, tx *Tx, what, query string, args ...any) (n int, err error) {
	if err := tx.QueryRowContext(ctx, query, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("look for broken links of %s: %w", what, err)
	}
	return n, nil
}
