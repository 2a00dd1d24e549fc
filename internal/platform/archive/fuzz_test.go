package archive

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// FuzzManifest: whatever stands in a manifest, what is let through are plain names below the folder.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"schema":"kizuki.backup/1","entries":[{"name":"kizuki.db","size":1,"sha256":"0000000000000000000000000000000000000000000000000000000000000000"}]}`))
	f.Add([]byte(`{"schema":"kizuki.backup/1","entries":[{"name":"../x","size":-1,"sha256":""}]}`))
	f.Add([]byte(`{"schema":"kizuki.backup/1","entries":[{"name":"a"},{"name":"A"}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := readManifest(data, 100, DefaultLimits())
		if err != nil {
			if len(problem.All(err)) != 1 {
				t.Errorf("an error without words: %v", err)
			}
			return
		}
		for _, e := range m.Entries {
			if !filepath.IsLocal(filepath.FromSlash(e.Name)) || e.Size < 0 {
				t.Errorf("let through: %+v", e)
			}
		}
	})
}

// FuzzUnpack: whatever is inside the seal, nothing is written outside the folder, and an error has words.
func FuzzUnpack(f *testing.F) {
	good := func(manifest string, names ...string) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for i, name := range append([]string{manifestName}, names...) {
			body := "x"
			if i == 0 {
				body = manifest
			}
			_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(body)), Mode: 0o600})
			_, _ = io.WriteString(w, body)
		}
		_ = w.Close()
		return b.Bytes()
	}
	const sumX = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
	f.Add(good(`{"schema":"kizuki.backup/1","entries":[{"name":"a/x","size":1,"sha256":"`+sumX+`"}]}`, "a/x"))
	f.Add(good(`{"schema":"kizuki.backup/1","entries":[{"name":"x","size":1,"sha256":"`+sumX+`"}]}`, "../x"))
	f.Add(good(`{"schema":"kizuki.backup/1","entries":[]}`, "x"))
	f.Add([]byte{})
	id, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, tarred []byte) {
		above := t.TempDir()
		file, dir := filepath.Join(above, "b"), filepath.Join(above, "dir")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		out, err := os.Create(file) //nolint:gosec // a test folder
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := age.Encrypt(out, id.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		packed, err := zstd.NewWriter(sealed, zstd.WithEncoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := packed.Write(tarred); err != nil {
			t.Fatal(err)
		}
		for _, end := range []func() error{packed.Close, sealed.Close, out.Close} {
			if err := end(); err != nil {
				t.Fatal(err)
			}
		}
		limits := Limits{Entries: 100, Manifest: 1 << 16, Total: 1 << 20, Ratio: 100}
		if _, err := Unpack(t.Context(), file, []age.Identity{id}, limits, dir, nil, nil); err != nil && len(problem.All(err)) != 1 {
			t.Errorf("an error without words: %v", err)
		}
		if left, _ := os.ReadDir(above); len(left) != 2 {
			t.Errorf("written outside the folder: %v", left)
		}
	})
}
