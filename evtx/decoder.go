package evtx

import (
	"bytes"
	"unicode"
)

// Limits that no log written by Windows comes near. They bound time and memory on hostile files.
const (
	maxNesting = 96      // elements inside elements of one template
	maxDepth   = 16      // binary XML inside values inside binary XML
	maxSteps   = 1 << 18 // steps that all records of a chunk may take, and of those that templates compile to
	maxOutput  = 8 << 20 // bytes that the fields of all records of a chunk may unfold to
)

// span is a part of a list: from a up to b.
type span struct{ a, b int32 }

// val is one value of a template instance: where in the chunk it lies.
type val struct {
	off  uint32
	size uint16
	typ  byte
}

type flatKey struct {
	pos int32 // of the binary XML
	ctx int32 // where its elements stand
}

// compiled is the outcome of compiling one piece of binary XML.
type compiled struct {
	span span
	err  error
}

// decoder turns the binary XML of one chunk into fields and JSON. Everything it keeps for a chunk lies in lists that
// are used again for the next one.
type decoder struct {
	buf  []byte // the chunk; offsets in binary XML are counted from its start
	trim bool   // Options.TrimSpace

	strings  interner
	names    map[uint32]string // by offset
	code     map[int32]compiled
	ops      []op
	lits     []byte // text of literals
	flat     map[flatKey]compiled
	steps    []step
	contexts []context
	ctxOf    map[context]int32
	parser   parser

	vals   []val // of the template instances being unfolded, innermost last
	depth  int   // of binary XML inside values
	budget int   // steps left for this chunk
	room   int   // bytes left for the output of this chunk

	// The record being read.
	out     []byte
	fields  []Field
	system  [systemFields]int32 // index+1 of each well-known field
	created uint64              // TimeCreated, 0 when it is not given as a FILETIME
	join    []byte

	// JSON only.
	kids       []kid
	jsonBudget int
	jsonRoom   int
}

// reset makes the decoder ready for another chunk.
func (d *decoder) reset(chunk []byte) {
	d.buf = chunk
	if d.names == nil {
		d.names = make(map[uint32]string)
		d.code = make(map[int32]compiled)
		d.flat = make(map[flatKey]compiled)
	}
	clear(d.names)
	clear(d.code)
	clear(d.flat)
	if d.ctxOf == nil || len(d.contexts) > 1<<12 {
		d.ctxOf = make(map[context]int32)
		d.contexts = d.contexts[:0]
		d.context(context{level: levelDocument})
	}
	d.ops, d.lits, d.steps = d.ops[:0], d.lits[:0], d.steps[:0]
	d.vals = d.vals[:0]
	d.depth = 0
	d.budget, d.room = maxSteps, maxOutput
	d.jsonBudget, d.jsonRoom = 4*maxSteps, 4*maxOutput
}

// name reads the name at an offset of the chunk: next (4 bytes), hash (2), characters (2), UTF-16, NUL. The table
// of names in the chunk header is not asked: it is damaged in some files and not needed.
func (d *decoder) name(off uint32) (string, error) {
	if s, ok := d.names[off]; ok {
		return s, nil
	}
	n := uint32(len(d.buf))
	if off > n || n-off < 8 {
		return "", BadName
	}
	size := 2 * uint32(le.Uint16(d.buf[off+6:]))
	if size == 0 || size > n-off-8 {
		return "", BadName
	}
	d.join = appendUTF16(d.join[:0], d.buf[off+8:off+8+size])
	s := d.strings.get(d.join)
	d.names[off] = s
	return s, nil
}

// nameRef reads the reference to a name at pos and gives the place behind it; the name itself may stand there.
func (d *decoder) nameRef(pos, end int) (name string, next int, err error) {
	if end-pos < 4 {
		return "", pos, CutShort
	}
	off := le.Uint32(d.buf[pos:])
	if name, err = d.name(off); err != nil {
		return "", pos, err
	}
	next = pos + 4
	if int(off) == next {
		next += 8 + 2*int(le.Uint16(d.buf[off+6:])) + 2
	}
	return name, next, nil
}

// instance is a template with its values.
type instance struct {
	def  int32 // where the binary XML of the template starts
	size int32 // its size by its header
	vals span  // in decoder.vals
	end  int   // behind the values
}

const (
	instanceHeader = 10 // mark, version, identifier of the template (4), its offset (4)
	templateHeader = 24 // offset of another (4), GUID (16), size of the binary XML (4)
)

// instance reads the template instance at pos and puts its values on top of d.vals; the caller takes them off.
func (d *decoder) instance(pos, end int) (in instance, err error) {
	if end-pos < instanceHeader+4 {
		return in, CutShort
	}
	off := int64(le.Uint32(d.buf[pos+6:]))
	if off+templateHeader > int64(len(d.buf)) {
		return in, BadTemplate
	}
	in.def = int32(off) + templateHeader
	size := int64(le.Uint32(d.buf[off+20:]))
	if size > int64(len(d.buf))-int64(in.def) {
		return in, BadTemplate
	}
	in.size = int32(size)
	pos += instanceHeader
	if int(off) == pos { // the first record that needs a template carries it
		pos += templateHeader + int(size)
	}
	if pos > end-4 {
		return in, CutShort
	}
	count := int(le.Uint32(d.buf[pos:]))
	pos += 4
	if count < 0 || count > (end-pos)/4 {
		return in, BadValues
	}
	at := pos + 4*count
	in.vals = span{int32(len(d.vals)), int32(len(d.vals) + count)}
	for ; count > 0; count-- {
		size := le.Uint16(d.buf[pos:])
		if int(size) > end-at {
			d.vals = d.vals[:in.vals.a]
			return in, BadValues
		}
		d.vals = append(d.vals, val{uint32(at), size, d.buf[pos+2]})
		at += int(size)
		pos += 4
	}
	in.end = at
	return in, nil
}

// value gives the bytes of a value.
func (d *decoder) value(v val) []byte { return d.buf[v.off : v.off+uint32(v.size)] }

// appendText appends a text value.
func (d *decoder) appendText(dst, b []byte) []byte {
	n := len(dst)
	dst = appendUTF16(dst, b)
	if d.trim {
		dst = dst[:n+len(bytes.TrimRightFunc(dst[n:], unicode.IsSpace))]
	}
	return dst
}
