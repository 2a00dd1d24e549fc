package staff_test

import (
	"bytes"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
)

func makeWorkbook(t testing.TB, rows [][]string) []byte {
	t.Helper()
	f := excelize.NewFile()
	for r, row := range rows {
		for c, text := range row {
			cell := sheet.CellName(r, c)
			var err error
			if len(text) > 0 && text[0] == '=' {
				err = f.SetCellFormula("Sheet1", cell, text[1:])
			} else {
				err = f.SetCellStr("Sheet1", cell, text)
			}
			if err != nil {
				t.Fatalf("set %s: %v", cell, err)
			}
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatalf("write workbook: %v", err)
	}
	return b.Bytes()
}
