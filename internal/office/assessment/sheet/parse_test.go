package sheet_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/catalog"
	"github.com/kizuki-security/kizuki/internal/office/assessment/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	tables "github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sheet/sheettest"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// seeds is how many workbooks of varied layout the tests read.
const seeds = 200

var loadReal = sync.OnceValues(func() (*framework.Catalog, error) { return framework.Load(catalog.FS) })

// shipped is the catalogue that is shipped.
func shipped(t testing.TB) *framework.Catalog {
	t.Helper()
	c, err := loadReal()
	if err != nil {
		t.Fatalf("load catalogue: %v", err)
	}
	return c
}

func jama(t testing.TB) *framework.Framework {
	t.Helper()
	return shipped(t).Latest("jama-japia")
}

// workbooks are made once for all tests.
var workbooks = func() (list [seeds]func() (sheettest.Made, error)) {
	for seed := range list {
		list[seed] = sync.OnceValues(func() (sheettest.Made, error) { return sheettest.Workbook(uint64(seed)) })
	}
	return list
}()

func workbook(t testing.TB, seed uint64) sheettest.Made {
	t.Helper()
	made, err := workbooks[seed]()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func open(t testing.TB, name string, data []byte) *tables.Book {
	t.Helper()
	book, err := tables.Open(name, data, tables.Limits{})
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	return book
}

func value(answer string) verdict.Value {
	if answer == "" {
		return verdict.Unanswered
	}
	n, err := strconv.Atoi(answer)
	if err != nil {
		panic(err)
	}
	return verdict.Value(n)
}

func TestParseReadsEveryLayout(t *testing.T) {
	t.Parallel()
	f := jama(t)
	for seed := range uint64(seeds) {
		made := workbook(t, seed)
		p, err := sheet.Parse(made.Name, open(t, made.Name, made.Data), f, intake.Setting{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if len(p.Refused)+len(p.Missing)+len(p.Warnings) > 0 || len(p.Rows) != sheettest.Items || p.Sheet != made.Sheet {
			t.Fatalf("seed %d: %d rows of %q, refused %v, missing %v, warnings %v", seed, len(p.Rows), p.Sheet, p.Refused, p.Missing, p.Warnings)
		}
		for i, it := range made.Items {
			r := p.Rows[i]
			label := r.Label
			if label == "" {
				label = r.Category
			}
			want := []any{
				strconv.Itoa(it.Number), it.Row + 1, strconv.Itoa(it.Level), it.Label, it.Purpose, it.Requirement, it.Condition, it.Criterion,
				value(it.Answer), jtext.StoreLines(it.Comment),
			}
			got := []any{r.Item, r.Line, r.Level, label, r.Objective, r.Requirement, r.Condition, r.Criteria, r.Answer, r.Note}
			for k := 3; k < 8; k++ {
				want[k] = jtext.StoreLines(want[k].(string))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, item %d (-want +got):\n%s", seed, it.Number, diff)
			}
		}
		c := sheet.Count(f, p)
		if !c.Right() || c.Levels[0].Here != 50 || c.Levels[1].Here != 74 || c.Levels[2].Here != 29 {
			t.Fatalf("seed %d: counts %+v", seed, c)
		}
	}
}

// rows builds a book of one sheet from texts.
func rows(list ...[]string) *tables.Book {
	table := tables.Table{Name: "シート1"}
	for _, row := range list {
		var cells []tables.Cell
		for _, s := range row {
			c := tables.Cell{Text: s, Kind: tables.Text}
			if s == "" {
				c = tables.Cell{}
			}
			cells = append(cells, c)
		}
		table.Rows = append(table.Rows, cells)
	}
	return &tables.Book{Format: tables.XLSX, Sheets: []tables.Table{table}}
}

// texts is the message catalogue of everything that a finding can name.
func texts(t testing.TB) *i18n.Messages {
	t.Helper()
	m, err := i18n.New(sheet.Messages(), tables.Messages())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var header = []string{"No.", "レベル", "達成条件", "評価", "コメント", "対応予定日"}

func TestParseFindings(t *testing.T) {
	t.Parallel()
	m := texts(t)
	book := rows(
		[]string{"", "2026年度 確認表"}, header,
		[]string{"1", "Lv1", "方針", "2:対策完了", "台帳あり", "2027/3/31"},
		[]string{"2", "Lv 2", "見直し", "まだ", "", ""},
		[]string{"3", "？", "公開", "1", "", "2027年3月"},
		[]string{"4", "1", "守秘", "0", "", "来年度"},
		[]string{"5", "1", "誓約", "2"}, []string{"5", "1", "誓約", "0"},
		[]string{"154", "1", "ない番号", "2"}, []string{"A-6", "1", "番号でない", "2"}, []string{"", "1", "番号なし", "2"},
		[]string{"No.", "レベル", "達成条件", "評価"}, []string{"", "", "合計", "9"}, []string{"合計", "", "", "9"},
		[]string{"7", "1", "返却", "該当なし"},
	)
	book.Sheets[0].Rows[14][3] = tables.Cell{Formula: true}
	p, err := sheet.Parse("a.xlsx", book, jama(t), intake.Setting{})
	if err != nil {
		t.Fatal(err)
	}
	var refused, warned []string
	for _, f := range p.Refused {
		refused = append(refused, fmt.Sprint(f.Line, " ", m.T("ja", f.Reason.Key, f.Reason.Args)))
	}
	for _, f := range p.Warnings {
		warned = append(warned, fmt.Sprint(f.Line, " ", f.Column, " ", f.Value))
	}
	want := []string{
		"4 回答「まだ」を読めません。2・1・0か、○・△・×、該当なしで書いてください。",
		"7 番号5が8行目にもあります。どちらが正しいか決められないため、どの行も取り込みません。",
		"8 番号5が7行目にもあります。どちらが正しいか決められないため、どの行も取り込みません。",
		"9 番号154は、この基準にありません。版が合っているか確かめてください。",
		"10 「A-6」は項目の番号ではありません。",
		"11 番号がありません。",
		"15 計算式の結果が保存されていません。Excelで開いて保存し直すか、値を直接入れてください。",
	}
	if diff := cmp.Diff(want, refused); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"5 level ?", "5 planned 2027年3月", "6 planned 来年度"}, warned); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if r := p.Row("1"); r == nil || r.Answer != verdict.ValueMet || r.Planned.String() != "2027-03-31" || r.Note != "台帳あり" {
		t.Errorf("row of item 1: %+v", r)
	}
	if len(p.Missing) != 153-6 || slices.Contains(p.Missing, "5") || slices.Contains(p.Missing, "2") || slices.Contains(p.Missing, "7") {
		t.Errorf("%d missing", len(p.Missing))
	}
}

func TestParseRefusesOtherBooks(t *testing.T) {
	t.Parallel()
	m := texts(t)
	many := [][]string{header}
	for i := range 100_000 - 1 {
		many = append(many, []string{strconv.Itoa(i%153 + 1), "1", "x", "2"})
	}
	late := [][]string{}
	for range 21 {
		late = append(late, []string{"前書き"})
	}
	late = append(late, header, []string{"1", "1", "x", "2"})
	tests := map[string]struct {
		book *tables.Book
		want []string // parts of the message
	}{
		"another kind":     {rows([]string{"社員番号", "氏名"}, []string{"1", "山田"}), []string{"a.xlsx", "シート1", "最初の20行"}},
		"no numbers":       {rows(header, []string{"", "", "方針"}), []string{"a.xlsx", "シート1", "A列", "2行目"}},
		"100,000 rows":     {rows(many...), []string{"a.xlsx", "シート1", "99,999行", "153項目"}},
		"header in row 22": {rows(late...), []string{"a.xlsx"}},
		"nothing in it":    {rows(), []string{"a.xlsx"}},
		"no sheet at all":  {&tables.Book{Format: tables.XLSX}, []string{"a.xlsx"}},
		"numbers of SCS":   {rows([]string{"評価基準No.", "評価基準"}, []string{"1-1-1-1", "x"}), []string{"a.xlsx"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sheet.Parse("a.xlsx", test.book, jama(t), intake.Setting{})
			if problem.CodeOf(err) != problem.CodeInvalid {
				t.Fatalf("error = %v", err)
			}
			text := m.Problem("ja", err)
			for _, part := range test.want {
				if !strings.Contains(text, part) {
					t.Errorf("%q lacks %q", text, part)
				}
			}
		})
	}
}

func TestParseFollowsThePerson(t *testing.T) {
	t.Parallel()
	book := rows([]string{"番号", "段階", "何をするか", "A社", "B社"}, []string{"1", "1", "方針", "2", "0"})
	setting := intake.Setting{Sheet: "シート1", Header: 1, Columns: map[string]int{"number": 1, "level": 2, "condition": 3, "answer": 5}}
	p, err := sheet.Parse("a.xlsx", book, jama(t), setting)
	if err != nil || len(p.Rows) != 1 || p.Rows[0].Answer != verdict.ValueUnmet || p.Rows[0].Condition != "方針" {
		t.Errorf("rows %+v, %v", p, err)
	}
	if _, err := sheet.Parse("a.xlsx", book, jama(t), intake.Setting{Sheet: "ない"}); problem.CodeOf(err) != problem.CodeInvalid {
		t.Errorf("unknown sheet: %v", err)
	}
}

func TestParseJoinsRowsOfOneNumber(t *testing.T) {
	t.Parallel()
	book := rows(append(slices.Clone(header), "達成基準"), []string{"1", "1", "方針", "2", "", "", "一つ目"}, []string{"1", "1", "方針", "2", "", "", "二つ目"},
		[]string{"2", "1", "見直し", "1", "", "", "三つ目"})
	for _, col := range []int{0, 1, 2, 3} {
		book.Sheets[0].Rows[2][col].Merged = true
	}
	p, err := sheet.Parse("a.xlsx", book, jama(t), intake.Setting{})
	if err != nil || len(p.Refused) > 0 || len(p.Rows) != 2 || p.Rows[0].Criteria != "一つ目\n二つ目" || p.Rows[1].Criteria != "三つ目" {
		t.Errorf("rows %+v, %v", p, err)
	}
}

func TestParseCriteriaSheet(t *testing.T) {
	t.Parallel()
	f := shipped(t).Latest("scs")
	book := rows(
		[]string{"", "大分類No.", "大分類", "中分類No.", "中分類", "要求事項No.", "★3", "★4", "要求事項名", "要求事項", "★3/★4", "評価基準No.", "評価基準", "NIST CSFにおける機能", "", "", "", "", "参照文献"},
		[]string{"", "", "", "", "", "", "", "", "", "", "", "", "", "", "自己評価", "理由", "根拠および実施する事", "補足情報", "自工会/部工会・サイバーセキュリティガイドライン 2.3 版"},
		[]string{"", "1", "統治", "1-1", "状況", "1-1-1", "", "○", "社内ルール", "定める", "★4", "1-1-1-1", "・一つ", "GV", "○", "規程あり", "", "", "No.9 (LV1), No.10 (LV2) "},
		[]string{"", "1", "統治", "1-1", "状況", "1-1-1", "", "○", "社内ルール", "定める", "★4", "1-1-1-2", "・二つ", "GV", "△"},
		[]string{"", "1", "統治", "1-1", "状況", "1-1-1", "", "○", "社内ルール", "定める", "★4", "1-1-1-3", "・三つ", "GV", "✖"},
		[]string{"", "1", "統治", "1-2", "役割", "1-2-1", "○", "○", "部門", "決める", "★3", "１－２－１－１", "・四つ", "GV", ""},
	)
	p, err := sheet.Parse("scs.xlsx", book, f, intake.Setting{})
	if err != nil || len(p.Refused) > 0 || len(p.Rows) != 4 {
		t.Fatalf("%+v, %v", p, err)
	}
	var got []string
	for _, r := range p.Rows {
		got = append(got, fmt.Sprint(r.Item, " ★", r.Level, " ", r.Answer, " ", r.Label, " ", r.Criteria))
	}
	want := []string{"1-1-1-1 ★4 2 状況 ・一つ", "1-1-1-2 ★4 1 状況 ・二つ", "1-1-1-3 ★4 0 状況 ・三つ", "1-2-1-1 ★3 -2 役割 ・四つ"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]sheet.Reference{{Number: 9, Level: "1"}, {Number: 10, Level: "2"}}, p.Rows[0].References); diff != "" {
		t.Error(diff)
	}
	if p.Rows[0].Note != "規程あり" || p.Rows[0].Objective != "社内ルール" || p.Form != sheet.CriteriaSheet {
		t.Errorf("first row %+v", p.Rows[0])
	}
}

func TestLevelDifferencesAreListed(t *testing.T) {
	t.Parallel()
	f := jama(t)
	p, err := sheet.Parse("a.xlsx", rows(header, []string{"28", "Lv3", "メール", "2"}, []string{"1", "Lv1", "方針", "2"}, []string{"8", "Lv2", "機器", "2"}), f, intake.Setting{})
	if err != nil {
		t.Fatal(err)
	}
	d := sheet.LevelDifferences(f, p)
	if len(d) != 1 || d[0].Item != "28" || d[0].Known != "1" || d[0].Official != "3" {
		t.Errorf("differences %+v", d)
	}
	if c := sheet.Count(f, p); c.Right() {
		t.Error("three items add up to 153")
	}
}

func FuzzParseSheet(f *testing.F) {
	f.Add("No.,レベル,達成条件,評価\n1,Lv1,x,2\n1,Lv1,x,2\n", false)
	f.Add("評価基準No.,★3/★4,評価基準,自己評価\n1-1-1-1,★4,x,○\n", true)
	f.Add("No\tレベル\t達成条件\n,,\n２８\tＬｖ１\t\"a\nb\"\n", false)
	f.Add("sep=;\n№;Lv;達成条件;回答;予定日\n9 (LV1);1;x;2:対策完了;R9.3.31", false)
	c := shipped(f)
	f.Fuzz(func(t *testing.T, text string, criteria bool) {
		book, err := tables.Open("f.csv", []byte(text), tables.Limits{})
		if err != nil {
			return
		}
		fw := c.Latest("jama-japia")
		if criteria {
			fw = c.Latest("scs")
		}
		p, err := sheet.Parse("f.csv", book, fw, intake.Setting{})
		if err != nil {
			if problem.CodeOf(err) != problem.CodeInvalid {
				t.Fatalf("error %v", err)
			}
			return
		}
		seen := map[string]bool{}
		for _, r := range p.Rows {
			if seen[r.Item] || fw.Item(r.Item) == nil || r.Line < 1 {
				t.Fatalf("row %+v", r)
			}
			seen[r.Item] = true
		}
		for _, id := range p.Missing {
			if seen[id] {
				t.Fatalf("%s is there and missing", id)
			}
		}
	})
}
