package attach

import (
	"context"
	"path/filepath"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

// Check reads every content, as Verify does, and also gives the first attachment that is wrong with the file it should
// lie in, below the folder of attachments.
func (s *Store) Check(ctx context.Context, tx *sqlite.Tx) (n int, broken Attachment, file string, err error) {
	all, err := list(ctx, tx, `WHERE id IN (SELECT min(id) FROM attach_files GROUP BY sha256) ORDER BY id`)
	if err != nil {
		return 0, broken, "", err
	}
	for i, a := range all {
		if err := ctx.Err(); err != nil {
			return i, broken, "", err
		}
		if _, err := s.Read(a); err != nil {
			if path, perr := s.blobPath(a.SHA256); perr == nil {
				file = filepath.ToSlash(filepath.Join(filepath.Base(s.dir), filepath.Base(filepath.Dir(path)), filepath.Base(path)))
			}
			return i, a, file, err
		}
	}
	return len(all), broken, "", nil
}
