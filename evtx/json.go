package evtx

import (
	"bytes"
	"strconv"
)

// AppendJSON appends the whole event as one JSON object {"Event": …} without line breaks, in the shape of the package
// comment. It may be called as long as the record is valid. The error is TooExpensive for a record that unfolds to
// megabytes (so far only hostile ones did); dst then comes back as it was.
func (r *Record) AppendJSON(dst []byte) ([]byte, error) {
	j := jsonWriter{decoder: r.decoder, from: len(dst)}
	j.kids, j.vals, j.depth = j.kids[:0], j.vals[:0], 0
	if err := j.gather(r.start, r.end); err != nil {
		return dst, err
	}
	out := append(dst, '{')
	out, err := j.children(out, 0)
	if err != nil {
		return dst, err
	}
	j.jsonRoom -= len(out) - j.from
	return append(out, '}'), nil
}

// kid is an element inside another: where its ops are, and the values they take.
type kid struct {
	name string // its key
	op   int32
	vals span
	list bool // a Data element without a name: several make one list
}

type jsonWriter struct {
	*decoder
	from int
}

// gather adds the elements of the binary XML at pos to the kids. The values of its templates stay in d.vals until
// the kids are written.
func (j *jsonWriter) gather(pos, end int) error {
	if j.depth == maxDepth {
		return TooDeep
	}
	for pos < end {
		switch j.buf[pos] &^ tokMore {
		case tokEnd:
			return nil
		case tokFragment:
			pos += 4
		case tokInstance:
			next, err := j.gatherInstance(pos, end)
			if err != nil {
				return err
			}
			pos = next
		default:
			ops, err := j.compile(pos, end, false)
			if err != nil {
				return err
			}
			j.roots(ops, span{})
			return nil
		}
	}
	return nil
}

func (j *jsonWriter) gatherInstance(pos, end int) (next int, err error) {
	in, err := j.instance(pos, end)
	if err != nil {
		return 0, err
	}
	ops, err := j.compile(int(in.def), int(in.def+in.size), true)
	if err != nil {
		return 0, err
	}
	j.roots(ops, in.vals)
	return in.end, nil
}

func (j *jsonWriter) roots(ops, vals span) {
	for i := ops.a; i < ops.b; i = j.ops[i].n + 1 {
		j.addKid(i, vals)
	}
}

func (j *jsonWriter) addKid(i int32, vals span) {
	k := kid{name: j.ops[i].name, op: i, vals: vals}
	if parts, ok := j.naming(i); ok {
		j.join, _ = j.appendParts(j.join[:0], parts, vals)
		k.name = j.strings.get(j.join)
		j.jsonRoom -= len(j.join)
	} else {
		k.list = k.name == "Data" && j.ops[i+1].kind != opAttr
	}
	j.kids = append(j.kids, k)
}

// element writes what is inside an element: a value, null, or an object.
func (j *jsonWriter) element(dst []byte, k kid) ([]byte, error) {
	if j.jsonBudget--; j.jsonBudget < 0 || len(dst)-j.from > j.jsonRoom {
		return dst, TooExpensive
	}
	i, vals := k.op, k.vals
	last := j.ops[i].n
	start, _ := j.content(i)
	named := false
	object := false
	if _, named = j.naming(i); !named {
		dst, object = j.attributes(dst, i, vals)
	}
	kids, values := len(j.kids), len(j.vals)
	j.depth++
	err := j.inside(span{start, last}, vals)
	j.depth--
	if err != nil {
		return dst, err
	}
	dst, err = j.body(dst, span{start, last}, vals, kids, bodyShape{object: object, named: named})
	j.kids, j.vals = j.kids[:kids], j.vals[:values]
	return dst, err
}

type bodyShape struct {
	object bool // the object is open: there are attributes
	named  bool // a Data element with a name: a list is given without "#text"
}

