// Package sheettest makes workbooks for tests: check sheets as customers send them, in layouts that vary with a seed,
// with merged label cells, two header rows, offsets, full-width digits, formulas, rich text, furigana and further
// sheets. All texts are made up here. It is used by tests only.
package sheettest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// The size of every made workbook; the levels are 50, 74 and 29 times 1, 2 and 3.
const (
	Items  = 153
	Labels = 24
)

// Item is one row of the check sheet as it must be read back.
type Item struct {
	Number      int // 1 to Items
	Label       string
	Purpose     string
	Requirement string
	Level       int // 1 to 3
	Condition   string
	Criterion   string
	Answer      string // "", "0", "1", "2", as a number or as full-width text in the sheet
	Comment     string
	Row         int // row of the sheet, counted from 0
}

// Made is a workbook and what is in it. Columns gives the column, counted from 0, of: no, label, purpose, requirement,
// level, condition, criterion, answer, comment; and of "score", which holds formulas.
type Made struct {
	Name       string // "sheet.xlsx", or "sheet.xlsm" where it holds macros: every fifth seed
	Data       []byte
	Sheet      string
	HeaderRow  int // first header row, counted from 0
	HeaderRows int // 1 or 2
	Columns    map[string]int
	Headers    map[string]string // the words in the header
	Items      []Item
}

// roles in the order in which columns stand; answer, score and comment can share an upper header.
var roles = []string{"no", "label", "purpose", "requirement", "level", "condition", "criterion", "answer", "score", "comment"}

// spellings are the words for each role; the first is the usual one.
var spellings = map[string][]string{
	"no": {"No.", "No", "№", "項番", "Ｎｏ．"}, "label": {"ラベル", "分類"}, "purpose": {"目的"},
	"requirement": {"要求事項", "要求\n事項"}, "level": {"レベル", "Lv（レベル）"},
	"condition": {"達成条件", "達成条件（何をするか）"}, "criterion": {"達成基準", "達 成 基 準"},
	"answer": {"評価", "回答", "自己評価"}, "score": {"得点"}, "comment": {"コメント", "備考", "根拠"},
}

type maker struct {
	rng  *rand.Rand
	file *excelize.File
	made *Made
	err  error
	bold int
}

// Workbook makes the check sheet of a seed; the same seed gives the same workbook.
func Workbook(seed uint64) (Made, error) {
	m := &maker{
		rng:  rand.New(rand.NewPCG(seed, 0x6b697a756b69)), //nolint:gosec // a repeatable sample, not a secret
		file: excelize.NewFile(),
		made: &Made{Name: "sheet.xlsx", Columns: map[string]int{}, Headers: map[string]string{}},
	}
	defer func() { _ = m.file.Close() }() // nothing on disk
	m.frame()
	m.header()
	m.items()
	m.rows()
	var b bytes.Buffer
	if m.err == nil {
		m.err = m.file.Write(&b)
	}
	if m.err == nil {
		m.made.Data, m.err = withFurigana(b.Bytes())
	}
	if m.err == nil && seed%5 == 4 {
		m.made.Name = "sheet.xlsm"
		m.made.Data, m.err = withMacros(m.made.Data)
	}
	if m.err != nil {
		return Made{}, fmt.Errorf("make workbook %d: %w", seed, m.err)
	}
	return *m.made, nil
}

// try keeps the first error.
func (m *maker) try(err error) {
	if m.err == nil {
		m.err = err
	}
}

func (m *maker) pick(list []string) string { return list[m.rng.IntN(len(list))] }

func cell(row, col int) string {
	name, err := excelize.CoordinatesToCellName(col+1, row+1)
	if err != nil {
		return "A1"
	}
	return name
}

func (m *maker) set(row, col int, v any) {
	m.try(m.file.SetCellValue(m.made.Sheet, cell(row, col), v))
}

