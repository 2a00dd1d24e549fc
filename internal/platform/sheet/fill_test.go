package sheet_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sheet/sheettest"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// zipPart is a part as it lies in the file: name, inflated and compressed bytes.
type zipPart struct {
	name      string
	text, raw []byte
}

func partsOf(t *testing.T, data []byte) []zipPart {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var parts []zipPart
	for _, f := range r.File {
		open, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(open)
		if err != nil {
			t.Fatal(err)
		}
		rawReader, err := f.OpenRaw()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(rawReader)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, zipPart{f.Name, text, raw})
	}
	return parts
}

// changedParts asserts that the order of parts is kept and returns the names of those whose bytes differ; the others
// must be the same compressed bytes.
func changedParts(t *testing.T, before, after []byte) []string {
	t.Helper()
	a, b := partsOf(t, before), partsOf(t, after)
	if len(a) != len(b) {
		t.Fatalf("%d parts became %d", len(a), len(b))
	}
	var changed []string
	for i := range a {
		switch {
		case a[i].name != b[i].name:
			t.Fatalf("part %d was %s and is %s", i, a[i].name, b[i].name)
		case !bytes.Equal(a[i].text, b[i].text):
			changed = append(changed, a[i].name)
		case !bytes.Equal(a[i].raw, b[i].raw):
			t.Errorf("part %s was compressed anew", a[i].name)
		}
	}
	return changed
}

// sheetPart returns the sheet data of a workbook made by handmade.
func sheetPart(t *testing.T, data []byte) string {
	t.Helper()
	for _, p := range partsOf(t, data) {
		if p.name == "xl/worksheets/sheet1.xml" {
			return string(p.text)
		}
	}
	t.Fatal("no sheet")
	return ""
}

