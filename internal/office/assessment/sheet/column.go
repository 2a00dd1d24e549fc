package sheet

import (
	"slices"
	"strings"

	tables "github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Form is one of the two forms of check sheets that we read.
type Form string

// The forms. The criteria sheet has a number of four parts and ★ where the check sheet has No. and Lv.
const (
	CheckSheet    Form = "check_sheet"    // JAMA/JAPIA
	CriteriaSheet Form = "criteria_sheet" // METI SCS
)

// The columns by name.
const (
	colNumber      = "number"
	colCategory    = "category"
	colLabel       = "label"
	colObjective   = "objective"
	colRequirement = "requirement"
	colLevel       = "level"
	colCondition   = "condition"
	colCriteria    = "criteria"
	colExamples    = "examples"
	colAnswer      = "answer"
	colPoints      = "points" // stands for the answer where a sheet has no other
	colNote        = "note"
	colPlanned     = "planned"
	colReferences  = "references"
)

var answerWords = []string{
	"自己評価", "評価", "回答", "貴社回答", "自己評価結果", "評価結果", "対策状況", "対応状況", "実施状況", "達成状況", "評価点", "answer", "self-assessment", "evaluation",
}

var noteWords = []string{
	"コメント", "備考", "根拠", "メモ", "理由", "特記事項", "エビデンス", "根拠および実施する事", "自由記述", "comment", "comments", "note", "notes", "remarks",
}

var plannedWords = []string{
	"予定日", "完了予定日", "対応予定日", "実施予定日", "達成予定日", "予定時期", "対応予定", "完了予定", "期限", "planned date", "due date", "target date",
}

// columnsOf lists the header words of a form. Words are facts about how such sheets are written, in no order.
func columnsOf(form Form) []tables.Column {
	tail := []tables.Column{
		{Name: colAnswer, Aliases: answerWords},
		{Name: colPoints, Aliases: []string{"得点", "点数", "スコア", "score", "points"}},
		{Name: colNote, Aliases: noteWords},
		{Name: colPlanned, Aliases: plannedWords},
	}
	if form == CriteriaSheet {
		return append([]tables.Column{
			{Name: colNumber, Aliases: []string{"評価基準No.", "評価基準番号", "criterion no.", "criterion number"}, Required: true},
			{Name: colCategory, Aliases: []string{"大分類"}},
			{Name: colLabel, Aliases: []string{"中分類", "label"}},
			{Name: colObjective, Aliases: []string{"要求事項名"}},
			{Name: colRequirement, Aliases: []string{"要求事項", "requirement"}},
			{Name: colLevel, Aliases: []string{"★3/★4", "★", "星", "段階", "レベル", "level"}},
			{Name: colCriteria, Aliases: []string{"評価基準", "criterion", "criterion (in the words of Kizuki)"}, Required: true},
			{Name: colReferences, Aliases: []string{"自工会/部工会・サイバーセキュリティガイドライン 2.3 版", "自工会/部工会", "JAMA/JAPIA"}},
		}, tail...)
	}
	return append([]tables.Column{
		{Name: colNumber, Aliases: []string{"No.", "№", "項番", "番号", "項目No.", "項目番号", "number", "item no."}, Required: true},
		{Name: colCategory, Aliases: []string{"分類", "大分類", "category"}},
		{Name: colLabel, Aliases: []string{"ラベル", "label"}},
		{Name: colObjective, Aliases: []string{"目的", "objective", "purpose"}},
		{Name: colRequirement, Aliases: []string{"要求事項", "requirement"}},
		{Name: colLevel, Aliases: []string{"レベル", "Lv", "level"}, Required: true},
		{Name: colCondition, Aliases: []string{"達成条件", "achievement condition", "condition", "achievement condition (in the words of Kizuki)"}, Required: true},
		{Name: colCriteria, Aliases: []string{"達成基準", "achievement criterion", "criteria", "criterion"}},
		{Name: colExamples, Aliases: []string{"他社事例", "事例", "examples"}},
	}, tail...)
}

// locate finds the sheet of the book that holds the most item numbers below a header of one of the forms. setting may name the
// sheet, the row of the header and the columns. The layout is the best guess also when there is a problem.
func locate(book *tables.Book, setting intake.Setting, forms ...Form) (intake.Layout, error) {
	best := intake.Layout{Header: tables.Header{Rows: 1}}
	found, bestCount, bestFits := false, -1, false
	for i, table := range book.Sheets {
		if setting.Sheet != "" && table.Name != setting.Sheet {
			continue
		}
		for _, form := range forms {
			h, err := headerIn(table, form, setting)
			fits := err == nil
			count := numbersIn(table, h, form)
			if setting.Columns != nil { // the person said which is which: only the numbers decide
				fits = count > 0
			}
			if table.Hidden {
				count -= count / 2 // a hidden copy never wins over the sheet that people see
			}
			better := fits && !bestFits || fits == bestFits && count > bestCount
			if !found || better {
				best, bestCount, bestFits, found = intake.Layout{Sheet: i, Header: h}, count, fits, true
			}
		}
	}
	if setting.Sheet != "" && !found {
		return best, problem.Invalid("sheet", "checksheet.no_such_sheet", "sheet", setting.Sheet)
	}
	best.Header = withoutPoints(best.Header)
	if !bestFits {
		return best, problem.Invalid("", inSheet("checksheet.no_header", sheetNames(book)), "sheets", sheetNames(book), "rows", tables.HeaderWithin)
	}
	return best, nil
}

// withoutPoints takes the match of the points back where there is a column for answers: points are often computed, and
// nothing that stands there may refuse a row.
func withoutPoints(h tables.Header) tables.Header {
	if _, ok := h.Index(colAnswer); !ok {
		return h
	}
	for i, m := range h.Matches {
		if m.Column == colPoints {
			h.Matches = slices.Delete(slices.Clone(h.Matches), i, i+1)
			h.Unmatched = append(slices.Clone(h.Unmatched), tables.Match{Index: m.Index, Header: m.Header})
			break
		}
	}
	return h
}

// headerIn finds the header of one sheet, with the columns that the person chose laid over it.
func headerIn(table tables.Table, form Form, setting intake.Setting) (tables.Header, error) {
	rows, within, shift := table.Rows, tables.HeaderWithin, 0
	if row := setting.Header; row > 0 && row <= len(rows) {
		rows, within, shift = rows[row-1:], 1, row-1
	}
	h, err := tables.FindHeader(rows, columnsOf(form), within)
	h.Row += shift
	if setting.Columns == nil {
		return h, err
	}
	return choose(h, table, setting.Columns), nil
}

// choose builds the matches that the person chose, by column of the sheet counted from 1.
func choose(h tables.Header, table tables.Table, chosen map[string]int) tables.Header {
	out := tables.Header{Row: h.Row, Rows: h.Rows}
	taken := map[int]bool{}
	for _, name := range allColumns {
		at := chosen[name] - 1
		if at < 0 || taken[at] {
			continue
		}
		taken[at] = true
		out.Matches = append(out.Matches, tables.Match{Column: name, Index: at, Header: headerText(h, table, at), Confidence: 100})
	}
	for _, m := range append(h.Matches, h.Unmatched...) {
		if !taken[m.Index] {
			out.Unmatched = append(out.Unmatched, tables.Match{Index: m.Index, Header: m.Header})
		}
	}
	if _, ok := out.Index(colNumber); !ok {
		out.Missing = []string{colNumber}
	}
	return out
}

// allColumns is every column in the order of the template.
var allColumns = []string{
	colNumber, colCategory, colLabel, colObjective, colRequirement, colLevel, colCondition, colCriteria, colExamples,
	colAnswer, colPoints, colNote, colPlanned, colReferences,
}

func headerText(h tables.Header, table tables.Table, col int) string {
	for row := h.Row + h.Rows - 1; row >= h.Row; row-- {
		if text := jtext.Line(table.At(row, col).Text); text != "" {
			return text
		}
	}
	return ""
}

// numbersIn counts the rows that begin an item of the form.
func numbersIn(table tables.Table, h tables.Header, form Form) int {
	col, ok := h.Index(colNumber)
	if !ok {
		return 0
	}
	n := 0
	for row := h.First(); row < len(table.Rows); row++ {
		if id, _ := itemNumber(table.At(row, col).Text); id != "" && (form == CriteriaSheet) == strings.Contains(id, "-") {
			n++
		}
	}
	return n
}

// formOf says which form the numbers of a located table have.
func formOf(table tables.Table, h tables.Header) Form {
	if numbersIn(table, h, CriteriaSheet) > numbersIn(table, h, CheckSheet) {
		return CriteriaSheet
	}
	return CheckSheet
}

func sheetNames(book *tables.Book) string {
	names := make([]string, 0, len(book.Sheets))
	for _, s := range book.Sheets {
		if s.Name != "" {
			names = append(names, s.Name)
		}
	}
	return strings.Join(names, "、")
}
