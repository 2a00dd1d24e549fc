package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"filippo.io/age"

	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/platform/archive"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/backup"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func (a *App) newBackups() *backup.Service {
	dir := a.cfg.Dir
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	s := backup.New(a.DB, backup.Config{Dir: dir, Leave: []string{lake.Folder}, Program: a.cfg.Program, Log: a.cfg.Log, SameDisk: sameDisk, Free: freeBytes})
	a.closers = append(a.closers, s.Close)
	return s
}

// backupDuties asks for backups, but not in the sample company: nobody would miss it.
type backupDuties struct{ app *App }

// Duties implements due.Source.
func (d backupDuties) Duties(ctx context.Context, tx *sqlite.Tx, today jdate.Day) ([]due.Duty, error) {
	if d.app.cfg.Demo {
		return nil, nil
	}
	return d.app.Backups.Duties(ctx, tx, today)
}

// backupTick is how often the schedule is looked at: an office opened in the morning makes up for the night soon.
const backupTick = 5 * time.Minute

// backups makes backups on schedule until ctx ends. wait is as for nights.
func (a *App) backups(ctx context.Context, wait func(context.Context, time.Duration) bool) {
	for wait(ctx, backupTick) {
		if err := a.Backups.Tick(ctx); err != nil && ctx.Err() == nil {
			a.cfg.Log.ErrorContext(ctx, "backup on schedule went wrong", "error", err)
		}
	}
}

// backupState says how the backups stand, and whether that is worth a warning: an office of a few days has a
// little time to begin.
func (a *App) backupState(ctx context.Context, tx *sqlite.Tx) (st backup.Status, warn bool, err error) {
	if st, err = a.Backups.Status(ctx, tx); err != nil || !st.Old(jdate.Of(tx.Now)) {
		return st, false, err
	}
	born, err := sqlite.Born(ctx, tx)
	return st, !a.cfg.Demo && tx.Now.Sub(born) > time.Duration(st.WarnDays)*24*time.Hour, err
}

// frameBackup shows the age of the last backup beside its line of the menu, on every page, and warns when it is
// too high.
func (a *App) frameBackup(ctx context.Context, tx *sqlite.Tx, who actor.Actor, f *web.Frame) error {
	if !who.May(backup.PermManage) {
		return nil
	}
	st, warn, err := a.backupState(ctx, tx)
	if err != nil {
		return err
	}
	days, made := st.Age(f.Today)
	age := i18n.Msg{Key: "backup.age.days", Args: problem.Args{"n": days}}
	switch {
	case !made:
		age = i18n.Msg{Key: "backup.age.none"}
	case days == 0:
		age = i18n.Msg{Key: "backup.age.today"}
	}
	for i := range f.Nav {
		if f.Nav[i].Href == "/backup" {
			f.Nav[i].Count = a.Texts.T(web.Locale(ctx), age.Key, age.Args)
		}
	}
	switch {
	case warn && made:
		f.Banners = append(f.Banners, web.Banner{Key: "backup.banner.old", Args: problem.Args{"n": days}, Link: "/backup"})
	case warn:
		f.Banners = append(f.Banners, web.Banner{Key: "backup.banner.none", Link: "/backup"})
	}
	return nil
}

// doctorBackup looks at the age of the last backup and at the last try.
func (a *App) doctorBackup(ctx context.Context, tx *sqlite.Tx) ([]Check, error) {
	st, warn, err := a.backupState(ctx, tx)
	if err != nil {
		return nil, err
	}
	days, made := st.Age(jdate.Of(tx.Now))
	c := Check{"backup", true, i18n.Msg{Key: "app.doctor.backup.ok", Args: problem.Args{"at": st.Last}}}
	switch {
	case warn && made:
		c = Check{"backup", false, i18n.Msg{Key: "app.doctor.backup.old", Args: problem.Args{"n": days, "at": st.Last}}}
	case warn:
		c = Check{"backup", false, i18n.Msg{Key: "app.doctor.backup.none"}}
	case st.Failed != nil && st.Failed.Problem != nil:
		why := i18n.Msg{Key: st.Failed.Problem.Key, Args: st.Failed.Problem.Args}
		c = Check{"backup", false, i18n.Msg{Key: "app.doctor.backup.failed", Args: problem.Args{"at": st.Failed.StartedAt, "why": why}}}
	case !made:
		c.Text = i18n.Msg{Key: "app.doctor.backup.new"}
	}
	return []Check{c}, nil
}

