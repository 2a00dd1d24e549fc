package archive

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

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

// FuzzUnpack: whatever is inside seal and compression, nothing is written outside the folder, and an error has words.
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
	f.Fuzz(func(t *testing.T, tarred []byte) {
		above := t.TempDir()
		if err := os.Mkdir(filepath.Join(above, "dir"), 0o700); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(filepath.Join(above, "dir"))
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		limits := Limits{Entries: 100, Manifest: 1 << 16, Total: 1 << 20, Ratio: 100}
		_, err = readTar(t.Context(), bytes.NewReader(tarred), 0, limits, nil, func(e Entry, r io.Reader) error {
			return unpackOne(t.Context(), root, e, r, nil)
		})
		if err != nil && len(problem.All(err)) != 1 {
			t.Errorf("an error without words: %v", err)
		}
		if left, _ := os.ReadDir(above); len(left) != 1 {
			t.Errorf("written outside the folder: %v", left)
		}
	})
}
