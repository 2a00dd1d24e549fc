package app

import (
	"context"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Check is one thing that doctor looked at.
type Check struct {
	Name string
	OK   bool
	Text i18n.Msg
}

// Doctor re-checks what the office rests on: folder, database, audit log, attachments, sources, catalogue.
func (a *App) Doctor(ctx context.Context) ([]Check, error) {
	var out []Check
	add := func(name string, ok bool, pairs ...any) {
		args := problem.Args{}
		for i := 0; i+1 < len(pairs); i += 2 {
			args[fmt.Sprint(pairs[i])] = pairs[i+1]
		}
		key := "app.doctor." + name + ".ok"
		if !ok {
			key = "app.doctor." + name + ".bad"
		}
		out = append(out, Check{name, ok, i18n.Msg{Key: key, Args: args}})
	}
	add("folder", checkFolder(a.cfg) == nil, "dir", a.cfg.Dir)
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		if err := a.checkRecords(ctx, tx, add); err != nil {
			return err
		}
		readings, err := a.Facts.Readings(ctx, tx)
		if err != nil {
			return err
		}
		stale := a.staleKinds(readings, tx.Now)
		add("facts", len(stale) == 0, "n", len(readings), "stale", len(stale))
		if err := a.checkMessages(ctx, tx, add); err != nil {
			return err
		}
		backups, err := a.doctorBackup(ctx, tx)
		if err != nil {
			return err
		}
		out = append(append(out, backups...), a.surroundings(tx.Now)...)
		for _, check := range append([]Checker{a.broken}, a.Checkers...) {
			c, err := check(ctx, tx)
			if err != nil {
				return err
			}
			out = append(out, c)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if check, ok := a.CertificateCheck(); ok {
		out = append(out, check)
	}
	if check, ok := a.lakeCheck(); ok {
		out = append(out, check)
	}
	findings := a.Catalog.Check()
	add("catalog", findings == nil, "n", len(a.Catalog.Frameworks()))
	out = append(out, a.doctorUpgrades()...)
	return out, nil
}

// checkRecords looks at what must never change by itself: the database, the log, the files, and their times.
func (a *App) checkRecords(ctx context.Context, tx *sqlite.Tx, add func(name string, ok bool, pairs ...any)) error {
	integrity, err := sqlite.Integrity(ctx, tx)
	add("database", err == nil && integrity == "ok", "text", integrity)
	rows, err := audit.Verify(ctx, tx)
	add("audit", err == nil, "n", rows)
	files, err := a.Files.Verify(ctx, tx)
	add("files", err == nil, "n", files, "error", a.Texts.Problem("ja", err))
	newest, err := audit.List(ctx, tx, audit.Filter{Limit: 1})
	if err != nil {
		return err
	}
	clock := len(newest) == 0 || !newest[0].At.After(tx.Now.Add(time.Minute))
	add("clock", clock, "now", tx.Now)
	outside, args, err := a.checkpointsCheck(ctx, tx)
	if err != nil {
		return err
	}
	add("checkpoints", outside, args...)
	return nil
}

// staleKinds lists the kinds whose last good reading is older than they may be, or that failed since.
func (a *App) staleKinds(readings map[string]fact.Reading, now time.Time) []string {
	var stale []string
	for _, src := range a.Sources() {
		for _, kind := range src.Kinds() {
			r := readings[kind]
			days := a.Catalog.Table.Kinds[kind].Fresh
			if r.At.IsZero() || r.Fail.After(r.At) || now.Sub(r.At) > time.Duration(days)*24*time.Hour {
				stale = append(stale, kind)
			}
		}
	}
	return stale
}
