package segment

import (
	"bytes"
	"errors"
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
	records := querytest.Corpus(rand.New(rand.NewPCG(20261123, 4)), rows)
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
	r, data := written(t, 3000)
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var room Room
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

// A front of a packed page is the front of the page, however far it is unpacked.
func TestFront(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	plain := make([]byte, 1_000_000)
	for i := range plain {
		plain[i] = byte(rng.IntN(4)) << rng.IntN(6)
	}
	packed, err := better.Encode(nil, plain)
	if err != nil {
		t.Fatal(err)
	}
	p := page{packed: true, size: len(plain), data: packed}
	shortest := len(plain)
	for _, n := range []int{0, 1, 100_000, 128 << 10, 128<<10 + 1, 300_000, 999_999, 1_000_000} {
		got, err := p.front(nil, n)
		if err != nil || len(got) < n || !bytes.Equal(got, plain[:len(got)]) {
			t.Fatal(n, len(got), err)
		}
		shortest = min(shortest, len(got))
	}
	if shortest > 256<<10 {
		t.Error("all of the page was unpacked for its first byte", shortest)
	}
	p.size++
	if _, err := p.unpacked(nil); err == nil {
		t.Error("a page shorter than its header says was taken")
	}
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
