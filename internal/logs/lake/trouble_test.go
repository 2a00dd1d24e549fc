package lake_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake"
)

// appendHard appends all records, again and again while the lake refuses, and gives the reasons it met.
func appendHard(t *testing.T, l *lake.Lake, recs []event.Record, between func()) map[lake.Reason]int {
	t.Helper()
	met := map[lake.Reason]int{}
	for done := 0; done < len(recs); {
		n, err := l.Append(t.Context(), recs[done:min(done+40, len(recs))])
		done += n
		if err == nil {
			continue
		}
		var e *lake.Error
		if !errors.As(err, &e) {
			t.Fatalf("an error without a reason: %v", err)
		}
		met[e.Reason]++
		if met[e.Reason] > 10000 {
			t.Fatalf("no way on: %v", err)
		}
		if between != nil {
			between()
		}
	}
	return met
}

func hasAlarm(l *lake.Lake, reason string) bool {
	for _, a := range l.Stats().Alarms {
		if a.Reason == reason {
			return true
		}
	}
	return false
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir, c, f := folder(t), newClock(), newFaults()
	config := small(c)
	config.FS = f
	l := open(t, dir, config)
	recs := records(3, 1000, "fw", "web")
	appendAll(t, l, recs[:100])
	f.setRoom(1000)
	met := appendHard(t, l, recs[100:500], func() {
		if !hasAlarm(l, "append") {
			t.Error("no alarm while the disk is full")
		}
		f.setRoom(20_000)
	})
	if met[lake.NoRoom] == 0 {
		t.Errorf("met %v", met)
	}
	f.setRoom(-1)
	appendAll(t, l, recs[500:])
	flush(t, l)
	same(t, "after append", all(t, l), want(recs))

	more := records(4, 290, "fw", "web")
	appendAll(t, l, more)
	recs = append(recs, more...)
	f.setRoom(5000)
	for tries := 0; !hasAlarm(l, "seal") && tries < 1000; tries++ {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		if err := l.Flush(ctx); err == nil {
			t.Fatal("a seal on a full disk went well")
		}
		cancel()
	}
	if !hasAlarm(l, "seal") {
		t.Errorf("no alarm: %+v", l.Stats().Alarms)
	}
	same(t, "unsealed", all(t, l), want(recs))
	f.setRoom(-1)
	flush(t, l)
	same(t, "sealed", all(t, l), want(recs))

	c.add(24 * time.Hour)
	f.setRoom(9000)
	if err := l.Tidy(t.Context()); err == nil {
		t.Error("a merge on a full disk went well")
	}
	same(t, "unmerged", all(t, l), want(recs))
	f.setRoom(-1)
	if err := l.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "merged", all(t, l), want(recs))
	if s := l.Stats(); len(s.Alarms) != 0 || s.Files != 2 {
		t.Errorf("%+v", s)
	}
}

func TestFaultsEverywhere(t *testing.T) {
	t.Parallel()
	seeds := uint64(3)
	if os.Getenv("KIZUKI_PROVE") != "" {
		seeds = 60
	}
	for seed := range seeds {
		dir, c, f := folder(t), newClock(), newFaults()
		config := small(c)
		config.FS = f
		l := open(t, dir, config)
		recs := records(100+seed, 1500, "fw", "web", "dc")
		f.set(sometimes(seed, 12, "/wal/", "/sealed/", "/merge/", "catalogue"))
		for from := 0; from < len(recs); from += 500 {
			appendHard(t, l, recs[from:from+500], nil)
			c.add(24 * time.Hour)
			for range 20 {
				_ = l.Tidy(t.Context()) // fails now and then
			}
		}
		same(t, "with faults", all(t, l), want(recs))
		f.set(nil)
		if err := l.Close(); err != nil {
			t.Logf("close: %v", err)
		}
		l = open(t, dir, config)
		same(t, "opened again", all(t, l), want(recs))
		flush(t, l)
		if err := l.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
		same(t, "merged", all(t, l), want(recs))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = open(t, dir, config)
		same(t, "opened once more", all(t, l), want(recs))
		for _, a := range l.Stats().Alarms {
			t.Errorf("seed %d: alarm %+v", seed, a)
		}
	}
}

