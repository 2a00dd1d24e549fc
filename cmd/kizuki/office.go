package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/app/control"
	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/app/remote"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// anOffice is what commands work with: the data folder itself, or the server that holds it.
type anOffice interface {
	Init(ctx context.Context, f app.FirstOffice) error
	Users(ctx context.Context) ([]app.User, error)
	AddUser(ctx context.Context, n app.NewUser) error
	SetPassword(ctx context.Context, login, password string) error
	DisableUser(ctx context.Context, login string) error
	ResetFactor(ctx context.Context, login string) error
	Import(ctx context.Context, kind, name string, data []byte, options map[string]string, apply bool, progress func(done, total int)) (*app.ImportResult, error)
	Gaps(ctx context.Context, lang string) (*app.GapsReport, error)
	ExportGaps(ctx context.Context, w io.Writer, format, lang string) error
	ExportSheet(ctx context.Context, w io.Writer, id, format, lang string, unanswered bool) error
	ExportPeople(ctx context.Context, w io.Writer, format, lang string) error
	ExportPerson(ctx context.Context, w io.Writer, who, format, lang string) error
	Doctor(ctx context.Context) ([]app.Check, error)
	NoteLake(ctx context.Context, n lake.Act) error
	LakeSigned(ctx context.Context) (lake.Remembered, error)
	Close() error
}

// open opens the office of the settings for a command that changes it. A running server holds the folder: the
// command then asks the server, and never writes itself.
func (e *environment) open(ctx context.Context) (anOffice, error) {
	a, err := e.openSelf(ctx)
	if err == nil {
		return a, nil
	}
	if !errors.Is(err, app.ErrInUse) {
		return nil, err
	}
	o, derr := e.dial(ctx)
	if errors.Is(derr, control.ErrNone) { // another command is at work, or a server that is just starting
		return nil, err
	}
	if derr != nil {
		return nil, derr
	}
	return o, nil
}

// openReading opens the office for a command that only reads: beside a running server through it, and where it
// does not answer, beside it.
func (e *environment) openReading(ctx context.Context) (anOffice, error) {
	a, err := e.openSelf(ctx)
	if err == nil {
		return a, nil
	}
	if !errors.Is(err, app.ErrInUse) {
		return nil, err
	}
	if o, err := e.dial(ctx); err == nil {
		return o, nil
	}
	if a, err = e.openPast(ctx); err != nil {
		return nil, err
	}
	return a, nil
}

// openBeside opens the data folder itself; while a server holds it, only for reading past the server.
func (e *environment) openBeside(ctx context.Context) (*app.App, error) {
	a, err := e.openSelf(ctx)
	if errors.Is(err, app.ErrInUse) {
		return e.openPast(ctx)
	}
	return a, err
}

// openSelf opens the data folder and takes its lock.
func (e *environment) openSelf(ctx context.Context) (*app.App, error) {
	return e.openFolder(ctx, false)
}

// openPast opens the data folder beside the process that holds it, only for reading.
func (e *environment) openPast(ctx context.Context) (*app.App, error) { return e.openFolder(ctx, true) }

func (e *environment) openFolder(ctx context.Context, reading bool) (*app.App, error) {
	cfg, err := e.folderConfig()
	if err != nil {
		return nil, err
	}
	cfg.ReadOnly = reading
	return app.Open(ctx, cfg)
}

// config is what an office needs to know of its surroundings.
func (e *environment) config(dir string) (app.Config, error) {
	const mega = 1 << 20
	text := e.values.Text("min-free")
	mb, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return app.Config{}, fmt.Errorf("setting min-free: %q is not a number of MB", text)
	}
	return app.Config{
		Dir: dir, Now: time.Now, Log: e.log, MinFree: mb * mega, Program: version(), TLS: e.tls(), LinksAddress: e.values.Text("links-address"),
	}, nil
}

// besides opens what answers beside the pages of a server: commands, and a program that collects figures.
func (e *environment) besides(ctx context.Context, a *app.App, s *app.Server) error {
	commands, err := remote.Listen(ctx, a, version())
	if err != nil {
		return err
	}
	s.With(commands)
	addr := e.values.Text("metrics-listen")
	if addr == "" {
		return nil
	}
	token := ""
	if file := e.values.Text("metrics-token-file"); file != "" {
		if token, err = e.secret(file); err != nil {
			return err
		}
		if token == "" {
			return problem.Invalid("", "cli.metrics.empty_token", "file", file)
		}
	}
	figures, err := a.ListenMetrics(ctx, addr, token)
	if err != nil {
		return err
	}
	s.With(figures)
	return nil
}

func (e *environment) dial(ctx context.Context) (*remote.Office, error) {
	dir, err := e.folder()
	if err != nil {
		return nil, err
	}
	return remote.Dial(ctx, dir, version(), e.lang)
}

// folderConfig is how the office in the data folder is opened.
func (e *environment) folderConfig() (app.Config, error) {
	dir, err := e.folder()
	if err != nil {
		return app.Config{}, err
	}
	return e.config(dir)
}
