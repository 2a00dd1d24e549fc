package lake_test

import (
	"context"
	"runtime"
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

// benchEvents are four segments.
const benchEvents = 4 * 65536

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchBatches(events, size int) (batches [][]event.Record, raw int64) {
	for batch := range corpus.Batches(corpus.Config{Events: events}, size) {
		for i := range batch {
			raw += int64(len(batch[i].Raw))
			batch[i].Received = time.Time{} // the lake stamps what comes together with one moment, as when lines are collected
		}
		batches = append(batches, batch)
	}
	return batches, raw
}

// BenchmarkSeal appends at full speed until everything is sealed, with sidecars, and then merges the day.
func BenchmarkSeal(b *testing.B) {
	batches, raw := benchBatches(benchEvents, 1000)
	runtime.GC()
	b.ResetTimer()
	for b.Loop() {
		c := newClock()
		l, err := lake.Open(b.TempDir(), lake.Config{Clock: c.Now})
		if err != nil {
			b.Fatal(err)
		}
		began, wall := cpu(b), time.Now()
		var wait sync.WaitGroup
		for w := range 4 {
			wait.Go(func() {
				for i := w; i < len(batches); i += 4 {
					if _, err := l.Append(context.Background(), batches[i]); err != nil {
						b.Error(err)
					}
				}
			})
		}
		wait.Wait()
		if err := l.Flush(context.Background()); err != nil {
			b.Fatal(err)
		}
		sealed, took := cpu(b)-began, time.Since(wall)
		s := l.Stats()
		b.ReportMetric(sealed.Seconds()/benchEvents*1e6, "cpu-s/Mev")
		b.ReportMetric(benchEvents/took.Seconds(), "ev/s")
		b.ReportMetric(float64(raw)/float64(s.DiskBytes), "ratio")
		began = cpu(b)
		c.add(24 * time.Hour)
		if err := l.Tidy(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric((cpu(b)-began).Seconds()/benchEvents*1e6, "merge-cpu-s/Mev")
		b.ReportMetric(float64(raw)/float64(l.Stats().DiskBytes), "merged-ratio")
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
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

// BenchmarkCommitDuringSeals appends 5,000 records a second and tells how long the log took while segments were sealed.
func BenchmarkCommitDuringSeals(b *testing.B) {
	const rate, seconds = 5000, 60
	for b.Loop() {
		fsys := &timed{}
		l, err := lake.Open(b.TempDir(), lake.Config{Clock: newClock().Now, FS: fsys})
		if err != nil {
			b.Fatal(err)
		}
		began, heap := cpu(b), uint64(0)
		tick := time.NewTicker(100 * time.Millisecond)
		for batch := range corpus.Batches(corpus.Config{Events: rate * seconds}, rate/10) {
			<-tick.C
			if _, err := l.Append(context.Background(), batch); err != nil {
				b.Fatal(err)
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			heap = max(heap, m.Sys-m.HeapReleased)
		}
		tick.Stop()
		b.ReportMetric((cpu(b)-began).Seconds()/(rate*seconds)*1e6, "cpu-s/Mev")
		if err := l.Flush(context.Background()); err != nil {
			b.Fatal(err)
		}
		slices.Sort(fsys.times)
		ms := func(q float64) float64 {
			return float64(fsys.times[int(q*float64(len(fsys.times)-1))]) / float64(time.Millisecond)
		}
		b.ReportMetric(ms(0.5), "p50-ms")
		b.ReportMetric(ms(0.99), "p99-ms")
		b.ReportMetric(ms(1), "max-ms")
		b.ReportMetric(float64(heap)/1e6, "mem-MB")
		b.ReportMetric(float64(l.Stats().Sealed), "sealed")
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
