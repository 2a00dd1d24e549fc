// Package table keeps records as columns in memory: a Table grows row by row and is read meanwhile through Views; a
// Block is what one block of a sealed file holds, and a hot block of a query.
//
// It owns the words table, view, column and block. It imports event and query. It knows no file.
package table

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// Limits of a block.
const (
	BlockRows  = 8192
	BlockBytes = 16 << 20 // of messages; a larger message is a block of its own
)

// Places of columns in Names that code refers to.
const (
	Source = iota
	Format
	common // the first of event.Common
)

// Names are the dictionary-coded columns in the order of the files: source, format, event.Common, event.Promoted.
var Names = append(append([]string{"source", "format"}, event.Common...), event.Promoted...)

// Columns is their number.
var Columns = len(Names)

// Promoted is the place of the first of event.Promoted.
var Promoted = common + len(event.Common)

var places = func() map[string]int {
	m := make(map[string]int, len(Names))
	for i, name := range Names {
		m[name] = i
	}
	return m
}()

// Place is where a column stands in Names, -1 for none.
func Place(name string) int {
	if i, ok := places[name]; ok {
		return i
	}
	return -1
}

// Numeric says whether a column holds numbers from 0 to its second result; 0 is written "".
func Numeric(place int) (numeric bool, most int) {
	switch Names[place] {
	case "src_port", "dst_port":
		return true, 65535
	case "severity":
		return true, 255
	}
	return false, 0
}

// ports are the texts of all port numbers, so that a row makes none.
var ports = sync.OnceValue(func() *[65536]string {
	var t [65536]string
	for i := 1; i < len(t); i++ {
		t[i] = strconv.Itoa(i)
	}
	return &t
})

// column is one column of a table. It has no codes before its first value that is not empty.
type column struct {
	codes  []uint32
	spare  []uint32 // room for codes, of a use before Reset
	values []string // values[0] is ""
	index  map[string]uint32
	recent *[256]uint32   // codes by slotOf their values: most values come again soon, and a map asks for more
	number *[65536]uint32 // codes by their numbers, of a column of numbers
}

// slotOf spreads values over the places of column.recent.
func slotOf(value string) uint8 {
	n := len(value)
	return value[n-1]*31 ^ value[n/2]*17 ^ value[0] ^ uint8(n)*101
}

// Table grows by Add. One goroutine writes it; Views may be read by others meanwhile.
type Table struct {
	seqs            []uint64
	times, received []int64
	cols            []column
	used            []*column // those that have values
	raw             [][]byte
	arenas          [][]byte // with messages, the last one not yet full
	free            [][]byte // arenas of a use before Reset
	bytes           int64    // of messages
	held            int64    // of messages and dictionaries
	ports           *[65536]string
	promoted        int
}

// New makes an empty table.
func New() *Table {
	return &Table{cols: make([]column, Columns), ports: ports(), promoted: len(event.Promoted)}
}

// Keep says that the records were gathered when only the first of event.Promoted had columns: what they have under the
// others stands in their lines alone.
func (t *Table) Keep(promoted int) { t.promoted = min(promoted, len(event.Promoted)) }

// Rows is the number of rows.
func (t *Table) Rows() int { return len(t.seqs) }

// Bytes is the length of all messages together.
func (t *Table) Bytes() int64 { return t.bytes }

// Held is about the memory that the texts of the table take, bytes.
func (t *Table) Held() int64 { return t.held }

// Add appends a copy of a record.
func (t *Table) Add(r *event.Record) {
	t.begin(r.Seq, micros(r), r.Received.UnixMicro(), r.Raw)
	t.set(Source, r.Source)
	t.set(Format, string(r.Format))
	c := common
	for _, v := range [...]string{r.Host, r.User, r.App, r.Action, r.Outcome, r.SrcIP, r.DstIP} {
		t.set(c, v)
		c++
	}
	for _, n := range [...]uint16{r.SrcPort, r.DstPort, uint16(r.Severity)} {
		t.setNumber(c, n)
		c++
	}
	t.set(c, r.EventID)
	for i := range r.Fields {
		if p := event.PlaceOf(r.Fields[i].Name); p >= 0 {
			t.set(Promoted+p, r.Fields[i].Value)
		}
	}
	t.end()
}

