package sheet

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
)

// maxChoices bounds how many values of one list are read.
const maxChoices = 1_000

// Choice is a list of values that a sheet offers in some of its cells (data validation).
type Choice struct {
	Values []string
	areas  []area
}

// Offers says whether the list is offered in a cell; row and column count from 0.
func (c Choice) Offers(row, col int) bool {
	return slices.ContainsFunc(c.areas, func(a area) bool { return a.holds(row, col) })
}

// Choices returns the lists that a sheet of a workbook offers: written out ("0,1,2"), a range of cells of any sheet, or
// a defined name of such a range. Lists that a formula would have to compute are left out. book is what Open returned for data. Limits,
// broken files and problem codes are those of Open; text files offer nothing.
func Choices(data []byte, book *Book, sheet string) ([]Choice, error) {
	if sniff(data, "") != kindZip {
		return nil, nil
	}
	a, err := openArchive(data, DefaultLimits)
	if err != nil {
		return nil, err
	}
	w, err := readWorkbook(a)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(w.sheets, func(s sheetRef) bool { return s.name == sheet })
	if i < 0 {
		return nil, nil
	}
	names, err := definedNames(a, w.part)
	if err != nil {
		return nil, err
	}
	p := &choiceParser{}
	if err := a.tokens(w.sheets[i].part, p.token); err != nil {
		return nil, fmt.Errorf("read lists of sheet %q: %w", sheet, err)
	}
	var out []Choice
	for _, list := range p.lists {
		c := Choice{Values: listValues(book, sheet, list.formula, names)}
		for ref := range strings.FieldsSeq(list.sqref) {
			if at, err := parseArea(ref); err == nil {
				c.areas = append(c.areas, at)
			}
		}
		if len(c.Values) > 0 && len(c.areas) > 0 {
			out = append(out, c)
		}
	}
	return out, nil
}

// choiceParser gathers the validations of type list, those of the newer extension (x14) included, which keep both
// formula and cells in elements of their own.
type choiceParser struct {
	lists   []rawChoice
	open    *rawChoice
	formula bool
	sqref   bool
}

type rawChoice struct{ formula, sqref string }

func (p *choiceParser) token(_ *xml.Decoder, t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		switch t.Name.Local {
		case "dataValidation":
			p.open = nil
			if attr(t, "type") == "list" {
				p.open = &rawChoice{sqref: attr(t, "sqref")}
			}
		case "formula1":
			p.formula = true
		case "sqref":
			p.sqref = true
		}
	case xml.EndElement:
		switch t.Name.Local {
		case "dataValidation":
			if p.open != nil {
				p.lists = append(p.lists, *p.open)
			}
			p.open = nil
		case "formula1":
			p.formula = false
		case "sqref":
			p.sqref = false
		}
	case xml.CharData:
		switch {
		case p.open == nil:
		case p.formula:
			p.open.formula += string(t)
		case p.sqref:
			p.open.sqref += string(t)
		}
	}
	return nil
}

// definedNames reads the names of the whole workbook and what they stand for.
func definedNames(a *archive, part string) (map[string]string, error) {
	names := map[string]string{}
	name := ""
	err := a.tokens(part, func(_ *xml.Decoder, t xml.Token) error {
		switch t := t.(type) {
		case xml.StartElement:
			if t.Name.Local == "definedName" {
				name = strings.ToLower(attr(t, "name"))
				names[name] = ""
			}
		case xml.EndElement:
			if t.Name.Local == "definedName" {
				name = ""
			}
		case xml.CharData:
			if name != "" {
				names[name] += string(t)
			}
		}
		return nil
	})
	return names, err
}

// listValues reads what stands behind the formula of a list.
func listValues(book *Book, sheet, formula string, names map[string]string) []string {
	formula = strings.TrimSpace(formula)
	if text, ok := strings.CutPrefix(formula, `"`); ok {
		var out []string
		for value := range strings.SplitSeq(strings.ReplaceAll(strings.TrimSuffix(text, `"`), `""`, `"`), ",") {
			if value = strings.TrimSpace(value); value != "" && len(out) < maxChoices {
				out = append(out, value)
			}
		}
		return out
	}
	if named, ok := names[strings.ToLower(formula)]; ok {
		formula = strings.TrimSpace(named)
	}
	if at := strings.LastIndexByte(formula, '!'); at >= 0 {
		sheet, formula = formula[:at], formula[at+1:]
		if len(sheet) > 1 && sheet[0] == '\'' {
			sheet = strings.ReplaceAll(strings.Trim(sheet, "'"), "''", "'")
		}
	}
	block, err := parseArea(formula)
	i := slices.IndexFunc(book.Sheets, func(t Table) bool { return t.Name == sheet })
	if err != nil || i < 0 {
		return nil
	}
	var out []string
	for row := block.row; row <= min(block.lastRow, len(book.Sheets[i].Rows)-1); row++ {
		for col := block.col; col <= min(block.lastCol, len(book.Sheets[i].Rows[row])-1); col++ {
			if text := book.Sheets[i].At(row, col).Text; text != "" && len(out) < maxChoices {
				out = append(out, text)
			}
		}
	}
	return out
}
