package backup_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/kizuki-security/kizuki/internal/platform/archive"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/backup"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type house struct {
	t     *testing.T
	ctx   context.Context //nolint:containedctx // one actor for the whole test
	clock *sqlitetest.Clock
	db    *sqlite.DB
	svc   *backup.Service
	dir   string
	other string // another folder for backups
}

func open(t *testing.T) *house {
	t.Helper()
	clock := sqlitetest.NewClock("2026-11-23")
	db := sqlitetest.Open(t, clock, audit.Migrations(), backup.Migrations())
	h := &house{
		t: t, clock: clock, db: db, dir: filepath.Dir(db.Path()), other: t.TempDir(),
		ctx: actor.With(t.Context(), actor.New(actor.Actor{Account: "acc1", Via: "session"}, []actor.Permission{backup.PermManage})),
	}
	h.svc = backup.New(db, backup.Config{Dir: h.dir, Program: "test", Log: slog.New(slog.DiscardHandler), SameDisk: func(_, _ string) bool { return true }})
	t.Cleanup(func() { _ = h.svc.Close() })
	h.put("attachments/ab/abcd", "scan")
	h.put("secret.key", "key")
	h.put("kizuki.toml", "lang = 'ja'")
	for _, name := range []string{"kizuki.lock", "control.json", "before-upgrade-1.db", ".new-x", "backups/old" + backup.Suffix, "attachments/.new-1", ".backup-1/kizuki.db"} {
		h.put(name, "not in a backup")
	}
	return h
}

