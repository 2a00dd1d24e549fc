package secret_test

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/kizuki-security/kizuki/internal/platform/secret"
)

func open(t testing.TB, dir string) *secret.Box {
	t.Helper()
	b, err := secret.Open(dir, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSealed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sealed, err := open(t, dir).Seal([]byte("seed"), "account.totp/a")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(sealed, "v1:") || strings.Contains(sealed, "seed") {
		t.Errorf("sealed as %q", sealed)
	}
	again, err := open(t, dir).Seal([]byte("seed"), "account.totp/a")
	if err != nil || again == sealed {
		t.Errorf("the same twice: %q, %v", again, err)
	}
	plain, err := open(t, dir).Open(sealed, "account.totp/a")
	if err != nil || string(plain) != "seed" {
		t.Errorf("opened %q, %v", plain, err)
	}
	changed := []byte(sealed)
	changed[10] ^= 1
	for name, try := range map[string]struct{ sealed, context string }{
		"another row":   {sealed, "account.totp/b"},
		"changed":       {string(changed), "account.totp/a"},
		"cut":           {sealed[:12], "account.totp/a"},
		"empty":         {"", "account.totp/a"},
		"other version": {"v2" + sealed[2:], "account.totp/a"},
	} {
		if plain, err := open(t, dir).Open(try.sealed, try.context); !errors.Is(err, secret.ErrSealed) {
			t.Errorf("%s: opened %q, %v", name, plain, err)
		}
	}
	if _, err := open(t, t.TempDir()).Open(sealed, "account.totp/a"); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("another folder: %v", err)
	}
}

// Opening writes nothing; the key comes with the first secret, for its owner alone, and a copy by hand is narrowed.
func TestKeyFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, secret.KeyFile)
	box := open(t, dir)
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a key before the first secret: %v", err)
	}
	if _, err := box.Seal([]byte("x"), "c"); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for range 2 {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("key file: %v, %v", info.Mode(), err)
		}
		if err := os.Chmod(name, 0o644); err != nil {
			t.Fatal(err)
		}
		open(t, dir)
	}
}

func TestDamagedKey(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "short", strings.Repeat("A", 42), strings.Repeat("%", 43)} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, secret.KeyFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := secret.Open(dir, rand.Reader); !errors.Is(err, secret.ErrKey) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// However many begin at once, one key lies in the folder and all use it.
func TestOneKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wg sync.WaitGroup
	sealed := make([]string, 16)
	for i := range sealed {
		box := open(t, dir)
		wg.Go(func() { sealed[i], _ = box.Seal([]byte("x"), "c") })
	}
	wg.Wait()
	box := open(t, dir)
	for _, s := range sealed {
		if _, err := box.Open(s, "c"); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	box := open(f, dir)
	sealed, err := box.Seal([]byte("seed"), "c")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "v1:", "v1:AAAA", sealed, sealed[:20], "v1:" + strings.Repeat("A", 38)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if plain, err := box.Open(s, "c"); err == nil && s != sealed {
			t.Errorf("%q opened: %q", s, plain)
		}
	})
}
