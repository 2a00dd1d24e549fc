package assessment

import (
	"context"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// findActions returns all actions with their targets, oldest first.
func findActions(ctx context.Context, tx *sqlite.Tx) ([]*Action, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, key, title, owner, due_on, note, done_on, version FROM assessment_actions ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("query actions: %w", err)
	}
	defer rows.Close()
	var out []*Action
	byID := map[int64]*Action{}
	for rows.Next() {
		a := &Action{}
		if err := rows.Scan(&a.ID, &a.Key, &a.Title, &a.Owner, &a.Due, &a.Note, &a.Done, &a.Version); err != nil {
			return nil, fmt.Errorf("read action: %w", err)
		}
		out = append(out, a)
		byID[a.ID] = a
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list actions: %w", err)
	}
	return out, fillTargets(ctx, tx, byID)
}

func fillTargets(ctx context.Context, tx *sqlite.Tx, byID map[int64]*Action) error {
	rows, err := tx.QueryContext(ctx, `SELECT action, framework, item, clause FROM assessment_action_targets ORDER BY action, framework, item, clause`)
	if err != nil {
		return fmt.Errorf("query targets of actions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var t ActionTarget
		if err := rows.Scan(&id, &t.Framework, &t.Item, &t.Clause); err != nil {
			return fmt.Errorf("read target of action: %w", err)
		}
		if a := byID[id]; a != nil {
			a.Targets = append(a.Targets, t)
		}
	}
	return rows.Err()
}

// putAction inserts a new action or changes the version that was read; problem code conflict when it changed since.
func putAction(ctx context.Context, tx *sqlite.Tx, a *Action, by string) error {
	if a.Version == 0 {
		res, err := tx.ExecContext(ctx, `INSERT INTO assessment_actions (key, title, owner, due_on, note, created_at, created_by)
			VALUES (?, ?, ?, ?, ?, ?, ?)`, a.Key, a.Title, a.Owner, a.Due, a.Note, sqlite.Millis(tx.Now), by)
		if err != nil {
			return fmt.Errorf("insert action: %w", err)
		}
		if a.ID, err = res.LastInsertId(); err != nil {
			return fmt.Errorf("number action: %w", err)
		}
	} else {
		res, err := tx.ExecContext(ctx, `UPDATE assessment_actions SET title = ?, owner = ?, due_on = ?, note = ?, version = version + 1
			WHERE key = ? AND version = ?`, a.Title, a.Owner, a.Due, a.Note, a.Key, a.Version)
		if err != nil {
			return fmt.Errorf("update action: %w", err)
		}
		if err := changedOne(res, "assessment.action.changed_meanwhile"); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, `SELECT id FROM assessment_actions WHERE key = ?`, a.Key).Scan(&a.ID); err != nil {
			return fmt.Errorf("find action: %w", err)
		}
	}
	return putTargets(ctx, tx, a)
}

func putTargets(ctx context.Context, tx *sqlite.Tx, a *Action) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM assessment_action_targets WHERE action = ?`, a.ID); err != nil {
		return fmt.Errorf("clear targets of action: %w", err)
	}
	for _, t := range a.Targets {
		_, err := tx.ExecContext(ctx, `INSERT INTO assessment_action_targets (action, framework, item, clause) VALUES (?, ?, ?, ?)
			ON CONFLICT DO NOTHING`, a.ID, t.Framework, t.Item, t.Clause)
		if err != nil {
			return fmt.Errorf("keep target of action: %w", err)
		}
	}
	return touch(ctx, tx)
}

func setActionDone(ctx context.Context, tx *sqlite.Tx, id int64, version int, on jdate.Day, by string) error {
	if on.IsZero() {
		by = ""
	}
	res, err := tx.ExecContext(ctx, `UPDATE assessment_actions SET done_on = ?, done_by = ?, version = version + 1
		WHERE id = ? AND version = ?`, on, by, id, version)
	if err != nil {
		return fmt.Errorf("finish action: %w", err)
	}
	if err := changedOne(res, "assessment.action.changed_meanwhile"); err != nil {
		return err
	}
	return touch(ctx, tx)
}

func deleteAction(ctx context.Context, tx *sqlite.Tx, id int64, version int) error {
	res, err := tx.ExecContext(ctx, `DELETE FROM assessment_actions WHERE id = ? AND version = ?`, id, version)
	if err != nil {
		return fmt.Errorf("remove action: %w", err)
	}
	if err := changedOne(res, "assessment.action.changed_meanwhile"); err != nil {
		return err
	}
	return touch(ctx, tx)
}
