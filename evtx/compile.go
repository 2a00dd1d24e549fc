package evtx

import "unicode/utf8"

// Marks of binary XML. Bit 0x40 tells that attributes follow, or more of the same.
const (
	tokEnd       = 0x00
	tokOpen      = 0x01
	tokCloseTag  = 0x02
	tokEmptyTag  = 0x03
	tokEndTag    = 0x04
	tokValue     = 0x05
	tokAttribute = 0x06
	tokCDATA     = 0x07
	tokCharRef   = 0x08
	tokEntityRef = 0x09
	tokPITarget  = 0x0a
	tokPIData    = 0x0b
	tokInstance  = 0x0c
	tokSubst     = 0x0d
	tokOptSubst  = 0x0e
	tokFragment  = 0x0f
	tokMore      = 0x40
)

type opKind uint8

const (
	opOpen  opKind = iota // n is the index of its opClose; attributes come first
	opClose               //
	opAttr                // n parts follow
	opLit                 // text: lits[a:b]
	opSub                 // the value of number n
	opInst                // a template instance at a, inside b
)

// op is one part of compiled binary XML. Neighbouring literals, entities and character references are one opLit.
type op struct {
	kind opKind
	n    int32
	a, b int32
	name string
}

// parser compiles one piece of binary XML.
type parser struct {
	*decoder
	pos, end int
	template bool // elements carry a dependency identifier
	inTag    bool // between the name of an element and the end of its tag
	attr     int32
	depth    int
	open     [maxNesting]int32
	fresh    int32 // literals from this op on may be lengthened
}

// compile gives the ops of the binary XML at pos. Each place is compiled once per chunk, a failure as well.
func (d *decoder) compile(pos, end int, template bool) (span, error) {
	key := int32(pos)
	if c, ok := d.code[key]; ok {
		return c.span, c.err
	}
	c := compiled{span: span{a: int32(len(d.ops))}}
	d.parser = parser{decoder: d, pos: pos, end: end, template: template, attr: -1, fresh: c.span.a}
	c.err = d.parser.run()
	c.span.b = int32(len(d.ops))
	d.code[key] = c
	return c.span, c.err
}

func (p *parser) run() error {
	for p.pos < p.end {
		if len(p.ops) > maxSteps {
			return TooManyTemplates
		}
		tok := p.buf[p.pos]
		if tok == tokEnd {
			break
		}
		if err := p.token(tok); err != nil {
			return err
		}
	}
	if p.depth > 0 {
		return CutShort
	}
	return nil
}

func (p *parser) token(tok byte) error {
	switch tok &^ tokMore {
	case tokFragment:
		p.pos += 4
	case tokOpen:
		return p.element(tok&tokMore != 0)
	case tokAttribute:
		return p.attribute()
	case tokCloseTag:
		p.pos++
		p.inTag, p.attr, p.fresh = false, -1, int32(len(p.ops))
	case tokEmptyTag, tokEndTag:
		p.pos++
		return p.close()
	case tokSubst, tokOptSubst:
		return p.substitution()
	case tokPITarget: // what it says is for programs that show XML: left out
		_, next, err := p.nameRef(p.pos+1, p.end)
		p.pos = next
		return err
	case tokPIData:
		_, err := p.counted(p.pos + 1)
		return err
	case tokInstance:
		return p.nested()
	default:
		return p.text(tok &^ tokMore)
	}
	return nil
}

// element reads the start of an element. Inside templates a dependency identifier of two bytes comes first,
// elsewhere it does not; since writers differ, the layout whose size and name hold is taken.
func (p *parser) element(hasAttributes bool) error {
	if p.depth == maxNesting {
		return TooDeep
	}
	at := p.pos + 1
	if p.template != p.other(at, p.template) { // exactly one of both is true: the layout with the identifier
		at += 2
	}
	name, next, err := p.nameRef(at+4, p.end)
	if err != nil {
		return err
	}
	if hasAttributes {
		next += 4
	}
	p.open[p.depth] = int32(len(p.ops))
	p.depth++
	p.ops = append(p.ops, op{kind: opOpen, name: name})
	p.pos, p.inTag, p.attr, p.fresh = next, true, -1, int32(len(p.ops))
	return nil
}

// other tells to go on with the other layout than the usual one: the usual does not hold and the other does.
func (p *parser) other(at int, template bool) bool {
	holds := func(at int) bool {
		if p.end-at < 8 || int64(le.Uint32(p.buf[at:])) > int64(p.end-at-4) {
			return false
		}
		_, err := p.name(le.Uint32(p.buf[at+4:]))
		return err == nil
	}
	with, without := at+2, at
	if template {
		return !holds(with) && holds(without)
	}
	return !holds(without) && holds(with)
}

