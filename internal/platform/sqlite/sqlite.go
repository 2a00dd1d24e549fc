// Package sqlite opens the one database file of an office and gives transactions to the features.
//
// One connection writes, several read; every act is one Write. A Tx carries one fixed time (Now) and
// hooks that run before the commit, so that what an act changed elsewhere (facts, verdicts) is part of
// the same transaction. It imports only words and knows no table of the features except by their
// embedded migrations.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	engine "modernc.org/sqlite" // the pure Go driver: no cgo in any shipped binary
	lib "modernc.org/sqlite/lib"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// DB is an open database. It is safe for concurrent use; writes queue behind each other.
type DB struct {
	write *sql.DB
	read  *sql.DB
	path  string
	now   func() time.Time
	guard func() error // refuses acts; may be nil
	full  func()       // hears that the disk is full; may be nil

	keys    keySource     // random unless RepeatKeys is on
	changes atomic.Uint64 // see Changes
}

// Tx is one transaction with its fixed time.
type Tx struct {
	*sql.Tx
	// Now is the time of the act, in UTC, whole milliseconds.
	Now time.Time

	before   []func(context.Context, *Tx) error
	keys     *keySource
	noted    map[any]any
	prepared map[string]*sql.Stmt
}

// Open opens or creates the file at path. now gives the time of each transaction. Problem code unavailable
// (sqlite.full) when the disk has no room for the files beside it.
func Open(ctx context.Context, path string, now func() time.Time) (*DB, error) {
	if err := private(path); err != nil {
		return nil, err
	}
	write, err := open(path, "rwc", 1)
	if err != nil {
		return nil, fmt.Errorf("open database for writing: %w", err)
	}
	if err := write.PingContext(ctx); err != nil {
		return nil, errors.Join(unreachable(path, err), write.Close())
	}
	read, err := open(path, "ro", max(4, runtime.NumCPU()))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database for reading: %w", err), write.Close())
	}
	return &DB{write: write, read: read, path: path, now: now}, nil
}

// OpenReading opens an existing file beside the process that writes it; Write fails with code unavailable.
func OpenReading(ctx context.Context, path string, now func() time.Time) (*DB, error) {
	read, err := open(path, "ro", max(2, runtime.NumCPU()))
	if err != nil {
		return nil, fmt.Errorf("open database for reading: %w", err)
	}
	if err := read.PingContext(ctx); err != nil {
		return nil, errors.Join(unreachable(path, err), read.Close())
	}
	return &DB{read: read, path: path, now: now}, nil
}

func unreachable(path string, err error) error {
	if isFull(err) {
		return problem.Unavailable("sqlite.full").Because(err)
	}
	return fmt.Errorf("reach database %s: %w", filepath.Base(path), err)
}

// ReadOnly says whether the database was opened by OpenReading.
func (db *DB) ReadOnly() bool { return db.write == nil }

// Fresh says whether no migration ever ran here.
func (db *DB) Fresh(ctx context.Context) bool {
	done, err := db.applied(ctx)
	return err == nil && len(done) == 0
}

