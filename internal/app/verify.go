package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/kizuki-security/kizuki/catalog"
	"github.com/kizuki-security/kizuki/internal/office/assessment/frozen"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/audit/checkpoint"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// OutsideCheckpoint is a signed note that was kept outside, with the name of its file.
type OutsideCheckpoint struct {
	Name string
	Data []byte
}

// VerifyInput is what verify is given beside the folder.
type VerifyInput struct {
	Outside []OutsideCheckpoint
	Keys    []string // verifier keys known from outside, e.g. from paper; none: those of the office
}

// VerifyPart is one thing that was checked.
type VerifyPart struct {
	Name    string // "pages", "rows" …
	Checked int    // how many of its things were read
	Broken  []VerifyFinding
}

// VerifyFinding is the first broken record of its kind.
type VerifyFinding struct {
	File  string // below the data folder, or the name of a note from outside
	Table string
	Row   string
	Text  i18n.Msg // what is wrong
	Todo  i18n.Msg // what to do
}

// VerifyReport is what verify found.
type VerifyReport struct {
	At    time.Time
	Parts []VerifyPart
}

// OK says that nothing is broken.
func (r *VerifyReport) OK() bool {
	for _, p := range r.Parts {
		if len(p.Broken) > 0 {
			return false
		}
	}
	return true
}

// Verify checks everything that the folder of an office holds, reading only: beside a running server, too. Only the lake
// is opened as for every command, and seals what a crash left unsealed. Problem codes: not_found when
// there is no office, unavailable (app.upgrade_first) when the office is whole and of an earlier version. Whatever is
// broken is part of the report, a database that does not open included.
func Verify(ctx context.Context, cfg Config, in VerifyInput) (*VerifyReport, error) {
	v := &verifier{cfg: cfg, in: in, report: &VerifyReport{At: cfg.Now()}}
	file := filepath.Join(cfg.Dir, databaseFile)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, problem.NotFound("app.verify.no_office", "dir", cfg.Dir)
	}
	a := &App{cfg: cfg}
	defer func() { _ = a.Close() }()
	var err error
	if a.Texts, err = Texts(); err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	if a.Catalog, err = framework.Load(catalog.FS); err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	if a.DB, err = sqlite.OpenReading(ctx, file, cfg.Now); err != nil {
		v.unread("pages", err)
		return v.report, v.lake(ctx)
	}
	a.closers = append(a.closers, a.DB.Close)
	a.build()
	v.app = a
	if err := v.run(ctx); err != nil {
		return v.report, err
	}
	return v.report, v.lake(ctx)
}

type verifier struct {
	cfg    Config
	in     VerifyInput
	app    *App
	report *VerifyReport
}

