package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// sampleRows is how many rows of the file are shown.
const sampleRows = 5

// Service stores files and runs importers. It is safe for concurrent use once all importers are added.
type Service struct {
	db        *sqlite.DB
	dir       string
	texts     *i18n.Messages
	importers []Importer

	mu   sync.Mutex
	last opened
}

// opened is the book read last: preview and taking over follow each other.
type opened struct {
	sha      string
	encoding jtext.Encoding
	book     *sheet.Book
}

// cacheCells bounds the one book that is kept in memory; a staff list of 5,000 people has 60,000 cells.
const cacheCells = 200_000

// New returns the service; files are kept in dir, which is made when needed. texts gives the titles of
// columns, which are recognised as headers in both languages.
func New(db *sqlite.DB, dir string, texts *i18n.Messages, importers ...Importer) *Service {
	return &Service{db: db, dir: dir, texts: texts, importers: importers}
}

// Add registers a further importer, at start only.
func (s *Service) Add(imp Importer) { s.importers = append(s.importers, imp) }

// Importers lists all importers in the order given.
func (s *Service) Importers() []Importer { return slices.Clone(s.importers) }

// Importer returns the importer of a kind, for the actor in ctx; codes not_found, forbidden.
func (s *Service) Importer(ctx context.Context, kind string) (Importer, error) {
	for _, imp := range s.importers {
		if imp.Kind() == kind {
			return imp, actor.From(ctx).Require(imp.Permission())
		}
	}
	return nil, problem.NotFound("intake.kind_unknown", "kind", kind)
}

// Prepare stores a file, to be checked and taken over later. It is not read yet beyond its size: what is
// wrong with it stands in the preview. Codes: not_found, forbidden, too_large, invalid (empty).
func (s *Service) Prepare(ctx context.Context, kind, name string, data []byte, setting Setting) (Import, error) {
	imp, err := s.Importer(ctx, kind)
	if err != nil {
		return Import{}, err
	}
	switch limit := sheet.DefaultLimits.FileBytes; {
	case len(data) == 0:
		return Import{}, problem.Invalid("file", "sheet.empty")
	case int64(len(data)) > limit:
		return Import{}, problem.TooLarge("sheet.too_large.file", "limit", limit>>20)
	}
	i := Import{Kind: kind, File: jtext.Truncate(jtext.Line(name), 100), SHA256: sum(data), Size: int64(len(data)), Setting: setting, State: Waiting, Version: 1}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		i.Key, i.CreatedBy, i.CreatedAt = tx.NewKey(), actor.From(ctx).ID(), tx.Now
		if err := s.keep(i.Key, data); err != nil {
			return err
		}
		if err := insert(ctx, tx, i); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "intake.put_in", "import/"+i.Key, audit.Image{
			"kind": imp.Kind(), "file": audit.Personal(i.File), "sha256": i.SHA256, "size": i.Size,
		})
	})
	if err != nil && i.Key != "" {
		err = errors.Join(err, s.forget(i.Key))
	}
	return i, err
}

// Find returns one import; codes not_found, forbidden.
func (s *Service) Find(ctx context.Context, kind, key string) (i Import, err error) {
	if _, err := s.Importer(ctx, kind); err != nil {
		return i, err
	}
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		i, err = find(ctx, tx, kind, key)
		return err
	})
	return i, err
}

// Recent returns the newest imports of a kind.
func (s *Service) Recent(ctx context.Context, kind string) (out []Import, err error) {
	if _, err := s.Importer(ctx, kind); err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		out, err = list(ctx, tx, `WHERE kind = ? ORDER BY id DESC LIMIT 10`, kind)
		return err
	})
	return out, err
}

// Try previews a file without storing anything: the dry run of the command line. progress may be nil.
func (s *Service) Try(ctx context.Context, kind, name string, data []byte, setting Setting, progress func(done, total int)) (*Preview, error) {
	imp, err := s.Importer(ctx, kind)
	if err != nil {
		return nil, err
	}
	i := Import{Kind: kind, File: jtext.Line(name), SHA256: sum(data), Size: int64(len(data)), Setting: setting, State: Waiting}
	var p *Preview
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		p, err = s.preview(ctx, tx, imp, i, data, progress)
		return err
	})
	return p, err
}