// BackupResult is what kizuki backup made.
type BackupResult struct {
	File   string `json:"file"`
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
	Files  int    `json:"files"`
	Bytes  int64  `json:"bytes"` // of the packed files, unencrypted
}

// Backup writes the whole office to a new file, sealed for a passphrase or, without one, for the recovery key,
// and reads it back. Beside a running server it does the same and leaves no row behind: the command then tells the
// server with a BackupNote.
func (a *App) Backup(ctx context.Context, file, passphrase string, progress archive.Progress) (*BackupResult, error) {
	to, reader, err := a.backupKeys(ctx, passphrase)
	if err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	began := a.DB.Now()
	res, err := a.Backups.Pack(ctx, abs, to, reader, progress)
	if !a.cfg.ReadOnly {
		err = errors.Join(err, a.Backups.Note(context.WithoutCancel(ctx), began, res, err))
	}
	if err != nil {
		return nil, err
	}
	return &BackupResult{File: abs, Size: res.Size, SHA256: res.SHA256, Files: res.Files, Bytes: res.Bytes}, nil
}

// BackupNote is what a command tells the server beside which it made a backup, or failed to.
type BackupNote struct {
	Began       time.Time      `json:"began"`
	Files       int            `json:"files"`
	Bytes       int64          `json:"bytes"`
	Interrupted bool           `json:"interrupted"`
	Problem     *problemOfNote `json:"problem"` // nil: all went well, or it was interrupted
}

type problemOfNote struct {
	Code problem.Code      `json:"code"`
	Key  string            `json:"key"`
	Args map[string]string `json:"args"`
}

// NoteOf says how a backup went that began then; res is nil after an error.
func NoteOf(began time.Time, res *BackupResult, failed error) BackupNote {
	n := BackupNote{Began: began}
	if res != nil {
		n.Files, n.Bytes = res.Files, res.Bytes
	}
	if failed == nil {
		return n
	}
	if n.Interrupted = errors.Is(failed, context.Canceled); n.Interrupted {
		return n
	}
	n.Problem = &problemOfNote{Code: problem.CodeUnavailable, Key: "backup.failed_inside"}
	if all := problem.All(failed); len(all) > 0 {
		n.Problem = &problemOfNote{Code: all[0].Code, Key: all[0].Key, Args: map[string]string{}}
		for name, v := range all[0].Args {
			n.Problem.Args[name] = fmt.Sprint(v)
		}
	}
	return n
}

// NoteBackup writes down, beside those of the server, a backup that a command made: a row of the list and one of
// the audit log. Whoever may ask owns the data folder. Problem code invalid when the note cannot be true.
func (a *App) NoteBackup(ctx context.Context, n BackupNote) error {
	if n.Began.IsZero() || n.Began.After(a.DB.Now()) || n.Files < 0 || n.Bytes < 0 {
		return problem.Invalid("", "app.control.broken")
	}
	var failed error
	switch {
	case n.Interrupted:
		failed = context.Canceled
	case n.Problem != nil:
		p := &problem.Error{Code: n.Problem.Code, Key: n.Problem.Key, Args: problem.Args{}}
		for name, v := range n.Problem.Args {
			p.Args[name] = v
		}
		failed = p
	}
	return a.Backups.Note(ctx, n.Began, archive.Result{Files: n.Files, Bytes: n.Bytes}, failed)
}

func (a *App) backupKeys(ctx context.Context, passphrase string) ([]age.Recipient, age.Identity, error) {
	if passphrase != "" {
		reader, to, err := archive.ByPassphrase(passphrase)
		return []age.Recipient{to}, reader, err
	}
	var keys []backup.Key
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) (err error) {
		keys, err = a.Backups.Keys(ctx, tx)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	for _, k := range keys {
		if !k.RetiredAt.IsZero() {
			continue
		}
		to, err := archive.ParsePublic(k.Public)
		if err != nil {
			return nil, nil, err
		}
		reader, own, err := archive.Once()
		return []age.Recipient{to, own}, reader, err
	}
	return nil, nil, problem.Conflict("backup.no_key")
}
