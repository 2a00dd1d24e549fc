package assessment

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// status is the one row about the whole feature.
type status struct {
	change, official string
	judgedOn         jdate.Day
	startedAt        time.Time
}

func findStatus(ctx context.Context, tx *sqlite.Tx) (status, error) {
	var st status
	var started int64
	err := tx.QueryRowContext(ctx, `SELECT change, official, judged_on, started_at FROM assessment_status WHERE one = 1`).
		Scan(&st.change, &st.official, &st.judgedOn, &started)
	if err != nil {
		return status{}, fmt.Errorf("read assessment status: %w", err)
	}
	st.startedAt = sqlite.FromMillis(started)
	return st, nil
}

// touch gives the state of all boards a new name. Names are never used again, so that a board kept in memory
// by a transaction that was rolled back is never mistaken for another state.
func touch(ctx context.Context, tx *sqlite.Tx) error {
	if _, err := tx.ExecContext(ctx, `UPDATE assessment_status SET change = ? WHERE one = 1`, tx.NewKey()); err != nil {
		return fmt.Errorf("note change of assessments: %w", err)
	}
	return nil
}

func setJudgedOn(ctx context.Context, tx *sqlite.Tx, day jdate.Day) error {
	_, err := tx.ExecContext(ctx, `UPDATE assessment_status SET judged_on = ?,
		started_at = CASE started_at WHEN 0 THEN ? ELSE started_at END WHERE one = 1`, day, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("note day of judging: %w", err)
	}
	return nil
}

func putOfficial(ctx context.Context, tx *sqlite.Tx, key, source string, items []OfficialItem) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM assessment_official WHERE framework = ?`, key); err != nil {
		return fmt.Errorf("clear imported wording: %w", err)
	}
	for _, it := range items {
		texts, err := json.Marshal(it)
		if err != nil {
			return fmt.Errorf("write wording of %s: %w", it.Item, err)
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO assessment_official (framework, item, level, texts, source, imported_at)
			VALUES (?, ?, ?, ?, ?, ?)`, key, it.Item, it.Level, string(texts), source, sqlite.Millis(tx.Now))
		if err != nil {
			return fmt.Errorf("keep wording of %s: %w", it.Item, err)
		}
	}
	_, err := tx.ExecContext(ctx, `UPDATE assessment_status SET official = ? WHERE one = 1`, tx.NewKey())
	if err != nil {
		return fmt.Errorf("note imported wording: %w", err)
	}
	return touch(ctx, tx)
}

func findOfficial(ctx context.Context, tx *sqlite.Tx, key string) (map[string]*OfficialItem, string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT item, level, texts, source FROM assessment_official WHERE framework = ?`, key)
	if err != nil {
		return nil, "", fmt.Errorf("query imported wording: %w", err)
	}
	defer rows.Close()
	out := map[string]*OfficialItem{}
	source := ""
	for rows.Next() {
		it := &OfficialItem{}
		var texts string
		if err := rows.Scan(&it.Item, &it.Level, &texts, &source); err != nil {
			return nil, "", fmt.Errorf("read imported wording: %w", err)
		}
		if err := json.Unmarshal([]byte(texts), it); err != nil {
			return nil, "", fmt.Errorf("read wording of %s: %w", it.Item, err)
		}
		out[it.Item] = it
	}
	return out, source, rows.Err()
}

const roundColumns = `id, key, framework, fiscal_year, name, from_on, to_on, imported, opened_at, locked_at, locked_by, version`

// findRounds returns the rounds, newest first; framework "" means all.
func findRounds(ctx context.Context, tx *sqlite.Tx, framework string) ([]*Round, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+roundColumns+` FROM assessment_rounds
		WHERE (? = '' OR framework = ?) AND withdrawn_at = 0 ORDER BY to_on DESC, id DESC`, framework, framework)
	if err != nil {
		return nil, fmt.Errorf("query rounds: %w", err)
	}
	defer rows.Close()
	var out []*Round
	for rows.Next() {
		r := &Round{}
		var opened, locked int64
		err := rows.Scan(&r.ID, &r.Key, &r.Framework, &r.FiscalYear, &r.Name, &r.From, &r.To, &r.Imported, &opened, &locked, &r.LockedBy, &r.Version)
		if err != nil {
			return nil, fmt.Errorf("read round: %w", err)
		}
		r.OpenedAt, r.LockedAt = sqlite.FromMillis(opened), sqlite.FromMillis(locked)
		out = append(out, r)
	}
	return out, rows.Err()
}

func insertRound(ctx context.Context, tx *sqlite.Tx, r *Round, by string) error {
	r.Key, r.OpenedAt, r.Version = tx.NewKey(), tx.Now, 1
	res, err := tx.ExecContext(ctx, `INSERT INTO assessment_rounds
		(key, framework, fiscal_year, name, from_on, to_on, imported, opened_at, opened_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.Key, r.Framework, r.FiscalYear, r.Name, r.From, r.To, r.Imported, sqlite.Millis(tx.Now), by)
	if err != nil {
		return fmt.Errorf("insert round: %w", err)
	}
	r.ID, err = res.LastInsertId()
	if err != nil {
		return fmt.Errorf("number round: %w", err)
	}
	return touch(ctx, tx)
}

