package chart

import (
	"cmp"
	"html/template"
	"math"
	"strconv"
)

// Part is one kind of what stacks count, such as a level. Class is a word of marks.go and of the page's CSS.
type Part struct{ Class, Name string }

// Stack is one row or column: Counts has a number for each part; what is missing or negative counts as 0. Short is its
// name where a column has little room; empty: Label.
type Stack struct {
	Label, Short string
	Counts       []int
}

// StacksInput is what stacks show, with the parts in the order in which they are stacked. LabelName and TotalName
// are headers of the table. A part that no stack counts is left out of legend and table.
type StacksInput struct {
	Head
	Parts     []Part
	Stacks    []Stack
	LabelName string
	TotalName string
}

func (s Stack) count(part int) int {
	if part >= len(s.Counts) {
		return 0
	}
	return max(0, s.Counts[part])
}

func (s Stack) total() int {
	sum := 0
	for i := range s.Counts {
		sum += s.count(i)
	}
	return sum
}

// used lists the places of parts that occur.
func (in StacksInput) used() []int {
	var used []int
	for i := range in.Parts {
		for _, s := range in.Stacks {
			if s.count(i) > 0 {
				used = append(used, i)
				break
			}
		}
	}
	return used
}

func (in StacksInput) most() int {
	most := 1
	for _, s := range in.Stacks {
		most = max(most, s.total())
	}
	return most
}

func (in StacksInput) keys() []Key {
	var keys []Key
	for _, i := range in.used() {
		keys = append(keys, Key{Class: in.Parts[i].Class, Text: in.Parts[i].Name})
	}
	return keys
}

func (in StacksInput) table() Table {
	t := Table{Headers: []string{in.LabelName}}
	used := in.used()
	for _, i := range used {
		t.Headers = append(t.Headers, in.Parts[i].Name)
	}
	t.Headers = append(t.Headers, in.TotalName)
	for _, s := range in.Stacks {
		row := []string{s.Label}
		for _, i := range used {
			row = append(row, strconv.Itoa(s.count(i)))
		}
		t.Rows = append(t.Rows, append(row, strconv.Itoa(s.total())))
	}
	return t
}

// piece says what a part of a stack is called when the pointer rests on it.
func (in StacksInput) piece(s Stack, part int) Piece {
	p := in.Parts[part]
	return Piece{Class: p.Class, Title: s.Label + " " + p.Name + " " + strconv.Itoa(s.count(part))}
}

// RowsChart is a set of rows laid out; their lengths compare.
type RowsChart struct {
	Head
	Width, Height float64
	Rows          []BarRow
	Legend        []Key
	input         StacksInput
}

const (
	rowLabel  = 15 * fontSize // names of computers and rules are longer than those of levels
	capitals  = 1.2           // names of computers are of capitals, wider than textWidth takes letters for
	leastPart = 1.5           // width or height below which nobody sees a part
)

// Rows lays out stacks as rows, one below the other.
func Rows(in StacksInput) RowsChart {
	c := RowsChart{Head: in.Head, Width: Width, input: in}
	labelWidth := 0.0
	for _, s := range in.Stacks {
		for _, line := range wrap(s.Label, rowLabel) {
			labelWidth = max(labelWidth, textWidth(line)*capitals)
		}
	}
	left := labelWidth + 16
	end := textWidth(strconv.Itoa(in.most())) + 12
	unit := (Width - left - end) / float64(in.most())
	y := 4.0
	for _, s := range in.Stacks {
		row := BarRow{Label: place(wrap(s.Label, rowLabel), labelWidth+8, y+barRow/2, "end")}
		x := left
		for i := range in.Parts {
			if s.count(i) == 0 {
				continue
			}
			p := in.piece(s, i)
			wide := max(leastPart, unit*float64(s.count(i)))
			p.X, p.Y, p.Width, p.Height = round(x), round(y+(barRow-barHeight)/2), round(wide), barHeight
			row.Pieces = append(row.Pieces, p)
			x += wide
		}
		row.Total = place([]string{strconv.Itoa(s.total())}, min(x+6, Width-end+8), y+barRow/2, "start")
		c.Rows = append(c.Rows, row)
		y += barRow
	}
	var height float64
	c.Legend, height = legend(in.keys(), left, y+6)
	c.Height = y + 6 + height
	return c
}

// SVG returns the chart as markup for a page.
func (c RowsChart) SVG() (template.HTML, error) { return render("bars.svg", c) }

// Table returns the numbers of the chart.
func (c RowsChart) Table() Table { return c.input.table() }

// ColumnsChart is a set of columns over time laid out. Labels are those that have room.
type ColumnsChart struct {
	Head
	Width, Height float64
	Ticks         []Tick
	Labels        []Text
	Pieces        []Piece
	Legend        []Key
	input         StacksInput
}

// Columns lays out stacks as columns side by side, from 0 upwards. Up to some sixty have room.
func Columns(in StacksInput) ColumnsChart {
	c := ColumnsChart{Head: in.Head, Width: Width, input: in}
	top, step := lineScale(LineInput{Max: float64(in.most())})
	step = max(1, math.Ceil(step)) // there is no half of a hit
	top = step * math.Ceil(top/step-0.001)
	left := 8.0
	for v := 0.0; v <= top+step/2; v += step {
		left = max(left, textWidth(number(v, ""))+14)
	}
	height := func(v float64) float64 { return lineBottom - (lineBottom-lineTop)*v/top }
	for v := 0.0; v <= top+step/2; v += step {
		y := round(height(v))
		c.Ticks = append(c.Ticks, Tick{
			Line: Segment{round(left), y, Width - lineRight, y}, Label: place([]string{number(v, "")}, left-6, y, "end"),
		})
	}
	slot := (Width - lineRight - left) / float64(max(1, len(in.Stacks)))
	wide := min(slot*0.8, 2*barHeight)
	for i, s := range in.Stacks {
		x, below := left+slot*(float64(i)+0.5)-wide/2, lineBottom
		for part := range in.Parts {
			if s.count(part) == 0 {
				continue
			}
			p := in.piece(s, part)
			high := max(leastPart, lineBottom-height(float64(s.count(part))))
			p.X, p.Y, p.Width, p.Height = round(x), round(below-high), round(wide), round(high)
			c.Pieces = append(c.Pieces, p)
			below -= high
		}
	}
	c.Labels = columnLabels(in.Stacks, left, slot)
	var used float64
	c.Legend, used = legend(in.keys(), left, lineBottom+32)
	c.Height = lineBottom + 32 + used
	return c
}

// columnLabels names as many columns as have room, the first always.
func columnLabels(stacks []Stack, left, slot float64) []Text {
	var labels []Text
	for i, s := range stacks {
		text := cut(cmp.Or(s.Short, s.Label), barLabel)
		half := textWidth(text) / 2
		x := min(max(left+slot*(float64(i)+0.5), half+2), Width-half-2)
		label := place([]string{text}, x, lineBottom+16, "middle")
		if n := len(labels); n > 0 && labels[n-1].box.right+10 > label.box.left {
			continue
		}
		labels = append(labels, label)
	}
	return labels
}

// SVG returns the chart as markup for a page.
func (c ColumnsChart) SVG() (template.HTML, error) { return render("columns.svg", c) }

// Table returns the numbers of the chart.
func (c ColumnsChart) Table() Table { return c.input.table() }
