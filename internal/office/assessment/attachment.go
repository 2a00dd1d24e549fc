package assessment

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// RecordOf names an item as the record that an attachment proves.
func RecordOf(key, item string) string { return "assessment/" + key + "/" + item }

// Attach adds a 証跡ファイル to an item. Problem codes: not_found, forbidden, and those of the register of attachments.
func (s *Service) Attach(ctx context.Context, files *attach.Store, key, item string, up attach.Upload) error {
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		b, err := s.board(ctx, tx, key)
		if err != nil {
			return err
		}
		it := b.Item(item)
		if it == nil {
			return problem.NotFound("assessment.item.not_found")
		}
		if err := s.mayAnswer(ctx, tx, it.Meta.Owner); err != nil {
			return err
		}
		up.Record = RecordOf(key, item)
		_, err = files.Add(ctx, tx, up)
		return err
	})
}