// A log that can neither be synced, nor cut back, nor removed holds records that nobody was told are kept; when they
// come again under the same numbers, a start must not find both.
func TestSpoiltLog(t *testing.T) {
	t.Parallel()
	for _, before := range []int{0, 20} {
		dir, f := folder(t), newFaults()
		config := small(newClock())
		config.FS = f
		l := open(t, dir, config)
		recs := records(40, 120, "fw")
		if before > 0 {
			appendAll(t, l, recs[:before])
		}
		syncs := 0
		f.set(func(op, name string) error {
			if !strings.Contains(name, "/wal/") {
				return nil
			}
			if op == "sync" {
				syncs++
			}
			if op == "sync" && (before > 0 || syncs > 1) || op == "truncate" || op == "remove" { // the first sync is that of the head
				return errFault
			}
			return nil
		})
		if n, err := l.Append(t.Context(), recs[before:60]); n != 0 || !lake.Is(err, lake.NotWritten) {
			t.Fatalf("%d, %v", n, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		n, err := l.Append(ctx, recs[before:60])
		cancel()
		if before == 0 && (n != 0 || !lake.Is(err, lake.Busy)) {
			t.Fatalf("behind a spoilt log: %d, %v", n, err)
		}
		f.set(nil)
		appendAll(t, l, recs[before+n:])
		same(t, "after", all(t, l), want(recs))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = open(t, dir, config)
		same(t, "opened again", all(t, l), want(recs))
	}
}

func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	f := newFaults()
	f.set(readOnly)
	_, err := lake.Open(filepath.Join(folder(t), "lake"), lake.Config{Clock: newClock().Now, FS: f})
	if !lake.Is(err, lake.Unusable) {
		t.Errorf("%v", err)
	}
}

func TestSecondWriter(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	l := open(t, dir, small(newClock()))
	if _, err := lake.Open(dir, small(newClock())); !lake.Is(err, lake.Locked) {
		t.Errorf("%v", err)
	}
	appendAll(t, l, records(1, 10, "fw"))
}

func TestBusy(t *testing.T) {
	t.Parallel()
	dir, f := folder(t), newFaults()
	config := small(newClock())
	config.FS, config.Limits.QueueBytes = f, 3000
	l := open(t, dir, config)
	stuck, entered := make(chan struct{}), make(chan struct{}, 100)
	f.set(func(op, name string) error {
		if op == "sync" && strings.HasSuffix(name, ".wal") {
			entered <- struct{}{}
			<-stuck
		}
		return nil
	})
	recs := records(5, 60, "fw")
	first := make(chan error, 1)
	go func() {
		_, err := l.Append(context.Background(), recs[:10])
		first <- err
	}()
	<-entered // the committer waits for the disk
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if n, err := l.Append(ctx, recs[10:20]); n != 0 || !lake.Is(err, lake.Busy) {
		t.Errorf("%d acknowledged: %v", n, err)
	}
	f.set(nil)
	close(stuck)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	appendAll(t, l, recs[20:])
	kept := slices.Concat(recs[:10], recs[20:])
	same(t, "after", all(t, l), want(kept))
}

func TestOddRecords(t *testing.T) {
	t.Parallel()
	dir, c := folder(t), newClock()
	config := small(c)
	config.Limits.RecordBytes = 4 << 20
	l := open(t, dir, config)
	big := bytes.Repeat([]byte("長い行 \x00\xff"), 100_000)
	recs := []event.Record{
		{Source: "a", Format: event.Raw, Raw: big, Received: c.Now()},
		{Source: "a", Format: event.JSON, Received: c.Now(), Fields: []event.Field{{Name: "ScriptBlockText", Value: string(big)}}, Raw: []byte{}},
		{Source: "a", Format: event.Raw, Raw: []byte("x"), Received: time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)},
		{Source: "a", Format: event.Raw, Raw: []byte("x"), Time: time.Date(2106, 1, 1, 0, 0, 0, 0, time.UTC), Received: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)},
	}
	appendAll(t, l, recs)
	for i := range recs { // a record that tells no time has that of its arrival
		if recs[i].Time.IsZero() {
			recs[i].Time = recs[i].Received
		}
	}
	same(t, "hot", all(t, l), want(recs))
	flush(t, l)
	same(t, "sealed", all(t, l), want(recs))
	for _, bad := range []event.Record{{Source: "A"}, {Source: ""}, {Source: "../x"}, {Source: strings.Repeat("a", 65)}} {
		if _, err := l.Append(t.Context(), []event.Record{bad}); !lake.Is(err, lake.BadSource) {
			t.Errorf("source %q: %v", bad.Source, err)
		}
	}
	if _, err := l.Append(t.Context(), []event.Record{{Source: "a", Raw: make([]byte, 5<<20)}}); !lake.Is(err, lake.TooLarge) {
		t.Errorf("%v", err)
	}
}

