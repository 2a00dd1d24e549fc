package sheet_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func sampleOut() sheet.Out {
	return sheet.Out{
		Title: "機器/台帳",
		Columns: []sheet.OutColumn{
			{Title: "管理番号"},
			{Title: "名称"},
			{Title: "台数", Kind: sheet.Number},
			{Title: "導入日", Kind: sheet.Date},
			{Title: "状態"},
			{Title: "確認", Kind: sheet.Bool},
		},
		Rows: [][]any{
			{"0012", "=1+1", 3, jdate.On(2026, time.November, 23), "使用中", true},
			{"-5", "改行\nあり ", 2.5, nil, "廃棄", false},
			{"_x000D_", "<&>\"'", -7, jdate.Day(0)},
			{"'=x", "髙﨑①㈱", 0.1, time.Date(2026, 11, 23, 8, 30, 0, 0, time.UTC), "@home"},
		},
		Choices: map[int][]string{4: {"使用中", "廃棄"}},
		Day:     jdate.On(2026, time.November, 23),
	}
}

func texts(rows [][]sheet.Cell) [][]string {
	out := make([][]string, len(rows))
	for i, row := range rows {
		for _, c := range row {
			out[i] = append(out[i], c.Text)
		}
	}
	return out
}

func wantTexts() [][]string {
	return [][]string{
		{"管理番号", "名称", "台数", "導入日", "状態", "確認"},
		{"0012", "=1+1", "3", "2026-11-23", "使用中", "TRUE"},
		{"-5", "改行\nあり ", "2.5", "", "廃棄", "FALSE"},
		{"_x000D_", "<&>\"'", "-7"},
		{"'=x", "髙﨑①㈱", "0.1", "2026-11-23 17:30", "@home"},
	}
}

func TestWriteXLSXReadsBack(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := sheet.WriteXLSX(&b, sampleOut()); err != nil {
		t.Fatal(err)
	}
	book, err := sheet.Open("a.xlsx", b.Bytes(), sheet.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantTexts(), texts(book.Sheets[0].Rows)); diff != "" {
		t.Error(diff)
	}
	if got := book.Sheets[0].Name; got != "機器 台帳" {
		t.Errorf("sheet is called %q", got)
	}
	for _, at := range [][2]int{{1, 0}, {1, 1}, {2, 0}} {
		if c := book.Sheets[0].At(at[0], at[1]); c.Kind != sheet.Text || c.Formula {
			t.Errorf("cell %v is %+v, want a text", at, c)
		}
	}
	if c := book.Sheets[0].At(1, 3); c.Kind != sheet.Date {
		t.Errorf("day is %+v, want a date", c)
	}
	checkLayout(t, b.Bytes(), "機器 台帳")
}

func checkLayout(t *testing.T, data []byte, name string) {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	panes, err := f.GetPanes(name)
	if err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("panes = %+v, %v", panes, err)
	}
	layout, err := f.GetPageLayout(name)
	if err != nil || *layout.Orientation != "landscape" || *layout.FitToWidth != 1 || *layout.FitToHeight != 0 || *layout.Size != 9 {
		t.Errorf("page layout = %+v, %v", layout, err)
	}
	props, err := f.GetSheetProps(name)
	if err != nil || props.FitToPage == nil || !*props.FitToPage {
		t.Errorf("sheet properties = %+v, %v", props, err)
	}
	head, err := f.GetHeaderFooter(name)
	if err != nil || head.OddHeader != "&L機器/台帳&R2026-11-23" || head.OddFooter != "&C&P / &N" {
		t.Errorf("head = %+v, %v", head, err)
	}
	lists, err := f.GetDataValidations(name)
	if err != nil || len(lists) != 1 || lists[0].Formula1 != `"使用中,廃棄"` || lists[0].Sqref != "E2:E205" {
		t.Errorf("choices = %+v, %v", lists, err)
	}
	narrow, _ := f.GetColWidth(name, "C")
	wide, _ := f.GetColWidth(name, "D")
	if narrow != 7 || wide != 18 {
		t.Errorf("column widths are %v and %v", narrow, wide)
	}
	var defined []string
	for _, n := range f.GetDefinedName() {
		defined = append(defined, n.Name)
	}
	if diff := cmp.Diff([]string{"_xlnm.Print_Titles", "_xlnm._FilterDatabase"}, defined); diff != "" {
		t.Error(diff)
	}
}

