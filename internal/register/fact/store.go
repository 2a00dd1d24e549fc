package fact

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the tables of the fact store.
func Migrations() sqlite.Migration { return sqlite.Migration{Feature: "fact", FS: migrations} }

// Store is the fact store. It is safe for concurrent use; each call takes its transaction.
type Store struct {
	touched func(ctx context.Context, tx *sqlite.Tx, kinds []string) error
}

// NewStore returns a store that calls touched once per transaction, before the commit, with the sorted
// kinds whose facts changed in it. touched may be nil.
func NewStore(touched func(ctx context.Context, tx *sqlite.Tx, kinds []string) error) *Store {
	return &Store{touched: touched}
}

// OnTouched sets the hook after construction; app needs it to close the circle once, at start.
func (s *Store) OnTouched(fn func(ctx context.Context, tx *sqlite.Tx, kinds []string) error) {
	s.touched = fn
}

type noteKey struct{}

// Put makes facts the complete present set that record gives for kinds (facts of other kinds of the
// record stay). Every fact must carry one of kinds and the record.
func (s *Store) Put(ctx context.Context, tx *sqlite.Tx, record string, kinds []string, facts []Fact) error {
	want := make(map[string]Fact, len(facts))
	for _, f := range facts {
		if f.Record != record || !slices.Contains(kinds, f.Kind) {
			return fmt.Errorf("put facts of %s: fact %s of %s does not belong", record, f.Kind, f.Record)
		}
		f.Hash = f.contentHash()
		want[f.Hash] = f
	}
	have, err := s.ofRecord(ctx, tx, record, kinds)
	if err != nil {
		return err
	}
	for _, f := range have {
		if _, same := want[f.Hash]; same {
			delete(want, f.Hash)
			continue
		}
		if err := s.withdraw(ctx, tx, f); err != nil {
			return err
		}
	}
	for _, f := range facts { // in the order given, so that row numbers tell a story
		f.Hash = f.contentHash()
		if _, fresh := want[f.Hash]; !fresh {
			continue
		}
		delete(want, f.Hash)
		if err := s.append(ctx, tx, f); err != nil {
			return err
		}
	}
	return s.read(ctx, tx, kinds)
}

