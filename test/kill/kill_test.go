// Package kill ends the real program with kill -9 at random moments, during a backup, a restore, an import and
// an upgrade, starts it again, and looks whether every acknowledged act is there and nothing half passes for
// whole. Six rounds with fixed seeds; fifty with KIZUKI_PROVE=1.
package kill

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/archive"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/backup"
)

const password = "長い合言葉-horse-battery"

// base is what every round begins with a copy of.
type base struct {
	binary  string
	office  string // a data folder with people, attachments and a recovery key
	old     string // the data folder of an earlier version
	backup  string // of office
	secret  string // file with the recovery key
	key     age.Identity
	session string
	people  int
}

func build(t *testing.T) *base {
	t.Helper()
	dir := t.TempDir()
	b := &base{binary: filepath.Join(dir, "kizuki"), office: filepath.Join(dir, "office"), old: filepath.Join(dir, "old"), backup: filepath.Join(dir, "b.kizuki.age"), secret: filepath.Join(dir, "key.txt")}
	compile := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", b.binary, "../../cmd/kizuki")
	compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	a := openOffice(t, b.office)
	ctx := app.AsCommand(t.Context())
	err := a.Init(ctx, app.FirstOffice{
		Company: "みどり精工", FamilyName: "佐藤", GivenName: "花子", Login: "sato", Password: password, Industry: "auto_parts", Size: "101-300", FiscalStart: 4, Level: "1", Roles: []string{"keeper"},
	})
	if err != nil {
		t.Fatal(err)
	}
	// Marked as a sample, so that the one administrator needs no second factor.
	if err := os.WriteFile(filepath.Join(b.office, "sample-company"), []byte("whole"), 0o600); err != nil {
		t.Fatal(err)
	}
	secret, public, err := archive.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if b.key, err = archive.ParseSecret(secret); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.Backups.AddKey(ctx, public, "TEST"), os.WriteFile(b.secret, []byte(secret), 0o600)); err != nil {
		t.Fatal(err)
	}
	// A quarter of the time goes by with files: something must be under way when the end comes.
	noise := rand.NewChaCha8([32]byte{7})
	for i := range 8 {
		data := noiseOf(4<<20, noise)
		name := filepath.Join(b.office, "intake", fmt.Sprintf("%026d", i))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	in, err := a.Accounts.SignIn(t.Context(), account.Attempt{Login: "sato", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	b.session = in.Session
	if _, err := a.Backup(ctx, b.backup, "", nil); err != nil {
		t.Fatal(err)
	}
	b.people = len(names(t, a))
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	unpackDump(t, "../upgrade/testdata/2026-11-issue3.tar.gz", b.old)
	return b
}

func noiseOf(n int, from io.Reader) []byte {
	data := make([]byte, n)
	_, _ = io.ReadFull(from, data) // never fails
	return data
}

func openOffice(t *testing.T, dir string) *app.App {
	t.Helper()
	a, err := app.Open(t.Context(), app.Config{Dir: dir, Now: time.Now, Log: app.DiscardLog(), Program: "test"})
	if err != nil {
		t.Fatalf("open %s: %v", filepath.Base(dir), err)
	}
	return a
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "office")
	if err := errors.Join(os.CopyFS(to, os.DirFS(dir)), os.Chmod(to, 0o700)); err != nil {
		t.Fatal(err)
	}
	return to
}

// names lists the family names on the staff list.
func names(t *testing.T, a *app.App) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	err := a.DB.Read(t.Context(), func(tx *sqlite.Tx) error {
		all, err := a.People.Names(t.Context(), tx)
		for _, name := range all {
			out[strings.Fields(strings.ReplaceAll(name, "　", " "))[0]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// whole insists that an office is sound after a kill: doctor, and every file that calls itself a backup.
func (b *base) whole(t *testing.T, dir string) *app.App {
	t.Helper()
	a := openOffice(t, dir)
	checks, err := a.Doctor(app.AsCommand(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		if !c.OK && c.Name != "backup" {
			t.Errorf("doctor: %s: %s", c.Name, a.Texts.T("en", c.Text.Key, c.Text.Args))
		}
	}
	found, _ := filepath.Glob(filepath.Join(dir, backup.DefaultFolder, "*"))
	for _, file := range found {
		_, err := archive.Check(t.Context(), file, []age.Identity{b.key}, archive.DefaultLimits(), nil)
		if half := strings.HasSuffix(file, archive.PartSuffix); half != (err != nil) {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".backup-*")); len(left) > 0 {
		t.Errorf("left after the start: %v", left)
	}
	return a
}

// run starts a command; kill it after a moment, or, for a moment of 0, let it end.
func (b *base) run(t *testing.T, moment time.Duration, args ...string) (done bool) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), b.binary, args...)
	var errs strings.Builder
	cmd.Stderr = &errs
	cmd.Env = append(os.Environ(), "KIZUKI_LANG=en")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if moment > 0 {
		select {
		case err := <-ended:
			return err == nil
		case <-time.After(moment):
			_ = cmd.Process.Kill()
			<-ended //nolint:errcheck // it was killed on purpose
			return false
		}
	}
	if err := <-ended; err != nil {
		t.Fatalf("%v: %v\n%s", args, err, errs.String())
	}
	return true
}

func TestKill(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("kill -9 is of Unix")
	}
	t.Parallel()
	rounds := 6
	if os.Getenv("KIZUKI_PROVE") != "" {
		rounds = 50
	}
	b := build(t)
	kinds := []struct {
		name string
		fn   func(t *testing.T, b *base, rng *rand.Rand)
	}{{"backup", duringBackup}, {"restore", duringRestore}, {"import", duringImport}, {"upgrade", duringUpgrade}}
	for i := range rounds {
		kind := kinds[i%len(kinds)]
		t.Run(fmt.Sprintf("%02d %s", i, kind.name), func(t *testing.T) {
			kind.fn(t, b, rand.New(rand.NewPCG(uint64(i), 4)))
		})
	}
}

var address = regexp.MustCompile(`http://127\.0\.0\.1:[1-9][0-9]*`)

// duringBackup adds people one after the other while a backup is made, and kills somewhere in between.
func duringBackup(t *testing.T, b *base, rng *rand.Rand) {
	t.Helper()
	dir := copyOf(t, b.office)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), b.binary, "serve", "--listen", "127.0.0.1:0", "--data", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	base := ""
	lines := bufio.NewScanner(out)
	for base == "" && lines.Scan() {
		base = address.FindString(lines.Text())
	}
	if base == "" {
		_ = cmd.Process.Kill()
		t.Fatal("the server names no address")
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	post := func(path string, form url.Values) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Error(err)
			return 0
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.AddCookie(&http.Cookie{Name: "session", Value: b.session})
		res, err := client.Do(r)
		if err != nil {
			return 0 // the server is gone: not acknowledged
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	if code := post("/backup/now", nil); code != http.StatusSeeOther {
		t.Errorf("begin the backup: %d", code)
	}
	go func() {
		time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond) // the moment of the kill is real time
		_ = cmd.Process.Kill()
	}()
	var told []string
	for i := 0; ; i++ {
		name := fmt.Sprintf("試験%04d", i)
		code := post("/people/new", url.Values{"family_name": {name}, "given_name": {"太郎"}, "class": {"employee"}, "mail": {"unknown"}, "internet": {"unknown"}, "joined": {"2020-04-01"}})
		if code == 0 {
			break
		}
		if code != http.StatusSeeOther {
			t.Fatalf("add a person: status %d", code)
		}
		told = append(told, name)
	}
	_ = cmd.Wait() // it was killed on purpose
	a := b.whole(t, dir)
	defer func() { _ = a.Close() }() // nothing more is asked
	have := names(t, a)
	for _, name := range told {
		if !have[name] {
			t.Errorf("%s was acknowledged and is gone", name)
		}
	}
	t.Logf("%d acts acknowledged before the kill", len(told))
	if _, err := a.Backups.Run(app.AsCommand(t.Context()), backup.ByHand); err != nil {
		t.Errorf("the next backup: %v", err)
	}
}

// moment chooses when to kill something that takes about as long as it took once, whole.
func moment(rng *rand.Rand, whole time.Duration) time.Duration {
	return time.Millisecond + time.Duration(rng.Int64N(int64(whole)+1))
}

// took measures fn.
func took(fn func()) time.Duration {
	began := time.Now()
	fn()
	return time.Since(began)
}

func duringRestore(t *testing.T, b *base, rng *rand.Rand) {
	t.Helper()
	above := t.TempDir()
	restore := func(name string, at time.Duration) bool {
		return b.run(t, at, "restore", b.backup, "--identity-file", b.secret, "--data", filepath.Join(above, name))
	}
	whole := took(func() { restore("first", 0) })
	done := restore("office", moment(rng, whole))
	_, err := os.Stat(filepath.Join(above, "office"))
	if done && err != nil {
		t.Error("the restore was acknowledged and is not there")
	}
	rests, _ := filepath.Glob(filepath.Join(above, "office.restoring-*"))
	for _, rest := range rests {
		if _, err := os.Stat(filepath.Join(rest, "restore-not-finished")); err != nil {
			continue // killed before the mark, when there is nothing, or after all was checked
		}
		if a, err := app.Open(t.Context(), app.Config{Dir: rest, Now: time.Now, Log: app.DiscardLog()}); err == nil {
			t.Error("a half restore opens as an office")
			_ = a.Close()
		}
	}
	t.Logf("killed: %v, half folders: %d", !done, len(rests))
	if err != nil {
		restore("office", 0)
	}
	a := b.whole(t, filepath.Join(above, "office"))
	defer func() { _ = a.Close() }() // nothing more is asked
	if n := len(names(t, a)); n != b.people {
		t.Errorf("%d people, want %d", n, b.people)
	}
}

func duringImport(t *testing.T, b *base, rng *rand.Rand) {
	t.Helper()
	const rows = 400
	var csv strings.Builder
	csv.WriteString("社員番号,氏名,フリガナ,区分,メール利用,メールアドレス\n")
	for i := range rows {
		fmt.Fprintf(&csv, "K-%04d,取込%04d 太郎,トリコミ タロウ,従業員,○,k%04d@example.jp\n", i, i, i)
	}
	file := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(file, []byte(csv.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	take := func(dir string, at time.Duration) bool {
		return b.run(t, at, "import", "people", file, "--yes", "--data", dir)
	}
	first, dir := copyOf(t, b.office), copyOf(t, b.office)
	whole := took(func() { take(first, 0) })
	done := take(dir, moment(rng, whole))
	a := b.whole(t, dir)
	n := len(names(t, a)) - b.people
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if n != 0 && n != rows || done && n != rows {
		t.Errorf("acknowledged: %v, and %d of %d rows are there", done, n, rows)
	}
	t.Logf("killed: %v, rows: %d", !done, n)
	take(dir, 0)
	a = b.whole(t, dir)
	defer func() { _ = a.Close() }() // nothing more is asked
	if n := len(names(t, a)) - b.people; n != rows {
		t.Errorf("imported again: %d of %d rows", n, rows)
	}
}

func duringUpgrade(t *testing.T, b *base, rng *rand.Rand) {
	t.Helper()
	first, dir := copyOf(t, b.old), copyOf(t, b.old)
	list := func(dir string, at time.Duration) { b.run(t, at, "user", "list", "--data", dir) }
	whole := took(func() { list(first, 0) })
	list(dir, moment(rng, whole))
	copies, _ := filepath.Glob(filepath.Join(dir, "before-upgrade-*.db"))
	for _, file := range copies { // what has the name of a copy is one
		db, err := sqlite.OpenReading(t.Context(), file, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Read(t.Context(), func(tx *sqlite.Tx) error {
			text, err := sqlite.Integrity(t.Context(), tx)
			if err == nil && text != "ok" {
				err = errors.New(text)
			}
			return err
		}); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
		_ = db.Close()
	}
	a := b.whole(t, dir)
	defer func() { _ = a.Close() }() // nothing more is asked
	want := openOffice(t, first)
	defer func() { _ = want.Close() }() // as above
	if got, want := len(names(t, a)), len(names(t, want)); got != want {
		t.Errorf("%d people, want %d", got, want)
	}
	t.Logf("copies: %d", len(copies))
}

// unpackDump writes the office of a dump of the upgrade tests into a folder.
func unpackDump(t *testing.T, dump, dir string) {
	t.Helper()
	f, err := os.Open(dump)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	from := tar.NewReader(zip)
	for {
		h, err := from.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		data, err := io.ReadAll(from)
		if err = errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}
