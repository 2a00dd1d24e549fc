package segment

import (
	"slices"
	"strconv"

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
	column  int
	dict    parquet.Dictionary // of the present block, where the column has one
	data    encoding.Values
	rows    int
	codes   []int32
	text    []byte // of the values of dict
	ends    []uint32
	numbers []uint32
	known   []uint32 // the numbers that values are
}

// values hands over a page of a column without a dictionary. They must stay as they are until write.
func (h *handed) values(data encoding.Values, rows int) { h.data, h.rows = data, rows }

// coded hands over a page of a column with a dictionary: row i has the value at codes[i]. No value stands twice in values.
func (h *handed) coded(values []string, codes []uint16) {
	h.insert(values, len(codes))
	for i, code := range codes {
		h.codes[i] = int32(code)
	}
}

// alike hands over a page of rows that all have the value "".
func (h *handed) alike(rows int) {
	h.insert([]string{""}, rows)
	clear(h.codes)
}

// spread hands over a page of numbers without a dictionary: row i has the one at codes[i], or all have none.
func (h *handed) spread(values []string, codes []uint16, rows int) {
	if len(values) == 0 {
		h.numbers = slices.Grow(h.numbers[:0], rows)[:rows]
		clear(h.numbers)
	} else {
		known := numbersOf(h.known[:0], values)
		h.known, h.numbers = known, h.numbers[:0]
		for _, code := range codes {
			h.numbers = append(h.numbers, known[code])
		}
	}
	h.values(encoding.Uint32Values(h.numbers), rows)
}

// numbersOf appends the numbers that texts are; "" is 0.
func numbersOf(dst []uint32, values []string) []uint32 {
	for _, value := range values {
		n, _ := strconv.ParseUint(value, 10, 16) // the column holds nothing else
		dst = append(dst, uint32(n))
	}
	return dst
}

// insert makes the dictionary, and room for the codes of a page.
func (h *handed) insert(values []string, rows int) {
	if h.Kind() == parquet.ByteArray {
		h.text, h.ends = h.text[:0], append(h.ends[:0], 0)
		for _, value := range values {
			h.text = append(h.text, value...)
			h.ends = append(h.ends, uint32(len(h.text)))
		}
		h.fill(len(values), encoding.ByteArrayValues(h.text, h.ends))
	} else {
		h.numbers = numbersOf(h.numbers[:0], values)
		h.fill(len(values), encoding.Uint32Values(h.numbers))
	}
	if cap(h.codes) < rows {
		h.codes = make([]int32, rows)
	}
	h.codes = h.codes[:rows]
	h.values(encoding.Int32Values(h.codes), rows)
}

func (h *handed) fill(n int, values encoding.Values) {
	h.dict = h.Type.NewDictionary(h.column, n, values)
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
	h.column = column
	h.fill(n, data)
	return handedDictionary{h.dict, h}
}

func (h *handed) buffer(t parquet.Type, column int) parquet.ColumnBuffer {
	return &handedPage{t.NewColumnBuffer(column, 0), h, t, column}
}

// handedDictionary is the dictionary of whatever block is at hand, and makes the column of its codes a handed one.
type handedDictionary struct {
	parquet.Dictionary // an empty one
	of                 *handed
}

// Type implements parquet.Dictionary.
func (d handedDictionary) Type() parquet.Type { return handedCodes{d.Dictionary.Type(), d.of} }

// Len implements parquet.Dictionary.
func (d handedDictionary) Len() int { return d.of.dict.Len() }

// Size implements parquet.Dictionary.
func (d handedDictionary) Size() int64 { return d.of.dict.Size() }

// Page implements parquet.Dictionary.
func (d handedDictionary) Page() parquet.Page { return d.of.dict.Page() }

// Reset implements parquet.Dictionary: the next block brings its own.
func (d handedDictionary) Reset() {}

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
