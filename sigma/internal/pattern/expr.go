package pattern

import "slices"

// HoldsOnNothing evaluates the condition with every search false: searches are the nodes below which tests stand.
func (e *Expr) HoldsOnNothing() bool {
	switch {
	case e.Logic == Not:
		return !e.Kids[0].HoldsOnNothing()
	case e.Logic == Test || e.Search != "":
		return false
	case e.Logic == All:
		for _, k := range e.Kids {
			if !k.HoldsOnNothing() {
				return false
			}
		}
		return true
	}
	return slices.ContainsFunc(e.Kids, (*Expr).HoldsOnNothing)
}

// Slow says whether an expression has a regular expression or a keyword in it.
func (e *Expr) Slow() bool {
	if e.Logic == Test {
		return e.Atom.Op == OpRegex || e.Atom.Field == ""
	}
	return slices.ContainsFunc(e.Kids, (*Expr).Slow)
}
