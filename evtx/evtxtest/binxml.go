// Package evtxtest writes Windows event log files for tests: templates, values of every type, chunks and files, as
// Windows lays them out, so that what a reader makes of them is known beforehand. It shares nothing with the reader.
package evtxtest

import (
	"encoding/binary"
	"math"
	"time"
	"unicode/utf16"
)

var le = binary.LittleEndian

// Types of values. Add Array for lists.
const (
	Null     = 0x00
	Str      = 0x01
	ANSI     = 0x02
	Int8     = 0x03
	Uint8    = 0x04
	Int16    = 0x05
	Uint16   = 0x06
	Int32    = 0x07
	Uint32   = 0x08
	Int64    = 0x09
	Uint64   = 0x0a
	Float32  = 0x0b
	Float64  = 0x0c
	Boolean  = 0x0d
	Binary   = 0x0e
	GUID     = 0x0f
	SizeT    = 0x10
	Filetime = 0x11
	Systime  = 0x12
	SID      = 0x13
	Hex32    = 0x14
	Hex64    = 0x15
	BinXML   = 0x21
	Array    = 0x80
)

// Value is one value of a record: bytes of a type, or a template instance (type BinXML).
type Value struct {
	Type     byte
	Data     []byte
	Instance *Instance
	Elements []Element // binary XML without a template
}

// Instance is a template with its values.
type Instance struct {
	Template *Template
	Values   []Value
}

// Template is a named layout; chunks carry each of theirs once.
type Template struct {
	ID   uint32
	Root Element
}

// Element is an element with its attributes and content.
type Element struct {
	Name    string
	Attrs   []Attr
	Content []Part
}

// Attr is an attribute.
type Attr struct {
	Name  string
	Value []Part
}

// Part is one piece of content. Exactly one of the fields is set; Sub counts from 1.
type Part struct {
	Text    string
	CDATA   string
	Entity  string
	Char    uint16
	PI      string // target; its data is "data"
	Sub     int
	Always  bool // the substitution is not optional
	Element *Element
	Raw     []byte // put in as it is
}

// UTF16 encodes text.
func UTF16(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = le.AppendUint16(b, u)
	}
	return b
}

// Text is a text value.
func Text(s string) Value { return Value{Type: Str, Data: UTF16(s)} }

// Number is a value of an integer type, of the given size in bytes.
func Number(typ byte, size int, v uint64) Value {
	return Value{Type: typ, Data: le.AppendUint64(nil, v)[:size]}
}

// Float is a value of type Float64.
func Float(v float64) Value {
	return Value{Type: Float64, Data: le.AppendUint64(nil, math.Float64bits(v))}
}

// Ticks gives a time as Windows counts it.
func Ticks(t time.Time) uint64 { return uint64(t.Unix()+11644473600)*1e7 + uint64(t.Nanosecond()/100) }

// Time is a value of type Filetime.
func Time(t time.Time) Value { return Number(Filetime, 8, Ticks(t)) }

// Identifier is a value of type SID.
func Identifier(authority byte, sub ...uint32) Value {
	b := []byte{1, byte(len(sub)), 0, 0, 0, 0, 0, authority}
	for _, s := range sub {
		b = le.AppendUint32(b, s)
	}
	return Value{Type: SID, Data: b}
}

// Of is a value that holds a template instance.
func Of(t *Template, values ...Value) Value {
	return Value{Type: BinXML, Instance: &Instance{t, values}}
}

// writer encodes binary XML at the end of a chunk's bytes.
type writer struct {
	buf       []byte
	names     map[string]uint32
	templates map[*Template]uint32
}

func (w *writer) u16(v uint16) { w.buf = le.AppendUint16(w.buf, v) }
func (w *writer) u32(v uint32) { w.buf = le.AppendUint32(w.buf, v) }

// name refers to a name; the first time it follows in place.
func (w *writer) name(s string) {
	if off, ok := w.names[s]; ok {
		w.u32(off)
		return
	}
	off := uint32(len(w.buf)) + 4
	w.names[s] = off
	w.u32(off)
	w.u32(0)
	w.u16(0) // the hash is for writers
	w.counted(s)
	w.u16(0)
}

