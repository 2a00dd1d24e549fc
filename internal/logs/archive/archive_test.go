package archive_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/archive"
	"github.com/kizuki-security/kizuki/internal/logs/archive/archivetest"
)

const partSize = 5 << 20

func open(t *testing.T, address string, transport http.RoundTripper) *archive.Bucket {
	t.Helper()
	b, err := archive.Open(archive.Config{
		Address: address, Region: "us-east-1", Bucket: archivetest.Bucket, Prefix: "site-01/", AccessKey: "key", SecretKey: "secret",
		PartSize: partSize, Transport: transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// file makes a file of that many bytes.
func file(t *testing.T, name string, size int) archive.File {
	t.Helper()
	var seed [32]byte
	copy(seed[:], name)
	data := make([]byte, size)
	_, _ = rand.NewChaCha8(seed).Read(data) // never fails
	path := filepath.Join(t.TempDir(), "sealed")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return archive.File{Path: path, Name: "2026/11/26/" + name, SHA256: sha256.Sum256(data)}
}

// A file is sent once, whole or in parts, and what the bucket has is what was signed.
func TestUpload(t *testing.T) {
	t.Parallel()
	b := open(t, archivetest.Start(t), nil)
	for name, size := range map[string]int{"one-byte": 1, "small": 1000, "one-part": partSize, "three-parts": 2*partSize + 1} {
		f := file(t, name, size)
		if there, err := b.Has(t.Context(), f); there || err != nil {
			t.Fatalf("%s is there before: %t %v", name, there, err)
		}
		sent, err := b.Upload(t.Context(), f)
		if err != nil || sent != (archive.Sent{Bytes: int64(size)}) {
			t.Fatalf("%s: %+v %v", name, sent, err)
		}
		if sent, err = b.Upload(t.Context(), f); err != nil || sent != (archive.Sent{There: true}) {
			t.Fatalf("%s again: %+v %v", name, sent, err)
		}
		if err := b.Check(t.Context(), f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		wrong := f
		wrong.SHA256[0] ^= 1
		if err := b.Check(t.Context(), wrong); !archive.Is(err, archive.Changed) {
			t.Errorf("%s compared with another hash: %v", name, err)
		}
		if _, err := b.Upload(t.Context(), wrong); !archive.Is(err, archive.Other) {
			t.Errorf("another file of the name %s: %v", name, err)
		}
	}
}

// cutting lets so many requests that send a part through and then none.
type cutting struct {
	left, parts atomic.Int64
}

func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPut && r.URL.Query().Has("partNumber") {
		c.parts.Add(1)
		if c.left.Add(-1) < 0 {
			return nil, errors.New("the line is cut")
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

// An upload that was cut goes on where it was: parts that are there are not sent again.
func TestUploadResumes(t *testing.T) {
	t.Parallel()
	address := archivetest.Start(t)
	f := file(t, "large", 4*partSize+77)
	cut := &cutting{}
	cut.left.Store(2)
	if _, err := open(t, address, cut).Upload(t.Context(), f); !archive.Is(err, archive.Unavailable) {
		t.Fatalf("a cut line gives %v", err)
	}
	cut.left.Store(100)
	cut.parts.Store(0)
	b := open(t, address, cut)
	sent, err := b.Upload(t.Context(), f)
	if err != nil || sent.Parts != 2 || sent.Bytes != 2*partSize+77 || cut.parts.Load() != 3 {
		t.Fatalf("%+v %v, %d parts sent", sent, err, cut.parts.Load())
	}
	if err := b.Check(t.Context(), f); err != nil {
		t.Error(err)
	}
}

// Parts of another file under the same name are not taken for ours.
func TestUploadAfterAnother(t *testing.T) {
	t.Parallel()
	address := archivetest.Start(t)
	other, f := file(t, "a", 3*partSize), file(t, "b", 3*partSize)
	other.Name = f.Name
	cut := &cutting{}
	cut.left.Store(2)
	if _, err := open(t, address, cut).Upload(t.Context(), other); !archive.Is(err, archive.Unavailable) {
		t.Fatalf("a cut line gives %v", err)
	}
	b := open(t, address, nil)
	if sent, err := b.Upload(t.Context(), f); err != nil || sent.Parts != 0 {
		t.Fatalf("%+v %v", sent, err)
	}
	if err := b.Check(t.Context(), f); err != nil {
		t.Error(err)
	}
}

// A file that is not the one that was signed never becomes an object.
func TestChangedFile(t *testing.T) {
	t.Parallel()
	b := open(t, archivetest.Start(t), nil)
	for name, size := range map[string]int{"small": 100, "one-part": partSize, "large": 2*partSize + 5} {
		f := file(t, name, size)
		data, err := os.ReadFile(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		data[size-1] ^= 1
		if err := os.WriteFile(f.Path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Upload(t.Context(), f); !archive.Is(err, archive.Changed) {
			t.Errorf("%s: %v", name, err)
		}
		if there, err := b.Has(t.Context(), f); there || err != nil {
			t.Errorf("%s is there: %v", name, err)
		}
	}
	if _, err := b.Upload(t.Context(), file(t, "empty", 0)); !archive.Is(err, archive.Changed) {
		t.Errorf("an empty file: %v", err)
	}
	f := file(t, "gone", 10)
	f.Path += "-not"
	if _, err := b.Upload(t.Context(), f); !archive.Is(err, archive.Unreadable) {
		t.Errorf("a missing file: %v", err)
	}
}

// What keeps an object from being deleted is asked for with it.
func TestKeepUntil(t *testing.T) {
	t.Parallel()
	var mode, until string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			mode, until = r.Header.Get("X-Amz-Object-Lock-Mode"), r.Header.Get("X-Amz-Object-Lock-Retain-Until-Date")
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	f := file(t, "kept", 10)
	f.KeepUntil = time.Date(2029, 1, 2, 3, 4, 5, 0, time.UTC)
	_, err := open(t, server.URL, nil).Upload(t.Context(), f)
	if !archive.Is(err, archive.Denied) || mode != "COMPLIANCE" || !strings.HasPrefix(until, "2029-01-02T03:04:05") {
		t.Errorf("mode %q until %q (%v)", mode, until, err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	answer := func(status int) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(server.Close)
		return server.URL
	}
	f := file(t, "f", 10)
	for status, want := range map[int]archive.Reason{403: archive.Denied, 400: archive.Denied, 501: archive.Unavailable} {
		if _, err := open(t, answer(status), nil).Upload(t.Context(), f); !archive.Is(err, want) {
			t.Errorf("status %d gives %v", status, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(t, answer(403), nil).Upload(ctx, f); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	good := archive.Config{Address: "https://s3.example.jp", Bucket: "b"}
	for name, change := range map[string]func(*archive.Config){
		"no address": func(c *archive.Config) { c.Address = "" },
		"a path":     func(c *archive.Config) { c.Address += "/x" },
		"no bucket":  func(c *archive.Config) { c.Bucket = "" },
		"prefix":     func(c *archive.Config) { c.Prefix = "site" },
		"part size":  func(c *archive.Config) { c.PartSize = 100 },
	} {
		c := good
		change(&c)
		if _, err := archive.Open(c); !archive.Is(err, archive.BadConfig) {
			t.Errorf("%s gives %v", name, err)
		}
	}
	if _, err := archive.Open(good); err != nil {
		t.Error(err)
	}
}

// ending notes what the request that ends an upload in parts asks for.
type ending struct{ unless atomic.Value }

func (e *ending) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost && r.URL.Query().Has("uploadId") {
		e.unless.Store(r.Header.Get("If-None-Match"))
	}
	return http.DefaultTransport.RoundTrip(r)
}

// An object that somebody else put there while the parts were on their way is not overwritten, where the storage knows how.
func TestPartsDoNotOverwrite(t *testing.T) {
	t.Parallel()
	e := &ending{}
	if _, err := open(t, archivetest.Start(t), e).Upload(t.Context(), file(t, "parts", 2*partSize+1)); err != nil {
		t.Fatal(err)
	}
	if got := e.unless.Load(); got != "*" {
		t.Errorf("If-None-Match is %v", got)
	}
}
