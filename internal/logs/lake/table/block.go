package table

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// Block holds rows sorted by source, time and sequence, at most BlockRows.
type Block struct {
	Stat     query.Stat
	Seqs     []uint64
	Times    []int64 // microseconds since 1970 UTC
	Received []int64
	Cols     []*query.Column // as Names; nil: all rows have ""
	Text     []byte          // messages one after another
	Ends     []uint32        // where they end
	remap    Remap
	columns  []query.Column // what Cols points to, of a block that Into made
}

// Rows is the number of rows.
func (b *Block) Rows() int { return len(b.Seqs) }

// Value of a column in a row.
func (b *Block) Value(col, row int) string {
	if c := b.Cols[col]; c != nil {
		return c.Values[c.Codes[row]]
	}
	return ""
}

// Raw is the message of a row.
func (b *Block) Raw(row int) []byte {
	from := uint32(0)
	if row > 0 {
		from = b.Ends[row-1]
	}
	return b.Text[from:b.Ends[row]:b.Ends[row]]
}

// Record makes the record of a row anew, without native keys that have no column.
func (b *Block) Record(row int) event.Record {
	return record(b.Seqs[row], b.Times[row], b.Received[row], b.Raw(row), func(col int) string { return b.Value(col, row) })
}

// Order sorts the rows from:to of a view by source, time and sequence. Rows of one source mostly came in this order: they
// are gathered, and sorted only where they did not.
func (v *View) Order(from, to int) []int32 {
	type key struct {
		at  int64
		seq uint64
		row int32
	}
	rank := v.sourceRanks()
	if rank == nil { // all have the source ""
		rank = []uint32{0}
	}
	sourceOf := func(row int) uint32 {
		if codes := v.cols[Source].codes; codes != nil {
			return rank[codes[row]]
		}
		return 0
	}
	ends := make([]int, len(rank)+1) // of the rows of each source, once they are placed
	for row := from; row < to; row++ {
		ends[sourceOf(row)+1]++
	}
	for i := range rank {
		ends[i+1] += ends[i]
	}
	keys := make([]key, to-from)
	for row := from; row < to; row++ {
		end := &ends[sourceOf(row)]
		keys[*end] = key{v.Times[row], v.Seqs[row], int32(row)}
		*end++
	}
	compare := func(a, b key) int {
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		return cmp.Compare(a.seq, b.seq)
	}
	begin := 0
	for _, end := range ends[:len(rank)] {
		if rows := keys[begin:end]; !slices.IsSortedFunc(rows, compare) {
			slices.SortFunc(rows, compare)
		}
		begin = end
	}
	order := make([]int32, len(keys))
	for i := range keys {
		order[i] = keys[i].row
	}
	return order
}

// sourceRanks gives each code of the source column its place in the order of names.
func (v *View) sourceRanks() []uint32 {
	values := v.cols[Source].values
	if len(values) == 0 {
		return nil
	}
	sorted := make([]int, len(values))
	for i := range sorted {
		sorted[i] = i
	}
	slices.SortFunc(sorted, func(a, b int) int { return strings.Compare(values[a], values[b]) })
	rank := make([]uint32, len(values))
	for place, code := range sorted {
		rank[code] = uint32(place)
	}
	return rank
}

// Cut splits an order into blocks by the limits of a block.
func (v *View) Cut(order []int32) [][]int32 {
	var blocks [][]int32
	from, size := 0, 0
	for i, row := range order {
		n := len(v.Raw[row])
		if i > from && (i-from == BlockRows || size+n > BlockBytes) {
			blocks = append(blocks, order[from:i:i])
			from, size = i, 0
		}
		size += n
	}
	if from < len(order) {
		blocks = append(blocks, order[from:])
	}
	return blocks
}

// Stat tells of a block without making it.
func (v *View) Stat(rows []int32) query.Stat {
	s := query.Stat{Rows: len(rows), From: v.Times[rows[0]], To: v.Times[rows[0]], Source: v.Source(int(rows[0]))}
	for _, r := range rows {
		s.From, s.To = min(s.From, v.Times[r]), max(s.To, v.Times[r])
		s.Bytes += int64(len(v.Raw[r]))
	}
	if v.Source(int(rows[len(rows)-1])) != s.Source { // rows are sorted by source
		s.Source = ""
	}
	return s
}

// Block makes a block of rows that Order and Cut gave.
func (v *View) Block(rows []int32) *Block { return v.Into(&Block{}, rows) }

// Into makes a block as Block does, in the memory of one that is not used any more.
func (v *View) Into(b *Block, rows []int32) *Block {
	text, ends := b.Text, b.Ends
	*b = Block{
		Stat: v.Stat(rows), Cols: b.Cols, remap: b.remap, columns: b.columns,
		Seqs: into(b.Seqs, v.Seqs, rows), Times: into(b.Times, v.Times, rows), Received: into(b.Received, v.Received, rows),
	}
	if b.columns == nil {
		b.Cols, b.columns = make([]*query.Column, Columns), make([]query.Column, Columns)
	}
	for i := range b.Cols {
		b.Cols[i] = v.column(i, rows, &b.remap, &b.columns[i])
	}
	b.Text, b.Ends = v.messages(text, ends, rows, b.Stat.Bytes)
	return b
}

