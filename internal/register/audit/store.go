package audit

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web/request"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// clockSlack is how far the clock may lie behind the newest row before acts are refused: more than a
// time server's correction, less than anything a person would do on purpose.
const clockSlack = 10 * time.Minute

type noteKey struct{}

const (
	insertRow = `INSERT INTO audit_log (at, actor, via, request, act, object, after, prev_hash, hash)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
	insertPersonal = `INSERT INTO audit_personal (row, field, value, salt) VALUES (?, ?, ?, ?)`
)

// Record appends one row for the act on object, by the actor in ctx, in the act's own transaction.
// A clock set back behind the newest row is refused with code unavailable (key audit.clock_back),
// because dates are the proof here.
func Record(ctx context.Context, tx *sqlite.Tx, act, object string, after Image) error {
	text, personal, err := canonical(after)
	if err != nil {
		return err
	}
	prev, newest, err := last(ctx, tx)
	if err != nil {
		return err
	}
	if newest.Sub(tx.Now) > clockSlack {
		return problem.Unavailable("audit.clock_back", "newest", newest, "now", tx.Now)
	}
	who := actor.From(ctx)
	row := Row{At: tx.Now, Actor: who.ID(), Via: who.Via, Request: request.ID(ctx), Act: act, Object: object, After: text}
	row.Hash = link(prev, row)
	insert, err := tx.Prepared(ctx, insertRow) //nolint:sqlclosecheck // closes with the transaction
	if err != nil {
		return err
	}
	res, err := insert.ExecContext(ctx, sqlite.Millis(row.At), row.Actor, row.Via, row.Request, row.Act, row.Object, row.After, prev, row.Hash)
	if err != nil {
		return fmt.Errorf("append audit row: %w", err)
	}
	id, err := res.LastInsertId()
	if err != nil {
		return fmt.Errorf("number audit row: %w", err)
	}
	for _, f := range personal {
		insert, err := tx.Prepared(ctx, insertPersonal) //nolint:sqlclosecheck // closes with the transaction
		if err != nil {
			return err
		}
		if _, err := insert.ExecContext(ctx, id, f.field, f.value, f.salt); err != nil {
			return fmt.Errorf("keep personal field: %w", err)
		}
	}
	tx.Note(noteKey{}, head{row.Hash, row.At})
	return nil
}

type head struct {
	hash string
	at   time.Time
}

// last gives hash and time of the newest row; a transaction that writes many rows asks the table once.
func last(ctx context.Context, tx *sqlite.Tx) (string, time.Time, error) {
	if h, ok := tx.Noted(noteKey{}).(head); ok {
		return h.hash, h.at, nil
	}
	var hash string
	var at int64
	err := tx.QueryRowContext(ctx, `SELECT hash, at FROM audit_log ORDER BY id DESC LIMIT 1`).Scan(&hash, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return "", time.Time{}, nil
	}
	if err != nil {
		return "", time.Time{}, fmt.Errorf("read newest audit row: %w", err)
	}
	return hash, sqlite.FromMillis(at), nil
}

// Clock is the time by which what ends by the clock must end: that of the newest row, when the clock lies behind it.
// sound is false when it lies so far behind that Record refuses: then nobody knows what time it is.
func Clock(ctx context.Context, tx *sqlite.Tx) (now time.Time, sound bool, err error) {
	_, newest, err := last(ctx, tx)
	if newest.After(tx.Now) {
		return newest, newest.Sub(tx.Now) <= clockSlack, err
	}
	return tx.Now, true, err
}

// Verify walks the chain and returns the number of rows checked; the error names the first broken row:
// code conflict, key audit.broken. Personal values beside the log are compared with their hashes; erased ones are not missed.
func Verify(ctx context.Context, tx *sqlite.Tx) (int, error) {
	n, err := VerifyChain(ctx, tx)
	if err != nil {
		return n, err
	}
	_, err = VerifyPersonal(ctx, tx)
	return n, err
}

// VerifyChain walks the chain alone, without the personal values.
func VerifyChain(ctx context.Context, tx *sqlite.Tx) (int, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, at, actor, via, request, act, object, after, prev_hash, hash FROM audit_log ORDER BY id`)
	if err != nil {
		return 0, fmt.Errorf("read audit log: %w", err)
	}
	defer rows.Close()
	n, prev := 0, ""
	for rows.Next() { // rows are never removed, so their numbers have no gap
		var r Row
		var at int64
		var linked string
		if err := rows.Scan(&r.ID, &at, &r.Actor, &r.Via, &r.Request, &r.Act, &r.Object, &r.After, &linked, &r.Hash); err != nil {
			return n, fmt.Errorf("read audit row: %w", err)
		}
		r.At = sqlite.FromMillis(at)
		if r.ID != int64(n)+1 || linked != prev || link(prev, r) != r.Hash {
			return n, problem.Conflict("audit.broken", "row", r.ID)
		}
		prev = r.Hash
		n++
	}
	if err := rows.Err(); err != nil {
		return n, fmt.Errorf("walk audit log: %w", err)
	}
	return n, nil
}

// VerifyPersonal compares the personal values beside the log with their hashes, as Verify does.
func VerifyPersonal(ctx context.Context, tx *sqlite.Tx) (n int, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT l.id, p.field, p.value, p.salt, l.after FROM audit_personal p JOIN audit_log l ON l.id = p.row ORDER BY l.id`)
	if err != nil {
		return n, fmt.Errorf("read personal fields: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var row int64
		var f personalField
		var after string
		if err := rows.Scan(&row, &f.field, &f.value, &f.salt, &after); err != nil {
			return n, fmt.Errorf("read personal field: %w", err)
		}
		var image map[string]any
		if err := json.Unmarshal([]byte(after), &image); err != nil {
			return n, problem.Conflict("audit.broken", "row", row).Because(err)
		}
		if image[f.field] != f.sealed() {
			return n, problem.Conflict("audit.broken", "row", row)
		}
		n++
	}
	return n, rows.Err()
}
