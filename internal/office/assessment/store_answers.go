package assessment

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
)

const answerColumns = `node, item, version, value, note, reason, expires_on, verdict, facts, facts_hash, way, by_actor, at`

// findAnswers returns the present answers of a round by node; those taken back stand in it too, because the
// next answer must know their version.
func findAnswers(ctx context.Context, tx *sqlite.Tx, round int64) (map[string]*Answer, error) {
	list, err := queryAnswers(ctx, tx, `SELECT `+answerColumns+` FROM assessment_answers a WHERE round = ?
		AND version = (SELECT max(version) FROM assessment_answers b WHERE b.round = a.round AND b.node = a.node)`, round)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*Answer, len(list))
	for _, a := range list {
		out[a.Node] = a
	}
	return out, nil
}

// findAnswer returns the present answer at a node; one with version 0 when there never was any.
func findAnswer(ctx context.Context, tx *sqlite.Tx, round int64, node string) (*Answer, error) {
	list, err := queryAnswers(ctx, tx, `SELECT `+answerColumns+` FROM assessment_answers
		WHERE round = ? AND node = ? ORDER BY version DESC LIMIT 1`, round, node)
	if err != nil || len(list) == 0 {
		return &Answer{Node: node, Value: None}, err
	}
	return list[0], nil
}

// findHistory returns every answer ever given at an item and its clauses in a round, newest first.
func findHistory(ctx context.Context, tx *sqlite.Tx, round int64, item string) ([]*Answer, error) {
	return queryAnswers(ctx, tx, `SELECT `+answerColumns+` FROM assessment_answers WHERE round = ? AND item = ? ORDER BY id DESC`, round, item)
}

func queryAnswers(ctx context.Context, tx *sqlite.Tx, query string, args ...any) ([]*Answer, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("query answers: %w", err)
	}
	defer rows.Close()
	var out []*Answer
	for rows.Next() {
		a := &Answer{}
		var value, said, facts string
		var at int64
		err := rows.Scan(&a.Node, &a.Item, &a.Version, &value, &a.Note, &a.Reason, &a.Expires, &said, &facts, &a.FactsHash, &a.Way, &a.By, &at)
		if err != nil {
			return nil, fmt.Errorf("read answer: %w", err)
		}
		if err := json.Unmarshal([]byte(facts), &a.Facts); err != nil {
			return nil, fmt.Errorf("read facts of answer: %w", err)
		}
		a.Value, a.Verdict, a.At = verdict.ReadResult(value), verdict.ReadResult(said), sqlite.FromMillis(at)
		out = append(out, a)
	}
	return out, rows.Err()
}

func insertAnswer(ctx context.Context, tx *sqlite.Tx, round int64, a *Answer) error {
	facts, err := json.Marshal(a.Facts)
	if err != nil {
		return fmt.Errorf("write facts of answer: %w", err)
	}
	if a.Facts == nil {
		facts = []byte("[]")
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO assessment_answers
		(round, node, item, version, value, note, reason, expires_on, verdict, facts, facts_hash, way, by_actor, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		round, a.Node, a.Item, a.Version, a.Value.Stored(), a.Note, a.Reason, a.Expires, a.Verdict.Stored(), string(facts), a.FactsHash,
		string(a.Way), a.By, sqlite.Millis(a.At))
	if err != nil {
		return fmt.Errorf("insert answer: %w", err)
	}
	return touch(ctx, tx)
}

// findItems returns what is noted about the items of a framework, by item id.
func findItems(ctx context.Context, tx *sqlite.Tx, framework string) (map[string]ItemMeta, error) {
	rows, err := tx.QueryContext(ctx, `SELECT item, owner, planned_on, note, version FROM assessment_items WHERE framework = ?`, framework)
	if err != nil {
		return nil, fmt.Errorf("query items: %w", err)
	}
	defer rows.Close()
	out := map[string]ItemMeta{}
	for rows.Next() {
		var item string
		var m ItemMeta
		if err := rows.Scan(&item, &m.Owner, &m.PlannedOn, &m.Note, &m.Version); err != nil {
			return nil, fmt.Errorf("read item: %w", err)
		}
		out[item] = m
	}
	return out, rows.Err()
}

// putItem writes over the version that was read; problem code conflict when it changed since.
func putItem(ctx context.Context, tx *sqlite.Tx, framework, item string, m ItemMeta) error {
	res, err := tx.ExecContext(ctx, `INSERT INTO assessment_items (framework, item, owner, planned_on, note, version)
		SELECT ?, ?, ?, ?, ?, 1 WHERE ? = 0
		ON CONFLICT (framework, item) DO NOTHING`, framework, item, m.Owner, m.PlannedOn, m.Note, m.Version)
	if m.Version > 0 {
		res, err = tx.ExecContext(ctx, `UPDATE assessment_items SET owner = ?, planned_on = ?, note = ?, version = version + 1
			WHERE framework = ? AND item = ? AND version = ?`, m.Owner, m.PlannedOn, m.Note, framework, item, m.Version)
	}
	if err != nil {
		return fmt.Errorf("write item: %w", err)
	}
	if err := changedOne(res, "assessment.item.changed_meanwhile"); err != nil {
		return err
	}
	return touch(ctx, tx)
}