// The statements that write facts, shared with the batch.
const (
	insertFact = `INSERT INTO facts (kind, record, member, attrs, on_day, valid_until, value, link, withdrawn, recorded_at, hash)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	pointFact   = `INSERT INTO fact_current (kind, record, fact) VALUES (?, ?, ?)`
	unpointFact = `DELETE FROM fact_current WHERE kind = ? AND record = ? AND fact = ?`
)

func insertArgs(tx *sqlite.Tx, f Fact, withdrawn int) []any {
	return []any{f.Kind, f.Record, f.Member, attrText(f.Attrs), f.On, f.ValidUntil, f.Value, f.Link, withdrawn, sqlite.Millis(tx.Now), f.Hash}
}

func (s *Store) append(ctx context.Context, tx *sqlite.Tx, f Fact) error {
	id, err := insert(ctx, tx, f, 0)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, pointFact, f.Kind, f.Record, id); err != nil {
		return fmt.Errorf("mark fact current: %w", err)
	}
	s.touch(tx, f.Kind)
	return nil
}

func (s *Store) withdraw(ctx context.Context, tx *sqlite.Tx, f Fact) error {
	if _, err := tx.ExecContext(ctx, unpointFact, f.Kind, f.Record, f.ID); err != nil {
		return fmt.Errorf("unmark fact: %w", err)
	}
	if _, err := insert(ctx, tx, f, 1); err != nil {
		return err
	}
	s.touch(tx, f.Kind)
	return nil
}

func insert(ctx context.Context, tx *sqlite.Tx, f Fact, withdrawn int) (int64, error) {
	res, err := tx.ExecContext(ctx, insertFact, insertArgs(tx, f, withdrawn)...)
	if err != nil {
		return 0, fmt.Errorf("append fact %s: %w", f.Kind, err)
	}
	return res.LastInsertId()
}

type touchedKinds struct{ kinds []string }

func (s *Store) touch(tx *sqlite.Tx, kind string) {
	note, _ := tx.Noted(noteKey{}).(*touchedKinds)
	if note == nil {
		note = &touchedKinds{}
		tx.Note(noteKey{}, note)
		tx.BeforeCommit(func(ctx context.Context, tx *sqlite.Tx) error {
			if s.touched == nil {
				return nil
			}
			slices.Sort(note.kinds)
			return s.touched(ctx, tx, note.kinds)
		})
	}
	if !slices.Contains(note.kinds, kind) {
		note.kinds = append(note.kinds, kind)
	}
}

// read notes a good reading of kinds. A reading that first appears, or follows a failure or a stale one,
// can change verdicts by itself: it touches the kind.
func (s *Store) read(ctx context.Context, tx *sqlite.Tx, kinds []string) error {
	for _, kind := range kinds {
		var at int64
		err := tx.QueryRowContext(ctx, `SELECT at FROM fact_readings WHERE kind = ? AND ok = 1
			AND NOT EXISTS (SELECT 1 FROM fact_readings f WHERE f.kind = fact_readings.kind AND f.ok = 0 AND f.at >= fact_readings.at)`, kind).Scan(&at)
		const day = 24 * 60 * 60 * 1000
		switch {
		case errors.Is(err, sql.ErrNoRows):
			s.touch(tx, kind)
		case err != nil:
			return fmt.Errorf("look up reading of %s: %w", kind, err)
		case sqlite.Millis(tx.Now)-at > day:
			s.touch(tx, kind)
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO fact_readings (kind, at, ok) VALUES (?, ?, 1)
			ON CONFLICT (kind, ok) DO UPDATE SET at = excluded.at`, kind, sqlite.Millis(tx.Now))
		if err != nil {
			return fmt.Errorf("note reading of %s: %w", kind, err)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM fact_readings WHERE kind = ? AND ok = 0`, kind); err != nil {
			return fmt.Errorf("clear failed reading of %s: %w", kind, err)
		}
	}
	return nil
}

// Sync reads everything again from src: the nightly pass. Records that src no longer yields are
// withdrawn. It must give the same present facts as the acts did; doctor compares.
func (s *Store) Sync(ctx context.Context, tx *sqlite.Tx, src Source) error {
	kinds := src.Kinds()
	stale, err := s.records(ctx, tx, kinds)
	if err != nil {
		return err
	}
	var batches []Batch
	seen := map[string]bool{}
	err = src.EachRecord(ctx, tx, func(record string, facts []Fact) error {
		if seen[record] {
			return fmt.Errorf("read facts again: record %s came twice", record)
		}
		seen[record] = true
		delete(stale, record)
		batches = append(batches, Batch{record, facts})
		return nil
	})
	if err != nil {
		return err
	}
	for _, record := range slices.Sorted(maps.Keys(stale)) {
		batches = append(batches, Batch{Record: record})
	}
	return s.PutMany(ctx, tx, kinds, batches)
}

// Fail notes that kinds could not be read now; verdicts that need them become 未確認.
func (s *Store) Fail(ctx context.Context, tx *sqlite.Tx, kinds []string, cause error) error {
	for _, kind := range kinds {
		_, err := tx.ExecContext(ctx, `INSERT INTO fact_readings (kind, at, ok, note) VALUES (?, ?, 0, ?)
			ON CONFLICT (kind, ok) DO UPDATE SET at = excluded.at, note = excluded.note`, kind, sqlite.Millis(tx.Now), cause.Error())
		if err != nil {
			return fmt.Errorf("note failed reading of %s: %w", kind, err)
		}
		s.touch(tx, kind)
	}
	return nil
}

func (s *Store) records(ctx context.Context, tx *sqlite.Tx, kinds []string) (map[string]bool, error) {
	rows, err := tx.QueryContext(ctx, `SELECT DISTINCT record FROM fact_current WHERE kind IN `+marks(len(kinds)), anys(kinds)...)
	if err != nil {
		return nil, fmt.Errorf("list records: %w", err)
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var r string
		if err := rows.Scan(&r); err != nil {
			return nil, fmt.Errorf("read record: %w", err)
		}
		out[r] = true
	}
	return out, rows.Err()
}

const columns = `f.id, f.kind, f.record, f.member, f.attrs, f.on_day, f.valid_until, f.value, f.link, f.recorded_at, f.hash`

func (s *Store) ofRecord(ctx context.Context, tx *sqlite.Tx, record string, kinds []string) ([]Fact, error) {
	return query(ctx, tx, `SELECT `+columns+` FROM fact_current c JOIN facts f ON f.id = c.fact
		WHERE c.kind IN `+marks(len(kinds))+` AND c.record = ? ORDER BY f.id`, append(anys(kinds), record)...)
}

// Current returns the present facts of kinds, ordered by day, then row number. No kinds means all.
func (s *Store) Current(ctx context.Context, tx *sqlite.Tx, kinds ...string) ([]Fact, error) {
	if len(kinds) == 0 {
		return query(ctx, tx, `SELECT `+columns+` FROM fact_current c JOIN facts f ON f.id = c.fact ORDER BY f.on_day, f.id`)
	}
	return query(ctx, tx, `SELECT `+columns+` FROM fact_current c JOIN facts f ON f.id = c.fact
		WHERE c.kind IN `+marks(len(kinds))+` ORDER BY f.on_day, f.id`, anys(kinds)...)
}

// ByID returns the rows with these numbers, whether still current or not: what a frozen answer shows.
func (s *Store) ByID(ctx context.Context, tx *sqlite.Tx, ids []int64) ([]Fact, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	return query(ctx, tx, `SELECT `+columns+` FROM facts f WHERE f.id IN `+marks(len(ids))+` ORDER BY f.id`, args...)
}

// Readings returns the last readings of every kind that was ever read.
func (s *Store) Readings(ctx context.Context, tx *sqlite.Tx) (map[string]Reading, error) {
	rows, err := tx.QueryContext(ctx, `SELECT kind, at, ok, note FROM fact_readings`)
	if err != nil {
		return nil, fmt.Errorf("list readings: %w", err)
	}
	defer rows.Close()
	out := map[string]Reading{}
	for rows.Next() {
		var kind, note string
		var at int64
		var ok bool
		if err := rows.Scan(&kind, &at, &ok, &note); err != nil {
			return nil, fmt.Errorf("read reading: %w", err)
		}
		r := out[kind]
		if ok {
			r.At = sqlite.FromMillis(at)
		} else {
			r.Fail, r.Note = sqlite.FromMillis(at), note
		}
		out[kind] = r
	}
	return out, rows.Err()
}

func query(ctx context.Context, tx *sqlite.Tx, sqlText string, args ...any) ([]Fact, error) {
	rows, err := tx.QueryContext(ctx, sqlText, args...)
	if err != nil {
		return nil, fmt.Errorf("query facts: %w", err)
	}
	defer rows.Close()
	var out []Fact
	for rows.Next() {
		var f Fact
		var attrs string
		var recorded int64
		if err := rows.Scan(&f.ID, &f.Kind, &f.Record, &f.Member, &attrs, &f.On, &f.ValidUntil, &f.Value, &f.Link, &recorded, &f.Hash); err != nil {
			return nil, fmt.Errorf("read fact: %w", err)
		}
		f.Attrs, f.RecordedAt = attrsOf(attrs), sqlite.FromMillis(recorded)
		out = append(out, f)
	}
	return out, rows.Err()
}

func marks(n int) string {
	if n == 0 {
		return "()"
	}
	return "(?" + strings.Repeat(", ?", n-1) + ")"
}

func anys(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}

// Verify recomputes the content hash of every row and returns how many were read; the error names the first that
// differs: code conflict, key fact.broken.
func (s *Store) Verify(ctx context.Context, tx *sqlite.Tx) (int, error) {
	all, err := query(ctx, tx, `SELECT `+columns+` FROM facts f ORDER BY f.id`)
	if err != nil {
		return 0, err
	}
	for i, f := range all {
		if f.contentHash() != f.Hash {
			return i, problem.Conflict("fact.broken", "row", f.ID)
		}
	}
	return len(all), nil
}
