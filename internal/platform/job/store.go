package job

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

const columns = `key, kind, payload, state, attempts, next_at, created_at, ended_at, error`

func scan(row interface{ Scan(dest ...any) error }) (j Job, err error) {
	var payload string
	var next, created, ended int64
	err = row.Scan(&j.Key, &j.Kind, &payload, &j.State, &j.Attempts, &next, &created, &ended, &j.Error)
	j.Payload, j.Next, j.Created, j.Ended = []byte(payload), sqlite.FromMillis(next), sqlite.FromMillis(created), sqlite.FromMillis(ended)
	return j, err
}

func insert(ctx context.Context, tx *sqlite.Tx, j Job) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO job_jobs (key, kind, payload, state, next_at, created_at) VALUES (?, ?, ?, 'queued', ?, ?)`,
		j.Key, j.Kind, string(j.Payload), sqlite.Millis(j.Next), sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("queue job: %w", err)
	}
	return nil
}

// next gives the job that is due longest, nil when none is, and when the next one will be; zero for never.
func next(ctx context.Context, tx *sqlite.Tx) (*Job, time.Time, error) {
	j, err := scan(tx.QueryRowContext(ctx, `SELECT `+columns+` FROM job_jobs WHERE state = 'queued' ORDER BY next_at, id LIMIT 1`))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, time.Time{}, nil
	case err != nil:
		return nil, time.Time{}, fmt.Errorf("find next job: %w", err)
	case j.Next.After(tx.Now):
		return nil, j.Next, nil
	}
	return &j, j.Next, nil
}

// begin marks a job as running and counts the attempt, before it is made: one that kills the process counts too.
func begin(ctx context.Context, tx *sqlite.Tx, key string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE job_jobs SET state = 'running', attempts = attempts + 1 WHERE key = ?`, key); err != nil {
		return fmt.Errorf("begin job: %w", err)
	}
	return nil
}

func end(ctx context.Context, tx *sqlite.Tx, key string, o Outcome) error {
	var ended int64
	if o.State != Queued {
		ended = sqlite.Millis(tx.Now)
	}
	text := ""
	if o.Err != nil {
		text = o.Err.Error()
	}
	_, err := tx.ExecContext(ctx, `UPDATE job_jobs SET state = ?, next_at = ?, ended_at = ?, error = ? WHERE key = ?`,
		o.State, sqlite.Millis(o.Next), ended, text, key)
	if err != nil {
		return fmt.Errorf("end job: %w", err)
	}
	return nil
}

// interrupted lists what was running when the process ended, oldest first.
func interrupted(ctx context.Context, tx *sqlite.Tx) ([]Job, error) {
	return list(ctx, tx, `WHERE state = 'running' ORDER BY id`)
}

func requeue(ctx context.Context, tx *sqlite.Tx, key string, at time.Time) error {
	if _, err := tx.ExecContext(ctx, `UPDATE job_jobs SET state = 'queued', next_at = ? WHERE key = ?`, sqlite.Millis(at), key); err != nil {
		return fmt.Errorf("take job up again: %w", err)
	}
	return nil
}

func hurry(ctx context.Context, tx *sqlite.Tx, kind string) error {
	_, err := tx.ExecContext(ctx, `UPDATE job_jobs SET next_at = ? WHERE kind = ? AND state = 'queued' AND next_at > ?`,
		sqlite.Millis(tx.Now), kind, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("hurry jobs: %w", err)
	}
	return nil
}

// tooFar brings back jobs whose next attempt lies further away than a wait can be: the clock was set back.
func tooFar(ctx context.Context, tx *sqlite.Tx, wait time.Duration) error {
	_, err := tx.ExecContext(ctx, `UPDATE job_jobs SET next_at = ? WHERE state = 'queued' AND next_at > ?`,
		sqlite.Millis(tx.Now), sqlite.Millis(tx.Now.Add(wait)))
	if err != nil {
		return fmt.Errorf("bring jobs back: %w", err)
	}
	return nil
}

func list(ctx context.Context, tx *sqlite.Tx, where string, args ...any) ([]Job, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+columns+` FROM job_jobs `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	defer rows.Close()
	var out []Job
	for rows.Next() {
		j, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read job: %w", err)
		}
		out = append(out, j)
	}
	return out, rows.Err()
}

// List returns the jobs of a kind in a state, oldest first; "" means every kind, or every state.
func List(ctx context.Context, tx *sqlite.Tx, kind string, state State) ([]Job, error) {
	return list(ctx, tx, `WHERE (? = '' OR kind = ?) AND (? = '' OR state = ?) ORDER BY id`, kind, kind, state, state)
}

// Sweep removes jobs that were done before an instant. Failed ones stay.
func Sweep(ctx context.Context, tx *sqlite.Tx, before time.Time) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM job_jobs WHERE state = 'done' AND ended_at < ?`, sqlite.Millis(before)); err != nil {
		return fmt.Errorf("clear jobs that are done: %w", err)
	}
	return nil
}
