package app_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// TestFullDisk fills a real small disk while an import runs: the act is undone as a whole, pages still answer,
// and with room again the same act goes through.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=48m"); err != nil {
		t.Skipf("a small disk needs the right to mount one: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	var later atomic.Int64
	clock := fixed()
	now := func() time.Time { return clock().Add(time.Duration(later.Load())) }
	a, err := app.Open(t.Context(), app.Config{Dir: filepath.Join(dir, "office"), Now: now, Log: app.DiscardLog()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	setUp(t, a)
	cookie := signIn(t, a, "keeper", password)
	before := logical(t, a, "people_", "fact", "assessment_")

	filler := filepath.Join(dir, "filler")
	fill(t, filler, 500<<10) // leaves less than the import needs
	var list bytes.Buffer
	list.WriteString("社員番号,氏名,区分,入社日\n")
	for i := range 1500 {
		fmt.Fprintf(&list, "F-%04d,満杯 %d,従業員,2024-04-01\n", i, i)
	}
	_, err = a.Import(app.AsCommand(t.Context()), "people", "staff.csv", list.Bytes(), nil, true, nil)
	if problem.CodeOf(err) != problem.CodeUnavailable {
		t.Errorf("an import on a full disk says %v", err)
	}
	h := a.Router().Handler()
	for _, page := range []string{"/today", "/gaps", "/people"} {
		if w := ask(t, h, http.MethodGet, page, cookie); w.Code != http.StatusOK {
			t.Errorf("%s on a full disk answers %d", page, w.Code)
		}
	}
	if !a.Disk.Low() {
		t.Error("the office does not know that its disk is full")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if got := logical(t, a, "people_", "fact", "assessment_"); got != before {
		t.Error("half of the import stayed")
	}
	checks, err := a.Doctor(app.AsCommand(t.Context()))
	for _, c := range checks {
		if (c.Name == "database" || c.Name == "audit") && !c.OK {
			t.Errorf("after a full disk doctor finds %s broken", c.Name)
		}
	}
	if err != nil {
		t.Error(err)
	}
	later.Store(int64(time.Minute))
	res, err := a.Import(app.AsCommand(t.Context()), "people", "staff.csv", list.Bytes(), nil, true, nil)
	if err != nil || res.Added != 1500 {
		t.Errorf("with room again the import says %v, %+v", err, res)
	}
}

// fill writes a file until only rest bytes are left.
func fill(t *testing.T, name string, rest int64) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err == nil {
		err = errors.Join(f.Truncate(info.Size()-rest), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}
