package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"filippo.io/age"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/backup"
)

// smallDisk is a disk of its own whose size a test changes.
type smallDisk struct {
	t   *testing.T
	dir string
}

func mountDisk(t *testing.T, megabytes int) *smallDisk {
	t.Helper()
	d := &smallDisk{t, t.TempDir()}
	if err := syscall.Mount("tmpfs", d.dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=700", megabytes)); err != nil {
		t.Skipf("a small disk needs the right to mount one: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(d.dir, 0); err != nil {
			t.Error(err)
		}
	})
	return d
}

// resize gives the disk another size, in MB; 0 is what is used now: then it is full.
func (d *smallDisk) resize(megabytes int64) {
	d.t.Helper()
	bytes := megabytes << 20
	if megabytes == 0 {
		var st syscall.Statfs_t
		if err := syscall.Statfs(d.dir, &st); err != nil {
			d.t.Fatal(err)
		}
		bytes = max(1, int64(st.Blocks-st.Bfree)) * st.Bsize // size=0 is one without an end
	}
	if err := syscall.Mount("tmpfs", d.dir, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%d,mode=700", bytes)); err != nil {
		d.t.Fatal(err)
	}
}

// tree lists all that lies below a folder.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if name, _ := filepath.Rel(dir, path); name != "." {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

// TestRestoreOnAFullDisk lets a real small disk run full before, while and after a restore unpacks there: in a
// folder on the disk, and in the one where the disk itself is mounted. Each time all is as empty as before, and
// with room the same restore goes through.
func TestRestoreOnAFullDisk(t *testing.T) {
	t.Parallel()
	file, id := backUp(t, openDemo(t))
	for name, below := range map[string]string{"a folder on the disk": "office", "where the disk is mounted": "."} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := mountDisk(t, 16)
			dir := filepath.Join(disk.dir, below)
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			before, around := tree(t, disk.dir), tree(t, filepath.Dir(disk.dir))
			for want, at := range map[string]func(done, total int64) bool{
				"app.restore.room": nil, // before it begins
				"archive.full":     func(done, total int64) bool { return done >= total/2 },
				"sqlite.full":      func(done, total int64) bool { return done == total },
			} {
				if at != nil {
					disk.resize(400)
				}
				if err := restoreUntilFull(disk, file, dir, id, at); keyOf(err) != want {
					t.Errorf("%v, want %s", err, want)
				}
				if left := tree(t, disk.dir); left != before {
					t.Errorf("%s: left behind %s", want, left)
				}
				disk.resize(16)
			}
			disk.resize(400)
			restoredWell(t, file, dir, id)
			if got := tree(t, filepath.Dir(disk.dir)); !strings.HasPrefix(got, around) || strings.Contains(got, "restor") {
				t.Errorf("around the disk: %s", got)
			}
		})
	}
}

// restoreUntilFull restores, and has the disk run full at a moment.
func restoreUntilFull(disk *smallDisk, file, dir string, id age.Identity, at func(done, total int64) bool) error {
	full := false
	_, err := app.Restore(disk.t.Context(), app.RestoreConfig{
		File: file, Dir: dir, Keys: []age.Identity{id}, Now: fixed(), Log: app.DiscardLog(), Program: "test",
		Progress: func(done, total int64) {
			if !full && at != nil && at(done, total) {
				disk.resize(0)
				full = true
			}
		},
	})
	return err
}

// restoredWell insists that a restore goes through and that the office is sound.
func restoredWell(t *testing.T, file, dir string, id age.Identity) {
	t.Helper()
	if r, err := restore(t, file, dir, id); err != nil || r.Attachments == 0 || r.Folder != dir {
		t.Fatalf("with room: %+v, %v", r, err)
	}
	a, err := app.Open(t.Context(), app.Config{Dir: dir, Now: fixed(), Log: app.DiscardLog()})
	if err != nil {
		t.Fatal(err)
	}
	healthy(t, a)
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

// TestKilledRestoreWhereADiskIsMounted: what is left in such a folder does not open, and the next restore, and no
// other, removes it.
func TestKilledRestoreWhereADiskIsMounted(t *testing.T) {
	t.Parallel()
	file, id := backUp(t, openDemo(t))
	disk := mountDisk(t, 400)
	if err := os.CopyFS(disk.dir, os.DirFS(demoFolder(t))); err != nil {
		t.Fatal(err)
	}
	if _, err := restore(t, file, disk.dir, id); keyOf(err) != "app.restore.not_empty" {
		t.Errorf("over an office: %v", err)
	}
	for name, text := range map[string]string{"restore-not-finished": "", "attachments-half": "x"} {
		if err := os.WriteFile(filepath.Join(disk.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := app.Open(t.Context(), app.Config{Dir: disk.dir, Now: fixed(), Log: app.DiscardLog()}); keyOf(err) != "app.restore.unfinished" {
		t.Errorf("Open: %v", err)
	}
	restoredWell(t, file, disk.dir, id)
	if left := tree(t, disk.dir); strings.Contains(left, "half") || strings.Contains(left, "not-finished") {
		t.Errorf("of the killed restore: %s", left)
	}
}

// TestBackupOntoAFullDisk: neither by hand nor by schedule is there a file with the name of a backup, the try is
// in the list as failed, and with room the next one goes through.
func TestBackupOntoAFullDisk(t *testing.T) {
	t.Parallel()
	a := openDemo(t)
	recoveryKey(t, a)
	disk := mountDisk(t, 1)
	file := filepath.Join(disk.dir, "office.kizuki.age")
	ctx := app.AsCommand(t.Context())
	byCommand := func() error {
		_, err := a.Backup(ctx, file, "", nil)
		return err
	}
	bySchedule := func() error {
		_, err := a.Backups.Run(ctx, backup.BySchedule)
		return err
	}
	set := settingsOf(t, a)
	set.Folders = []string{disk.dir}
	if err := a.Backups.SaveSettings(ctx, set); err != nil {
		t.Fatal(err)
	}
	disk.resize(0)
	for way, try := range map[backup.Way]func() error{backup.ByCommand: byCommand, backup.BySchedule: bySchedule} {
		if err := try(); keyOf(err) != "archive.full" {
			t.Errorf("%s: %v", way, err)
		}
		if left := tree(t, disk.dir); left != "" {
			t.Errorf("%s: left behind %s", way, left)
		}
		r := lastRun(t, a)
		if r.Way != way || r.State != backup.Failed || r.Problem == nil || r.Problem.Key != "archive.full" {
			t.Errorf("%s: in the list %+v", way, r)
		}
	}
	disk.resize(100)
	for way, try := range map[backup.Way]func() error{backup.ByCommand: byCommand, backup.BySchedule: bySchedule} {
		if err := try(); err != nil || lastRun(t, a).State != backup.Good {
			t.Errorf("%s with room: %v, %+v", way, err, lastRun(t, a))
		}
	}
}

func settingsOf(t *testing.T, a *app.App) (set backup.Settings) {
	t.Helper()
	err := a.DB.Read(t.Context(), func(tx *sqlite.Tx) (err error) {
		set, err = a.Backups.Settings(t.Context(), tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func lastRun(t *testing.T, a *app.App) backup.Run {
	t.Helper()
	var runs []backup.Run
	err := a.DB.Read(t.Context(), func(tx *sqlite.Tx) (err error) {
		runs, err = a.Backups.Runs(t.Context(), tx, 1)
		return err
	})
	if err != nil || len(runs) != 1 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	return runs[0]
}
