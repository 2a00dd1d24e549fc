package evtx

import (
	"bytes"
	"strconv"

	"github.com/kizuki-security/kizuki/evtx/internal/binxml"
	"github.com/kizuki-security/kizuki/evtx/internal/value"
)

// AppendJSON appends the whole event as one JSON object {"Event": …} without line breaks, in the shape of the package
// comment. It may be called as long as the record is valid. The error is a *DamageError, most likely of the reason
// TooExpensive, and dst then comes back as it was: so far only records made for that fail here after they were read.
func (r *Record) AppendJSON(dst []byte) ([]byte, error) {
	j := jsonWriter{decoder: r.decoder, from: len(dst)}
	j.kids, j.vals, j.depth = j.kids[:0], j.vals[:0], 0
	err := j.gather(r.start, r.end)
	out := dst
	out = append(out, '{')
	if err == nil {
		out, err = j.children(out, 0)
	}
	j.jsonRoom -= len(out) - j.from
	if err != nil {
		return dst, &DamageError{Chunk: r.Chunk, Record: r.ID, Offset: r.Offset, Reason: reasonOf(err)}
	}
	return append(out, '}'), nil
}

// kid is an element inside another: where its ops are, and the values they take.
type kid struct {
	name string // its key
	op   int32
	vals binxml.Span
	list bool // a Data element without a name: several make one list
}

// deepestJSON is how deep elements may nest over all templates; that the fields could be read means that they do not.
const deepestJSON = 1 << 10

type jsonWriter struct {
	*decoder
	from int
}

// gather adds the elements of the binary XML at pos to the kids. The values of its templates stay in d.vals until
// the kids are written.
func (j *jsonWriter) gather(pos, end int) error {
	for pos < end {
		switch j.Buf[pos] &^ binxml.TokMore {
		case binxml.TokEnd:
			return nil
		case binxml.TokFragment:
			pos += 4
		case binxml.TokInstance:
			next, err := j.gatherInstance(pos, end)
			if err != nil {
				return err
			}
			pos = next
		default:
			ops, err := j.Fragment(pos, end)
			if err != nil {
				return err
			}
			j.roots(ops, binxml.Span{})
			return nil
		}
	}
	return nil
}

func (j *jsonWriter) gatherInstance(pos, end int) (next int, err error) {
	in, vals, err := j.Instance(pos, end, j.vals)
	j.vals = vals
	if err != nil {
		return 0, err
	}
	ops, err := j.Template(in)
	if err != nil {
		return 0, err
	}
	j.roots(ops, in.Vals)
	return in.End, nil
}

func (j *jsonWriter) roots(ops, vals binxml.Span) {
	for i := ops.A; i < ops.B; i = j.Ops[i].N + 1 {
		j.addKid(i, vals)
	}
}

func (j *jsonWriter) addKid(i int32, vals binxml.Span) {
	k := kid{name: j.Ops[i].Name, op: i, vals: vals}
	if parts, ok := j.naming(i); ok {
		j.join, _ = j.appendParts(j.join[:0], parts, vals)
		k.name = j.Strings.Get(j.join)
		j.jsonRoom -= len(j.join)
	} else {
		k.list = k.name == "Data" && j.Ops[i+1].Kind != binxml.OpAttr
	}
	j.kids = append(j.kids, k)
}

// element writes what is inside an element: a value, null, or an object.
func (j *jsonWriter) element(dst []byte, k kid) ([]byte, error) {
	if j.jsonBudget--; j.jsonBudget < 0 || len(dst)-j.from > j.jsonRoom {
		return dst, binxml.ErrTooExpensive
	}
	i, vals := k.op, k.vals
	last := j.Ops[i].N
	start, _ := j.content(i)
	object := false
	_, named := j.naming(i)
	if !named {
		dst, object = j.attributes(dst, i, vals)
	}
	kids, values := len(j.kids), len(j.vals)
	if j.depth == deepestJSON {
		return dst, binxml.ErrTooDeep
	}
	j.depth++
	defer func() { j.depth-- }()
	err := j.inside(binxml.Span{A: start, B: last}, vals)
	if err != nil {
		return dst, err
	}
	dst, err = j.body(dst, binxml.Span{A: start, B: last}, vals, kids, bodyShape{object: object, named: named})
	j.kids, j.vals = j.kids[:kids], j.vals[:values]
	return dst, err
}

