package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func TestFoldersThatBreakADatabase(t *testing.T) {
	t.Parallel()
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"shared/.stfolder", "team/.sync", "home/ワンドライブ", "moved"} {
		if err := os.MkdirAll(filepath.Join(base, filepath.FromSlash(dir)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(base, "team", ".sync", "ID"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(base, "shared"), filepath.Join(base, "hidden")); err != nil {
		t.Logf("no links here: %v", err)
	}
	none := func(string) string { return "" }
	for _, tt := range []struct {
		name, dir string
		network   func(string) string
		synced    []string
		want      string // part of the sentence; "" opens
	}{
		{"a disk of this computer", "office", none, nil, ""},
		{"a share", "office2", func(string) string { return "SMB" }, nil, "ネットワーク上の共有（SMB）"},
		{"the nearest folder that exists is asked", "moved/a/b", func(p string) string {
			if p == filepath.Join(base, "moved") {
				return "NFS"
			}
			return ""
		}, nil, "（NFS）"},
		{"OneDrive of a company", "OneDrive - みどり精工/kizuki", none, nil, "（OneDrive - みどり精工）"},
		{"Box", "Box/kizuki", none, nil, "（Box）"},
		{"a box of something", "box-1", none, nil, ""},
		{"Nextcloud", "Nextcloud/kizuki", none, nil, "（Nextcloud）"},
		{"Synology Drive", "SynologyDrive/kizuki", none, nil, "（SynologyDrive）"},
		{"pCloud", "pCloud Drive/kizuki", none, nil, "（pCloud Drive）"},
		{"Syncthing, under any name", "shared/deep/kizuki", none, nil, "（Syncthing）"},
		{"Resilio, under any name", "team/kizuki", none, nil, "（Resilio Sync）"},
		{"behind a link", "hidden/kizuki", none, nil, "（Syncthing）"},
		{"what OneDrive announces", "home/ワンドライブ/kizuki", none, []string{filepath.Join(base, "HOME", "ワンドライブ") + string(filepath.Separator)}, "ワンドライブ"},
		{"beside what OneDrive announces", "home/ワンドライブ2", none, []string{filepath.Join(base, "home", "ワンドライブ")}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(base, filepath.FromSlash(tt.dir))
			a, err := app.Open(t.Context(), app.Config{Dir: dir, Now: sqlitetest.NewClock("2026-11-23").Now, Log: app.DiscardLog(), Network: tt.network, Synced: tt.synced})
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if err := a.Close(); err != nil {
					t.Error(err)
				}
				return
			}
			if problem.CodeOf(err) != problem.CodeUnsupported {
				t.Fatalf("opened: %v", err)
			}
			texts, terr := app.Texts()
			if terr != nil {
				t.Fatal(terr)
			}
			if text := texts.Problem("ja", err); !strings.Contains(text, tt.want) || !strings.Contains(text, dir) || !strings.Contains(text, "--data") {
				t.Errorf("says %q, want %q in it", text, tt.want)
			}
			if _, err := os.Stat(filepath.Join(dir, "kizuki.db")); err == nil {
				t.Error("a database was made all the same")
			}
		})
	}
}

// TestFilesOfTheFolderArePrivate: whatever the umask and the mode of the folder, nobody but the owner reads the
// files of an office, the copies before upgrades included.
func TestFilesOfTheFolderArePrivate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made before")
	if err := os.Mkdir(dir, 0o755); err != nil { // the case: a folder that everybody may look into
		t.Fatal(err)
	}
	ctx := app.AsCommand(t.Context())
	a, err := app.Open(ctx, app.Config{Dir: dir, Now: sqlitetest.NewClock("2026-11-23").Now, Log: app.DiscardLog()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	err = a.Init(ctx, app.FirstOffice{
		Company: "みどり精工", FamilyName: "佐藤", GivenName: "花子", Login: "sato", Password: "kiku-no-hana-2026", Industry: "auto_parts", Size: "101-300", FiscalStart: 4, Level: "1",
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Import(ctx, "people", "a.csv", []byte("社員番号,氏名\n1,田中\n"), nil, true, func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	if err := a.DB.CopyTo(ctx, filepath.Join(dir, "before-upgrade.db")); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others: %v", d.Name(), info.Mode())
		}
		seen++
		return err
	})
	if err != nil || seen < 6 { // database, WAL, shared memory, lock, intake and its file, copy
		t.Errorf("%d files were looked at: %v", seen, err)
	}
}
