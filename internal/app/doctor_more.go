package app

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
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
	return append(out, checkOf("copies", n == 0, problem.Args{"n": n, "dir": a.cfg.Dir}))
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

// crossing are the keys that point from one feature or register to another, where no foreign key stands: the floors
// allow none. Empty means nobody; erased persons stay as rows without a name, so even old keys must be found.
var crossing = []struct{ table, column, target string }{
	{"account_accounts", "person", "people_persons"},
	{"account_scopes", "department", "org_departments"},
	{"org_departments", "site", "org_sites"},
	{"org_departments", "owner", "people_persons"},
	{"people_persons", "department", "org_departments"},
	{"people_persons", "site", "org_sites"},
	{"policy_documents", "owner", "people_persons"},
	{"policy_versions", "approver", "people_persons"},
	{"policy_versions", "attachment", "attach_files"},
	{"policy_versions", "sealed", "attach_files"},
	{"policy_notices", "attachment", "attach_files"},
	{"policy_notices", "site", "org_sites"},
	{"policy_notified", "person", "people_persons"},
	{"policy_demands", "document", "policy_documents"},
	{"training_attendance", "person", "people_persons"},
	{"people_confirmations", "attachment", "attach_files"},
	{"assessment_items", "owner", "people_persons"},
	{"assessment_actions", "owner", "people_persons"},
	{"assessment_request_events", "attachment", "attach_files"},
	{"link_links", "person", "people_persons"},
}

// broken checks that what features say of each other is there.
func (a *App) broken(ctx context.Context, tx *sqlite.Tx) (Check, error) {
	total, where := 0, []string{}
	for _, c := range crossing {
		n, err := sqlite.Dangling(ctx, tx, c.table, c.column, c.target)
		if err != nil {
			return Check{}, err
		}
		if n > 0 {
			total += n
			where = append(where, c.table+"."+c.column)
		}
	}
	return checkOf("links", total == 0, problem.Args{"n": total, "where": strings.Join(where, ", ")}), nil
}