// micros is the time of a record as its column has it.
func micros(r *event.Record) int64 {
	if r.Time.IsZero() {
		return r.Received.UnixMicro()
	}
	return r.Time.UnixMicro()
}

func (t *Table) begin(seq uint64, at, received int64, raw []byte) {
	if n := len(t.seqs); n == cap(t.seqs) {
		t.seqs, t.times, t.received, t.raw = double(t.seqs), double(t.times), double(t.received), double(t.raw)
	}
	t.seqs = append(t.seqs, seq)
	t.times = append(t.times, at)
	t.received = append(t.received, received)
	t.raw = append(t.raw, t.keep(raw))
	t.bytes += int64(len(raw))
	t.held += int64(len(raw))
}

// double gives a slice room for twice as many; append alone grows large ones in small steps, and copies each time.
func double[T any](s []T) []T {
	return append(make([]T, 0, max(BlockRows, 2*len(s))), s...)
}

// end gives the new row an empty value in every column that has values and got none.
func (t *Table) end() {
	n := len(t.seqs)
	for _, c := range t.used {
		if len(c.codes) < n {
			c.push(0)
		}
	}
}

// set gives the newest row a value. The first of several for one column counts, as in query.ColumnText.
func (t *Table) set(i int, value string) {
	c := &t.cols[i]
	if value == "" || len(c.codes) == len(t.seqs) {
		return
	}
	if c.recent == nil {
		c.recent = new([256]uint32)
	}
	code := &c.recent[slotOf(value)]
	if *code == 0 || c.values[*code] != value {
		*code = t.code(c, value)
	}
	t.put(c, *code)
}

// code gives the code of a value, which may be new.
func (t *Table) code(c *column, value string) uint32 {
	code, ok := c.index[value]
	if !ok {
		if c.index == nil {
			c.index = map[string]uint32{"": 0}
		}
		value = strings.Clone(value)
		code = t.add(c, value)
		c.index[value] = code
	}
	return code
}

// add gives a new value its code.
func (t *Table) add(c *column, value string) uint32 {
	if len(c.values) == 0 {
		c.values = append(c.values, "")
	}
	c.values = append(c.values, value)
	t.held += int64(len(value)) + valueOverhead
	return uint32(len(c.values) - 1)
}

// setNumber does what set does with the text of a number; 0 is "".
func (t *Table) setNumber(i int, n uint16) {
	c := &t.cols[i]
	if n == 0 || len(c.codes) == len(t.seqs) {
		return
	}
	if c.number == nil {
		c.number = new([65536]uint32)
	}
	code := &c.number[n]
	if *code == 0 {
		*code = t.add(c, t.ports[n])
	}
	t.put(c, *code)
}

// put sets the code of the newest row, which has none yet.
func (t *Table) put(c *column, code uint32) {
	if c.codes == nil { // the column had no values so far
		n := len(t.seqs)
		if cap(c.spare) < n {
			c.spare = make([]uint32, 0, max(BlockRows, 2*n))
		}
		c.codes = c.spare[:n-1]
		clear(c.codes)
		t.used = append(t.used, c)
	}
	c.push(code)
}

func (c *column) push(code uint32) {
	if len(c.codes) == cap(c.codes) {
		c.codes = double(c.codes)
	}
	c.codes = append(c.codes, code)
}

