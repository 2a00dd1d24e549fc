package app_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/archive"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

const passphrase = "紙に書いた 長い言葉"

// recoveryKey gives an office its recovery key, and the test what opens the backups.
func recoveryKey(t testing.TB, a *app.App) age.Identity {
	t.Helper()
	secret, public, err := archive.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Backups.AddKey(app.AsCommand(t.Context()), public, "TEST"); err != nil {
		t.Fatal(err)
	}
	id, err := archive.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// backUp makes a backup of an office and gives its name and what opens it.
func backUp(t testing.TB, a *app.App) (string, age.Identity) {
	t.Helper()
	id := recoveryKey(t, a)
	file := filepath.Join(t.TempDir(), "office.kizuki.age")
	if _, err := a.Backup(app.AsCommand(t.Context()), file, "", nil); err != nil {
		t.Fatal(err)
	}
	return file, id
}

func restore(t testing.TB, file, dir string, id age.Identity) (*app.Restored, error) {
	t.Helper()
	return app.Restore(t.Context(), app.RestoreConfig{File: file, Dir: dir, Keys: []age.Identity{id}, Now: fixed(), Log: app.DiscardLog(), Program: "test"})
}

// beside lists the files beside the database, with their hashes.
func beside(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || strings.HasPrefix(e.Name(), "kizuki.") {
			return err
		}
		data, err := os.ReadFile(path)
		sum := sha256.Sum256(data)
		name, _ := filepath.Rel(dir, path)
		out[filepath.ToSlash(name)] = hex.EncodeToString(sum[:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestBackupAndRestoreGiveTheSameOffice: every row of every table, and every file, but for the marks of the
// backup and the restore themselves.
func TestBackupAndRestoreGiveTheSameOffice(t *testing.T) {
	t.Parallel()
	a := openDemo(t)
	signIn(t, a, app.DemoLogin, app.DemoPassword)
	id := recoveryKey(t, a)
	before := sqlitetest.Dump(t, a.DB)
	file := filepath.Join(t.TempDir(), "office.kizuki.age")
	made, err := a.Backup(app.AsCommand(t.Context()), file, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "新しい場所", "office")
	r, err := restore(t, file, dir, id)
	if err != nil {
		t.Fatal(err)
	}
	if r.Sessions == 0 || r.Attachments == 0 || r.Files != made.Files || r.AuditRows != len(before["audit_log"]) {
		t.Errorf("restored %+v, made %+v", r, made)
	}
	if diff := cmp.Diff(beside(t, a.Config().Dir), beside(t, dir)); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
	db, err := sqlite.OpenReading(t.Context(), filepath.Join(dir, "kizuki.db"), fixed())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // it was only read
	after := sqlitetest.Dump(t, db)
	marks := map[string]bool{"audit_log": true, "account_sessions": true}
	for table, rows := range before {
		if marks[table] {
			if n := len(after[table]); n < len(rows) {
				t.Errorf("%s: %d rows, %d before", table, n, len(rows))
			}
			continue
		}
		if diff := cmp.Diff(rows, after[table]); diff != "" {
			t.Errorf("%s (-before +after):\n%s", table, diff)
		}
	}
	for _, row := range before["audit_log"] { // the chain goes on from the very same rows
		if !slices.Contains(after["audit_log"], row) {
			t.Fatalf("audit row is gone: %s", row)
		}
	}
	reopened, err := app.Open(t.Context(), app.Config{Dir: dir, Now: fixed(), Log: app.DiscardLog()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reopened.Close() }() // nothing more is asked
	healthy(t, reopened)
	err = reopened.DB.Read(t.Context(), func(tx *sqlite.Tx) error {
		rows, err := audit.List(t.Context(), tx, audit.Filter{Object: "backup", Limit: 20})
		if !slices.ContainsFunc(rows, func(r audit.Row) bool { return r.Act == "backup.restored" }) {
			t.Error("no row backup.restored")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// healthy insists that doctor finds nothing.
func healthy(t testing.TB, a *app.App) {
	t.Helper()
	checks, err := a.Doctor(app.AsCommand(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		if !c.OK {
			t.Errorf("doctor: %s: %s", c.Name, a.Texts.T("en", c.Text.Key, c.Text.Args))
		}
	}
}

func keyOf(err error) string {
	if all := problem.All(err); len(all) > 0 {
		return all[0].Key
	}
	return fmt.Sprint(err)
}

func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	a := openDemo(t)
	file, id := backUp(t, a)
	half := filepath.Join(t.TempDir(), "half.kizuki.age"+archive.PartSuffix)
	cut := filepath.Join(t.TempDir(), "cut.kizuki.age")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]int{half: len(data), cut: len(data) - 70_000} {
		if err := os.WriteFile(name, data[:n], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stranger, _, err := archive.Once()
	if err != nil {
		t.Fatal(err)
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "letter.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	fresh := func() string { return filepath.Join(t.TempDir(), "office") }
	for name, tc := range map[string]struct {
		file, dir string
		key       age.Identity
		want      string
	}{
		"a folder with a file":  {file, full, id, "app.restore.not_empty"},
		"a running office":      {file, a.Config().Dir, id, "app.restore.not_empty"},
		"a synced folder":       {file, filepath.Join(t.TempDir(), "OneDrive", "office"), id, "app.folder.synced"},
		"a half-written file":   {half, fresh(), id, "archive.half"},
		"a file cut short":      {cut, fresh(), id, "archive.damaged"},
		"a stranger's key":      {file, fresh(), stranger, "archive.wrong_key"},
		"no file":               {file + "x", fresh(), id, "archive.missing"},
		"the database, instead": {filepath.Join(a.Config().Dir, "kizuki.db"), fresh(), id, "archive.foreign"},
	} {
		if _, err := restore(t, tc.file, tc.dir, tc.key); keyOf(err) != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
		if left, _ := filepath.Glob(tc.dir + "*"); len(left) > 1 || len(left) == 1 && left[0] != full && left[0] != a.Config().Dir {
			t.Errorf("%s: left behind %v", name, left)
		}
	}
}

// crafted packs files as a backup does, with any manifest.
func crafted(t testing.TB, m archive.Manifest, files ...string) (string, age.Identity) {
	t.Helper()
	id, to, err := archive.Once()
	if err != nil {
		t.Fatal(err)
	}
	var list []archive.File
	for _, name := range files {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		list = append(list, archive.File{Name: name, Path: path})
	}
	file := filepath.Join(t.TempDir(), "crafted.kizuki.age")
	if _, err := archive.Write(t.Context(), file, m, list, []age.Recipient{to}, id, nil); err != nil {
		t.Fatal(err)
	}
	return file, id
}

func TestRestoreRefusesAtOnceWhatIsNotForUs(t *testing.T) {
	t.Parallel()
	tables, err := open(t).DB.Applied(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		m     archive.Manifest
		files []string
		want  string
	}{
		"one byte, which SQLite takes for an empty database": {archive.Manifest{Tables: tables}, []string{"kizuki.db"}, "app.restore.damaged"},
		"a database without tables":                          {archive.Manifest{}, []string{"kizuki.db"}, "app.restore.no_database"},
		"a later migration":                                  {archive.Manifest{Program: "v9.9.9", Tables: map[string]string{"org/0099_later.sql": "x"}}, []string{"kizuki.db"}, "app.restore.newer"},
		"a later feature":                                    {archive.Manifest{Program: "v9.9.9", Tables: map[string]string{"later/0001_later.sql": "x"}}, []string{"kizuki.db"}, "app.restore.newer"},
		"no database":                                        {archive.Manifest{Tables: tables}, []string{"letter.txt"}, "app.restore.no_database"},
	} {
		file, id := crafted(t, tc.m, tc.files...)
		dir := filepath.Join(t.TempDir(), "office")
		if _, err := restore(t, file, dir, id); keyOf(err) != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
		if left, _ := filepath.Glob(dir + "*"); len(left) > 0 {
			t.Errorf("%s: left behind %v", name, left)
		}
	}
}

// TestKilledRestoreIsNoOffice: what a killed restore leaves does not open, and the next restore removes it.
func TestKilledRestoreIsNoOffice(t *testing.T) {
	t.Parallel()
	a := openDemo(t)
	file, id := backUp(t, a)
	above := t.TempDir()
	dir := filepath.Join(above, "office")
	killed := dir + ".restoring-123"
	if err := os.CopyFS(killed, os.DirFS(demoFolder(t))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(killed, "restore-not-finished"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Open(t.Context(), app.Config{Dir: killed, Now: fixed(), Log: app.DiscardLog()}); keyOf(err) != "app.restore.unfinished" {
		t.Errorf("Open: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := app.Restore(ctx, app.RestoreConfig{File: file, Dir: dir, Keys: []age.Identity{id}, Now: fixed(), Log: app.DiscardLog(), Progress: func(int64, int64) { cancel() }})
	if err == nil {
		t.Error("a restore that was stopped went through")
	}
	if left, _ := os.ReadDir(above); len(left) > 0 {
		t.Errorf("left behind %v", left)
	}
	if err := os.Mkdir(dir, 0o700); err != nil { // empty is fine
		t.Fatal(err)
	}
	if _, err := restore(t, file, dir, id); err != nil {
		t.Error(err)
	}
}

// TestBackupBesideAServer: the command works while the office runs and leaves its rows alone.
func TestBackupBesideAServer(t *testing.T) {
	t.Parallel()
	a := openDemo(t)
	beside, err := app.Open(t.Context(), app.Config{Dir: a.Config().Dir, Now: fixed(), Log: app.DiscardLog(), ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = beside.Close() }() // nothing more is asked
	file := filepath.Join(t.TempDir(), "b.kizuki.age")
	if _, err := beside.Backup(app.AsCommand(t.Context()), file, "", nil); keyOf(err) != "backup.no_key" {
		t.Errorf("without a key: %v", err)
	}
	if _, err := beside.Backup(app.AsCommand(t.Context()), file, passphrase, nil); err != nil {
		t.Fatal(err)
	}
	id, _, err := archive.ByPassphrase(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	r, err := app.Restore(t.Context(), app.RestoreConfig{File: file, Keys: []age.Identity{id}, CheckOnly: true})
	if err != nil || r.AuditRows == 0 || r.MadeAt.IsZero() {
		t.Errorf("check: %+v, %v", r, err)
	}
}

func TestBackupPages(t *testing.T) {
	t.Parallel()
	a := open(t)
	setUp(t, a)
	h := a.Router().Handler()
	admin := signIn(t, a, "first", password)
	body := func(path string) string {
		t.Helper()
		w := ask(t, h, http.MethodGet, path, admin)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: status %d", path, w.Code)
		}
		return w.Body.String()
	}
	if page := body("/backup"); !strings.Contains(page, `href="/backup/key"`) || strings.Contains(page, `action="/backup/now"`) {
		t.Error("without a key the page does not lead to it")
	}
	if w := ask(t, h, http.MethodPost, "/backup/key", admin); w.Code != http.StatusSeeOther {
		t.Fatalf("make key: %d", w.Code)
	}
	page := body("/backup/key")
	if !strings.Contains(page, "AGE-SECRET-KEY-1") || !strings.Contains(page, `<svg class="qr"`) {
		t.Error("the new key is not shown")
	}
	post := func(path, form string) int {
		return ask(t, h, http.MethodPost, path, admin, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(form)) }).Code
	}
	if code := post("/backup/key/confirm", "typed=AAAAAAAA"); code != http.StatusUnprocessableEntity {
		t.Errorf("wrong letters: %d", code)
	}
	var secret strings.Builder
	for _, m := range regexp.MustCompile(`<code>([A-Z0-9-]{5,})</code>`).FindAllStringSubmatch(page[strings.Index(page, "AGE-SECRET")-6:], -1) {
		secret.WriteString(m[1])
	}
	tail := secret.String()
	if code := post("/backup/key/confirm", "typed="+tail[len(tail)-8:]); code != http.StatusSeeOther {
		t.Errorf("confirm: %d", code)
	}
	if strings.Contains(body("/backup/key"), "AGE-SECRET-KEY-1") {
		t.Error("the key is shown again")
	}
	if _, err := a.Backups.Run(app.AsCommand(t.Context()), "hand"); err != nil {
		t.Fatal(err)
	}
	page = body("/backup")
	_, link, ok := strings.Cut(page, `"/backup/files/`)
	if !ok {
		t.Fatal("no backup can be fetched")
	}
	link, _, _ = strings.Cut(link, `"`)
	w := ask(t, h, http.MethodGet, "/backup/files/"+link, admin)
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), "age-encryption.org/v1\n") {
		t.Errorf("download: %d", w.Code)
	}
	form := "folders=" + "%2Fno%2Fsuch%2Fplace" + "&at=3:15&daily=7&weekly=5&monthly=12&warn_days=3&version=0"
	if code := post("/backup/settings", form); code < 400 {
		t.Errorf("a folder that is not there: %d", code)
	}
	form = "folders=" + filepath.ToSlash(t.TempDir()) + "&at=3:15&daily=7&weekly=5&monthly=12&warn_days=3&version=0"
	if code := post("/backup/settings", form); code != http.StatusSeeOther {
		t.Errorf("settings: %d", code)
	}
	if !strings.Contains(body("/backup"), "3:15") {
		t.Error("the new time is not shown")
	}
}
