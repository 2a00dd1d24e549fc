// Package pattern turns one line of a detection (field, modifiers, values) into tests joined by and, or, not, and
// runs a single test on a value. Inside: pattern → ast, fold, literal.
package pattern

import (
	"net/netip"
	"regexp"
	"strconv"
)

// Op is the kind of a test.
type Op uint8

// The kinds of tests.
const (
	OpText    Op = iota // Text, against the folded value, or the value itself when Cased
	OpRegex             // Regex
	OpCIDR              // Net
	OpCompare           // number against Number by Cmp
	OpTime              // part of a date against Number by Cmp
	OpRef               // other field of the same event
	OpNull              // absent or null
	OpExists            // present, null or not
)

// Cmp is how numbers are compared.
type Cmp uint8

// The comparisons.
const (
	EQ Cmp = iota
	LT
	LTE
	GT
	GTE
)

// Atom is one test on one field. Field is empty for a keyword, which is tried on every field.
type Atom struct {
	Field string
	Op    Op
	Cased bool
	Dash  bool // all five dashes are one (windash)
	Cmp   Cmp
	Part  Part

	Text   Text // ready for the form that Form names
	Source string
	Regex  *regexp.Regexp
	Needs  [][]byte // folded; a regex can only match where one of them occurs; empty: unknown
	Net    netip.Prefix
	Number Number
	Other  string // OpRef
	Shape  Shape  // OpRef: Equals, Contains, StartsWith, EndsWith
}

// Form is what is done to a value before the text of an atom is compared with it.
type Form uint8

// The forms.
const (
	Raw Form = iota
	Folded
	DashFolded
	DashRaw
)

// Form says in which form the atom reads a value.
func (a *Atom) Form() Form {
	switch {
	case a.Op != OpText && a.Op != OpRef:
		return Raw
	case a.Cased && a.Dash:
		return DashRaw
	case a.Cased:
		return Raw
	case a.Dash:
		return DashFolded
	}
	return Folded
}

// Key is equal for atoms that always give the same answer.
func (a *Atom) Key() string {
	b := make([]byte, 0, 128)
	b = append(b, a.Field...)
	b = append(b, 0, byte(a.Op), byte(a.Form()), byte(a.Cmp), byte(a.Part), byte(a.Shape))
	switch a.Op {
	case OpText:
		b = a.Text.appendKey(b)
	case OpRegex:
		b = append(b, a.Source...)
	case OpCIDR:
		b = a.Net.AppendTo(b)
	case OpCompare, OpTime:
		b = append(b, a.Number.text...)
	case OpRef:
		b = append(b, a.Other...)
	case OpNull, OpExists:
	}
	return string(b)
}

// Name is the word for the test in an explanation.
func (a *Atom) Name() string {
	switch a.Op {
	case OpText:
		return shapeName(a.Text.Shape)
	case OpRegex:
		return "re"
	case OpCIDR:
		return "cidr"
	case OpCompare:
		return cmpNames[a.Cmp]
	case OpTime:
		return partNames[a.Part] + " " + cmpNames[a.Cmp]
	case OpRef:
		return "fieldref " + shapeName(a.Shape)
	case OpNull:
		return "null"
	case OpExists:
		return "exists"
	}
	return ""
}

// Pattern is what the test looks for, as people read it.
func (a *Atom) Pattern() string {
	switch a.Op {
	case OpText:
		if a.Text.Shape == Glob || a.Text.Shape == AnyText {
			return a.Text.String()
		}
		return a.Text.Lit
	case OpRegex:
		return a.Source
	case OpCIDR:
		return a.Net.String()
	case OpCompare, OpTime:
		return a.Number.text
	case OpRef:
		return a.Other
	case OpNull, OpExists:
	}
	return ""
}

var cmpNames = [...]string{EQ: "equals", LT: "lt", LTE: "lte", GT: "gt", GTE: "gte"}

func shapeName(s Shape) string {
	return [...]string{
		Equals: "equals", Contains: "contains", StartsWith: "startswith", EndsWith: "endswith",
		AnyText: "any", Glob: "pattern",
	}[s]
}

// Logic joins tests.
type Logic uint8

// The nodes of an expression.
const (
	Test Logic = iota
	All
	Any
	Not
)

// Expr is tests joined by and, or, not. All of nothing is true, Any of nothing is false.
type Expr struct {
	Logic  Logic
	Atom   *Atom
	Kids   []*Expr
	Search string // for an explanation: the search identifier, on Test
	ID     int32  // for the compiler of rule sets: the number of the atom
}

func all(kids []*Expr) *Expr { return join(All, kids) }

func anyOf(kids []*Expr) *Expr { return join(Any, kids) }

func join(l Logic, kids []*Expr) *Expr {
	if len(kids) == 1 {
		return kids[0]
	}
	return &Expr{Logic: l, Kids: kids}
}

// Number is a decimal number: exact as a whole number where it is one.
type Number struct {
	text  string
	whole int64
	real  float64
	exact bool
}

// ParseNumber reads sign, digits, fraction and exponent, nothing else.
func ParseNumber(v []byte) (Number, bool) {
	if len(v) == 0 || len(v) > 400 {
		return Number{}, false
	}
	digits := 0
	for i, c := range v {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '+' || c == '-':
			if i > 0 && v[i-1] != 'e' && v[i-1] != 'E' {
				return Number{}, false
			}
		case c != '.' && c != 'e' && c != 'E':
			return Number{}, false
		}
	}
	if digits == 0 {
		return Number{}, false
	}
	if n, ok := parseWhole(v); ok {
		return Number{whole: n, real: float64(n), exact: true}, true
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		return Number{}, false
	}
	return Number{real: f}, true
}

func parseWhole(v []byte) (int64, bool) {
	negative := v[0] == '-'
	if negative || v[0] == '+' {
		v = v[1:]
	}
	if len(v) == 0 || len(v) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}

// Holds says whether n stands to m as the comparison says.
func (c Cmp) Holds(n, m Number) bool {
	order := 0
	switch {
	case n.exact && m.exact && n.whole < m.whole, (!n.exact || !m.exact) && n.real < m.real:
		order = -1
	case n.exact && m.exact && n.whole > m.whole, (!n.exact || !m.exact) && n.real > m.real:
		order = 1
	}
	switch c {
	case EQ:
		return order == 0
	case LT:
		return order < 0
	case LTE:
		return order <= 0
	case GT:
		return order > 0
	case GTE:
		return order >= 0
	}
	return false
}

// Float gives the number as it is added and compared with fractions.
func (n Number) Float() float64 { return n.real }
