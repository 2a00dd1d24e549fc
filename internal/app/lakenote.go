package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// NoteLake writes an act on the lake of the data folder into the audit log. Whoever may ask owns the folder. Problem codes:
// invalid for an act that nobody knows, conflict (app.lake.former) for a second lake without a reason.
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
		act = lakeKey
		if err := a.mayBegin(ctx, n); err != nil {
			return err
		}
	case lake.ImportBegun:
		act = "lake.import_begun"
	case lake.LinesKept:
		act = "lake.imported"
		image["files"], image["lines"], image["refused"], image["files_failed"] = n.Files, n.Lines, n.Refused, n.Failed
	case lake.StateSigned:
		act = lakeSigned
		image["signed"] = signedLines(n.Signed)
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

// mayBegin refuses the key of a lake where lines of another one were signed, unless somebody says why: the import of the
// next night would else hide that the lake of years is gone.
func (a *App) mayBegin(ctx context.Context, n lake.Act) error {
	if strings.TrimSpace(n.Why) != "" || n.Undone {
		return nil
	}
	known, err := a.LakeSigned(ctx)
	if err != nil || len(known.States) == 0 {
		return err
	}
	newest := map[string]uint64{}
	for _, s := range known.States {
		newest[s.Source] = max(newest[s.Source], s.Records)
	}
	lines := uint64(0)
	for _, n := range newest {
		lines += n
	}
	return problem.Conflict("app.lake.former", "sources", len(newest), "lines", lines)
}

// Acts that LakeSigned reads again.
const (
	lakeSigned = "lake.signed"
	lakeKey    = "lake.key_created"
)

// signedLines writes states as they stand in a row: source, records, SHA-256 of the note.
func signedLines(states []lake.State) []string {
	lines := make([]string, len(states))
	for i, s := range states {
		lines[i] = fmt.Sprintf("%s %d sha256:%s", s.Source, s.Records, s.Note)
	}
	return lines
}

// LakeSigned gives what the audit log knows of the last lake of the data folder: its key, and every state that was signed of
// each source, sorted by source: a lake that was put back and gone on with lacks one of them. Another lake takes the place
// of the one before when its key was announced, and something was signed with it. It is empty when nothing was noted.
func (a *App) LakeSigned(ctx context.Context) (lake.Remembered, error) {
	var r lake.Remembered
	announced := ""
	each := func(row audit.Row) error {
		var image struct {
			Public string   `json:"public"`
			Signed []string `json:"signed"`
		}
		if row.Act != lakeSigned && row.Act != lakeKey {
			return nil
		}
		if err := json.Unmarshal([]byte(row.After), &image); err != nil {
			return fmt.Errorf("read audit row %d: %w", row.ID, err)
		}
		if row.Act == lakeKey {
			announced = image.Public
			return nil
		}
		if image.Public != r.Key {
			if announced != "" && image.Public != announced {
				return nil // of a lake that nobody began here
			}
			r.Key, r.States = image.Public, nil
		}
		for _, line := range image.Signed {
			s := lake.State{At: row.At}
			if _, err := fmt.Sscanf(line, "%s %d sha256:%s", &s.Source, &s.Records, &s.Note); err != nil {
				return fmt.Errorf("read audit row %d: %w", row.ID, err)
			}
			r.States = append(r.States, s)
		}
		return nil
	}
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		return audit.Each(ctx, tx, audit.Filter{Object: "lake", Act: "lake."}, each)
	})
	slices.SortStableFunc(r.States, func(a, b lake.State) int { return cmp.Compare(a.Source, b.Source) })
	if len(r.States) == 0 {
		r.Key = cmp.Or(announced, r.Key)
	}
	return r, err
}