func TestFillSplicesOnlyTheCells(t *testing.T) {
	t.Parallel()
	text := func(c, s string) sheet.Edit { return sheet.TextEdit("表", c, s) }
	frame := func(data string) string {
		return `<worksheet ` + mainNS + `><sheetData>` + data + `</sheetData></worksheet>`
	}
	tests := map[string]struct {
		data  string
		edits []sheet.Edit
		want  string
	}{
		"replace, style kept": {
			`<row r="1"><c r="A1" s="3" t="s"><v>0</v></c><c r="B1"><v>1</v></c></row>`,
			[]sheet.Edit{text("A1", "はい")},
			`<row r="1"><c r="A1" s="3" t="inlineStr"><is><t xml:space="preserve">はい</t></is></c><c r="B1"><v>1</v></c></row>`,
		},
		"number": {
			`<row r="1"><c r="A1" t="s" s='3'><v>0</v></c></row>`,
			[]sheet.Edit{sheet.NumberEdit("表", "A1", 2)},
			`<row r="1"><c r="A1" s='3'><v>2</v></c></row>`,
		},
		"empty a cell": {
			`<row r="1"><c r="A1" s="3"><v>0</v></c></row>`, []sheet.Edit{text("A1", "")}, `<row r="1"><c r="A1" s="3"/></row>`,
		},
		"empty a cell that is not there": {
			`<row r="1"/>`, []sheet.Edit{text("A1", "")}, `<row r="1"/>`,
		},
		"self-closed cell": {
			`<row r="1"><c r="A1" s="3"/></row>`, []sheet.Edit{sheet.NumberEdit("表", "A1", 0.5)}, `<row r="1"><c r="A1" s="3"><v>0.5</v></c></row>`,
		},
		"missing cells in order": {
			`<row r="1" spans="2:2" ht="20"><c r="B1"><v>1</v></c></row>`,
			[]sheet.Edit{sheet.NumberEdit("表", "C1", 3), sheet.NumberEdit("表", "A1", 1)},
			`<row r="1" spans="1:3" ht="20"><c r="A1"><v>1</v></c><c r="B1"><v>1</v></c><c r="C1"><v>3</v></c></row>`,
		},
		"missing rows": {
			`<row r="2"><c r="A2"><v>1</v></c></row><row r="4"/>`,
			[]sheet.Edit{sheet.NumberEdit("表", "A1", 1), sheet.NumberEdit("表", "B3", 3), sheet.NumberEdit("表", "A4", 4), sheet.NumberEdit("表", "A9", 9)},
			`<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c></row><row r="3"><c r="B3"><v>3</v></c></row>` +
				`<row r="4"><c r="A4"><v>4</v></c></row><row r="9"><c r="A9"><v>9</v></c></row>`,
		},
		"style of the row": {
			`<row r="1" s="4" customFormat="1"/>`,
			[]sheet.Edit{sheet.NumberEdit("表", "B1", 1)},
			`<row r="1" s="4" customFormat="1"><c r="B1" s="4"><v>1</v></c></row>`,
		},
		"no references": {
			`<row><c><v>1</v></c><c><v>2</v></c></row>`,
			[]sheet.Edit{sheet.NumberEdit("表", "B1", 7), sheet.NumberEdit("表", "C1", 8)},
			`<row><c><v>1</v></c><c><v>7</v></c><c r="C1"><v>8</v></c></row>`,
		},
		"escapes": {
			`<row r="1"/>`,
			[]sheet.Edit{text("A1", "a<b & \"c\"\r\n\x07_x0007_")},
			"<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t xml:space=\"preserve\">a&lt;b &amp; &#34;c&#34;\n_x0007__x005F_x0007_</t></is></c></row>",
		},
		"strangers stay": {
			`<!-- note --><row r="1" x14ac:dyDescent="0.25" xmlns:x14ac="urn:x"><c r="A1"><v>1</v></c><c r="B1" vm="1"><v>2</v></c></row>`,
			[]sheet.Edit{sheet.NumberEdit("表", "B1", 3)},
			`<!-- note --><row r="1" x14ac:dyDescent="0.25" xmlns:x14ac="urn:x"><c r="A1"><v>1</v></c><c r="B1"><v>3</v></c></row>`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := handmade(t, "0", test.data, "")
			after, err := sheet.Fill(before, test.edits)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(frame(test.want), sheetPart(t, after)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFillKeepsPrefixesColumnStylesAndDimension(t *testing.T) {
	t.Parallel()
	const ns = `xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:mc="urn:mc" mc:Ignorable="x14ac"`
	before := zipParts(t,
		part{"_rels/.rels", rootRels}, part{"xl/_rels/workbook.xml.rels", bookRels},
		part{"xl/workbook.xml", `<?xml version="1.0"?><x:workbook ` + ns + ` xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">` +
			`<x:sheets><x:sheet name="表" sheetId="1" r:id="r1"/></x:sheets><x:definedNames/><x:extLst/></x:workbook>`},
		part{"xl/styles.xml", styles}, part{"xl/sharedStrings.xml", shared}, part{"xl/vbaProject.bin", "\x00macro\xFF"},
		part{"xl/worksheets/sheet1.xml", `<?xml version="1.0" encoding="UTF-8"?>` + "\r\n" + `<x:worksheet ` + ns + `><x:dimension ref="A1:B2"/>` +
			`<x:cols><x:col min="2" max="3" width="9" style="5"/></x:cols><x:sheetData/><x:legacy foo='"'/></x:worksheet>`},
	)
	after, err := sheet.Fill(before, []sheet.Edit{sheet.NumberEdit("表", "C3", 1), sheet.TextEdit("表", "D3", "済")})
	if err != nil {
		t.Fatal(err)
	}
	want := `<?xml version="1.0" encoding="UTF-8"?>` + "\r\n" + `<x:worksheet ` + ns + `><x:dimension ref="A1:D3"/>` +
		`<x:cols><x:col min="2" max="3" width="9" style="5"/></x:cols><x:sheetData><x:row r="3"><x:c r="C3" s="5"><x:v>1</x:v></x:c>` +
		`<x:c r="D3" t="inlineStr"><x:is><x:t xml:space="preserve">済</x:t></x:is></x:c></x:row></x:sheetData><x:legacy foo='"'/></x:worksheet>`
	if diff := cmp.Diff(want, sheetPart(t, after)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"xl/workbook.xml", "xl/worksheets/sheet1.xml"}, changedParts(t, before, after)); diff != "" {
		t.Error(diff)
	}
	book := string(partsOf(t, after)[2].text)
	if !strings.Contains(book, `<x:definedNames/><x:calcPr fullCalcOnLoad="1"/><x:extLst/>`) {
		t.Errorf("workbook part is %s", book)
	}
}

func TestFillRecalculation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ calc, want string }{
		"none":     {"", `<calcPr fullCalcOnLoad="1"/>`},
		"present":  {`<calcPr calcId="191029"/>`, `<calcPr fullCalcOnLoad="1" calcId="191029"/>`},
		"off":      {`<calcPr fullCalcOnLoad="0" calcId="1"/>`, `<calcPr fullCalcOnLoad="1" calcId="1"/>`},
		"already":  {`<calcPr fullCalcOnLoad='1'></calcPr>`, `<calcPr fullCalcOnLoad='1'></calcPr>`},
		"no names": {`<calcPr/>`, `<calcPr fullCalcOnLoad="1"/>`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			book := `<workbook ` + mainNS + `><sheets><sheet name="表" sheetId="1" r:id="r1"/></sheets>`
			before := zipParts(t, part{"_rels/.rels", rootRels}, part{"xl/workbook.xml", book + test.calc + `</workbook>`},
				part{"xl/_rels/workbook.xml.rels", bookRels}, part{"xl/sharedStrings.xml", shared}, part{"xl/styles.xml", styles},
				part{"xl/worksheets/sheet1.xml", `<worksheet ` + mainNS + `><sheetData/></worksheet>`})
			after, err := sheet.Fill(before, []sheet.Edit{sheet.NumberEdit("表", "A1", 1)})
			if err != nil {
				t.Fatal(err)
			}
			if got := string(partsOf(t, after)[1].text); got != book+test.want+`</workbook>` {
				t.Errorf("workbook part is %s", got)
			}
		})
	}
}

