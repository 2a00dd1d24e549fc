package evtx

import (
	"github.com/kizuki-security/kizuki/evtx/internal/binxml"
	"github.com/kizuki-security/kizuki/evtx/internal/value"
)

// unfold makes the fields of the binary XML at pos: it runs the steps of its templates over its values.
func (d *decoder) unfold(pos, end int, ctx int32) error {
	for pos < end {
		d.budget--
		switch d.Buf[pos] &^ binxml.TokMore {
		case binxml.TokEnd:
			return nil
		case binxml.TokFragment:
			pos += 4
		case binxml.TokInstance:
			next, err := d.unfoldInstance(pos, end, ctx)
			if err != nil {
				return err
			}
			pos = next
		default: // elements that stand here without a template
			ops, err := d.Fragment(pos, end)
			if err != nil {
				return err
			}
			steps, err := d.flatten(pos, ops, ctx)
			if err != nil {
				return err
			}
			return d.run(steps, binxml.Span{})
		}
	}
	return nil
}

func (d *decoder) unfoldInstance(pos, end int, ctx int32) (next int, err error) {
	in, vals, err := d.Instance(pos, end, d.vals)
	d.vals = vals
	if err != nil {
		return 0, err
	}
	ops, err := d.Template(in)
	if err == nil {
		var steps binxml.Span
		if steps, err = d.flatten(in.Def, ops, ctx); err == nil {
			err = d.run(steps, in.Vals)
		}
	}
	d.vals = d.vals[:in.Vals.A]
	return in.End, err
}

// at gives value number n of an instance; one that is not there is null.
func (d *decoder) at(vals binxml.Span, n int32) binxml.Val {
	if n >= vals.B-vals.A {
		return binxml.Val{}
	}
	return d.vals[vals.A+n]
}

// run does the steps with the values of one instance.
func (d *decoder) run(s binxml.Span, vals binxml.Span) error {
	if d.depth == maxDepth {
		return binxml.ErrTooDeep
	}
	d.depth++
	defer func() { d.depth-- }()
	d.budget -= int(s.B - s.A)
	if d.budget < 0 {
		return binxml.ErrTooExpensive
	}
	mark, dynamic := 0, ""
	for i := s.A; i < s.B; i++ {
		st := &d.steps[i] // stays readable when what it unfolds makes the list grow
		name := st.name
		if name == "" {
			name = dynamic
		}
		var err error
		switch st.kind {
		case stepSub, stepField:
			v := d.at(vals, st.n)
			switch {
			case !v.IsNull():
				err = d.emit(st, name, v)
			case st.kind == stepField:
				d.fields = append(d.fields, Field{Name: name, Kind: Null})
			}
		case stepLit:
			d.add(name, st.system, d.Lits[st.a:st.b:st.b], Text)
		case stepNull:
			d.fields = append(d.fields, Field{Name: name, Kind: Null})
		case stepMark:
			mark = len(d.fields)
		case stepNone:
			if len(d.fields) == mark {
				d.fields = append(d.fields, Field{Name: name, Kind: Null})
			}
		case stepParts:
			err = d.emitParts(st, name, vals)
		case stepInst:
			_, err = d.unfoldInstance(int(st.a), int(st.b), st.ctx)
		case stepNaming:
			d.join, _ = d.appendParts(d.join[:0], binxml.Span{A: st.a, B: st.b}, vals)
			dynamic = d.noSpaces(d.Strings.Get(d.join))
			if d.room -= len(d.join); d.room < 0 {
				err = binxml.ErrTooExpensive
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) add(name string, system uint8, value []byte, kind Kind) {
	d.fields = append(d.fields, Field{Name: name, Value: value, Kind: kind})
	if system != sysNone {
		d.system[system] = int32(len(d.fields))
	}
}

// emit gives a value as a field, an array as one field for each of its items, binary XML as its own fields.
func (d *decoder) emit(st *step, name string, v binxml.Val) error {
	b := d.Value(v)
	from := len(d.out)
	kind := value.Text
	switch {
	case v.Typ == value.TypeString:
		d.out = d.appendText(d.out, b)
	case v.Typ == value.TypeBinXML:
		return d.unfold(int(v.Off), int(v.Off)+int(v.Size), st.ctx)
	case v.Typ&value.TypeArray != 0:
		return d.emitArray(name, v.Typ&^value.TypeArray, b)
	default:
		if v.Typ == value.TypeFiletime && st.system == sysTime && len(b) == 8 {
			d.created = le.Uint64(b)
		}
		d.out, kind = value.Append(d.out, v.Typ, b)
	}
	n := len(d.out)
	if d.room -= n - from; d.room < 0 {
		return binxml.ErrTooExpensive
	}
	d.add(name, st.system, d.out[from:n:n], Kind(kind))
	return nil
}

func (d *decoder) emitArray(name string, typ byte, b []byte) error {
	for len(b) > 0 {
		var item []byte
		item, b = value.NextItem(typ, b)
		from := len(d.out)
		var kind value.Kind
		d.out, kind = value.Append(d.out, typ, item)
		n := len(d.out)
		d.room -= n - from
		if d.budget--; d.budget < 0 || d.room < 0 {
			return binxml.ErrTooExpensive
		}
		d.add(name, sysNone, d.out[from:n:n], Kind(kind))
	}
	return nil
}

func (d *decoder) emitParts(st *step, name string, vals binxml.Span) error {
	from := len(d.out)
	var some bool
	d.out, some = d.appendParts(d.out, binxml.Span{A: st.a, B: st.b}, vals)
	n := len(d.out)
	d.budget -= int(st.b - st.a)
	if d.room -= n - from; d.room < 0 || d.budget < 0 {
		return binxml.ErrTooExpensive
	}
	if some {
		d.add(name, st.system, d.out[from:n:n], Text)
	}
	return nil
}

// appendParts writes literals and values one after the other, as far as one record may need; some tells that there
// was anything but null.
func (d *decoder) appendParts(dst []byte, parts binxml.Span, vals binxml.Span) (_ []byte, some bool) {
	from := len(dst)
	for _, o := range d.Ops[parts.A:parts.B] {
		if len(dst)-from > maxOutput {
			break
		}
		if o.Kind == binxml.OpLit {
			dst, some = append(dst, d.Lits[o.A:o.B]...), true
			continue
		}
		v := d.at(vals, o.N)
		if o.Kind != binxml.OpSub || v.IsNull() || v.Typ == value.TypeBinXML {
			continue
		}
		some = true
		b := d.Value(v)
		if v.Typ&value.TypeArray == 0 {
			dst, _ = value.Append(dst, v.Typ, b)
			continue
		}
		for i := 0; len(b) > 0; i++ {
			if i > 0 {
				dst = append(dst, ',')
			}
			var item []byte
			item, b = value.NextItem(v.Typ&^value.TypeArray, b)
			dst, _ = value.Append(dst, v.Typ&^value.TypeArray, item)
		}
	}
	return dst, some
}
