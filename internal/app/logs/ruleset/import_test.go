package ruleset_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/app/logs"
	"github.com/kizuki-security/kizuki/internal/app/logs/ruleset"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

var now = time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)

func rule(n int, more string) string {
	return fmt.Sprintf("title: Rule %d\nid: 11111111-2222-4333-8444-%012d\nlevel: high\n%slogsource: {product: windows, category: process_creation}\ndetection:\n  selection: {Image|endswith: '\\x%d.exe'}\n  condition: selection\n", n, n, more, n)
}

type member struct {
	name, text string
	mode       fs.FileMode
	flags      uint16
}

// packed writes a zip, with whatever names.
func packed(t *testing.T, members ...member) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate, Flags: m.flags}
		h.SetMode(m.mode | 0o644)
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "Sigma Core.zip")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func imported(t *testing.T, data, source string) *ruleset.Result {
	t.Helper()
	r, err := ruleset.Import(context.Background(), ruleset.Order{Data: data, Source: source, Apply: true, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// files lists all files below a folder.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, name)
			list = append(list, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return list
}

func TestImportFolderThenZip(t *testing.T) {
	t.Parallel()
	data, source := t.TempDir(), filepath.Join(t.TempDir(), "mine")
	for name, text := range map[string]string{
		"windows/a.yml": rule(1, ""), "windows/b.yaml": rule(2, "license: MIT\n"), "README.md": "hello", "LICENSE": "[Detection Rule License (DRL) 1.1](x)",
		"bad.yml": "title: [", "old.yml": rule(3, "status: deprecated\n"), "twin.yml": rule(1, ""), ".git/config.yml": rule(9, ""),
	} {
		if err := os.MkdirAll(filepath.Join(source, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(source, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(source, "link.yml")); err != nil {
		t.Fatal(err)
	}
	look, err := ruleset.Import(context.Background(), ruleset.Order{Data: data, Source: source, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if look.Applied || len(files(t, data)) > 0 {
		t.Errorf("looking wrote %q", files(t, data))
	}
	r := imported(t, data, source)
	codes := map[string]string{}
	for _, p := range r.Refused {
		codes[p.File] = p.Code
	}
	if diff := cmp.Diff(map[string]string{"bad.yml": "yaml", "link.yml": ruleset.CodeLink, "windows/a.yml": "duplicate"}, codes); diff != "" {
		t.Error(diff) // twin.yml comes first in the order of names
	}
	if r.Name != "mine" || !r.Applied || r.Files != 2 || r.Rules != 2 || r.Ignored != 1 || r.Deprecated != 1 || r.License != "DRL-1.1" || r.Replaced != nil {
		t.Errorf("result is %+v", r)
	}
	rules, sets, err := ruleset.Load(data, logs.LoadRules)
	if err != nil || len(rules.Set.Rules()) != 2 || len(rules.Problems) > 0 || len(sets) != 1 || sets[0].Manifest.Rules != 2 {
		t.Fatalf("rules %+v, sets %+v, %v", rules, sets, err)
	}
	if got := ruleset.License(sets, rules.Set.Rules()[0].File); got != "DRL-1.1" {
		t.Errorf("license of the set is %q", got)
	}

	again, err := ruleset.Import(context.Background(), ruleset.Order{Data: data, Source: packed(t, member{name: "rules/z.yml", text: rule(7, "")}), Name: "mine", Apply: true, Now: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if again.Replaced == nil || again.Replaced.Rules != 2 || again.License != "" {
		t.Errorf("result is %+v", again)
	}
	got := slices.DeleteFunc(files(t, data), func(name string) bool { return strings.Contains(name, ".new-import.lock") })
	if len(got) != 2 || !strings.HasSuffix(got[0], "/rules/z.yml") || got[1] != "rules/mine/set.json" {
		t.Errorf("the folder holds %q", got)
	}
}

// Whatever a zip holds, nothing leaves the set's folder, and what is left out is named.
func TestHostileZip(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	data := filepath.Join(top, "in", "data")
	source := packed(t,
		member{name: "../../evil.yml", text: rule(1, "")}, member{name: "/abs.yml", text: rule(2, "")}, member{name: `a\..\..\evil.yml`, text: rule(3, "")}, member{name: "c:evil.yml", text: rule(4, "")},
		member{name: "a/../b.yml", text: rule(5, "")}, member{name: "nul.yml", text: rule(6, "")}, member{name: "a/\u202Egnp.yml", text: rule(7, "")}, member{name: "bell\x07.yml", text: rule(7, "")},
		member{name: strings.Repeat("d/", 30) + "deep.yml", text: rule(8, "")}, member{name: strings.Repeat("n", 300) + ".yml", text: rule(8, "")}, member{name: ".hidden.yml", text: rule(8, "")},
		member{name: "link.yml", text: "/etc/passwd", mode: fs.ModeSymlink}, member{name: "locked.yml", text: rule(9, ""), flags: 1},
		member{name: "bomb.yml", text: strings.Repeat("a", 50<<20)}, member{name: "good.yml", text: rule(10, "")}, member{name: "GOOD.yml", text: rule(11, "")},
		member{name: "run.exe", text: "MZ"}, member{name: "LICENSE.txt", text: strings.Repeat("x", 1<<20)}, member{name: "folder.yml/", text: ""},
		member{name: "alias.yml", text: "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d]\n"},
	)
	r := imported(t, data, source)
	codes := map[string]int{}
	for _, p := range r.Refused {
		codes[p.Code]++
	}
	for code, want := range map[string]int{ruleset.CodeName: 11, ruleset.CodeLink: 1, ruleset.CodeProtected: 1, ruleset.CodeSize: 1, ruleset.CodeTwice: 1} {
		if codes[code] != want {
			t.Errorf("%d are refused for %s, want %d", codes[code], code, want)
		}
	}
	if r.Name != "sigma-core" || r.Rules != 1 || r.Files != 1 || r.Ignored != 2 {
		t.Errorf("result is %+v", r)
	}
	for _, name := range files(t, top) {
		if !strings.HasPrefix(name, "in/data/rules/") {
			t.Errorf("%s was written", name)
		}
	}
}

func TestRefusedImportKeepsTheSet(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	imported(t, data, packed(t, member{name: "a.yml", text: rule(1, "")}))
	before := files(t, data)
	junk := filepath.Join(t.TempDir(), "junk.zip")
	if err := os.WriteFile(junk, []byte("PK\x03\x04 this is no zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	own := filepath.Join(data, "rules", "own")
	if err := os.MkdirAll(own, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(own, "mine.yml"), []byte(rule(5, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	before = append(before, "rules/own/mine.yml")
	good := packed(t, member{name: "b.yml", text: rule(2, "")})
	tests := []struct {
		name  string
		ctx   context.Context //nolint:containedctx // a table of a test
		order ruleset.Order
		key   string // of the problem; empty: the error of the context
	}{
		{"nothing usable", context.Background(), ruleset.Order{Source: packed(t, member{name: "a.yml", text: "title: ["}), Name: "sigma-core"}, "logs.rules.nothing"},
		{"no zip", context.Background(), ruleset.Order{Source: junk, Name: "sigma-core"}, "logs.rules.kind"},
		{"missing", context.Background(), ruleset.Order{Source: junk + "x", Name: "sigma-core"}, "logs.rules.missing"},
		{"bad name", context.Background(), ruleset.Order{Source: good, Name: "../x"}, "logs.rules.name"},
		{"device", context.Background(), ruleset.Order{Source: good, Name: "con"}, "logs.rules.name"},
		{"own rules", context.Background(), ruleset.Order{Source: good, Name: "own"}, "logs.rules.own"},
		{"stopped", stopped, ruleset.Order{Source: good, Name: "sigma-core"}, ""},
		{"stopped first", stopped, ruleset.Order{Source: good, Name: "other"}, ""},
	}
	for _, tt := range tests {
		tt.order.Data, tt.order.Apply, tt.order.Now = data, true, now
		_, err := ruleset.Import(tt.ctx, tt.order)
		if tt.key == "" && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if all := problem.All(err); tt.key != "" && (len(all) != 1 || all[0].Key != tt.key) {
			t.Errorf("%s: %v", tt.name, err)
		}
		after := slices.DeleteFunc(files(t, data), func(name string) bool { return false })
		slices.Sort(before)
		slices.Sort(after)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	sets, err := ruleset.List(data)
	if err != nil || len(sets) != 2 || sets[0].Name != "own" || sets[0].Manifest != nil || sets[1].Name != "sigma-core" {
		t.Errorf("sets %+v, %v", sets, err)
	}
}

// A killed import leaves folders that nobody reads; the next one removes them.
func TestLeftoversAreIgnoredAndSwept(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	imported(t, data, packed(t, member{name: "a.yml", text: rule(1, "")}))
	home := filepath.Join(data, "rules", "sigma-core")
	for _, dir := range []string{filepath.Join(home, ".new-123"), filepath.Join(home, "set-20260101-000000-0123456789ab"), filepath.Join(data, "rules", "first", ".new-1")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "x.yml"), []byte(rule(2, "")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rules, sets, err := ruleset.Load(data, logs.LoadRules)
	if err != nil || len(sets) != 1 || len(rules.Set.Rules()) != 1 || rules.Set.Rules()[0].Title != "Rule 1" {
		t.Fatalf("sets %+v, %v", sets, err)
	}
	imported(t, data, packed(t, member{name: "a.yml", text: rule(3, "")}))
	entries, err := os.ReadDir(home)
	if err != nil || len(entries) != 2 {
		t.Errorf("the set holds %v, %v", entries, err)
	}
}

// Reading begins anew when a set is exchanged meanwhile.
func TestLoadDuringImport(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	imported(t, data, packed(t, member{name: "a.yml", text: rule(1, "")}))
	calls := 0
	rules, _, err := ruleset.Load(data, func(paths []string) (*logs.Rules, error) {
		if calls++; calls == 1 {
			imported(t, data, packed(t, member{name: "a.yml", text: rule(2, "")}))
		}
		return logs.LoadRules(paths)
	})
	if err != nil || calls != 2 || rules.Set.Rules()[0].Title != "Rule 2" {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestBrokenManifestIsTold(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"{", `{"schema":"kizuki.rule-set/1","folder":"../../etc"}`, `{"schema":"other","folder":"set-1"}`} {
		data := t.TempDir()
		imported(t, data, packed(t, member{name: "a.yml", text: rule(1, "")}))
		if err := os.WriteFile(filepath.Join(data, "rules", "sigma-core", "set.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ruleset.List(data); len(problem.All(err)) != 1 {
			t.Errorf("%s: %v", text, err)
		}
	}
}
