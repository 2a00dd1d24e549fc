//go:build linux

package logstest_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
)

// messagePage is where the column message of a block stands.
type messagePage struct {
	file     *os.File
	from, n  int64
	unpacked int64
}

// messagePages finds the messages of all blocks of a lake.
func messagePages(b *testing.B, dir string) (pages []messagePage) {
	b.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".parquet" {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		b.Cleanup(func() { _ = f.Close() })
		info, err := f.Stat()
		if err != nil {
			return err
		}
		p, err := parquet.OpenFile(f, info.Size(), parquet.SkipPageIndex(true))
		if err != nil {
			return err
		}
		leaf, ok := p.Schema().Lookup("message")
		if !ok {
			return errors.New("no messages")
		}
		for _, g := range p.Metadata().RowGroups {
			m := &g.Columns[leaf.ColumnIndex].MetaData
			pages = append(pages, messagePage{f, m.DataPageOffset, m.TotalCompressedSize, m.TotalUncompressedSize})
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return pages
}

// BenchmarkFloor is what a search through all lines cannot go below in this format: reading and summing the packed lines, and
// then unpacking them, on two goroutines and with nothing else.
func BenchmarkFloor(b *testing.B) {
	segments, merged := speedLakes(b, speedFolder(b))
	for _, dir := range []string{segments, merged} {
		pages := messagePages(b, dir)
		b.Run(filepath.Base(dir)+"/read-and-sum", func(b *testing.B) { timePages(b, pages, false) })
		b.Run(filepath.Base(dir)+"/read-sum-and-unpack", func(b *testing.B) { timePages(b, pages, true) })
	}
}

func timePages(b *testing.B, pages []messagePage, unpack bool) {
	b.Helper()
	var took times
	used := processTime(b)
	for b.Loop() {
		began := time.Now()
		var next, sum atomic.Int64
		var wait sync.WaitGroup
		for range 2 {
			wait.Go(func() {
				d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
				if err != nil {
					b.Error(err)
					return
				}
				defer d.Close()
				var packed, text []byte
				for i := next.Add(1); int(i) <= len(pages); i = next.Add(1) {
					p := &pages[i-1]
					if int64(cap(packed)) < p.n {
						packed = make([]byte, 2*p.n)
					}
					packed = packed[:p.n]
					if _, err := p.file.ReadAt(packed, p.from); err != nil {
						b.Error(err)
						return
					}
					for at := 0; at < len(packed); at += 4096 {
						sum.Add(int64(xxhash.Sum64(packed[at:min(at+4096, len(packed))])))
					}
					if !unpack {
						continue
					}
					frame := bytes.Index(packed, []byte{0x28, 0xB5, 0x2F, 0xFD}) // behind the header of the page
					if frame < 0 {
						b.Error("no frame")
						return
					}
					if int64(cap(text)) < p.unpacked+64 {
						text = make([]byte, 0, 2*p.unpacked+64)
					}
					if text, err = d.DecodeAll(packed[frame:], text[:0]); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wait.Wait()
		took = append(took, time.Since(began))
	}
	b.ReportMetric(float64((processTime(b)-used).Microseconds())/1000/float64(len(took)), "cpu-ms")
	took.report(b, "")
}
