package sheet

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	tables "github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// tooManyTimes is how many rows with a number an item may have on average before the table is taken for something else.
const tooManyTimes = 5

// Row is one item as a sheet shows it. Texts are stored texts; those that the sheet does not have are empty.
type Row struct {
	Line        int    // row of the workbook, line of a text file
	Item        string // "28", "4-2-1-3"
	Level       string // id of the level; empty when the sheet names none
	Category    string
	Label       string
	Objective   string
	Requirement string
	Condition   string
	Criteria    string
	Examples    string
	Answer      verdict.Value
	AnswerText  string // as it stands in the cell, on one line
	Note        string
	Planned     jdate.Day
	References  []Reference // what the row cites of the check sheet

	row     int    // in Table.Rows
	raw     string // the answer cell as it stands there
	formula bool
	kind    tables.Kind // of the answer cell
}

// Finding is a row or cell that was not taken, with the reason.
type Finding struct {
	Line   int
	Column string // name of the column; empty when it concerns the whole row
	Value  string // what stands there, shortened
	Reason i18n.Msg
}

// Parsed is a sheet that was read.
type Parsed struct {
	Sheet    string // name; empty for text files
	Form     Form
	Header   tables.Header
	Rows     []Row     // in the order of the sheet, each item once
	Refused  []Finding // rows that were not taken
	Warnings []Finding // cells that were not taken; the rest of their row was
	Missing  []string  // items of the framework that no row names
}

// Row returns the row of an item, nil when there is none.
func (p *Parsed) Row(item string) *Row {
	for i := range p.Rows {
		if p.Rows[i].Item == item {
			return &p.Rows[i]
		}
	}
	return nil
}

// Parse reads the check sheet of a book as one of framework f. The sheet, its header and its columns are found by
// their words unless setting names them. Rows that are wrong are refused one by one and stand in Parsed with their
// row number; a book that holds no check sheet is a problem of code invalid that says where was looked.
func Parse(file string, book *tables.Book, f *framework.Framework, setting intake.Setting) (*Parsed, error) {
	layout, err := locate(book, setting, formFor(f))
	if err != nil {
		return nil, withFile(file, err)
	}
	return parseTable(file, book.Sheets[layout.Sheet], layout.Header, f, nil, false)
}

// formFor says in which form the sheets of a framework come.
func formFor(f *framework.Framework) Form {
	if items := f.Items(); len(items) > 0 && items[0].Number == 0 {
		return CriteriaSheet
	}
	return CheckSheet
}

// parser reads one table.
type parser struct {
	table  tables.Table
	at     map[string]int // column name → index
	f      *framework.Framework
	only   map[int]bool // lines that may be read; nil: all
	out    *Parsed
	starts map[string][]int // item → places in out.Rows
	rows   int              // rows that begin an item
	fill   bool             // answer cells are looked at as places to write to, not as answers
}

// parseTable reads a located table. only are the lines that may be read, nil means all of them; with fill the answer
// cells may hold anything.
func parseTable(file string, table tables.Table, h tables.Header, f *framework.Framework, only map[int]bool, fill bool) (*Parsed, error) {
	p := &parser{table: table, at: map[string]int{}, f: f, only: only, starts: map[string][]int{}, fill: fill}
	p.out = &Parsed{Sheet: table.Name, Form: formFor(f), Header: h}
	for _, m := range h.Matches {
		p.at[m.Column] = m.Index
	}
	if _, ok := p.at[colAnswer]; !ok {
		if points, ok := p.at[colPoints]; ok {
			p.at[colAnswer] = points
		}
	}
	for row := h.First(); row < len(table.Rows); row++ {
		if only == nil || only[table.Line(row)] {
			p.row(row)
		} else if id, _ := itemNumber(p.cell(row, colNumber).Text); id != "" && !p.cell(row, colNumber).Merged {
			p.starts[id] = append(p.starts[id], -1) // refused before us: the item is not missing
		}
	}
	if p.rows > tooManyTimes*len(f.Items()) {
		return nil, problem.Invalid("", inSheet("checksheet.too_many_numbers", table.Name), "file", file, "sheet", table.Name, "n", p.rows, "items", len(f.Items()))
	}
	p.refuseTwice()
	if len(p.out.Rows) == 0 && len(p.out.Refused) == 0 {
		return nil, problem.Invalid("", inSheet("checksheet.no_numbers", table.Name), "file", file, "sheet", table.Name,
			"column", tables.ColumnName(p.at[colNumber]), "row", table.Line(h.First()))
	}
	for _, node := range f.Items() {
		if len(p.starts[node.ID]) == 0 {
			p.out.Missing = append(p.out.Missing, node.ID)
		}
	}
	return p.out, nil
}