// Pick gathers the values of rows.
func Pick[T any](all []T, rows []int32) []T { return into(nil, all, rows) }

// into gathers the values of rows, where there is room in the memory of those that picked held.
func into[T any](picked, all []T, rows []int32) []T {
	picked = slices.Grow(picked[:0], len(rows))
	for _, r := range rows {
		picked = append(picked, all[r])
	}
	return picked
}

// Remap turns codes of a table into codes of a block. The zero value is ready; it may be used again.
type Remap struct {
	to   []uint16
	seen []uint32 // to[i] counts when seen[i] is round
	n    uint32
}

func (m *Remap) reset(codes int) {
	if len(m.to) < codes {
		m.to, m.seen, m.n = make([]uint16, codes), make([]uint32, codes), 0
	}
	m.n++
}

// Column makes one column of a block, nil when all rows have "".
func (v *View) Column(col int, rows []int32, remap *Remap) *query.Column {
	if v.cols[col].codes == nil {
		return nil
	}
	return v.column(col, rows, remap, &query.Column{})
}

// column does what Column does, in the memory of a column that is not used any more.
func (v *View) column(col int, rows []int32, remap *Remap, out *query.Column) *query.Column {
	c := &v.cols[col]
	if c.codes == nil {
		return nil
	}
	remap.reset(len(c.values))
	codes, values := slices.Grow(out.Codes[:0], len(rows))[:len(rows)], out.Values[:0]
	for i, r := range rows {
		code := c.codes[r]
		if remap.seen[code] != remap.n {
			remap.seen[code] = remap.n
			remap.to[code] = uint16(len(values))
			values = append(values, c.values[code])
		}
		codes[i] = remap.to[code]
	}
	out.Codes, out.Values = codes, values
	if len(values) == 1 && values[0] == "" {
		return nil
	}
	return out
}

// Messages puts the messages of rows, size bytes together, one after another.
func (v *View) Messages(rows []int32, size int64) (text []byte, ends []uint32) {
	return v.messages(nil, nil, rows, size)
}

// messages does what Messages does, in memory that is not used any more.
func (v *View) messages(text []byte, ends []uint32, rows []int32, size int64) ([]byte, []uint32) {
	if text = text[:0]; cap(text) < int(size) {
		text = make([]byte, 0, int(size+size/8)) // the next block may be a little larger
	}
	ends = slices.Grow(ends[:0], len(rows))
	for _, r := range rows {
		text = append(text, v.Raw[r]...)
		ends = append(ends, uint32(len(text)))
	}
	return text, ends
}

// AddRow appends a row of a block: what a merge does. codes remembers what codes of b are in t; it belongs to one pair
// of t and b and is made by Codes.
func (t *Table) AddRow(b *Block, row int, codes [][]uint32) {
	t.begin(b.Seqs[row], b.Times[row], b.Received[row], b.Raw(row))
	for i, c := range b.Cols {
		if c == nil {
			continue
		}
		code := c.Codes[row]
		value := c.Values[code]
		if value == "" {
			continue
		}
		if known := codes[i][code]; known != 0 {
			t.put(&t.cols[i], known)
			continue
		}
		if numeric, _ := Numeric(i); numeric {
			n, _ := strconv.ParseUint(value, 10, 16) // the column holds nothing else
			t.setNumber(i, uint16(n))
		} else {
			t.set(i, value)
		}
		codes[i][code] = t.cols[i].codes[len(t.seqs)-1]
	}
	t.end()
}

// Codes makes the memory that AddRow needs for a block.
func Codes(b *Block) [][]uint32 {
	codes := make([][]uint32, len(b.Cols))
	for i, c := range b.Cols {
		if c != nil {
			codes[i] = make([]uint32, len(c.Values))
		}
	}
	return codes
}

// Binary says which columns hold bytes that are no UTF-8, by their place; Columns stands for the messages.
func (v *View) Binary() []int {
	var places []int
	for i := range v.cols {
		if slices.ContainsFunc(v.cols[i].values, func(s string) bool { return !utf8.ValidString(s) }) {
			places = append(places, i)
		}
	}
	if slices.ContainsFunc(v.Raw, func(raw []byte) bool { return !utf8.Valid(raw) }) {
		places = append(places, Columns)
	}
	return places
}

// AllPromoted has the bits of the columns of event.Promoted, by their place in Names.
var AllPromoted = uint64(1)<<Columns - uint64(1)<<Promoted

// Absent has the bits of the columns of event.Promoted that no row has a value in.
func (v *View) Absent() uint64 {
	absent := AllPromoted
	for i := range v.cols {
		if v.cols[i].codes != nil {
			absent &^= 1 << i
		}
	}
	return absent
}

// CountSources counts the rows of each source.
func (v *View) CountSources() map[string]int {
	c := &v.cols[Source]
	counts := make([]int, len(c.values))
	for _, code := range c.codes {
		counts[code]++
	}
	out := make(map[string]int, len(counts))
	for code, n := range counts {
		if n > 0 {
			out[c.values[code]] = n
		}
	}
	return out
}
