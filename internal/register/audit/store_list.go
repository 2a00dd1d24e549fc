package audit

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

// Filter selects rows for the page and the export. Zero values select everything.
type Filter struct {
	Object string    // prefix, e.g. "policy/"
	Act    string    // prefix, e.g. "policy."
	Actor  string    // whole, as actor.ID gives it
	From   time.Time // rows at or after it
	Until  time.Time // rows before it
	Before int64     // only rows with a smaller id (paging)
	Limit  int       // 0 means 100
	All    bool      // no limit
}

func (f Filter) where() (string, []any) {
	var parts []string
	var args []any
	add := func(part string, values ...any) {
		parts = append(parts, part)
		args = append(args, values...)
	}
	if f.Object != "" {
		add(`substr(object, 1, length(?)) = ?`, f.Object, f.Object)
	}
	if f.Act != "" {
		add(`substr(act, 1, length(?)) = ?`, f.Act, f.Act)
	}
	if f.Actor != "" {
		add(`actor = ?`, f.Actor)
	}
	if !f.From.IsZero() {
		add(`at >= ?`, sqlite.Millis(f.From))
	}
	if !f.Until.IsZero() {
		add(`at < ?`, sqlite.Millis(f.Until))
	}
	if f.Before > 0 {
		add(`id < ?`, f.Before)
	}
	if len(parts) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(parts, " AND "), args
}

// List returns rows, newest first.
func List(ctx context.Context, tx *sqlite.Tx, f Filter) ([]Row, error) {
	var out []Row
	err := each(ctx, tx, f, "DESC", func(r Row) error {
		out = append(out, r)
		return nil
	})
	return out, err
}

// Each gives rows one after another, oldest first, without holding them all; Limit and Before do not count.
func Each(ctx context.Context, tx *sqlite.Tx, f Filter, yield func(Row) error) error {
	f.All, f.Before = true, 0
	return each(ctx, tx, f, "ASC", yield)
}

func each(ctx context.Context, tx *sqlite.Tx, f Filter, order string, yield func(Row) error) error {
	where, args := f.where()
	query := `SELECT id, at, actor, via, request, act, object, after, prev_hash, hash FROM audit_log` + where + ` ORDER BY id ` + order
	if !f.All {
		if f.Limit <= 0 {
			f.Limit = 100
		}
		query += ` LIMIT ?`
		args = append(args, f.Limit)
	}
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("list audit rows: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r Row
		var at int64
		if err := rows.Scan(&r.ID, &at, &r.Actor, &r.Via, &r.Request, &r.Act, &r.Object, &r.After, &r.Prev, &r.Hash); err != nil {
			return fmt.Errorf("read audit row: %w", err)
		}
		r.At = sqlite.FromMillis(at)
		if err := yield(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Count returns how many rows a filter selects.
func Count(ctx context.Context, tx *sqlite.Tx, f Filter) (n int, err error) {
	f.Before = 0
	where, args := f.where()
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM audit_log`+where, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count audit rows: %w", err)
	}
	return n, nil
}

// Distinct lists the actors and the acts that stand in the log, each once, sorted.
func Distinct(ctx context.Context, tx *sqlite.Tx) (actors, acts []string, err error) {
	for _, one := range []struct {
		query string
		out   *[]string
	}{{`SELECT DISTINCT actor FROM audit_log ORDER BY 1`, &actors}, {`SELECT DISTINCT act FROM audit_log ORDER BY 1`, &acts}} {
		if err := column(ctx, tx, one.query, one.out); err != nil {
			return nil, nil, err
		}
	}
	return actors, acts, nil
}

func column(ctx context.Context, tx *sqlite.Tx, query string, out *[]string) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return fmt.Errorf("list what the log names: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return fmt.Errorf("read what the log names: %w", err)
		}
		*out = append(*out, text)
	}
	return rows.Err()
}

// PersonalOf returns the personal values of rows that are still kept: row → field → value.
func PersonalOf(ctx context.Context, tx *sqlite.Tx, rows []Row) (map[int64]map[string]string, error) {
	out := make(map[int64]map[string]string, len(rows))
	if len(rows) == 0 {
		return out, nil
	}
	low, high := rows[0].ID, rows[0].ID
	for _, r := range rows {
		low, high = min(low, r.ID), max(high, r.ID)
	}
	found, err := tx.QueryContext(ctx, `SELECT row, field, value FROM audit_personal WHERE row BETWEEN ? AND ?`, low, high)
	if err != nil {
		return nil, fmt.Errorf("list personal values: %w", err)
	}
	defer found.Close()
	for found.Next() {
		var row int64
		var field, value string
		if err := found.Scan(&row, &field, &value); err != nil {
			return nil, fmt.Errorf("read personal value: %w", err)
		}
		if out[row] == nil {
			out[row] = map[string]string{}
		}
		out[row][field] = value
	}
	return out, found.Err()
}
