package sheet_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
)

func TestChoices(t *testing.T) {
	t.Parallel()
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := f.NewSheet("値の'リスト(1)")
	must(err)
	for i, v := range []string{"2:対策完了", "1:対策中", "0:未対策", "該当なし"} {
		must(f.SetCellStr("値の'リスト(1)", sheet.CellName(i, 0), v))
	}
	must(f.SetDefinedName(&excelize.DefinedName{Name: "Answers", RefersTo: "'値の''リスト(1)'!$A$1:$A$3"}))
	add := func(cells string, set func(dv *excelize.DataValidation)) {
		dv := excelize.NewDataValidation(true)
		dv.Sqref = cells
		set(dv)
		must(f.AddDataValidation("Sheet1", dv))
	}
	add("B2:B10 D4", func(dv *excelize.DataValidation) { must(dv.SetDropList([]string{"0", "1", "2", "N/A"})) })
	add("C2:C10", func(dv *excelize.DataValidation) { dv.SetSqrefDropList("'値の''リスト(1)'!$A$1:$A$4") })
	add("E1", func(dv *excelize.DataValidation) { dv.SetSqrefDropList("Answers") })
	add("F1", func(dv *excelize.DataValidation) { dv.SetSqrefDropList("INDIRECT(A1)") })
	add("G1", func(dv *excelize.DataValidation) {
		must(dv.SetRange(1, 3, excelize.DataValidationTypeWhole, excelize.DataValidationOperatorBetween))
	})
	var b bytes.Buffer
	must(f.Write(&b))
	book, err := sheet.Open("a.xlsx", b.Bytes(), sheet.Limits{})
	must(err)
	list, err := sheet.Choices(b.Bytes(), book, "Sheet1")
	must(err)
	at := func(cell string) []string {
		row, col, err := sheet.ParseCellName(cell)
		must(err)
		for _, c := range list {
			if c.Offers(row, col) {
				return c.Values
			}
		}
		return nil
	}
	for cell, want := range map[string][]string{
		"B2": {"0", "1", "2", "N/A"}, "D4": {"0", "1", "2", "N/A"}, "B11": nil,
		"C10": {"2:対策完了", "1:対策中", "0:未対策", "該当なし"}, "E1": {"2:対策完了", "1:対策中", "0:未対策"}, "F1": nil, "G1": nil,
	} {
		if diff := cmp.Diff(want, at(cell)); diff != "" {
			t.Errorf("%s: %s", cell, diff)
		}
	}
}

func TestChoicesOfTextFile(t *testing.T) {
	t.Parallel()
	data := []byte("a,b\n1,2\n")
	book, err := sheet.Open("a.csv", data, sheet.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if list, err := sheet.Choices(data, book, ""); err != nil || list != nil {
		t.Errorf("choices = %v, %v", list, err)
	}
}
