package disk

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/windows"
)

// hold opens a file as a virus scanner does: nobody may rename or remove it meanwhile.
func hold(t *testing.T, name string) (letGo func()) {
	t.Helper()
	path, err := windows.UTF16PtrFromString(name)
	if err != nil {
		t.Fatal(err)
	}
	h, err := windows.CreateFile(path, windows.GENERIC_READ, windows.FILE_SHARE_READ, nil, windows.OPEN_EXISTING, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := windows.CloseHandle(h); err != nil {
			t.Error(err)
		}
	}
}

// TestHeldFile: what is refused while somebody holds a file is done once it is let go, and an error when it is not.
func TestHeldFile(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	from, to := filepath.Join(dir, "new"), filepath.Join(dir, "old")
	rename, remove := func() error { return os.Rename(from, to) }, func() error { return os.Remove(to) }
	for name, tt := range map[string]struct {
		held string
		act  func() error
	}{
		"renamed": {from, rename}, "replaced": {to, rename}, "removed": {to, remove},
	} {
		for _, file := range []string{from, to} {
			if err := os.WriteFile(file, []byte(name), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		letGo, tries := hold(t, tt.held), 0
		err := OS{Patience: time.Hour}.retry(func() error {
			tries++
			err := tt.act()
			if tries == 1 {
				letGo()
			}
			return err
		})
		if err != nil || tries != 2 {
			t.Errorf("%s: %d tries, %v", name, tries, err)
		}
	}
	if err := os.WriteFile(from, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	letGo := hold(t, from)
	if err := (OS{Patience: time.Nanosecond}).Rename(from, to); !held(err) {
		t.Errorf("held for good: %v", err)
	}
	letGo()
}
