package attach

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Store is the register of attachments. It is safe for concurrent use; each call takes its transaction.
type Store struct {
	dir   string
	rules map[string]Rule
}

// New returns the register whose contents lie in dir, which is made when the first file comes.
func New(dir string) *Store { return &Store{dir: dir} }

const columns = `key, record, name, type, size, sha256, from_on, to_on, expires_on, note, added_at, added_by`

// Add attaches a file to a record, by the actor in ctx. Problem codes: invalid for an empty file or days
// that do not fit, too_large, and unsupported, which names the file and what it really is. When the
// transaction fails later, the content stays behind unnamed until Sweep.
func (s *Store) Add(ctx context.Context, tx *sqlite.Tx, u Upload) (Attachment, error) {
	if u.Record == "" {
		return Attachment{}, errors.New("attach file: no record named")
	}
	u, is, err := u.check()
	if err != nil {
		return Attachment{}, err
	}
	sum, err := s.keep(u.Data)
	if err != nil {
		return Attachment{}, err
	}
	a := Attachment{
		Key: tx.NewKey(), Record: u.Record, Name: u.Name, Type: is, Size: int64(len(u.Data)), SHA256: sum,
		From: u.From, To: u.To, Expires: u.Expires, Note: u.Note, AddedAt: tx.Now, AddedBy: actor.From(ctx).ID(),
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO attach_files (`+columns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		a.Key, a.Record, a.Name, a.Type, a.Size, a.SHA256, a.From, a.To, a.Expires, a.Note, sqlite.Millis(a.AddedAt), a.AddedBy)
	if err != nil {
		return Attachment{}, fmt.Errorf("keep attachment row: %w", err)
	}
	return a, audit.Record(ctx, tx, "attach.added", "attachment/"+a.Key, audit.Image{
		"record": a.Record, "name": audit.Personal(a.Name), "type": a.Type, "size": a.Size, "sha256": a.SHA256,
		"from": a.From, "to": a.To, "expires": a.Expires,
	})
}

// Of lists the attachments of a record, oldest first.
func (s *Store) Of(ctx context.Context, tx *sqlite.Tx, record string) ([]Attachment, error) {
	return list(ctx, tx, `WHERE record = ? ORDER BY id`, record)
}

// Expiring lists the attachments of records with this prefix whose last day is on or before a day, oldest first.
func (s *Store) Expiring(ctx context.Context, tx *sqlite.Tx, prefix string, by jdate.Day) ([]Attachment, error) {
	return list(ctx, tx, `WHERE expires_on <> '' AND expires_on <= ? AND substr(record, 1, length(?)) = ? ORDER BY expires_on, id`, by, prefix, prefix)
}

// ByKey returns one attachment; problem code not_found.
func (s *Store) ByKey(ctx context.Context, tx *sqlite.Tx, key string) (Attachment, error) {
	found, err := list(ctx, tx, `WHERE key = ?`, key)
	if err != nil {
		return Attachment{}, err
	}
	if len(found) == 0 {
		return Attachment{}, problem.NotFound("attach.not_found")
	}
	return found[0], nil
}

// Remove takes an attachment off its record; the audit log keeps its hash. Problem code not_found.
func (s *Store) Remove(ctx context.Context, tx *sqlite.Tx, key string) error {
	a, err := s.ByKey(ctx, tx, key)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM attach_files WHERE key = ?`, key); err != nil {
		return fmt.Errorf("remove attachment row: %w", err)
	}
	return audit.Record(ctx, tx, "attach.removed", "attachment/"+key, audit.Image{
		"record": a.Record, "name": audit.Personal(a.Name), "sha256": a.SHA256,
	})
}

// Verify reads every content and returns how many were checked; the error names the first attachment
// whose content is missing or has another hash (see Read).
func (s *Store) Verify(ctx context.Context, tx *sqlite.Tx) (int, error) {
	all, err := list(ctx, tx, `WHERE id IN (SELECT min(id) FROM attach_files GROUP BY sha256) ORDER BY id`)
	if err != nil {
		return 0, err
	}
	for i, a := range all {
		if err := ctx.Err(); err != nil {
			return i, err
		}
		if _, err := s.Read(a); err != nil {
			return i, err
		}
	}
	return len(all), nil
}

// Sweep removes contents that no row names, and what a power cut left half written; it returns how many.
// Call it in a write transaction that does nothing else: then no other act is adding, and none of our
// own rows can come back by a rollback.
func (s *Store) Sweep(ctx context.Context, tx *sqlite.Tx) (int, error) {
	rows, err := list(ctx, tx, ``)
	if err != nil {
		return 0, err
	}
	named := make(map[string]bool, len(rows))
	for _, a := range rows {
		named[a.SHA256] = true
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "[0-9a-f][0-9a-f]", "*"))
	if err != nil {
		return 0, fmt.Errorf("list contents of attachments: %w", err)
	}
	n := 0
	for _, file := range files {
		if named[filepath.Base(file)] {
			continue
		}
		if err := os.Remove(file); err != nil {
			return n, fmt.Errorf("sweep content of attachment: %w", err)
		}
		n++
	}
	return n, nil
}

func list(ctx context.Context, tx *sqlite.Tx, where string, args ...any) ([]Attachment, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+columns+` FROM attach_files `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("query attachments: %w", err)
	}
	defer rows.Close()
	var out []Attachment
	for rows.Next() {
		a, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list attachments: %w", err)
	}
	return out, nil
}

func scan(rows *sql.Rows) (Attachment, error) {
	var a Attachment
	var at int64
	err := rows.Scan(&a.Key, &a.Record, &a.Name, &a.Type, &a.Size, &a.SHA256, &a.From, &a.To, &a.Expires, &a.Note, &at, &a.AddedBy)
	if err != nil {
		return a, fmt.Errorf("read attachment row: %w", err)
	}
	a.AddedAt = sqlite.FromMillis(at)
	return a, nil
}
