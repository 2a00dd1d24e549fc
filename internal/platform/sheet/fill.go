package sheet

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Edit is one value for one cell of a workbook, such as "F12" of the sheet "回答". With IsNumber the cell holds Number
// and Text is ignored; an empty Text empties the cell and keeps its look.
type Edit struct {
	Sheet, Cell string
	Text        string
	Number      float64
	IsNumber    bool
}

// TextEdit returns the edit that writes a text.
func TextEdit(sheet, cell, text string) Edit { return Edit{Sheet: sheet, Cell: cell, Text: text} }

// NumberEdit returns the edit that writes a number.
func NumberEdit(sheet, cell string, n float64) Edit {
	return Edit{Sheet: sheet, Cell: cell, Number: n, IsNumber: true}
}

// Fill writes values into a workbook that belongs to somebody else and returns it. Only the XML of the edited cells
// changes, and the flag that makes Excel recalculate on opening: every other part of the file stays byte for byte, and
// inside the sheets so does everything around the cells, whatever it is. Cells keep their style, new cells take that
// of their row or column. No edits return the file as it is.
//
// Nothing is written when anything is refused; all refusals come together as a problem.List: cells with a formula
// (sheet.fill.formula), cells inside a merged block other than its first (sheet.fill.merged), unknown sheets, bad cell
// names, texts over 32,767 characters, the same cell twice. Signed workbooks and files that are no .xlsx or .xlsm are
// refused as unsupported; limits and broken files as in Open.
func Fill(original []byte, edits []Edit) ([]byte, error) {
	limits := DefaultLimits
	if int64(len(original)) > limits.FileBytes {
		return nil, tooLarge("file", limits.FileBytes>>20)
	}
	switch found := sniff(original, ""); found {
	case kindZip:
	case kindText:
		return nil, problem.Unsupported("sheet.fill.not_xlsx")
	default:
		return nil, refuse(found)
	}
	a, err := openArchive(original, limits)
	if err != nil {
		return nil, err
	}
	w, err := readWorkbook(a)
	if err != nil {
		return nil, err
	}
	for name := range a.parts {
		if strings.HasPrefix(name, "_xmlsignatures/") {
			return nil, problem.Unsupported("sheet.fill.signed")
		}
	}
	changed, err := fillParts(a, w, edits)
	if err != nil || len(changed) == 0 {
		return original, err
	}
	return rezip(a.zip, changed, len(original))
}

// cellEdit is an edit whose cell is known by number.
type cellEdit struct {
	Edit
	row, col int
}

// fillParts returns the new bytes of each part that changes, by part key.
func fillParts(a *archive, w *workbook, edits []Edit) (map[string][]byte, error) {
	bySheet, refused := sortEdits(w, edits)
	changed := map[string][]byte{}
	for _, ref := range w.sheets {
		list := bySheet[ref.name]
		if len(list) == 0 {
			continue
		}
		data, err := a.read(ref.part)
		if err != nil {
			return nil, fmt.Errorf("read sheet %q to fill: %w", ref.name, err)
		}
		out, err := fillSheet(data, list)
		if findings := problem.All(err); len(findings) > 0 && problem.CodeOf(err) == problem.CodeConflict {
			refused = append(refused, findings...)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("fill sheet %q: %w", ref.name, err)
		}
		changed[partKey(ref.part)] = out
	}
	if err := refused.Err(); err != nil || len(changed) == 0 {
		return nil, err
	}
	data, err := a.read(w.part)
	if err != nil {
		return nil, fmt.Errorf("read workbook to fill: %w", err)
	}
	out, err := recalculateOnOpen(data)
	if err != nil {
		return nil, fmt.Errorf("mark workbook for recalculation: %w", err)
	}
	if !bytes.Equal(out, data) {
		changed[partKey(w.part)] = out
	}
	return changed, nil
}

// sortEdits checks the edits one by one and orders them by sheet, row and column.
func sortEdits(w *workbook, edits []Edit) (map[string][]cellEdit, problem.List) {
	var refused problem.List
	bySheet := map[string][]cellEdit{}
	for _, e := range edits {
		row, col, err := ParseCellName(e.Cell)
		switch {
		case !slices.ContainsFunc(w.sheets, func(s sheetRef) bool { return s.name == e.Sheet }):
			refused.Add(problem.NotFound("sheet.fill.no_sheet", "sheet", e.Sheet))
		case err != nil:
			refused.Add(problem.Invalid("", "sheet.fill.cell_name", "cell", e.Cell).Because(err))
		case e.IsNumber && (math.IsNaN(e.Number) || math.IsInf(e.Number, 0)):
			refused.Add(problem.Invalid("", "sheet.fill.number", "sheet", e.Sheet, "cell", e.Cell))
		case !e.IsNumber && len(utf16.Encode([]rune(e.Text))) > maxText:
			refused.Add(problem.TooLarge("sheet.fill.too_long", "sheet", e.Sheet, "cell", e.Cell, "limit", maxText))
		default:
			bySheet[e.Sheet] = append(bySheet[e.Sheet], cellEdit{e, row, col})
		}
	}
	for _, list := range bySheet {
		slices.SortStableFunc(list, func(a, b cellEdit) int {
			return cmp.Or(cmp.Compare(a.row, b.row), cmp.Compare(a.col, b.col))
		})
		for i := 1; i < len(list); i++ {
			if list[i].row == list[i-1].row && list[i].col == list[i-1].col {
				refused.Add(problem.Invalid("", "sheet.fill.twice", "sheet", list[i].Sheet, "cell", list[i].Cell))
			}
		}
	}
	return bySheet, refused
}

// rezip writes the file anew: unchanged parts are copied compressed as they are, in their old order.
func rezip(old *zip.Reader, changed map[string][]byte, size int) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(size + size/8)
	w := zip.NewWriter(&b)
	for _, f := range old.File {
		data, ok := changed[partKey(f.Name)]
		if !ok {
			if err := w.Copy(f); err != nil {
				return nil, broken(fmt.Errorf("copy part %q: %w", f.Name, err))
			}
			continue
		}
		part, err := w.CreateHeader(&zip.FileHeader{
			Name: f.Name, Comment: f.Comment, Method: f.Method, Modified: f.Modified,
			CreatorVersion: f.CreatorVersion, ExternalAttrs: f.ExternalAttrs,
		})
		if err != nil {
			return nil, fmt.Errorf("replace part %q: %w", f.Name, err)
		}
		if _, err := io.Copy(part, bytes.NewReader(data)); err != nil {
			return nil, fmt.Errorf("write part %q: %w", f.Name, err)
		}
	}
	if err := errors.Join(w.SetComment(old.Comment), w.Close()); err != nil {
		return nil, fmt.Errorf("finish workbook: %w", err)
	}
	return b.Bytes(), nil
}
