package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/app/control"
	"github.com/kizuki-security/kizuki/internal/app/remote"
)

// anOffice is what commands work with: the data folder itself, or the server that holds it.
type anOffice interface {
	Init(ctx context.Context, f app.FirstOffice) error
	Users(ctx context.Context) ([]app.User, error)
	AddUser(ctx context.Context, n app.NewUser) error
	SetPassword(ctx context.Context, login, password string) error
	DisableUser(ctx context.Context, login string) error
	Import(ctx context.Context, kind, name string, data []byte, options map[string]string, apply bool, progress func(done, total int)) (*app.ImportResult, error)
	Gaps(ctx context.Context, lang string) (*app.GapsReport, error)
	ExportGaps(ctx context.Context, w io.Writer, format, lang string) error
	ExportSheet(ctx context.Context, w io.Writer, id, format, lang string, unanswered bool) error
	ExportPeople(ctx context.Context, w io.Writer, format, lang string) error
	Doctor(ctx context.Context) ([]app.Check, error)
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
	dir, err := e.folder()
	if err != nil {
		return nil, err
	}
	if a, err = app.Open(ctx, app.Config{Dir: dir, Now: time.Now, Log: e.log, ReadOnly: true}); err != nil {
		return nil, err
	}
	return a, nil
}

// openSelf opens the data folder and takes its lock.
func (e *environment) openSelf(ctx context.Context) (*app.App, error) {
	dir, err := e.folder()
	if err != nil {
		return nil, err
	}
	return app.Open(ctx, app.Config{Dir: dir, Now: time.Now, Log: e.log})
}

// besides opens what answers beside the pages of a server: commands.
func (e *environment) besides(ctx context.Context, a *app.App, s *app.Server) error {
	commands, err := remote.Listen(ctx, a, version())
	if err != nil {
		return err
	}
	s.With(commands)
	return nil
}

func (e *environment) dial(ctx context.Context) (*remote.Office, error) {
	dir, err := e.folder()
	if err != nil {
		return nil, err
	}
	return remote.Dial(ctx, dir, version(), e.lang)
}
