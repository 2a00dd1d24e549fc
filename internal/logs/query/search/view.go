package search

import (
	"errors"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/text"
)

// errShape says that a block contradicts itself.
var errShape = errors.New("the parts of the block do not fit together")

// view is a worker's look at one block. What was read once is kept until the next block.
type view struct {
	query.Block
	stat    query.Stat
	decode  func(event.Format, []byte) []event.Field
	keys    []string // native keys without a column that the query asks for
	scratch text.Scratch
	free    []rows // for sets that are needed for a moment
	marks   []uint8

	times    []int64
	seqs     []uint64
	columns  map[string]*query.Column
	decoded  map[string]*decoded
	have     rows // rows that are decoded
	text     []byte
	ends     []uint32
	searched int64 // bytes of raw lines read
}

// decoded is a column made of keys in raw lines; rows that were not asked for have "".
type decoded struct {
	query.Column
	codes map[string]uint16
	last  int // the row that was read last, counted from 1
}

func (v *view) reset(b query.Block, stat query.Stat) {
	v.Block, v.stat = b, stat
	v.times, v.seqs, v.text, v.ends, v.have, v.searched = nil, nil, nil, nil, nil, 0
	clear(v.columns)
	clear(v.decoded)
}

func (v *view) words() int { return (v.stat.Rows + 63) / 64 }

// take gives a set with any content; give takes it back.
func (v *view) take() rows {
	n := v.words()
	for len(v.free) > 0 {
		r := v.free[len(v.free)-1]
		v.free = v.free[:len(v.free)-1]
		if cap(r) >= n {
			return r[:n]
		}
	}
	return make(rows, n, max(n, 128))
}

func (v *view) give(r rows) { v.free = append(v.free, r) }

// hits gives a place for each of n values.
func (v *view) hits(n int) []uint8 {
	if cap(v.marks) < n {
		v.marks = make([]uint8, n, max(n, 8192))
	}
	return v.marks[:n]
}

// loadTimes reads the times.
func (v *view) loadTimes() ([]int64, error) {
	if v.times == nil {
		times, err := v.Times()
		if err != nil {
			return nil, fmt.Errorf("times: %w", err)
		}
		if len(times) != v.stat.Rows {
			return nil, fmt.Errorf("times: %w", errShape)
		}
		v.times = times
	}
	return v.times, nil
}

// loadSeqs reads the sequence numbers.
func (v *view) loadSeqs() ([]uint64, error) {
	if v.seqs == nil {
		seqs, err := v.Seqs()
		if err != nil {
			return nil, fmt.Errorf("seqs: %w", err)
		}
		if len(seqs) != v.stat.Rows {
			return nil, fmt.Errorf("seqs: %w", errShape)
		}
		v.seqs = seqs
	}
	return v.seqs, nil
}

// loadText reads the raw lines.
func (v *view) loadText() error {
	if v.ends != nil {
		return nil
	}
	lines, ends, err := v.Messages()
	if err != nil {
		return fmt.Errorf("messages: %w", err)
	}
	if len(ends) != v.stat.Rows || len(ends) > 0 && int(ends[len(ends)-1]) != len(lines) {
		return fmt.Errorf("messages: %w", errShape)
	}
	last := uint32(0)
	for _, end := range ends {
		if end < last {
			return fmt.Errorf("messages: %w", errShape)
		}
		last = end
	}
	v.text, v.ends = lines, ends
	v.searched += int64(len(lines))
	return nil
}

// line is the raw line of a row; loadText comes first.
func (v *view) line(row int) []byte {
	if row == 0 {
		return v.text[:v.ends[0]]
	}
	return v.text[v.ends[row-1]:v.ends[row]]
}

// column gives a field as a column that holds for the rows of in; nil: all rows have "".
func (v *view) column(name string, in rows) (*query.Column, error) {
	if !query.IsColumn(name) {
		return v.keyColumn(name, in)
	}
	if c, ok := v.columns[name]; ok {
		return c, nil
	}
	c, err := v.Column(name)
	if errors.Is(err, query.ErrNotKept) {
		return v.keyColumn(name, in)
	}
	if err != nil {
		return nil, fmt.Errorf("column %s: %w", name, err)
	}
	if c, err = v.checked(name, c); err != nil {
		return nil, err
	}
	v.columns[name] = c
	return c, nil
}

