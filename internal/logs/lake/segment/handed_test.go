package segment

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/query/querytest"
)

// valueByValue writes blocks as anybody would with the Parquet library, and returns what stands before its footer.
func valueByValue(t *testing.T, columns Columns, blocks []*table.Block, data int64) []byte {
	t.Helper()
	handedOver, byName := schemaOf(&columns)
	group := parquet.Group{}
	var names []string
	for _, path := range handedOver.Columns() {
		leaf, _ := handedOver.Lookup(path...)
		node := parquet.Encoded(parquet.Leaf(byName[path[0]].Type), leaf.Node.Encoding())
		group[path[0]] = parquet.Compressed(node, leaf.Node.Compression())
		names = append(names, path[0])
	}
	at, ok := columnIndexes(names, &columns)
	if !ok {
		t.Fatal("columns are missing")
	}
	var out bytes.Buffer
	w := parquet.NewGenericWriter[any](&out, parquet.NewSchema("kizuki", group),
		parquet.PageBufferSize(1<<20), parquet.WriteBufferSize(0), parquet.DataPageStatistics(false))
	for _, b := range blocks {
		for place, column := range at {
			if column < 0 {
				continue
			}
			values := make([]parquet.Value, b.Rows())
			for row := range values {
				values[row] = valueAt(b, place, row)
			}
			if _, err := w.ColumnWriters()[column].WriteRowValues(values); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()[:data]
}

// valueAt is a value of a block; the columns behind table.Names are seq, time, received and message.
func valueAt(b *table.Block, place, row int) parquet.Value {
	switch place - table.Columns {
	case 0:
		return parquet.Int64Value(int64(b.Seqs[row]))
	case 1:
		return parquet.Int64Value(b.Times[row])
	case 2:
		return parquet.Int64Value(b.Received[row])
	case 3:
		return parquet.ByteArrayValue(b.Raw(row))
	}
	value := b.Value(place, row)
	if numeric, _ := table.Numeric(place); numeric {
		n, _ := strconv.Atoi(value) // "" is 0
		return parquet.Int32Value(int32(n))
	}
	return parquet.ByteArrayValue([]byte(value))
}

// Pages that are handed over are the same bytes as pages that the library makes of single values.
func TestHandedOverIsTheSame(t *testing.T) {
	t.Parallel()
	records := querytest.Corpus(rand.New(rand.NewPCG(20261127, 1)), 6000)
	all := table.New()
	for i := range records {
		all.Add(&records[i])
	}
	view := all.View()
	columns := Columns{Promoted: len(event.Promoted), Absent: view.Absent(), Binary: Binary(view.Binary())}
	var out bytes.Buffer
	w, err := NewWriter(&out, columns)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []*table.Block
	var reused table.Block
	for part := range slices.Chunk(view.Order(0, view.Rows()), 700) {
		blocks = append(blocks, view.Block(part))
		if err := w.Add(view.Into(&reused, part)); err != nil {
			t.Fatal(err)
		}
	}
	done, err := w.Close(1, 0, 20_000, nil)
	if err != nil {
		t.Fatal(err)
	}
	data := done.Meta.Data
	if data < 10_000 {
		t.Fatalf("only %d bytes of pages", data)
	}
	if want := valueByValue(t, columns, blocks, data); !bytes.Equal(out.Bytes()[:data], want) {
		at := 0
		for at < len(want) && want[at] == out.Bytes()[at] {
			at++
		}
		t.Fatalf("the pages differ from byte %d of %d on", at, data)
	}
}