func (p *parser) attribute() error {
	if !p.inTag {
		return BadNesting
	}
	name, next, err := p.nameRef(p.pos+1, p.end)
	if err != nil {
		return err
	}
	p.attr = int32(len(p.ops))
	p.ops = append(p.ops, op{kind: opAttr, name: name})
	p.pos, p.fresh = next, int32(len(p.ops))
	return nil
}

func (p *parser) close() error {
	if p.depth == 0 {
		return BadNesting
	}
	p.depth--
	p.ops[p.open[p.depth]].n = int32(len(p.ops))
	p.ops = append(p.ops, op{kind: opClose})
	p.inTag, p.attr, p.fresh = false, -1, int32(len(p.ops))
	return nil
}

// part adds one part of the text or of the attribute that is open.
func (p *parser) part(o op) error {
	if p.depth == 0 || p.inTag && p.attr < 0 {
		return BadNesting
	}
	if p.attr >= 0 {
		p.ops[p.attr].n++
	}
	p.ops = append(p.ops, o)
	return nil
}

// literal adds what was appended to p.lits since it was of size from.
func (p *parser) literal(from int) error {
	n := int32(len(p.lits))
	if last := len(p.ops) - 1; last >= int(p.fresh) && p.ops[last].kind == opLit && int(p.ops[last].b) == from {
		p.ops[last].b = n
		return nil
	}
	return p.part(op{kind: opLit, a: int32(from), b: n})
}

func (p *parser) substitution() error {
	if p.end-p.pos < 4 {
		return CutShort
	}
	n := int32(le.Uint16(p.buf[p.pos+1:]))
	p.pos += 4
	return p.part(op{kind: opSub, n: n})
}

// nested reads over a template instance between elements: it is unfolded with the record.
func (p *parser) nested() error {
	in, err := p.instance(p.pos, p.end)
	if err != nil {
		return err
	}
	p.vals = p.vals[:in.vals.a]
	at := p.pos
	p.pos = in.end
	return p.part(op{kind: opInst, a: int32(at), b: int32(in.end)})
}

// counted reads a count of characters and the UTF-16 text behind it.
func (p *parser) counted(at int) ([]byte, error) {
	if p.end-at < 2 {
		return nil, CutShort
	}
	n := 2 * int(le.Uint16(p.buf[at:]))
	if n > p.end-at-2 {
		return nil, CutShort
	}
	p.pos = at + 2 + n
	return p.buf[at+2 : p.pos], nil
}

// text reads what adds to a text: a value, CDATA, a character or an entity.
func (p *parser) text(tok byte) error {
	from := len(p.lits)
	switch tok {
	case tokValue:
		if err := p.constant(); err != nil {
			return err
		}
	case tokCDATA:
		b, err := p.counted(p.pos + 1)
		if err != nil {
			return err
		}
		p.lits = appendUTF16(p.lits, b)
	case tokCharRef:
		if p.end-p.pos < 3 {
			return CutShort
		}
		p.lits = utf8.AppendRune(p.lits, rune(le.Uint16(p.buf[p.pos+1:])))
		p.pos += 3
	case tokEntityRef:
		name, next, err := p.nameRef(p.pos+1, p.end)
		if err != nil {
			return err
		}
		p.pos = next
		p.lits = appendEntity(p.lits, name)
	default:
		return BadToken
	}
	return p.literal(from)
}

// constant reads a value that stands in the binary XML itself: text, by the book; other types have a fixed size.
func (p *parser) constant() error {
	if p.end-p.pos < 2 {
		return CutShort
	}
	typ := p.buf[p.pos+1]
	if typ == typeString {
		b, err := p.counted(p.pos + 2)
		if err != nil {
			return err
		}
		p.lits = appendUTF16(p.lits, b)
		return nil
	}
	n := itemSize(typ)
	at := p.pos + 2
	switch {
	case n == 0:
		return BadToken
	case n > p.end-at:
		return CutShort
	}
	p.lits, _ = appendValue(p.lits, typ, p.buf[at:at+n])
	p.pos = at + n
	return nil
}

// appendEntity writes what an entity stands for; an unknown one stays as it is written.
func appendEntity(dst []byte, name string) []byte {
	switch name {
	case "amp":
		return append(dst, '&')
	case "lt":
		return append(dst, '<')
	case "gt":
		return append(dst, '>')
	case "quot":
		return append(dst, '"')
	case "apos":
		return append(dst, '\'')
	}
	dst = append(dst, '&')
	dst = append(dst, name...)
	return append(dst, ';')
}
