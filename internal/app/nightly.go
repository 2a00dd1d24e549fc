package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// Nightly reads every source again and judges what fell due. A source that fails is noted, so that its
// verdicts become 未確認 instead of staying as they were; the others go on.
func (a *App) Nightly(ctx context.Context) error {
	ctx = actor.With(ctx, actor.House())
	var errs []error
	for _, src := range a.Sources() {
		if err := a.sync(ctx, src); err != nil {
			errs = append(errs, err)
		}
	}
	if err := a.DB.Write(ctx, func(tx *sqlite.Tx) error { return a.Assess.RecomputeDue(ctx, tx) }); err != nil {
		errs = append(errs, fmt.Errorf("judge what fell due: %w", err))
	}
	if err := a.DB.Write(ctx, func(tx *sqlite.Tx) error { _, err := a.Accounts.Sweep(ctx, tx); return err }); err != nil {
		errs = append(errs, fmt.Errorf("clear old sessions: %w", err))
	}
	if _, err := a.Intake.Sweep(ctx); err != nil {
		errs = append(errs, fmt.Errorf("clear old imports: %w", err))
	}
	if err := a.Outbox.Sweep(ctx); err != nil {
		errs = append(errs, fmt.Errorf("erase old messages: %w", err))
	}
	if err := a.Checkpoints.Tick(ctx); err != nil {
		errs = append(errs, fmt.Errorf("sign the audit log: %w", err))
	}
	return errors.Join(errs...)
}

func (a *App) sync(ctx context.Context, src fact.Source) error {
	err := a.DB.Write(ctx, func(tx *sqlite.Tx) error { return a.Facts.Sync(ctx, tx, src) })
	if err == nil {
		return nil
	}
	err = fmt.Errorf("read facts of %v again: %w", src.Kinds(), err)
	noted := a.DB.Write(ctx, func(tx *sqlite.Tx) error { return a.Facts.Fail(ctx, tx, src.Kinds(), err) })
	return errors.Join(err, noted)
}

// begin brings an office that was closed for a while up to date, so that its first page is right. Every
// clause is judged once: a new version may bring new ones.
func (a *App) begin(ctx context.Context) error {
	if err := a.Checkpoints.Begin(actor.With(ctx, actor.House())); err != nil {
		a.cfg.Log.ErrorContext(ctx, "making the key of the audit log went wrong", "error", err)
	}
	stale, err := a.stale(ctx)
	if err != nil {
		return err
	}
	if stale {
		if err := a.Nightly(ctx); err != nil {
			a.cfg.Log.ErrorContext(ctx, "reading the records again went wrong", "error", err)
		}
	}
	return a.DB.Write(ctx, func(tx *sqlite.Tx) error { return a.Assess.RecomputeAll(ctx, tx) })
}

// stale says whether some source was not read since yesterday, or never.
func (a *App) stale(ctx context.Context) (stale bool, err error) {
	err = a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		readings, err := a.Facts.Readings(ctx, tx)
		if err != nil {
			return err
		}
		for _, src := range a.Sources() {
			for _, kind := range src.Kinds() {
				if jdate.Of(readings[kind].At) < jdate.Of(tx.Now) {
					stale = true
				}
			}
		}
		return nil
	})
	return stale, err
}

// nightHour is when the nightly pass runs, in Tokyo: after midnight, before anybody comes.
const nightHour = 1

// nights runs the pass every night until ctx ends. wait returns after d, or false when ctx ended.
func (a *App) nights(ctx context.Context, wait func(context.Context, time.Duration) bool) {
	for {
		now := a.cfg.Now()
		next := jdate.Of(now).Start().Add(nightHour * time.Hour)
		if !next.After(now) {
			next = next.Add(24 * time.Hour)
		}
		if !wait(ctx, next.Sub(now)) {
			return
		}
		if err := a.Nightly(ctx); err != nil {
			a.cfg.Log.ErrorContext(ctx, "nightly pass went wrong", "error", err)
		}
	}
}

// sleep waits on the real clock.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