func TestFillRefuses(t *testing.T) {
	t.Parallel()
	data := handmade(t, "0", `<row r="1"><c r="A1"><f>1+1</f><v>2</v></c><c r="B1"><f t="array" ref="B1:B3">X</f></c></row><row r="2"><c r="B2"><v>1</v></c></row>`,
		`<mergeCells><mergeCell ref="D1:E4"/></mergeCells>`)
	tests := map[string]struct {
		edits []sheet.Edit
		keys  []string
	}{
		"formula":          {[]sheet.Edit{sheet.NumberEdit("表", "A1", 1)}, []string{"sheet.fill.formula"}},
		"spilled formula":  {[]sheet.Edit{sheet.NumberEdit("表", "B2", 1), sheet.NumberEdit("表", "B3", 1)}, []string{"sheet.fill.formula", "sheet.fill.formula"}},
		"merged":           {[]sheet.Edit{sheet.NumberEdit("表", "E4", 1)}, []string{"sheet.fill.merged"}},
		"all are reported": {[]sheet.Edit{sheet.NumberEdit("他", "A1", 1), sheet.NumberEdit("表", "1A", 1), sheet.NumberEdit("表", "A1", 1)}, []string{"sheet.fill.no_sheet", "sheet.fill.cell_name", "sheet.fill.formula"}},
		"twice":            {[]sheet.Edit{sheet.NumberEdit("表", "C1", 1), sheet.TextEdit("表", "$C$1", "x")}, []string{"sheet.fill.twice"}},
		"too long":         {[]sheet.Edit{sheet.TextEdit("表", "C1", strings.Repeat("あ", 32_768))}, []string{"sheet.fill.too_long"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := sheet.Fill(data, test.edits)
			var keys []string
			for _, e := range problem.All(err) {
				keys = append(keys, e.Key)
			}
			if diff := cmp.Diff(test.keys, keys); diff != "" {
				t.Error(diff)
			}
			if err != nil && out != nil && !bytes.Equal(out, data) {
				t.Error("something was written")
			}
		})
	}
	if _, err := sheet.Fill(data, []sheet.Edit{sheet.NumberEdit("表", "D1", 1)}); err != nil {
		t.Errorf("first cell of a merged block: %v", err)
	}
}

func TestFillRefusesFiles(t *testing.T) {
	t.Parallel()
	signed := zipParts(t, part{"_rels/.rels", rootRels}, part{"xl/workbook.xml", `<workbook ` + mainNS + `><sheets><sheet name="表" r:id="r1"/></sheets></workbook>`},
		part{"xl/_rels/workbook.xml.rels", bookRels}, part{"_xmlsignatures/origin.sigs", ""})
	for name, test := range map[string]struct {
		data []byte
		key  string
	}{
		"csv": {[]byte("a,b"), "sheet.fill.not_xlsx"}, "pdf": {[]byte("%PDF"), "sheet.not_a_workbook"}, "signed": {signed, "sheet.fill.signed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sheet.Fill(test.data, []sheet.Edit{sheet.NumberEdit("表", "A1", 1)})
			if e, ok := errors.AsType[*problem.Error](err); !ok || e.Key != test.key {
				t.Errorf("error = %v", err)
			}
		})
	}
}