func open(path, mode string, conns int) (*sql.DB, error) {
	// busy_timeout must come first: the other pragmas already wait for locks (seen in PocketBase).
	q := url.Values{"mode": {mode}, "_txlock": {"immediate"}, "_pragma": {"busy_timeout(10000)", "foreign_keys(1)"}}
	if mode == "ro" {
		q.Set("_txlock", "deferred")
		q.Add("_pragma", "query_only(1)")
	} else {
		q.Add("_pragma", "journal_mode(WAL)")
		q.Add("_pragma", "synchronous(FULL)")     // an acknowledged act survives power loss
		q.Add("_pragma", "secure_delete(1)")      // what is erased is not left in free pages
		q.Add("_pragma", "recursive_triggers(1)") // else REPLACE removes rows of append-only tables unseen
	}
	q.Add("_pragma", "temp_store(memory)")
	q.Add("_pragma", "cache_size(-8000)")
	db, err := sql.Open("sqlite", "file:"+strings.ReplaceAll(url.PathEscape(filepath.ToSlash(path)), "%2F", "/")+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// Close closes both handles.
func (db *DB) Close() error {
	if db.write == nil {
		return db.read.Close()
	}
	return errors.Join(db.read.Close(), db.write.Close())
}

// Path is the file that is open.
func (db *DB) Path() string { return db.path }

// Now is the present time of the database's clock, in UTC, whole milliseconds.
func (db *DB) Now() time.Time { return db.now().UTC().Truncate(time.Millisecond) }

// Write runs fn in one transaction that is committed when fn and its BeforeCommit hooks return nil.
// No network call and no rendering belongs inside. Problem code unavailable: sqlite.full when the disk has no
// room, sqlite.read_only beside another process; nothing is changed then.
func (db *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	if db.write == nil {
		return problem.Unavailable("sqlite.read_only")
	}
	if err := db.admit(ctx); err != nil {
		return err
	}
	err := db.run(ctx, db.write, false, fn)
	if err == nil {
		db.changes.Add(1)
	} else if db.full != nil && isFull(err) {
		db.full()
	}
	return err
}

// Changes numbers the state of the database: what was computed from a reading that began under a number holds as
// long as the number stays. ok is false beside another process, whose writing nobody counts here.
func (db *DB) Changes() (number uint64, ok bool) { return db.changes.Load(), db.write != nil }

// Read runs fn in a read transaction: it sees one state of the database throughout.
func (db *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	return db.run(ctx, db.read, true, fn)
}

func (db *DB) run(ctx context.Context, pool *sql.DB, readOnly bool, fn func(*Tx) error) (err error) {
	now := db.Now() // the act begins when it was asked for, not when its turn came
	raw, err := pool.BeginTx(ctx, &sql.TxOptions{ReadOnly: readOnly})
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	tx := &Tx{Tx: raw, Now: now, keys: &db.keys}
	done := false
	defer func() {
		if !done { // fn failed or panicked
			err = undo(raw, err)
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	for i := 0; i < len(tx.before); i++ { //nolint:intrange // a hook may add hooks while this runs
		if err := tx.before[i](ctx, tx); err != nil {
			return err
		}
	}
	if err := raw.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	done = true
	return nil
}

// undo rolls back after err. A full disk becomes code unavailable: the person can do something about it. SQLite
// itself has then rolled back already, and refuses to do it twice.
func undo(raw *sql.Tx, err error) error {
	rerr := raw.Rollback()
	if isFull(err) {
		return problem.Unavailable("sqlite.full").Because(err)
	}
	if rerr != nil && !errors.Is(rerr, sql.ErrTxDone) {
		return errors.Join(err, fmt.Errorf("roll back: %w", rerr))
	}
	return err
}

// isFull says whether there was no room for the database or for a file that the act wrote.
func isFull(err error) bool {
	driver, ok := errors.AsType[*engine.Error](err)
	return ok && driver.Code()&0xff == lib.SQLITE_FULL || errors.Is(err, syscall.ENOSPC)
}

// Prepared returns text as a statement of this transaction, prepared once: for what runs for every row of an
// import. It closes with the transaction; callers do not close it.
func (tx *Tx) Prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt := tx.prepared[text]; stmt != nil {
		return stmt, nil
	}
	stmt, err := tx.PrepareContext(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("prepare statement: %w", err)
	}
	if tx.prepared == nil {
		tx.prepared = map[string]*sql.Stmt{}
	}
	tx.prepared[text] = stmt
	return stmt, nil
}

// BeforeCommit adds fn to what runs, in order, after the act and before the commit.
func (tx *Tx) BeforeCommit(fn func(context.Context, *Tx) error) { tx.before = append(tx.before, fn) }

// Noted returns what the owner of key noted on this transaction, or nil.
func (tx *Tx) Noted(key any) any { return tx.noted[key] }

// Note keeps v under key for the life of the transaction; key is a private type of the caller.
func (tx *Tx) Note(key, v any) {
	if tx.noted == nil {
		tx.noted = map[any]any{}
	}
	tx.noted[key] = v
}

// Millis is how instants are stored: Unix milliseconds UTC in columns *_at. The zero time is 0.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// FromMillis reads what Millis wrote.
func FromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