func (p *parser) cell(row int, column string) tables.Cell {
	i, ok := p.at[column]
	if !ok {
		return tables.Cell{}
	}
	return p.table.At(row, i)
}

func (p *parser) text(row int, column string) string {
	return jtext.StoreLines(p.cell(row, column).Text)
}

// row reads one row: it begins an item, goes on with the one before, or is none of ours.
func (p *parser) row(row int) {
	number := p.cell(row, colNumber)
	if number.Merged && row > p.out.Header.First() && number.Text == p.cell(row-1, colNumber).Text {
		p.goOn(row)
		return
	}
	text := jtext.Line(number.Text)
	level := LevelID(p.cell(row, colLevel).Text)
	if number.Formula && text == "" {
		p.refuse(row, colNumber, "", i18n.Msg{Key: "checksheet.refused.formula"})
		return
	}
	if text == "" {
		if level != "" && p.cell(row, colLevel).Kind != tables.Empty && p.says(row) && !p.cell(row, colLevel).Merged {
			p.refuse(row, colNumber, "", i18n.Msg{Key: "checksheet.refused.no_number"})
		}
		return
	}
	id, cited := itemNumber(text)
	if id != "" || strings.Trim(jtext.Number(text), "0123456789") == "" {
		p.rows++ // a number that no framework has counts too: it tells another kind of list
	}
	switch {
	case id != "":
	case !p.says(row), strings.EqualFold(text, p.header(colNumber)):
		return // a total, a note, a header printed once more
	default:
		p.refuse(row, colNumber, text, i18n.Msg{Key: "checksheet.refused.not_a_number", Args: problem.Args{"value": jtext.Truncate(text, 40)}})
		return
	}
	if p.f.Item(id) == nil {
		p.refuse(row, colNumber, text, i18n.Msg{Key: "checksheet.refused.unknown_number", Args: problem.Args{"number": id}})
		return
	}
	p.begin(row, id, cmp.Or(level, cited))
}

// says tells whether a row has the words of an item, not only a number.
func (p *parser) says(row int) bool {
	return p.cell(row, colCondition).Text != "" || p.cell(row, colCriteria).Text != ""
}

func (p *parser) header(column string) string {
	for _, m := range p.out.Header.Matches {
		if m.Column == column {
			return m.Header
		}
	}
	return ""
}

func (p *parser) begin(row int, id, level string) {
	answer := p.cell(row, colAnswer)
	value, ok := Score(answer.Text)
	if reason := wrongAnswer(answer, ok); reason.Key != "" && !p.fill {
		p.starts[id] = append(p.starts[id], -1)
		p.refuse(row, colAnswer, answer.Text, reason)
		return
	}
	r := Row{
		Line: p.table.Line(row), Item: id, Level: level, Answer: value, AnswerText: jtext.Line(answer.Text), row: row, raw: answer.Text, formula: answer.Formula, kind: answer.Kind,
		Category: p.text(row, colCategory), Label: p.text(row, colLabel), Objective: p.text(row, colObjective),
		Requirement: p.text(row, colRequirement), Condition: p.text(row, colCondition), Criteria: p.text(row, colCriteria),
		Examples: p.text(row, colExamples), Note: p.text(row, colNote), References: References(p.text(row, colReferences)),
	}
	if text := p.cell(row, colLevel).Text; level == "" && text != "" {
		p.warn(row, colLevel, text, i18n.Msg{Key: "checksheet.warning.level", Args: problem.Args{"value": jtext.Truncate(jtext.Line(text), 40)}})
	} else if level != "" && p.f.LevelIndex(level) < 0 {
		p.warn(row, colLevel, text, i18n.Msg{Key: "checksheet.warning.level", Args: problem.Args{"value": jtext.Truncate(jtext.Line(text), 40)}})
		r.Level = ""
	}
	p.planned(row, &r)
	p.starts[id] = append(p.starts[id], len(p.out.Rows))
	p.out.Rows = append(p.out.Rows, r)
}

