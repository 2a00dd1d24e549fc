package evtx

// unfold makes the fields of the binary XML at pos: it runs the steps of its templates over its values.
func (d *decoder) unfold(pos, end int, ctx int32) error {
	if d.depth == maxDepth {
		return TooDeep
	}
	d.depth++
	defer func() { d.depth-- }()
	for pos < end {
		d.budget--
		switch d.buf[pos] &^ tokMore {
		case tokEnd:
			return nil
		case tokFragment:
			pos += 4
		case tokInstance:
			next, err := d.unfoldInstance(pos, end, ctx)
			if err != nil {
				return err
			}
			pos = next
		default: // elements that stand here without a template
			ops, err := d.compile(pos, end, false)
			if err != nil {
				return err
			}
			steps, err := d.flatten(int32(pos), ops, ctx)
			if err != nil {
				return err
			}
			return d.run(steps, span{})
		}
	}
	return nil
}

func (d *decoder) unfoldInstance(pos, end int, ctx int32) (next int, err error) {
	in, err := d.instance(pos, end)
	if err != nil {
		return 0, err
	}
	ops, err := d.compile(int(in.def), int(in.def+in.size), true)
	if err == nil {
		var steps span
		if steps, err = d.flatten(in.def, ops, ctx); err == nil {
			err = d.run(steps, in.vals)
		}
	}
	d.vals = d.vals[:in.vals.a]
	return in.end, err
}

// at gives value number n of an instance; one that is not there is null.
func (d *decoder) at(vals span, n int32) val {
	if n >= vals.b-vals.a {
		return val{}
	}
	return d.vals[vals.a+n]
}

func (d *decoder) run(s span, vals span) error {
	d.budget -= int(s.b - s.a)
	if d.budget < 0 {
		return TooExpensive
	}
	mark, dynamic := 0, ""
	for i := s.a; i < s.b; i++ {
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
			case !v.isNull():
				err = d.emit(st, name, v)
			case st.kind == stepField:
				d.fields = append(d.fields, Field{Name: name, Kind: Null})
			}
		case stepLit:
			d.add(name, st.system, d.lits[st.a:st.b:st.b], Text)
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
			d.join, _ = d.appendParts(d.join[:0], span{st.a, st.b}, vals)
			dynamic = d.noSpaces(d.strings.get(d.join))
			if d.room -= len(d.join); d.room < 0 {
				err = TooExpensive
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
func (d *decoder) emit(st *step, name string, v val) error {
	b := d.value(v)
	from := len(d.out)
	kind := Text
	switch {
	case v.typ == typeString:
		d.out = d.appendText(d.out, b)
	case v.typ == typeBinXML:
		return d.unfold(int(v.off), int(v.off)+int(v.size), st.ctx)
	case v.typ&typeArray != 0:
		return d.emitArray(name, v.typ&^typeArray, b)
	default:
		if v.typ == typeFiletime && st.system == sysTime && len(b) == 8 {
			d.created = le.Uint64(b)
		}
		d.out, kind = appendValue(d.out, v.typ, b)
	}
	n := len(d.out)
	if d.room -= n - from; d.room < 0 {
		return TooExpensive
	}
	d.add(name, st.system, d.out[from:n:n], kind)
	return nil
}

func (d *decoder) emitArray(name string, typ byte, b []byte) error {
	for len(b) > 0 {
		var item []byte
		item, b = nextItem(typ, b)
		from := len(d.out)
		var kind Kind
		d.out, kind = appendValue(d.out, typ, item)
		n := len(d.out)
		d.room -= n - from
		if d.budget--; d.budget < 0 || d.room < 0 {
			return TooExpensive
		}
		d.add(name, sysNone, d.out[from:n:n], kind)
	}
	return nil
}

func (d *decoder) emitParts(st *step, name string, vals span) error {
	from := len(d.out)
	var some bool
	d.out, some = d.appendParts(d.out, span{st.a, st.b}, vals)
	n := len(d.out)
	d.budget -= int(st.b - st.a)
	if d.room -= n - from; d.room < 0 || d.budget < 0 {
		return TooExpensive
	}
	if some {
		d.add(name, st.system, d.out[from:n:n], Text)
	}
	return nil
}

// appendParts writes literals and values one after the other, as far as one record may need; some tells that there
// was anything but null.
func (d *decoder) appendParts(dst []byte, parts span, vals span) (_ []byte, some bool) {
	from := len(dst)
	for _, o := range d.ops[parts.a:parts.b] {
		if len(dst)-from > maxOutput {
			break
		}
		switch o.kind {
		case opLit:
			dst, some = append(dst, d.lits[o.a:o.b]...), true
		case opSub:
			v := d.at(vals, o.n)
			if v.isNull() || v.typ == typeBinXML {
				continue
			}
			some = true
			b := d.value(v)
			if v.typ&typeArray == 0 {
				dst, _ = appendValue(dst, v.typ, b)
				continue
			}
			for i := 0; len(b) > 0; i++ {
				if i > 0 {
					dst = append(dst, ',')
				}
				var item []byte
				item, b = nextItem(v.typ&^typeArray, b)
				dst, _ = appendValue(dst, v.typ&^typeArray, item)
			}
		}
	}
	return dst, some
}
