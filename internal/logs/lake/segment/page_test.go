package segment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/query/querytest"
)

// written is a file with the blocks of a small corpus.
func written(t testing.TB, rows int) (*Reader, []byte) {
	t.Helper()
	return writtenOf(t, querytest.Corpus(rand.New(rand.NewPCG(20261123, 4)), rows))
}

func writtenOf(t testing.TB, records []event.Record) (*Reader, []byte) {
	t.Helper()
	all := table.New()
	for i := range records {
		all.Add(&records[i])
	}
	view := all.View()
	var out bytes.Buffer
	w, err := NewWriter(&out, Columns{Promoted: len(event.Promoted), Binary: Binary(view.Binary())})
	if err != nil {
		t.Fatal(err)
	}
	order := view.Order(0, view.Rows())
	for part := range slices.Chunk(order, 700) {
		if err := w.Add(view.Block(part)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Close(1, 0, 20_000, nil); err != nil {
		t.Fatal(err)
	}
	r, err := Open(bytes.NewReader(out.Bytes()), int64(out.Len()), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r, out.Bytes()
}

// library reads a column of a block with the Parquet library.
func library(t *testing.T, file *parquet.File, block, column int) []parquet.Value {
	t.Helper()
	rows := file.RowGroups()[block].ColumnChunks()[column].Pages()
	defer func() { _ = rows.Close() }()
	var all []parquet.Value
	for {
		page, err := rows.ReadPage()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		values := make([]parquet.Value, page.NumValues())
		if n, err := page.Values().ReadValues(values); n != len(values) {
			t.Fatal(n, err)
		}
		for _, v := range values {
			all = append(all, v.Clone())
		}
	}
}

// What is read page by page is what the Parquet library reads, whole or a few rows of it, in memory that is used again.
func TestLook(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	records := querytest.Corpus(rand.New(rand.NewPCG(20261123, 4)), 3000)
	for i := range 1400 { // of a block whose messages have several frames
		raw := bytes.Repeat(fmt.Appendf(nil, "%x", rng.Uint64()), rng.IntN(500))
		records = append(records, event.Record{Source: "zz", Seq: uint64(i), Raw: raw})
	}
	r, data := writtenOf(t, records)
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var room Room
	most := 0
	for block := range r.Meta.Blocks {
		l := r.Look(block, &room)
		text, ends, err := l.Messages()
		if err != nil {
			t.Fatal(err)
		}
		for row, want := range library(t, file, block, r.at[len(r.at)-1]) {
			from := uint32(0)
			if row > 0 {
				from = ends[row-1]
			}
			if !bytes.Equal(text[from:ends[row]], want.ByteArray()) {
				t.Fatalf("message %d of block %d", row, block)
			}
		}
		for i, read := range []func() ([]int64, error){l.Times, l.Received} {
			got, err := read()
			want := library(t, file, block, r.at[len(r.at)-3+i])
			if err != nil || len(got) != len(want) || !slices.EqualFunc(got, want, func(n int64, v parquet.Value) bool { return n == v.Int64() }) {
				t.Fatalf("numbers of block %d: %v", block, err)
			}
		}
		var some []int
		for row := range ends {
			if rng.IntN(40) == 0 {
				some = append(some, row)
			}
		}
		lookSome(t, file, l, text, ends, some[:1+rng.IntN(len(some)-1)])
		room.Free()
		if err := r.chunk(block, len(r.at)-1, func(p page) error {
			frames, _, _ := p.frames()
			most = max(most, len(frames))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if most < 2 {
		t.Error("no block has more than one frame")
	}
}

// lookSome compares some rows of a block.
func lookSome(t *testing.T, file *parquet.File, l Look, text []byte, ends []uint32, some []int) {
	t.Helper()
	n := 0
	err := l.Pick(some, func(row int, message []byte) {
		if row != some[n] || !bytes.Equal(message, text[ends[row]-uint32(len(message)):ends[row]]) {
			t.Errorf("message %d of block %d", row, l.block)
		}
		n++
	})
	if err != nil || n != len(some) {
		t.Fatal(n, err)
	}
	for place := range table.Columns {
		want := library(t, file, l.block, l.at[place])
		numeric, _ := table.Numeric(place)
		text := func(row int) string {
			if numeric {
				if s := want[row].String(); s != "0" {
					return s
				}
				return ""
			}
			return string(want[row].ByteArray())
		}
		column, err := l.Column(place)
		values, err2 := l.Values(place, some)
		if err != nil || err2 != nil || (column == nil) != (values == nil) {
			t.Fatal(err, err2)
		}
		for row := range want {
			if column == nil && text(row) != "" || column != nil && column.Values[column.Codes[row]] != text(row) {
				t.Fatalf("%s of row %d of block %d", table.Names[place], row, l.block)
			}
		}
		for i, row := range some {
			if values != nil && values[i] != text(row) {
				t.Fatalf("%s of row %d alone", table.Names[place], row)
			}
		}
	}
}

// Parts of a packed page are those of the page, in whatever order they are needed, and no more than about them is
// unpacked.
func TestParts(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	plain := make([]byte, 5_000_000)
	for i := range plain {
		plain[i] = byte(rng.IntN(4)) << rng.IntN(6)
	}
	packed, err := better.Encode(nil, plain)
	if err != nil {
		t.Fatal(err)
	}
	p := page{packed: true, size: len(plain), data: packed}
	var room Room
	for range 200 {
		u, err := p.parts(&room)
		if err != nil || len(u.frames) != 4 {
			t.Fatal(u, err)
		}
		clear(u.data)
		for range rng.IntN(6) {
			from := rng.IntN(len(plain) + 1)
			to := min(from+rng.IntN(1<<rng.IntN(23)), len(plain))
			if err := u.need(from, to); err != nil || !bytes.Equal(u.data[from:to], plain[from:to]) {
				t.Fatal(from, to, err)
			}
		}
		for _, f := range u.frames { // what was needed before is still there
			if !bytes.Equal(u.data[f.from:f.from+f.have], plain[f.from:f.from+f.have]) {
				t.Fatal(f.from, f.to, f.have)
			}
		}
		room.Free()
	}
	u, err := p.parts(nil)
	if err == nil {
		err = u.need(2_600_000, 2_600_001)
	}
	if unpacked := u.frames[0].have + u.frames[1].have + u.frames[2].have + u.frames[3].have; err != nil || unpacked > 256<<10 {
		t.Errorf("%d bytes were unpacked for one, %v", unpacked, err)
	}
	if whole, err := p.unpacked(nil); err != nil || !bytes.Equal(whole, plain) {
		t.Error("the page as a whole", err)
	}
	p.size++
	if _, err := p.unpacked(nil); err == nil {
		t.Error("a page shorter than its header says was taken")
	}
}

// A packed page may hold anything: what is unpacked in part is what is unpacked as a whole, or one of them says no.
func FuzzParts(f *testing.F) {
	var frames []byte
	for i := range 3 {
		packed, err := better.Encode(nil, bytes.Repeat([]byte{byte(i), 7}, 200))
		if err != nil {
			f.Fatal(err)
		}
		frames = append(frames, packed...)
	}
	f.Add(frames, uint32(1200), uint32(500), uint32(900))
	f.Add(frames[:len(frames)-1], uint32(1200), uint32(0), uint32(1200))
	f.Add(frames, uint32(1201), uint32(1200), uint32(1))
	f.Fuzz(func(t *testing.T, data []byte, size, from, to uint32) {
		p := page{packed: true, size: int(size % (1 << 20)), data: data}
		u, err := p.parts(nil)
		if err != nil {
			return
		}
		if from, to = min(from, uint32(p.size)), min(to, uint32(p.size)); from > to {
			from, to = to, from
		}
		if err := u.need(int(from), int(to)); err != nil {
			return
		}
		if whole, err := p.unpacked(nil); err == nil && !bytes.Equal(whole[from:to], u.data[from:to]) {
			t.Fatalf("%d:%d of %d", from, to, p.size)
		}
	})
}

// pagesOf gives the pages of each column of a small file.
func pagesOf(t testing.TB) (all [][]byte) {
	t.Helper()
	r, data := written(t, 60)
	for column := range r.at {
		spot := r.spots[column]
		all = append(all, data[spot.from:spot.from+spot.n])
	}
	return all
}

// Headers of pages may hold anything: they are read or refused.
func FuzzNextPage(f *testing.F) {
	for _, pages := range pagesOf(f) {
		f.Add(pages)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for range 100 {
			p, rest, err := nextPage(data)
			if err != nil || len(rest) == 0 {
				return
			}
			if len(rest) >= len(data) || len(p.data) > len(data) || p.size < 0 || p.values < 0 || p.levels < 0 {
				t.Fatalf("%+v", p)
			}
			data = rest
		}
	})
}

// What is read of a header is what the library reads, though bytes of it change.
func TestNextPageAsLibrary(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	compared := 0
	for _, pages := range pagesOf(t) {
		for range 500 {
			data := bytes.Clone(pages)
			for range rng.IntN(3) {
				data[rng.IntN(min(len(data), 40))] = byte(rng.Uint32())
			}
			p, rest, err := nextPage(data)
			var h format.PageHeader
			if err != nil || thrift.Unmarshal(&thrift.CompactProtocol{}, data[:len(data)-len(rest)-len(p.data)], &h) != nil {
				continue
			}
			compared++
			if h.Type != p.kind && p.kind >= 0 || int(h.UncompressedPageSize) != p.size || int(h.CompressedPageSize) != len(p.data) {
				t.Fatalf("%+v is %+v to the library", p, h)
			}
		}
	}
	if compared < 2000 {
		t.Errorf("%d headers were compared", compared)
	}
}

// Memory comes back, and a small need does not take what a large one wants.
func TestRoom(t *testing.T) {
	t.Parallel()
	var room Room
	big, small := room.buffer(1<<20), room.buffer(10)
	if len(big) != 1<<20 || len(small) != 10 || cap(small) > 16 {
		t.Error(len(big), len(small), cap(small))
	}
	room.Free()
	if len(room.buffers) > 0 {
		t.Error("something is kept")
	}
}
