// Package chart lays out the few charts of the house as SVG: a radar of labels, stacked bars of states, lines over a
// few points, and rows and columns of counts. Layout is pure: numbers in, geometry out; the same input gives the same picture.
//
// Every chart has a title and a description that are read out, a Table with the same numbers for the page to show
// beside it, and marks besides colour (hatching, dashes). It carries no style attribute, so that it passes a strict
// content security policy; colours come from the page's CSS by the classes named in views/*.svg, and without CSS the
// chart still prints in black. Words come from the caller: the package has no message of its own.
package chart

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"unicode"

	"github.com/kizuki-security/kizuki/internal/words/jtext"
)

// Width is the width of every chart in its own units; on a page 520 px wide one unit is one pixel.
const Width = 520

const (
	fontSize   = 12.0 // of all texts, set on the svg element
	lineHeight = 15.0
	gap        = 2.0 // least distance between two labels
)

// None stands for a value that is not known: it is drawn as a gap, never as zero.
func None() float64 { return math.NaN() }

// Head names a chart. ID is unique on the page and consists of letters, digits and hyphens; Title and Desc are read out
// instead of the picture.
type Head struct{ ID, Title, Desc string }

// Table holds the numbers of a chart for readers who do not see it. Each row is as long as Headers.
type Table struct {
	Headers []string
	Rows    [][]string
}

// Text is a text of one or two lines. X and Y place the base line of the first line; Anchor is start, middle or end.
type Text struct {
	X, Y   float64
	Anchor string
	Lines  []TextLine
	box    box
}

// TextLine is one line of a Text with its own base line.
type TextLine struct {
	X, Y float64
	Text string
}

// Segment is a straight line.
type Segment struct{ X1, Y1, X2, Y2 float64 }

// Dot is a mark at a value; Title names it.
type Dot struct {
	X, Y  float64
	Title string
}

// Key is one entry of a legend.
type Key struct {
	X, Y, TextX, TextY float64
	Class, Text        string
}

// box is the room that a text takes.
type box struct{ left, top, right, bottom float64 }

func (b box) meets(o box) bool {
	return b.left < o.right && o.left < b.right && b.top < o.bottom && o.top < b.bottom
}

//go:embed views/*.svg
var views embed.FS

var templates = template.Must(template.New("").ParseFS(views, "views/*.svg"))

// render writes a chart with html/template, which escapes what is in it.
func render(name string, data any) (template.HTML, error) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("render %s: %w", name, err)
	}
	return template.HTML(b.String()), nil //nolint:gosec // escaped by html/template just now
}

// round keeps the numbers in the picture short and the golden files stable across machines.
func round(v float64) float64 {
	v = math.Round(v*10) / 10
	if v == 0 {
		return 0 // no "-0"
	}
	return v
}

// number writes a value for people, with at most two decimals; unknown stands for None.
func number(v float64, unknown string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return unknown
	}
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

// textWidth estimates the width of a text: a Japanese character is as wide as high, others at most 0.6 of that on
// average.
func textWidth(s string) float64 {
	w := 0.0
	for _, r := range s {
		if jtext.PrintWidth(string(r)) > 1 {
			w += fontSize
		} else {
			w += fontSize * 0.6
		}
	}
	return w
}

// wrap breaks a label into at most two lines of at most limit; what does not fit ends in "…".
func wrap(s string, limit float64) []string {
	s = jtext.Line(s)
	if textWidth(s) <= limit {
		return []string{s}
	}
	runes := []rune(s)
	best, cost := 0, math.Inf(1)
	for i := 1; i < len(runes); i++ {
		first, rest := textWidth(string(runes[:i])), textWidth(string(runes[i:]))
		if first > limit {
			break
		}
		c := math.Abs(first - rest)
		if phraseEnds(runes[i-1], runes[i]) {
			c -= 6 * fontSize
		}
		if wordGoesOn(runes[i-1], runes[i]) {
			c += 20 * fontSize
		}
		if rest > limit {
			c += rest - limit + 100*fontSize
		}
		if c < cost {
			best, cost = i, c
		}
	}
	if best == 0 {
		return []string{cut(s, limit)}
	}
	return []string{strings.TrimSpace(string(runes[:best])), cut(strings.TrimSpace(string(runes[best:])), limit)}
}

// phraseEnds says whether readers expect a break between a and b: behind a sign, or where hiragana give way to the
// next word. It is a rule of thumb that needs no dictionary.
func phraseEnds(a, b rune) bool {
	return strings.ContainsRune("・、/ )", a) || unicode.Is(unicode.Hiragana, a) && !unicode.Is(unicode.Hiragana, b)
}

// wordGoesOn says whether a break between a and b would split a katakana or Latin word or begin a line with a mark that
// may not stand there.
func wordGoesOn(a, b rune) bool {
	same := func(table *unicode.RangeTable) bool { return unicode.Is(table, a) && unicode.Is(table, b) }
	return same(unicode.Katakana) || same(unicode.Latin) || strings.ContainsRune("ー、。・)ぁぃぅぇぉっゃゅょァィゥェォッャュョ", b)
}

func cut(s string, limit float64) string {
	if textWidth(s) <= limit {
		return s
	}
	runes := []rune(s)
	for len(runes) > 0 && textWidth(string(runes))+fontSize > limit {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}

// place sets lines of text around the height y, anchored at x.
func place(lines []string, x, y float64, anchor string) Text {
	height := lineHeight * float64(len(lines))
	t := Text{X: round(x), Y: round(y - height/2 + fontSize), Anchor: anchor}
	widest := 0.0
	for i, line := range lines {
		t.Lines = append(t.Lines, TextLine{X: t.X, Y: round(t.Y + lineHeight*float64(i)), Text: line})
		widest = max(widest, textWidth(line))
	}
	left := x
	switch anchor {
	case "middle":
		left = x - widest/2
	case "end":
		left = x - widest
	}
	t.box = box{left, y - height/2, left + widest, y + height/2}
	return t
}

// legend sets entries in rows below y and returns the height used.
func legend(keys []Key, x, y float64) (placed []Key, height float64) {
	const swatch, between, row = 14.0, 18.0, 20.0
	at, line := x, y
	for _, k := range keys {
		w := swatch + 6 + textWidth(k.Text)
		if at > x && at+w > Width-4 {
			at, line = x, line+row
		}
		k.X, k.Y, k.TextX, k.TextY = round(at), round(line), round(at+swatch+6), round(line+fontSize-1)
		placed = append(placed, k)
		at += w + between
	}
	return placed, line - y + row
}
