package lake_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
)

func openReader(t *testing.T, dir string, config lake.Config) *lake.Reader {
	t.Helper()
	r, err := lake.OpenReader(dir, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r
}

// worker is a process that appends, seals, merges and deletes until it is stopped.
type worker struct {
	mu    sync.Mutex
	more  *sync.Cond // an acknowledgement came, or the worker ended
	ended bool
	acked map[string]uint64
	said  string // what it said that is no acknowledgement
	acks  int
	pace  io.Writer
}

// allow lets it append n times more.
func (w *worker) allow(n int) error {
	_, err := io.WriteString(w.pace, strings.Repeat("go\n", n))
	return err
}

// state is what was acknowledged, not before so many appends were.
func (w *worker) state(least int) (acked map[string]uint64, acks int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.acks < least && !w.ended {
		w.more.Wait()
	}
	return maps.Clone(w.acked), w.acks
}

func startWorker(t *testing.T, dir string) *worker {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=7,paced,0,%s", childEnv, dir))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w := &worker{acked: map[string]uint64{}, pace: in}
	w.more = sync.NewCond(&w.mu)
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			f := strings.Fields(lines.Text())
			w.mu.Lock()
			if len(f) == 3 && f[0] == "ack" {
				w.acked[f[1]], _ = strconv.ParseUint(f[2], 10, 64)
				w.acks++
			} else {
				w.said = lines.Text()
			}
			w.more.Broadcast()
			w.mu.Unlock()
		}
		w.mu.Lock()
		w.ended = true
		w.more.Broadcast()
		w.mu.Unlock()
	}()
	t.Cleanup(func() {
		cancel()
		<-read
		_ = cmd.Wait() // it was killed
		if w.said != "" {
			t.Errorf("the worker said %q", w.said)
		}
	})
	return w
}

// sees compares what a reader gives with what was acknowledged before, and counts the records.
func sees(r *lake.Reader, acked map[string]uint64) (int, error) {
	deleted := map[string]map[uint64]bool{}
	recs, err := readAll(r)
	if err != nil {
		return 0, err
	}
	for _, tomb := range r.Tombstones() {
		if deleted[tomb.Source] == nil {
			deleted[tomb.Source] = map[uint64]bool{}
		}
		for _, run := range tomb.Ranges {
			for seq := run.First; seq <= run.Last; seq++ {
				deleted[tomb.Source][seq] = true
			}
		}
	}
	seen := map[string]map[uint64]bool{}
	for i := range recs {
		rec := &recs[i]
		if seen[rec.Source] == nil {
			seen[rec.Source] = map[uint64]bool{}
		}
		switch want := killRecord(rec.Source, rec.Seq); {
		case seen[rec.Source][rec.Seq]:
			return 0, fmt.Errorf("%s %d is there twice", rec.Source, rec.Seq)
		case deleted[rec.Source][rec.Seq]:
			return 0, fmt.Errorf("%s %d is there, with a tombstone", rec.Source, rec.Seq)
		case !bytes.Equal(rec.Raw, want.Raw) || rec.Host != want.Host:
			return 0, fmt.Errorf("%s %d is %q", rec.Source, rec.Seq, rec.Raw)
		}
		seen[rec.Source][rec.Seq] = true
	}
	for source, last := range acked {
		for seq := uint64(1); seq <= last; seq++ {
			if !seen[source][seq] && !deleted[source][seq] {
				return 0, fmt.Errorf("%s %d of %d is missing", source, seq, last)
			}
		}
		if r.Last(source) < last {
			return 0, fmt.Errorf("the newest of %s is %d, acknowledged was %d", source, r.Last(source), last)
		}
	}
	return len(recs), nil
}

