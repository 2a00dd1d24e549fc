package segment

import (
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"

	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// Times of the rows of a block.
func (r *Reader) Times(block int) ([]int64, error) { return r.numbers(block, len(r.at)-3) }

// Received are the times when the rows of a block came in.
func (r *Reader) Received(block int) ([]int64, error) { return r.numbers(block, len(r.at)-2) }

// Seqs of the rows of a block.
func (r *Reader) Seqs(block int) ([]uint64, error) {
	numbers, err := r.numbers(block, len(r.at)-4)
	if err != nil {
		return nil, err
	}
	seqs := make([]uint64, len(numbers))
	for i, n := range numbers {
		seqs[i] = uint64(n)
	}
	return seqs, nil
}

func (r *Reader) numbers(block, column int) ([]int64, error) {
	numbers := make([]int64, 0, r.Meta.Blocks[block].Rows)
	err := r.pages(block, column, func(p parquet.Page) error {
		data := p.Data()
		if p.Dictionary() != nil || data.Kind() != encoding.Int64 {
			return errKind
		}
		numbers = append(numbers, data.Int64()...)
		return nil
	})
	return numbers, err
}

// Messages of a block, one after another; row i ends at ends[i].
func (r *Reader) Messages(block int) (text []byte, ends []uint32, err error) {
	m := &r.Meta.Blocks[block]
	text, ends = make([]byte, 0, m.Bytes), make([]uint32, 0, m.Rows)
	err = r.pages(block, len(r.at)-1, func(p parquet.Page) error {
		data := p.Data()
		if p.Dictionary() != nil || data.Kind() != encoding.ByteArray {
			return errKind
		}
		values, offsets := data.ByteArray()
		if len(offsets) == 0 || int64(len(text))+int64(len(values)) > m.Bytes {
			return errKind
		}
		base := uint32(len(text)) - offsets[0]
		text = append(text, values[offsets[0]:offsets[len(offsets)-1]]...)
		for _, end := range offsets[1:] {
			ends = append(ends, base+end)
		}
		return nil
	})
	if err == nil && (len(ends) != m.Rows || int64(len(text)) != m.Bytes) {
		err = damaged("messages of block %d", block)
	}
	return text, ends, err
}

// Column gives a column of a block by its place in table.Names; nil: all rows have "". query.ErrNotKept: the file is older
// than the column.
func (r *Reader) Column(block, place int) (*query.Column, error) {
	if place < 0 || place >= table.Promoted+r.Promoted() {
		return nil, query.ErrNotKept
	}
	m := &r.Meta.Blocks[block]
	if m.Cols&(1<<place) == 0 {
		return nil, nil //nolint:nilnil // no column is the column of empty values, see query.Block
	}
	numeric, _ := table.Numeric(place)
	c := &query.Column{Codes: make([]uint16, 0, m.Rows)}
	err := r.pages(block, place, func(p parquet.Page) error {
		dict := p.Dictionary()
		data := p.Data()
		if dict == nil || data.Kind() != encoding.Int32 {
			return errKind
		}
		if c.Values == nil {
			c.Values = dictionary(dict, numeric)
		}
		for _, code := range data.Int32() {
			if code < 0 || int(code) >= len(c.Values) {
				return errKind
			}
			c.Codes = append(c.Codes, uint16(code))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// dictionary gives the values of a dictionary as texts of their own.
func dictionary(dict parquet.Dictionary, numeric bool) []string {
	data := dict.Page().Data()
	if numeric {
		numbers := data.Uint32()
		values := make([]string, len(numbers))
		for i, n := range numbers {
			if n != 0 {
				values[i] = strconv.FormatUint(uint64(n), 10)
			}
		}
		return values
	}
	bytes, offsets := data.ByteArray()
	all := string(bytes)
	values := make([]string, max(len(offsets), 1)-1)
	for i := range values {
		values[i] = all[offsets[i]:offsets[i+1]]
	}
	return values
}

// Block reads a whole block, as a merge and the evidence need it.
func (r *Reader) Block(block int) (*table.Block, error) {
	m := &r.Meta.Blocks[block]
	b := &table.Block{
		Stat: query.Stat{Rows: m.Rows, From: m.From, To: m.To, Source: m.Source, Bytes: m.Bytes},
		Cols: make([]*query.Column, table.Columns),
	}
	var err error
	for i := range table.Promoted + r.Promoted() {
		if b.Cols[i], err = r.Column(block, i); err != nil {
			return nil, err
		}
	}
	if b.Seqs, err = r.Seqs(block); err != nil {
		return nil, err
	}
	if b.Times, err = r.Times(block); err != nil {
		return nil, err
	}
	if b.Received, err = r.Received(block); err != nil {
		return nil, err
	}
	b.Text, b.Ends, err = r.Messages(block)
	return b, err
}

// Stat tells of a block.
func (m *Block) Stat() query.Stat {
	return query.Stat{Rows: m.Rows, From: m.From, To: m.To, Source: m.Source, Bytes: m.Bytes}
}
