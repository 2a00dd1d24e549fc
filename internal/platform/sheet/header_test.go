package sheet_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func table(rows ...[]string) [][]sheet.Cell {
	out := make([][]sheet.Cell, len(rows))
	for i, row := range rows {
		for _, s := range row {
			c := sheet.Cell{Text: s, Kind: sheet.Text}
			if s == "" {
				c = sheet.Cell{}
			}
			out[i] = append(out[i], c)
		}
	}
	return out
}

func TestFindHeader(t *testing.T) {
	t.Parallel()
	columns := []sheet.Column{
		{Name: "氏名", Aliases: []string{"名前", "社員名"}, Required: true},
		{Name: "メール", Aliases: []string{"e-mail"}},
		{Name: "課"},
	}
	m := func(column string, index int, header string, confidence int) sheet.Match {
		return sheet.Match{Column: column, Index: index, Header: header, Confidence: confidence}
	}
	tests := map[string]struct {
		rows [][]sheet.Cell
		want sheet.Header
		err  problem.Code
	}{
		"first row": {
			table([]string{"氏名", "メール"}, []string{"山田", "a@b"}),
			sheet.Header{Rows: 1, Matches: []sheet.Match{m("氏名", 0, "氏名", 100), m("メール", 1, "メール", 100)}},
			"",
		},
		"below a title": {
			table([]string{"社員名簿 2026"}, nil, []string{"番号", "社員名", "Ｅ－ＭＡＩＬ"}, []string{"1", "山田", "a@b"}),
			sheet.Header{
				Row: 2, Rows: 1, Matches: []sheet.Match{m("氏名", 1, "社員名", 95), m("メール", 2, "E-MAIL", 95)},
				Unmatched: []sheet.Match{m("", 0, "番号", 0)},
			},
			"",
		},
		"longer headers": {
			table([]string{"メールアドレス", "お名前（漢字）", "氏 名"}),
			sheet.Header{
				Rows: 1, Matches: []sheet.Match{m("氏名", 2, "氏 名", 100), m("メール", 0, "メールアドレス", 85)},
				Unmatched: []sheet.Match{m("", 1, "お名前(漢字)", 0)},
			},
			"",
		},
		"one letter must match whole": {
			table([]string{"氏名", "課題"}),
			sheet.Header{Rows: 1, Matches: []sheet.Match{m("氏名", 0, "氏名", 100)}, Unmatched: []sheet.Match{m("", 1, "課題", 0)}},
			"",
		},
		"two rows": {
			table([]string{"社員", "", "課"}, []string{"名前", "メール", ""}, []string{"山田", "a@b", "生産"}),
			sheet.Header{
				Rows: 2, Matches: []sheet.Match{m("氏名", 0, "社員 名前", 95), m("メール", 1, "メール", 100), m("課", 2, "課", 100)},
			},
			"",
		},
		"nothing": {
			table([]string{"a", "b"}),
			sheet.Header{
				Rows: 1, Missing: []string{"氏名"}, Unmatched: []sheet.Match{m("", 0, "a", 0), m("", 1, "b", 0)},
			},
			problem.CodeInvalid,
		},
		"empty table": {nil, sheet.Header{Rows: 1, Missing: []string{"氏名"}}, problem.CodeInvalid},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := sheet.FindHeader(test.rows, columns, 0)
			if problem.CodeOf(err) != test.err {
				t.Errorf("error = %v", err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLatinNamesStandAlone(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{"No.": true, "№": true, "項目Ｎｏ": true, "No（項番）": true, "Notes": false, "Piano": false} {
		h, err := sheet.FindHeader(table([]string{header}), []sheet.Column{{Name: "No"}}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := h.Index("No"); ok != want {
			t.Errorf("No found in %q: %v", header, ok)
		}
	}
}

func TestFindHeaderLooksOnlyWithin(t *testing.T) {
	t.Parallel()
	rows := append(make([][]sheet.Cell, 25), table([]string{"氏名"})...)
	columns := []sheet.Column{{Name: "氏名", Required: true}}
	if _, err := sheet.FindHeader(rows, columns, 0); problem.CodeOf(err) != problem.CodeInvalid {
		t.Errorf("found a header in row 26: %v", err)
	}
	if h, err := sheet.FindHeader(rows, columns, 30); err != nil || h.Row != 25 || h.First() != 26 {
		t.Errorf("header = %+v, %v", h, err)
	}
}

func TestCellNames(t *testing.T) {
	t.Parallel()
	for name, at := range map[string][2]int{"A1": {0, 0}, "F12": {11, 5}, "AA1": {0, 26}, "ZZ3": {2, 701}, "XFD1048576": {1048575, 16383}} {
		row, col, err := sheet.ParseCellName(name)
		if err != nil || row != at[0] || col != at[1] || sheet.CellName(row, col) != name {
			t.Errorf("%s is %d, %d (%v), back %s", name, row, col, err, sheet.CellName(row, col))
		}
	}
	for _, bad := range []string{"", "A", "1", "A0", "XFE1", "A1048577", "A+1", "AAAA1", "A1B", "Ａ1"} {
		if _, _, err := sheet.ParseCellName(bad); err == nil {
			t.Errorf("%q is taken for a cell", bad)
		}
	}
}
