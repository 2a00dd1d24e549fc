package sheet_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func zipParts(t testing.TB, parts ...part) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, p := range parts {
		f, err := w.Create(p.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(p.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func wide16(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteString(string([]byte{byte(r), 0}))
	}
	return b.String()
}

func cells(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `<row r="%d"><c r="A%d"><v>%d</v></c></row>`, i+1, i+1, i)
	}
	return b.String()
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	ole := "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + strings.Repeat("\x00", 600)
	one := `<row r="1"><c r="A1"><v>1</v></c></row>`
	tests := map[string]struct {
		name   string
		data   []byte
		limits sheet.Limits
		key    string
		code   problem.Code
	}{
		"old xls":        {"a.xlsx", []byte(ole + wide16("Workbook")), sheet.Limits{}, "sheet.old_xls", problem.CodeUnsupported},
		"password":       {"a.xlsx", []byte(ole + wide16("EncryptedPackage")), sheet.Limits{}, "sheet.protected", problem.CodeUnsupported},
		"old word":       {"a.xls", []byte(ole + wide16("WordDocument")), sheet.Limits{}, "sheet.not_a_workbook", problem.CodeUnsupported},
		"pdf":            {"a.xlsx", []byte("%PDF-1.7"), sheet.Limits{}, "sheet.not_a_workbook", problem.CodeUnsupported},
		"html":           {"a.xls", []byte("\n<HTML><table>"), sheet.Limits{}, "sheet.not_a_workbook", problem.CodeUnsupported},
		"picture":        {"a.csv", []byte("\x89PNG\r\n\x1a\n"), sheet.Limits{}, "sheet.not_a_workbook", problem.CodeUnsupported},
		"binary":         {"a.csv", []byte("a\x00b"), sheet.Limits{}, "sheet.not_a_workbook", problem.CodeUnsupported},
		"docx":           {"a.xlsx", zipParts(t, part{"word/document.xml", "<x/>"}), sheet.Limits{}, "sheet.not_a_workbook", problem.CodeUnsupported},
		"ods":            {"a.xlsx", zipParts(t, part{"content.xml", "<x/>"}), sheet.Limits{}, "sheet.not_a_workbook", problem.CodeUnsupported},
		"other zip":      {"a.xlsx", zipParts(t, part{"a.txt", "x"}), sheet.Limits{}, "sheet.not_a_workbook", problem.CodeUnsupported},
		"empty":          {"a.csv", []byte(" \r\n"), sheet.Limits{}, "sheet.empty", problem.CodeInvalid},
		"cut zip":        {"a.xlsx", handmade(t, "0", one, "")[:300], sheet.Limits{}, "sheet.broken", problem.CodeInvalid},
		"doctype":        {"a.xlsx", handmade(t, "0", one+`<!DOCTYPE x [<!ENTITY a "b">]>`, ""), sheet.Limits{}, "sheet.broken", problem.CodeInvalid},
		"entity":         {"a.xlsx", handmade(t, "0", `<row><c t="str"><v>&lol;</v></c></row>`, ""), sheet.Limits{}, "sheet.broken", problem.CodeInvalid},
		"same part":      {"a.xlsx", zipParts(t, part{"_rels/.rels", rootRels}, part{"_RELS/.rels", rootRels}), sheet.Limits{}, "sheet.broken", problem.CodeInvalid},
		"overlap":        {"a.xlsx", handmade(t, "0", cells(50), `<mergeCells>`+strings.Repeat(`<mergeCell ref="A1:J50"/>`, 50)+`</mergeCells>`), sheet.Limits{Cells: 1000}, "sheet.broken", problem.CodeInvalid},
		"broken cp932":   {"a.csv", []byte("\x8A\xBF,a\r\n\x8A\xBF\x8E\x9A\xFF\x8A\xBF\r\n"), sheet.Limits{}, "sheet.text_broken", problem.CodeInvalid},
		"broken csv":     {"a.csv", []byte("a,b\n\"c,d\n"), sheet.Limits{}, "sheet.csv_broken", problem.CodeInvalid},
		"file size":      {"a.csv", []byte("abcdef"), sheet.Limits{FileBytes: 5}, "sheet.too_large.file", problem.CodeTooLarge},
		"entries":        {"a.xlsx", handmade(t, "0", one, ""), sheet.Limits{Entries: 3}, "sheet.too_large.entries", problem.CodeTooLarge},
		"rows":           {"a.xlsx", handmade(t, "0", cells(11), ""), sheet.Limits{Rows: 10}, "sheet.too_large.rows", problem.CodeTooLarge},
		"csv rows":       {"a.csv", []byte(strings.Repeat("a\n", 11)), sheet.Limits{Rows: 10}, "sheet.too_large.rows", problem.CodeTooLarge},
		"csv blank rows": {"a.csv", []byte("a" + strings.Repeat("\n", 11) + "b"), sheet.Limits{Rows: 10}, "sheet.too_large.rows", problem.CodeTooLarge},
		"columns":        {"a.xlsx", handmade(t, "0", `<row r="1"><c r="XFD1"><v>1</v></c></row>`, ""), sheet.Limits{}, "sheet.too_large.cols", problem.CodeTooLarge},
		"csv columns":    {"a.csv", []byte(strings.Repeat("a,", 1001)), sheet.Limits{}, "sheet.too_large.cols", problem.CodeTooLarge},
		"cell":           {"a.csv", []byte(strings.Repeat("a", 200_000)), sheet.Limits{}, "sheet.too_large.cell", problem.CodeTooLarge},
		"cells":          {"a.xlsx", handmade(t, "0", cells(11), ""), sheet.Limits{Cells: 10}, "sheet.too_large.cells", problem.CodeTooLarge},
		"inflated":       {"a.xlsx", handmade(t, "0", one, ""), sheet.Limits{UnzippedBytes: 100}, "sheet.zip_bomb", problem.CodeTooLarge},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sheet.Open(test.name, test.data, test.limits)
			e, ok := errors.AsType[*problem.Error](err)
			if !ok || e.Key != test.key || e.Code != test.code {
				t.Fatalf("error = %v, want %s", err, test.key)
			}
		})
	}
}