// frame adds the sheets around the check sheet and the lines above its header.
func (m *maker) frame() {
	m.made.Sheet = m.pick([]string{"チェックシート", "自己評価 & 対策", "Sheet <1>", "確認表（記入用）"})
	m.try(m.file.SetSheetName("Sheet1", "はじめに"))
	m.try(m.file.SetCellStr("はじめに", "B2", "記入のしかた"))
	m.try(m.file.SetCellStr("はじめに", "B3", "次のシートの評価の欄に 0・1・2 のどれかを書いてください。"))
	_, err := m.file.NewSheet(m.made.Sheet)
	m.try(err)
	if m.rng.IntN(2) == 0 {
		_, err = m.file.NewSheet("集計")
		m.try(err)
		m.try(m.file.SetCellFormula("集計", "B2", "=1+1"))
		m.try(m.file.SetSheetVisible("集計", false))
	}
	m.bold, err = m.file.NewStyle(&excelize.Style{
		Font: &excelize.Font{Bold: true}, Alignment: &excelize.Alignment{WrapText: true},
	})
	m.try(err)
	m.made.HeaderRow = 1 + m.rng.IntN(8)
	m.made.HeaderRows = 1 + m.rng.IntN(2)
	offset := m.rng.IntN(3)
	for i, role := range roles {
		m.made.Columns[role] = offset + i
	}
	if m.rng.IntN(3) == 0 { // some put the comment before the score
		c := m.made.Columns
		c["score"], c["comment"] = c["comment"], c["score"]
	}
	m.set(0, offset, "取引先向け 確認シート（見本）")
	m.try(m.file.MergeCell(m.made.Sheet, cell(0, offset), cell(0, offset+len(roles)-1)))
}

func (m *maker) header() {
	first, last := m.made.HeaderRow, m.made.HeaderRow+m.made.HeaderRows-1
	for _, role := range roles {
		text := m.pick(spellings[role])
		m.made.Headers[role] = text
		col := m.made.Columns[role]
		grouped := role == "answer" || role == "score" || role == "comment"
		switch {
		case first == last:
			m.set(first, col, text)
		case grouped:
			m.set(last, col, text)
		default:
			m.set(first, col, text)
			m.try(m.file.MergeCell(m.made.Sheet, cell(first, col), cell(last, col)))
		}
		m.try(m.file.SetCellStyle(m.made.Sheet, cell(first, col), cell(last, col), m.bold))
	}
	if first != last {
		left := m.made.Columns["answer"]
		m.set(first, left, "貴社記入欄")
		m.try(m.file.MergeCell(m.made.Sheet, cell(first, left), cell(first, left+2)))
	}
}

var (
	topics  = []string{"台帳", "手順", "権限", "記録", "連絡網", "持出し", "更新", "複製", "入室", "教育", "点検", "契約"}
	objects = []string{"機器", "利用者", "委託先", "回線", "書類", "図面", "部屋", "電子メール", "外部媒体", "共有フォルダー"}
	acts    = []string{"決める", "見直す", "知らせる", "残す", "確かめる", "申請する", "承認する"}
)

func (m *maker) items() {
	levels := make([]int, 0, Items)
	for level, n := range []int{50, 74, 29} {
		for range n {
			levels = append(levels, level+1)
		}
	}
	m.rng.Shuffle(len(levels), func(i, j int) { levels[i], levels[j] = levels[j], levels[i] })
	label, purpose, requirement := -1, "", ""
	for i := range Items {
		if now := i * Labels / Items; now != label {
			label = now
			purpose = m.pick(objects) + "の" + m.pick(topics) + "がいつも正しいこと"
			requirement = ""
		}
		if requirement == "" || m.rng.IntN(4) == 0 {
			requirement = fmt.Sprintf("%sの%sを%sこと（%d）", m.pick(objects), m.pick(topics), m.pick(acts), i)
		}
		it := Item{
			Number: i + 1, Label: fmt.Sprintf("%d %sの%s", label+1, objects[label%len(objects)], topics[label%len(topics)]),
			Purpose: purpose, Requirement: requirement, Level: levels[i],
			Condition: fmt.Sprintf("%sについて%sを%s", m.pick(objects), m.pick(topics), m.pick(acts)),
			Criterion: "・" + m.pick(objects) + "を対象にする\n・年1回以上 " + m.pick(acts),
		}
		if m.rng.IntN(3) > 0 {
			it.Answer = strconv.Itoa(m.rng.IntN(3))
		}
		if m.rng.IntN(3) == 0 {
			it.Comment = m.pick(topics) + "は㈱見本製作所 髙橋が保管。" + "A<B & \"C\""
		}
		m.made.Items = append(m.made.Items, it)
	}
}