func (j *jsonWriter) body(dst []byte, content, vals span, kids int, shape bodyShape) ([]byte, error) {
	hasKids := len(j.kids) > kids
	texts, one := j.texts(content, vals, hasKids)
	list := texts == 1 && j.ops[one].kind == opSub && j.at(vals, j.ops[one].n).typ&typeArray != 0
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
		dst = j.text(dst, j.ops[one], vals)
	case texts > 1:
		j.join, _ = j.appendParts(j.join[:0], content, vals)
		dst = appendQuoted(dst, j.join)
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
func (j *jsonWriter) attributes(dst []byte, i int32, vals span) (_ []byte, some bool) {
	for i++; j.ops[i].kind == opAttr; i += 1 + j.ops[i].n {
		parts := span{i + 1, i + 1 + j.ops[i].n}
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
		dst = append(appendQuoted(dst, []byte(j.ops[i].name)), ':')
		if texts == 1 {
			dst = j.text(dst, j.ops[one], vals)
			continue
		}
		j.join, _ = j.appendParts(j.join[:0], parts, vals)
		dst = appendQuoted(dst, j.join)
	}
	if some {
		dst = append(dst, '}')
	}
	return dst, some
}

// texts counts the parts that are text, and gives one of them. Space between elements is none.
func (j *jsonWriter) texts(parts, vals span, hasKids bool) (n int, one int32) {
	for i := parts.a; i < parts.b; i++ {
		switch o := j.ops[i]; o.kind {
		case opOpen:
			i = o.n
			continue
		case opLit:
			if hasKids && len(bytes.TrimSpace(j.lits[o.a:o.b])) == 0 {
				continue
			}
		case opSub:
			if v := j.at(vals, o.n); v.isNull() || v.typ == typeBinXML {
				continue
			}
		default:
			continue
		}
		n++
		one = i
	}
	j.jsonBudget -= int(parts.b - parts.a)
	return n, one
}

// inside adds the elements among the parts, and those in values that are binary XML, to the kids.
func (j *jsonWriter) inside(parts, vals span) error {
	for i := parts.a; i < parts.b; i++ {
		var err error
		switch o := j.ops[i]; o.kind {
		case opOpen:
			j.addKid(i, vals)
			i = o.n
		case opSub:
			if v := j.at(vals, o.n); v.typ == typeBinXML {
				err = j.gather(int(v.off), int(v.off)+int(v.size))
			}
		case opInst:
			_, err = j.gatherInstance(int(o.a), int(o.b))
		}
		if j.jsonBudget--; err == nil && j.jsonBudget < 0 {
			err = TooExpensive
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
		dst = append(appendQuoted(dst, []byte(key)), ':')
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
	for key := name; taken; {
		n++
		key = name + "_" + strconv.Itoa(n)
		if _, taken = s.many[key]; !taken {
			s.many[name] = n
			s.many[key] = 0
			return key
		}
	}
	s.many[name] = 0
	return name
}

func (j *jsonWriter) text(dst []byte, o op, vals span) []byte {
	if o.kind == opLit {
		return appendQuoted(dst, j.lits[o.a:o.b])
	}
	v := j.at(vals, o.n)
	b := j.value(v)
	switch {
	case v.typ == typeString:
		j.join = j.appendText(j.join[:0], b)
		return appendQuoted(dst, j.join)
	case v.typ&typeArray == 0:
		return j.item(dst, v.typ, b)
	}
	dst = append(dst, '[')
	for first := true; len(b) > 0; first = false {
		if !first {
			dst = append(dst, ',')
		}
		var item []byte
		item, b = nextItem(v.typ&^typeArray, b)
		dst = j.item(dst, v.typ&^typeArray, item)
	}
	return append(dst, ']')
}

func (j *jsonWriter) item(dst []byte, typ byte, b []byte) []byte {
	var kind Kind
	j.join, kind = appendValue(j.join[:0], typ, b)
	if kind == Text {
		return appendQuoted(dst, j.join)
	}
	return append(dst, j.join...)
}

// appendQuoted appends UTF-8 text as a JSON string.
func appendQuoted(dst, s []byte) []byte {
	dst = append(dst, '"')
	from := 0
	for i, c := range s {
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', smalls[c>>4], smalls[c&15])
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}
