package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// TablesCheck says whether the database in a folder is of the version of this program, without changing or upgrading
// it: beside a server of another version, too. ok is false where there is none, or none that can be read: opening
// the office tells that with better words.
func TablesCheck(ctx context.Context, cfg Config) (c Check, ok bool, err error) {
	file := filepath.Join(cfg.Dir, databaseFile)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return c, false, nil
	}
	db, err := sqlite.OpenReading(ctx, file, cfg.Now)
	if err != nil {
		return c, false, nil // told when the office is opened
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	done, err := db.Applied(ctx)
	if err != nil || len(done) == 0 {
		return c, false, nil // no database of ours
	}
	pending, err := db.Pending(ctx, Migrations())
	if all := problem.All(err); len(all) == 1 && all[0].Code == problem.CodeUnsupported {
		c = checkOf("tables", false, all[0].Args)
		c.Text.Key = "app.doctor.tables.newer"
		return c, true, nil
	}
	if err != nil {
		return c, false, err
	}
	return checkOf("tables", len(pending) == 0, problem.Args{"n": len(done), "pending": len(pending)}), true, nil
}
