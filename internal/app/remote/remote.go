// Package remote is the office as commands see it beside a running server: the same acts as app.App, asked of the
// server through its control socket. What a command prints, and its exit code, do not tell the two apart.
//
// Verbs is the server's side, Office the command's. Every text of an answer is written by the server in the
// language of the command. It imports app, control, platform and words.
package remote

import (
	"context"
	"io"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/app/control"
	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// textKey is the message that holds a sentence which the server wrote.
const textKey = "app.control.said"

func said(text string) i18n.Msg { return i18n.Msg{Key: textKey, Args: problem.Args{"text": text}} }

// Office asks the server of a data folder. Its methods are those of app.App.
type Office struct{ client *control.Client }

// Dial finds the server of a data folder. control.ErrNone when no server answers there.
func Dial(ctx context.Context, dir, version, lang string) (*Office, error) {
	c, err := control.Dial(ctx, dir, version, lang)
	if err != nil {
		return nil, err
	}
	return &Office{c}, nil
}

// Close does nothing: every request has a connection of its own.
func (o *Office) Close() error { return nil }

// Init sets an empty office up.
func (o *Office) Init(ctx context.Context, f app.FirstOffice) error {
	return o.client.Do(ctx, control.Ask{Verb: "init", Args: f}, nil)
}

// Users lists the accounts.
func (o *Office) Users(ctx context.Context) ([]app.User, error) {
	var users []app.User
	return users, o.client.Do(ctx, control.Ask{Verb: "user.list"}, &users)
}

// AddUser adds an account.
func (o *Office) AddUser(ctx context.Context, n app.NewUser) error {
	return o.client.Do(ctx, control.Ask{Verb: "user.add", Args: n}, nil)
}

// SetPassword sets a password.
func (o *Office) SetPassword(ctx context.Context, login, password string) error {
	return o.client.Do(ctx, control.Ask{Verb: "user.password", Args: passwordArgs{login, password}}, nil)
}

// DisableUser switches an account off.
func (o *Office) DisableUser(ctx context.Context, login string) error {
	return o.client.Do(ctx, control.Ask{Verb: "user.disable", Args: login}, nil)
}

// ResetFactor takes the second factors of an account away.
func (o *Office) ResetFactor(ctx context.Context, login string) error {
	return o.client.Do(ctx, control.Ask{Verb: "user.reset-factor", Args: login}, nil)
}

// Import reads a file and, with apply, takes it over.
func (o *Office) Import(ctx context.Context, kind, name string, data []byte, options map[string]string, apply bool, progress func(done, total int)) (*app.ImportResult, error) {
	var w importWire
	err := o.client.Do(ctx, control.Ask{
		Verb: "import", Args: importArgs{kind, options, apply}, Files: []control.File{{Name: name, Data: data}}, Progress: progress,
	}, &w)
	if err != nil {
		return nil, err
	}
	return w.result(), nil
}

// Gaps writes the gaps of all targets in the language of the command.
func (o *Office) Gaps(ctx context.Context, _ string) (*app.GapsReport, error) {
	var report app.GapsReport
	if err := o.client.Do(ctx, control.Ask{Verb: "gaps"}, &report); err != nil {
		return nil, err
	}
	return &report, nil
}

// ExportGaps writes the gaps as a file.
func (o *Office) ExportGaps(ctx context.Context, w io.Writer, format, _ string) error {
	return o.client.Do(ctx, control.Ask{Verb: "export.gaps", Args: exportArgs{Format: format}, Out: w}, nil)
}

// ExportSheet writes the check sheet of a framework.
func (o *Office) ExportSheet(ctx context.Context, w io.Writer, id, format, _ string, unanswered bool) error {
	return o.client.Do(ctx, control.Ask{Verb: "export.sheet", Args: exportArgs{format, id, unanswered}, Out: w}, nil)
}

// ExportPeople writes the staff list.
func (o *Office) ExportPeople(ctx context.Context, w io.Writer, format, _ string) error {
	return o.client.Do(ctx, control.Ask{Verb: "export.people", Args: exportArgs{Format: format}, Out: w}, nil)
}

// ExportPerson writes what is held about a person.
func (o *Office) ExportPerson(ctx context.Context, w io.Writer, who, format, _ string) error {
	return o.client.Do(ctx, control.Ask{Verb: "export.person", Args: exportArgs{Format: format, ID: who}, Out: w}, nil)
}

// Doctor checks the office from inside the server.
func (o *Office) Doctor(ctx context.Context) ([]app.Check, error) {
	var wire []checkWire
	if err := o.client.Do(ctx, control.Ask{Verb: "doctor"}, &wire); err != nil {
		return nil, err
	}
	checks := make([]app.Check, len(wire))
	for i, c := range wire {
		checks[i] = app.Check{Name: c.Name, OK: c.OK, Text: said(c.Text)}
	}
	return checks, nil
}

// NoteLake tells the server of an act on the lake.
func (o *Office) NoteLake(ctx context.Context, n lake.Act) error {
	return o.client.Do(ctx, control.Ask{Verb: "lake.note", Args: n}, nil)
}

// LakeSigned asks what the audit log knows of what was signed in the lake.
func (o *Office) LakeSigned(ctx context.Context) (r lake.Remembered, err error) {
	return r, o.client.Do(ctx, control.Ask{Verb: "lake.signed"}, &r)
}

// NoteBackup tells the server of a backup that the command made beside it.
func (o *Office) NoteBackup(ctx context.Context, n app.BackupNote) error {
	return o.client.Do(ctx, control.Ask{Verb: "backup.note", Args: n}, nil)
}
