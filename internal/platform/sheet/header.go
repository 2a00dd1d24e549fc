package sheet

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// HeaderWithin is the number of rows in which FindHeader looks when the caller names none.
const HeaderWithin = 20

// Column is a column that the caller looks for. Name identifies it; header cells may say Name or any of the aliases,
// compared by jtext.SearchKey without punctuation.
type Column struct {
	Name     string
	Aliases  []string
	Required bool
}

// Match says where a column stands.
type Match struct {
	Column     string // Name of the Column
	Index      int    // column of the sheet, counted from 0
	Header     string // text of the header as it stands there, on one line
	Confidence int    // per cent: 100 name, 95 alias, 60 to 85 the header contains one of them
}

// Header is the header of a table.
type Header struct {
	Row       int      // first header row, counted from 0
	Rows      int      // 1 or 2
	Matches   []Match  // in the order in which the columns were asked for
	Missing   []string // names of required columns that were not found
	Unmatched []Match  // headers that match nothing, with Column "" and Confidence 0
}

// First returns the first row of data.
func (h Header) First() int { return h.Row + h.Rows }

// Index returns the column of the sheet in which the named column stands.
func (h Header) Index(name string) (int, bool) {
	for _, m := range h.Matches {
		if m.Column == name {
			return m.Index, true
		}
	}
	return 0, false
}

// The parts of the confidence, in per cent.
const (
	sureName   = 100
	sureAlias  = 95
	likely     = 85 // the header starts with the name
	perhaps    = 70 // the header contains the name
	notBetter  = 5  // the same found in an alias or a parent header is that much weaker
	shortNames = 2  // runes; shorter names must match whole
)

// FindHeader looks for the row, or the two rows, that name the columns, among the first within rows (0 means
// HeaderWithin): the place where the most columns are recognised with the most confidence wins, of equals the
// shorter and higher one, unless labels are merged over both rows. In two header rows a column is named by its lower cell, its upper cell where the lower one
// is empty or merged, or both together. The header is the best guess also when required columns are missing; then
// the error has code invalid and key sheet.header_not_found, and the person maps the columns by hand.
func FindHeader(rows [][]Cell, columns []Column, within int) (Header, error) {
	if within <= 0 {
		within = HeaderWithin
	}
	words := wordsOf(columns)
	var best Header
	bestScore := -1
	for row := range min(within, len(rows)) {
		for height := 1; height <= 2 && row+height <= len(rows); height++ {
			h, score := matchHeader(rows, row, height, columns, words)
			if height == 2 {
				score += spans(rows, h)
			}
			if score > bestScore {
				best, bestScore = h, score
			}
		}
	}
	if bestScore < 0 {
		best = Header{Rows: 1}
		for _, c := range columns {
			if c.Required {
				best.Missing = append(best.Missing, c.Name)
			}
		}
	}
	if len(best.Missing) > 0 {
		return best, problem.Invalid("", "sheet.header_not_found", "missing", strings.Join(best.Missing, ", "))
	}
	return best, nil
}

// spans decides between one and two header rows that recognise the same columns: two rows belong together when a
// recognised label is merged over both.
func spans(rows [][]Cell, h Header) int {
	for _, m := range h.Matches {
		lower := rows[h.Row+1]
		if m.Index < len(lower) && m.Index < len(rows[h.Row]) && lower[m.Index].Merged &&
			lower[m.Index].Text == rows[h.Row][m.Index].Text {
			return 1
		}
	}
	return -1
}

// word is one way to name a column.
type word struct {
	key   string
	alias bool
}

func wordsOf(columns []Column) [][]word {
	all := make([][]word, len(columns))
	for i, c := range columns {
		all[i] = append(all[i], word{key: headerKey(c.Name)})
		for _, alias := range c.Aliases {
			all[i] = append(all[i], word{key: headerKey(alias), alias: true})
		}
	}
	return all
}

// headerKey is the search key without punctuation and symbols: "No." and "№" are one, "評価（0～2）" starts with 評価.
func headerKey(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPunct(r) || unicode.IsSymbol(r) {
			return -1
		}
		return r
	}, jtext.SearchKey(s))
}

// label is a header cell in the forms in which it may be recognised, the surest first.
type label struct {
	index int
	text  string // for people
	keys  []string
}

