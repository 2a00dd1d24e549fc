// Package jsonlines makes flat events from JSON: one object a line, objects one after another, or one at a time.
//
// Three shapes are known, and may be mixed. Windows events as trees (Event, System, EventData) lose those levels
// and keep the names of the header's attributes (Provider_Name). Events of Winlogbeat lose the level "winlog" and get
// the names of Windows. All other objects are kept: nested objects are joined with ".", the items of a list are
// fields of the same name.
//
// A decoder copies a value only where JSON has escapes in it, and allocates nothing once it has seen the names.
// Inside: jsonlines → sigma.
package jsonlines

import (
	"bytes"
	"fmt"

	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/internal/ast"
)

// Limits of one event. Zero stands for the default.
type Limits struct {
	Fields int // 10,000
	Value  int // bytes of one value; 1 MiB
	Depth  int // of nesting; 64
}

// Error says why an object was refused. Limit is true when it is well written but too large.
type Error struct {
	Offset int // bytes into the text
	Reason string
	Limit  bool
}

func (e *Error) Error() string { return fmt.Sprintf("at byte %d: %s", e.Offset, e.Reason) }

// Decoder turns one object after another into events. It is not safe for concurrent use.
type Decoder struct {
	limits Limits
	names  names

	text   []byte
	at     int
	depth  int
	fields []sigma.Field
	copied []byte // values that had escapes
	key    []byte
	time   timestamp
}

// NewDecoder makes a decoder.
func NewDecoder(l Limits) *Decoder {
	d := &Decoder{limits: l}
	for _, x := range []struct {
		limit    *int
		standard int
	}{{&d.limits.Fields, 10_000}, {&d.limits.Value, 1 << 20}, {&d.limits.Depth, 64}} {
		if *x.limit <= 0 {
			*x.limit = x.standard
		}
	}
	d.names.reset()
	return d
}

// Decode reads one object, which must be all of the text but white space. It sets Fields and Time of the event and
// leaves its Source alone. The fields are valid until the next call, and as long as text is not changed.
// The error is always an *Error; then the event has no fields.
func (d *Decoder) Decode(text []byte, e *sigma.Event) error {
	rest, err := d.Next(text, e)
	if err == nil && len(bytes.TrimLeft(rest, " \t\r\n")) > 0 {
		e.Fields = nil
		return &Error{Offset: len(text) - len(rest), Reason: "something follows the object"}
	}
	return err
}

const keepCopied = 4 << 20

// Next is Decode for objects one after another: rest is the text behind the object. After an error there is no rest.
func (d *Decoder) Next(text []byte, e *sigma.Event) (rest []byte, err error) {
	if d.names.full() {
		d.names.reset()
	}
	if cap(d.copied) > keepCopied {
		d.copied = nil
	}
	d.text, d.at, d.depth = text, 0, 0
	d.fields, d.copied, d.time = d.fields[:0], d.copied[:0], timestamp{}
	e.Fields = nil
	d.space()
	if d.at >= len(text) || text[d.at] != '{' {
		return nil, d.fail("an object is expected")
	}
	if err := d.object(root); err != nil {
		return nil, err
	}
	e.Fields = d.fields
	e.Time = d.time.get()
	return text[d.at:], nil
}

func (d *Decoder) fail(reason string) error { return &Error{Offset: d.at, Reason: reason} }

func (d *Decoder) limit(format string, n int) error {
	return &Error{Offset: d.at, Reason: fmt.Sprintf(format, n), Limit: true}
}

func (d *Decoder) space() {
	for d.at < len(d.text) {
		switch d.text[d.at] {
		case ' ', '\t', '\r', '\n':
			d.at++
		default:
			return
		}
	}
}

// object reads from "{" on. parent is the node of the names under which its members stand.
func (d *Decoder) object(parent int32) error {
	if d.depth++; d.depth > d.limits.Depth {
		return d.limit("nested deeper than %d", d.limits.Depth)
	}
	d.at++
	d.space()
	if d.at < len(d.text) && d.text[d.at] == '}' {
		d.at++
		d.depth--
		return nil
	}
	for {
		if d.at >= len(d.text) || d.text[d.at] != '"' {
			return d.fail("a name in quotes is expected")
		}
		name, err := d.name()
		if err != nil {
			return err
		}
		node := d.names.child(parent, name)
		if node < 0 {
			return d.limit("more than %d different names", maxNodes/2)
		}
		d.space()
		if d.at >= len(d.text) || d.text[d.at] != ':' {
			return d.fail("a colon is expected")
		}
		d.at++
		d.space()
		if err := d.value(node); err != nil {
			return err
		}
		more, err := d.more('}')
		if err != nil || !more {
			d.depth--
			return err
		}
	}
}

