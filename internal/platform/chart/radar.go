package chart

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// Axis is one spoke of a radar. Value and Before run from 0 to Max; None is a gap. A Max of 0 or less counts as 1.
type Axis struct {
	Label         string
	Value, Before float64
	Max           float64
}

// RadarInput is what a radar shows: Value of each axis as the first series and, where BeforeName is set, Before as the
// second. LabelName and Unknown are words of the table.
type RadarInput struct {
	Head
	Axes             []Axis
	Name, BeforeName string
	LabelName        string
	Unknown          string
}

// Ring is a line of equal value.
type Ring struct{ Points string }

// Shape is a series: the path through its values, closed when every axis has one.
type Shape struct {
	Class, Name, Path string
	Closed            bool
	Dots              []Dot
}

// RadarChart is a radar laid out.
type RadarChart struct {
	Head
	Width, Height float64
	Rings         []Ring
	Spokes        []Segment
	Leaders       []Segment // from a spoke to a label that had to move
	Labels        []Text
	Scale         []Text // the value of each ring, when all axes share one scale
	Shapes        []Shape
	Legend        []Key
	input         RadarInput
}

const (
	radarRings   = 4
	radarLabel   = 9 * fontSize // width of a label, before it breaks
	radarGap     = 16.0         // from the outer ring to the labels
	radarMargin  = 6.0
	radarLeast   = 90.0  // smallest radius
	radarMost    = 160.0 // largest radius
	leaderLength = 9.0   // a label moved further than this gets a line
)

// Radar lays out a radar. Labels stand outside, break into two lines and never overlap: those of each half move away
// from the middle until they fit, and the chart grows in height. Fewer than three axes give a chart without shapes.
func Radar(in RadarInput) RadarChart {
	c := RadarChart{Head: in.Head, Width: Width, input: in}
	lines, widest := make([][]string, len(in.Axes)), 0.0
	for i, a := range in.Axes {
		lines[i] = wrap(a.Label, radarLabel)
		for _, line := range lines[i] {
			widest = max(widest, textWidth(line))
		}
	}
	r := min(radarMost, max(radarLeast, Width/2-radarGap-widest-radarMargin))
	labels := radarLabels(lines, r)
	top, bottom := -r, r
	for _, l := range labels {
		top, bottom = min(top, l.box.top), max(bottom, l.box.bottom)
	}
	cx, cy := Width/2.0, radarMargin-top
	c.Height = math.Ceil(bottom - top + 2*radarMargin)
	for i, l := range labels {
		x, y := polar(i, len(in.Axes), r)
		c.Spokes = append(c.Spokes, Segment{round(cx), round(cy), round(cx + x), round(cy + y)})
		middle := (l.box.top + l.box.bottom) / 2
		if _, wanted := polar(i, len(in.Axes), r+radarGap); math.Abs(middle-wanted) > leaderLength {
			c.Leaders = append(c.Leaders, Segment{round(cx + x), round(cy + y), round(cx + l.X), round(cy + middle)})
		}
		moved := place(lines[i], cx+l.X, cy+middle, l.Anchor)
		c.Labels = append(c.Labels, moved)
	}
	c.rings(cx, cy, r)
	c.shapes(cx, cy, r)
	return c
}

// polar gives the end of spoke i of n, clockwise from the top, y downwards.
func polar(i, n int, r float64) (x, y float64) {
	sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
	return r * sin, -r * cos
}

// radarLabels places the labels around the origin.
func radarLabels(lines [][]string, r float64) []Text {
	n := len(lines)
	labels := make([]Text, n)
	var right, left []int // from the top to the bottom
	for i := range lines {
		x, y := polar(i, n, r+radarGap)
		switch {
		case x > 0.5:
			labels[i] = place(lines[i], x, y, "start")
			right = append(right, i)
		case x < -0.5:
			labels[i] = place(lines[i], x, y, "end")
			left = append([]int{i}, left...)
		default:
			labels[i] = place(lines[i], 0, y, "middle")
		}
	}
	spread(labels, lines, right)
	spread(labels, lines, left)
	for i, l := range labels {
		if l.Anchor != "middle" {
			continue
		}
		for j, o := range labels {
			if j == i || o.Anchor == "middle" || o.box.left > l.box.right+gap || o.box.right < l.box.left-gap {
				continue
			}
			half := (l.box.bottom - l.box.top) / 2
			middle := (labels[i].box.top + labels[i].box.bottom) / 2
			if i == 0 {
				labels[i] = place(lines[i], 0, min(middle, o.box.top-gap-half), "middle")
			} else {
				labels[i] = place(lines[i], 0, max(middle, o.box.bottom+gap+half), "middle")
			}
		}
	}
	return labels
}