// insertLockedRound keeps a round that ended elsewhere.
func insertLockedRound(ctx context.Context, tx *sqlite.Tx, r *Round, by string) error {
	r.Key, r.OpenedAt, r.LockedAt, r.LockedBy, r.Version = tx.NewKey(), tx.Now, tx.Now, by, 1
	res, err := tx.ExecContext(ctx, `INSERT INTO assessment_rounds
		(key, framework, fiscal_year, name, from_on, to_on, imported, opened_at, opened_by, locked_at, locked_by)
		VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?)`,
		r.Key, r.Framework, r.FiscalYear, r.Name, r.From, r.To, sqlite.Millis(tx.Now), by, sqlite.Millis(tx.Now), by)
	if err != nil {
		return fmt.Errorf("insert earlier round: %w", err)
	}
	if r.ID, err = res.LastInsertId(); err != nil {
		return fmt.Errorf("number earlier round: %w", err)
	}
	return touch(ctx, tx)
}

// updateLocked locks the round that was read; problem code conflict when it changed since.
func updateLocked(ctx context.Context, tx *sqlite.Tx, r *Round, by string) error {
	res, err := tx.ExecContext(ctx, `UPDATE assessment_rounds SET locked_at = ?, locked_by = ?, version = version + 1
		WHERE id = ? AND version = ? AND locked_at = 0`, sqlite.Millis(tx.Now), by, r.ID, r.Version)
	if err != nil {
		return fmt.Errorf("lock round: %w", err)
	}
	if err := changedOne(res, "assessment.round.changed_meanwhile"); err != nil {
		return err
	}
	return touch(ctx, tx)
}

func insertResult(ctx context.Context, tx *sqlite.Tx, round int64, item, state string, value, answer int) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO assessment_results (round, item, state, value, answer_value) VALUES (?, ?, ?, ?, ?)`,
		round, item, state, value, answer)
	if err != nil {
		return fmt.Errorf("keep result of item %s: %w", item, err)
	}
	return nil
}

// findResults returns what the items of a locked round were worth.
func findResults(ctx context.Context, tx *sqlite.Tx, round int64) (map[string]Past, error) {
	rows, err := tx.QueryContext(ctx, `SELECT item, state, value, answer_value FROM assessment_results WHERE round = ?`, round)
	if err != nil {
		return nil, fmt.Errorf("query results: %w", err)
	}
	defer rows.Close()
	out := map[string]Past{}
	for rows.Next() {
		var item, state string
		var p Past
		if err := rows.Scan(&item, &state, &p.Value, &p.AnswerValue); err != nil {
			return nil, fmt.Errorf("read result: %w", err)
		}
		p.State = verdict.ReadResult(state)
		out[item] = p
	}
	return out, rows.Err()
}

// changedOne turns an update of no row into problem code conflict.
func changedOne(res sql.Result, key string) error {
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("count changed rows: %w", err)
	}
	if n != 1 {
		return problem.Conflict(key)
	}
	return nil
}