func TestBrokenTextNamesThePlace(t *testing.T) {
	t.Parallel()
	_, err := sheet.Open("a.csv", []byte("\x8A\xBF,a\r\n\x8A\xBF\x8E\x9A\xFF\x8A\xBF\r\n"), sheet.Limits{})
	e, ok := errors.AsType[*problem.Error](err)
	if !ok || e.Args["line"] != 2 || e.Args["column"] != 3 || e.Args["encoding"] != "CP932" {
		t.Errorf("error = %+v", e)
	}
}

// A bomb is refused by what it declares, and one that declares too little by what it inflates to.
func TestZipBombs(t *testing.T) {
	t.Parallel()
	big := handmade(t, "0", strings.Repeat(" ", 60<<20), "")
	if len(big) > 1<<20 {
		t.Fatalf("the bomb is %d bytes", len(big))
	}
	small := handmade(t, "0", strings.Repeat(" ", 6<<20), "")
	lying := bytes.Clone(small)
	for i := bytes.LastIndex(lying, []byte("xl/worksheets/sheet1.xml")); i > 0; { // the entry in the directory
		binary.LittleEndian.PutUint32(lying[i-22:], 1000) // 22 bytes before the name: the uncompressed size
		break
	}
	for name, test := range map[string]struct {
		data   []byte
		limits sheet.Limits
	}{
		"ratio": {big, sheet.Limits{}}, "sum": {small, sheet.Limits{UnzippedBytes: 5 << 20}}, "lie": {lying, sheet.Limits{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sheet.Open("a.xlsx", test.data, test.limits)
			if e, ok := errors.AsType[*problem.Error](err); !ok || e.Key != "sheet.zip_bomb" {
				t.Errorf("error = %v", err)
			}
		})
	}
}

func TestHundredThousandRows(t *testing.T) {
	t.Parallel()
	o := sheet.Out{Columns: []sheet.OutColumn{{Title: "名"}, {Title: "数", Kind: sheet.Number}}}
	for i := range sheet.DefaultLimits.Rows - 1 {
		o.Rows = append(o.Rows, []any{"行", i})
	}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"a.xlsx": func(b *bytes.Buffer) error { return sheet.WriteXLSX(b, o) },
		"a.csv":  func(b *bytes.Buffer) error { _, err := sheet.WriteCSV(b, o, ""); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			book, err := sheet.Open(name, b.Bytes(), sheet.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			rows := book.Sheets[0].Rows
			if len(rows) != sheet.DefaultLimits.Rows || rows[len(rows)-1][1].Text != "99998" {
				t.Errorf("%d rows, the last %v", len(rows), rows[len(rows)-1])
			}
		})
	}
}
