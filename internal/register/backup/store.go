package backup

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func findSettings(ctx context.Context, tx *sqlite.Tx, dir string) (Settings, error) {
	s := standard(dir)
	var folders string
	err := tx.QueryRowContext(ctx, `SELECT folders, at_minute, daily, weekly, monthly, warn_days, version FROM backup_settings`).
		Scan(&folders, &s.AtMinute, &s.Rule.Daily, &s.Rule.Weekly, &s.Rule.Monthly, &s.WarnDays, &s.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read backup settings: %w", err)
	}
	s.Folders = nil
	if err := json.Unmarshal([]byte(folders), &s.Folders); err != nil {
		return s, fmt.Errorf("read backup folders: %w", err)
	}
	return s, nil
}

// putSettings writes over the version that was read; false means somebody was faster.
func putSettings(ctx context.Context, tx *sqlite.Tx, s Settings) (bool, error) {
	folders, err := json.Marshal(s.Folders)
	if err != nil {
		return false, fmt.Errorf("write backup folders: %w", err)
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO backup_settings (id, folders, at_minute, daily, weekly, monthly, warn_days, version)
		VALUES (1, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT (id) DO UPDATE SET folders = excluded.folders, at_minute = excluded.at_minute,
		daily = excluded.daily, weekly = excluded.weekly, monthly = excluded.monthly, warn_days = excluded.warn_days, version = version + 1
		WHERE version = ?`, string(folders), s.AtMinute, s.Rule.Daily, s.Rule.Weekly, s.Rule.Monthly, s.WarnDays, s.Version)
	if err != nil {
		return false, fmt.Errorf("write backup settings: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("count backup settings: %w", err)
	}
	return n == 1, nil
}

func findKeys(ctx context.Context, tx *sqlite.Tx) ([]Key, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, public, mark, added_at, retired_at FROM backup_keys ORDER BY id DESC`)
	if err != nil {
		return nil, fmt.Errorf("query recovery keys: %w", err)
	}
	defer rows.Close()
	var out []Key
	for rows.Next() {
		var k Key
		var added, retired int64
		if err := rows.Scan(&k.ID, &k.Public, &k.Mark, &added, &retired); err != nil {
			return nil, fmt.Errorf("read recovery key: %w", err)
		}
		k.AddedAt, k.RetiredAt = sqlite.FromMillis(added), sqlite.FromMillis(retired)
		out = append(out, k)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list recovery keys: %w", err)
	}
	return out, nil
}

// putKey adds a key and retires the others.
func putKey(ctx context.Context, tx *sqlite.Tx, public, mark, by string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE backup_keys SET retired_at = ? WHERE retired_at = 0`, sqlite.Millis(tx.Now)); err != nil {
		return fmt.Errorf("retire recovery keys: %w", err)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO backup_keys (public, mark, added_at, added_by) VALUES (?, ?, ?, ?)`, public, mark, sqlite.Millis(tx.Now), by)
	if err != nil {
		return fmt.Errorf("add recovery key: %w", err)
	}
	return nil
}

func insertRun(ctx context.Context, tx *sqlite.Tx, r *Run) error {
	res, err := tx.ExecContext(ctx, `INSERT INTO backup_runs (key, way, state, started_at, key_mark) VALUES (?, ?, ?, ?, ?)`,
		r.Key, r.Way, r.State, sqlite.Millis(r.StartedAt), r.KeyMark)
	if err == nil {
		r.ID, err = res.LastInsertId()
	}
	if err != nil {
		return fmt.Errorf("begin backup row: %w", err)
	}
	return nil
}

func endRun(ctx context.Context, tx *sqlite.Tx, r Run) error {
	key, args := "", []byte("{}")
	if r.Problem != nil {
		key = r.Problem.Key
		text := map[string]string{}
		for name, v := range r.Problem.Args {
			text[name] = fmt.Sprint(v)
		}
		var err error
		if args, err = json.Marshal(text); err != nil {
			return fmt.Errorf("write problem of backup: %w", err)
		}
	}
	_, err := tx.ExecContext(ctx, `UPDATE backup_runs SET state = ?, ended_at = ?, files = ?, bytes = ?, problem = ?, problem_args = ? WHERE id = ?`,
		r.State, sqlite.Millis(r.EndedAt), r.Files, r.Bytes, key, string(args), r.ID)
	if err != nil {
		return fmt.Errorf("end backup row: %w", err)
	}
	return nil
}

