package intake

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Check reads every file that is still kept and returns how many there are; broken names the file of the first whose content
// is not the one that came in, below the data folder.
func (s *Service) Check(ctx context.Context, tx *sqlite.Tx) (n int, broken string, err error) {
	all, err := list(ctx, tx, `WHERE swept_at = 0 ORDER BY id`)
	if err != nil {
		return 0, "", err
	}
	for i, f := range all {
		file := path.Join(filepath.Base(s.dir), f.Key)
		data, err := os.ReadFile(s.path(f.Key))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return i, file, problem.NotFound("intake.file_gone")
		case err != nil:
			return i, file, fmt.Errorf("read stored file: %w", err)
		case sum(data) != f.SHA256:
			return i, file, problem.Conflict("intake.file_changed")
		}
	}
	return len(all), "", nil
}
