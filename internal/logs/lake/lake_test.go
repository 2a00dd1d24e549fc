package lake_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// clock is a clock that tests set.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// small are limits that make segments, merges and waits of a few records.
func small(c *clock) lake.Config {
	return lake.Config{Clock: c.Now, Limits: lake.Limits{
		GroupWait: time.Millisecond, SegmentRows: 300, MergeFiles: 3, RetryAfter: time.Millisecond,
	}}
}

func open(t *testing.T, dir string, config lake.Config) *lake.Lake {
	t.Helper()
	l, err := lake.Open(dir, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return l
}

// records makes n records of some sources, Japanese and odd ones among them.
func records(seed uint64, n int, sources ...string) []event.Record {
	r := rand.New(rand.NewPCG(seed, 7))
	out := make([]event.Record, n)
	base := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for i := range out {
		ip := fmt.Sprintf("10.0.%d.%d", r.IntN(4), r.IntN(200))
		rec := event.Record{
			Source: sources[r.IntN(len(sources))], Time: base.Add(time.Duration(r.Int64N(86400e6)) * time.Microsecond),
			Format: event.JSON, Host: fmt.Sprintf("host-%d", r.IntN(9)), User: "山田", SrcIP: ip, SrcPort: uint16(r.IntN(65536)),
			Severity: uint8(r.IntN(7)), EventID: "4688",
			Raw: fmt.Appendf(nil, `{"n":%d,"ip":"%s","text":"部品 %d を出荷しました line %x"}`, i, ip, r.IntN(50), r.Uint64()),
		}
		switch r.IntN(50) {
		case 0:
			rec.Raw, rec.Format = []byte("broken \xff\xfe and \x00 nul"), event.Raw
		case 1:
			rec.Raw, rec.Host = nil, "h\xff"
		case 2:
			rec.Time = time.Date(1601, 1, 1, 0, 0, 0, 1000, time.UTC)
		case 3:
			rec.Time = time.Date(2106, 2, 7, 6, 28, 15, 0, time.UTC)
		}
		if r.IntN(3) == 0 {
			rec.Fields = []event.Field{{Name: "Image", Value: `C:\Windows\cmd.exe`}, {Name: "CommandLine", Value: fmt.Sprint("run ", r.IntN(90))}}
		}
		out[i] = rec
	}
	return out
}

func appendAll(t *testing.T, l *lake.Lake, recs []event.Record) {
	t.Helper()
	if n, err := l.Append(t.Context(), recs); err != nil || n != len(recs) {
		t.Fatalf("appended %d of %d: %v", n, len(recs), err)
	}
}

// all reads every record of a lake, sorted by source and sequence. Each block is checked for its order and its stat.
func all(t *testing.T, l query.Store) []event.Record {
	t.Helper()
	recs, err := readAll(l)
	if err != nil {
		t.Fatal(err)
	}
	return recs
}

type received interface{ Received() ([]int64, error) }

func readAll(l query.Store) ([]event.Record, error) {
	look, err := l.Blocks(context.Background(), -1<<62, 1<<62, nil)
	if err != nil {
		return nil, err
	}
	var recs []event.Record
	var errs []error
	for i := range look.Len() {
		got, err := readBlock(look, i)
		recs = append(recs, got...)
		errs = append(errs, err)
	}
	errs = append(errs, look.Close())
	slices.SortFunc(recs, func(a, b event.Record) int {
		if c := strings.Compare(a.Source, b.Source); c != 0 {
			return c
		}
		return int(int64(a.Seq) - int64(b.Seq))
	})
	return recs, errors.Join(errs...)
}

func readBlock(look query.Blocks, i int) ([]event.Record, error) {
	b, err := look.Open(i)
	if err != nil {
		return nil, err
	}
	defer b.Release()
	full := &table.Block{Stat: b.Stat(), Cols: make([]*query.Column, table.Columns)}
	for p, name := range table.Names {
		if full.Cols[p], err = b.Column(name); err != nil {
			return nil, err
		}
	}
	if full.Seqs, err = b.Seqs(); err != nil {
		return nil, err
	}
	if full.Times, err = b.Times(); err != nil {
		return nil, err
	}
	if full.Received, err = b.(received).Received(); err != nil {
		return nil, err
	}
	if full.Text, full.Ends, err = b.Messages(); err != nil {
		return nil, err
	}
	return checked(full)
}

// checked gives the records of a block, or what is wrong with it.
func checked(b *table.Block) ([]event.Record, error) {
	var recs []event.Record
	size := int64(0)
	for row := range b.Rows() {
		r := b.Record(row)
		r.Raw = bytes.Clone(r.Raw)
		size += int64(len(r.Raw))
		at := r.Time.UnixMicro()
		if at < b.Stat.From || at > b.Stat.To || b.Stat.Source != "" && b.Stat.Source != r.Source {
			return nil, fmt.Errorf("row %d is not within %+v", row, b.Stat)
		}
		if row > 0 {
			p := &recs[row-1]
			if c := strings.Compare(p.Source, r.Source); c > 0 || c == 0 && p.Time.After(r.Time) {
				return nil, fmt.Errorf("row %d is out of order", row)
			}
		}
		recs = append(recs, r)
	}
	if len(recs) != b.Stat.Rows || size != b.Stat.Bytes {
		return nil, fmt.Errorf("%d rows and %d bytes in %+v", len(recs), size, b.Stat)
	}
	return recs, nil
}

// want is what the lake should hold of records that were appended: those, sorted, whole microseconds.
func want(recs []event.Record) []event.Record {
	out := slices.Clone(recs)
	slices.SortFunc(out, func(a, b event.Record) int {
		if c := strings.Compare(a.Source, b.Source); c != 0 {
			return c
		}
		return int(int64(a.Seq) - int64(b.Seq))
	})
	for i := range out {
		if out[i].Raw == nil {
			out[i].Raw = []byte{}
		}
	}
	return out
}

func same(t *testing.T, what string, got, want []event.Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d records instead of %d", what, len(got), len(want))
	}
	for i := range got {
		if !equal(&got[i], &want[i]) {
			t.Fatalf("%s: record %d (-want +got)\n%s", what, i, cmp.Diff(want[i], got[i]))
		}
	}
}