// run checks from the ground up: pages before rows, rows before what they say.
func (v *verifier) run(ctx context.Context) error {
	err := v.app.DB.Read(ctx, func(tx *sqlite.Tx) error {
		v.pages(ctx, tx)
		v.rows(ctx, tx)
		return ctx.Err()
	})
	if err != nil {
		return v.begun(ctx, err)
	}
	pending, err := v.app.DB.Pending(ctx, Migrations())
	if err != nil || len(pending) > 0 {
		if !v.report.OK() {
			return nil // the list of migrations itself is among what is broken
		}
		return errors.Join(err, problem.Unavailable("app.upgrade_first"))
	}
	if err := v.schema(ctx); err != nil {
		return err
	}
	err = v.app.DB.Read(ctx, func(tx *sqlite.Tx) error {
		for _, part := range []func(context.Context, *sqlite.Tx){v.links, v.log, v.checkpoints, v.records, v.files} {
			if part(ctx, tx); ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return nil
	})
	return v.begun(ctx, err)
}

// begun turns a transaction that could not begin into a finding.
func (v *verifier) begun(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	v.unread("pages", err)
	return nil
}

func (v *verifier) add(part string, n int, found ...VerifyFinding) {
	v.report.Parts = append(v.report.Parts, VerifyPart{part, n, found})
}

func msg(key string, pairs ...any) i18n.Msg {
	args := problem.Args{}
	for i := 0; i+1 < len(pairs); i += 2 {
		args[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return i18n.Msg{Key: key, Args: args}
}

// restore is what helps against damage.
var restore = msg("app.verify.todo.restore")

// unread is a part that could not be read at all.
func (v *verifier) unread(part string, err error) {
	v.add(part, 0, VerifyFinding{File: databaseFile, Text: msg("app.verify.unread", "text", err.Error()), Todo: restore})
}

// pages asks SQLite for the structure of the file.
func (v *verifier) pages(ctx context.Context, tx *sqlite.Tx) {
	const most = 5
	found, err := sqlite.CheckPages(ctx, tx, most)
	if err != nil {
		v.unread("pages", err)
		return
	}
	if len(found) > 0 {
		v.add("pages", 1, VerifyFinding{File: databaseFile, Text: msg("app.verify.pages", "text", found[0]), Todo: restore})
		return
	}
	v.add("pages", 1)
}

// rows compares every row with its seal.
func (v *verifier) rows(ctx context.Context, tx *sqlite.Tx) {
	n, found, err := sqlite.CheckSeals(ctx, tx, Migrations())
	if err != nil {
		v.unread("rows", err)
		return
	}
	v.add("rows", n, brokenRows(found)...)
}

func brokenRows(found []sqlite.Broken) []VerifyFinding {
	out := make([]VerifyFinding, len(found))
	for i, b := range found {
		out[i] = VerifyFinding{
			File: databaseFile, Table: b.Table, Row: b.Row, Text: msg("app.verify."+string(b.Why), "text", b.Text), Todo: restore,
		}
	}
	return out
}

// schema compares tables, indexes and triggers with those of a new office.
func (v *verifier) schema(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "kizuki-verify-*")
	if err != nil {
		return fmt.Errorf("make folder to compare with: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	fresh, err := sqlite.Open(ctx, filepath.Join(dir, databaseFile), v.cfg.Now)
	if err != nil {
		return err
	}
	defer func() { _ = fresh.Close() }()
	if err := fresh.Migrate(ctx, Migrations()); err != nil {
		return fmt.Errorf("make tables to compare with: %w", err)
	}
	return fresh.Read(ctx, func(want *sqlite.Tx) error {
		err := v.app.DB.Read(ctx, func(tx *sqlite.Tx) error {
			n, found, err := sqlite.CheckSchema(ctx, tx, want)
			if err == nil {
				v.add("schema", n, brokenRows(found)...)
			}
			return err
		})
		if err != nil && ctx.Err() == nil {
			v.unread("schema", err)
			return nil
		}
		return err
	})
}

// links finds rows that point at rows that are not there.
func (v *verifier) links(ctx context.Context, tx *sqlite.Tx) {
	found, err := sqlite.CheckLinks(ctx, tx)
	if err != nil {
		v.unread("links", err)
		return
	}
	v.add("links", 1, brokenRows(found)...)
}

// result adds a part whose check names the first broken record in a problem with the argument row.
func (v *verifier) result(part, table string, n int, err error, todo i18n.Msg) {
	if err == nil {
		v.add(part, n)
		return
	}
	all := problem.All(err)
	if len(all) == 0 {
		v.add(part, n, VerifyFinding{File: databaseFile, Table: table, Text: msg("app.verify.unread", "text", err.Error()), Todo: restore})
		return
	}
	f := VerifyFinding{File: databaseFile, Table: table, Text: i18n.Msg{Key: all[0].Key, Args: all[0].Args}, Todo: todo}
	if row, ok := all[0].Args["row"].(int64); ok {
		f.Row = strconv.FormatInt(row, 10)
	}
	v.add(part, n, f)
}

// log walks the chain and the personal values beside it.
func (v *verifier) log(ctx context.Context, tx *sqlite.Tx) {
	n, err := audit.VerifyChain(ctx, tx)
	v.result("log", "audit_log", n, err, msg("app.verify.todo.log"))
	n, err = audit.VerifyPersonal(ctx, tx)
	v.result("personal", "audit_personal", n, err, restore)
}

// checkpoints checks those of the office and those from outside.
func (v *verifier) checkpoints(ctx context.Context, tx *sqlite.Tx) {
	n, err := checkpoint.Verify(ctx, tx)
	v.result("checkpoints", "audit_checkpoints", n, err, msg("app.verify.todo.log"))
	if len(v.in.Outside) == 0 {
		return
	}
	var found []VerifyFinding
	for _, o := range v.in.Outside {
		_, err := checkpoint.VerifyOutside(ctx, tx, o.Data, v.in.Keys)
		all := problem.All(err)
		switch {
		case err == nil:
		case len(all) > 0:
			found = append(found, VerifyFinding{File: o.Name, Text: i18n.Msg{Key: all[0].Key, Args: all[0].Args}, Todo: msg("app.verify.todo.outside")})
		default:
			found = append(found, VerifyFinding{File: o.Name, Text: msg("app.verify.unread", "text", err.Error()), Todo: msg("app.verify.todo.outside")})
		}
	}
	v.add("outside", len(v.in.Outside), found...)
}

// records checks the facts and what of them is frozen into answers.
func (v *verifier) records(ctx context.Context, tx *sqlite.Tx) {
	n, err := v.app.Facts.Verify(ctx, tx)
	v.result("facts", "facts", n, err, restore)
	n, err = frozen.Verify(ctx, tx, v.app.Facts)
	v.result("answers", "assessment_answers", n, err, restore)
}

// files reads every attachment and every file that came in for an import.
func (v *verifier) files(ctx context.Context, tx *sqlite.Tx) {
	n, a, file, err := v.app.Files.Check(ctx, tx)
	v.file("attachments", "attach_files", a.Key, n, file, err)
	n, file, err = v.app.Intake.Check(ctx, tx)
	v.file("imports", "intake_imports", filepath.Base(file), n, file, err)
}

func (v *verifier) file(part, table, row string, n int, file string, err error) {
	if err == nil {
		v.add(part, n)
		return
	}
	f := VerifyFinding{File: file, Table: table, Row: row, Text: msg("app.verify.unread", "text", err.Error()), Todo: msg("app.verify.todo.file")}
	if all := problem.All(err); len(all) > 0 {
		f.Text = i18n.Msg{Key: all[0].Key, Args: all[0].Args}
	}
	v.add(part, n, f)
}
