package lake_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/logstest/corpus"
)

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// timed measures from the write of a frame to the end of its sync.
type timed struct {
	disk.OS
	mu    sync.Mutex
	times []time.Duration
}

type timedFile struct {
	disk.File
	t     *timed
	began time.Time
}

func (t *timed) Create(name string) (disk.File, error) {
	f, err := t.OS.Create(name)
	if err != nil || !strings.HasSuffix(name, ".wal") {
		return f, err
	}
	return &timedFile{File: f, t: t}, nil
}

func (f *timedFile) Write(p []byte) (int, error) {
	if f.began.IsZero() {
		f.began = time.Now()
	}
	return f.File.Write(p)
}

func (f *timedFile) Sync() error {
	err := f.File.Sync()
	f.t.mu.Lock()
	defer f.t.mu.Unlock()
	f.t.times = append(f.t.times, time.Since(f.began))
	f.began = time.Time{}
	return err
}

// BenchmarkSize tells how much smaller than its lines a sealed lake is, with footers and sidecars, before and after its days
// are merged: two million lines of the corpus, and real lines that others collected, over and over.
func BenchmarkSize(b *testing.B) {
	b.Run("corpus", func(b *testing.B) { size(b, corpus.Batches(corpus.Config{Events: 2_000_000}, 20_000)) })
	b.Run("loghub", func(b *testing.B) { size(b, loghub(b, 200_000)) })
}

func size(b *testing.B, batches iter.Seq[[]event.Record]) {
	b.Helper()
	for b.Loop() {
		c := newClock()
		l, err := lake.Open(b.TempDir(), lake.Config{Clock: c.Now})
		if err != nil {
			b.Fatal(err)
		}
		raw, rows := 0, 0
		for batch := range batches {
			rows += len(batch)
			for i := range batch {
				raw += len(batch[i].Raw)
				batch[i].Received = time.Time{}
			}
			if _, err := l.Append(context.Background(), batch); err != nil {
				b.Fatal(err)
			}
		}
		if err := l.Flush(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(raw)/float64(l.Stats().DiskBytes), "ratio")
		began := cpu(b)
		c.add(24 * time.Hour)
		if err := l.Tidy(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric((cpu(b)-began).Seconds()/float64(rows)*1e6, "merge-cpu-s/Mev")
		b.ReportMetric(float64(raw)/float64(l.Stats().DiskBytes), "merged-ratio")
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// loghub gives real lines of KIZUKI_TESTDATA as records of one source each second, without columns but the source.
func loghub(b *testing.B, events int) iter.Seq[[]event.Record] {
	b.Helper()
	names, err := filepath.Glob(filepath.Join(os.Getenv("KIZUKI_TESTDATA"), "loghub", "*.log"))
	if err != nil || len(names) == 0 {
		b.Skip("KIZUKI_TESTDATA names no folder with loghub")
	}
	var lines [][]byte
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		lines = append(lines, bytes.Split(bytes.TrimSpace(text), []byte("\n"))...)
	}
	return func(yield func([]event.Record) bool) {
		at := newClock().Now()
		for from := 0; from < events; from += 1000 {
			batch := make([]event.Record, 1000)
			for i := range batch {
				at = at.Add(time.Second)
				batch[i] = event.Record{Source: "syslog", Format: event.Raw, Time: at, Raw: lines[(from+i)%len(lines)]}
			}
			if !yield(batch) {
				return
			}
		}
	}
}

// resident is what the process holds in memory, and the most it held since the last call, bytes.
func resident(b *testing.B) (now, most float64) {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		var kib float64
		if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kib); n == 1 {
			most = 1024 * kib
		}
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kib); n == 1 {
			now = 1024 * kib
		}
	}
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Fatal(err)
	}
	return now, most
}

// BenchmarkCommitDuringSeals appends 5,000 records a second, as ten receivers do that each wait for their own batch, and
// tells how long the log took from the write of a frame to the end of its sync while segments were sealed, and the memory
// of the process, the generator's part included. idle-MB is taken when all is sealed and nothing comes any more.
func BenchmarkCommitDuringSeals(b *testing.B) {
	const rate, seconds = 5000, 55
	for b.Loop() {
		fsys := &timed{}
		defer debug.SetGCPercent(debug.SetGCPercent(50)) // as the commands do that write the lake
		l, err := lake.Open(b.TempDir(), lake.Config{Clock: newClock().Now, FS: fsys})
		if err != nil {
			b.Fatal(err)
		}
		began, start := cpu(b), time.Now()
		resident(b)
		pace(b, l, rate, seconds)
		if late := time.Since(start) - seconds*time.Second; late > 2*time.Second {
			b.Fatalf("%v late: these are not %d records a second", late, rate)
		}
		b.ReportMetric((cpu(b)-began).Seconds()/(rate*seconds)*1e6, "cpu-s/Mev")
		_, most := resident(b)
		b.ReportMetric(most/1e6, "mem-MB")
		if err := l.Flush(context.Background()); err != nil {
			b.Fatal(err)
		}
		<-time.After(11 * time.Second) // what is kept for the next segments is given back when none was sealed for ten
		debug.FreeOSMemory()           // as the runtime does by itself over some minutes: pools are empty after two collections
		debug.FreeOSMemory()
		idle, _ := resident(b)
		b.ReportMetric(idle/1e6, "idle-MB")
		slices.Sort(fsys.times)
		ms := func(q float64) float64 {
			return float64(fsys.times[int(q*float64(len(fsys.times)-1))]) / float64(time.Millisecond)
		}
		b.ReportMetric(ms(0.5), "p50-ms")
		b.ReportMetric(ms(0.99), "p99-ms")
		b.ReportMetric(ms(1), "max-ms")
		b.ReportMetric(float64(l.Stats().Sealed), "sealed")
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// pace appends ten batches a second, each in a goroutine of its own.
func pace(b *testing.B, l *lake.Lake, rate, seconds int) {
	b.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var wait sync.WaitGroup
	for batch := range corpus.Batches(corpus.Config{Events: rate * seconds}, rate/10) {
		<-tick.C
		wait.Go(func() {
			if _, err := l.Append(context.Background(), batch); err != nil {
				b.Error(err)
			}
		})
	}
	wait.Wait()
}
