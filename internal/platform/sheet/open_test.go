package sheet_test

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sheet/sheettest"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
)

func checkColumns() []sheet.Column {
	return []sheet.Column{
		{Name: "no", Aliases: []string{"No", "項番"}, Required: true},
		{Name: "label", Aliases: []string{"ラベル", "分類"}},
		{Name: "purpose", Aliases: []string{"目的"}},
		{Name: "requirement", Aliases: []string{"要求事項"}},
		{Name: "level", Aliases: []string{"レベル"}, Required: true},
		{Name: "condition", Aliases: []string{"達成条件"}, Required: true},
		{Name: "criterion", Aliases: []string{"達成基準"}},
		{Name: "answer", Aliases: []string{"評価", "回答", "自己評価", "対策状況"}},
		{Name: "comment", Aliases: []string{"コメント", "備考", "根拠"}},
	}
}

func find(t *testing.T, book *sheet.Book, name string) sheet.Table {
	t.Helper()
	for _, s := range book.Sheets {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no sheet %q", name)
	return sheet.Table{}
}

// Every made workbook is found and read as it was meant, whatever its layout.
func TestMadeWorkbooksAreRead(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		made, err := sheettest.Workbook(seed)
		if err != nil {
			t.Fatal(err)
		}
		book, err := sheet.Open("check.xlsx", made.Data, sheet.Limits{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		table := find(t, book, made.Sheet)
		h, err := sheet.FindHeader(table.Rows, checkColumns(), 0)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if h.Row != made.HeaderRow || h.Rows != made.HeaderRows {
			t.Errorf("seed %d: header in row %d (%d rows), want %d (%d)", seed, h.Row, h.Rows, made.HeaderRow, made.HeaderRows)
		}
		for _, c := range checkColumns() {
			if got, ok := h.Index(c.Name); !ok || got != made.Columns[c.Name] {
				t.Errorf("seed %d: %s found in column %d (%v), want %d", seed, c.Name, got, ok, made.Columns[c.Name])
			}
		}
		if len(h.Unmatched) != 1 {
			t.Errorf("seed %d: unmatched headers %v, want the score alone", seed, h.Unmatched)
		}
		checkItems(t, seed, table, made)
	}
}

func checkItems(t *testing.T, seed uint64, table sheet.Table, made sheettest.Made) {
	t.Helper()
	for _, want := range made.Items {
		at := func(role string) string { return table.At(want.Row, made.Columns[role]).Text }
		got := want
		got.Label, got.Purpose, got.Requirement = at("label"), at("purpose"), at("requirement")
		got.Condition, got.Criterion, got.Comment = at("condition"), at("criterion"), at("comment")
		got.Answer = jtext.Number(at("answer"))
		level := jtext.Number(at("level"))
		got.Level = int(level[len(level)-1] - '0')
		n, err := strconv.Atoi(jtext.Number(at("no")))
		if err != nil {
			t.Fatalf("seed %d: number %q", seed, at("no"))
		}
		got.Number = n
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
		if !table.At(want.Row, made.Columns["score"]).Formula {
			t.Fatalf("seed %d: no formula in row %d", seed, want.Row)
		}
	}
}

// part is one file of a workbook made by hand.
type part struct{ name, text string }

const (
	rootRels = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" ` +
		`Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	bookRels = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
		`<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>` +
		`<Relationship Id="r2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="/xl/sharedStrings.xml"/>` +
		`<Relationship Id="r3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`
	mainNS = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	styles = `<styleSheet ` + mainNS + `><numFmts><numFmt numFmtId="164" formatCode="[$-411]ggge&quot;年&quot;m&quot;月&quot;d&quot;日&quot;"/>` +
		`<numFmt numFmtId="165" formatCode="0000"/><numFmt numFmtId="166" formatCode="yyyy/m/d h:mm"/><numFmt numFmtId="167" formatCode="[h]:mm"/>` +
		`<numFmt numFmtId="168" formatCode="#,##0&quot;円&quot;;[Red]-#,##0"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>` +
		`<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/><xf numFmtId="20"/>` +
		`<xf numFmtId="167"/><xf numFmtId="168"/><xf numFmtId="57"/></cellXfs></styleSheet>`
	shared = `<sst ` + mainNS + `><si><t>渡辺</t><rPh sb="0" eb="2"><t>ワタナベ</t></rPh><phoneticPr fontId="1"/></si>` +
		`<si><r><t>前</t></r><r><rPr><b/></rPr><t xml:space="preserve"> 後</t></r></si><si><t>a_x000D_b_x005F_x000D_</t></si></sst>`
)

// handmade zips a workbook of one sheet with the given sheet data.
func handmade(t testing.TB, date1904, sheetData, after string) []byte {
	t.Helper()
	return zipParts(t,
		part{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`},
		part{"_rels/.rels", rootRels},
		part{"xl/workbook.xml", `<workbook ` + mainNS + `><workbookPr date1904="` + date1904 + `"/><sheets><sheet name="表" sheetId="1" r:id="r1"/></sheets></workbook>`},
		part{"xl/_rels/workbook.xml.rels", bookRels},
		part{"xl/sharedStrings.xml", shared},
		part{"xl/styles.xml", styles},
		part{"xl/worksheets/sheet1.xml", `<worksheet ` + mainNS + `><sheetData>` + sheetData + `</sheetData>` + after + `</worksheet>`},
	)
}

func TestCellValues(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		cell     string
		date1904 string
		want     sheet.Cell
	}{
		"furigana does not leak":   {`<c r="A1" t="s"><v>0</v></c>`, "0", sheet.Cell{Text: "渡辺", Kind: sheet.Text}},
		"rich text is joined":      {`<c r="A1" t="s"><v>1</v></c>`, "0", sheet.Cell{Text: "前 後", Kind: sheet.Text}},
		"escapes":                  {`<c r="A1" t="s"><v>2</v></c>`, "0", sheet.Cell{Text: "a\rb_x000D_", Kind: sheet.Text}},
		"string out of range":      {`<c r="A1" t="s"><v>9</v></c>`, "0", sheet.Cell{}},
		"inline":                   {`<c r="A1" t="inlineStr"><is><t>１２</t></is></c>`, "0", sheet.Cell{Text: "１２", Kind: sheet.Text}},
		"inline with furigana":     {`<c r="A1" t="inlineStr"><is><r><t>東</t></r><rPh><t>ヒガシ</t></rPh></is></c>`, "0", sheet.Cell{Text: "東", Kind: sheet.Text}},
		"formula with text":        {`<c r="A1" t="str"><f>B1</f><v>達成</v></c>`, "0", sheet.Cell{Text: "達成", Kind: sheet.Text, Formula: true}},
		"formula with number":      {`<c r="A1"><f>1+1</f><v>2</v></c>`, "0", sheet.Cell{Text: "2", Kind: sheet.Number, Formula: true}},
		"formula never calculated": {`<c r="A1"><f>1+1</f></c><c r="B1"><v>1</v></c>`, "0", sheet.Cell{Formula: true}},
		"number":                   {`<c r="A1"><v>0.30000000000000004</v></c>`, "0", sheet.Cell{Text: "0.3", Kind: sheet.Number}},
		"exponent":                 {`<c r="A1"><v>1E+6</v></c>`, "0", sheet.Cell{Text: "1000000", Kind: sheet.Number}},
		"padded":                   {`<c r="A1" s="3"><v>12</v></c>`, "0", sheet.Cell{Text: "0012", Kind: sheet.Number}},
		"money is no date":         {`<c r="A1" s="7"><v>46349</v></c>`, "0", sheet.Cell{Text: "46349", Kind: sheet.Number}},
		"bool":                     {`<c r="A1" t="b"><v>1</v></c>`, "0", sheet.Cell{Text: "TRUE", Kind: sheet.Bool}},
		"error":                    {`<c r="A1" t="e"><v>#REF!</v></c>`, "0", sheet.Cell{Text: "#REF!", Kind: sheet.Error}},
		"date":                     {`<c r="A1" s="1"><v>46349</v></c>`, "0", sheet.Cell{Text: "2026-11-23", Kind: sheet.Date}},
		"date in wareki":           {`<c r="A1" s="2"><v>46349</v></c>`, "0", sheet.Cell{Text: "2026-11-23", Kind: sheet.Date}},
		"date in short wareki":     {`<c r="A1" s="8"><v>46349</v></c>`, "0", sheet.Cell{Text: "2026-11-23", Kind: sheet.Date}},
		"date of 1904":             {`<c r="A1" s="1"><v>44887</v></c>`, "1", sheet.Cell{Text: "2026-11-23", Kind: sheet.Date}},
		"date and time":            {`<c r="A1" s="4"><v>46349.7291666667</v></c>`, "0", sheet.Cell{Text: "2026-11-23 17:30", Kind: sheet.Date}},
		"time":                     {`<c r="A1" s="5"><v>0.729166666666667</v></c>`, "0", sheet.Cell{Text: "17:30", Kind: sheet.Date}},
		"hours past a day":         {`<c r="A1" s="6"><v>1.1041666666666667</v></c>`, "0", sheet.Cell{Text: "26:30", Kind: sheet.Date}},
		"early date":               {`<c r="A1" s="1"><v>1</v></c>`, "0", sheet.Cell{Text: "1900-01-01", Kind: sheet.Date}},
		"the day that never was":   {`<c r="A1" s="1"><v>60</v></c>`, "0", sheet.Cell{Text: "60", Kind: sheet.Number}},
		"first real March":         {`<c r="A1" s="1"><v>61</v></c>`, "0", sheet.Cell{Text: "1900-03-01", Kind: sheet.Date}},
		"iso date":                 {`<c r="A1" t="d"><v>2026-11-23T00:00:00</v></c>`, "0", sheet.Cell{Text: "2026-11-23", Kind: sheet.Date}},
		"unknown style":            {`<c r="A1" s="99"><v>5</v></c>`, "0", sheet.Cell{Text: "5", Kind: sheet.Number}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := handmade(t, test.date1904, `<row r="1">`+test.cell+`<c r="C1"><v>1</v></c></row>`, "")
			book, err := sheet.Open("a.xlsx", data, sheet.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, book.Sheets[0].At(0, 0)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSheetShapes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		data, after string
		want        [][]string
	}{
		"no references":          {`<row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>`, "", [][]string{{"1", "2"}, {"3"}}},
		"gaps":                   {`<row r="3"><c r="C3"><v>1</v></c></row>`, "", [][]string{nil, nil, {"", "", "1"}}},
		"empty rows at the end":  {`<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="A1048576" s="1"/></row>`, "", [][]string{{"1"}}},
		"merged block":           {`<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="C2"><v>9</v></c></row>`, `<mergeCells><mergeCell ref="A1:B2"/></mergeCells>`, [][]string{{"1", "1"}, {"1", "1", "9"}}},
		"merged past the end":    {`<row r="1"><c r="A1"><v>1</v></c></row>`, `<mergeCells><mergeCell ref="A1:A900000"/></mergeCells>`, [][]string{{"1"}}},
		"formula rows at end":    {`<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="A2"><f>B2</f></c></row>`, "", [][]string{{"1"}}},
		"unknown elements":       {`<row r="1"><c r="A1"><v>1</v><extLst><ext><v>7</v></ext></extLst></c></row>`, "", [][]string{{"17"}}},
		"header text is ignored": {`<row r="1"><c r="A1"><v>1</v></c></row>`, `<headerFooter><oddHeader>&amp;L題</oddHeader></headerFooter>`, [][]string{{"1"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			book, err := sheet.Open("a.xlsx", handmade(t, "0", test.data, test.after), sheet.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, texts(book.Sheets[0].Rows)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTextFiles(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		name, data string
		format     sheet.Format
		encoding   jtext.Encoding
		want       [][]string
		lines      []int
	}{
		"comma":         {"a.csv", "名,数\r\n\"a\nb\",1\r\n\r\nx\r\n\r\n", sheet.CSV, jtext.UTF8, [][]string{{"名", "数"}, {"a\nb", "1"}, nil, {"x"}}, []int{1, 2, 4, 5}},
		"tab":           {"a.tsv", "a\tb,c\n", sheet.TSV, jtext.UTF8, [][]string{{"a", "b,c"}}, []int{1}},
		"tab named csv": {"a.csv", "a\tb\tc\n1\t2\t3\n", sheet.TSV, jtext.UTF8, [][]string{{"a", "b", "c"}, {"1", "2", "3"}}, []int{1, 2}},
		"semicolon":     {"a.csv", "sep=;\r\na;b\r\n", sheet.CSV, jtext.UTF8, [][]string{{"a", "b"}}, []int{2}},
		"cp932":         {"a.csv", "\x8A\xBF,\x8E\x9A\n", sheet.CSV, jtext.CP932, [][]string{{"漢", "字"}}, []int{1}},
		"utf-16":        {"a.txt", "\xFF\xFE\x22\x6F\t\x00\x57\x5B\r\x00\n\x00", sheet.TSV, jtext.UTF16LE, [][]string{{"漢", "字"}}, []int{1}},
		"mark":          {"a.csv", "\xEF\xBB\xBF\"a\",b\n", sheet.CSV, jtext.UTF8BOM, [][]string{{"a", "b"}}, []int{1}},
		"empty columns": {"a.csv", "a,,\n,,\n,b,\n", sheet.CSV, jtext.UTF8, [][]string{{"a"}, nil, {"", "b"}}, []int{1, 2, 3}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			book, err := sheet.Open(test.name, []byte(test.data), sheet.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			table := book.Sheets[0]
			var lines []int
			for i := range table.Rows {
				lines = append(lines, table.Line(i))
			}
			if diff := cmp.Diff(test.want, texts(table.Rows)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.lines, lines); diff != "" {
				t.Error(diff)
			}
			if book.Format != test.format || book.Encoding != test.encoding {
				t.Errorf("read as %s in %s", book.Format, book.Encoding)
			}
		})
	}
}

// FuzzOpen asserts that no file panics, and that what is read can be written and read again.
func FuzzOpen(f *testing.F) {
	f.Add("a.csv", []byte("名,数\r\n\"a\nb\",1\r\n"))
	f.Add("a.csv", []byte("\x8A\xBF,\x8E\x9A\xFF\n"))
	f.Add("a.txt", []byte("\xFF\xFE\x22\x6F\t\x00"))
	f.Add("a.xlsx", handmade(f, "0", `<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" s="1"><v>46349</v></c></row>`,
		`<mergeCells><mergeCell ref="A1:A3"/></mergeCells>`))
	limits := sheet.Limits{FileBytes: 1 << 20, UnzippedBytes: 4 << 20, Rows: 1000, Cols: 100, Cells: 10_000}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		book, err := sheet.Open(name, data, limits)
		if err != nil {
			return
		}
		for _, s := range book.Sheets {
			o := sheet.Out{Title: s.Name}
			for _, row := range texts(s.Rows) {
				values := make([]any, len(row))
				for i, text := range row {
					values[i] = text
				}
				for len(o.Columns) < len(row) {
					o.Columns = append(o.Columns, sheet.OutColumn{Title: "c"})
				}
				o.Rows = append(o.Rows, values)
			}
			if _, err := sheet.WriteCSV(&bytes.Buffer{}, o, jtext.CP932); err != nil {
				t.Fatal(err)
			}
		}
	})
}
