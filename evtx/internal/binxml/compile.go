package binxml

import (
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/evtx/internal/value"
)

// Marks of binary XML. Bit 0x40 tells that attributes follow, or more of the same.
const (
	TokEnd       = 0x00
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
	TokInstance  = 0x0c
	tokSubst     = 0x0d
	tokOptSubst  = 0x0e
	TokFragment  = 0x0f
	TokMore      = 0x40
)

// OpKind is what an Op is.
type OpKind uint8

// Kinds of ops.
const (
	OpOpen  OpKind = iota // n is the index of its OpClose; attributes come first
	OpClose               //
	OpAttr                // n parts follow
	OpLit                 // text: lits[a:b]
	OpSub                 // the value of number n
	OpInst                // a template instance at a, inside b
)

// Op is one part of compiled binary XML. Neighbouring literals, entities and character references are one OpLit.
type Op struct {
	Kind OpKind
	N    int32
	A, B int32
	Name string
}

// parser compiles one piece of binary XML.
type parser struct {
	*Code
	pos, end int
	template bool // elements carry a dependency identifier
	inTag    bool // between the name of an element and the end of its tag
	attr     int32
	depth    int
	open     [maxNesting]int32
	fresh    int32 // literals from this Op on may be lengthened
}

// compile gives the ops of the binary XML at pos. Each place is compiled once per chunk, a failure as well.
func (c *Code) compile(pos, end int, template bool) (Span, error) {
	key := int32(pos)
	if done, ok := c.done[key]; ok {
		return done.span, done.err
	}
	from := int32(len(c.Ops))
	c.parser = parser{Code: c, pos: pos, end: end, template: template, attr: -1, fresh: from}
	err := c.parser.run()
	done := compiled{Span{from, int32(len(c.Ops))}, err}
	c.done[key] = done
	return done.span, done.err
}

func (p *parser) run() error {
	for p.pos < p.end {
		if len(p.Ops) > MaxOps || len(p.Lits) > maxLits {
			return ErrTooManyTemplates
		}
		tok := p.Buf[p.pos]
		if tok == TokEnd {
			break
		}
		if err := p.token(tok); err != nil {
			return err
		}
	}
	if p.depth > 0 {
		return ErrCutShort
	}
	return nil
}

func (p *parser) token(tok byte) error {
	switch tok &^ TokMore {
	case TokFragment:
		p.pos += 4
	case tokOpen:
		return p.element(tok&TokMore != 0)
	case tokAttribute:
		return p.attribute()
	case tokCloseTag:
		p.pos++
		p.inTag, p.attr, p.fresh = false, -1, int32(len(p.Ops))
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
	case TokInstance:
		return p.nested()
	default:
		return p.text(tok &^ TokMore)
	}
	return nil
}

// element reads the start of an element. Inside templates a dependency identifier of two bytes comes first,
// elsewhere it does not; since writers differ, the layout whose size and name hold is taken.
func (p *parser) element(hasAttributes bool) error {
	if p.depth == maxNesting {
		return ErrTooDeep
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
	p.open[p.depth] = int32(len(p.Ops))
	p.depth++
	p.Ops = append(p.Ops, Op{Kind: OpOpen, Name: name})
	p.pos, p.inTag, p.attr, p.fresh = next, true, -1, int32(len(p.Ops))
	return nil
}

// other tells to go on with the other layout than the usual one: the usual does not hold and the other does.
func (p *parser) other(at int, template bool) bool {
	holds := func(at int) bool {
		if p.end-at < 8 || int64(le.Uint32(p.Buf[at:])) > int64(p.end-at-4) {
			return false
		}
		_, err := p.name(le.Uint32(p.Buf[at+4:]))
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
		return ErrBadNesting
	}
	name, next, err := p.nameRef(p.pos+1, p.end)
	if err != nil {
		return err
	}
	p.attr = int32(len(p.Ops))
	p.Ops = append(p.Ops, Op{Kind: OpAttr, Name: name})
	p.pos, p.fresh = next, int32(len(p.Ops))
	return nil
}

func (p *parser) close() error {
	if p.depth == 0 {
		return ErrBadNesting
	}
	p.depth--
	p.Ops[p.open[p.depth]].N = int32(len(p.Ops))
	p.Ops = append(p.Ops, Op{Kind: OpClose})
	p.inTag, p.attr, p.fresh = false, -1, int32(len(p.Ops))
	return nil
}

// part adds one part of the text or of the attribute that is open.
func (p *parser) part(o Op) error {
	if p.depth == 0 || p.inTag && p.attr < 0 {
		return ErrBadNesting
	}
	if p.attr >= 0 {
		p.Ops[p.attr].N++
	}
	p.Ops = append(p.Ops, o)
	return nil
}

// literal adds what was appended to p.Lits since it was of size from.
func (p *parser) literal(from int) error {
	n := int32(len(p.Lits))
	if last := len(p.Ops) - 1; last >= int(p.fresh) && p.Ops[last].Kind == OpLit && int(p.Ops[last].B) == from {
		p.Ops[last].B = n
		return nil
	}
	return p.part(Op{Kind: OpLit, A: int32(from), B: n})
}

func (p *parser) substitution() error {
	if p.end-p.pos < 4 {
		return ErrCutShort
	}
	n := int32(le.Uint16(p.Buf[p.pos+1:]))
	p.pos += 4
	return p.part(Op{Kind: OpSub, N: n})
}

// nested reads over a template instance between elements: it is unfolded with the record.
func (p *parser) nested() error {
	in, vals, err := p.Instance(p.pos, p.end, p.skipped[:0])
	p.skipped = vals
	if err != nil {
		return err
	}
	at := p.pos
	p.pos = in.End
	return p.part(Op{Kind: OpInst, A: int32(at), B: int32(in.End)})
}

// counted reads a count of characters and the UTF-16 text behind it.
func (p *parser) counted(at int) ([]byte, error) {
	if p.end-at < 2 {
		return nil, ErrCutShort
	}
	n := 2 * int(le.Uint16(p.Buf[at:]))
	if n > p.end-at-2 {
		return nil, ErrCutShort
	}
	p.pos = at + 2 + n
	return p.Buf[at+2 : p.pos], nil
}

// text reads what adds to a text: a value, CDATA, a character or an entity.
func (p *parser) text(tok byte) error {
	from := len(p.Lits)
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
		p.Lits = value.AppendUTF16(p.Lits, b)
	case tokCharRef:
		if p.end-p.pos < 3 {
			return ErrCutShort
		}
		p.Lits = utf8.AppendRune(p.Lits, rune(le.Uint16(p.Buf[p.pos+1:])))
		p.pos += 3
	case tokEntityRef:
		name, next, err := p.nameRef(p.pos+1, p.end)
		if err != nil {
			return err
		}
		p.pos = next
		p.Lits = appendEntity(p.Lits, name)
	default:
		return ErrBadToken
	}
	return p.literal(from)
}

// constant reads a value that stands in the binary XML itself: text, by the book; other types have a fixed size.
func (p *parser) constant() error {
	if p.end-p.pos < 2 {
		return ErrCutShort
	}
	typ := p.Buf[p.pos+1]
	if typ == value.TypeString {
		b, err := p.counted(p.pos + 2)
		if err != nil {
			return err
		}
		p.Lits = value.AppendUTF16(p.Lits, b)
		return nil
	}
	n := value.ItemSize(typ)
	at := p.pos + 2
	switch {
	case n == 0:
		return ErrBadToken
	case n > p.end-at:
		return ErrCutShort
	}
	p.Lits, _ = value.Append(p.Lits, typ, p.Buf[at:at+n])
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