// Preview computes what a stored file would change; nothing changes. progress may be nil.
func (s *Service) Preview(ctx context.Context, kind, key string, progress func(done, total int)) (*Preview, error) {
	imp, err := s.Importer(ctx, kind)
	if err != nil {
		return nil, err
	}
	var p *Preview
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		i, err := find(ctx, tx, kind, key)
		if err != nil {
			return err
		}
		data, err := s.read(i)
		if err != nil {
			return err
		}
		p, err = s.preview(ctx, tx, imp, i, data, progress)
		return err
	})
	return p, err
}

// Apply takes a waiting file over. The plan is computed again in the transaction; when it is not the one
// that consent.Mark names, code conflict (intake.changed_since) and nothing happens.
func (s *Service) Apply(ctx context.Context, kind, key string, consent Consent) (i Import, err error) {
	imp, err := s.Importer(ctx, kind)
	if err != nil {
		return i, err
	}
	if consent.Progress == nil {
		consent.Progress = func(int, int) {}
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if i, err = find(ctx, tx, kind, key); err != nil {
			return err
		}
		if i.State != Waiting {
			return problem.Conflict("intake.done_already")
		}
		data, err := s.read(i)
		if err != nil {
			return err
		}
		p, err := s.preview(ctx, tx, imp, i, data, nil)
		switch {
		case err != nil:
			return err
		case p.Problem != nil:
			return p.Problem
		case p.Mark != consent.Mark:
			return problem.Conflict("intake.changed_since")
		}
		undo, err := imp.Apply(ctx, tx, p.Plan, consent)
		if err != nil {
			return fmt.Errorf("take over import: %w", err)
		}
		i.State, i.AppliedAt, i.Counts = Applied, tx.Now, p.Plan.counts()
		return s.finish(ctx, tx, &i, undo, "intake.applied", audit.Image{
			"kind": kind, "sha256": i.SHA256, "mark": p.Mark, "counts": i.Counts, "answers": consent.Answers,
		})
	})
	return i, err
}

func (s *Service) finish(ctx context.Context, tx *sqlite.Tx, i *Import, undo []byte, act string, after audit.Image) error {
	ok, err := update(ctx, tx, *i, undo)
	if err != nil {
		return err
	}
	if !ok {
		return problem.Conflict("intake.changed_meanwhile")
	}
	i.Version++
	return audit.Record(ctx, tx, act, "import/"+i.Key, after)
}

// Undo takes an import back within UndoDays. Codes: not_found, forbidden, conflict when it is too late or
// when rows were changed since; then nothing happens.
func (s *Service) Undo(ctx context.Context, kind, key string) (i Import, err error) {
	imp, err := s.Importer(ctx, kind)
	if err != nil {
		return i, err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if i, err = find(ctx, tx, kind, key); err != nil {
			return err
		}
		switch {
		case i.State == Undone:
			return problem.Conflict("intake.undone_already")
		case !i.CanUndo(tx.Now):
			return problem.Conflict("intake.undo_late", "days", UndoDays)
		}
		undo, err := undoOf(ctx, tx, key)
		if err != nil {
			return err
		}
		if err := imp.Undo(ctx, tx, undo); err != nil {
			return fmt.Errorf("take back import: %w", err)
		}
		i.State, i.UndoneAt = Undone, tx.Now
		return s.finish(ctx, tx, &i, nil, "intake.undone", audit.Image{"kind": kind})
	})
	return i, err
}

// Sweep forgets files and undo data that are past their time, and returns how many imports it touched. It
// runs with the nightly pass, as the house.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	var keys []string
	err := s.db.Write(ctx, func(tx *sqlite.Tx) (err error) {
		keys, err = sweep(ctx, tx)
		return err
	})
	for _, key := range keys {
		err = errors.Join(err, s.forget(key))
	}
	return len(keys), err
}
