package app

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// HasOffice says whether a data folder has an office, so that its audit log can be written.
func HasOffice(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, databaseFile))
	return err == nil && info.Mode().IsRegular()
}

// NoteLake writes an act on the lake of the data folder into the audit log. Whoever may ask owns the folder. Problem code
// invalid for an act that nobody knows.
func (a *App) NoteLake(ctx context.Context, n lake.Act) error {
	act := ""
	image := audit.Image{}
	put := func(field string, v any, there bool) {
		if there {
			image[field] = v
		}
	}
	switch n.Act {
	case lake.RetentionSet:
		act = "lake.retention_set"
		image["days"] = n.Days
	case lake.HoldAdded:
		act = "lake.hold_added"
	case lake.HoldRemoved:
		act = "lake.hold_removed"
	case lake.LinesDeleted:
		act = "lake.deleted"
	case lake.KeyCreated:
		act = "lake.key_created"
	case lake.ImportBegun:
		act = "lake.import_begun"
	case lake.LinesKept:
		act = "lake.imported"
		image["files"], image["lines"], image["refused"], image["files_failed"] = n.Files, n.Lines, n.Refused, n.Failed
	default:
		return problem.Invalid("", "app.control.broken")
	}
	put("name", n.Name, n.Name != "")
	put("source", n.Source, n.Source != "")
	put("reason", n.Why, n.Why != "")
	put("public", n.Key, n.Key != "")
	put("files", n.Files, n.Files > 0)
	put("lines", n.Lines, n.Lines > 0)
	put("from", n.From.UTC().Format(time.RFC3339), !n.From.IsZero())
	put("to", n.To.UTC().Format(time.RFC3339), !n.To.IsZero())
	put("stopped", true, n.Stopped)
	put("os_user", audit.Personal(n.Who), n.Who != "")
	if n.Undone {
		image["of"] = act
		act = "lake.undone"
	}
	return a.DB.Write(ctx, func(tx *sqlite.Tx) error { return audit.Record(ctx, tx, act, "lake", image) })
}