func equal(a, b *event.Record) bool {
	return a.Source == b.Source && a.Seq == b.Seq && a.Time.Equal(b.Time) && a.Received.Equal(b.Received) &&
		a.Format == b.Format && bytes.Equal(a.Raw, b.Raw) && a.Host == b.Host && a.User == b.User && a.App == b.App &&
		a.Action == b.Action && a.Outcome == b.Outcome && a.SrcIP == b.SrcIP && a.DstIP == b.DstIP &&
		a.SrcPort == b.SrcPort && a.DstPort == b.DstPort && a.Severity == b.Severity && a.EventID == b.EventID &&
		slices.Equal(a.Fields, b.Fields)
}

func TestRecordsStay(t *testing.T) {
	t.Parallel()
	dir, c := folder(t), newClock()
	config := small(c)
	config.Limits.SegmentRows = 2000
	l := open(t, dir, config)
	recs := records(1, 900, "fw", "dc-1", "web.proxy")
	appendAll(t, l, recs[:500])
	same(t, "hot", all(t, l), want(recs[:500]))
	appendAll(t, l, recs[500:])
	same(t, "hot", all(t, l), want(recs))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, config)
	if s := l.Stats(); s.Replayed != 900 || s.TornBytes != 0 {
		t.Errorf("replayed %d, torn %d", s.Replayed, s.TornBytes)
	}
	same(t, "replayed", all(t, l), want(recs))
	flush(t, l)
	if s := l.Stats(); s.HotRows != 0 || s.SealedRows != 900 || s.Files != 1 || len(s.Alarms) != 0 {
		t.Errorf("stats %+v", s)
	}
	same(t, "sealed", all(t, l), want(recs))
	more := records(2, 700, "fw", "dc-1")
	appendAll(t, l, more)
	recs = append(recs, more...)
	same(t, "hot and sealed", all(t, l), want(recs))
	flush(t, l)
	c.add(24 * time.Hour)
	if err := l.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "merged", all(t, l), want(recs))
	if s := l.Stats(); s.Files != 3 || s.Merged == 0 || len(s.Alarms) != 0 {
		t.Errorf("stats %+v", s)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, config)
	same(t, "opened again", all(t, l), want(recs))
	for source, n := range lastOf(recs) {
		if l.Last(source) != n {
			t.Errorf("%s: last is %d instead of %d", source, l.Last(source), n)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "wal", "*")); err != nil || len(left) != 0 {
		t.Errorf("logs are left: %v %v", left, err)
	}
}

func lastOf(recs []event.Record) map[string]uint64 {
	last := map[string]uint64{}
	for _, r := range recs {
		last[r.Source] = max(last[r.Source], r.Seq)
	}
	return last
}

func flush(t *testing.T, l *lake.Lake) {
	t.Helper()
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}
