package lake_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/evidence"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
)

// signing is what evidence is kept with.
func signing(t *testing.T, dir string) proof.Config {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, "plant")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return proof.Config{Dir: dir, Lake: "plant", Signer: signer, Keys: []proof.Verifier{verifier}}
}

// smallDisk mounts a disk of so many KiB.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options+",mode=700"); err != nil {
		t.Skipf("a small disk needs the right to mount one: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes to a disk until it takes no more, but for so many bytes.
func fill(t *testing.T, disk string, free int) (empty func()) {
	t.Helper()
	return fillWith(t, filepath.Join(disk, "ballast"), free)
}

func fillWith(t *testing.T, name string, free int) (empty func()) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	for err == nil {
		var n int
		n, err = f.Write(make([]byte, 1024))
		size += int64(n)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(max(size-int64(free), 0)), f.Close()); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// A disk that is really full, in the middle of appending, of sealing and of merging, also over a start: the lake says so,
// loses nothing that it acknowledged, and goes on when there is room.
func TestRealDiskFull(t *testing.T) {
	t.Parallel()
	disk, c := smallDisk(t, "size=1m"), newClock()
	dir := filepath.Join(disk, "lake")
	config := small(c)
	l := open(t, dir, config)
	again := func() {
		t.Helper()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = open(t, dir, config)
	}
	recs := records(3, 1000, "fw", "web")
	appendAll(t, l, recs[:100])
	empty := fill(t, disk, 8<<10)
	met := appendHard(t, l, recs[100:500], func() {
		if empty == nil {
			return
		}
		if !hasAlarm(l, "append") {
			t.Error("no alarm while the disk is full")
		}
		empty()
		empty = nil
	})
	if met[lake.NoRoom] == 0 || len(met) != 1 {
		t.Errorf("met %v", met)
	}
	appendAll(t, l, recs[500:])
	flush(t, l)
	same(t, "after append", all(t, l), want(recs))

	for round, free := range []int{0, 4 << 10, 12 << 10} {
		more := records(uint64(10+round), 190, "fw", "web")
		appendAll(t, l, more)
		recs = append(recs, more...)
		empty = fill(t, disk, free)
		for tries := 0; !hasAlarm(l, "seal") && tries < 1000; tries++ {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			if err := l.Flush(ctx); err == nil {
				t.Fatalf("a seal with %d bytes went well", free)
			}
			cancel()
		}
		if !hasAlarm(l, "seal") {
			t.Errorf("no alarm: %+v", l.Stats().Alarms)
		}
		same(t, "unsealed", all(t, l), want(recs))
		again()
		same(t, "opened while the disk is full", all(t, l), want(recs))
		more = records(uint64(20+round), 2000, "fw")
		n, err := l.Append(t.Context(), more)
		if !lake.Is(err, lake.NoRoom) {
			t.Errorf("%d acknowledged: %v", n, err)
		}
		recs = append(recs, more[:n]...)
		empty()
		flush(t, l)
		same(t, "sealed", all(t, l), want(recs))
	}

	c.add(24 * time.Hour)
	for _, free := range []int{0, 4 << 10, 16 << 10, 40 << 10} {
		empty = fill(t, disk, free)
		if err := l.Tidy(t.Context()); !errors.Is(err, syscall.ENOSPC) || !hasAlarm(l, "merge") && !hasAlarm(l, "catalogue") {
			t.Errorf("a merge with %d bytes: %v %+v", free, err, l.Stats().Alarms)
		}
		same(t, "unmerged", all(t, l), want(recs))
		again()
		same(t, "opened while the disk is full", all(t, l), want(recs))
		empty()
	}
	if err := l.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	empty = fill(t, disk, 0) // the start has a catalogue to write anew
	again()
	same(t, "merged", all(t, l), want(recs))
	if !hasAlarm(l, "catalogue") {
		t.Errorf("no alarm: %+v", l.Stats().Alarms)
	}
	empty()
	again()
	same(t, "merged, with room", all(t, l), want(recs))
	if s := l.Stats(); len(s.Alarms) != 0 || s.Files != 2 {
		t.Errorf("%+v", s)
	}
}

// Deleting is the way to get room on a disk that is full: it works without a free byte, also after a start, and leaves
// nothing half deleted. Where even the reserve is gone, it says so, and nothing is deleted.
func TestRealDeletionOnFullDisk(t *testing.T) {
	t.Parallel()
	disk, c := smallDisk(t, "size=2m"), newClock()
	dir := filepath.Join(disk, "lake")
	keeper, config := evidence.New(signing(t, filepath.Join(disk, "proof"))), small(c)
	t.Cleanup(func() { _ = keeper.Close() })
	config.Evidence, config.Keep = keeper, func(source string) int { return map[string]int{"fw": 2, "web": 3}[source] }
	l := open(t, dir, config)
	again := func() {
		t.Helper()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = open(t, dir, config)
	}
	days := make([][]event.Record, 5)
	for i := range days {
		days[i] = records(uint64(40+i), 500, "fw", "web")
		appendAll(t, l, days[i])
		flush(t, l)
		c.add(24 * time.Hour)
	}
	left := slices.Concat(days...)
	if err := l.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	right := func(what string) {
		t.Helper()
		same(t, what, all(t, l), want(left))
		for _, source := range []string{"fw", "web"} {
			report, bad, err := keeper.Verify(t.Context(), l, source, nil)
			if err != nil || len(bad) > 0 || !report.Good() {
				t.Errorf("%s, %s: %+v %v %v", what, source, report, bad, err)
			}
		}
	}
	right("before")

	empty := fill(t, disk, 0)
	again()
	if err := l.GiveReserve(); err != nil {
		t.Fatal(err)
	}
	more := fillWith(t, filepath.Join(disk, "more"), 0)
	tombs, err := l.Expire(t.Context(), lake.Deletion{Who: "sato", Why: "満了"})
	if !lake.Is(err, lake.NoRoom) || len(tombs) > 0 {
		t.Errorf("deleted without any room: %d, %v", len(tombs), err)
	}
	right("without any room")
	again()
	right("without any room, opened again")
	more()
	empty()

	again() // takes the reserve
	empty = fill(t, disk, 0)
	again()
	tombs, err = l.Expire(t.Context(), lake.Deletion{Who: "sato", Why: "満了"})
	if err != nil || len(tombs) == 0 {
		t.Fatalf("%d, %v, %+v", len(tombs), err, l.Stats().Alarms)
	}
	gone := 0
	for _, tomb := range tombs {
		gone += tomb.Rows
		for _, name := range tomb.Names {
			if _, err := os.Stat(filepath.Join(dir, "sealed", name)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is still there: %v", name, err)
			}
		}
	}
	before := len(left)
	left = slices.DeleteFunc(left, func(r event.Record) bool {
		return slices.ContainsFunc(tombs, func(tomb lake.Tombstone) bool {
			return tomb.Source == r.Source && slices.ContainsFunc(tomb.Ranges, func(s segment.Range) bool { return s.First <= r.Seq && r.Seq <= s.Last })
		})
	})
	if gone == 0 || before-len(left) != gone || len(left) == 0 {
		t.Errorf("%d of %d records are left, %d deleted", len(left), before, gone)
	}
	right("deleted on a full disk")
	if info, err := os.Stat(filepath.Join(dir, "reserve")); err != nil || info.Size() == 0 {
		t.Errorf("the reserve is not there again: %v", err)
	}
	again()
	right("deleted on a full disk, opened again")
	empty()
	if s := l.Stats(); len(s.Alarms) > 0 {
		t.Errorf("%+v", s.Alarms)
	}
}

// A folder that really cannot be written can still be read, takes nothing, says why, and is left as it is.
func TestRealReadOnlyFolder(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "size=1m")
	dir := filepath.Join(disk, "lake")
	l := open(t, dir, small(newClock()))
	recs := records(6, 400, "fw")
	appendAll(t, l, recs)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	before := sums(t, dir)
	readOnly := func(flag uintptr) {
		t.Helper()
		if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|flag, ""); err != nil {
			t.Fatal(err)
		}
	}
	readOnly(syscall.MS_RDONLY)
	if _, err := lake.Open(filepath.Join(disk, "new"), small(newClock())); !lake.Is(err, lake.Unusable) {
		t.Errorf("a new folder that cannot be written: %v", err)
	}
	if l, err := lake.Open(dir, small(newClock())); err != nil {
		if !lake.Is(err, lake.Unusable) {
			t.Error(err)
		}
	} else {
		same(t, "read only", all(t, l), want(recs))
		if n, err := l.Append(t.Context(), records(7, 10, "fw")); n != 0 || !lake.Is(err, lake.NotWritten) || !hasAlarm(l, "append") {
			t.Errorf("%d acknowledged, %v, %+v", n, err, l.Stats().Alarms)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if after := sums(t, dir); !maps.Equal(before, after) {
		t.Errorf("the lake has other files now: %d, then %d", len(before), len(after))
	}
	readOnly(0)
	l = open(t, dir, small(newClock()))
	flush(t, l)
	same(t, "writable again", all(t, l), want(recs))
}
