package checkpoint

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
)

// Key is a pair of keys that signs checkpoints.
type Key struct {
	VKey    string // the public half, as others check with it
	MadeAt  time.Time
	Retired time.Time // zero: in use
	sealed  string
}

// Kept is a checkpoint with its note.
type Kept struct {
	ID   int64
	Size int64
	Note string
	At   time.Time
}

// Way is one way of keeping checkpoints outside.
type Way struct {
	Name    string // "file", "mail" or "print"
	Place   string // folder or address; "" when the way is not used; for print any word
	Every   int    // longest time between two, in days
	Since   time.Time
	TriedAt time.Time
	Failure string // message key of the last failure, "" when it went well
	Size    int64  // rows that the newest checkpoint kept this way covers; 0: none yet
	At      time.Time
}

// Used says whether checkpoints are to be kept this way.
func (w Way) Used() bool { return w.Place != "" }

// Schedule says when checkpoints are made.
type Schedule struct {
	Origin string
	Hour   int // in Tokyo
	Every  int // days
}

func keys(ctx context.Context, tx *sqlite.Tx) ([]Key, error) {
	rows, err := tx.QueryContext(ctx, `SELECT vkey, sealed, made_at, retired_at FROM audit_keys ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	defer rows.Close()
	var out []Key
	for rows.Next() {
		var k Key
		var made, retired int64
		if err := rows.Scan(&k.VKey, &k.sealed, &made, &retired); err != nil {
			return nil, fmt.Errorf("read key: %w", err)
		}
		k.MadeAt, k.Retired = sqlite.FromMillis(made), sqlite.FromMillis(retired)
		out = append(out, k)
	}
	return out, rows.Err()
}

func insertKey(ctx context.Context, tx *sqlite.Tx, k Key) error {
	_, err := tx.ExecContext(ctx, `UPDATE audit_keys SET retired_at = ? WHERE retired_at = 0`, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("retire key: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO audit_keys (vkey, sealed, made_at) VALUES (?, ?, ?)`, k.VKey, k.sealed, sqlite.Millis(tx.Now)); err != nil {
		return fmt.Errorf("keep key: %w", err)
	}
	return nil
}

func schedule(ctx context.Context, tx *sqlite.Tx) (s Schedule, err error) {
	err = tx.QueryRowContext(ctx, `SELECT origin, hour, every FROM audit_schedule`).Scan(&s.Origin, &s.Hour, &s.Every)
	if err != nil {
		return s, fmt.Errorf("read schedule of checkpoints: %w", err)
	}
	return s, nil
}

func putSchedule(ctx context.Context, tx *sqlite.Tx, s Schedule) error {
	if _, err := tx.ExecContext(ctx, `UPDATE audit_schedule SET origin = ?, hour = ?, every = ?`, s.Origin, s.Hour, s.Every); err != nil {
		return fmt.Errorf("write schedule of checkpoints: %w", err)
	}
	return nil
}

// logHead is number and hash of the newest row; 0 for an empty log.
func logHead(ctx context.Context, tx *sqlite.Tx) (size int64, root string, err error) {
	err = tx.QueryRowContext(ctx, `SELECT id, hash FROM audit_log ORDER BY id DESC LIMIT 1`).Scan(&size, &root)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, "", fmt.Errorf("read newest audit row: %w", err)
	}
	return size, root, nil
}

// rootAt is the hash of the row that is the size-th; "" when the log is shorter.
func rootAt(ctx context.Context, tx *sqlite.Tx, size int64) (root string, err error) {
	err = tx.QueryRowContext(ctx, `SELECT hash FROM audit_log WHERE id = ?`, size).Scan(&root)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read audit row %d: %w", size, err)
	}
	return root, nil
}

