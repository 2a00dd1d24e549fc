package sqlite

import "context"

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