func TestLongChoicesStandOnAHiddenSheet(t *testing.T) {
	t.Parallel()
	var list []string
	for i := range 60 {
		list = append(list, fmt.Sprintf("生産管理課 %d, 係", i))
	}
	var b bytes.Buffer
	err := sheet.WriteXLSX(&b, sheet.Out{
		Title: "一覧", Columns: []sheet.OutColumn{{Title: "部署"}, {Title: "区分"}}, Choices: map[int][]string{0: list, 1: {"a,b"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	book, err := sheet.Open("a.xlsx", b.Bytes(), sheet.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	hidden := book.Sheets[1]
	if !hidden.Hidden || len(hidden.Rows) != 60 || hidden.At(59, 0).Text != list[59] || hidden.At(0, 1).Text != "a,b" {
		t.Errorf("sheet of choices = %v %d rows", hidden.Hidden, len(hidden.Rows))
	}
}

func TestSheetNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("長", 40)
	outs := []sheet.Out{{Title: "A:B"}, {Title: "a b"}, {Title: long}, {Title: long}, {Title: "''"}, {Title: "History"}}
	var b bytes.Buffer
	if err := sheet.WriteXLSX(&b, outs...); err != nil {
		t.Fatal(err)
	}
	book, err := sheet.Open("a.xlsx", b.Bytes(), sheet.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range book.Sheets {
		got = append(got, s.Name)
	}
	want := []string{
		"A B", "a b (2)", strings.Repeat("長", 31), strings.Repeat("長", 27) + " (2)", "Sheet1", "Sheet1 (2)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTooLongTextIsRefused(t *testing.T) {
	t.Parallel()
	o := sheet.Out{Columns: []sheet.OutColumn{{Title: "文"}}, Rows: [][]any{{strings.Repeat("あ", 32_768)}}}
	err := sheet.WriteXLSX(&bytes.Buffer{}, o)
	if problem.CodeOf(err) != problem.CodeTooLarge {
		t.Errorf("error = %v", err)
	}
}

func TestWriteCSV(t *testing.T) {
	t.Parallel()
	for name, encoding := range map[string]jtext.Encoding{"utf-8": jtext.UTF8BOM, "cp932": jtext.CP932} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			lost, err := sheet.WriteCSV(&b, sampleOut(), encoding)
			if err != nil || len(lost) > 0 {
				t.Fatalf("lost %v, error %v", lost, err)
			}
			book, err := sheet.Open("a.csv", b.Bytes(), sheet.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if book.Encoding != encoding || book.Format != sheet.CSV {
				t.Errorf("read as %s in %s", book.Format, book.Encoding)
			}
			if diff := cmp.Diff(wantTexts(), texts(book.Sheets[0].Rows)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWriteCSVBytes(t *testing.T) {
	t.Parallel()
	o := sheet.Out{
		Columns: []sheet.OutColumn{{Title: "名"}, {Title: "数", Kind: sheet.Number}},
		Rows:    [][]any{{"=cmd", -1}, {"-1", 2}, {"\tx"}, {`"q"`, nil}},
	}
	var b bytes.Buffer
	if _, err := sheet.WriteCSV(&b, o, jtext.UTF8); err != nil {
		t.Fatal(err)
	}
	want := "\xEF\xBB\xBF\"名\",\"数\"\r\n\"'=cmd\",\"-1\"\r\n\"'-1\",\"2\"\r\n\"'\tx\",\"\"\r\n\"\"\"q\"\"\",\"\"\r\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestCheckCP932(t *testing.T) {
	t.Parallel()
	o := sheet.Out{Columns: []sheet.OutColumn{{Title: "名"}}, Rows: [][]any{{"よし"}, {"𠮷野", "café"}}}
	want := []sheet.Lost{{Row: 2, Column: 0, Text: "𠮷"}, {Row: 2, Column: 1, Text: "é"}}
	if diff := cmp.Diff(want, sheet.CheckCP932(o)); diff != "" {
		t.Error(diff)
	}
}

func TestWriteJSON(t *testing.T) {
	t.Parallel()
	o := sheet.Out{
		Title: "台帳", Columns: []sheet.OutColumn{{Title: "名"}, {Title: "数", Kind: sheet.Number}, {Title: "日", Kind: sheet.Date}},
		Rows: [][]any{{"a<b", 1, jdate.On(2026, time.November, 23)}, {7}},
	}
	var b bytes.Buffer
	if err := sheet.Write(&b, sheet.JSON, o); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(b.String()), "")
	want := `{"sheets":[{"title":"台帳","columns":["名","数","日"],"rows":[["a<b",1,"2026-11-23"],["7",null,null]]}]}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWriteRefusesOtherFormats(t *testing.T) {
	t.Parallel()
	err := sheet.Write(&bytes.Buffer{}, "pdf", sampleOut())
	if e, ok := errors.AsType[*problem.Error](err); !ok || e.Key != "sheet.format" {
		t.Errorf("error = %v", err)
	}
}
