package sheet

import (
	"encoding/xml"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// sheetReader reads the cells of one sheet after the other, over one budget of cells.
type sheetReader struct {
	archive  *archive
	limits   Limits
	date1904 bool
	shared   []string
	formats  []numberFormat
	cells    int // how many more may be kept
}

// read returns the rows of the sheet in part, and the first row that was left out.
func (r *sheetReader) read(part string) (rows [][]Cell, beyond int, err error) {
	p := &sheetParser{reader: r, row: -1}
	if err := r.archive.tokens(part, p.token); err != nil {
		return nil, 0, err
	}
	p.trim()
	if err := p.fillMerged(); err != nil {
		return nil, 0, err
	}
	return p.rows, p.beyond, nil
}

// sheetParser keeps what is open while the tokens of a sheet go by.
type sheetParser struct {
	reader *sheetReader
	rows   [][]Cell
	merges []area
	beyond int // first row that was left out, from 1

	row, col int // of the open or last cell, from 0
	open     bool
	kind     string // attribute t of the open cell
	style    int
	formula  bool
	value    strings.Builder // text of <v>
	rich     richText        // text of <is>
	inValue  bool
	inInline bool
	inData   bool
}

func (p *sheetParser) token(_ *xml.Decoder, t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		return p.start(t)
	case xml.EndElement:
		return p.end(t.Name.Local)
	case xml.CharData:
		switch {
		case p.inValue:
			p.value.Write(t)
		case p.inInline:
			p.rich.text(t)
		}
		if p.value.Len() > p.reader.limits.CellBytes || p.rich.Len() > p.reader.limits.CellBytes {
			return tooLarge("cell", p.reader.limits.CellBytes)
		}
	}
	return nil
}

func (p *sheetParser) start(e xml.StartElement) error {
	switch name := e.Name.Local; {
	case name == "sheetData":
		p.inData = true
	case name == "mergeCell":
		m, err := parseArea(attr(e, "ref"))
		if err != nil {
			return err
		}
		p.merges = append(p.merges, m)
	case !p.inData:
	case name == "row":
		return p.startRow(attr(e, "r"))
	case name == "c":
		return p.startCell(e)
	case !p.open:
	case name == "v":
		p.inValue = true
	case name == "f":
		p.formula = true
	case name == "is":
		p.inInline = true
	case p.inInline:
		p.rich.start(name)
	}
	return nil
}

func (p *sheetParser) end(name string) error {
	switch name {
	case "sheetData":
		p.inData = false
	case "v":
		p.inValue = false
	case "is":
		p.inInline = false
	case "c":
		if p.open {
			p.open = false
			return p.keep()
		}
	default:
		if p.inInline {
			p.rich.end(name)
		}
	}
	return nil
}

func (p *sheetParser) startRow(r string) error {
	p.col = -1
	if r == "" {
		p.row++
		return nil
	}
	n, err := strconv.Atoi(r)
	if err != nil || n < 1 || n > maxRow {
		return fmt.Errorf("row number %q", r)
	}
	p.row = n - 1
	return nil
}

func (p *sheetParser) startCell(e xml.StartElement) error {
	p.col++
	p.open, p.kind, p.style, p.formula = true, "", 0, false
	p.value.Reset()
	p.rich.Reset()
	for _, a := range e.Attr {
		if a.Name.Space != "" {
			continue
		}
		switch a.Name.Local {
		case "r":
			row, col, err := ParseCellName(a.Value)
			if err != nil {
				return err
			}
			p.row, p.col = row, col
		case "s":
			n, err := strconv.Atoi(a.Value)
			if err != nil || n < 0 {
				return fmt.Errorf("style number %q", a.Value)
			}
			p.style = n
		case "t":
			p.kind = a.Value
		}
	}
	if p.row < 0 {
		return errors.New("cell outside of a row")
	}
	return nil
}

// keep stores the open cell, unless it is empty.
func (p *sheetParser) keep() error {
	c := p.reader.cell(p.kind, p.style, p.value.String(), p.rich.String())
	c.Formula = p.formula
	limits := p.reader.limits
	switch {
	case c.Text == "" && !c.Formula:
		return nil
	case p.row >= limits.Rows || p.col >= limits.Cols:
		if c.Text == "" {
			return nil
		}
		if p.row >= limits.Rows {
			return p.tooMany()
		}
		return tooLarge("cols", limits.Cols)
	case len(c.Text) > limits.CellBytes:
		return tooLarge("cell", limits.CellBytes)
	}
	return p.put(p.row, p.col, c)
}

