package sample

import (
	"errors"
	"fmt"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/kizuki-security/kizuki/internal/register/framework"
)

// Rows and columns of the check sheet, counted from 1. Its form is like those that go round between companies:
// a title, a header further down, and labels merged over their items. Every sentence is that of the catalogue.
const (
	titleRow, headerRow, firstRow = 1, 4, 5
	categoryColumn, labelColumn   = 1, 2
)

// answerTexts is what stands for a value of last year.
var answerTexts = map[int]any{-1: "該当なし", 0: 0, 1: 1, 2: 2}

// sheetRow is one item on the check sheet.
type sheetRow struct {
	category, label string
	cells           []any // from the third column on
}

// lastYear is last year's check sheet as a workbook. Items that wait for the official sheet are not on it.
func (b *builder) lastYear() (data []byte, err error) {
	s := b.content.papers.LastYear
	f := excelize.NewFile()
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.SetSheetName("Sheet1", s.Title); err != nil {
		return nil, fmt.Errorf("name sheet: %w", err)
	}
	w := sheetWriter{f: f, name: s.Title}
	w.set(1, titleRow, b.content.Name+" "+s.Head)
	for i, title := range s.Columns {
		w.set(i+1, headerRow, title)
	}
	rows := b.sheetRows()
	for i, r := range rows {
		w.set(categoryColumn, firstRow+i, r.category)
		w.set(labelColumn, firstRow+i, r.label)
		for k, value := range r.cells {
			w.set(labelColumn+1+k, firstRow+i, value)
		}
	}
	w.merge(categoryColumn, rows, func(r sheetRow) string { return r.category })
	w.merge(labelColumn, rows, func(r sheetRow) string { return r.category + "/" + r.label })
	if w.err != nil {
		return nil, fmt.Errorf("write last year's sheet: %w", w.err)
	}
	buffer, err := f.WriteToBuffer()
	if err != nil {
		return nil, fmt.Errorf("finish last year's sheet: %w", err)
	}
	return buffer.Bytes(), nil
}

func (b *builder) sheetRows() []sheetRow {
	last := b.content.sheets.LastYear
	var rows []sheetRow
	for _, node := range b.Catalog.Key(b.content.sheets.Frameworks[last.Framework]).Items() {
		value, ok := last.Values[node.ID]
		if !ok {
			continue
		}
		var criteria []string
		for _, c := range node.Clauses {
			criteria = append(criteria, c.Text.JA)
		}
		rows = append(rows, sheetRow{titleOf(node, "category"), titleOf(node, "label"), []any{
			node.Number, "Lv" + node.Level, titleOf(node, "requirement"), node.Text.JA, strings.Join(criteria, "\n"),
			answerTexts[value], b.content.papers.LastYear.Notes[node.ID],
		}})
	}
	return rows
}

func titleOf(n *framework.Node, kind string) string {
	if up := n.Up(kind); up != nil {
		return up.Title.JA
	}
	return ""
}

// sheetWriter writes cells until something goes wrong.
type sheetWriter struct {
	f    *excelize.File
	name string
	err  error
}

func (w *sheetWriter) set(col, row int, value any) {
	cell, err := excelize.CoordinatesToCellName(col, row)
	if w.err = errors.Join(w.err, err); w.err == nil {
		w.err = w.f.SetCellValue(w.name, cell, value)
	}
}

// merge joins cells of a column over rows that have the same text there.
func (w *sheetWriter) merge(col int, rows []sheetRow, text func(sheetRow) string) {
	for from := 0; from < len(rows); {
		to := from
		for to+1 < len(rows) && text(rows[to+1]) == text(rows[from]) {
			to++
		}
		if to > from && w.err == nil {
			first, _ := excelize.CoordinatesToCellName(col, firstRow+from) // both numbers are positive
			last, _ := excelize.CoordinatesToCellName(col, firstRow+to)
			w.err = w.f.MergeCell(w.name, first, last)
		}
		from = to + 1
	}
}
