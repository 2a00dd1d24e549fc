package sheet

import (
	"encoding/xml"
	"fmt"
	"path"
	"strings"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// workbook is the frame of a workbook: which sheets there are and in which parts they stand.
type workbook struct {
	part     string // of the workbook itself, e.g. xl/workbook.xml
	macros   bool
	date1904 bool
	sheets   []sheetRef
	strings  string // part of the shared strings, "" for none
	styles   string // part of the styles, "" for none
}

type sheetRef struct {
	name   string
	hidden bool
	part   string
}

type relation struct{ kind, target string }

// openWorkbook reads a zip file as a workbook.
func openWorkbook(data []byte, limits Limits) (*Book, error) {
	a, err := openArchive(data, limits)
	if err != nil {
		return nil, err
	}
	w, err := readWorkbook(a)
	if err != nil {
		return nil, err
	}
	r := sheetReader{archive: a, limits: limits, date1904: w.date1904, cells: limits.Cells}
	if w.strings != "" {
		if r.shared, err = readSharedStrings(a, w.strings, limits); err != nil {
			return nil, err
		}
	}
	if w.styles != "" {
		if r.formats, err = readFormats(a, w.styles); err != nil {
			return nil, err
		}
	}
	book := &Book{Format: XLSX}
	if w.macros {
		book.Format = XLSM
	}
	for _, ref := range w.sheets {
		rows, beyond, err := r.read(ref.part)
		if err != nil {
			return nil, fmt.Errorf("read sheet %q: %w", ref.name, err)
		}
		book.Sheets = append(book.Sheets, Table{Name: ref.name, Hidden: ref.hidden, Rows: rows, Beyond: beyond})
	}
	return book, nil
}

// otherPackages are the zip files that are mistaken for workbooks, by a part that only they have.
var otherPackages = []struct{ part, name string }{
	{"word/document.xml", "Word"},
	{"ppt/presentation.xml", "PowerPoint"},
	{"xl/workbook.bin", "xlsb"},
	{"content.xml", "OpenDocument"},
	{"visio/document.xml", "Visio"},
	{"index/document.iwa", "Numbers"},
}

// readWorkbook finds the sheets; a zip file that is no workbook is refused with what it is.
func readWorkbook(a *archive) (*workbook, error) {
	for _, other := range otherPackages {
		if a.has(other.part) {
			return nil, problem.Unsupported("sheet.not_a_workbook", "found", other.name)
		}
	}
	if !a.has("_rels/.rels") {
		return nil, problem.Unsupported("sheet.not_a_workbook", "found", "zip")
	}
	root, err := relations(a, "")
	if err != nil {
		return nil, err
	}
	w := &workbook{}
	for _, rel := range root {
		if rel.kind == "officeDocument" {
			w.part = rel.target
		}
	}
	if w.part == "" || !a.has(w.part) {
		return nil, problem.Unsupported("sheet.not_a_workbook", "found", "zip")
	}
	rels, err := relations(a, w.part)
	if err != nil {
		return nil, err
	}
	for _, rel := range rels {
		switch rel.kind {
		case "sharedStrings":
			w.strings = rel.target
		case "styles":
			w.styles = rel.target
		case "vbaProject":
			w.macros = true
		}
	}
	if err := w.readSheets(a, rels); err != nil {
		return nil, err
	}
	if len(w.sheets) == 0 {
		return nil, problem.Unsupported("sheet.not_a_workbook", "found", "zip")
	}
	return w, nil
}

func (w *workbook) readSheets(a *archive, rels map[string]relation) error {
	seen := map[string]bool{}
	return a.tokens(w.part, func(_ *xml.Decoder, t xml.Token) error {
		start, ok := t.(xml.StartElement)
		if !ok {
			return nil
		}
		switch start.Name.Local {
		case "workbookPr":
			w.date1904 = truthy(attr(start, "date1904"))
		case "sheet":
			rel, known := rels[relationID(start)]
			if !known || rel.kind != "worksheet" { // chart and dialogue sheets hold no cells
				return nil
			}
			if seen[partKey(rel.target)] {
				return fmt.Errorf("two sheets share the part %q", rel.target)
			}
			seen[partKey(rel.target)] = true
			state := attr(start, "state")
			w.sheets = append(w.sheets, sheetRef{
				name: attr(start, "name"), part: rel.target, hidden: state == "hidden" || state == "veryHidden",
			})
		}
		return nil
	})
}

// relations reads the relations of a part, by id; "" is the package itself. Kinds are the last word of the type, which
// is the same in the transitional and the strict form.
func relations(a *archive, part string) (map[string]relation, error) {
	dir, base := path.Split(part)
	name := dir + "_rels/" + base + ".rels"
	rels := map[string]relation{}
	if !a.has(name) {
		return rels, nil
	}
	err := a.tokens(name, func(_ *xml.Decoder, t xml.Token) error {
		start, ok := t.(xml.StartElement)
		if !ok || start.Name.Local != "Relationship" || attr(start, "TargetMode") == "External" {
			return nil
		}
		target := strings.ReplaceAll(attr(start, "Target"), `\`, "/")
		if !strings.HasPrefix(target, "/") {
			target = path.Join("/", dir, target)
		}
		rels[attr(start, "Id")] = relation{
			kind:   path.Base(attr(start, "Type")),
			target: strings.TrimPrefix(path.Clean(target), "/"),
		}
		return nil
	})
	return rels, err
}

// attr returns an attribute without namespace.
func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// relationID returns r:id, whatever its namespace is called (transitional or strict).
func relationID(e xml.StartElement) string {
	for _, a := range e.Attr {
		if a.Name.Local == "id" && strings.HasSuffix(a.Name.Space, "/relationships") {
			return a.Value
		}
	}
	return ""
}

func truthy(s string) bool { return s == "1" || s == "true" }
