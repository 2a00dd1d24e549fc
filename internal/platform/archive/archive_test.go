package archive_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/kizuki-security/kizuki/internal/platform/archive"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// folder writes files and lists them for packing.
func folder(t testing.TB, files map[string]string) (list []archive.File) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		list = append(list, archive.File{Name: name, Path: path})
	}
	return list
}

func once(t testing.TB) (age.Identity, age.Recipient) {
	t.Helper()
	id, to, err := archive.Once()
	if err != nil {
		t.Fatal(err)
	}
	return id, to
}

// pack writes an archive of the files and returns its name and key.
func pack(t testing.TB, files map[string]string) (string, age.Identity) {
	t.Helper()
	list := folder(t, files)
	id, to := once(t)
	file := filepath.Join(t.TempDir(), "b.kizuki.age")
	m := archive.Manifest{Program: "test", MadeAt: time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC), Notes: map[string]string{"n": "1"}}
	if _, err := archive.Write(t.Context(), file, m, list, []age.Recipient{to}, id, nil); err != nil {
		t.Fatal(err)
	}
	return file, id
}

// contents reads a folder back.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	root := os.DirFS(dir)
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		f, err := root.Open(filepath.ToSlash(name))
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // only read
		data, err := io.ReadAll(f)
		out[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func keyOf(err error) string {
	if all := problem.All(err); len(all) == 1 {
		return all[0].Key
	}
	return fmt.Sprint(err)
}

var sample = map[string]string{
	"kizuki.db": strings.Repeat("row ", 90_000), "attachments/ab/abcd": "scan", "intake/01": "", "見本/社員名簿.csv": "名前,部署\r\n",
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	file, id := pack(t, sample)
	dir := t.TempDir()
	var accepted *archive.Manifest
	m, err := archive.Unpack(t.Context(), file, []age.Identity{id}, archive.DefaultLimits(), dir, func(m *archive.Manifest) error {
		accepted = m
		if len(contents(t, dir)) > 0 {
			t.Error("something was written before the manifest was accepted")
		}
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample, contents(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if accepted != m || m.Program != "test" || m.Notes["n"] != "1" || len(m.Entries) != len(sample) {
		t.Errorf("manifest %+v", m)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"kizuki.db", "attachments", "scan", "row row"} {
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("%q can be read from outside", secret)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*"+archive.PartSuffix)); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestRefusedManifestWritesNothing(t *testing.T) {
	t.Parallel()
	file, id := pack(t, sample)
	dir := t.TempDir()
	newer := problem.Unsupported("newer")
	_, err := archive.Unpack(t.Context(), file, []age.Identity{id}, archive.DefaultLimits(), dir, func(*archive.Manifest) error { return newer }, nil)
	if keyOf(err) != "newer" || len(contents(t, dir)) > 0 {
		t.Errorf("error %v, files %v", err, contents(t, dir))
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	secret, public, err := archive.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	to, err := archive.ParsePublic(public)
	if err != nil {
		t.Fatal(err)
	}
	mine, alsoTo := once(t)
	list := folder(t, sample)
	file := filepath.Join(t.TempDir(), "b")
	if _, err := archive.Write(t.Context(), file, archive.Manifest{}, list, []age.Recipient{to, alsoTo}, mine, nil); err != nil {
		t.Fatal(err)
	}
	typed := strings.ToLower(secret[:20]) + " \n" + secret[20:40] + "\r\n  " + secret[40:] + "\n"
	for name, text := range map[string]string{"as printed": secret, "as typed": typed, "a key file": "# created: today\n# public key: " + public + "\n" + secret + "\n"} {
		id, err := archive.ParseSecret(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := archive.Check(t.Context(), file, []age.Identity{id}, archive.DefaultLimits(), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	stranger, _ := once(t)
	if _, err := archive.Check(t.Context(), file, []age.Identity{stranger}, archive.DefaultLimits(), nil); keyOf(err) != "archive.wrong_key" {
		t.Errorf("a stranger's key: %v", err)
	}
	for _, text := range []string{"", "AGE-SECRET-KEY-1", secret[:len(secret)-1], secret[:30] + "QQ" + secret[32:], public} {
		_, err := archive.ParseSecret(text)
		if keyOf(err) != "archive.key_form" || text != "" && strings.Contains(fmt.Sprint(err), text) {
			t.Errorf("ParseSecret: %v", err)
		}
	}
	if _, err := archive.ParsePublic(secret); keyOf(err) != "archive.key_form" || strings.Contains(fmt.Sprint(err), secret) {
		t.Errorf("ParsePublic of a secret: %v", err)
	}
}

func TestPassphrase(t *testing.T) {
	t.Parallel()
	id, to, err := archive.ByPassphrase("正しい 馬 電池 ホチキス")
	if err != nil {
		t.Fatal(err)
	}
	list := folder(t, sample)
	file := filepath.Join(t.TempDir(), "b")
	if _, err := archive.Write(t.Context(), file, archive.Manifest{}, list, []age.Recipient{to}, id, nil); err != nil {
		t.Fatal(err)
	}
	other, _, err := archive.ByPassphrase("別の言葉")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Check(t.Context(), file, []age.Identity{other}, archive.DefaultLimits(), nil); keyOf(err) != "archive.wrong_key" {
		t.Errorf("another passphrase: %v", err)
	}
	if _, _, err := archive.ByPassphrase(""); keyOf(err) != "archive.passphrase_empty" {
		t.Errorf("empty passphrase: %v", err)
	}
}

// TestEveryFlippedByteIsRefused flips one bit at 80 places, of which 20 lie in the head.
func TestEveryFlippedByteIsRefused(t *testing.T) {
	t.Parallel()
	files := map[string]string{"kizuki.db": "", "a": "attached"}
	rng := rand.New(rand.NewPCG(7, 11))
	noise := make([]byte, 200_000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	files["kizuki.db"] = string(noise)
	file, id := pack(t, files)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 80 {
		at := rng.IntN(len(good))
		if i < 20 {
			at = rng.IntN(220)
		}
		bad := bytes.Clone(good)
		bad[at] ^= 1 << rng.IntN(8)
		name := filepath.Join(t.TempDir(), "flipped.kizuki.age")
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		_, err := archive.Unpack(t.Context(), name, []age.Identity{id}, archive.DefaultLimits(), dir, nil, nil)
		switch keyOf(err) {
		case "archive.damaged", "archive.wrong_key", "archive.foreign":
			if got := problem.All(err)[0].Args["file"]; got != "flipped.kizuki.age" {
				t.Errorf("byte %d: the file is not named: %v", at, got)
			}
		default:
			t.Errorf("byte %d of %d: %v", at, len(good), err)
		}
	}
}

func TestCutShort(t *testing.T) {
	t.Parallel()
	file, id := pack(t, sample)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 10, 100, 200, 300, len(good) / 2, len(good) - 17, len(good) - 1} {
		name := filepath.Join(t.TempDir(), "short")
		if err := os.WriteFile(name, good[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := archive.Check(t.Context(), name, []age.Identity{id}, archive.DefaultLimits(), nil)
		if key := keyOf(err); key != "archive.damaged" && (n > 20 || key != "archive.foreign") {
			t.Errorf("%d bytes of %d: %v", n, len(good), err)
		}
	}
	longer := filepath.Join(t.TempDir(), "longer")
	if err := os.WriteFile(longer, append(bytes.Clone(good), 'x'), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Check(t.Context(), longer, []age.Identity{id}, archive.DefaultLimits(), nil); keyOf(err) != "archive.damaged" {
		t.Errorf("one byte more: %v", err)
	}
	part := file + archive.PartSuffix
	if err := os.Rename(file, part); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Check(t.Context(), part, []age.Identity{id}, archive.DefaultLimits(), nil); keyOf(err) != "archive.half" {
		t.Errorf("a half-written file: %v", err)
	}
}

// crafted is an archive that no program of ours writes.
type crafted struct {
	manifest any // archive.Manifest, or any text
	headers  []tar.Header
	bodies   []string
	tail     string
}

func (c crafted) write(t testing.TB, to age.Recipient) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "crafted.kizuki.age")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := age.Encrypt(f, to)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := zstd.NewWriter(sealed)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(packed)
	text, ok := c.manifest.(string)
	if !ok {
		data, err := json.Marshal(c.manifest)
		if err != nil {
			t.Fatal(err)
		}
		text = string(data)
	}
	put := func(h tar.Header, body string) {
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(body))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
	}
	put(tar.Header{Typeflag: tar.TypeReg, Name: "manifest.json", Mode: 0o600}, text)
	for i, h := range c.headers {
		put(h, c.bodies[i])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(packed, c.tail); err != nil {
		t.Fatal(err)
	}
	for _, end := range []func() error{packed.Close, sealed.Close, f.Close} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

func entry(name, body string) archive.Entry {
	sum := sha256.Sum256([]byte(body))
	return archive.Entry{Name: name, Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:])}
}

func TestHostileArchives(t *testing.T) {
	t.Parallel()
	plain := func(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600} }
	of := func(entries ...archive.Entry) archive.Manifest {
		return archive.Manifest{Schema: archive.Schema, Entries: entries}
	}
	tests := map[string]struct {
		c    crafted
		want string
	}{
		"another schema":            {crafted{manifest: archive.Manifest{Schema: "kizuki.backup/2"}}, "archive.schema"},
		"no JSON":                   {crafted{manifest: "{"}, "archive.manifest"},
		"a file not listed":         {crafted{manifest: of(), headers: []tar.Header{plain("x")}, bodies: []string{"x"}}, "archive.more"},
		"a file missing":            {crafted{manifest: of(entry("x", "x"))}, "archive.entry_missing"},
		"another name":              {crafted{manifest: of(entry("x", "x")), headers: []tar.Header{plain("../x")}, bodies: []string{"x"}}, "archive.content"},
		"other content":             {crafted{manifest: of(entry("x", "x")), headers: []tar.Header{plain("x")}, bodies: []string{"y"}}, "archive.content"},
		"larger than listed":        {crafted{manifest: of(entry("x", "x")), headers: []tar.Header{plain("x")}, bodies: []string{"xx"}}, "archive.content"},
		"smaller than listed":       {crafted{manifest: of(entry("x", "xx")), headers: []tar.Header{plain("x")}, bodies: []string{"x"}}, "archive.content"},
		"a symbolic link":           {crafted{manifest: of(entry("x", "")), headers: []tar.Header{{Typeflag: tar.TypeSymlink, Name: "x", Linkname: "/etc/passwd"}}, bodies: []string{""}}, "archive.link"},
		"a hard link":               {crafted{manifest: of(entry("x", "")), headers: []tar.Header{{Typeflag: tar.TypeLink, Name: "x", Linkname: "y"}}, bodies: []string{""}}, "archive.link"},
		"a device":                  {crafted{manifest: of(entry("x", "")), headers: []tar.Header{{Typeflag: tar.TypeChar, Name: "x", Devmajor: 1, Devminor: 3}}, bodies: []string{""}}, "archive.link"},
		"a pipe":                    {crafted{manifest: of(entry("x", "")), headers: []tar.Header{{Typeflag: tar.TypeFifo, Name: "x"}}, bodies: []string{""}}, "archive.link"},
		"a folder":                  {crafted{manifest: of(entry("x", "")), headers: []tar.Header{{Typeflag: tar.TypeDir, Name: "x"}}, bodies: []string{""}}, "archive.link"},
		"twice":                     {crafted{manifest: of(entry("x", "x"), entry("x", "x"))}, "archive.twice"},
		"twice but for the case":    {crafted{manifest: of(entry("Kizuki.db", "x"), entry("kizuki.DB", "x"))}, "archive.twice"},
		"twice but for composition": {crafted{manifest: of(entry("が", "x"), entry("か\u3099", "x"))}, "archive.twice"},
		"a file that is a folder":   {crafted{manifest: of(entry("x", "x"), entry("X/y", "x"))}, "archive.twice"},
		"negative size":             {crafted{manifest: of(archive.Entry{Name: "x", Size: -1, SHA256: strings.Repeat("0", 64)})}, "archive.total"},
		"sizes that overflow":       {crafted{manifest: of(archive.Entry{Name: "x", Size: 1 << 40, SHA256: strings.Repeat("0", 64)}, archive.Entry{Name: "y", Size: 1<<41 - 1, SHA256: strings.Repeat("0", 64)})}, "archive.total"},
		"a bomb by the numbers":     {crafted{manifest: of(archive.Entry{Name: "x", Size: 1 << 40, SHA256: strings.Repeat("0", 64)})}, "archive.ratio"},
		"something behind the end":  {crafted{manifest: of(), tail: strings.Repeat("tail", 40_000)}, "archive.more"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id, to := once(t)
			file, dir := tc.c.write(t, to), t.TempDir()
			_, err := archive.Unpack(t.Context(), file, []age.Identity{id}, archive.DefaultLimits(), dir, nil, nil)
			if keyOf(err) != tc.want {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
}

func TestHostileNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", ".", "..", "../x", "a/../x", "a/..", "/etc/passwd", "a//b", "a/", "./a", `..\x`, `C:\x`, "C:x", "c:/x", `\\host\share`, "a\x00b", "a\nb",
		"con", "CON", "a/NUL.txt", "aux.tar.gz", "COM1", "lpt9.log", "COM¹", "conin$", "prn ", "x.", "x ", " x", "a./b", "x:stream", "x*", "x?", `"`, "<", "|",
		"\xff", strings.Repeat("a", 256), strings.Repeat("a/", 600) + "b", "manifest.json",
	} {
		id, to := once(t)
		c := crafted{manifest: archive.Manifest{Schema: archive.Schema, Entries: []archive.Entry{entry(name, "x")}}}
		if !utf8.ValidString(name) { // JSON cannot carry it: it becomes another name, which is then not there
			continue
		}
		file := c.write(t, to)
		if _, err := archive.Check(t.Context(), file, []age.Identity{id}, archive.DefaultLimits(), nil); keyOf(err) != "archive.name" {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	file, id := pack(t, sample)
	for name, change := range map[string]func(*archive.Limits){
		"entries":  func(l *archive.Limits) { l.Entries = 2 },
		"manifest": func(l *archive.Limits) { l.Manifest = 20 },
		"total":    func(l *archive.Limits) { l.Total = 1000 },
	} {
		limits := archive.DefaultLimits()
		change(&limits)
		_, err := archive.Check(t.Context(), file, []age.Identity{id}, limits, nil)
		if problem.CodeOf(err) != problem.CodeTooLarge {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWriteNeverReplaces(t *testing.T) {
	t.Parallel()
	file, id := pack(t, sample)
	_, to := once(t)
	if _, err := archive.Write(t.Context(), file, archive.Manifest{}, nil, []age.Recipient{to}, id, nil); keyOf(err) != "archive.exists" {
		t.Errorf("over an archive: %v", err)
	}
	if err := archive.Copy(t.Context(), file, file, ""); keyOf(err) != "archive.exists" {
		t.Errorf("copy over an archive: %v", err)
	}
}

func TestFilesThatChangeMeanwhile(t *testing.T) {
	t.Parallel()
	id, to := once(t)
	for name, harm := range map[string]func(path string) error{
		"gone":     os.Remove,
		"longer":   func(path string) error { return os.WriteFile(path, []byte("longer than before"), 0o600) },
		"shorter":  func(path string) error { return os.Truncate(path, 1) },
		"replaced": func(path string) error { return os.WriteFile(path, []byte("B"), 0o600) },
	} {
		list := folder(t, map[string]string{"a": strings.Repeat("a", 300_000), "b": "A"})
		if list[0].Name != "a" {
			list[0], list[1] = list[1], list[0]
		}
		if name == "shorter" {
			if err := os.WriteFile(list[1].Path, []byte("AAA"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		file := filepath.Join(t.TempDir(), "b")
		harmed := false
		_, err := archive.Write(t.Context(), file, archive.Manifest{}, list, []age.Recipient{to}, id, func(int64, int64) {
			if harmed {
				return
			}
			harmed = true
			if err := harm(list[1].Path); err != nil {
				t.Error(err)
			}
		})
		if !archive.IsChanging(err) {
			t.Errorf("%s: %v", name, err)
		}
		if left := contents(t, filepath.Dir(file)); len(left) > 0 {
			t.Errorf("%s: left behind %d files", name, len(left))
		}
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	list := folder(t, sample)
	id, to := once(t)
	ctx, cancel := context.WithCancel(t.Context())
	file := filepath.Join(t.TempDir(), "b")
	_, err := archive.Write(ctx, file, archive.Manifest{}, list, []age.Recipient{to}, id, func(int64, int64) { cancel() })
	if err == nil || len(contents(t, filepath.Dir(file))) > 0 {
		t.Errorf("error %v, files %v", err, len(contents(t, filepath.Dir(file))))
	}
}

func TestCopy(t *testing.T) {
	t.Parallel()
	file, id := pack(t, sample)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	to := filepath.Join(t.TempDir(), "copy.kizuki.age")
	if err := archive.Copy(t.Context(), file, to, hex.EncodeToString(sum[:])); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Check(t.Context(), to, []age.Identity{id}, archive.DefaultLimits(), nil); err != nil {
		t.Error(err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := archive.Copy(t.Context(), file, other, strings.Repeat("0", 64)); keyOf(err) != "archive.disk" || len(contents(t, filepath.Dir(other))) > 0 {
		t.Errorf("content that is not what was written: %v", err)
	}
}
