package chart

import (
	"html/template"
	"strconv"
)

// Bar counts the states of one row, such as a level or a label. Negative numbers count as 0.
type Bar struct {
	Label                         string
	Met, Part, Unmet, Unknown, NA int
}

// StateNames are the words for the states, in the reader's language.
type StateNames struct{ Met, Part, Unmet, Unknown, NA string }

// BarsInput is what stacked bars show. LabelName and TotalName are headers of the table. A state that no bar counts is
// left out of legend and table.
type BarsInput struct {
	Head
	Bars      []Bar
	States    StateNames
	LabelName string
	TotalName string
}

// Piece is one state of one bar.
type Piece struct {
	X, Y, Width, Height float64
	Class               string // met, part, unmet, unknown or na
	Text                string // the number, when it fits
	TextX, TextY        float64
	Title               string
}

// BarRow is one bar with its label and its total.
type BarRow struct {
	Label, Total Text
	Pieces       []Piece
}

// BarsChart is a set of stacked bars laid out. Lengths compare: all bars share one scale.
type BarsChart struct {
	Head
	Width, Height float64
	Rows          []BarRow
	Legend        []Key
	input         BarsInput
}

const (
	barLabel  = 10 * fontSize // width of a label, before it breaks
	barHeight = 20.0
	barRow    = 36.0
	barTotal  = 40.0 // room for the total
)

type state struct {
	class, name string
	count       func(Bar) int
}

// states lists those that occur, in the order in which they are stacked.
func (in BarsInput) states() []state {
	var used []state
	for _, s := range []state{
		{"met", in.States.Met, func(b Bar) int { return b.Met }},
		{"part", in.States.Part, func(b Bar) int { return b.Part }},
		{"unmet", in.States.Unmet, func(b Bar) int { return b.Unmet }},
		{"unknown", in.States.Unknown, func(b Bar) int { return b.Unknown }},
		{"na", in.States.NA, func(b Bar) int { return b.NA }},
	} {
		for _, b := range in.Bars {
			if s.count(b) > 0 {
				used = append(used, s)
				break
			}
		}
	}
	return used
}

func (in BarsInput) total(b Bar) int {
	sum := 0
	for _, s := range in.states() {
		sum += max(0, s.count(b))
	}
	return sum
}

// LevelBars lays out stacked bars, one per row: met, part, unmet, unknown (hatched), not applicable (outlined).
func LevelBars(in BarsInput) BarsChart {
	c := BarsChart{Head: in.Head, Width: Width, input: in}
	labelWidth, most := 0.0, 1
	for _, b := range in.Bars {
		for _, line := range wrap(b.Label, barLabel) {
			labelWidth = max(labelWidth, textWidth(line))
		}
		most = max(most, in.total(b))
	}
	left := labelWidth + 16
	unit := (Width - left - barTotal) / float64(most)
	y := 4.0
	for _, b := range in.Bars {
		row := BarRow{Label: place(wrap(b.Label, barLabel), labelWidth+8, y+barRow/2, "end")}
		x := left
		for _, s := range in.states() {
			n := max(0, s.count(b))
			if n == 0 {
				continue
			}
			p := Piece{
				X: round(x), Y: round(y + (barRow-barHeight)/2), Width: round(unit * float64(n)), Height: barHeight,
				Class: s.class, Title: b.Label + " " + s.name + " " + strconv.Itoa(n),
			}
			if text := strconv.Itoa(n); textWidth(text)+6 <= p.Width {
				p.Text, p.TextX, p.TextY = text, round(x+p.Width/2), round(y+barRow/2+fontSize*0.36)
			}
			row.Pieces = append(row.Pieces, p)
			x += unit * float64(n)
		}
		row.Total = place([]string{strconv.Itoa(in.total(b))}, x+6, y+barRow/2, "start")
		c.Rows = append(c.Rows, row)
		y += barRow
	}
	var keys []Key
	for _, s := range in.states() {
		keys = append(keys, Key{Class: s.class, Text: s.name})
	}
	var height float64
	c.Legend, height = legend(keys, left, y+6)
	c.Height = y + 6 + height
	return c
}

// SVG returns the chart as markup for a page.
func (c BarsChart) SVG() (template.HTML, error) { return render("bars.svg", c) }

// Table returns the numbers of the chart.
func (c BarsChart) Table() Table {
	t := Table{Headers: []string{c.input.LabelName}}
	states := c.input.states()
	for _, s := range states {
		t.Headers = append(t.Headers, s.name)
	}
	t.Headers = append(t.Headers, c.input.TotalName)
	for _, b := range c.input.Bars {
		row := []string{b.Label}
		for _, s := range states {
			row = append(row, strconv.Itoa(max(0, s.count(b))))
		}
		t.Rows = append(t.Rows, append(row, strconv.Itoa(c.input.total(b))))
	}
	return t
}
