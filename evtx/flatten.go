package evtx

import (
	"bytes"
	"strings"

	"github.com/kizuki-security/kizuki/evtx/internal/binxml"
)

// Levels of an event. What a name means depends on the level it stands at.
const (
	levelDocument = iota // nothing is open yet
	levelEvent           // inside Event
	levelSystem          // inside System
	levelUser            // inside UserData: one element that names the kind of event
	levelFields          // inside anything else: names below are prefix.Name
)

const longestName = 4096 // bytes of a flat name

// context is where elements stand, as far as their flat names depend on it.
type context struct {
	level  uint8
	prefix string
}

// context numbers contexts: templates are flattened once for each context that they are used in.
func (d *decoder) context(c context) int32 {
	id, ok := d.ctxOf[c]
	if !ok {
		id = int32(len(d.contexts))
		d.contexts = append(d.contexts, c)
		d.ctxOf[c] = id
	}
	return id
}

// Well-known fields of System; their index in decoder.system.
const (
	sysNone = iota
	sysChannel
	sysComputer
	sysProvider
	sysEventID
	sysTime
	systemFields
)

type stepKind uint8

const (
	stepLit    stepKind = iota // a field of lits[a:b]
	stepSub                    // a field of value n, none when it is null
	stepField                  // a field of value n, Null when it is null
	stepNull                   // a Null field
	stepParts                  // a field of ops[a:b], written one after the other
	stepInst                   // the template instance at a
	stepMark                   // remember how many fields there are
	stepNone                   // a Null field if there are no more than remembered
	stepNaming                 // ops[a:b] are the name of the steps that follow and have none
)

// step is what a record does to make flat fields from its values.
type step struct {
	kind   stepKind
	system uint8
	n      int32
	a, b   int32
	ctx    int32 // of binary XML inside the value
	name   string
}

// flatten compiles ops into steps for elements that stand in the context.
func (d *decoder) flatten(pos int, s binxml.Span, ctx int32) (binxml.Span, error) {
	key := flatKey{pos, ctx}
	if c, ok := d.flat[key]; ok {
		return c.steps, c.err
	}
	c := flattened{steps: binxml.Span{A: int32(len(d.steps))}}
	for i := s.A; i < s.B && c.err == nil; i = d.Ops[i].N + 1 {
		if len(d.steps) > maxSteps {
			c.err = binxml.ErrTooManyTemplates
			break
		}
		d.flattenElement(i, ctx)
	}
	c.steps.B = int32(len(d.steps))
	d.flat[key] = c
	return c.steps, c.err
}

// enter gives the flat name of an element and the context inside; no name: the level is dropped.
func (d *decoder) enter(ctx int32, element string) (name string, inside int32) {
	c := d.contexts[ctx]
	element = d.noSpaces(element)
	if c.level == levelDocument {
		if element == "Event" {
			return "", d.context(context{level: levelEvent})
		}
		c.level = levelEvent
	}
	switch c.level {
	case levelEvent:
		switch element {
		case "System":
			return "", d.context(context{level: levelSystem})
		case "EventData":
			return "", d.context(context{level: levelFields})
		case "UserData":
			return "", d.context(context{level: levelUser})
		}
		return element, d.context(context{levelFields, element})
	case levelUser:
		return "", d.context(context{level: levelFields})
	}
	name = d.joined(c.prefix, '.', element)
	return name, d.context(context{levelFields, name})
}

// joined joins names. What is too long for a name, on purpose for sure, keeps its last part.
func (d *decoder) joined(a string, mark byte, b string) string {
	if a == "" || len(a)+len(b) > longestName {
		return b
	}
	d.join = append(append(append(d.join[:0], a...), mark), b...)
	return d.Strings.Get(d.join)
}

func (d *decoder) noSpaces(s string) string {
	if !strings.Contains(s, " ") {
		return s
	}
	return d.Strings.Get([]byte(strings.ReplaceAll(s, " ", "")))
}

// content gives where the attributes of the element at i end, and whether there are elements inside.
func (d *decoder) content(i int32) (start int32, children bool) {
	start = i + 1
	for d.Ops[start].Kind == binxml.OpAttr {
		start += 1 + d.Ops[start].N
	}
	for j := start; j < d.Ops[i].N; j++ {
		if d.Ops[j].Kind == binxml.OpOpen {
			return start, true
		}
	}
	return start, false
}

