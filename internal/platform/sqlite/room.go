package sqlite

import (
	"context"
	"fmt"
)

// Watch has guard asked before each transaction that writes: its error refuses the act before anything is done.
// full is called when an act found the disk full. Set it before the database is used by others; nil is fine.
func (db *DB) Watch(guard func() error, full func()) { db.guard, db.full = guard, full }

type vitalKey struct{}

// Vital says for the acts under ctx whether they are done even while the guard refuses: signing in to read, and
// out again, takes hardly any room.
func Vital(ctx context.Context, vital bool) context.Context {
	return context.WithValue(ctx, vitalKey{}, vital)
}

// admit asks the guard.
func (db *DB) admit(ctx context.Context) error {
	if vital, _ := ctx.Value(vitalKey{}).(bool); vital || db.guard == nil {
		return nil
	}
	return db.guard()
}

// Dangling counts the rows of a table whose column holds a key that no row of target has; empty is none. The names
// are those of the program, never of a person.
func Dangling(ctx context.Context, tx *Tx, table, column, target string) (n int, err error) {
	err = tx.QueryRowContext(ctx, `SELECT count(*) FROM `+table+` AS t WHERE t.`+column+` <> '' AND NOT EXISTS (SELECT 1 FROM `+target+` AS o WHERE o.key = t.`+column+`)`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("look for broken links of %s.%s: %w", table, column, err)
	}
	return n, nil
}
