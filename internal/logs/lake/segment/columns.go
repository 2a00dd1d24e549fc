package segment

import (
	"math"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// Look reads one block, into memory of a Room. It is for one goroutine; Free ends it.
type Look struct {
	*Reader
	block int
	room  *Room
}

// Look begins to read a block. What it gives lies in room, and is good until room is freed; nil: for good.
func (r *Reader) Look(block int, room *Room) Look { return Look{r, block, room} }

// Times of the rows of a block.
func (r *Reader) Times(block int) ([]int64, error) { return r.Look(block, nil).Times() }

// Received are the times when the rows of a block came in.
func (r *Reader) Received(block int) ([]int64, error) { return r.Look(block, nil).Received() }

// Seqs of the rows of a block.
func (r *Reader) Seqs(block int) ([]uint64, error) { return r.Look(block, nil).Seqs() }

// Messages of a block, one after another; row i ends at ends[i].
func (r *Reader) Messages(block int) (text []byte, ends []uint32, err error) {
	return r.Look(block, nil).Messages()
}

// Column gives a column of a block by its place in table.Names; nil: all rows have "". query.ErrNotKept: the file is older
// than the column.
func (r *Reader) Column(block, place int) (*query.Column, error) {
	return r.Look(block, nil).Column(place)
}

// Times of the rows.
func (l Look) Times() ([]int64, error) { return l.numbers(len(l.at) - 3) }

// Received are the times when the rows came in.
func (l Look) Received() ([]int64, error) { return l.numbers(len(l.at) - 2) }

// Seqs of the rows.
func (l Look) Seqs() ([]uint64, error) {
	numbers, err := l.numbers(len(l.at) - 4)
	if err != nil {
		return nil, err
	}
	seqs := l.room.seq(len(numbers))
	for i, n := range numbers {
		seqs[i] = uint64(n)
	}
	return seqs, nil
}

// numbers reads a column of numbers, in whatever encoding it stands.
func (l Look) numbers(column int) ([]int64, error) {
	numbers := l.room.long(l.Meta.Blocks[l.block].Rows)[:0]
	var passing Room
	defer passing.Free()
	var dict []int64
	err := l.chunk(l.block, column, func(p page) error {
		data, err := p.unpacked(&passing)
		if err != nil {
			return err
		}
		values := passing.long(p.values)[:0]
		switch {
		case p.kind == format.DictionaryPage:
			dict, err = parquet.Plain.DecodeInt64(values, data)
			return kindOf(err, len(dict) == p.values)
		case coded(p.encoding):
			codes, err := readCodes(&passing, data, p.values, len(dict))
			for _, code := range codes {
				numbers = append(numbers, dict[code])
			}
			return err
		}
		if !holds(p.encoding, data, p.values) {
			return errKind
		}
		values, err = parquet.LookupEncoding(p.encoding).DecodeInt64(values, data)
		numbers = append(numbers, values...)
		return kindOf(err, len(values) == p.values)
	})
	return numbers, err
}

// kindOf makes an error of what does not fit a column.
func kindOf(err error, fits bool) error {
	if err != nil {
		return damaged("values: %w", err)
	}
	if !fits {
		return errKind
	}
	return nil
}

// coded says whether values are numbers of a dictionary.
func coded(e format.Encoding) bool { return e == format.RLEDictionary }

// readCodes reads n numbers below limit of values in a dictionary, in memory of room.
func readCodes(room *Room, data []byte, n, limit int) ([]int32, error) {
	if !holdsCodes(data, n) {
		return nil, errKind
	}
	all, err := parquet.RLEDictionary.DecodeInt32(room.int(n + 8)[:0], data) // they come in groups of eight
	if err := kindOf(err, len(all) >= n); err != nil {
		return nil, err
	}
	all = all[:n]
	most := uint32(0)
	for _, code := range all {
		most = max(most, uint32(code)) // what is below 0 becomes large
	}
	if n > 0 && int64(most) >= int64(limit) {
		return nil, errKind
	}
	return all, nil
}

// Messages one after another; row i ends at ends[i].
func (l Look) Messages() (text []byte, ends []uint32, err error) {
	m := &l.Meta.Blocks[l.block]
	ends = l.room.place(m.Rows)[:0]
	err = l.chunk(l.block, len(l.at)-1, func(p page) error {
		if int64(p.size) > m.Bytes+most(m) {
			return errKind
		}
		data, err := p.unpacked(l.room)
		if err != nil {
			return err
		}
		if text == nil && p.values == m.Rows && p.encoding == format.DeltaLengthByteArray {
			// Nearly always: the texts stand together behind their lengths, and stay where they are.
			ends, err = lengths(data, ends, p.values)
			if err != nil || int64(len(data)) < m.Bytes {
				return kindOf(err, false)
			}
			text = data[int64(len(data))-m.Bytes:]
			return nil
		}
		if !holds(p.encoding, data, p.values) {
			return errKind
		}
		values, offsets, err := parquet.LookupEncoding(p.encoding).DecodeByteArray(nil, data, nil)
		if err := kindOf(err, len(offsets) == p.values+1); err != nil {
			return err
		}
		base := uint32(len(text)) - offsets[0]
		text = append(slices.Clip(text), values[offsets[0]:offsets[p.values]]...)
		for _, end := range offsets[1:] {
			ends = append(ends, base+end)
		}
		return nil
	})
	if err == nil && (len(ends) != m.Rows || int64(len(text)) != m.Bytes || int64(ends[m.Rows-1]) != m.Bytes) {
		err = damaged("messages of block %d", l.block)
	}
	return text, ends, err
}

// most is how much a page of messages may hold besides their texts: lengths, and what encodings put around them.
func most(m *Block) int64 { return 16*int64(m.Rows) + 4096 }

// lengths reads lengths of texts as the places where they end.
func lengths(data []byte, ends []uint32, n int) ([]uint32, error) {
	var passing Room
	defer passing.Free()
	if !holdsDeltas(data, n) {
		return ends, errKind
	}
	all, err := parquet.DeltaBinaryPacked.DecodeInt32(passing.int(n)[:0], data)
	if err := kindOf(err, len(all) == n); err != nil {
		return ends, err
	}
	end := int64(0)
	for _, length := range all {
		if end += int64(length); length < 0 || end > math.MaxUint32 {
			return ends, errKind
		}
		ends = append(ends, uint32(end))
	}
	return ends, nil
}

// Pick calls each with the messages of some rows, in their order, which must rise. It unpacks the parts of a page that
// have them.
func (l Look) Pick(rows []int, each func(row int, message []byte)) error {
	m := &l.Meta.Blocks[l.block]
	done := false
	err := l.chunk(l.block, len(l.at)-1, func(p page) error {
		head := int64(p.size) - m.Bytes // the lengths
		if p.values != m.Rows || p.encoding != format.DeltaLengthByteArray || head < 0 || head > most(m) || len(rows) == 0 {
			return nil
		}
		u, err := p.parts(l.room)
		if err == nil {
			err = u.need(0, int(head))
		}
		if err != nil {
			return err
		}
		ends, err := lengths(u.data[:head], l.room.place(p.values)[:0], p.values)
		if err != nil || int64(ends[m.Rows-1]) != m.Bytes {
			return kindOf(err, false)
		}
		for _, row := range slices.Backward(rows) {
			if from, to := span(ends, row); from < to {
				if err := u.need(int(head)+from, int(head)+to); err != nil {
					return err
				}
			}
		}
		eachMessage(u.data[head:], ends, rows, each)
		done = true
		return nil
	})
	if err != nil || done {
		return err
	}
	text, ends, err := l.Messages()
	if err == nil {
		eachMessage(text, ends, rows, each)
	}
	return err
}

func eachMessage(text []byte, ends []uint32, rows []int, each func(row int, message []byte)) {
	for _, row := range rows {
		from, to := span(ends, row)
		each(row, text[from:to:to])
	}
}

// span is where the message of a row stands.
func span(ends []uint32, row int) (from, to int) {
	if row > 0 {
		from = int(ends[row-1])
	}
	return from, int(ends[row])
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
