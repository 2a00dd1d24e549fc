package lake_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/logs/logstest/corpus"
	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/search"
)

// twins is a file system with files that are a link to another one, but for a part of their own: copies of a sealed file
// differ in the identity in the footer, and in the footer's sum in the head of the sidecar, and in nothing else.
type twins struct {
	disk.OS
	own string // folder with the parts, under the name of the file: from, then the bytes
}

type twin struct {
	disk.File
	own      disk.File
	from, to int64
}

func (t *twins) Open(name string) (disk.File, error) {
	f, err := t.OS.Open(name)
	if err != nil {
		return nil, err
	}
	own, err := t.OS.Open(filepath.Join(t.own, filepath.Base(name)))
	if err != nil {
		return f, nil //nolint:nilerr // no twin
	}
	var head [8]byte
	info, err := own.Stat()
	if err == nil {
		_, err = own.ReadAt(head[:], 0)
	}
	from := int64(binary.LittleEndian.Uint64(head[:]))
	return &twin{f, own, from, from + info.Size() - 8}, err
}

func (t *twin) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		at, part := off+int64(n), p[n:]
		var m int
		var err error
		switch {
		case at < t.from:
			m, err = t.File.ReadAt(part[:min(int64(len(part)), t.from-at)], at)
		case at < t.to:
			m, err = t.own.ReadAt(part[:min(int64(len(part)), t.to-at)], at-t.from+8)
		default:
			m, err = t.File.ReadAt(part, at)
		}
		if n += m; err != nil {
			return n, err
		}
	}
	return n, nil
}

func (t *twin) Close() error {
	if err := t.own.Close(); err != nil {
		return err
	}
	return t.File.Close()
}

// lend keeps the part of a twin that is its own.
func (t *twins) lend(name string, from int64, data []byte) error {
	return os.WriteFile(filepath.Join(t.own, filepath.Base(name)), append(binary.LittleEndian.AppendUint64(nil, uint64(from)), data...), 0o600)
}

// merged2M makes a lake of two million lines, merged, and gives what its catalogue has. Its identities have six digits, so
// that those of copies have as many.
func merged2M(b *testing.B, dir string, c *clock) *catalogue.State {
	b.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "wal"), 0o700); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "wal", fmt.Sprintf("%016d.wal", 100_000)), nil, 0o600); err != nil {
		b.Fatal(err)
	}
	l, err := lake.Open(dir, lake.Config{Clock: c.Now})
	if err != nil {
		b.Fatal(err)
	}
	for batch := range corpus.Batches(corpus.Config{Events: 2_000_000}, 8192) {
		for i := range batch {
			batch[i].Received = time.Time{}
		}
		if _, err := l.Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	if err := l.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	c.add(24 * time.Hour)
	if err := l.Tidy(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	state, err := catalogue.Load(disk.OS{}, filepath.Join(dir, "catalogue"))
	if err != nil {
		b.Fatal(err)
	}
	return state
}

// copyOf links a sealed file and its sidecar under another identity, and gives the catalogue's entry of the copy.
func copyOf(dir string, t *twins, f *catalogue.File, id uint64) (*catalogue.File, error) {
	path := filepath.Join(dir, "sealed", filepath.FromSlash(f.Name))
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r, err := segment.Open(bytes.NewReader(data), int64(len(data)), nil)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(r.Meta)
	if err != nil {
		return nil, err
	}
	sum := func(text []byte) []byte { return strconv.AppendUint(nil, xxhash.Sum64(text), 16) }
	changed := bytes.Replace(text, fmt.Appendf(nil, `"id":%d,`, f.ID), fmt.Appendf(nil, `"id":%d,`, id), 1)
	end := data[r.Meta.Data:]
	if bytes.Count(end, text) != 1 || bytes.Count(end, sum(text)) != 1 || len(sum(text)) != len(sum(changed)) {
		return nil, nil //nolint:nilnil // not with this identity
	}
	end = bytes.Replace(bytes.Replace(end, text, changed, 1), sum(text), sum(changed), 1)
	e := *f
	e.ID, e.Footer, e.SHA256 = id, xxhash.Sum64(end), ""
	e.Name = strings.Replace(f.Name, fmt.Sprintf("%016d", f.ID), fmt.Sprintf("%016d", id), 1)
	to := filepath.Join(dir, "sealed", filepath.FromSlash(e.Name))
	skips := strings.TrimSuffix(path, ".parquet") + ".skip"
	head, err := sidecarHead(skips, len(f.Blocks))
	if err != nil {
		return nil, err
	}
	binary.LittleEndian.PutUint64(head[24:], e.Footer)
	binary.LittleEndian.PutUint64(head[len(head)-8:], xxhash.Sum64(head[:len(head)-8]))
	toSkips := strings.TrimSuffix(to, ".parquet") + ".skip"
	for _, err := range []error{os.Link(path, to), os.Link(skips, toSkips), t.lend(to, r.Meta.Data, end), t.lend(toSkips, 0, head)} {
		if err != nil {
			return nil, err
		}
	}
	return &e, nil
}

// sidecarHead is what stands before the buckets of a sidecar, see skip.
func sidecarHead(name string, blocks int) ([]byte, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	words := data[36 : 36+4*blocks]
	end := 36 + len(words)
	for group := range slices.Chunk(words, 4*8) {
		most := uint32(0)
		for at := 0; at < len(group); at += 4 {
			most = max(most, binary.LittleEndian.Uint32(group[at:]))
		}
		end += 4 << min(bits.Len32(most/192), 16)
	}
	return data[:end+8], nil
}

// hundredMillion makes a lake of fifty times two million lines: the files are links, and each has its own identity.
func hundredMillion(b *testing.B, dir string) lake.Config {
	b.Helper()
	c := newClock()
	t := &twins{own: filepath.Join(dir, "own")}
	base := filepath.Join(dir, "lake")
	state := merged2M(b, base, c)
	if err := os.MkdirAll(t.own, 0o700); err != nil {
		b.Fatal(err)
	}
	files := slices.Collect(maps.Values(state.Files))
	id := uint64(200_000)
	for _, f := range slices.Clone(files) {
		for copies := 0; copies < 49; id++ {
			e, err := copyOf(base, t, f, id)
			if err != nil {
				b.Fatal(err)
			}
			if e != nil {
				files = append(files, e)
				copies++
			}
		}
	}
	if err := catalogue.Write(t, filepath.Join(base, "catalogue"), files, state.Next); err != nil {
		b.Fatal(err)
	}
	return lake.Config{Clock: c.Now, FS: t}
}

// highest watches the heap until stop is called, which gives the most that was in use, bytes.
func highest() (stop func() uint64) {
	most, done := uint64(0), make(chan struct{})
	var wait sync.WaitGroup
	look := func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
	}
	runtime.GC()
	wait.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				look()
			case <-done:
				return
			}
		}
	})
	return func() uint64 {
		close(done)
		wait.Wait()
		look()
		return most
	}
}

