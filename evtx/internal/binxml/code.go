// Package binxml compiles the binary XML of event logs: templates and fragments become flat lists of ops, once per
// chunk, and template instances are read into lists of values. What records make of both is up to the caller.
// It imports value.
package binxml

import (
	"encoding/binary"

	"github.com/kizuki-security/kizuki/evtx/internal/value"
)

var le = binary.LittleEndian

// MaxOps bounds what the templates of one chunk may compile to; one written by Windows stays below 20,000.
const MaxOps = 1 << 18

const (
	maxNesting = 96      // elements inside elements of one template
	maxLits    = 1 << 20 // bytes of text in all templates of one chunk
	maxName    = 2 * 1024
)

// Span is a part of a list: from A up to B.
type Span struct{ A, B int32 }

// Val is one value of a template instance: where in the chunk it lies. The zero value is null.
type Val struct {
	Off  uint32
	Size uint16
	Typ  byte
}

// IsNull tells a value that is not there: types of a fixed size may have none.
func (v Val) IsNull() bool {
	if v.Size > 0 {
		return v.Typ == value.TypeNull
	}
	return v.Typ != value.TypeString && v.Typ != value.TypeANSI && v.Typ != value.TypeBinary
}

// Code is the binary XML of one chunk. Its lists are used again for the next chunk.
type Code struct {
	Buf     []byte // the chunk; offsets in binary XML are counted from its start
	Ops     []Op
	Lits    []byte         // text of literals
	Strings value.Interner // of names; it outlives chunks

	names   map[uint32]string // by offset
	done    map[int32]compiled
	parser  parser
	scratch []byte
	skipped []Val
}

// compiled is the outcome of compiling one piece of binary XML.
type compiled struct {
	span Span
	err  error
}

// Reset forgets the last chunk.
func (c *Code) Reset(chunk []byte) {
	if c.names == nil {
		c.names = make(map[uint32]string)
		c.done = make(map[int32]compiled)
	}
	clear(c.names)
	clear(c.done)
	c.Buf, c.Ops, c.Lits = chunk, c.Ops[:0], c.Lits[:0]
}

// name reads the name at an offset of the chunk: next (4 bytes), hash (2), characters (2), UTF-16, NUL. The table
// of names in the chunk header is not asked: it is damaged in some files and not needed.
func (c *Code) name(off uint32) (string, error) {
	if s, ok := c.names[off]; ok {
		return s, nil
	}
	n := uint32(len(c.Buf))
	if off > n || n-off < 8 {
		return "", ErrBadName
	}
	size := 2 * uint32(le.Uint16(c.Buf[off+6:]))
	if size == 0 || size > maxName || size > n-off-8 {
		return "", ErrBadName
	}
	c.scratch = value.AppendUTF16(c.scratch[:0], c.Buf[off+8:off+8+size])
	s := c.Strings.Get(c.scratch)
	c.names[off] = s
	return s, nil
}

// nameRef reads the reference to a name at pos and gives the place behind it; the name itself may stand there.
func (c *Code) nameRef(pos, end int) (name string, next int, err error) {
	if end-pos < 4 {
		return "", pos, ErrCutShort
	}
	off := le.Uint32(c.Buf[pos:])
	if name, err = c.name(off); err != nil {
		return "", pos, err
	}
	next = pos + 4
	if int(off) == next {
		next += 8 + 2*int(le.Uint16(c.Buf[off+6:])) + 2
	}
	return name, next, nil
}

// Instance is a template with its values.
type Instance struct {
	Def  int // where the binary XML of the template starts
	Size int // its size by its header
	Vals Span
	End  int // behind the values
}

const (
	instanceHeader = 10 // mark, version, identifier of the template (4), its offset (4)
	templateHeader = 24 // offset of another (4), GUID (16), size of the binary XML (4)
)

// Instance reads the template instance at pos and appends its values to vals; Vals tells where they are.
func (c *Code) Instance(pos, end int, vals []Val) (in Instance, _ []Val, err error) {
	if end-pos < instanceHeader+4 {
		return in, vals, ErrCutShort
	}
	off := int64(le.Uint32(c.Buf[pos+6:]))
	if off+templateHeader > int64(len(c.Buf)) {
		return in, vals, ErrBadTemplate
	}
	in.Def = int(off) + templateHeader
	size := int64(le.Uint32(c.Buf[off+20:]))
	if size > int64(len(c.Buf)-in.Def) {
		return in, vals, ErrBadTemplate
	}
	in.Size = int(size)
	pos += instanceHeader
	if int(off) == pos { // the first record that needs a template carries it
		pos += templateHeader + in.Size
	}
	if pos > end-4 {
		return in, vals, ErrCutShort
	}
	count := int(le.Uint32(c.Buf[pos:]))
	pos += 4
	if count < 0 || count > (end-pos)/4 {
		return in, vals, ErrBadValues
	}
	at := pos + 4*count
	from := len(vals)
	in.Vals = Span{int32(from), int32(from + count)}
	for ; count > 0; count-- {
		size := le.Uint16(c.Buf[pos:])
		if int(size) > end-at {
			return in, vals[:from], ErrBadValues
		}
		vals = append(vals, Val{uint32(at), size, c.Buf[pos+2]})
		at += int(size)
		pos += 4
	}
	in.End = at
	return in, vals, nil
}

// Template compiles the template of an instance.
func (c *Code) Template(in Instance) (Span, error) { return c.compile(in.Def, in.Def+in.Size, true) }

// Fragment compiles elements that stand at pos without a template.
func (c *Code) Fragment(pos, end int) (Span, error) { return c.compile(pos, end, false) }

// Value gives the bytes of a value.
func (c *Code) Value(v Val) []byte { return c.Buf[v.Off : v.Off+uint32(v.Size)] }
