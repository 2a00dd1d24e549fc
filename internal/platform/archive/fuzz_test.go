package archive

import (
	"archive/tar"
	"bytes"
	"io"
	"path/filepath"
	"testing"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

const sumOfX = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"

// FuzzManifest: whatever stands in a manifest, what is let through are plain names below the folder.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"schema":"kizuki.backup/1","entries":[{"name":"kizuki.db","size":1,"sha256":"` + sumOfX + `"}]}`))
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

// FuzzUnpack: whatever manifest and entry are inside the seal, nothing would be written outside the folder or
// above the limits, and an error has words. tail is what follows the entry, as it stands.
func FuzzUnpack(f *testing.F) {
	good := []byte(`{"schema":"kizuki.backup/1","entries":[{"name":"a/x","size":1,"sha256":"` + sumOfX + `"}]}`)
	f.Add(good, "a/x", byte(tar.TypeReg), []byte("x"), []byte{})
	f.Add(good, "../x", byte(tar.TypeReg), []byte("x"), []byte("more"))
	f.Add(good, "a/x", byte(tar.TypeSymlink), []byte{}, []byte{})
	f.Add([]byte(`{"schema":"kizuki.backup/1"}`), "x", byte(tar.TypeGNUSparse), []byte("1"), []byte{})
	f.Fuzz(func(t *testing.T, manifest []byte, name string, flag byte, body, tail []byte) {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, e := range []struct {
			h    tar.Header
			body []byte
		}{{tar.Header{Typeflag: tar.TypeReg, Name: manifestName}, manifest}, {tar.Header{Typeflag: flag, Name: name}, body}} {
			e.h.Size, e.h.Mode = int64(len(e.body)), 0o600
			if w.WriteHeader(&e.h) != nil { // what no tar can carry
				break
			}
			_, _ = w.Write(e.body)
		}
		_ = w.Flush()
		b.Write(tail)
		limits := Limits{Entries: 100, Manifest: 1 << 16, Total: 1 << 20, Ratio: 100}
		var written int64
		_, err := readTar(t.Context(), &b, 0, limits, nil, func(e Entry, r io.Reader) error {
			if !filepath.IsLocal(filepath.FromSlash(e.Name)) {
				t.Errorf("would be written outside the folder: %q", e.Name)
			}
			return take(t.Context(), io.Discard, e, r, func(n int64) { written += n })
		})
		if err != nil && len(problem.All(err)) != 1 {
			t.Errorf("an error without words: %v", err)
		}
		if written > limits.Total {
			t.Errorf("%d bytes written, the limit is %d", written, limits.Total)
		}
	})
}
