package chart

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// LineSeries is one line; Values has one value for each label of the chart, None is a gap.
type LineSeries struct {
	Name   string
	Values []float64
}

// LineInput is what a line chart shows: up to three series over a few labels, from 0 upwards. Max is the end of the
// scale; 0 takes the next round number above the values. LabelName and Unknown are words of the table.
type LineInput struct {
	Head
	Labels    []string
	Series    []LineSeries
	Max       float64
	LabelName string
	Unknown   string
}

// Tick is a line of the scale with its value.
type Tick struct {
	Line  Segment
	Label Text
}

// LineChart is a line chart laid out. Labels are those of the points that have room; the last always has.
type LineChart struct {
	Head
	Width, Height float64
	Ticks         []Tick
	Labels        []Text
	Shapes        []Shape // classes s1, s2, s3
	Legend        []Key
	input         LineInput
}

const (
	lineTop, lineBottom = 12.0, 200.0
	lineRight           = 24.0
	lineTicks           = 4
	lineSeries          = 3
)

// Line lays out a line chart. Series beyond the third are left out of picture and table.
func Line(in LineInput) LineChart {
	in.Series = in.Series[:min(len(in.Series), lineSeries)]
	c := LineChart{Head: in.Head, Width: Width, input: in}
	top, step := lineScale(in)
	left := 8.0
	for v := 0.0; v <= top+step/2; v += step {
		left = max(left, textWidth(number(v, ""))+14)
	}
	height := func(v float64) float64 {
		return round(lineBottom - (lineBottom-lineTop)*min(max(v/top, 0), 1))
	}
	for v := 0.0; v <= top+step/2; v += step {
		y := height(v)
		c.Ticks = append(c.Ticks, Tick{
			Line: Segment{round(left), y, Width - lineRight, y}, Label: place([]string{number(v, "")}, left-6, y, "end"),
		})
	}
	across := func(i int) float64 {
		if len(in.Labels) < 2 {
			return round((left + Width - lineRight) / 2)
		}
		return round(left + 10 + (Width-lineRight-left-20)*float64(i)/float64(len(in.Labels)-1))
	}
	c.labels(across)
	var keys []Key
	for k, s := range in.Series {
		class := "s" + strconv.Itoa(k+1)
		c.Shapes = append(c.Shapes, lineShape(class, s, in.Labels, across, height))
		keys = append(keys, Key{Class: class, Text: s.Name})
	}
	c.Height = lineBottom + 30
	if len(keys) > 1 {
		var used float64
		c.Legend, used = legend(keys, left, c.Height)
		c.Height += used
	}
	return c
}

// lineScale returns the end of the scale and the distance of its ticks: 1, 2 or 5 times a power of ten.
func lineScale(in LineInput) (top, step float64) {
	most := in.Max
	if most <= 0 {
		for _, s := range in.Series {
			for _, v := range s.Values {
				if !math.IsInf(v, 0) && v > most { // NaN is never larger
					most = v
				}
			}
		}
	}
	if most <= 0 {
		most = 1
	}
	rough := most / lineTicks
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	step = 10 * power
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*power >= rough*0.999 {
			step = m * power
			break
		}
	}
	return step * math.Ceil(most/step-0.001), step
}

// labels sets the texts below the line, leaving out as many in between as their width asks for.
func (c *LineChart) labels(across func(int) float64) {
	texts := c.input.Labels
	widest := 0.0
	for _, s := range texts {
		widest = max(widest, textWidth(cut(s, barLabel)))
	}
	every := 1
	if len(texts) > 1 {
		distance := across(1) - across(0)
		every = max(1, int(math.Ceil((widest+8)/max(distance, 0.1))))
	}
	for i := len(texts) - 1; i >= 0; i -= every {
		text := cut(texts[i], barLabel)
		half := textWidth(text) / 2
		x := min(max(across(i), half+2), Width-half-2)
		label := place([]string{text}, x, lineBottom+16, "middle")
		if len(c.Labels) > 0 && label.box.meets(c.Labels[0].box) {
			continue
		}
		c.Labels = append([]Text{label}, c.Labels...)
	}
}

func lineShape(class string, s LineSeries, labels []string, across func(int) float64, height func(float64) float64) Shape {
	shape := Shape{Class: class, Name: s.Name}
	var path []string
	pen := "M"
	for i, label := range labels {
		if i >= len(s.Values) || math.IsNaN(s.Values[i]) || math.IsInf(s.Values[i], 0) {
			pen = "M"
			continue
		}
		x, y := across(i), height(s.Values[i])
		path = append(path, fmt.Sprintf("%s%g %g", pen, x, y))
		pen = "L"
		shape.Dots = append(shape.Dots, Dot{x, y, label + " " + s.Name + " " + number(s.Values[i], "")})
	}
	shape.Path = strings.Join(path, " ")
	return shape
}

// SVG returns the chart as markup for a page.
func (c LineChart) SVG() (template.HTML, error) { return render("line.svg", c) }

// Table returns the numbers of the chart.
func (c LineChart) Table() Table {
	t := Table{Headers: []string{c.input.LabelName}}
	for _, s := range c.input.Series {
		t.Headers = append(t.Headers, s.Name)
	}
	for i, label := range c.input.Labels {
		row := []string{label}
		for _, s := range c.input.Series {
			v := None()
			if i < len(s.Values) {
				v = s.Values[i]
			}
			row = append(row, number(v, c.input.Unknown))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