// A process appends, seals, merges and deletes while this one reads: whatever was acknowledged before a look is seen
// once, nothing is an error, and the process is not hindered.
func TestReaderBesideAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	if err := os.MkdirAll(filepath.Join(dir, "wal"), 0o700); err != nil {
		t.Fatal(err)
	}
	enough := 25
	if os.Getenv("KIZUKI_PROVE") != "" {
		if enough = 3000; runtime.GOOS == "windows" {
			enough = 100 // each look opens all files of a lake that grows; under Wine 300 take 17 minutes
		}
	}
	w := startWorker(t, dir)
	c := newClock()
	var wait sync.WaitGroup
	var mu sync.Mutex
	deleted, merged, most := 0, 0, 0
	for reader := range 2 { // one stays open, one is opened for each look
		wait.Go(func() {
			var r *lake.Reader
			var err error
			for look := 0; look < enough && err == nil; look++ {
				if err = w.allow(6); err != nil {
					break
				}
				acked, _ := w.state(4 * look)
				if r == nil {
					r, err = lake.OpenReader(dir, small(c))
				} else {
					err = r.Refresh()
				}
				if err != nil {
					break
				}
				n, e := sees(r, acked)
				s := r.Stats()
				mu.Lock()
				deleted, most = max(deleted, len(r.Tombstones())), max(most, n)
				for _, f := range r.Files() {
					merged += min(f.Level, 1)
				}
				mu.Unlock()
				if err = e; err == nil && len(s.Alarms) > 0 {
					err = fmt.Errorf("alarms: %+v", s.Alarms)
				}
				if reader == 1 {
					err = errors2(err, r.Close())
					r = nil
				}
			}
			if r != nil {
				err = errors2(err, r.Close())
			}
			if err != nil {
				t.Errorf("reader %d: %v", reader, err)
			}
		})
	}
	wait.Wait()
	_, acks := w.state(0)
	t.Logf("%d looks, %d appends beside them, %d tombstones, %d merged files met, %d records at most", 2*enough, acks, deleted, merged, most)
	if acks < 20 || deleted == 0 || merged == 0 {
		t.Errorf("%d appends, %d tombstones, %d merged files: there was little to read past", acks, deleted, merged)
	}
}

