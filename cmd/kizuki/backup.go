package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"filippo.io/age"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/archive"
)

type backupCommand struct {
	File           string `arg:"" help:"New file, best with the ending .kizuki.age."`
	PassphraseFile string `help:"File with a passphrase; without it the backup is sealed for the office's recovery key." placeholder:"FILE"`
	JSON           bool   `name:"json" help:"Print as JSON (kizuki.backup-result/1)."`
}

// Run writes one backup and reads it back. A running server does not hinder it, and is told afterwards.
func (c *backupCommand) Run(ctx context.Context, e *environment) (err error) {
	passphrase, _, err := e.passphrase(c.PassphraseFile)
	if err != nil {
		return err
	}
	a, err := e.openBeside(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	progress, began := e.progress("cli.backup.packing"), time.Now()
	res, err := a.Backup(app.AsCommand(ctx), c.File, passphrase, progress.megabytes)
	progress.end()
	if a.Config().ReadOnly {
		e.tellServer(ctx, app.NoteOf(began, res, err))
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(struct {
			Schema string `json:"schema"`
			*app.BackupResult
		}{"kizuki.backup-result/1", res})
	}
	e.println(e.t("cli.backup.done", "file", res.File, "files", res.Files, "mb", megabytes(res.Size)))
	return nil
}

// tellServer has the server that holds the folder write down how a backup went. The file is good without that, so
// that a server which cannot be told is a warning.
func (e *environment) tellServer(ctx context.Context, n app.BackupNote) {
	ctx = context.WithoutCancel(ctx) // of a backup that was interrupted, too
	o, err := e.dial(ctx)
	if err == nil {
		err = o.NoteBackup(ctx, n)
	}
	if err != nil {
		fmt.Fprintln(e.stderr, "kizuki:", e.t("cli.backup.not_noted", "why", e.say(err)))
	}
}

type restoreCommand struct {
	File           string `arg:"" help:"The backup."`
	IdentityFile   string `help:"File with the recovery key; without it and --passphrase-file one line is read from standard input." placeholder:"FILE"`
	PassphraseFile string `help:"File with the passphrase that the backup was made with." placeholder:"FILE"`
	Check          bool   `help:"Only read the whole backup and compare it with its table of contents; write nothing."`
	JSON           bool   `name:"json" help:"Print as JSON (kizuki.restore/1)."`
}

// Run restores a backup into an empty folder.
func (c *restoreCommand) Run(ctx context.Context, e *environment) error {
	dir, err := e.folder()
	if err != nil {
		return err
	}
	key, err := c.key(e)
	if err != nil {
		return err
	}
	progress := e.progress("cli.restore.unpacking")
	r, err := app.Restore(ctx, app.RestoreConfig{
		File: c.File, Dir: dir, Keys: []age.Identity{key}, Now: time.Now, Log: e.log, Program: version(), CheckOnly: c.Check, Progress: progress.megabytes,
	})
	progress.end()
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(struct {
			Schema string `json:"schema"`
			*app.Restored
		}{"kizuki.restore/1", r})
	}
	if c.Check {
		e.println(e.t("cli.restore.checked", "at", r.MadeAt, "files", r.Files, "rows", r.AuditRows))
		return nil
	}
	e.println(e.t("cli.restore.done", "at", r.MadeAt, "dir", r.Folder, "files", r.Files, "rows", r.AuditRows, "attachments", r.Attachments))
	e.println(e.t("cli.restore.sessions", "n", r.Sessions))
	if r.BaseAddress != "" {
		e.println(e.t("cli.restore.address", "address", r.BaseAddress))
	}
	return nil
}

func (c *restoreCommand) key(e *environment) (age.Identity, error) {
	if c.PassphraseFile != "" {
		_, key, err := e.passphrase(c.PassphraseFile)
		return key, err
	}
	text, err := e.secretAsked(c.IdentityFile, "cli.restore.key")
	if err != nil {
		return nil, err
	}
	return archive.ParseSecret(text)
}

// passphrase reads the one of a backup, and the key that it makes; without a file both are empty.
func (e *environment) passphrase(file string) (text string, key age.Identity, err error) {
	if file == "" {
		return "", nil, nil
	}
	if text, err = e.secret(file); err != nil {
		return "", nil, err
	}
	key, _, err = archive.ByPassphrase(text)
	return text, key, err
}

// megabytes is how sizes are shown; what is there is at least 1.
func megabytes(n int64) int {
	if n > 0 && n < 1_000_000 {
		return 1
	}
	return int(n / 1_000_000)
}

// megabytes is step for bytes.
func (p *progress) megabytes(done, total int64) { p.step(megabytes(done), megabytes(total)) }
