// Package ast holds the detection part of a rule as it is written: names, modifiers and values, before anything
// is compiled. It imports nothing.
package ast

// Detection is a detection section.
type Detection struct {
	Searches   []Search // in the order written
	Conditions []string // linked by OR
	Line       int
}

// Search is one search identifier: alternatives linked by OR.
type Search struct {
	Name string
	Any  []Group
	Line int
}

// Group is one map: items linked by AND. A list of plain strings is one group with one keyword item.
type Group struct {
	All []Item
}

// Item is one line of a map: field, modifiers and values. Field is empty for keywords.
type Item struct {
	Field     string
	Modifiers []string
	Values    []Value
	Line      int
}

// Kind of a value in YAML.
type Kind uint8

// The kinds of values.
const (
	String Kind = iota
	Number
	Bool
	Null
)

// Value is a scalar: Text is as written, for numbers and bools in canonical form; Written is as written always.
type Value struct {
	Text, Written string
	Kind          Kind
}