// more reads a comma, or the closing bracket.
func (d *Decoder) more(closing byte) (bool, error) {
	d.space()
	if d.at >= len(d.text) {
		return false, d.fail("the object is not closed")
	}
	switch d.text[d.at] {
	case ',':
		d.at++
		d.space()
		return true, nil
	case closing:
		d.at++
		return false, nil
	}
	return false, d.fail("a comma is expected")
}

// name reads a key. It is valid until the next one.
func (d *Decoder) name() ([]byte, error) {
	start := d.at + 1
	if i := bytes.IndexByte(d.text[start:], '"'); i >= 0 {
		name := d.text[start : start+i]
		if bytes.IndexByte(name, '\\') < 0 {
			d.at = start + i + 1
			return name, nil
		}
	}
	before := len(d.copied)
	name, err := d.str()
	d.key = append(d.key[:0], name...)
	d.copied = d.copied[:before]
	return d.key, err
}

func (d *Decoder) array(node int32) error {
	if d.depth++; d.depth > d.limits.Depth {
		return d.limit("nested deeper than %d", d.limits.Depth)
	}
	d.at++
	d.space()
	if d.at < len(d.text) && d.text[d.at] == ']' {
		d.at++
		d.depth--
		return nil
	}
	for {
		if err := d.value(node); err != nil {
			return err
		}
		more, err := d.more(']')
		if err != nil || !more {
			d.depth--
			return err
		}
	}
}

func (d *Decoder) value(node int32) error {
	if d.at >= len(d.text) {
		return d.fail("a value is expected")
	}
	switch c := d.text[d.at]; {
	case c == '"':
		v, err := d.str()
		if err != nil {
			return err
		}
		return d.add(node, v, sigma.Text)
	case c == '{':
		return d.object(node)
	case c == '[':
		return d.array(node)
	case c == '-' || c >= '0' && c <= '9':
		return d.number(node)
	}
	rest := d.text[d.at:]
	switch {
	case bytes.HasPrefix(rest, []byte("true")):
		d.at += 4
		return d.add(node, rest[:4], sigma.Bool)
	case bytes.HasPrefix(rest, []byte("false")):
		d.at += 5
		return d.add(node, rest[:5], sigma.Bool)
	case bytes.HasPrefix(rest, []byte("null")):
		d.at += 4
		return d.add(node, nil, sigma.Null)
	}
	return d.fail("a value is expected")
}

func (d *Decoder) number(node int32) error {
	start := d.at
	whole := true
	for d.at < len(d.text) {
		switch c := d.text[d.at]; {
		case c >= '0' && c <= '9', c == '-' && d.at == start:
		case c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-':
			whole = false
		default:
			return d.endNumber(node, d.text[start:d.at], whole)
		}
		d.at++
	}
	return d.endNumber(node, d.text[start:d.at], whole)
}

func (d *Decoder) endNumber(node int32, v []byte, whole bool) error {
	digit := v[0]
	if digit == '-' && len(v) > 1 {
		digit = v[1]
	}
	if digit < '0' || digit > '9' {
		return d.fail("a number is expected")
	}
	if !whole || digit == '0' && len(v) > 1 {
		n := len(d.copied)
		d.copied = ast.AppendNumber(d.copied, v)
		v = d.copied[n:len(d.copied):len(d.copied)]
	}
	return d.add(node, v, sigma.Number)
}

func (d *Decoder) add(node int32, v []byte, kind sigma.Kind) error {
	n := &d.names.nodes[node]
	if n.name == "" {
		return nil // a level that is dropped, or the attributes of one
	}
	if len(v) > d.limits.Value {
		return d.limit("a value is longer than %d bytes", d.limits.Value)
	}
	if len(d.fields) >= d.limits.Fields {
		return d.limit("more than %d fields", d.limits.Fields)
	}
	if n.time != 0 {
		d.time.offer(n.time, v)
	}
	d.fields = append(d.fields, sigma.Field{Name: n.name, Value: v, Kind: kind})
	return nil
}
