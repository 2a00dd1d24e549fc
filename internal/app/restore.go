package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"filippo.io/age"
	"github.com/gofrs/flock"

	"github.com/kizuki-security/kizuki/internal/platform/archive"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/backup"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// RestoreConfig says what is restored where.
type RestoreConfig struct {
	File    string
	Dir     string // must be empty or not there
	Keys    []age.Identity
	Now     func() time.Time
	Log     *slog.Logger
	Program string
	// CheckOnly reads the whole backup and compares it with its manifest; nothing is written.
	CheckOnly bool
	Progress  archive.Progress
}

// Restored is what a restore brought back.
type Restored struct {
	Folder      string    `json:"folder"`
	MadeAt      time.Time `json:"made_at"` // when the backup was made
	Program     string    `json:"program"` // that made it
	Files       int       `json:"files"`
	Bytes       int64     `json:"bytes"`
	AuditRows   int       `json:"audit_rows"`   // in the backup
	Attachments int       `json:"attachments"`  // all checked
	Sessions    int       `json:"sessions"`     // ended
	BaseAddress string    `json:"base_address"` // where links lead; check it
}

// Restore unpacks a backup into an empty folder. Everything happens in a folder beside it, which gets the name
// at the very end, or, where that cannot be, in the folder itself behind a mark: a restore that is killed leaves
// nothing that opens as an office. An older backup is upgraded. Problem codes: conflict (the folder is not empty),
// unsupported (a newer version made the backup), those of archive.Unpack, unavailable (no room).
//
// Whoever had a session when the backup was made must sign in again: sessions that were ended since would
// otherwise live once more. Links stay: posters and letters with them are out in the house.
func Restore(ctx context.Context, cfg RestoreConfig) (r *Restored, err error) {
	if cfg.CheckOnly {
		m, err := archive.Check(ctx, cfg.File, cfg.Keys, archive.DefaultLimits(), nil)
		if err != nil {
			return nil, err
		}
		return restoredOf(m), acceptable(m)
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("resolve data folder: %w", err)
	}
	if err := checkFolder(Config{Dir: dir}); err != nil {
		return nil, err
	}
	if err := emptyFolder(dir); err != nil {
		return nil, err
	}
	temp, err := restoringPlace(dir)
	if err != nil {
		return nil, err
	}
	mark := flock.New(filepath.Join(temp, restoringMark), flock.SetPermissions(0o600))
	if ok, err := mark.TryLock(); err != nil || !ok { // in the folder itself another restore was faster
		return nil, notEmpty(dir).Because(err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, clearRestore(temp, dir))
		}
	}()
	r, err = restoreInto(ctx, cfg, temp)
	if err = errors.Join(err, mark.Unlock()); err != nil {
		return nil, err
	}
	if err := os.Remove(filepath.Join(temp, restoringMark)); err != nil {
		return nil, fmt.Errorf("finish the restore: %w", err)
	}
	if temp != dir {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // empty, as was seen; else it refuses
			return nil, notEmpty(dir).Because(err)
		}
		if err := os.Rename(temp, dir); err != nil {
			return nil, fmt.Errorf("name the restored folder: %w", err)
		}
	}
	r.Folder = dir
	return r, nil
}

func restoredOf(m *archive.Manifest) *Restored {
	n, _ := strconv.Atoi(m.Notes[backup.NoteAuditRows]) // 0 when it is not there
	return &Restored{MadeAt: m.MadeAt, Program: m.Program, Files: len(m.Entries), Bytes: m.Size(), AuditRows: n}
}

// acceptable says whether this program can open what the manifest names, before anything is written.
func acceptable(m *archive.Manifest) error {
	if err := sqlite.Known(m.Tables, Migrations()); err != nil {
		return problem.Unsupported("app.restore.newer", "version", m.Program).Because(err)
	}
	for _, e := range m.Entries {
		if e.Name == databaseFile && len(m.Tables) > 0 {
			return nil
		}
	}
	return problem.Invalid("", "app.restore.no_database")
}

func restoreInto(ctx context.Context, cfg RestoreConfig, temp string) (*Restored, error) {
	var done int64
	var total int64
	m, err := archive.Unpack(ctx, cfg.File, cfg.Keys, archive.DefaultLimits(), temp, func(m *archive.Manifest) error {
		total = m.Size()
		if err := acceptable(m); err != nil {
			return err
		}
		if free, err := freeBytes(temp); err == nil && free < total+upgradeReserve {
			return problem.Unavailable("app.restore.room", "mb", (total+upgradeReserve-free)/1_000_000+1)
		}
		return nil
	}, func(n int64) {
		if done += n; cfg.Progress != nil {
			cfg.Progress(done, total)
		}
	})
	if err != nil {
		return nil, err
	}
	if err := sameTables(ctx, cfg, filepath.Join(temp, databaseFile), m.Tables); err != nil {
		return nil, err
	}
	r := restoredOf(m)
	a, err := Open(ctx, Config{Dir: temp, Now: cfg.Now, Log: cfg.Log, Program: cfg.Program, restoring: true})
	if err != nil {
		return nil, err
	}
	err = a.afterRestore(AsCommand(ctx), m, r)
	return r, errors.Join(err, a.Close(), os.Remove(filepath.Join(temp, "kizuki.lock")))
}

// sameTables insists that the database is the one that the manifest tells of, before anything is written to it.
func sameTables(ctx context.Context, cfg RestoreConfig, file string, want map[string]string) (err error) {
	db, err := sqlite.OpenReading(ctx, file, cfg.Now)
	if err != nil {
		return problem.Conflict("app.restore.damaged", "file", databaseFile).Because(err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	got, err := db.Applied(ctx)
	if err != nil || !maps.Equal(got, want) {
		return problem.Conflict("app.restore.damaged", "file", databaseFile).Because(err)
	}
	return nil
}

// afterRestore checks what came back, before it is an office: the database, the chain of the audit log up to
// the row that the manifest names, every attachment. Then it ends the sessions and goes on with the chain.
func (a *App) afterRestore(ctx context.Context, m *archive.Manifest, r *Restored) error {
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		text, err := sqlite.Integrity(ctx, tx)
		if err != nil {
			return err
		}
		n, err := audit.Verify(ctx, tx)
		if err != nil {
			return err
		}
		if text != "ok" || n < r.AuditRows {
			return problem.Conflict("app.restore.damaged", "file", databaseFile)
		}
		if r.Attachments, err = a.Files.Verify(ctx, tx); err != nil {
			return err
		}
		company, err := a.Org.Company(ctx, tx)
		r.BaseAddress = company.BaseAddress
		return err
	})
	if err != nil {
		return err
	}
	if r.Sessions, err = a.endSessions(ctx); err != nil {
		return err
	}
	return a.DB.Write(ctx, func(tx *sqlite.Tx) error {
		return audit.Record(ctx, tx, "backup.restored", "backup", audit.Image{
			"made_at": m.MadeAt, "program": m.Program, "audit_rows": m.Notes[backup.NoteAuditRows], "audit_head": m.Notes[backup.NoteAuditHead],
			"files": r.Files,
		})
	})
}

// endSessions ends every session of every account.
func (a *App) endSessions(ctx context.Context) (n int, err error) {
	var keys []string
	err = a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		all, err := a.Accounts.List(ctx, tx)
		for _, acc := range all {
			keys = append(keys, acc.Key)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, key := range keys {
		ended, err := a.Accounts.RevokeSessionsOf(ctx, key)
		if err != nil {
			return n, err
		}
		n += ended
	}
	return n, nil
}