// guess is a column recognised in a label.
type guess struct{ column, label, confidence int }

// matchHeader recognises columns in the given rows. The score is the sum of the confidences; a required column that is
// missing costs more than any number of others brings, so that a title row never wins over the header.
func matchHeader(rows [][]Cell, row, height int, columns []Column, words [][]word) (Header, int) {
	labels := labelsOf(rows[row : row+height])
	var guesses []guess
	for c := range columns {
		for l, label := range labels {
			if conf := confidence(label, words[c]); conf > 0 {
				guesses = append(guesses, guess{c, l, conf})
			}
		}
	}
	slices.SortStableFunc(guesses, func(a, b guess) int { return cmp.Compare(b.confidence, a.confidence) })
	h := Header{Row: row, Rows: height}
	takenLabel, takenColumn := make([]bool, len(labels)), make([]*Match, len(columns))
	score := 0
	for _, g := range guesses {
		if takenLabel[g.label] || takenColumn[g.column] != nil {
			continue
		}
		takenLabel[g.label] = true
		takenColumn[g.column] = &Match{
			Column: columns[g.column].Name, Index: labels[g.label].index, Header: labels[g.label].text, Confidence: g.confidence,
		}
		score += g.confidence
	}
	for c, m := range takenColumn {
		switch {
		case m != nil:
			h.Matches = append(h.Matches, *m)
		case columns[c].Required:
			h.Missing = append(h.Missing, columns[c].Name)
		}
	}
	for l, label := range labels {
		if !takenLabel[l] {
			h.Unmatched = append(h.Unmatched, Match{Index: label.index, Header: label.text})
		}
	}
	return h, score
}

// labelsOf reads one or two header rows, column by column.
func labelsOf(rows [][]Cell) []label {
	upper, lower := rows[0], rows[len(rows)-1]
	n := max(len(upper), len(lower))
	at := func(row []Cell, i int) (string, bool) {
		if i >= len(row) || row[i].Kind != Text {
			return "", false
		}
		return jtext.Line(row[i].Text), row[i].Merged
	}
	var labels []label
	for i := range n {
		child, merged := at(lower, i)
		if len(rows) == 1 {
			if child == "" || merged && len(labels) > 0 && labels[len(labels)-1].text == child {
				continue // one label over several columns stands for the first
			}
			labels = append(labels, label{i, child, []string{headerKey(child)}})
			continue
		}
		parent, _ := at(upper, i)
		switch {
		case child == "" && parent == "":
		case child == "" || child == parent:
			labels = append(labels, label{i, cmp.Or(child, parent), []string{headerKey(cmp.Or(child, parent))}})
		case parent == "":
			labels = append(labels, label{i, child, []string{headerKey(child)}})
		default:
			labels = append(labels, label{i, parent + " " + child, []string{headerKey(child), headerKey(parent + child)}})
		}
	}
	return labels
}

// confidence says how surely the label names the column, 0 for not at all.
func confidence(l label, words []word) int {
	best := 0
	for form, key := range l.keys {
		for _, w := range words {
			conf := 0
			switch {
			case key == "" || w.key == "":
			case key == w.key && w.alias:
				conf = sureAlias
			case key == w.key:
				conf = sureName
			case utf8.RuneCountInString(w.key) < shortNames || utf8.RuneCountInString(key) > 4*utf8.RuneCountInString(w.key)+10:
			case strings.HasPrefix(key, w.key) && standsAlone(key, w.key):
				conf = likely
			case strings.Contains(key, w.key) && standsAlone(key, w.key):
				conf = perhaps
			}
			if w.alias && conf > 0 && conf < sureAlias {
				conf -= notBetter
			}
			if form > 0 && conf > 0 {
				conf -= notBetter
			}
			best = max(best, conf)
		}
	}
	return best
}

// standsAlone says whether word occurs in key with no further Latin letter beside it: "no" in "項目no", not in "notes".
func standsAlone(key, word string) bool {
	letter := func(b byte) bool { return b >= 'a' && b <= 'z' }
	at := strings.Index(key, word)
	end := at + len(word)
	return (at == 0 || !letter(key[at-1]) || !letter(word[0])) &&
		(end == len(key) || !letter(key[end]) || !letter(word[len(word)-1]))
}
