package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Copies that an upgrade makes: their names sort by time.
const (
	upgradePrefix = "before-upgrade-"
	keptUpgrades  = 3 // copies; older ones are removed after an upgrade went well
)

// upgradeReserve is what must stay free beside the copy: the migration itself writes.
const upgradeReserve = 64 << 20 // bytes

// migrate copies the database before it changes an existing one: an upgrade can be taken back.
func (a *App) migrate(ctx context.Context) error {
	pending, err := a.DB.Pending(ctx, Migrations())
	if err != nil {
		return err
	}
	if a.cfg.ReadOnly && len(pending) > 0 {
		return problem.Unavailable("app.upgrade_first")
	}
	if len(pending) == 0 {
		return nil
	}
	if !a.DB.Fresh(ctx) && !a.cfg.restoring {
		if err := a.copyBeforeUpgrade(ctx, len(pending)); err != nil {
			return err
		}
	}
	if err := a.DB.Migrate(ctx, Migrations()); err != nil {
		return err
	}
	a.forgetUpgrades(ctx)
	return nil
}

func (a *App) copyBeforeUpgrade(ctx context.Context, pending int) error {
	if info, err := os.Stat(a.DB.Path()); err == nil {
		free, err := freeBytes(a.cfg.Dir)
		if need := 2*info.Size() + upgradeReserve; err == nil && free < need {
			return problem.Unavailable("app.upgrade_room", "mb", (need-free)/1_000_000+1)
		}
	}
	name := upgradePrefix + a.cfg.Now().UTC().Format("20060102-150405.000") + ".db"
	part := filepath.Join(a.cfg.Dir, ".new-"+name)
	_ = os.Remove(part) // of an upgrade that was killed
	if err := a.DB.CopyTo(ctx, part); err != nil {
		return fmt.Errorf("copy the database before the upgrade: %w", err)
	}
	if err := os.Rename(part, filepath.Join(a.cfg.Dir, name)); err != nil {
		return fmt.Errorf("name the copy before the upgrade: %w", err)
	}
	a.cfg.Log.InfoContext(ctx, "database copied before upgrade", "file", name, "pending", pending)
	return nil
}

// upgradeCopies lists the copies made before upgrades, newest first.
func upgradeCopies(dir string) []string {
	found, _ := filepath.Glob(filepath.Join(dir, upgradePrefix+"*.db")) // the pattern is ours
	slices.Sort(found)
	slices.Reverse(found)
	return found
}

// forgetUpgrades removes all but the newest copies. A copy that stays is no harm.
func (a *App) forgetUpgrades(ctx context.Context) {
	parts, _ := filepath.Glob(filepath.Join(a.cfg.Dir, ".new-"+upgradePrefix+"*"))
	old := upgradeCopies(a.cfg.Dir)
	for _, file := range append(parts, old[min(len(old), keptUpgrades):]...) {
		if err := os.Remove(file); err != nil {
			a.cfg.Log.WarnContext(ctx, "a copy made before an upgrade cannot be removed", "file", filepath.Base(file), "error", err)
		}
	}
}

// doctorUpgrades names the copies that an upgrade can be taken back with.
func (a *App) doctorUpgrades() []Check {
	var names []string
	for _, file := range upgradeCopies(a.cfg.Dir) {
		names = append(names, filepath.Base(file))
	}
	if len(names) == 0 {
		return nil
	}
	return []Check{{"upgrades", true, i18n.Msg{Key: "app.doctor.upgrades.ok", Args: problem.Args{"n": len(names), "names": strings.Join(names, ", ")}}}}
}
