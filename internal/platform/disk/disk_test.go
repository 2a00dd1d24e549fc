package disk_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/disk"
)

func TestLow(t *testing.T) {
	t.Parallel()
	now, free, err := time.Unix(1_800_000_000, 0), uint64(1000), error(nil)
	w := &disk.Watch{Floor: 500, Now: func() time.Time { return now }, Free: func(string) (uint64, error) { return free, err }}
	check := func(what string, want bool) {
		t.Helper()
		if w.Low() != want {
			t.Errorf("%s: low is %t", what, !want)
		}
	}
	check("room", false)
	free = 499
	check("below the floor", true)
	free = 500
	check("at the floor", false)
	w.Full()
	check("an act found it full", true)
	now = now.Add(10 * time.Second)
	check("later", false)
	free, err = 0, errors.New("not told")
	check("a system that does not tell", false)
	if _, ok := w.Left(); ok {
		t.Error("the room is known though the system did not tell")
	}
}

func TestFree(t *testing.T) {
	t.Parallel()
	if n, err := disk.Free(t.TempDir()); err != nil || n == 0 {
		t.Errorf("%d bytes, %v", n, err)
	}
	if _, err := disk.Free("/no/such/folder"); err == nil {
		t.Error("a folder that is not there has room")
	}
}
