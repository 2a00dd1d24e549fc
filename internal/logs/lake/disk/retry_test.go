package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// folder is a folder that is emptied file by file at the end: Wine lacks the call that t.TempDir empties with.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() {
		files, err := os.ReadDir(dir)
		for _, f := range files {
			err = errors.Join(err, os.Remove(filepath.Join(dir, f.Name())))
		}
		if err := errors.Join(err, os.Remove(dir)); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestRetryOnlyWhatPasses: what is wrong for good is not tried again.
func TestRetryOnlyWhatPasses(t *testing.T) {
	t.Parallel()
	dir, tries := folder(t), 0
	err := OS{Patience: time.Hour}.retry(func() error {
		tries++
		return os.Rename(filepath.Join(dir, "none"), filepath.Join(dir, "new"))
	})
	if !errors.Is(err, fs.ErrNotExist) || tries != 1 {
		t.Errorf("%d tries, %v", tries, err)
	}
	if err := (OS{}).Remove(filepath.Join(dir, "none")); err != nil {
		t.Errorf("removing what is not there: %v", err)
	}
}

// TestWriteFile puts a new file in the place of the old one, and leaves the old one and no other where it cannot.
func TestWriteFile(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	name := filepath.Join(dir, "marks")
	for _, text := range []string{"one", "two"} {
		if err := WriteFile(OS{}, name, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadFile(OS{}, name, 10); err != nil || string(got) != text {
			t.Errorf("read %q, %v; want %s", got, err, text)
		}
	}
	if err := WriteFile(refusing{}, name, []byte("three")); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a rename that is refused: %v", err)
	}
	left, err := OS{}.ReadDir(dir)
	if got, readErr := ReadFile(OS{}, name, 10); err != nil || readErr != nil || string(got) != "two" || len(left) != 1 {
		t.Errorf("left %v with %q, %v, %v", left, got, err, readErr)
	}
}

// refusing refuses every rename.
type refusing struct{ OS }

func (refusing) Rename(string, string) error { return fs.ErrPermission }
