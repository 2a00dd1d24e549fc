package evtx

import (
	"bytes"
	"unicode"

	"github.com/kizuki-security/kizuki/evtx/internal/binxml"
	"github.com/kizuki-security/kizuki/evtx/internal/value"
)

// Limits that no log written by Windows comes near. They bound time and memory on hostile files.
const (
	maxDepth  = 16      // templates inside values of templates
	maxSteps  = 1 << 18 // steps that all records of a chunk may take, and as many that its templates may have
	maxOutput = 8 << 20 // bytes that the fields of all records of a chunk may unfold to
)

type flatKey struct {
	pos int   // of the binary XML
	ctx int32 // where its elements stand
}

// flattened is the outcome of flattening one template in one context.
type flattened struct {
	steps binxml.Span
	err   error
}

// decoder turns the binary XML of one chunk into fields and JSON. Everything it keeps for a chunk lies in lists that
// are used again for the next one.
type decoder struct {
	binxml.Code
	trim bool // Options.TrimSpace

	flat     map[flatKey]flattened
	steps    []step
	contexts []context
	ctxOf    map[context]int32

	vals   []binxml.Val // of the template instances being unfolded, innermost last
	depth  int          // of binary XML inside values
	budget int          // steps left for this chunk
	room   int          // bytes left for the output of this chunk

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
	d.Reset(chunk)
	if d.flat == nil {
		d.flat = make(map[flatKey]flattened)
	}
	clear(d.flat)
	if d.ctxOf == nil || len(d.contexts) > 1<<12 {
		d.ctxOf = make(map[context]int32)
		d.contexts = d.contexts[:0]
		d.context(context{level: levelDocument})
	}
	d.steps, d.vals = d.steps[:0], d.vals[:0]
	d.depth = 0
	d.budget, d.room = maxSteps, maxOutput
	d.jsonBudget, d.jsonRoom = 4*maxSteps, 4*maxOutput
}

// appendText appends a text value.
func (d *decoder) appendText(dst, b []byte) []byte {
	n := len(dst)
	dst = value.AppendUTF16(dst, b)
	if d.trim {
		dst = dst[:n+len(bytes.TrimRightFunc(dst[n:], unicode.IsSpace))]
	}
	return dst
}
