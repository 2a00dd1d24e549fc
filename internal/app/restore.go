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

// restoringMark is the file that says that its folder is not an office yet. It is made first and removed last;
// who restores holds its lock.
const restoringMark = "restore-not-finished"

// restoringSuffix stands between the name of the folder and what MkdirTemp adds.
const restoringSuffix = ".restoring-"

// checkRestored refuses a folder in which a restore was killed.
func checkRestored(cfg Config) error {
	if _, err := os.Lstat(filepath.Join(cfg.Dir, restoringMark)); err == nil && !cfg.restoring {
		return problem.Unsupported("app.restore.unfinished", "dir", cfg.Dir)
	}
	return nil
}

// Restore unpacks a backup into an empty folder. Everything happens in a folder beside it, which gets the name
// at the very end: a restore that is killed leaves nothing that looks like an office. An older backup is
// upgraded. Problem codes: conflict (the folder is not empty), unsupported (a newer version made the backup),
// those of archive.Unpack, unavailable (no room).
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
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return nil, problem.Unavailable("app.folder.cannot_make", "dir", dir).Because(err)
	}
	sweepRestores(dir)
	temp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+restoringSuffix)
	if err != nil {
		return nil, problem.Unavailable("app.folder.cannot_make", "dir", dir).Because(err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, archive.RemoveTree(temp))
		}
	}()
	mark := flock.New(filepath.Join(temp, restoringMark), flock.SetPermissions(0o600))
	if err := mark.Lock(); err != nil {
		return nil, fmt.Errorf("mark the folder: %w", err)
	}
	r, err = restoreInto(ctx, cfg, temp)
	if err = errors.Join(err, mark.Unlock()); err != nil {
		return nil, err
	}
	if err := os.Remove(filepath.Join(temp, restoringMark)); err != nil {
		return nil, fmt.Errorf("finish the restore: %w", err)
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // empty, as was seen; else it refuses
		return nil, notEmpty(dir).Because(err)
	}
	if err := os.Rename(temp, dir); err != nil {
		return nil, fmt.Errorf("name the restored folder: %w", err)
	}
	r.Folder = dir
	return r, nil
}

func notEmpty(dir string) *problem.Error {
	return problem.Conflict("app.restore.not_empty", "dir", dir)
}

func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return problem.Unavailable("app.folder.cannot_make", "dir", dir).Because(err)
	case len(entries) > 0:
		return notEmpty(dir)
	}
	return nil
}

// sweepRestores removes what killed restores into the same folder left, unless one is still at work.
func sweepRestores(dir string) {
	found, _ := filepath.Glob(dir + restoringSuffix + "*") // a name with signs of a pattern is not swept
	for _, temp := range found {
		name := filepath.Join(temp, restoringMark)
		if _, err := os.Lstat(name); err != nil {
			continue
		}
		mark := flock.New(name)
		if ok, err := mark.TryLock(); err != nil || !ok {
			continue
		}
		_ = mark.Unlock()
		_ = archive.RemoveTree(temp)
	}
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
