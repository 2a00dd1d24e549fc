package app

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Checker is one more thing that doctor looks at: what a feature knows of itself (age of the backup, certificate,
// outbox). Its sentence says what to do.
type Checker func(ctx context.Context, tx *sqlite.Tx) (Check, error)

// Limits above which doctor speaks up.
const (
	largestWAL = 256 << 20
	oldCopy    = 90 * 24 * time.Hour
)

func checkOf(name string, ok bool, args problem.Args) Check {
	key := "app.doctor." + name + ".ok"
	if !ok {
		key = "app.doctor." + name + ".bad"
	}
	return Check{name, ok, i18n.Msg{Key: key, Args: args}}
}

// surroundings checks what lies around the database: room, rights, the files beside it.
func (a *App) surroundings(now time.Time) []Check {
	var out []Check
	if free, ok := a.Disk.Left(); ok {
		out = append(out, checkOf("disk", free >= 2*a.cfg.MinFree, problem.Args{"mb": int64(free >> 20), "floor": int64(a.cfg.MinFree >> 20)}))
	}
	if info, err := os.Stat(a.cfg.Dir); err == nil && runtime.GOOS != "windows" { // there the access list says it, not the mode
		out = append(out, checkOf("rights", info.Mode().Perm()&0o077 == 0, problem.Args{"dir": a.cfg.Dir, "mode": info.Mode().Perm().String()}))
	}
	var wal int64
	if info, err := os.Stat(filepath.Join(a.cfg.Dir, databaseFile+"-wal")); err == nil {
		wal = info.Size()
	}
	out = append(out, checkOf("wal", wal < largestWAL, problem.Args{"mb": wal >> 20}))
	n := a.oldCopies(now)
	out = append(out, checkOf("copies", n == 0, problem.Args{"n": n, "dir": a.cfg.Dir}))
	return append(out, zoneCheck(now))
}

// zoneCheck tells when this computer lives in another zone than the office. That is no mistake: days are those of
// Japan everywhere, and only times that the system itself shows (log files, file dates) look shifted.
func zoneCheck(now time.Time) Check {
	name, offset := now.Local().Zone() //nolint:gosmopolitan // the zone of this computer is what is looked at
	c := checkOf("zone", true, problem.Args{"zone": name})
	if _, japan := now.In(jdate.Tokyo).Zone(); offset != japan {
		c.Text.Key = "app.doctor.zone.other"
	}
	return c
}

// oldCopies counts the copies that upgrades left and nobody needs any more.
func (a *App) oldCopies(now time.Time) (n int) {
	names, err := fs.Glob(os.DirFS(a.cfg.Dir), "before-upgrade-*.db")
	if err != nil {
		return 0 // the pattern is right: never
	}
	for _, name := range names {
		if info, err := os.Stat(filepath.Join(a.cfg.Dir, name)); err == nil && now.Sub(info.ModTime()) > oldCopy {
			n++
		}
	}
	return n
}
