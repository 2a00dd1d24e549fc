package assessment

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// judged is the stored row of one clause.
type judged struct {
	clause, framework, item string
	result, state           verdict.Result
	due                     jdate.Day
	payload                 string // the verdict as JSON
}

// findJudged returns the rows of some clauses by id; no ids means all.
func findJudged(ctx context.Context, tx *sqlite.Tx, ids []string) (map[string]judged, error) {
	query := `SELECT clause, framework, item, result, state, due_on, payload FROM assessment_verdicts`
	var args []any
	if len(ids) > 0 {
		list, err := json.Marshal(ids)
		if err != nil {
			return nil, fmt.Errorf("list clauses: %w", err)
		}
		query += ` WHERE clause IN (SELECT value FROM json_each(?))`
		args = append(args, string(list))
	}
	return queryJudged(ctx, tx, query, args...)
}

// findJudgedOf returns the rows of one framework by clause id.
func findJudgedOf(ctx context.Context, tx *sqlite.Tx, framework string) (map[string]judged, error) {
	return queryJudged(ctx, tx, `SELECT clause, framework, item, result, state, due_on, payload FROM assessment_verdicts WHERE framework = ?`, framework)
}

func queryJudged(ctx context.Context, tx *sqlite.Tx, query string, args ...any) (map[string]judged, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("query verdicts: %w", err)
	}
	defer rows.Close()
	out := map[string]judged{}
	for rows.Next() {
		var j judged
		var result, state string
		if err := rows.Scan(&j.clause, &j.framework, &j.item, &result, &state, &j.due, &j.payload); err != nil {
			return nil, fmt.Errorf("read verdict: %w", err)
		}
		j.result, j.state = verdict.ReadResult(result), verdict.ReadResult(state)
		out[j.clause] = j
	}
	return out, rows.Err()
}

// findDue lists the clauses that time alone may have changed by day: those that fell due, and those that are
// not met, because what keeps them open (how long ago, who is missing) moves without turning the result.
func findDue(ctx context.Context, tx *sqlite.Tx, day jdate.Day) ([]string, error) {
	return texts(ctx, tx, `SELECT clause FROM assessment_verdicts
		WHERE due_on <> '' AND due_on <= ? OR result IN ('unmet', 'unknown') ORDER BY clause`, day)
}

func texts(ctx context.Context, tx *sqlite.Tx, query string, args ...any) ([]string, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("query texts: %w", err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var t string
		if err := rows.Scan(&t); err != nil {
			return nil, fmt.Errorf("read text: %w", err)
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

func putJudged(ctx context.Context, tx *sqlite.Tx, j judged) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO assessment_verdicts (clause, framework, item, result, state, due_on, payload, judged_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (clause) DO UPDATE SET result = excluded.result, state = excluded.state, due_on = excluded.due_on,
			payload = excluded.payload, judged_at = excluded.judged_at`,
		j.clause, j.framework, j.item, j.result.Stored(), j.state.Stored(), j.due, j.payload, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("write verdict of %s: %w", j.clause, err)
	}
	return nil
}

// dropJudged removes the rows of clauses that no framework has any more.
func dropJudged(ctx context.Context, tx *sqlite.Tx, ids []string) error {
	for _, id := range ids {
		if _, err := tx.ExecContext(ctx, `DELETE FROM assessment_verdicts WHERE clause = ?`, id); err != nil {
			return fmt.Errorf("drop verdict of %s: %w", id, err)
		}
	}
	return nil
}

func insertChange(ctx context.Context, tx *sqlite.Tx, request string, j judged, from verdict.Result) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO assessment_changes (at, request, framework, item, clause, from_state, to_state)
		VALUES (?, ?, ?, ?, ?, ?, ?)`, sqlite.Millis(tx.Now), request, j.framework, j.item, j.clause, from.Stored(), j.state.Stored())
	if err != nil {
		return fmt.Errorf("note change of %s: %w", j.clause, err)
	}
	return nil
}

// findChangesSince lists the changes since an instant, oldest first.
func findChangesSince(ctx context.Context, tx *sqlite.Tx, since time.Time) ([]Change, error) {
	return queryChanges(ctx, tx, `at >= ?`, sqlite.Millis(since))
}

// findChangesOf lists the changes of one request, oldest first.
func findChangesOf(ctx context.Context, tx *sqlite.Tx, request string) ([]Change, error) {
	return queryChanges(ctx, tx, `request = ?`, request)
}

func queryChanges(ctx context.Context, tx *sqlite.Tx, where string, arg any) ([]Change, error) {
	rows, err := tx.QueryContext(ctx, `SELECT at, framework, item, clause, from_state, to_state FROM assessment_changes WHERE `+where+` ORDER BY id`, arg)
	if err != nil {
		return nil, fmt.Errorf("query changes: %w", err)
	}
	defer rows.Close()
	var out []Change
	for rows.Next() {
		var c Change
		var at int64
		var from, to string
		if err := rows.Scan(&at, &c.Framework, &c.Item, &c.Clause, &from, &to); err != nil {
			return nil, fmt.Errorf("read change: %w", err)
		}
		c.At, c.From, c.To = sqlite.FromMillis(at), verdict.ReadResult(from), verdict.ReadResult(to)
		out = append(out, c)
	}
	return out, rows.Err()
}

// frameworkOf gives the framework that a clause id belongs to: everything before the first colon.
func frameworkOf(clause string) string {
	key, _, _ := strings.Cut(clause, ":")
	return key
}