func (w *writer) counted(s string) {
	b := UTF16(s)
	w.u16(uint16(len(b) / 2))
	w.buf = append(w.buf, b...)
}

// sized writes what follows with its size in front.
func (w *writer) sized(write func()) {
	at := len(w.buf)
	w.u32(0)
	write()
	le.PutUint32(w.buf[at:], uint32(len(w.buf)-at-4))
}

// element writes an element; template tells that it stands inside a template.
func (w *writer) element(e Element, template bool) {
	open := byte(0x01)
	if len(e.Attrs) > 0 {
		open |= 0x40
	}
	w.buf = append(w.buf, open)
	if template {
		w.u16(0xffff)
	}
	w.sized(func() {
		w.name(e.Name)
		if len(e.Attrs) > 0 {
			w.sized(func() {
				for i, a := range e.Attrs {
					mark := byte(0x46)
					if i == len(e.Attrs)-1 {
						mark = 0x06
					}
					w.buf = append(w.buf, mark)
					w.name(a.Name)
					w.parts(a.Value, template)
				}
			})
		}
		if len(e.Content) == 0 {
			w.buf = append(w.buf, 0x03)
			return
		}
		w.buf = append(w.buf, 0x02)
		w.parts(e.Content, template)
		w.buf = append(w.buf, 0x04)
	})
}

func (w *writer) parts(parts []Part, template bool) {
	for _, p := range parts {
		switch {
		case p.Raw != nil:
			w.buf = append(w.buf, p.Raw...)
		case p.Element != nil:
			w.element(*p.Element, template)
		case p.Sub > 0:
			mark := byte(0x0e)
			if p.Always {
				mark = 0x0d
			}
			w.buf = append(w.buf, mark)
			w.u16(uint16(p.Sub - 1))
			w.buf = append(w.buf, Str)
		case p.CDATA != "":
			w.buf = append(w.buf, 0x07)
			w.counted(p.CDATA)
		case p.Entity != "":
			w.buf = append(w.buf, 0x09)
			w.name(p.Entity)
		case p.Char != 0:
			w.buf = append(w.buf, 0x08)
			w.u16(p.Char)
		case p.PI != "":
			w.buf = append(w.buf, 0x0a)
			w.name(p.PI)
			w.buf = append(w.buf, 0x0b)
			w.counted("data")
		default:
			w.buf = append(w.buf, 0x05, Str)
			w.counted(p.Text)
		}
	}
}

// instance writes a fragment that is a template instance.
func (w *writer) instance(in Instance) {
	w.buf = append(w.buf, 0x0f, 1, 1, 0, 0x0c, 1)
	t := in.Template
	w.u32(t.ID)
	if off, ok := w.templates[t]; ok {
		w.u32(off)
	} else {
		off = uint32(len(w.buf)) + 4
		w.templates[t] = off
		w.u32(off)
		w.u32(0)
		w.u32(t.ID)
		w.buf = append(w.buf, make([]byte, 12)...)
		w.sized(func() {
			w.buf = append(w.buf, 0x0f, 1, 1, 0)
			w.element(t.Root, true)
			w.buf = append(w.buf, 0)
		})
	}
	w.u32(uint32(len(in.Values)))
	at := len(w.buf)
	w.buf = append(w.buf, make([]byte, 4*len(in.Values))...)
	for i, v := range in.Values {
		from := len(w.buf)
		switch {
		case v.Instance != nil:
			w.instance(*v.Instance)
		case v.Elements != nil:
			w.buf = append(w.buf, 0x0f, 1, 1, 0)
			for _, e := range v.Elements {
				w.element(e, false)
			}
			w.buf = append(w.buf, 0)
		default:
			w.buf = append(w.buf, v.Data...)
		}
		le.PutUint16(w.buf[at+4*i:], uint16(len(w.buf)-from))
		w.buf[at+4*i+2] = v.Type
	}
	w.buf = append(w.buf, 0)
}