func insertCheckpoint(ctx context.Context, tx *sqlite.Tx, c Checkpoint, text string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO audit_checkpoints (size, note, made_at) VALUES (?, ?, ?)`, c.Size, text, sqlite.Millis(c.At))
	if err != nil {
		return fmt.Errorf("keep checkpoint: %w", err)
	}
	return nil
}

// checkpoints lists the newest first; limit 0 means all, oldest first.
func checkpoints(ctx context.Context, tx *sqlite.Tx, limit int) ([]Kept, error) {
	query := `SELECT id, size, note, made_at FROM audit_checkpoints ORDER BY id`
	if limit > 0 {
		query = fmt.Sprintf(`%s DESC LIMIT %d`, query, limit)
	}
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	defer rows.Close()
	var out []Kept
	for rows.Next() {
		var k Kept
		var at int64
		if err := rows.Scan(&k.ID, &k.Size, &k.Note, &at); err != nil {
			return nil, fmt.Errorf("read checkpoint: %w", err)
		}
		k.At = sqlite.FromMillis(at)
		out = append(out, k)
	}
	return out, rows.Err()
}

func ways(ctx context.Context, tx *sqlite.Tx) ([]Way, error) {
	rows, err := tx.QueryContext(ctx, `SELECT w.way, w.place, w.every, w.since, w.tried_at, w.failure, coalesce(max(c.size), 0), coalesce(max(a.at), 0)
		FROM audit_ways w LEFT JOIN audit_anchors a ON a.way = w.way LEFT JOIN audit_checkpoints c ON c.id = a.checkpoint
		GROUP BY w.way ORDER BY w.way`)
	if err != nil {
		return nil, fmt.Errorf("list ways of keeping: %w", err)
	}
	defer rows.Close()
	var out []Way
	for rows.Next() {
		var w Way
		var since, tried, at int64
		if err := rows.Scan(&w.Name, &w.Place, &w.Every, &since, &tried, &w.Failure, &w.Size, &at); err != nil {
			return nil, fmt.Errorf("read way of keeping: %w", err)
		}
		w.Since, w.TriedAt, w.At = sqlite.FromMillis(since), sqlite.FromMillis(tried), sqlite.FromMillis(at)
		out = append(out, w)
	}
	return out, rows.Err()
}

func putWay(ctx context.Context, tx *sqlite.Tx, w Way) error {
	_, err := tx.ExecContext(ctx, `UPDATE audit_ways SET since = CASE WHEN place = '' THEN ?1 ELSE since END, place = ?2, every = ?3,
		tried_at = 0, failure = '' WHERE way = ?4`, sqlite.Millis(tx.Now), w.Place, w.Every, w.Name)
	if err != nil {
		return fmt.Errorf("write way of keeping: %w", err)
	}
	return nil
}

func putTry(ctx context.Context, tx *sqlite.Tx, way, failure string) error {
	_, err := tx.ExecContext(ctx, `UPDATE audit_ways SET tried_at = ?, failure = ? WHERE way = ?`, sqlite.Millis(tx.Now), failure, way)
	if err != nil {
		return fmt.Errorf("note try of keeping: %w", err)
	}
	return nil
}

func insertAnchor(ctx context.Context, tx *sqlite.Tx, checkpoint int64, w Way) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO audit_anchors (checkpoint, way, place, at, by_actor) VALUES (?, ?, ?, ?, ?)`,
		checkpoint, w.Name, w.Place, sqlite.Millis(tx.Now), actor.From(ctx).ID())
	if err != nil {
		return fmt.Errorf("note kept checkpoint: %w", err)
	}
	return nil
}

// anchoredWays lists in which ways each checkpoint is kept, by id: "file, print".
func anchoredWays(ctx context.Context, tx *sqlite.Tx) (map[int64][]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT checkpoint, group_concat(DISTINCT way) FROM audit_anchors GROUP BY checkpoint`)
	if err != nil {
		return nil, fmt.Errorf("list kept checkpoints: %w", err)
	}
	defer rows.Close()
	out := map[int64][]string{}
	for rows.Next() {
		var id int64
		var names string
		if err := rows.Scan(&id, &names); err != nil {
			return nil, fmt.Errorf("read kept checkpoint: %w", err)
		}
		out[id] = strings.Split(names, ",")
	}
	return out, rows.Err()
}
