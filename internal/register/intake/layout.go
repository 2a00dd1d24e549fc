package intake

import (
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// locate finds the table of a book as the setting wants it. remembered are matches that people made by hand
// before. On a problem the layout is the best guess, for the person to correct.
func (s *Service) locate(imp Importer, book *sheet.Book, setting Setting, remembered map[string]string) (Layout, error) {
	if l, ok := imp.(Locator); ok {
		return l.Locate(book, setting)
	}
	columns := s.sheetColumns(imp)
	var best Layout
	var bestErr error
	bestScore, found := 0, false
	for i, table := range book.Sheets {
		if setting.Sheet != "" && table.Name != setting.Sheet || setting.Sheet == "" && table.Hidden && len(book.Sheets) > 1 {
			continue
		}
		h, err := findHeader(table.Rows, columns, setting.Header)
		h, err = rematch(h, table, columns, setting.Columns, remembered, err)
		score := -missingCosts * len(h.Missing)
		for _, m := range h.Matches {
			score += m.Confidence
		}
		if !found || score > bestScore {
			best, bestScore, bestErr, found = Layout{i, h}, score, err, true
		}
	}
	if !found {
		return best, problem.Invalid("sheet", "intake.no_sheet", "sheet", setting.Sheet)
	}
	return best, bestErr
}

// missingCosts weighs a required column that is not there against any number of others, in per cent.
const missingCosts = 10_000

// sheetColumns gives the header words of an importer: aliases, and the titles in both languages.
func (s *Service) sheetColumns(imp Importer) []sheet.Column {
	var out []sheet.Column
	for _, c := range imp.Columns() {
		aliases := slices.Clone(c.Aliases)
		if s.texts != nil {
			for _, locale := range i18n.Locales {
				aliases = append(aliases, s.texts.T(locale, c.Title, nil))
			}
		}
		out = append(out, sheet.Column{Name: c.Name, Aliases: aliases, Required: c.Required})
	}
	return out
}

// findHeader looks everywhere, or in the row (counted from 1) that the person chose.
func findHeader(rows [][]sheet.Cell, columns []sheet.Column, row int) (sheet.Header, error) {
	if row <= 0 || row > len(rows) {
		return sheet.FindHeader(rows, columns, 0)
	}
	h, err := sheet.FindHeader(rows[row-1:], columns, 1)
	h.Row += row - 1
	return h, err
}

// rematch lays the person's own matches over what was found: those of this file by position, those of
// earlier files by the words of the header.
func rematch(h sheet.Header, t sheet.Table, columns []sheet.Column, chosen map[string]int, remembered map[string]string, err error) (sheet.Header, error) {
	if chosen == nil && len(remembered) == 0 {
		return h, err
	}
	all := append(slices.Clone(h.Matches), h.Unmatched...)
	slices.SortFunc(all, func(a, b sheet.Match) int { return a.Index - b.Index })
	if chosen == nil {
		return remember(h, all, columns, remembered)
	}
	byIndex := map[int]string{}
	for name, at := range chosen {
		if at > 0 {
			byIndex[at-1] = name
		}
	}
	width := 0
	for _, row := range t.Rows[min(h.Row, len(t.Rows)):min(h.First()+sampleRows, len(t.Rows))] {
		width = max(width, len(row))
	}
	for i := range width { // a column without header can be matched too
		if !slices.ContainsFunc(all, func(m sheet.Match) bool { return m.Index == i }) {
			all = append(all, sheet.Match{Index: i})
		}
	}
	slices.SortFunc(all, func(a, b sheet.Match) int { return a.Index - b.Index })
	for i := range all {
		all[i].Column, all[i].Confidence = byIndex[all[i].Index], 0
		if all[i].Column != "" {
			all[i].Confidence = 100
		}
	}
	return rebuild(h, all, columns)
}

func remember(h sheet.Header, all []sheet.Match, columns []sheet.Column, remembered map[string]string) (sheet.Header, error) {
	for i := range all {
		want, known := remembered[jtext.SearchKey(all[i].Header)]
		if !known || want == all[i].Column {
			continue
		}
		for j := range all { // one column cannot stand in two places
			if want != "" && all[j].Column == want {
				all[j].Column, all[j].Confidence = "", 0
			}
		}
		all[i].Column, all[i].Confidence = want, 100
	}
	return rebuild(h, all, columns)
}

// rebuild sorts matches into a header again and names what is missing.
func rebuild(h sheet.Header, all []sheet.Match, columns []sheet.Column) (sheet.Header, error) {
	h.Matches, h.Missing, h.Unmatched = nil, nil, nil
	for _, c := range columns {
		i := slices.IndexFunc(all, func(m sheet.Match) bool { return m.Column == c.Name })
		switch {
		case i >= 0:
			h.Matches = append(h.Matches, all[i])
		case c.Required:
			h.Missing = append(h.Missing, c.Name)
		}
	}
	for _, m := range all {
		if m.Column == "" && m.Header != "" {
			h.Unmatched = append(h.Unmatched, m)
		}
	}
	if len(h.Missing) > 0 {
		return h, problem.Invalid("", "sheet.header_not_found", "missing", strings.Join(h.Missing, ", "))
	}
	return h, nil
}

// rowsOf returns the rows below the header that hold any value in a matched column.
func rowsOf(t sheet.Table, h sheet.Header) []Row {
	at := make(map[string]int, len(h.Matches))
	for _, m := range h.Matches {
		at[m.Column] = m.Index
	}
	var rows []Row
	for i := h.First(); i < len(t.Rows); i++ {
		cells := t.Rows[i]
		for _, index := range at {
			if index < len(cells) && (cells[index].Text != "" || cells[index].Formula) {
				rows = append(rows, Row{Line: t.Line(i), cells: cells, at: at})
				break
			}
		}
	}
	return rows
}