func TestClockJumps(t *testing.T) {
	t.Parallel()
	dir, c := folder(t), newClock()
	config := small(c)
	config.Keep = func(string) int { return 30 }
	l := open(t, dir, config)
	var recs []event.Record
	for i, jump := range []time.Duration{0, 48 * time.Hour, -72 * time.Hour, 24 * time.Hour, -time.Hour, 200 * 24 * time.Hour, -200 * 24 * time.Hour} {
		c.add(jump)
		part := records(uint64(20+i), 200, "fw", "web")
		appendAll(t, l, part)
		recs = append(recs, part...)
		if err := l.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
		same(t, "after a jump", all(t, l), want(recs))
	}
	flush(t, l)
	c.add(-400 * 24 * time.Hour)
	if tombs, err := l.Expire(t.Context(), lake.Deletion{}); err != nil || len(tombs) != 0 {
		t.Errorf("%v %v", tombs, err)
	}
	c.add(3000 * 24 * time.Hour)
	if err := l.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Expire(t.Context(), lake.Deletion{}); !lake.Is(err, lake.ClockJumped) {
		t.Errorf("%v", err)
	}
	same(t, "refused", all(t, l), want(recs))
	tombs, err := l.Expire(t.Context(), lake.Deletion{Sure: true, Who: "山田", Why: "保存期間の終わり"})
	if err != nil || len(all(t, l)) != 0 {
		t.Errorf("%v", err)
	}
	rows := 0
	for _, tomb := range tombs {
		rows += tomb.Rows
	}
	if rows != len(recs) {
		t.Errorf("tombstones of %d records for %d", rows, len(recs))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, config)
	if n := len(all(t, l)); n != 0 || l.Last("fw") != lastOf(recs)["fw"] || len(l.Tombstones()) != len(tombs) {
		t.Errorf("%d records, last %d", n, l.Last("fw"))
	}
	if left, err := filepath.Glob(filepath.Join(dir, "sealed", "*", "*")); err != nil || len(left) != 0 {
		t.Errorf("left: %v %v", left, err)
	}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	dir, c := folder(t), newClock()
	config := small(c)
	config.Keep = func(source string) int { return map[string]int{"fw": 10, "web": 40}[source] }
	l := open(t, dir, config)
	recs := records(30, 400, "fw", "web", "dc")
	appendAll(t, l, recs)
	if err := l.Hold(lake.Hold{Name: "case-7", Source: "fw", Who: "佐藤", Why: "調査中"}); err != nil {
		t.Fatal(err)
	}
	expire := func(left ...string) {
		t.Helper()
		flush(t, l)
		if err := l.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Expire(t.Context(), lake.Deletion{Sure: true}); err != nil {
			t.Fatal(err)
		}
		var kept []event.Record
		for _, r := range recs {
			for _, source := range left {
				if r.Source == source {
					kept = append(kept, r)
				}
			}
		}
		same(t, strings.Join(left, " "), all(t, l), want(kept))
	}
	c.add(20 * 24 * time.Hour)
	expire("fw", "web", "dc")
	c.add(30 * 24 * time.Hour)
	expire("fw", "dc")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, config)
	expire("fw", "dc")
	if err := l.Release("case-8"); !lake.Is(err, lake.Unknown) {
		t.Errorf("%v", err)
	}
	if err := l.Release("case-7"); err != nil {
		t.Fatal(err)
	}
	expire("dc")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "holds.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, config)
	config.Keep = nil
	if h := l.Holds(); len(h) != 1 || h[0].Source != "" || !hasAlarm(l, "holds") {
		t.Errorf("holds that cannot be read hold nothing: %+v", h)
	}
}

func TestLookKeepsFiles(t *testing.T) {
	t.Parallel()
	dir, c := folder(t), newClock()
	config := small(c)
	config.Keep = func(string) int { return 1 }
	l := open(t, dir, config)
	recs := records(31, 1000, "fw", "web")
	appendAll(t, l, recs)
	flush(t, l)
	look, err := l.Blocks(t.Context(), -1<<62, 1<<62, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.add(48 * time.Hour)
	if err := l.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "merged", all(t, l), want(recs))
	// What was merged is not deleted while the files before it are still there: a start would find those again.
	if tombs, err := l.Expire(t.Context(), lake.Deletion{}); err != nil || len(tombs) != 0 {
		t.Fatalf("%v %v", tombs, err)
	}
	rows := 0
	for i := range look.Len() {
		part, err := readBlock(look, i)
		if err != nil {
			t.Fatal(err)
		}
		rows += len(part)
	}
	if rows != len(recs) {
		t.Errorf("the look sees %d of %d", rows, len(recs))
	}
	if err := look.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tombs, err := l.Expire(t.Context(), lake.Deletion{}); err != nil || len(tombs) != 2 || len(all(t, l)) != 0 {
		t.Fatalf("%v %v", tombs, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "sealed", "*", "*")); err != nil || len(left) != 0 {
		t.Errorf("left: %v %v", left, err)
	}
}

func TestDiskBudget(t *testing.T) {
	t.Parallel()
	config := small(newClock())
	config.Limits.DiskBytes = 40_000
	l := open(t, folder(t), config)
	var kept []event.Record
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		part := records(uint64(i), 40, "fw")
		if _, err = l.Append(t.Context(), part); err == nil {
			kept = append(kept, part...)
		}
	}
	if !lake.Is(err, lake.NoRoom) || l.Stats().Budget != lake.Full {
		t.Fatalf("%v %v", err, l.Stats().Budget)
	}
	same(t, "full", all(t, l), want(kept))
}
