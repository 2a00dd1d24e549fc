package sheet_test

import (
	"bytes"
	"testing"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sheet/sheettest"
)

func wideOut(rows int) sheet.Out {
	o := sheet.Out{Title: "台帳"}
	for range 10 {
		o.Columns = append(o.Columns, sheet.OutColumn{Title: "列"})
	}
	for i := range rows {
		row := make([]any, 10)
		for c := range row {
			row[c] = "生産管理課の機器"
		}
		row[0] = i
		o.Rows = append(o.Rows, row)
	}
	return o
}

func BenchmarkWriteXLSX(b *testing.B) {
	o := wideOut(10_000)
	for b.Loop() {
		if err := sheet.WriteXLSX(&bytes.Buffer{}, o); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenXLSX(b *testing.B) {
	var data bytes.Buffer
	if err := sheet.WriteXLSX(&data, wideOut(10_000)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sheet.Open("a.xlsx", data.Bytes(), sheet.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFillCheckSheet(b *testing.B) {
	made, err := sheettest.Workbook(1)
	if err != nil {
		b.Fatal(err)
	}
	edits, _ := answersFor(made)
	for b.Loop() {
		if _, err := sheet.Fill(made.Data, edits); err != nil {
			b.Fatal(err)
		}
	}
}
