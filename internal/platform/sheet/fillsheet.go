package sheet

import (
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// fillSheet returns the sheet part with the edits spliced in; edits are sorted by row and column. Refusals come as a
// problem.List whose entries have code conflict.
func fillSheet(data []byte, edits []cellEdit) ([]byte, error) {
	f := &filler{edits: edits, row: -1, lastRow: -1}
	if err := walk(data, f.start, f.end); err != nil {
		return nil, err
	}
	if !f.sawData {
		return nil, broken(errors.New("sheet without sheetData"))
	}
	if err := f.refusals(); err != nil {
		return nil, err
	}
	f.widenDimension()
	out, err := apply(data, f.splices)
	if err != nil {
		return nil, broken(err)
	}
	return out, nil
}

// filler goes through a sheet once and notes what to change. Rows and columns count from 0.
type filler struct {
	edits   []cellEdit // those still to be placed, in order
	splices []splice

	prefix       string // of the sheet's elements
	inData       bool
	sawData      bool
	data         tag // <sheetData>
	rowTag       tag
	row, lastRow int // row of the open <row>, or the last one
	col          int // column of the last <c> in the row
	cellTag      *tag
	cellEdit     *cellEdit // edit of the open <c>
	hasFormula   bool

	dimension  *tag
	columns    []columnStyle
	merged     []area
	arrays     []area // ranges filled by one formula
	placed     []cellEdit
	inFormulas []cellEdit // edits of cells that hold a formula
}

type columnStyle struct {
	first, last int
	style       string
}

func (f *filler) start(t tag) error {
	switch name := t.name.Local; {
	case t.depth == 1 && name == "sheetData":
		f.inData, f.sawData, f.data, f.prefix = true, true, t, t.prefix()
	case t.depth == 1 && name == "dimension":
		f.dimension = &t
	case t.depth == 2 && name == "col":
		return f.column(t)
	case t.depth == 2 && name == "mergeCell":
		a, err := parseArea(t.attr("ref"))
		if err != nil {
			return broken(err)
		}
		f.merged = append(f.merged, a)
	case !f.inData:
	case t.depth == 2 && name == "row":
		return f.startRow(t)
	case t.depth == 3 && name == "c":
		return f.startCell(t)
	case t.depth == 4 && name == "f":
		return f.formula(t)
	}
	return nil
}

func (f *filler) end(t tag) error {
	if !f.inData {
		return nil
	}
	switch name := t.name.Local; {
	case t.depth == 1 && name == "sheetData":
		f.inData = false
		rows := f.takeRows(maxRow)
		f.closeWith(f.data, t, "sheetData", rows)
	case t.depth == 2 && name == "row":
		cells := f.takeCells(f.row, maxCol)
		f.closeWith(f.rowTag, t, "row", cells)
	case t.depth == 3 && name == "c" && f.cellTag != nil:
		if f.cellEdit != nil {
			if f.hasFormula {
				f.inFormulas = append(f.inFormulas, *f.cellEdit)
			}
			f.splices = append(f.splices, splice{f.cellTag.from, t.to, f.replaced(*f.cellTag, *f.cellEdit)})
		}
		f.cellTag, f.cellEdit = nil, nil
	}
	return nil
}

// closeWith puts text at the end of an element, before its end tag; <row/> is opened for it.
func (f *filler) closeWith(open, end tag, name, text string) {
	switch {
	case text == "":
	case open.closed:
		f.splices = append(f.splices, splice{open.to - len("/>"), open.to, ">" + text + "</" + f.prefix + name + ">"})
	default:
		f.splices = append(f.splices, splice{end.from, end.from, text})
	}
}

func (f *filler) column(t tag) error {
	first, err := strconv.Atoi(t.attr("min"))
	if err != nil {
		return broken(fmt.Errorf("first column: %w", err))
	}
	last, err := strconv.Atoi(t.attr("max"))
	if err != nil {
		return broken(fmt.Errorf("last column: %w", err))
	}
	if style := t.attr("style"); style != "" {
		f.columns = append(f.columns, columnStyle{first - 1, last - 1, style})
	}
	return nil
}

func (f *filler) startRow(t tag) error {
	row := f.lastRow + 1
	if r := t.attr("r"); r != "" {
		n, err := strconv.Atoi(r)
		if err != nil || n > maxRow {
			return broken(fmt.Errorf("row number %q", r))
		}
		row = n - 1
	}
	if row <= f.lastRow {
		return broken(fmt.Errorf("row %d stands after row %d", row+1, f.lastRow+1))
	}
	if rows := f.takeRows(row); rows != "" {
		f.splices = append(f.splices, splice{t.from, t.from, rows})
	}
	f.row, f.lastRow, f.col, f.rowTag = row, row, -1, t
	f.widenSpans(t)
	return nil
}

func (f *filler) startCell(t tag) error {
	col := f.col + 1
	if r := t.attr("r"); r != "" {
		row, c, err := ParseCellName(r)
		if err != nil || row != f.row {
			return broken(fmt.Errorf("cell %q in row %d", r, f.row+1))
		}
		col = c
	}
	if col <= f.col {
		return broken(fmt.Errorf("cell %s stands after column %s", CellName(f.row, col), ColumnName(f.col)))
	}
	if cells := f.takeCells(f.row, col); cells != "" {
		f.splices = append(f.splices, splice{t.from, t.from, cells})
	}
	f.col, f.cellTag, f.cellEdit, f.hasFormula = col, &t, nil, false
	if len(f.edits) > 0 && f.edits[0].row == f.row && f.edits[0].col == col {
		f.cellEdit = &f.edits[0]
		f.placed = append(f.placed, f.edits[0])
		f.edits = f.edits[1:]
	}
	return nil
}

func (f *filler) formula(t tag) error {
	f.hasFormula = true
	if kind := t.attr("t"); kind != "array" && kind != "dataTable" {
		return nil
	}
	a, err := parseArea(t.attr("ref"))
	if err != nil {
		return broken(err)
	}
	f.arrays = append(f.arrays, a)
	return nil
}

// takeRows makes the rows before row that do not exist yet.
func (f *filler) takeRows(row int) string {
	var b strings.Builder
	for len(f.edits) > 0 && f.edits[0].row < row {
		at := f.edits[0].row
		f.rowTag = tag{}
		fmt.Fprintf(&b, `<%srow r="%d">%s</%srow>`, f.prefix, at+1, f.takeCells(at, maxCol), f.prefix)
	}
	return b.String()
}

// takeCells makes the cells of row before column col that do not exist yet. A cell that would be emptied is not made.
func (f *filler) takeCells(row, col int) string {
	var b strings.Builder
	for len(f.edits) > 0 && f.edits[0].row == row && f.edits[0].col < col {
		e := f.edits[0]
		f.edits = f.edits[1:]
		f.placed = append(f.placed, e)
		if e.Text == "" && !e.IsNumber {
			continue
		}
		head := "<" + f.prefix + `c r="` + CellName(e.row, e.col) + `"`
		if style := f.styleAt(e.col); style != "" {
			head += ` s="` + style + `"`
		}
		b.WriteString(f.cell(head, e))
	}
	return b.String()
}

// styleAt is the style that Excel shows in a cell that is not written: that of the row, else of the column.
func (f *filler) styleAt(col int) string {
	style := ""
	for _, c := range f.columns {
		if col >= c.first && col <= c.last {
			style = c.style
		}
	}
	if truthy(f.rowTag.attr("customFormat")) {
		style = f.rowTag.attr("s")
	}
	if _, err := strconv.Atoi(style); err != nil {
		return ""
	}
	return style
}

// replaced makes a cell anew with the attributes it has, its type apart; cm and vm belong to the old value.
func (f *filler) replaced(t tag, e cellEdit) string {
	head := []byte("<" + t.prefix() + "c")
	for _, a := range rawAttrs(t.raw) {
		if a.name != "t" && a.name != "cm" && a.name != "vm" {
			head = append(head, t.raw[a.from:a.to]...)
		}
	}
	return f.cell(string(head), e)
}

// plainBlanks keeps line breaks and tabs as they are typed, where the escaper writes numbers.
var plainBlanks = strings.NewReplacer("&#xA;", "\n", "&#x9;", "\t")

// cell ends the start tag in head and adds the value.
func (f *filler) cell(head string, e cellEdit) string {
	p := f.prefix
	switch {
	case e.IsNumber:
		return head + "><" + p + "v>" + strconv.FormatFloat(e.Number, 'g', -1, 64) + "</" + p + "v></" + p + "c>"
	case e.Text == "":
		return head + "/>"
	}
	var text strings.Builder
	if err := xml.EscapeText(&text, []byte(storedText(e.Text))); err != nil { // a Builder has no errors
		return head + "/>"
	}
	return head + ` t="inlineStr"><` + p + "is><" + p + `t xml:space="preserve">` +
		plainBlanks.Replace(text.String()) + "</" + p + "t></" + p + "is></" + p + "c>"
}

// widenSpans extends the hint of a row about its columns where edits lie outside.
func (f *filler) widenSpans(t tag) {
	for _, a := range rawAttrs(t.raw) {
		if a.name != "spans" {
			continue
		}
		var first, last int
		if _, err := fmt.Sscanf(string(t.raw[a.valueFrom:a.valueTo]), "%d:%d", &first, &last); err != nil {
			return
		}
		old := [2]int{first, last}
		for _, e := range f.edits {
			if e.row != f.row {
				break
			}
			first, last = min(first, e.col+1), max(last, e.col+1)
		}
		if old != [2]int{first, last} {
			f.splices = append(f.splices, splice{t.from + a.valueFrom, t.from + a.valueTo, fmt.Sprintf("%d:%d", first, last)})
		}
	}
}

// widenDimension extends the area that the sheet says it uses: some readers stop at its end.
func (f *filler) widenDimension() {
	if f.dimension == nil {
		return
	}
	used, err := parseArea(f.dimension.attr("ref"))
	if err != nil {
		return
	}
	old := used
	for _, e := range f.placed {
		used.row, used.lastRow = min(used.row, e.row), max(used.lastRow, e.row)
		used.col, used.lastCol = min(used.col, e.col), max(used.lastCol, e.col)
	}
	for _, a := range rawAttrs(f.dimension.raw) {
		if a.name == "ref" && used != old {
			f.splices = append(f.splices, splice{
				f.dimension.from + a.valueFrom, f.dimension.from + a.valueTo,
				CellName(used.row, used.col) + ":" + CellName(used.lastRow, used.lastCol),
			})
		}
	}
}

// refusals lists the edits that would break a formula or vanish in a merged block.
func (f *filler) refusals() error {
	var refused problem.List
	for _, e := range f.placed {
		inArray := slices.ContainsFunc(f.arrays, func(a area) bool { return a.holds(e.row, e.col) })
		inFormula := slices.ContainsFunc(f.inFormulas, func(x cellEdit) bool { return x.row == e.row && x.col == e.col })
		if inArray || inFormula {
			refused.Add(problem.Conflict("sheet.fill.formula", "sheet", e.Sheet, "cell", e.Cell))
			continue
		}
		for _, m := range f.merged {
			if m.holds(e.row, e.col) && (m.row != e.row || m.col != e.col) {
				refused.Add(problem.Conflict("sheet.fill.merged", "sheet", e.Sheet, "cell", e.Cell, "first", CellName(m.row, m.col)))
				break
			}
		}
	}
	return refused.Err()
}