func (m *maker) rows() {
	row := m.made.HeaderRow + m.made.HeaderRows
	for i := range m.made.Items {
		m.made.Items[i].Row = row + i
		m.row(m.made.Items[i])
	}
	m.merge("label", func(it Item) string { return it.Label })
	m.merge("purpose", func(it Item) string { return it.Label })
	m.merge("requirement", func(it Item) string { return it.Label + it.Requirement })
	end := row + Items
	m.set(end+1, m.made.Columns["condition"], "合計")
	score, _ := excelize.ColumnNumberToName(m.made.Columns["score"] + 1)
	sum := fmt.Sprintf("=SUM(%s%d:%s%d)", score, row+1, score, end)
	m.try(m.file.SetCellFormula(m.made.Sheet, cell(end+1, m.made.Columns["score"]), sum))
	list := excelize.NewDataValidation(true)
	list.Sqref = cell(row, m.made.Columns["answer"]) + ":" + cell(end-1, m.made.Columns["answer"])
	m.try(list.SetDropList([]string{"0", "1", "2"}))
	m.try(m.file.AddDataValidation(m.made.Sheet, list))
}

func (m *maker) row(it Item) {
	at := func(role string, v any) { m.set(it.Row, m.made.Columns[role], v) }
	switch m.rng.IntN(4) {
	case 0:
		at("no", wide(strconv.Itoa(it.Number)))
	case 1:
		at("no", strconv.Itoa(it.Number))
	default:
		at("no", it.Number)
	}
	at("level", m.pick([]string{"Lv", "LV", "Ｌｖ", ""})+strconv.Itoa(it.Level))
	at("criterion", it.Criterion)
	if m.rng.IntN(5) == 0 {
		half := len([]rune(it.Condition)) / 2
		runes := []rune(it.Condition)
		m.try(m.file.SetCellRichText(m.made.Sheet, cell(it.Row, m.made.Columns["condition"]), []excelize.RichTextRun{
			{Text: string(runes[:half]), Font: &excelize.Font{Bold: true}}, {Text: string(runes[half:])},
		}))
	} else {
		at("condition", it.Condition)
	}
	if it.Answer != "" {
		switch m.rng.IntN(3) {
		case 0:
			at("answer", wide(it.Answer))
		default:
			at("answer", int(it.Answer[0]-'0'))
		}
	}
	if it.Comment != "" {
		at("comment", it.Comment)
	}
	answer := cell(it.Row, m.made.Columns["answer"])
	m.try(m.file.SetCellFormula(m.made.Sheet, cell(it.Row, m.made.Columns["score"]), "=IF("+answer+"=\"\",0,"+answer+"*1)"))
	if m.rng.IntN(6) == 0 { // an empty cell with a style, as templates have
		m.try(m.file.SetCellStyle(m.made.Sheet, answer, answer, m.bold))
	}
}

// merge writes a text once for each run of rows that share it, in merged cells.
func (m *maker) merge(role string, same func(Item) string) {
	texts := map[string]func(Item) string{
		"label": func(it Item) string { return it.Label }, "purpose": func(it Item) string { return it.Purpose },
		"requirement": func(it Item) string { return it.Requirement },
	}
	items, col := m.made.Items, m.made.Columns[role]
	for i := 0; i < len(items); {
		j := i + 1
		for j < len(items) && same(items[j]) == same(items[i]) {
			j++
		}
		m.set(items[i].Row, col, texts[role](items[i]))
		if j > i+1 {
			m.try(m.file.MergeCell(m.made.Sheet, cell(items[i].Row, col), cell(items[j-1].Row, col)))
		}
		i = j
	}
}

// wide writes digits in full width.
func wide(s string) string {
	return strings.Map(func(r rune) rune { return r - '0' + '０' }, s)
}
