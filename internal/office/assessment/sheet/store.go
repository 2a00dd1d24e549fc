package sheet

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	tables "github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Used is a sheet that came in or went out.
type Used struct {
	Key       string
	Framework string
	Way       string // "import", "fill" or "export"
	File      string
	SHA256    string // of the file that came in, or that went out
	Place     Place
	Items     int // answers taken over or written
	SentTo    string
	SentOn    jdate.Day
	By        string // actor.ID
	At        time.Time
}

// Place says where the table stands in a workbook, so that the next one of the same kind is read alike.
type Place struct {
	Sheet   string         `json:"sheet"`
	Row     int            `json:"row"` // of the header, counted from 1
	Rows    int            `json:"rows"`
	Columns map[string]int `json:"columns"` // column name → column counted from 1
	Headers []string       `json:"headers"` // words of the header, in the order of Columns' names sorted
}

func placeOf(p *Parsed) Place {
	out := Place{Sheet: p.Sheet, Row: p.Header.Row + 1, Rows: p.Header.Rows, Columns: map[string]int{}}
	for _, m := range p.Header.Matches {
		out.Columns[m.Column] = m.Index + 1
	}
	for _, name := range allColumns {
		if _, ok := out.Columns[name]; ok {
			out.Headers = append(out.Headers, headerOf(p.Header, name))
		}
	}
	return out
}

func headerOf(h tables.Header, column string) string {
	for _, m := range h.Matches {
		if m.Column == column {
			return m.Header
		}
	}
	return ""
}

func insertUsed(ctx context.Context, tx *sqlite.Tx, u Used) (string, error) {
	place, err := json.Marshal(u.Place)
	if err != nil {
		return "", fmt.Errorf("write place of sheet: %w", err)
	}
	key := tx.NewKey()
	_, err = tx.ExecContext(ctx, `INSERT INTO assessment_sheets
		(key, framework, way, file, sha256, layout, items, sent_to, sent_on, by_actor, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		key, u.Framework, u.Way, u.File, u.SHA256, string(place), u.Items, u.SentTo, u.SentOn, u.By, sqlite.Millis(tx.Now))
	if err != nil {
		return "", fmt.Errorf("note sheet: %w", err)
	}
	return key, nil
}

func deleteUsed(ctx context.Context, tx *sqlite.Tx, key string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM assessment_sheets WHERE key = ?`, key); err != nil {
		return fmt.Errorf("forget sheet: %w", err)
	}
	return nil
}

// usedLimit is how many sheets a page lists.
const usedLimit = 20

// findUsed returns the sheets of a framework, newest first.
func findUsed(ctx context.Context, tx *sqlite.Tx, framework string) ([]Used, error) {
	rows, err := tx.QueryContext(ctx, `SELECT key, framework, way, file, sha256, layout, items, sent_to, sent_on, by_actor, at
		FROM assessment_sheets WHERE framework = ? ORDER BY id DESC LIMIT ?`, framework, usedLimit)
	if err != nil {
		return nil, fmt.Errorf("query sheets: %w", err)
	}
	defer rows.Close()
	var out []Used
	for rows.Next() {
		var u Used
		var place string
		var at int64
		err := rows.Scan(&u.Key, &u.Framework, &u.Way, &u.File, &u.SHA256, &place, &u.Items, &u.SentTo, &u.SentOn, &u.By, &at)
		if err != nil {
			return nil, fmt.Errorf("read sheet: %w", err)
		}
		if err := json.Unmarshal([]byte(place), &u.Place); err != nil {
			return nil, fmt.Errorf("read place of sheet: %w", err)
		}
		u.At = sqlite.FromMillis(at)
		out = append(out, u)
	}
	return out, rows.Err()
}

// waiting is a workbook that waits to be filled.
type waiting struct {
	Key, Framework, File string
	Data                 []byte
	By                   string
}

// waitingHours is how long a workbook waits to be filled.
const waitingHours = 24

// insertWaiting keeps a workbook and forgets those that waited too long.
func insertWaiting(ctx context.Context, tx *sqlite.Tx, w waiting) (string, error) {
	old := tx.Now.Add(-waitingHours * time.Hour)
	if _, err := tx.ExecContext(ctx, `DELETE FROM assessment_sheet_waiting WHERE at < ?`, sqlite.Millis(old)); err != nil {
		return "", fmt.Errorf("forget old workbooks: %w", err)
	}
	key := tx.NewKey()
	_, err := tx.ExecContext(ctx, `INSERT INTO assessment_sheet_waiting (key, framework, file, data, by_actor, at) VALUES (?, ?, ?, ?, ?, ?)`,
		key, w.Framework, w.File, w.Data, w.By, sqlite.Millis(tx.Now))
	if err != nil {
		return "", fmt.Errorf("keep workbook: %w", err)
	}
	return key, nil
}

// findWaiting returns a workbook of the same actor; problem code not_found when it was filled or forgotten.
func findWaiting(ctx context.Context, tx *sqlite.Tx, framework, key, by string) (waiting, error) {
	w := waiting{Key: key, Framework: framework, By: by}
	err := tx.QueryRowContext(ctx, `SELECT file, data FROM assessment_sheet_waiting WHERE key = ? AND framework = ? AND by_actor = ?`,
		key, framework, by).Scan(&w.File, &w.Data)
	if errors.Is(err, sql.ErrNoRows) {
		return waiting{}, problem.NotFound("checksheet.fill.gone")
	}
	if err != nil {
		return waiting{}, fmt.Errorf("read waiting workbook: %w", err)
	}
	return w, nil
}

func deleteWaiting(ctx context.Context, tx *sqlite.Tx, key string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM assessment_sheet_waiting WHERE key = ?`, key); err != nil {
		return fmt.Errorf("forget workbook: %w", err)
	}
	return nil
}
