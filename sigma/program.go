package sigma

import (
	"slices"

	"github.com/kizuki-security/kizuki/sigma/internal/pattern"
)

// step tests one atom and says where to go on. A place below zero is the end.
type step struct {
	atom    int32
	yes, no int32
}

const (
	failed  = -1
	matched = -2
)

// intern gives every atom its number, the same for atoms that always answer the same, and checks the limits.
func (c *compiler) intern(e *pattern.Expr, depth int, tests *int) bool {
	if depth > maxDepth {
		return false
	}
	if e.Logic == pattern.Test {
		if *tests++; *tests > maxTests {
			return false
		}
		key := e.Atom.Key()
		id, ok := c.atoms[key]
		if !ok {
			id = int32(len(c.all))
			c.atoms[key] = id
			c.all = append(c.all, e.Atom)
			c.field(e.Atom.Field)
			if e.Atom.Op == pattern.OpRef {
				c.field(e.Atom.Other)
			}
		}
		e.ID, e.Atom = id, c.all[id]
		return true
	}
	for _, k := range e.Kids {
		if !c.intern(k, depth+1, tests) {
			return false
		}
	}
	return true
}

func (c *compiler) field(name string) int32 {
	id, ok := c.fields[name]
	if !ok {
		id = int32(len(c.fields))
		c.fields[name] = id
	}
	return id
}

// emit writes the steps of an expression, the last first, so that every place to go on to is known. It gives the
// place where the expression begins. Cheap tests come before regular expressions; the answer does not depend
// on the order.
func emit(program *[]step, e *pattern.Expr, yes, no int32) int32 {
	switch e.Logic {
	case pattern.Test:
		*program = append(*program, step{atom: e.ID, yes: yes, no: no})
		return int32(len(*program) - 1)
	case pattern.Not:
		return emit(program, e.Kids[0], no, yes)
	case pattern.All, pattern.Any:
	}
	entry := yes
	if e.Logic == pattern.Any {
		entry = no
	}
	for _, late := range []bool{true, false} {
		for _, v := range slices.Backward(e.Kids) {
			switch k := v; {
			case k.Slow() != late:
			case e.Logic == pattern.All:
				entry = emit(program, k, entry, no)
			default:
				entry = emit(program, k, yes, entry)
			}
		}
	}
	return entry
}
