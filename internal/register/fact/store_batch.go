package fact

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

// Batch is the complete present set of facts that one record gives.
type Batch struct {
	Record string
	Facts  []Fact
}

// PutMany is Put for many records at once, as an import or the nightly pass needs it: it reads what is
// present once and appends with prepared statements. Records that are not named stay as they are; of a
// record that is named twice the last counts.
func (s *Store) PutMany(ctx context.Context, tx *sqlite.Tx, kinds []string, batches []Batch) error {
	have, err := s.byRecord(ctx, tx, kinds, len(batches))
	if err != nil {
		return err
	}
	w, err := s.writer(ctx, tx)
	if err != nil {
		return err
	}
	last := make(map[string]int, len(batches))
	for i, b := range batches {
		last[b.Record] = i
	}
	for i, b := range batches {
		if last[b.Record] != i {
			continue
		}
		present := have[b.Record]
		if have == nil {
			if present, err = s.ofRecord(ctx, tx, b.Record, kinds); err != nil {
				return err
			}
		}
		if err := w.put(ctx, b, kinds, present); err != nil {
			return err
		}
	}
	return s.read(ctx, tx, kinds)
}

// fewRecords is how many records are asked for one by one, instead of reading all facts of the kinds.
const fewRecords = 20

func (s *Store) byRecord(ctx context.Context, tx *sqlite.Tx, kinds []string, records int) (map[string][]Fact, error) {
	if records <= fewRecords {
		return nil, nil
	}
	all, err := query(ctx, tx, `SELECT `+columns+` FROM fact_current c JOIN facts f ON f.id = c.fact
		WHERE c.kind IN `+marks(len(kinds))+` ORDER BY f.id`, anys(kinds)...)
	if err != nil {
		return nil, err
	}
	out := map[string][]Fact{}
	for _, f := range all {
		out[f.Record] = append(out[f.Record], f)
	}
	return out, nil
}

// writer appends and withdraws with statements that are prepared once.
type writer struct {
	store                  *Store
	tx                     *sqlite.Tx
	insert, point, unpoint *sql.Stmt
}

func (s *Store) writer(ctx context.Context, tx *sqlite.Tx) (*writer, error) {
	w := &writer{store: s, tx: tx}
	var errs [3]error
	w.insert, errs[0] = tx.Prepared(ctx, insertFact)
	w.point, errs[1] = tx.Prepared(ctx, pointFact)
	w.unpoint, errs[2] = tx.Prepared(ctx, unpointFact)
	return w, errors.Join(errs[:]...)
}

func (w *writer) put(ctx context.Context, b Batch, kinds []string, present []Fact) error {
	want := make(map[string]bool, len(b.Facts))
	for i := range b.Facts {
		f := &b.Facts[i]
		if f.Record != b.Record || !slices.Contains(kinds, f.Kind) {
			return fmt.Errorf("put facts of %s: fact %s of %s does not belong", b.Record, f.Kind, f.Record)
		}
		f.Hash = f.contentHash()
		want[f.Hash] = true
	}
	for _, f := range present {
		if want[f.Hash] {
			delete(want, f.Hash)
			continue
		}
		if _, err := w.unpoint.ExecContext(ctx, f.Kind, f.Record, f.ID); err != nil {
			return fmt.Errorf("unmark fact in batch: %w", err)
		}
		if _, err := w.insert.ExecContext(ctx, insertArgs(w.tx, f, 1)...); err != nil {
			return fmt.Errorf("withdraw fact in batch: %w", err)
		}
		w.store.touch(w.tx, f.Kind)
	}
	for _, f := range b.Facts {
		if !want[f.Hash] {
			continue
		}
		delete(want, f.Hash)
		res, err := w.insert.ExecContext(ctx, insertArgs(w.tx, f, 0)...)
		if err != nil {
			return fmt.Errorf("append fact %s in batch: %w", f.Kind, err)
		}
		id, err := res.LastInsertId()
		if err != nil {
			return fmt.Errorf("number fact in batch: %w", err)
		}
		if _, err := w.point.ExecContext(ctx, f.Kind, f.Record, id); err != nil {
			return fmt.Errorf("mark fact current in batch: %w", err)
		}
		w.store.touch(w.tx, f.Kind)
	}
	return nil
}

// MembersBeyond returns those members of prefix ("person/") that present facts of other kinds than the
// given ones speak of: who may not simply disappear from a register.
func (s *Store) MembersBeyond(ctx context.Context, tx *sqlite.Tx, prefix string, kinds []string) (map[string]bool, error) {
	rows, err := tx.QueryContext(ctx, `SELECT DISTINCT f.member FROM fact_current c JOIN facts f ON f.id = c.fact
		WHERE substr(f.member, 1, ?) = ? AND c.kind NOT IN `+marks(len(kinds)), append([]any{len(prefix), prefix}, anys(kinds)...)...)
	if err != nil {
		return nil, fmt.Errorf("list members of other kinds: %w", err)
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var member string
		if err := rows.Scan(&member); err != nil {
			return nil, fmt.Errorf("read member: %w", err)
		}
		out[member] = true
	}
	return out, rows.Err()
}