// Answers written into check sheets of many layouts are read back by us and by excelize; only the sheet and the flag in
// the workbook part change, and of the sheet only the answers.
func TestFillMadeWorkbooks(t *testing.T) {
	t.Parallel()
	for seed := range uint64(25) {
		made, err := sheettest.Workbook(seed)
		if err != nil {
			t.Fatal(err)
		}
		edits, want := answersFor(made)
		out, err := sheet.Fill(made.Data, edits)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if changed := changedParts(t, made.Data, out); !slices.Equal(changed, []string{"xl/worksheets/sheet2.xml", "xl/workbook.xml"}) &&
			!slices.Equal(changed, []string{"xl/workbook.xml", "xl/worksheets/sheet2.xml"}) {
			t.Fatalf("seed %d: changed %v", seed, changed)
		}
		checkAnswers(t, seed, made, out, want)
	}
}

func answersFor(made sheettest.Made) ([]sheet.Edit, map[string]string) {
	var edits []sheet.Edit
	want := map[string]string{}
	for i, it := range made.Items {
		answer := sheet.CellName(it.Row, made.Columns["answer"])
		comment := sheet.CellName(it.Row, made.Columns["comment"])
		switch i % 3 {
		case 0:
			edits = append(edits, sheet.NumberEdit(made.Sheet, answer, float64(i%2)))
			want[answer] = string(rune('0' + i%2))
		case 1:
			edits = append(edits, sheet.TextEdit(made.Sheet, comment, "根拠 "+it.Label+"\n<&>"))
			want[comment] = "根拠 " + it.Label + "\n<&>"
		}
	}
	return edits, want
}

func checkAnswers(t *testing.T, seed uint64, made sheettest.Made, out []byte, want map[string]string) {
	t.Helper()
	before, err := sheet.Open("a.xlsx", made.Data, sheet.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	after, err := sheet.Open("a.xlsx", out, sheet.Limits{})
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(out))
	if err != nil {
		t.Fatalf("seed %d: excelize: %v", seed, err)
	}
	defer func() { _ = f.Close() }()
	old, now := find(t, before, made.Sheet), find(t, after, made.Sheet)
	for row := range max(len(old.Rows), len(now.Rows)) {
		for col := range 15 {
			name := sheet.CellName(row, col)
			text, edited := want[name]
			if !edited {
				text = old.At(row, col).Text
			}
			if got := now.At(row, col).Text; got != text {
				t.Fatalf("seed %d: %s is %q, want %q", seed, name, got, text)
			}
			if edited {
				if got, err := f.GetCellValue(made.Sheet, name); err != nil || got != text {
					t.Fatalf("seed %d: excelize reads %s as %q (%v), want %q", seed, name, got, err, text)
				}
			}
		}
	}
}

func TestFillWithoutEditsGivesTheFile(t *testing.T) {
	t.Parallel()
	data := handmade(t, "0", "", "")
	if out, err := sheet.Fill(data, nil); err != nil || !bytes.Equal(out, data) {
		t.Errorf("error %v, equal %v", err, bytes.Equal(out, data))
	}
}

// FuzzFill asserts that a filled sheet is still a sheet, and holds what was written.
func FuzzFill(f *testing.F) {
	f.Add(`<row r="1"><c r="A1" s="3" t="s"><v>0</v></c></row>`, "A1", "はい")
	f.Add(`<row r="2" spans="1:1"/><row r="5"><c r="C5"><f>1</f></c></row>`, "B5", "a\n_x000D_\x01")
	f.Add(`<row><c><v>1</v></c></row><x:row xmlns:x="u" a='>'/>`, "XFD9", "<")
	f.Fuzz(func(t *testing.T, sheetData, cell, text string) {
		data := handmade(t, "0", sheetData, "")
		out, err := sheet.Fill(data, []sheet.Edit{sheet.TextEdit("表", cell, text)})
		if err != nil {
			return
		}
		before, err := sheet.Open("a.xlsx", data, sheet.Limits{Cols: 1 << 14, Rows: 1 << 20})
		if err != nil {
			return
		}
		after, err := sheet.Open("a.xlsx", out, sheet.Limits{Cols: 1 << 14, Rows: 1 << 20})
		if problem.CodeOf(err) == problem.CodeTooLarge {
			return
		}
		if err != nil {
			t.Fatalf("filled sheet cannot be read: %v\n%s", err, sheetPart(t, out))
		}
		row, col, err := sheet.ParseCellName(cell)
		if err != nil {
			t.Fatalf("cell %q was written", cell)
		}
		want := strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n")
		want = strings.NewReplacer("\uFFFE", "\uFFFD", "\uFFFF", "\uFFFD").Replace(want)
		if got := after.Sheets[0].At(row, col).Text; got != want && len(before.Sheets) == 1 {
			t.Fatalf("%s holds %q, want %q\n%s", cell, got, want, sheetPart(t, out))
		}
	})
}
