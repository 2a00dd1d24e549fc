package segment

import (
	"encoding/binary"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// Column gives a column by its place in table.Names; nil: all rows have "". query.ErrNotKept: the file is older than the column.
func (l Look) Column(place int) (*query.Column, error) {
	if place < 0 || place >= table.Promoted+l.Promoted() {
		return nil, query.ErrNotKept
	}
	m := &l.Meta.Blocks[l.block]
	if m.Cols&(1<<place) == 0 {
		return nil, nil //nolint:nilnil // no column is the column of empty values, see query.Block
	}
	numeric, _ := table.Numeric(place)
	c := &query.Column{Codes: l.room.code(m.Rows)[:0]}
	var passing Room
	defer passing.Free()
	err := l.chunk(l.block, place, func(p page) error {
		data, err := p.unpacked(&passing)
		if err != nil {
			return err
		}
		if p.kind == format.DictionaryPage {
			dict, err := newEntries(&passing, data, p.values, numeric)
			if err == nil {
				c.Values = dict.all(l.room)
			}
			return err
		}
		if !coded(p.encoding) {
			return l.spread(c, p, data, numeric)
		}
		codes, err := readCodes(&passing, data, p.values, min(len(c.Values), 1<<16))
		if err != nil || len(c.Codes)+len(codes) > m.Rows {
			return kindOf(err, false)
		}
		from := len(c.Codes)
		c.Codes = c.Codes[:from+len(codes)]
		for i, code := range codes {
			c.Codes[from+i] = uint16(code)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// spread reads a page of numbers that have no dictionary, and makes one: the column is the same to a query.
func (l Look) spread(c *query.Column, p page, data []byte, numeric bool) error {
	var passing Room
	defer passing.Free()
	numbers, err := plainNumbers(&passing, p, data, numeric)
	if err != nil || len(c.Values) > 0 || len(numbers) > l.Meta.Blocks[l.block].Rows { // one page is a whole block
		return kindOf(err, false)
	}
	code := passing.place(1 << 16) // of a number, and one more
	clear(code)
	c.Values, c.Codes = l.room.text(len(numbers))[:0], c.Codes[:len(numbers)]
	for i, n := range numbers {
		if code[n] == 0 {
			c.Values = append(c.Values, textOf(uint32(n)))
			code[n] = uint32(len(c.Values))
		}
		c.Codes[i] = uint16(code[n] - 1)
	}
	return nil
}

// plainNumbers reads a page of numbers below 65,536 that have no dictionary.
func plainNumbers(room *Room, p page, data []byte, numeric bool) ([]int32, error) {
	if !numeric || !holds(p.encoding, data, p.values) {
		return nil, errKind
	}
	numbers, err := parquet.LookupEncoding(p.encoding).DecodeInt32(room.int(p.values)[:0], data)
	if err := kindOf(err, len(numbers) == p.values); err != nil {
		return nil, err
	}
	most := uint32(0)
	for _, n := range numbers {
		most = max(most, uint32(n)) // what is below 0 becomes large
	}
	return numbers, kindOf(nil, most < 1<<16)
}

// Values gives the values of some rows of a column, which must rise; nil: all are "". It makes texts of those only.
func (l Look) Values(place int, rows []int) ([]string, error) {
	if place < 0 || place >= table.Promoted+l.Promoted() {
		return nil, query.ErrNotKept
	}
	if l.Meta.Blocks[l.block].Cols&(1<<place) == 0 {
		return nil, nil
	}
	numeric, _ := table.Numeric(place)
	var passing Room
	defer passing.Free()
	values := make([]string, 0, len(rows))
	var dict entries
	first := 0
	err := l.chunk(l.block, place, func(p page) error {
		data, err := p.unpacked(&passing)
		if err != nil {
			return err
		}
		if p.kind == format.DictionaryPage {
			dict, err = newEntries(&passing, data, p.values, numeric)
			return err
		}
		if !coded(p.encoding) {
			numbers, err := plainNumbers(&passing, p, data, numeric)
			if err != nil {
				return err
			}
			for len(values) < len(rows) && rows[len(values)] < first+p.values {
				values = append(values, textOf(uint32(numbers[rows[len(values)]-first])))
			}
			first += p.values
			return nil
		}
		codes, err := readCodes(&passing, data, p.values, min(dict.n, 1<<16))
		if err != nil {
			return err
		}
		for len(values) < len(rows) && rows[len(values)] < first+p.values {
			values = append(values, dict.text(codes[rows[len(values)]-first]))
		}
		first += p.values
		return nil
	})
	return values, err
}

// entries are the values of a dictionary as they stand in its page.
type entries struct {
	n       int
	data    []byte
	numeric bool
	ends    []uint32 // of texts
}

// lengthBytes is what stands in front of each text.
const lengthBytes = 4

func newEntries(room *Room, data []byte, n int, numeric bool) (entries, error) {
	e := entries{n: n, data: data, numeric: numeric}
	if n > len(data)/lengthBytes {
		return e, errKind
	}
	if numeric {
		return e, nil
	}
	e.ends = room.place(n)
	at := 0
	for i := range e.ends {
		if at+lengthBytes > len(data) {
			return e, errKind
		}
		length := int(binary.LittleEndian.Uint32(data[at:]))
		if at += lengthBytes; length > len(data)-at {
			return e, errKind
		}
		at += length
		e.ends[i] = uint32(at)
	}
	return e, nil
}

// place is where a text stands.
func (e *entries) place(code int32) (from, to uint32) {
	if code == 0 {
		return lengthBytes, e.ends[0]
	}
	return e.ends[code-1] + lengthBytes, e.ends[code]
}

// text is a value as a text of its own.
func (e *entries) text(code int32) string {
	if e.numeric {
		return numberText(e.data, code)
	}
	from, to := e.place(code)
	return string(e.data[from:to])
}

// all gives all values as texts of their own: a text that changes when a block is released would be found by nobody.
func (e *entries) all(room *Room) []string {
	values := room.text(e.n)
	if e.numeric {
		for i := range values {
			values[i] = numberText(e.data, int32(i))
		}
		return values
	}
	texts := string(e.data)
	for i := range values {
		from, to := e.place(int32(i))
		values[i] = texts[from:to]
	}
	return values
}

// numberText writes a number of a dictionary; 0 stands for none.
func numberText(data []byte, code int32) string {
	return textOf(binary.LittleEndian.Uint32(data[lengthBytes*code:]))
}

// textOf writes a number; 0 stands for none.
func textOf(n uint32) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(n), 10)
}