// naming gives the parts of the attribute Name of a Data element: they are the name of the field.
func (d *decoder) naming(i int32) (parts binxml.Span, ok bool) {
	if d.Ops[i].Name != "Data" {
		return binxml.Span{}, false
	}
	for j := i + 1; d.Ops[j].Kind == binxml.OpAttr; j += 1 + d.Ops[j].N {
		if d.Ops[j].Name == "Name" && d.Ops[j].N > 0 {
			return binxml.Span{A: j + 1, B: j + 1 + d.Ops[j].N}, true
		}
	}
	return binxml.Span{}, false
}

func isNamespace(attribute string) bool {
	return attribute == "xmlns" || strings.HasPrefix(attribute, "xmlns:")
}

func (d *decoder) flattenElement(i, ctx int32) {
	o := d.Ops[i]
	name, inside := d.enter(ctx, o.Name)
	dropped := name == ""
	if dropped {
		name = d.noSpaces(o.Name)
	}
	start, children := d.content(i)
	var attributes bool
	first := len(d.steps)
	d.steps = append(d.steps, step{kind: stepMark})
	if parts, ok := d.naming(i); ok {
		name = d.dataName(ctx, parts)
	} else {
		attributes = d.flattenAttributes(i, ctx, name)
	}
	system := uint8(sysNone)
	if d.contexts[ctx].level == levelSystem {
		system = systemField(name)
	}
	simple := !attributes && !children && o.N-start <= 1
	if simple && name != "" { // most elements: no mark needed
		d.steps = d.steps[:first]
	}
	if simple && !dropped {
		if o.N == start {
			d.steps = append(d.steps, step{kind: stepNull, name: name})
			return
		}
		d.flattenPart(start, step{kind: stepField, name: name, ctx: inside, system: system})
		return
	}
	d.flattenContent(binxml.Span{A: start, B: o.N}, children, inside, step{kind: stepSub, name: name, ctx: inside, system: system})
	if !dropped && !children {
		d.steps = append(d.steps, step{kind: stepNone, name: name})
	}
}

// dataName is the name of a Data element by its attribute; "" when values make it, which a step then does.
func (d *decoder) dataName(ctx int32, parts binxml.Span) string {
	if o := d.Ops[parts.A]; parts.B-parts.A == 1 && o.Kind == binxml.OpLit {
		name := bytes.ReplaceAll(d.Lits[o.A:o.B], []byte(" "), nil)
		return d.joined(d.contexts[ctx].prefix, '.', d.Strings.Get(name))
	}
	d.steps = append(d.steps, step{kind: stepNaming, a: parts.A, b: parts.B})
	return ""
}

func (d *decoder) flattenAttributes(i, ctx int32, element string) (some bool) {
	for j := i + 1; d.Ops[j].Kind == binxml.OpAttr; j += 1 + d.Ops[j].N {
		o := d.Ops[j]
		if isNamespace(o.Name) {
			continue
		}
		s := step{kind: stepSub, name: d.joined(element, '_', d.noSpaces(o.Name))}
		if d.contexts[ctx].level == levelSystem {
			s.system = systemField(s.name)
		}
		d.flattenContent(binxml.Span{A: j + 1, B: j + 1 + o.N}, false, ctx, s)
		some = true
	}
	return some
}

// flattenContent makes the steps of the text, values and elements in parts; s says how a value is given.
func (d *decoder) flattenContent(parts binxml.Span, children bool, inside int32, s step) {
	whole := !children && parts.B-parts.A > 1
	for j := parts.A; j < parts.B && whole; j++ {
		whole = d.Ops[j].Kind != binxml.OpInst
	}
	if whole {
		s.kind, s.a, s.b = stepParts, parts.A, parts.B
		d.steps = append(d.steps, s)
		return
	}
	for j := parts.A; j < parts.B; j++ {
		o := d.Ops[j]
		switch {
		case o.Kind == binxml.OpOpen:
			d.flattenElement(j, inside)
			j = o.N
		case o.Kind == binxml.OpLit && children && len(bytes.TrimSpace(d.Lits[o.A:o.B])) == 0:
		default:
			d.flattenPart(j, s)
		}
	}
}

func (d *decoder) flattenPart(j int32, s step) {
	switch o := d.Ops[j]; o.Kind {
	case binxml.OpLit:
		s.kind, s.a, s.b = stepLit, o.A, o.B
	case binxml.OpInst:
		s.kind, s.a, s.b = stepInst, o.A, o.B
	default:
		s.n = o.N
	}
	d.steps = append(d.steps, s)
}

func systemField(name string) uint8 {
	switch name {
	case "Channel":
		return sysChannel
	case "Computer":
		return sysComputer
	case "Provider_Name":
		return sysProvider
	case "EventID":
		return sysEventID
	case "TimeCreated_SystemTime":
		return sysTime
	}
	return sysNone
}