// spread moves the labels of one half apart, away from the middle.
func spread(labels []Text, lines [][]string, order []int) {
	start := 0
	for k, i := range order {
		if math.Abs(labels[i].box.top+labels[i].box.bottom) < math.Abs(labels[order[start]].box.top+labels[order[start]].box.bottom) {
			start = k
		}
	}
	move := func(i int, y float64) { labels[i] = place(lines[i], labels[i].X, y, labels[i].Anchor) }
	for k := start + 1; k < len(order); k++ {
		i, above := order[k], labels[order[k-1]].box
		b := labels[i].box
		half := (b.bottom - b.top) / 2
		move(i, max(b.top+half, above.bottom+gap+half))
	}
	for k := start - 1; k >= 0; k-- {
		i, below := order[k], labels[order[k+1]].box
		b := labels[i].box
		half := (b.bottom - b.top) / 2
		move(i, min(b.top+half, below.top-gap-half))
	}
}

func (c *RadarChart) rings(cx, cy, r float64) {
	n := len(c.input.Axes)
	same := n > 0
	for _, a := range c.input.Axes {
		same = same && a.Max == c.input.Axes[0].Max
	}
	for k := 1; k <= radarRings; k++ {
		share := float64(k) / radarRings
		var points []string
		for i := range n {
			x, y := polar(i, n, r*share)
			points = append(points, fmt.Sprintf("%g,%g", round(cx+x), round(cy+y)))
		}
		c.Rings = append(c.Rings, Ring{strings.Join(points, " ")})
		if same {
			value := number(scale(c.input.Axes[0].Max)*share, "")
			c.Scale = append(c.Scale, place([]string{value}, cx+3, cy-r*share+lineHeight/2, "start"))
		}
	}
}

func scale(maximum float64) float64 {
	if maximum <= 0 || math.IsNaN(maximum) {
		return 1
	}
	return maximum
}

func (c *RadarChart) shapes(cx, cy, r float64) {
	series := []struct {
		class, name string
		value       func(Axis) float64
	}{
		{"before", c.input.BeforeName, func(a Axis) float64 { return a.Before }},
		{"now", c.input.Name, func(a Axis) float64 { return a.Value }},
	}
	n := len(c.input.Axes)
	if n < 3 {
		return
	}
	var keys []Key
	for _, s := range series {
		if s.class == "before" && s.name == "" {
			continue
		}
		shape := Shape{Class: s.class, Name: s.name, Closed: true}
		var path []string
		pen := "M"
		for i, a := range c.input.Axes {
			v := s.value(a)
			if math.IsNaN(v) || math.IsInf(v, 0) {
				shape.Closed, pen = false, "M"
				continue
			}
			x, y := polar(i, n, r*min(max(v/scale(a.Max), 0), 1))
			x, y = round(cx+x), round(cy+y)
			path = append(path, fmt.Sprintf("%s%g %g", pen, x, y))
			pen = "L"
			title := fmt.Sprintf("%s: %s / %s", a.Label, number(v, ""), number(scale(a.Max), ""))
			shape.Dots = append(shape.Dots, Dot{x, y, title})
		}
		if shape.Closed {
			path = append(path, "Z")
		}
		shape.Path = strings.Join(path, " ")
		c.Shapes = append(c.Shapes, shape)
		keys = append([]Key{{Class: s.class, Text: s.name}}, keys...)
	}
	if len(keys) > 1 {
		var height float64
		c.Legend, height = legend(keys, radarMargin, c.Height)
		c.Height += height
	}
}

// SVG returns the chart as markup for a page.
func (c RadarChart) SVG() (template.HTML, error) { return render("radar.svg", c) }

// Table returns the numbers of the chart.
func (c RadarChart) Table() Table {
	t := Table{Headers: []string{c.input.LabelName, c.input.Name}}
	before := c.input.BeforeName != ""
	if before {
		t.Headers = append(t.Headers, c.input.BeforeName)
	}
	for _, a := range c.input.Axes {
		row := []string{a.Label, number(a.Value, c.input.Unknown)}
		if before {
			row = append(row, number(a.Before, c.input.Unknown))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