type bodyShape struct {
	object bool // the object is open: there are attributes
	named  bool // a Data element with a name: a list is given without "#text"
}

func (j *jsonWriter) body(dst []byte, content, vals binxml.Span, kids int, shape bodyShape) ([]byte, error) {
	hasKids := len(j.kids) > kids
	texts, one := j.texts(content, vals, hasKids)
	list := texts == 1 && j.Ops[one].Kind == binxml.OpSub && j.at(vals, j.Ops[one].N).Typ&value.TypeArray != 0
	object := shape.object
	if !object && (hasKids || list && !shape.named) {
		dst = append(dst, '{')
		object = true
	}
	if object && texts > 0 {
		if shape.object {
			dst = append(dst, ',')
		}
		dst = append(dst, `"#text":`...)
	}
	switch {
	case texts == 1:
		dst = j.text(dst, j.Ops[one], vals)
	case texts > 1:
		j.join, _ = j.appendParts(j.join[:0], content, vals)
		dst = value.AppendQuoted(dst, j.join)
	case !object:
		return append(dst, "null"...), nil
	}
	if !object {
		return dst, nil
	}
	if hasKids {
		if shape.object || texts > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = j.children(dst, kids); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// attributes writes {"#attributes":{…} when there are any that are not null, and leaves the object open.
func (j *jsonWriter) attributes(dst []byte, i int32, vals binxml.Span) (_ []byte, some bool) {
	for i++; j.Ops[i].Kind == binxml.OpAttr; i += 1 + j.Ops[i].N {
		parts := binxml.Span{A: i + 1, B: i + 1 + j.Ops[i].N}
		texts, one := j.texts(parts, vals, false)
		if texts == 0 {
			continue
		}
		if some {
			dst = append(dst, ',')
		} else {
			dst = append(dst, `{"#attributes":{`...)
			some = true
		}
		dst = append(value.AppendQuoted(dst, []byte(j.Ops[i].Name)), ':')
		if texts == 1 {
			dst = j.text(dst, j.Ops[one], vals)
			continue
		}
		j.join, _ = j.appendParts(j.join[:0], parts, vals)
		dst = value.AppendQuoted(dst, j.join)
	}
	if some {
		dst = append(dst, '}')
	}
	return dst, some
}

// texts counts the parts that are text, and gives one of them. Space between elements is none.
func (j *jsonWriter) texts(parts, vals binxml.Span, hasKids bool) (n int, one int32) {
	for i := parts.A; i < parts.B; i++ {
		switch o := j.Ops[i]; o.Kind {
		case binxml.OpOpen:
			i = o.N
			continue
		case binxml.OpLit:
			if hasKids && len(bytes.TrimSpace(j.Lits[o.A:o.B])) == 0 {
				continue
			}
		case binxml.OpSub:
			if v := j.at(vals, o.N); v.IsNull() || v.Typ == value.TypeBinXML {
				continue
			}
		default:
			continue
		}
		n++
		one = i
	}
	j.jsonBudget -= int(parts.B - parts.A)
	return n, one
}

// inside adds the elements among the parts, and those in values that are binary XML, to the kids.
func (j *jsonWriter) inside(parts, vals binxml.Span) error {
	for i := parts.A; i < parts.B; i++ {
		var err error
		switch o := j.Ops[i]; o.Kind {
		case binxml.OpOpen:
			j.addKid(i, vals)
			i = o.N
		case binxml.OpSub:
			if v := j.at(vals, o.N); v.Typ == value.TypeBinXML {
				err = j.gather(int(v.Off), int(v.Off)+int(v.Size))
			}
		case binxml.OpInst:
			_, err = j.gatherInstance(int(o.A), int(o.B))
		default: // text and attributes
		}
		if j.jsonBudget--; err == nil && j.jsonBudget < 0 {
			err = binxml.ErrTooExpensive
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// children writes the kids from the given one on as "key":value; repeated keys get _1, _2 and so on.
func (j *jsonWriter) children(dst []byte, from int) ([]byte, error) {
	to := len(j.kids)
	keys := keySet{j: j, from: from}
	listed := false
	for i := from; i < to; i++ {
		k := j.kids[i]
		if k.list && listed {
			continue
		}
		if i > from {
			dst = append(dst, ',')
		}
		key := keys.unique(i)
		dst = append(value.AppendQuoted(dst, []byte(key)), ':')
		var err error
		if listed = listed || k.list; k.list {
			dst, err = j.list(dst, i, to)
		} else {
			dst, err = j.element(dst, k)
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// list writes Data elements without a name: one as it is, several as a list.
func (j *jsonWriter) list(dst []byte, from, to int) (_ []byte, err error) {
	several := false
	for i := from + 1; i < to && !several; i++ {
		several = j.kids[i].list
	}
	if !several {
		return j.element(dst, j.kids[from])
	}
	dst = append(dst, `{"#text":[`...)
	for i := from; i < to; i++ {
		if !j.kids[i].list {
			continue
		}
		if i > from {
			dst = append(dst, ',')
		}
		if dst, err = j.element(dst, j.kids[i]); err != nil {
			return dst, err
		}
	}
	return append(dst, "]}"...), nil
}

// keySet makes the keys of one object unique. Few keys are compared with each other, many looked up.
type keySet struct {
	j    *jsonWriter
	from int
	many map[string]int
}

func (s *keySet) unique(i int) string {
	kids := s.j.kids
	name := kids[i].name
	if i-s.from < 32 && s.many == nil {
		for n := s.from; n < i; n++ {
			if kids[n].name == name {
				s.many = make(map[string]int)
				break
			}
		}
		if s.many == nil {
			return name
		}
	}
	if len(s.many) == 0 {
		s.many = make(map[string]int, len(kids)-s.from)
		for n := s.from; n < i; n++ {
			s.many[kids[n].name] = 0
		}
	}
	n, taken := s.many[name]
	key := name
	for taken {
		n++
		key = name + "_" + strconv.Itoa(n)
		_, taken = s.many[key]
	}
	s.many[name] = n
	s.many[key] = max(s.many[key], 0)
	return key
}

func (j *jsonWriter) text(dst []byte, o binxml.Op, vals binxml.Span) []byte {
	if o.Kind == binxml.OpLit {
		return value.AppendQuoted(dst, j.Lits[o.A:o.B])
	}
	v := j.at(vals, o.N)
	b := j.Value(v)
	switch {
	case v.Typ == value.TypeString:
		j.join = j.appendText(j.join[:0], b)
		return value.AppendQuoted(dst, j.join)
	case v.Typ&value.TypeArray == 0:
		return j.item(dst, v.Typ, b)
	}
	dst = append(dst, '[')
	for first := true; len(b) > 0; first = false {
		if !first {
			dst = append(dst, ',')
		}
		var item []byte
		item, b = value.NextItem(v.Typ&^value.TypeArray, b)
		dst = j.item(dst, v.Typ&^value.TypeArray, item)
	}
	return append(dst, ']')
}

func (j *jsonWriter) item(dst []byte, typ byte, b []byte) []byte {
	var kind value.Kind
	j.join, kind = value.Append(j.join[:0], typ, b)
	if kind == value.Text {
		return value.AppendQuoted(dst, j.join)
	}
	return append(dst, j.join...)
}