// wrongAnswer says why an answer cell cannot be read; a message without key when it can.
func wrongAnswer(c tables.Cell, understood bool) i18n.Msg {
	switch {
	case c.Formula && c.Text == "":
		return i18n.Msg{Key: "checksheet.refused.formula"}
	case c.Kind == tables.Error:
		return i18n.Msg{Key: "checksheet.refused.error", Args: problem.Args{"value": c.Text}}
	case !understood || c.Kind == tables.Bool || c.Kind == tables.Date:
		return i18n.Msg{Key: "checksheet.refused.answer", Args: problem.Args{"value": jtext.Truncate(jtext.Line(c.Text), 40)}}
	default:
		return i18n.Msg{}
	}
}

// goOn adds what a further row of a merged number says: criteria are often split over rows.
func (p *parser) goOn(row int) {
	if len(p.out.Rows) == 0 {
		return
	}
	r := &p.out.Rows[len(p.out.Rows)-1]
	if id, _ := itemNumber(p.cell(row, colNumber).Text); id != r.Item {
		return
	}
	for _, one := range []struct {
		to     *string
		column string
	}{{&r.Condition, colCondition}, {&r.Criteria, colCriteria}, {&r.Examples, colExamples}, {&r.Note, colNote}} {
		if c := p.cell(row, one.column); c.Text != "" && !c.Merged {
			*one.to = strings.TrimPrefix(*one.to+"\n"+jtext.StoreLines(c.Text), "\n")
		}
	}
}

func (p *parser) planned(row int, r *Row) {
	text := p.cell(row, colPlanned).Text
	if jtext.Line(text) == "" || onlyDash.MatchString(jtext.Line(text)) {
		return
	}
	day, err := jdate.Parse(text)
	if err == nil {
		r.Planned = day
		return
	}
	key := "checksheet.warning.planned"
	if errors.Is(err, jdate.ErrIncomplete) {
		key = "checksheet.warning.planned_incomplete"
	}
	p.warn(row, colPlanned, text, i18n.Msg{Key: key, Args: problem.Args{"value": jtext.Truncate(jtext.Line(text), 40)}})
}

func (p *parser) refuse(row int, column, value string, reason i18n.Msg) {
	p.out.Refused = append(p.out.Refused, Finding{p.table.Line(row), column, jtext.Truncate(jtext.Line(value), 40), reason})
}

func (p *parser) warn(row int, column, value string, reason i18n.Msg) {
	p.out.Warnings = append(p.out.Warnings, Finding{p.table.Line(row), column, jtext.Truncate(jtext.Line(value), 40), reason})
}

// refuseTwice refuses every row of a number that stands on several rows: nobody knows which one counts.
func (p *parser) refuseTwice() {
	lines := map[string][]int{}
	for _, r := range p.out.Rows {
		lines[r.Item] = append(lines[r.Item], r.Line)
	}
	p.out.Rows = slices.DeleteFunc(p.out.Rows, func(r Row) bool {
		if len(lines[r.Item]) == 1 && len(p.starts[r.Item]) == 1 {
			return false
		}
		other := make([]string, 0, 3)
		for _, line := range lines[r.Item] {
			if line != r.Line && len(other) < cap(other) {
				other = append(other, strconv.Itoa(line))
			}
		}
		reason := i18n.Msg{Key: "checksheet.refused.twice", Args: problem.Args{"number": r.Item, "rows": strings.Join(other, "、")}}
		if len(other) == 0 { // the other row was refused for its answer
			reason = i18n.Msg{Key: "checksheet.refused.twice_refused", Args: problem.Args{"number": r.Item}}
		}
		p.out.Refused = append(p.out.Refused, Finding{r.Line, colNumber, r.Item, reason})
		return true
	})
	slices.SortStableFunc(p.out.Refused, func(a, b Finding) int { return cmp.Compare(a.Line, b.Line) })
}

// inSheet is the message key for a sheet of that name; text files have one sheet without a name, and their sentences
// name none.
func inSheet(key, name string) string {
	if name == "" {
		return key + ".text"
	}
	return key
}

// withFile adds the name of the file to problems, so that of many files the right one is looked at.
func withFile(file string, err error) error {
	all := problem.All(err)
	if len(all) == 0 {
		return err
	}
	out := make(problem.List, 0, len(all))
	for _, e := range all {
		args := problem.Args{"file": file}
		maps.Copy(args, e.Args)
		key := e.Key
		if rest, ok := strings.CutPrefix(key, "checksheet.no_header"); ok && !strings.HasPrefix(rest, "_in") {
			key = "checksheet.no_header_in" + rest
		}
		out.Add(&problem.Error{Code: e.Code, Field: e.Field, Key: key, Args: args, Err: e.Err})
	}
	return out
}