func (h *house) put(name, text string) {
	h.t.Helper()
	path := filepath.Join(h.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) read(fn func(tx *sqlite.Tx) error) {
	h.t.Helper()
	if err := h.db.Read(h.ctx, fn); err != nil {
		h.t.Fatal(err)
	}
}

// key makes and confirms a recovery key and returns its secret.
func (h *house) key() string {
	h.t.Helper()
	if err := h.svc.NewKey(h.ctx); err != nil {
		h.t.Fatal(err)
	}
	secret, _, _, ok := h.svc.ShownKey(h.ctx)
	if !ok {
		h.t.Fatal("the new key is not shown")
	}
	if err := h.svc.ConfirmKey(h.ctx, " "+strings.ToLower(secret[len(secret)-8:])+" "); err != nil {
		h.t.Fatal(err)
	}
	return secret
}

func (h *house) files() (out []backup.File) {
	h.t.Helper()
	h.read(func(tx *sqlite.Tx) (err error) {
		out, err = h.svc.Files(h.ctx, tx)
		return err
	})
	return out
}

func (h *house) runs() (out []backup.Run) {
	h.t.Helper()
	h.read(func(tx *sqlite.Tx) (err error) {
		out, err = h.svc.Runs(h.ctx, tx, 100)
		return err
	})
	return out
}

func (h *house) duties() (keys []string) {
	h.t.Helper()
	h.read(func(tx *sqlite.Tx) error {
		var all []due.Duty
		all, err := h.svc.Duties(h.ctx, tx, jdate.Of(tx.Now))
		for _, d := range all {
			keys = append(keys, d.Key)
		}
		return err
	})
	return keys
}

// save changes the settings.
func (h *house) save(change func(*backup.Settings)) error {
	h.t.Helper()
	var set backup.Settings
	h.read(func(tx *sqlite.Tx) (err error) {
		set, err = h.svc.Settings(h.ctx, tx)
		return err
	})
	change(&set)
	return h.svc.SaveSettings(h.ctx, set)
}

func keyOf(err error) string {
	if all := problem.All(err); len(all) > 0 {
		return all[0].Key
	}
	return ""
}

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestScheduledBackupHoldsEverything(t *testing.T) {
	t.Parallel()
	h := open(t)
	secret := h.key()
	if err := h.save(func(s *backup.Settings) { s.Folders = append(s.Folders, h.other) }); err != nil {
		t.Fatal(err)
	}
	if err := h.svc.Tick(h.ctx); err != nil {
		t.Fatal(err)
	}
	files := h.files()
	if len(files) != 2 || files[0].Name != files[1].Name || files[0].SHA256 != files[1].SHA256 {
		t.Fatalf("files %+v", files)
	}
	id, err := archive.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		m, err := archive.Check(h.ctx, f.Path(), []age.Identity{id}, archive.DefaultLimits(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var packed []string
		for _, e := range m.Entries {
			packed = append(packed, e.Name)
		}
		if got, want := strings.Join(packed, " "), "kizuki.db attachments/ab/abcd kizuki.toml secret.key"; got != want {
			t.Errorf("packed %q, want %q", got, want)
		}
		if m.Notes[backup.NoteAuditHead] == "" || m.Tables["backup/0001_backup.sql"] == "" || m.Program != "test" {
			t.Errorf("manifest %+v", m)
		}
	}
	if err := h.svc.Tick(h.ctx); err != nil || len(h.runs()) != 1 {
		t.Errorf("a second one in the same night: %v, %d runs", err, len(h.runs()))
	}
	if left := names(t, h.other); len(left) != 1 {
		t.Errorf("in the other folder: %v", left)
	}
	if d := h.duties(); d != nil {
		t.Errorf("duties %v", d)
	}
}

func TestNothingHappensWithoutAKey(t *testing.T) {
	t.Parallel()
	h := open(t)
	if err := h.svc.Tick(h.ctx); err != nil || len(h.runs()) != 0 {
		t.Errorf("Tick: %v, %d runs", err, len(h.runs()))
	}
	if err := h.svc.Start(h.ctx); keyOf(err) != "backup.no_key" {
		t.Errorf("Start: %v", err)
	}
	if d := h.duties(); len(d) != 1 || d[0] != "backup.no_key" {
		t.Errorf("duties %v", d)
	}
}

func TestKeyIsShownToItsMakerUntilItIsConfirmed(t *testing.T) {
	t.Parallel()
	h := open(t)
	if err := h.svc.ConfirmKey(h.ctx, "x"); keyOf(err) != "backup.key_gone" {
		t.Errorf("confirmed without a key: %v", err)
	}
	if err := h.svc.NewKey(h.ctx); err != nil {
		t.Fatal(err)
	}
	secret, _, _, _ := h.svc.ShownKey(h.ctx)
	stranger := actor.With(h.ctx, actor.New(actor.Actor{Account: "acc2"}, []actor.Permission{backup.PermManage}))
	if _, _, _, ok := h.svc.ShownKey(stranger); ok {
		t.Error("another administrator sees the secret")
	}
	if err := h.svc.ConfirmKey(h.ctx, secret[len(secret)-9:len(secret)-1]); keyOf(err) != "backup.key_typed_wrong" {
		t.Errorf("wrong letters: %v", err)
	}
	h.clock.Advance(31 * time.Minute)
	if _, _, _, ok := h.svc.ShownKey(h.ctx); ok {
		t.Error("the secret is shown after half an hour")
	}
	first := h.key()
	if _, _, _, ok := h.svc.ShownKey(h.ctx); ok {
		t.Error("the secret is shown after it was confirmed")
	}
	h.key()
	h.read(func(tx *sqlite.Tx) error {
		keys, err := h.svc.Keys(h.ctx, tx)
		if len(keys) != 2 || !keys[0].RetiredAt.IsZero() || keys[1].RetiredAt.IsZero() {
			t.Errorf("keys %+v", keys)
		}
		return err
	})
	if err := h.db.CopyTo(h.ctx, filepath.Join(h.other, "copy.db")); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(h.other, "copy.db"))
	if err != nil || strings.Contains(string(data), first[20:]) || strings.Contains(strings.ToUpper(string(data)), first[20:]) {
		t.Errorf("the secret stands in the database (%v)", err)
	}
}

func TestOnlyAdministrators(t *testing.T) {
	t.Parallel()
	h := open(t)
	nobody := actor.With(h.ctx, actor.New(actor.Actor{Account: "acc2", Via: "session"}, []actor.Permission{"org.read"}))
	_, err := h.svc.Take(nobody, "x")
	for name, err := range map[string]error{
		"start": h.svc.Start(nobody), "key": h.svc.NewKey(nobody), "confirm": h.svc.ConfirmKey(nobody, "x"),
		"settings": h.svc.SaveSettings(nobody, backup.Settings{}), "take": err,
	} {
		if problem.CodeOf(err) != problem.CodeForbidden {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFoldersThatDoNotWork(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.key()
	gone := filepath.Join(h.other, "usb")
	for name, tc := range map[string]struct {
		folders []string
		want    string
	}{
		"none":                 {nil, "backup.folders_needed"},
		"too many":             {[]string{"/a", "/b", "/c", "/d"}, "backup.folders_many"},
		"relative":             {[]string{"backups"}, "backup.folder_relative"},
		"missing":              {[]string{gone}, "backup.folder_missing"},
		"inside the data":      {[]string{filepath.Join(h.dir, "attachments")}, "backup.folder_inside"},
		"the data folder":      {[]string{h.dir}, "backup.folder_inside"},
		"a file, not a folder": {[]string{filepath.Join(h.dir, "secret.key")}, "backup.folder_missing"},
	} {
		if err := h.save(func(s *backup.Settings) { s.Folders = tc.folders }); keyOf(err) != tc.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Mkdir(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := h.save(func(s *backup.Settings) { s.Folders = append(s.Folders, gone) }); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(gone); err != nil { // unplugged
		t.Fatal(err)
	}
	if err := h.svc.Tick(h.ctx); keyOf(err) != "backup.folder_missing" {
		t.Errorf("Tick: %v", err)
	}
	if r := h.runs()[0]; r.State != backup.Partly || r.Problem == nil || r.Problem.Args["folder"] != gone || len(h.files()) != 1 {
		t.Errorf("run %+v", r)
	}
	if d := h.duties(); len(d) != 1 || d[0] != "backup.failed" {
		t.Errorf("duties %v", d)
	}
}

func TestOldIsADuty(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.key()
	if d := h.duties(); len(d) != 1 || d[0] != "backup.none" {
		t.Errorf("before the first: %v", d)
	}
	if _, err := h.svc.Run(h.ctx, backup.ByHand); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(3 * 24 * time.Hour)
	if d := h.duties(); d != nil {
		t.Errorf("after three days: %v", d)
	}
	h.clock.Advance(24 * time.Hour)
	if d := h.duties(); len(d) != 1 || d[0] != "backup.old" {
		t.Errorf("after four days: %v", d)
	}
}

func TestRuleRemovesOwnFilesOnly(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.key()
	if err := h.save(func(s *backup.Settings) { s.Folders, s.Rule = []string{h.other}, backup.Rule{Daily: 2} }); err != nil {
		t.Fatal(err)
	}
	foreign := []string{"kizuki-20200101-020000-aaaaaaaaaa" + backup.Suffix, "notes.txt"}
	for _, name := range foreign {
		if err := os.WriteFile(filepath.Join(h.other, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		if i == 2 { // somebody wrote over the first file: it is not ours any more
			if err := os.WriteFile(h.files()[1].Path(), []byte("changed"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.svc.Tick(h.ctx); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(24 * time.Hour)
	}
	left := names(t, h.other)
	if len(left) != 2+1+len(foreign) {
		t.Errorf("left: %v", left)
	}
	for _, name := range foreign {
		if _, err := os.Stat(filepath.Join(h.other, name)); err != nil {
			t.Errorf("%s is gone", name)
		}
	}
}

func TestBackgroundAndClose(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.key()
	if err := h.svc.Start(h.ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := h.svc.Run(h.ctx, backup.ByHand); err != nil && keyOf(err) != "backup.running" {
		t.Errorf("a second one meanwhile: %v", err)
	}
	if err := h.svc.Close(); err != nil {
		t.Fatal(err)
	}
	for _, r := range h.runs() {
		if r.State == backup.Running {
			t.Errorf("run %+v is still running after Close", r)
		}
	}
	if err := h.svc.Start(h.ctx); keyOf(err) != "backup.running" {
		t.Errorf("started after Close: %v", err)
	}
}

func TestBeginClearsUp(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.key()
	if _, err := h.svc.Run(h.ctx, backup.ByHand); err != nil {
		t.Fatal(err)
	}
	file := h.files()[0]
	part := file.Path() + archive.PartSuffix
	if err := os.WriteFile(part, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := h.db.Write(h.ctx, func(tx *sqlite.Tx) error { // as a kill leaves it
		_, err := tx.ExecContext(h.ctx, `UPDATE backup_runs SET state = 'running'`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.svc.Begin(h.ctx); err != nil {
		t.Fatal(err)
	}
	if r := h.runs()[0]; r.State != backup.Interrupted {
		t.Errorf("run %+v", r)
	}
	for _, path := range []string{part, filepath.Join(h.dir, ".backup-1")} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s is left", filepath.Base(path))
		}
	}
	if _, err := os.Stat(file.Path()); err != nil {
		t.Error("the good file is gone")
	}
}

func TestLinksAreNotSkippedUnseen(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.key()
	if err := os.Symlink(h.other, filepath.Join(h.dir, "intake")); err != nil {
		t.Skip("no symbolic links here")
	}
	if _, err := h.svc.Run(h.ctx, backup.ByHand); keyOf(err) != "backup.link_in_folder" {
		t.Errorf("Run: %v", err)
	}
}

func TestDamagedDatabaseIsNoBackup(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.key()
	err := h.db.Write(h.ctx, func(tx *sqlite.Tx) error {
		for _, text := range []string{`DROP TRIGGER audit_log_no_update`, `UPDATE audit_log SET act = 'x'`} {
			if _, err := tx.ExecContext(h.ctx, text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.svc.Run(h.ctx, backup.ByHand); keyOf(err) != "audit.broken" || len(h.files()) != 0 {
		t.Errorf("Run: %v, files %v", err, h.files())
	}
	if left := names(t, filepath.Join(h.dir, backup.DefaultFolder)); len(left) != 1 { // what the test put there
		t.Errorf("left: %v", left)
	}
}