func errors2(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// tree lists a folder with sizes and times of its files.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		out[path] = fmt.Sprint(info.Size(), info.ModTime().UnixNano())
		if d.IsDir() {
			out[path] = "dir"
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// still is the folder when nothing changes any more: Wine says that a process is dead while its last write is on the way.
func still(t *testing.T, dir string) map[string]string {
	t.Helper()
	before := tree(t, dir)
	for runtime.GOOS == "windows" {
		<-time.After(300 * time.Millisecond)
		now := tree(t, dir)
		if cmp.Equal(before, now) {
			break
		}
		before = now
	}
	return before
}

// A reader sees what a stop left behind as a start would, and leaves it as it is: a torn log, unfinished files, a merge
// that is half carried out.
func TestReaderAfterStops(t *testing.T) {
	t.Parallel()
	for _, phase := range []string{"append", "seal", "merge", "delete"} {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			acked := map[string]uint64{}
			for round := range 2 {
				maps.Copy(acked, killOnce(t, dir, phase, uint64(round), 7+12*round))
				before := still(t, dir)
				r := openReader(t, dir, small(newClock()))
				if n, err := sees(r, acked); err != nil || n == 0 {
					t.Fatalf("round %d: %d records, %v", round, n, err)
				}
				if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
					t.Fatalf("round %d: the reader changed the folder:\n%s", round, diff)
				}
				want := all(t, r)
				l := open(t, dir, small(newClock()))
				if got := all(t, l); !slices.EqualFunc(got, want, func(a, b event.Record) bool {
					return a.Source == b.Source && a.Seq == b.Seq && bytes.Equal(a.Raw, b.Raw)
				}) {
					t.Fatalf("round %d: a start has %d records, the reader %d", round, len(got), len(want))
				}
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A look that was begun gives what there was, although all its files are merged and removed before it is read.
func TestReaderKeepsItsFiles(t *testing.T) {
	t.Parallel()
	dir, c := folder(t), newClock()
	l := open(t, dir, small(c))
	appendAll(t, l, records(1, 1000, "fw", "web"))
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := openReader(t, dir, small(c))
	look, err := r.Blocks(t.Context(), -1<<62, 1<<62, nil)
	if err != nil {
		t.Fatal(err)
	}
	old := r.Files()
	c.add(24 * time.Hour)
	if err := l.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, f := range old {
		// Windows may keep the name until the look is closed.
		if _, err := os.Stat(f.Path); !os.IsNotExist(err) && runtime.GOOS != "windows" {
			t.Errorf("%s is still there: %v", f.Name, err)
		}
	}
	if err := r.Refresh(); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for i := range look.Len() {
		recs, err := readBlock(look, i)
		if err != nil {
			t.Fatal(err)
		}
		rows += len(recs)
	}
	if err := look.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(all(t, r)); rows != 1000 || n != 1000 {
		t.Errorf("%d records before, %d after", rows, n)
	}
	if a, b := l.Stats(), r.Stats(); a.Files != b.Files || a.SealedRows != b.SealedRows || !cmp.Equal(a.Sources, b.Sources) || a.DiskBytes != b.DiskBytes && runtime.GOOS != "windows" {
		t.Errorf("the writer says %+v, the reader %+v", a, b)
	}
	if bad, err := r.Check(t.Context(), nil); err != nil || len(bad) > 0 {
		t.Errorf("check: %v %v", bad, err)
	}
}

// A look at a lake that was not sealed finds the lines in the log; they are given back when the writer takes them back.
func TestReaderFollowsTheLog(t *testing.T) {
	t.Parallel()
	dir, c := folder(t), newClock()
	l := open(t, dir, small(c))
	r := openReader(t, dir, small(c))
	total := 0
	for i := range 20 {
		recs := records(uint64(i), 40, "fw")
		appendAll(t, l, recs)
		total += len(recs)
		if err := r.Refresh(); err != nil {
			t.Fatal(err)
		}
		if n := len(all(t, r)); n != total {
			t.Fatalf("%d records, want %d", n, total)
		}
	}
	// The beginning of a frame at the end of the log is no damage.
	logs, err := filepath.Glob(filepath.Join(dir, "wal", "*.wal"))
	if err != nil || len(logs) == 0 {
		t.Fatal(logs, err)
	}
	data, err := os.ReadFile(logs[len(logs)-1])
	if err != nil {
		t.Fatal(err)
	}
	torn := folder(t)
	if err := os.MkdirAll(filepath.Join(torn, "wal"), 0o700); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(torn, "wal", filepath.Base(logs[len(logs)-1]))
	seen, whole := 0, openReader(t, torn, small(c))
	for cut := 0; cut <= len(data); cut += 37 {
		if err := os.WriteFile(name, data[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := whole.Refresh(); err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if a := whole.Stats().Alarms; len(a) > 0 {
			t.Fatalf("cut at %d: %+v", cut, a)
		}
		n := len(all(t, whole))
		if n < seen {
			t.Fatalf("cut at %d: %d records, before %d", cut, n, seen)
		}
		seen = n
	}
	if err := os.WriteFile(name, data[:len(data)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := whole.Refresh(); err != nil {
		t.Fatal(err)
	}
	if n := len(all(t, whole)); n >= seen || seen == 0 {
		t.Errorf("%d records after half of the log was taken back, before %d", n, seen)
	}
}

// A reader writes nothing, by its file system: a lake is closed to it but for reading.
func TestReaderWritesNothing(t *testing.T) {
	t.Parallel()
	if _, err := lake.OpenReader(filepath.Join(folder(t), "none"), small(newClock())); !lake.Is(err, lake.Unusable) {
		t.Errorf("a folder that is not there: %v", err)
	}
	held := disk.NewHeld(disk.OS{})
	_, create := held.Create("x")
	_, add := held.Append("x")
	for _, err := range []error{create, add, held.Rename("a", "b"), held.Remove("a"), held.MkdirAll("a"), held.SyncDir("a")} {
		if err != disk.ErrReading { //nolint:errorlint // it is that very error
			t.Errorf("got %v", err)
		}
	}
}
