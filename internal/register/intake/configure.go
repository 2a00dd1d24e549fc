package intake

import (
	"context"
	"maps"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Configure changes how a waiting file is read, and remembers matched columns for the next file of the kind.
// Codes: not_found, forbidden, conflict.
func (s *Service) Configure(ctx context.Context, kind, key string, version int64, setting Setting) error {
	imp, err := s.Importer(ctx, kind)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		i, err := find(ctx, tx, kind, key)
		if err != nil {
			return err
		}
		if i.Version != version || i.State != Waiting {
			return problem.Conflict("intake.changed_meanwhile")
		}
		before := i.Setting
		i.Setting = setting
		if ok, err := update(ctx, tx, i, nil); err != nil {
			return err
		} else if !ok {
			return problem.Conflict("intake.changed_meanwhile")
		}
		if setting.Columns == nil || maps.Equal(before.Columns, setting.Columns) {
			return nil
		}
		return s.rememberColumns(ctx, tx, imp, i)
	})
}

func (s *Service) rememberColumns(ctx context.Context, tx *sqlite.Tx, imp Importer, i Import) error {
	data, err := s.read(i)
	if err != nil {
		return err
	}
	book, err := s.open(i, data)
	if err != nil {
		return nil //nolint:nilerr // the preview says what is wrong with the file
	}
	layout, err := s.locate(imp, book, i.Setting, nil)
	if err != nil && problem.CodeOf(err) != problem.CodeInvalid {
		return err
	}
	for _, m := range append(slices.Clone(layout.Header.Matches), layout.Header.Unmatched...) {
		if header := jtext.SearchKey(m.Header); header != "" {
			if err := saveMatch(ctx, tx, i.Kind, header, m.Column); err != nil {
				return err
			}
		}
	}
	return nil
}