// keep copies a message to memory of the table.
func (t *Table) keep(raw []byte) []byte {
	if len(raw) > arenaBytes/4 {
		return bytes.Clone(raw)
	}
	last := len(t.arenas) - 1
	if last < 0 || cap(t.arenas[last])-len(t.arenas[last]) < len(raw) {
		t.arenas = append(t.arenas, t.arena())
		last++
	}
	arena := t.arenas[last]
	from := len(arena)
	arena = append(arena, raw...)
	t.arenas[last] = arena
	return arena[from:len(arena):len(arena)]
}

// arena gives room for messages.
func (t *Table) arena() []byte {
	if n := len(t.free); n > 0 {
		arena := t.free[n-1]
		t.free = t.free[:n-1]
		return arena[:0]
	}
	return make([]byte, 0, arenaBytes)
}

// Reset empties the table for another use of its memory. Views, and messages that came out of them, must be gone; values
// may stay.
func (t *Table) Reset() {
	for _, c := range t.used {
		if c.number != nil {
			clear(c.number[:])
		}
		if c.recent != nil {
			clear(c.recent[:])
		}
		clear(c.index)
		clear(c.values)
		*c = column{spare: c.codes[:0], values: c.values[:0], index: c.index, recent: c.recent, number: c.number}
		if c.index != nil {
			c.index[""] = 0
		}
	}
	clear(t.raw) // some have memory of their own
	*t = Table{
		seqs: t.seqs[:0], times: t.times[:0], received: t.received[:0], raw: t.raw[:0],
		cols: t.cols, used: t.used[:0], free: append(t.free, t.arenas...),
		ports: t.ports, promoted: len(event.Promoted),
	}
}

const (
	arenaBytes    = 1 << 20
	valueOverhead = 64 // of a value in the map and the list of a column
)

// View is the table as it is now; it stays so while the table grows.
func (t *Table) View() *View {
	v := &View{
		Seqs: t.seqs, Times: t.times, Received: t.received, Raw: t.raw, Promoted: t.promoted,
		cols: make([]viewed, len(t.cols)),
	}
	for i := range t.cols {
		v.cols[i] = viewed{t.cols[i].codes, t.cols[i].values}
	}
	return v
}

// View is a table at one moment. It may be read by many goroutines.
type View struct {
	Seqs            []uint64
	Times, Received []int64
	Raw             [][]byte
	Promoted        int // how many of event.Promoted have columns
	cols            []viewed
}

type viewed struct {
	codes  []uint32
	values []string
}

// Rows is the number of rows.
func (v *View) Rows() int { return len(v.Seqs) }

// value of a column in a row.
func (v *View) value(col, row int) string {
	if c := &v.cols[col]; c.codes != nil {
		return c.values[c.codes[row]]
	}
	return ""
}

// Source of a row.
func (v *View) Source(row int) string { return v.value(Source, row) }

// Record makes the record of a row anew, without native keys that have no column.
func (v *View) Record(row int) event.Record {
	return record(v.Seqs[row], v.Times[row], v.Received[row], v.Raw[row], func(col int) string { return v.value(col, row) })
}

func record(seq uint64, at, received int64, raw []byte, value func(col int) string) event.Record {
	number := func(col int) uint16 {
		n, _ := strconv.ParseUint(value(col), 10, 16) // the column holds nothing else
		return uint16(n)
	}
	r := event.Record{
		Source: value(Source), Seq: seq, Time: time.UnixMicro(at).UTC(), Received: time.UnixMicro(received).UTC(),
		Format: event.Format(value(Format)), Raw: raw,
		Host: value(common), User: value(common + 1), App: value(common + 2), Action: value(common + 3),
		Outcome: value(common + 4), SrcIP: value(common + 5), DstIP: value(common + 6),
		SrcPort: number(common + 7), DstPort: number(common + 8), Severity: uint8(number(common + 9)),
		EventID: value(common + 10),
	}
	for i, name := range event.Promoted {
		if s := value(Promoted + i); s != "" {
			r.Fields = append(r.Fields, event.Field{Name: name, Value: s})
		}
	}
	return r
}

// Column is query.Column; the alias saves readers of this package an import.
type Column = query.Column