// tooMany refuses the open row, or notes that it is left out.
func (p *sheetParser) tooMany() error {
	if !p.reader.limits.Cut {
		return tooManyRows(p.reader.limits.Rows, p.row+1)
	}
	if p.beyond == 0 {
		p.beyond = p.row + 1
	}
	return nil
}

func (p *sheetParser) put(row, col int, c Cell) error {
	for len(p.rows) <= row {
		p.rows = append(p.rows, nil)
	}
	if more := col + 1 - len(p.rows[row]); more > 0 {
		if p.reader.cells -= more; p.reader.cells < 0 {
			return tooLarge("cells", p.reader.limits.Cells)
		}
		p.rows[row] = append(p.rows[row], make([]Cell, more)...)
	}
	p.rows[row][col] = c
	return nil
}

// trim drops the rows at the end in which nothing can be read.
func (p *sheetParser) trim() {
	for len(p.rows) > 0 {
		for _, c := range p.rows[len(p.rows)-1] {
			if c.Text != "" {
				return
			}
		}
		p.rows = p.rows[:len(p.rows)-1]
	}
}

// fillMerged copies the value of each merged block into all its cells, as far as the sheet has rows with values.
// Blocks must not overlap, so the work is bounded by the size of the sheet.
func (p *sheetParser) fillMerged() error {
	work := 0
	for _, m := range p.merges {
		if m.row >= len(p.rows) || m.col >= len(p.rows[m.row]) {
			continue
		}
		c := p.rows[m.row][m.col]
		if c.Text == "" {
			continue
		}
		c.Merged, c.Formula = true, false
		for row := m.row; row <= min(m.lastRow, len(p.rows)-1); row++ {
			for col := m.col; col <= min(m.lastCol, p.reader.limits.Cols-1); col++ {
				if row == m.row && col == m.col {
					continue
				}
				if work++; work > p.reader.limits.Cells {
					return broken(errors.New("merged blocks overlap"))
				}
				if err := p.put(row, col, c); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// richText gathers the text of a string item: all of its runs, without the furigana (rPh) that Excel keeps beside it.
// Source: ECMA-376 part 1 §18.4.8.
type richText struct {
	strings.Builder
	inText   bool
	phonetic int
}

func (r *richText) start(name string) {
	switch name {
	case "t":
		r.inText = true
	case "rPh":
		r.phonetic++
	}
}

func (r *richText) end(name string) {
	switch name {
	case "t":
		r.inText = false
	case "rPh":
		r.phonetic--
	}
}

func (r *richText) text(b []byte) {
	if r.inText && r.phonetic == 0 {
		r.Write(b)
	}
}

// readSharedStrings reads the table of texts that cells point into.
func readSharedStrings(a *archive, part string, limits Limits) ([]string, error) {
	var list []string
	var item richText
	err := a.tokens(part, func(_ *xml.Decoder, t xml.Token) error {
		switch t := t.(type) {
		case xml.StartElement:
			if t.Name.Local == "si" {
				item = richText{}
			} else {
				item.start(t.Name.Local)
			}
		case xml.EndElement:
			if t.Name.Local != "si" {
				item.end(t.Name.Local)
				return nil
			}
			if len(list) >= limits.Cells {
				return tooLarge("cells", limits.Cells)
			}
			list = append(list, unescape(item.String()))
		case xml.CharData:
			item.text(t)
			if item.Len() > limits.CellBytes {
				return tooLarge("cell", limits.CellBytes)
			}
		}
		return nil
	})
	return list, err
}

var escaped = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

// unescape reads the _x000D_ form in which workbooks write what XML cannot hold. Source: ECMA-376 part 1 §22.9.2.19.
func unescape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	return escaped.ReplaceAllStringFunc(s, func(m string) string {
		n, err := strconv.ParseUint(m[2:6], 16, 32)
		if err != nil || n >= 0xD800 && n < 0xE000 {
			return m
		}
		return string(rune(n))
	})
}
