package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/app"
)

// TestCommandsOnAFullDisk: backup and restore on a real disk without room say so, end with code 1 and leave
// nothing behind.
func TestCommandsOnAFullDisk(t *testing.T) {
	t.Parallel()
	disk, work := t.TempDir(), t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=64k,mode=700"); err != nil {
		t.Skipf("a small disk needs the right to mount one: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	office, pass := filepath.Join(work, "office"), filepath.Join(work, "pass")
	a, err := app.Open(t.Context(), app.Config{Dir: office, Now: time.Now, Log: app.DiscardLog()})
	if err == nil {
		err = a.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pass, []byte("正しい 馬 電池 ホチキス\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) (int, string) {
		var out, errs bytes.Buffer
		code := run(context.Background(), append(args, "--lang", "ja", "--passphrase-file", pass), strings.NewReader(""), &out, &errs)
		return code, errs.String()
	}
	if code, text := command("backup", filepath.Join(disk, "b.kizuki.age"), "--data", office); code != exitFailed || !strings.Contains(text, "空き") {
		t.Errorf("backup: exit code %d, %s", code, text)
	}
	good := filepath.Join(work, "b.kizuki.age")
	if code, text := command("backup", good, "--data", office); code != exitDone {
		t.Fatalf("backup with room: exit code %d, %s", code, text)
	}
	for _, dir := range []string{disk, filepath.Join(disk, "office")} {
		if code, text := command("restore", good, "--data", dir); code != exitFailed || !strings.Contains(text, "空き") {
			t.Errorf("restore: exit code %d, %s", code, text)
		}
	}
	if left, err := os.ReadDir(disk); err != nil || len(left) > 0 {
		t.Errorf("left behind %v, %v", left, err)
	}
}