// checked looks at a column once, so that reading it needs no care.
func (v *view) checked(name string, c *query.Column) (*query.Column, error) {
	if c == nil {
		return nil, nil
	}
	if len(c.Codes) != v.stat.Rows {
		return nil, fmt.Errorf("column %s: %w", name, errShape)
	}
	if int(greatest(c.Codes)) >= len(c.Values) {
		return nil, fmt.Errorf("column %s: %w", name, errShape)
	}
	switch name {
	case "src_port", "dst_port", "severity":
		for i, value := range c.Values {
			if value == "0" { // unknown
				values := append([]string(nil), c.Values...)
				values[i] = ""
				return &query.Column{Codes: c.Codes, Values: values}, nil
			}
		}
	}
	return c, nil
}

// greatest gives the greatest code, four at a time: that is done for every column of every block.
func greatest(codes []uint16) uint16 {
	var a, b, c, d uint16
	for len(codes) >= 4 {
		a, b, c, d = max(a, codes[0]), max(b, codes[1]), max(c, codes[2]), max(d, codes[3])
		codes = codes[4:]
	}
	for _, code := range codes {
		a = max(a, code)
	}
	return max(a, b, c, d)
}

// keyColumn reads keys from raw lines. All keys of the query are taken from a line at once.
func (v *view) keyColumn(name string, in rows) (*query.Column, error) {
	if v.decode == nil {
		return nil, nil
	}
	names := v.keys
	if v.have == nil {
		v.have = make(rows, v.words())
	}
	if v.decoded[name] == nil {
		clear(v.have)
		clear(v.decoded)
		for _, n := range append([]string{name}, names...) {
			v.decoded[n] = &decoded{
				Column: query.Column{Codes: make([]uint16, v.stat.Rows), Values: []string{""}}, codes: map[string]uint16{"": 0},
			}
		}
	}
	format, err := v.column("format", nil)
	if err != nil || format == nil {
		return nil, err
	}
	missing := false
	for i, w := range in {
		missing = missing || w&^v.have[i] != 0
	}
	if !missing {
		return &v.decoded[name].Column, nil
	}
	if err := v.loadText(); err != nil {
		return nil, err
	}
	in.each(func(row int) bool {
		if v.have[row>>6]>>(row&63)&1 == 0 {
			v.have[row>>6] |= 1 << (row & 63)
			v.decodeRow(row, event.Format(format.Values[format.Codes[row]]))
		}
		return true
	})
	return &v.decoded[name].Column, nil
}

// decodeRow takes the keys asked for from one line; the first of a name counts.
func (v *view) decodeRow(row int, format event.Format) {
	if format == event.Raw {
		return
	}
	for _, field := range v.decode(format, v.line(row)) {
		d := v.decoded[field.Name]
		if d == nil || d.last == row+1 {
			continue
		}
		d.last = row + 1
		code, ok := d.codes[field.Value]
		if !ok {
			code = uint16(len(d.Values))
			d.codes[field.Value] = code
			d.Values = append(d.Values, field.Value)
		}
		d.Codes[row] = code
	}
}

// received gives the times of receipt where the block knows them.
func received(v *view) ([]int64, error) {
	r, ok := v.Block.(query.Receiver)
	if !ok {
		return nil, nil
	}
	times, err := r.Received()
	if err != nil {
		return nil, fmt.Errorf("received: %w", err)
	}
	if len(times) != v.stat.Rows {
		return nil, fmt.Errorf("received: %w", errShape)
	}
	return times, nil
}

// places gives the rows of a set as places without block, the last first if back, until do returns false.
func (v *view) places(found rows, back bool, do func(p place) bool) error {
	times, err := v.loadTimes()
	if err != nil {
		return err
	}
	seqs, err := v.loadSeqs()
	if err != nil {
		return err
	}
	source := func(int) string { return v.stat.Source }
	if v.stat.Source == "" {
		column, err := v.column("source", found)
		if err != nil {
			return err
		}
		if column != nil {
			source = func(row int) string { return column.Values[column.Codes[row]] }
		}
	}
	walk := found.each
	if back {
		walk = found.back
	}
	walk(func(row int) bool {
		return do(place{time: times[row], source: source(row), seq: seqs[row], row: row})
	})
	return nil
}