// BenchmarkHundredMillion opens a lake of 100 million lines and asks it. Copies share the pages of their files, so all is
// warm; the days are seven, and the lines are there fifty times.
func BenchmarkHundredMillion(b *testing.B) {
	dir := os.Getenv("KIZUKI_HUNDRED_MILLION") // a folder that is there already, or is made to stay
	if dir == "" {
		dir = b.TempDir()
	}
	var config lake.Config
	if _, err := os.Stat(filepath.Join(dir, "own")); err == nil {
		c := newClock()
		c.add(24 * time.Hour)
		config = lake.Config{Clock: c.Now, FS: &twins{own: filepath.Join(dir, "own")}}
	} else {
		config = hundredMillion(b, dir)
	}
	base := filepath.Join(dir, "lake")
	open := func(b *testing.B) *lake.Lake {
		b.Helper()
		l, err := lake.Open(base, config)
		if err != nil {
			b.Fatal(err)
		}
		return l
	}
	b.Run("open", func(b *testing.B) {
		stop := highest()
		for b.Loop() {
			l := open(b)
			b.StopTimer()
			if s := l.Stats(); s.SealedRows != 100_000_000 || len(s.Alarms) > 0 || s.CatalogueRebuilt {
				b.Fatalf("%d rows in %d files, alarms %v", s.SealedRows, s.Files, s.Alarms)
			}
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		b.ReportMetric(float64(stop())/1e6, "heap-MB")
	})
	l := open(b)
	defer func() {
		if err := l.Close(); err != nil {
			b.Error(err)
		}
	}()
	b.ReportAllocs()
	defer func() {
		if s := l.Stats(); len(s.Alarms) > 0 {
			b.Errorf("alarms %v", s.Alarms)
		}
	}()
	b.Run("absent-word", func(b *testing.B) { absentWords(b, l) })
	for _, q := range []struct {
		name  string
		query query.Query
		check func(*query.Result) bool
	}{
		{"newest-100", query.Query{}, func(r *query.Result) bool { return len(r.Records) == 100 }},
		{"rare-word", query.Query{Where: query.Word{Text: "sekurlsa"}, Verb: query.Count{}}, func(r *query.Result) bool { return r.Count == 550 }},
		{"histogram", query.Query{Verb: query.Histogram{Every: time.Hour}}, func(r *query.Result) bool { return r.Count == 100_000_000 }},
		{"count-of-a-source", query.Query{Where: query.Equal{Field: "source", Value: "windows"}, Verb: query.Count{}}, func(r *query.Result) bool { return r.Count > 10_000_000 }},
	} {
		b.Run(q.name, func(b *testing.B) {
			stop := highest()
			began := cpu(b)
			for b.Loop() {
				r, err := search.Run(b.Context(), l, q.query, query.Options{})
				if err != nil || r.Partial() || !q.check(r) {
					b.Fatalf("%v %+v", err, r)
				}
			}
			b.ReportMetric(float64(stop())/1e6, "heap-MB")
			b.ReportMetric(float64((cpu(b)-began).Milliseconds())/float64(b.N), "cpu-ms/op")
		})
	}
}

// absentWords looks for many words that no line has: which of them the sidecars take for present in some block, and how
// often, is chance, and each block of the corpus stands in the lake fifty times.
func absentWords(b *testing.B, l *lake.Lake) {
	b.Helper()
	const words = 100
	began := cpu(b)
	for b.Loop() {
		for i := range words {
			where := query.Word{Text: fmt.Sprintf("absentword%d", i)}
			r, err := search.Run(b.Context(), l, query.Query{Where: where, Verb: query.Count{}}, query.Options{})
			if err != nil || r.Partial() || r.Count != 0 {
				b.Fatalf("%v %+v", err, r)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N)/words, "ms/word")
	b.ReportMetric(float64((cpu(b)-began).Milliseconds())/float64(b.N)/words, "cpu-ms/word")
}