// interrupt marks tries that a program did not live to end.
func interrupt(ctx context.Context, tx *sqlite.Tx) error {
	_, err := tx.ExecContext(ctx, `UPDATE backup_runs SET state = ?, ended_at = started_at WHERE state = ?`, Interrupted, Running)
	if err != nil {
		return fmt.Errorf("mark interrupted backups: %w", err)
	}
	return nil
}

// findRuns lists the newest tries, newest first.
func findRuns(ctx context.Context, tx *sqlite.Tx, limit int) ([]Run, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, key, way, state, started_at, ended_at, key_mark, files, bytes, problem, problem_args
		FROM backup_runs ORDER BY id DESC LIMIT ?`, limit)
	if err != nil {
		return nil, fmt.Errorf("query backups: %w", err)
	}
	defer rows.Close()
	var out []Run
	for rows.Next() {
		var r Run
		var started, ended int64
		var key, args string
		if err := rows.Scan(&r.ID, &r.Key, &r.Way, &r.State, &started, &ended, &r.KeyMark, &r.Files, &r.Bytes, &key, &args); err != nil {
			return nil, fmt.Errorf("read backup: %w", err)
		}
		r.StartedAt, r.EndedAt = sqlite.FromMillis(started), sqlite.FromMillis(ended)
		if key != "" {
			r.Problem = problem.Unavailable(key)
			if err := json.Unmarshal([]byte(args), &r.Problem.Args); err != nil {
				return nil, fmt.Errorf("read problem of backup: %w", err)
			}
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	return out, nil
}

// lastGood gives when the newest backup that at least one folder has was begun, and when the newest try was.
func lastGood(ctx context.Context, tx *sqlite.Tx) (good, try time.Time, err error) {
	var goodAt, tryAt int64
	err = tx.QueryRowContext(ctx, `SELECT coalesce(max(CASE WHEN state IN ('good', 'partly') THEN started_at END), 0), coalesce(max(started_at), 0) FROM backup_runs`).
		Scan(&goodAt, &tryAt)
	if err != nil {
		return good, try, fmt.Errorf("read newest backup: %w", err)
	}
	return sqlite.FromMillis(goodAt), sqlite.FromMillis(tryAt), nil
}

func insertFile(ctx context.Context, tx *sqlite.Tx, f File) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO backup_files (key, run, folder, name, size, sha256, made_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		f.Key, f.Run, f.Folder, f.Name, f.Size, f.SHA256, sqlite.Millis(f.MadeAt))
	if err != nil {
		return fmt.Errorf("note backup file: %w", err)
	}
	return nil
}

// findFiles lists the files that were not removed, newest first.
func findFiles(ctx context.Context, tx *sqlite.Tx) ([]File, error) {
	rows, err := tx.QueryContext(ctx, `SELECT f.id, f.key, f.run, f.folder, f.name, f.size, f.sha256, f.made_at, r.key_mark
		FROM backup_files f JOIN backup_runs r ON r.id = f.run WHERE f.removed_at = 0 ORDER BY f.made_at DESC, f.id`)
	if err != nil {
		return nil, fmt.Errorf("query backup files: %w", err)
	}
	defer rows.Close()
	var out []File
	for rows.Next() {
		var f File
		var made int64
		if err := rows.Scan(&f.ID, &f.Key, &f.Run, &f.Folder, &f.Name, &f.Size, &f.SHA256, &made, &f.KeyMark); err != nil {
			return nil, fmt.Errorf("read backup file: %w", err)
		}
		f.MadeAt = sqlite.FromMillis(made)
		out = append(out, f)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list backup files: %w", err)
	}
	return out, nil
}

func markRemoved(ctx context.Context, tx *sqlite.Tx, id int64) error {
	if _, err := tx.ExecContext(ctx, `UPDATE backup_files SET removed_at = ? WHERE id = ?`, sqlite.Millis(tx.Now), id); err != nil {
		return fmt.Errorf("note removed backup: %w", err)
	}
	return nil
}
