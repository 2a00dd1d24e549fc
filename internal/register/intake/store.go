package intake

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the tables of the wizard.
func Migrations() sqlite.Migration { return sqlite.Migration{Feature: "intake", FS: migrations} }

const columns = `key, kind, file, sha256, size, setting, state, counts, version, created_by, created_at, applied_at, undone_at, swept_at`

func list(ctx context.Context, tx *sqlite.Tx, tail string, args ...any) ([]Import, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+columns+` FROM intake_imports `+tail, args...)
	if err != nil {
		return nil, fmt.Errorf("list imports: %w", err)
	}
	defer rows.Close()
	var out []Import
	for rows.Next() {
		var i Import
		var setting, counts string
		var created, applied, undone, swept int64
		err := rows.Scan(&i.Key, &i.Kind, &i.File, &i.SHA256, &i.Size, &setting, &i.State, &counts, &i.Version, &i.CreatedBy,
			&created, &applied, &undone, &swept)
		if err != nil {
			return nil, fmt.Errorf("read import: %w", err)
		}
		if err := errors.Join(json.Unmarshal([]byte(setting), &i.Setting), json.Unmarshal([]byte(counts), &i.Counts)); err != nil {
			return nil, fmt.Errorf("read setting of import %s: %w", i.Key, err)
		}
		i.CreatedAt, i.AppliedAt = sqlite.FromMillis(created), sqlite.FromMillis(applied)
		i.UndoneAt, i.SweptAt = sqlite.FromMillis(undone), sqlite.FromMillis(swept)
		out = append(out, i)
	}
	return out, rows.Err()
}

func find(ctx context.Context, tx *sqlite.Tx, kind, key string) (Import, error) {
	all, err := list(ctx, tx, `WHERE kind = ? AND key = ?`, kind, key)
	if err != nil {
		return Import{}, err
	}
	if len(all) == 0 {
		return Import{}, problem.NotFound("intake.unknown")
	}
	return all[0], nil
}

func insert(ctx context.Context, tx *sqlite.Tx, i Import) error {
	setting, err := json.Marshal(i.Setting)
	if err != nil {
		return fmt.Errorf("write setting: %w", err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO intake_imports (key, kind, file, sha256, size, setting, state, version, created_by, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?)`, i.Key, i.Kind, i.File, i.SHA256, i.Size, string(setting), Waiting, i.CreatedBy, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("add import: %w", err)
	}
	return nil
}

// update writes setting, state and counts over the version that was read; false means somebody was faster.
func update(ctx context.Context, tx *sqlite.Tx, i Import, undo []byte) (bool, error) {
	setting, err := json.Marshal(i.Setting)
	if err != nil {
		return false, fmt.Errorf("write changed setting: %w", err)
	}
	counts, err := json.Marshal(i.Counts)
	if err != nil {
		return false, fmt.Errorf("write counts: %w", err)
	}
	res, err := tx.ExecContext(ctx, `UPDATE intake_imports SET setting = ?, state = ?, counts = ?, undo = ?, applied_at = ?, undone_at = ?,
		version = version + 1 WHERE key = ? AND version = ?`, string(setting), i.State, string(counts), undo,
		sqlite.Millis(i.AppliedAt), sqlite.Millis(i.UndoneAt), i.Key, i.Version)
	if err != nil {
		return false, fmt.Errorf("save import: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("save import, count rows: %w", err)
	}
	return n == 1, nil
}

func undoOf(ctx context.Context, tx *sqlite.Tx, key string) ([]byte, error) {
	var undo []byte
	err := tx.QueryRowContext(ctx, `SELECT undo FROM intake_imports WHERE key = ?`, key).Scan(&undo)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, problem.NotFound("intake.unknown")
	}
	if err != nil {
		return nil, fmt.Errorf("read undo: %w", err)
	}
	return undo, nil
}

// sweep forgets the personal data of imports that nobody can undo or take over any more, and returns their keys.
func sweep(ctx context.Context, tx *sqlite.Tx) ([]string, error) {
	applied, waiting := tx.Now.AddDate(0, 0, -UndoDays), tx.Now.AddDate(0, 0, -waitingDays)
	old, err := list(ctx, tx, `WHERE swept_at = 0 AND (state <> 'waiting' AND applied_at < ? OR state = 'waiting' AND created_at < ?) ORDER BY id`,
		sqlite.Millis(applied), sqlite.Millis(waiting))
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, i := range old {
		if err := forgetUndo(ctx, tx, i.Key); err != nil {
			return nil, err
		}
		keys = append(keys, i.Key)
	}
	return keys, nil
}

// forgetUndo ends the time in which an import can be taken over or back.
func forgetUndo(ctx context.Context, tx *sqlite.Tx, key string) error {
	_, err := tx.ExecContext(ctx, `UPDATE intake_imports SET undo = NULL, swept_at = ?, version = version + 1 WHERE key = ?`, sqlite.Millis(tx.Now), key)
	if err != nil {
		return fmt.Errorf("forget undo of import: %w", err)
	}
	return nil
}

// matches returns what people matched by hand before.
func matches(ctx context.Context, tx *sqlite.Tx, kind string) (map[string]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT header, target FROM intake_matches WHERE kind = ?`, kind)
	if err != nil {
		return nil, fmt.Errorf("list matches: %w", err)
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var header, column string
		if err := rows.Scan(&header, &column); err != nil {
			return nil, fmt.Errorf("read match: %w", err)
		}
		out[header] = column
	}
	return out, rows.Err()
}

func saveMatch(ctx context.Context, tx *sqlite.Tx, kind, header, column string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO intake_matches (kind, header, target, updated_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (kind, header) DO UPDATE SET target = excluded.target, updated_at = excluded.updated_at`,
		kind, header, column, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("remember match: %w", err)
	}
	return nil
}
