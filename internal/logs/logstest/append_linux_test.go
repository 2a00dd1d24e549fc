package logstest_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/logstest/corpus"
)

// appendedEvents are 32 segments, made two at once.
const (
	appendedEvents = 16 * appendedAtOnce
	appendedAtOnce = 131072
)

// appended makes the corpus and gives it piece by piece, two segments in batches; what take does is measured, the
// making is not. The time of the process is what take used of it.
func appended(b *testing.B, take func(batches [][]event.Record)) (used time.Duration) {
	b.Helper()
	var batches [][]event.Record
	for batch := range corpus.Batches(corpus.Config{Events: appendedEvents}, 1024) {
		for i := range batch {
			batch[i].Received = batch[len(batch)-1].Received // what comes together has one time of receipt
		}
		if batches = append(batches, batch); len(batches)*1024 < appendedAtOnce {
			continue
		}
		began := processTime(b)
		take(batches)
		used += processTime(b) - began
		batches = nil
	}
	return used
}

func perMillion(d time.Duration) float64 { return d.Seconds() / appendedEvents * 1e6 }

// BenchmarkAppend appends two million lines, at full speed until they are sealed with their sidecars, and tells the
// processor time for a million. floor is packing the messages alone, block by block, in the same minutes. victoria is what
// VictoriaLogs needs for the same lines until its parts are merged: it reads JSON that came by HTTP, which the lake does
// not, and it keeps all fields; our side of the connection does not count. The ratios are those of the lines and of all
// that stands on disk.
func BenchmarkAppend(b *testing.B) {
	run := func(name string, appendAll func(b *testing.B, dir string) (raw int64)) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				dir := b.TempDir()
				raw := appendAll(b, dir)
				b.ReportMetric(float64(raw)/float64(sizeOf(b, dir)), "ratio")
			}
		})
	}
	run("lake", appendToLake)
	run("victoria", appendToVictoria)
}

func appendToLake(b *testing.B, dir string) (raw int64) {
	b.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(50)) // as the commands do that write the lake
	l := openLake(b, dir, monthEnd)
	floor := newFloor(b)
	floored := time.Duration(0)
	used := appended(b, func(batches [][]event.Record) {
		began := processTime(b)
		raw += floor.pack(batches)
		floored += processTime(b) - began
		var wait sync.WaitGroup
		for w := range 4 { // as four receivers do at the same time
			wait.Go(func() {
				for i := w; i < len(batches); i += 4 {
					if _, err := l.Append(context.Background(), batches[i]); err != nil {
						b.Error(err)
					}
					batches[i] = nil // who sent lines does not keep them
				}
			})
		}
		wait.Wait()
		if err := l.Flush(context.Background()); err != nil {
			b.Fatal(err)
		}
	})
	if s := l.Stats(); s.SealedRows != appendedEvents || s.HotRows != 0 {
		b.Fatalf("%d of %d lines, %d not sealed", s.SealedRows, appendedEvents, s.HotRows)
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(perMillion(used-floored), "cpu-s/Mev")
	b.ReportMetric(perMillion(floored), "floor-cpu-s/Mev")
	return raw
}

func appendToVictoria(b *testing.B, dir string) (raw int64) {
	b.Helper()
	p := startNode(b, dir)
	seqs := map[string]uint64{}
	appended(b, func(batches [][]event.Record) {
		for _, batch := range batches {
			p.insert(b, batch, seqs)
			for i := range batch {
				raw += int64(len(batch[i].Raw))
			}
		}
	})
	if err := p.client.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	p.settle(b, appendedEvents)
	b.ReportMetric(perMillion(timeOf(b, p.node.Pid())), "cpu-s/Mev")
	p.node.Stop(b)
	return raw
}

// floor packs messages as the lake must.
type floor struct {
	encoder     *zstd.Encoder
	block, out  []byte
	bySource    map[string][][]byte
	sourceNames []string
}

func newFloor(b *testing.B) *floor {
	b.Helper()
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		b.Fatal(err)
	}
	return &floor{encoder: encoder, bySource: map[string][][]byte{}, sourceNames: corpus.Sources}
}

// pack packs the messages of a segment, sorted by source, in blocks.
func (f *floor) pack(batches [][]event.Record) (raw int64) {
	for _, batch := range batches {
		for i := range batch {
			r := &batch[i]
			raw += int64(len(r.Raw))
			f.bySource[r.Source] = append(f.bySource[r.Source], r.Raw)
		}
	}
	rows := 0
	for _, name := range f.sourceNames {
		for _, message := range f.bySource[name] {
			f.block = append(f.block, message...)
			if rows++; rows%table.BlockRows == 0 {
				f.out = f.encoder.EncodeAll(f.block, f.out[:0])
				f.block = f.block[:0]
			}
		}
		clear(f.bySource[name])
		f.bySource[name] = f.bySource[name][:0]
	}
	return raw
}

// timeOf is the processor time of another process.
func timeOf(b *testing.B, pid int) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // the name in parentheses may have spaces
	ticks := 0
	for _, field := range fields[11:13] { // utime and stime, hundredths of a second, proc_pid_stat(5)
		n, err := strconv.Atoi(string(field))
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// sizeOf is the length of all files below a folder together.
func sizeOf(b *testing.B, dir string) (size int64) {
	b.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return size
}
