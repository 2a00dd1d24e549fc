package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit/checkpoint"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// buildAudit makes what signs the audit log and keeps it outside.
func (a *App) buildAudit() {
	a.Checkpoints = checkpoint.New(a.DB, checkpoint.Config{
		Seal: a.Secrets, Mail: a.mailCheckpoint, Rand: rand.Reader, Dir: a.cfg.Dir,
		Text: func(key string, args problem.Args) string { return a.Texts.T("ja", key, args) },
	})
}

// auditDuties asks for what keeps the audit log provable.
type auditDuties struct{ *checkpoint.Service }

// Duties implements due.Source.
func (d auditDuties) Duties(ctx context.Context, tx *sqlite.Tx, _ jdate.Day) ([]due.Duty, error) {
	late, err := d.Late(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []due.Duty
	for _, l := range late {
		out = append(out, due.Duty{
			Key: "audit.checkpoint/" + l.What, Text: "checkpoint.duty." + l.What, Link: "/audit/checkpoints", On: l.On, Needs: string(checkpoint.PermKeep),
		})
	}
	return out, nil
}

// checkpointsCheck is the line of doctor about checkpoints: the newest is recent, and kept outside.
func (a *App) checkpointsCheck(ctx context.Context, tx *sqlite.Tx) (ok bool, args []any, err error) {
	st, err := a.Checkpoints.Status(ctx, tx)
	if err != nil {
		return false, nil, fmt.Errorf("check checkpoints: %w", err)
	}
	last := "—"
	if st.Last != nil {
		last = st.Last.At.In(jdate.Tokyo).Format("2006-01-02 15:04")
	}
	used := 0
	for _, w := range st.Ways {
		if w.Used() {
			used++
		}
	}
	late := slices.ContainsFunc(st.Late, func(l checkpoint.Late) bool { return l.What != "nowhere" }) // that one is a duty
	return !late, []any{"at", last, "n", used}, nil
}

// hours makes the checkpoints that fall due while the office runs, and tries again what failed.
func (a *App) hours(ctx context.Context, wait func(context.Context, time.Duration) bool) {
	ctx = actor.With(ctx, actor.House())
	for wait(ctx, time.Hour) {
		if err := a.Checkpoints.Tick(ctx); err != nil {
			a.cfg.Log.ErrorContext(ctx, "checkpoint of the audit log went wrong", "error", err)
		}
	}
}
