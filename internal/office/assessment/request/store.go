package request

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// find returns requests with their events: open ones first, by deadline; key "" means all.
func find(ctx context.Context, tx *sqlite.Tx, key string) ([]*Request, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, key, customer, framework, level, items, target_mean, deadline_on, form, note, closed_on, version
		FROM assessment_requests WHERE ? = '' OR key = ?
		ORDER BY closed_on <> '', CASE deadline_on WHEN '' THEN '9' ELSE deadline_on END, id`, key, key)
	if err != nil {
		return nil, fmt.Errorf("query requests: %w", err)
	}
	defer rows.Close()
	var out []*Request
	byID := map[int64]*Request{}
	for rows.Next() {
		r := &Request{}
		var items string
		err := rows.Scan(&r.ID, &r.Key, &r.Customer, &r.Framework, &r.Level, &items, &r.Mean, &r.Deadline, &r.Form, &r.Note, &r.Closed, &r.Version)
		if err != nil {
			return nil, fmt.Errorf("read request: %w", err)
		}
		if items != "" {
			r.Items = strings.Split(items, ",")
		}
		out = append(out, r)
		byID[r.ID] = r
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list requests: %w", err)
	}
	return out, fillEvents(ctx, tx, byID)
}

func fillEvents(ctx context.Context, tx *sqlite.Tx, byID map[int64]*Request) error {
	rows, err := tx.QueryContext(ctx, `SELECT request, key, on_day, what, how, note, attachment, by_actor FROM assessment_request_events
		ORDER BY on_day DESC, id DESC`)
	if err != nil {
		return fmt.Errorf("query events of requests: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var e Event
		if err := rows.Scan(&id, &e.Key, &e.On, &e.What, &e.How, &e.Note, &e.Attachment, &e.By); err != nil {
			return fmt.Errorf("read event of request: %w", err)
		}
		if r := byID[id]; r != nil {
			r.Events = append(r.Events, e)
		}
	}
	return rows.Err()
}

// put inserts a new request or changes the version that was read; problem code conflict when it changed since.
func put(ctx context.Context, tx *sqlite.Tx, r *Request, by string) error {
	items := strings.Join(r.Items, ",")
	if r.Version == 0 {
		_, err := tx.ExecContext(ctx, `INSERT INTO assessment_requests
			(key, customer, framework, level, items, target_mean, deadline_on, form, note, created_at, created_by)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			r.Key, r.Customer, r.Framework, r.Level, items, r.Mean, r.Deadline, r.Form, r.Note, sqlite.Millis(tx.Now), by)
		if err != nil {
			return fmt.Errorf("insert request: %w", err)
		}
		return nil
	}
	res, err := tx.ExecContext(ctx, `UPDATE assessment_requests SET customer = ?, framework = ?, level = ?, items = ?, target_mean = ?,
		deadline_on = ?, form = ?, note = ?, version = version + 1 WHERE key = ? AND version = ?`,
		r.Customer, r.Framework, r.Level, items, r.Mean, r.Deadline, r.Form, r.Note, r.Key, r.Version)
	return changed(res, err)
}

func setClosed(ctx context.Context, tx *sqlite.Tx, key string, version int, on jdate.Day) error {
	res, err := tx.ExecContext(ctx, `UPDATE assessment_requests SET closed_on = ?, version = version + 1 WHERE key = ? AND version = ?`, on, key, version)
	return changed(res, err)
}

func remove(ctx context.Context, tx *sqlite.Tx, key string, version int) error {
	res, err := tx.ExecContext(ctx, `DELETE FROM assessment_requests WHERE key = ? AND version = ?`, key, version)
	return changed(res, err)
}

func insertEvent(ctx context.Context, tx *sqlite.Tx, request int64, e Event) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO assessment_request_events (request, key, on_day, what, how, note, attachment, by_actor, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, request, e.Key, e.On, e.What, e.How, e.Note, e.Attachment, e.By, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("insert event of request: %w", err)
	}
	return nil
}

func changed(res sql.Result, err error) error {
	if err != nil {
		return fmt.Errorf("change request: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("count changed requests: %w", err)
	}
	if n != 1 {
		return problem.Conflict("request.changed_meanwhile")
	}
	return nil
}
