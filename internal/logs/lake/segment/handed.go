package segment

import (
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
)

// handed is the type of a column that is written in whole pages, each handed over as it stands in a block. Written value
// by value, a page would be copied first, and each value looked up in the map of its dictionary, though the block knows
// the codes. Files are the same bytes either way.
//
// One writer uses it, page after page: values or codes, then write.
type handed struct {
	parquet.Type
	dict  parquet.Dictionary // of the present block, where the column has one
	data  encoding.Values
	rows  int
	index []int32 // places in dict of the values of a block
	codes []int32
}

// values hands over a page of a column without a dictionary. They must stay as they are until write.
func (h *handed) values(data encoding.Values, rows int) { h.data, h.rows = data, rows }

// coded hands over a page of a column with a dictionary: row i has the value at codes[i].
func (h *handed) coded(values []parquet.Value, codes []uint16) {
	h.insert(values, len(codes))
	for i, code := range codes {
		h.codes[i] = h.index[code]
	}
}

// alike hands over a page of rows that all have one value.
func (h *handed) alike(value parquet.Value, rows int) {
	h.insert([]parquet.Value{value}, rows)
	for i := range h.codes {
		h.codes[i] = h.index[0]
	}
}

// insert puts values into the dictionary, and makes room for the codes of a page.
func (h *handed) insert(values []parquet.Value, rows int) {
	if len(h.index) < len(values) {
		h.index = make([]int32, 2*len(values))
	}
	h.dict.Insert(h.index[:len(values)], values)
	if cap(h.codes) < rows {
		h.codes = make([]int32, rows)
	}
	h.codes = h.codes[:rows]
	h.values(encoding.Int32Values(h.codes), rows)
}

// write writes the page.
func (h *handed) write(to *parquet.ColumnWriter) error {
	if _, err := to.WriteRowValues(nil); err != nil { // makes the writer ask for the buffer, once
		return err
	}
	return to.Flush()
}

// NewColumnBuffer implements parquet.Type.
func (h *handed) NewColumnBuffer(column, _ int) parquet.ColumnBuffer { return h.buffer(h.Type, column) }

// NewDictionary implements parquet.Type.
func (h *handed) NewDictionary(column, n int, data encoding.Values) parquet.Dictionary {
	h.dict = h.Type.NewDictionary(column, n, data)
	return handedDictionary{h.dict, h}
}

func (h *handed) buffer(t parquet.Type, column int) parquet.ColumnBuffer {
	return &handedPage{t.NewColumnBuffer(column, 0), h, t, column}
}

// handedDictionary makes the column of its codes a handed one.
type handedDictionary struct {
	parquet.Dictionary
	of *handed
}

// Type implements parquet.Dictionary.
func (d handedDictionary) Type() parquet.Type { return handedCodes{d.Dictionary.Type(), d.of} }

// handedCodes is the type of codes of a handed column.
type handedCodes struct {
	parquet.Type
	of *handed
}

// NewColumnBuffer implements parquet.Type.
func (c handedCodes) NewColumnBuffer(column, _ int) parquet.ColumnBuffer {
	return c.of.buffer(c.Type, column)
}

// handedPage is the page that was handed over. The rest of a column buffer is one that is empty.
type handedPage struct {
	parquet.ColumnBuffer
	of     *handed
	typ    parquet.Type
	column int
}

// Len implements parquet.ColumnBuffer.
func (b *handedPage) Len() int { return b.of.rows }

// Size implements parquet.ColumnBuffer: nothing is held here, so no page is cut for its size.
func (b *handedPage) Size() int64 { return 0 }

// Reset implements parquet.ColumnBuffer.
func (b *handedPage) Reset() { b.of.data, b.of.rows = encoding.Values{}, 0 }

// WriteValues implements parquet.ColumnBuffer; there are none.
func (b *handedPage) WriteValues([]parquet.Value) (int, error) { return 0, nil }

// Page implements parquet.ColumnBuffer.
func (b *handedPage) Page() parquet.Page { return b.typ.NewPage(b.column, b.of.rows, b.of.data) }
