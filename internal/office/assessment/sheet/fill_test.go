package sheet_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/office/assessment/request"
	"github.com/kizuki-security/kizuki/internal/office/assessment/sheet"
	tables "github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// parts reads every part of a workbook.
func parts(t testing.TB, data []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = string(text)
	}
	return out
}

// cellXML is one cell of a sheet part, however it is written.
var cellXML = regexp.MustCompile(`<c r="([A-Z]+[0-9]+)"[^>]*?(?:/>|>.*?</c>)`)

// withoutValues takes the values of the named cells out of a sheet part, and leaves place and style of those that
// have a style; a cell without one may have been missing before.
func withoutValues(part string, cells map[string]bool) string {
	return cellXML.ReplaceAllStringFunc(part, func(c string) string {
		if !cells[cellXML.FindStringSubmatch(c)[1]] {
			return c
		}
		if m := cellStyle.FindStringSubmatch(c); m != nil {
			return "<c at " + cellXML.FindStringSubmatch(c)[1] + " style " + m[1] + ">"
		}
		return ""
	})
}

var dimension = regexp.MustCompile(`<dimension ref="([A-Z]+)([0-9]+)(?::([A-Z]+)([0-9]+))?">`)

// sameArea takes the area that the sheet says it uses out of both texts where it grew, which it may only to take in an
// answer that lay outside: some readers stop at its end.
func sameArea(t *testing.T, before, after string, changed map[string]bool) (string, string) {
	t.Helper()
	a, b := dimension.FindString(before), dimension.FindString(after)
	if a == b {
		return before, after
	}
	m := dimension.FindStringSubmatch(a)
	left, top, right, bottom := m[1], m[2], first(m[3], m[1]), first(m[4], m[2])
	inside := func(cell string) bool {
		col := strings.TrimRight(cell, "0123456789")
		row := strings.TrimLeft(cell, col)
		less := func(x, y string) bool { return len(x) < len(y) || len(x) == len(y) && x < y }
		return !less(col, left) && !less(right, col) && !less(row, top) && !less(bottom, row)
	}
	for cell := range changed {
		if !inside(cell) {
			return strings.Replace(before, a, "", 1), strings.Replace(after, b, "", 1)
		}
	}
	t.Errorf("the area grew from %s to %s although every answer lies inside", a, b)
	return before, after
}

// first gives the first text that is not empty.
func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

var cellStyle = regexp.MustCompile(`^<c [^>]*?\bs="([0-9]+)"`)

// stored gives every part of a workbook as it lies in the zip, still packed, in order.
func stored(t *testing.T, data []byte) (names []string, packed map[string]string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	packed = map[string]string{}
	for _, f := range z.File {
		r, err := f.OpenRaw()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, f.Name)
		packed[f.Name] = string(raw)
	}
	return names, packed
}

// TestFillChangesAnswerCellsOnly fills generated workbooks and compares part by part inside the zip.
func TestFillChangesAnswerCellsOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shipped(t))
	var lines []string
	for i := range 150 { // 151 to 153 stay 分からない
		lines = append(lines, fmt.Sprintf("x,%d,1,y,,%s,,", i+1, []string{"0", "1", "2"}[i%3]))
	}
	h.take(t, "answers.csv", csv(lines...), sheet.OptionRound, sheet.ThisYear, sheet.OptionWording, sheet.No)
	board := h.Board(t, "jama-japia@2.3")
	f := jama(t)
	for seed := range uint64(40) {
		made := workbook(t, seed)
		var buf bytes.Buffer
		plan, err := h.svc.Fill(h.ctx, made.Name, made.Data, sheet.FillOptions{Framework: "jama-japia", Unanswered: true}, &buf)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if len(plan.Misses) > 0 || len(plan.Unanswered) != 3 || len(plan.Answers)+plan.Same != 150 {
			t.Fatalf("seed %d: %d written, %d same, misses %+v", seed, len(plan.Answers), plan.Same, plan.Misses)
		}
		before, after := parts(t, made.Data), parts(t, buf.Bytes())
		changed := map[string]bool{}
		for _, w := range plan.Answers {
			changed[w.Cell] = true
		}
		names, packed := stored(t, made.Data)
		namesAfter, packedAfter := stored(t, buf.Bytes())
		if diff := cmp.Diff(names, namesAfter); diff != "" {
			t.Errorf("seed %d: order of the parts (-before +after):\n%s", seed, diff)
		}
		sheets := 0
		for name, text := range before {
			switch {
			case text == after[name]:
				if packed[name] != packedAfter[name] {
					t.Errorf("seed %d: part %s was packed anew", seed, name)
				}
			case name == "xl/workbook.xml":
				if strings.Replace(after[name], ` fullCalcOnLoad="1"`, "", 1) != text && strings.Replace(after[name], `<calcPr fullCalcOnLoad="1"/>`, "", 1) != text {
					t.Errorf("seed %d: more than the flag changed in the workbook part", seed)
				}
			default:
				sheets++
				text, after[name] = sameArea(t, text, after[name], changed)
				if diff := cmp.Diff(withoutValues(text, changed), withoutValues(after[name], changed)); diff != "" {
					t.Fatalf("seed %d, part %s: %s", seed, name, diff)
				}
			}
		}
		if sheets != 1 || len(before) != len(after) {
			t.Errorf("seed %d: %d sheets changed, %d parts became %d", seed, sheets, len(before), len(after))
		}
		p, err := sheet.Parse(made.Name, open(t, made.Name, buf.Bytes()), f, intake.Setting{})
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range p.Rows {
			want := board.Item(r.Item).AnswerValue
			if i >= 150 {
				want = value(made.Items[i].Answer)
			}
			if r.Answer != want {
				t.Fatalf("seed %d, item %s: %d, want %d", seed, r.Item, r.Answer, want)
			}
		}
	}
}

// answered is an office with answers at four items.
func answered(t testing.TB) *house {
	t.Helper()
	h := small(t)
	for item, in := range map[string]assessment.NewAnswer{
		"1": {Value: verdict.Met}, "28": {Value: verdict.Part}, "49": {Value: verdict.NA, Reason: "システムなし"}, "120": {Value: verdict.Unmet},
	} {
		in.Node = item
		if err := h.Svc.SaveAnswer(h.ctx, assessmenttest.JAMA, item, assessment.WayPage, in); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Svc.SaveItemMeta(h.ctx, assessmenttest.JAMA, "1", assessment.ItemMeta{Note: "社長が承認", PlannedOn: jdate.On(2027, 3, 31)}); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestFillSpeaksTheWordsOfTheBook(t *testing.T) {
	t.Parallel()
	h := answered(t)
	head := []any{"No.", "レベル", "達成条件", "評価", "備考", "対応予定日"}
	body := func(values ...any) [][]any {
		rows := [][]any{head}
		for i, item := range []int{1, 28, 49, 120, 53} {
			row := []any{item, "Lv1", "x"}
			if i < len(values) {
				row = append(row, values[i])
			}
			rows = append(rows, row)
		}
		return rows
	}
	list := func(values ...string) func(f *excelize.File) error {
		return func(f *excelize.File) error {
			dv := excelize.NewDataValidation(true)
			dv.Sqref = "D2:D6"
			if err := dv.SetDropList(values); err != nil {
				return err
			}
			return f.AddDataValidation("表", dv)
		}
	}
	tests := map[string]struct {
		rows   [][]any
		change func(f *excelize.File) error
		want   []string // D2 to D6
		misses int
	}{
		"numbers":           {body(), nil, []string{"2", "1", "該当なし", "0", ""}, 0},
		"a list":            {body(), list("2:対策完了", "1:対策中", "0:未対策", "N/A"), []string{"2:対策完了", "1:対策中", "N/A", "0:未対策", ""}, 0},
		"list without 該当なし": {body(), list("○", "△", "×"), []string{"○", "△", "", "×", ""}, 1},
		"words in cells":    {body("まだ", "0：未着手", "", "", "2：完了"), nil, []string{"2：完了", "1", "該当なし", "0：未着手", "2：完了"}, 0},
		"signs":             {body("", "", "", "", "○"), nil, []string{"○", "△", "該当なし", "×", "○"}, 0},
		"formula":           {body("=1+1", "", "", "0"), nil, []string{"", "1", "該当なし", "0", ""}, 1},
		"merged":            {body(), func(f *excelize.File) error { return f.MergeCell("表", "D2", "D3") }, []string{"2", "2", "該当なし", "0", ""}, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := xlsx(t, "表", test.rows...)
			if test.change != nil {
				f, err := excelize.OpenReader(bytes.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = f.Close() }()
				var buf bytes.Buffer
				if err := test.change(f); err != nil {
					t.Fatal(err)
				}
				if err := f.Write(&buf); err != nil {
					t.Fatal(err)
				}
				data = buf.Bytes()
			}
			var out bytes.Buffer
			o := sheet.FillOptions{Framework: assessmenttest.JAMA, Items: "1-120", Comments: true, Dates: true, Unanswered: true}
			o.Items = "1, 28, 49, 53, 120"
			plan, err := h.svc.Fill(h.ctx, "own.xlsx", data, o, &out)
			if err != nil {
				t.Fatal(err)
			}
			if len(plan.Misses) != test.misses || len(plan.Unanswered) != 1 {
				t.Errorf("misses %+v, unanswered %+v", plan.Misses, plan.Unanswered)
			}
			table := open(t, "own.xlsx", out.Bytes()).Sheets[0]
			var got []string
			for row := 1; row < 6; row++ {
				got = append(got, table.At(row, 3).Text)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if table.At(1, 4).Text != "社長が承認" || table.At(1, 5).Text != "2027/03/31" || table.At(2, 4).Text != "" {
				t.Errorf("note %q, date %q", table.At(1, 4).Text, table.At(1, 5).Text)
			}
		})
	}
}

func TestFillAsksAndReports(t *testing.T) {
	t.Parallel()
	h := answered(t)
	data := xlsx(t, "表", []any{"No.", "レベル", "達成条件", "評価"}, []any{1, 1, "x"}, []any{28, 1, "x"}, []any{28, 1, "x"}, []any{999, 1, "x"})
	var buf bytes.Buffer
	_, err := h.svc.Fill(h.ctx, "own.xlsx", data, sheet.FillOptions{Framework: assessmenttest.JAMA}, &buf)
	if problem.CodeOf(err) != problem.CodeConflict || buf.Len() > 0 {
		t.Errorf("filled without asking: %v", err)
	}
	plan, err := h.svc.Fill(h.ctx, "own.xlsx", data, sheet.FillOptions{Framework: assessmenttest.JAMA, Unanswered: true, SentTo: "○○自動車", SentOn: jdate.On(2026, 11, 20)}, &buf)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range plan.Misses {
		got = append(got, strconv.Itoa(m.Line)+" "+m.Number+" "+m.Reason.Key)
	}
	want := []string{
		"3 28 checksheet.refused.twice", "4 28 checksheet.refused.twice", "5 999 checksheet.refused.unknown_number",
		"0 49 checksheet.fill.missing", "0 120 checksheet.fill.missing",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, test := range map[string]struct {
		data []byte
		code problem.Code
	}{
		"a CSV":             {csv("方針,1,1,x,,,,"), problem.CodeUnsupported},
		"no answer column":  {xlsx(t, "表", []any{"No.", "レベル", "達成条件"}, []any{1, 1, "x"}), problem.CodeInvalid},
		"another workbook":  {xlsx(t, "名簿", []any{"氏名"}, []any{"山田"}), problem.CodeInvalid},
		"an old workbook":   {[]byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 old"), problem.CodeUnsupported},
		"a broken workbook": {data[:500], problem.CodeInvalid},
	} {
		if _, err := h.svc.PlanFill(h.ctx, "a.xlsx", test.data, sheet.FillOptions{Framework: assessmenttest.JAMA}); problem.CodeOf(err) != test.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFillRemembersColumns takes a sheet in with columns that a person chose; the next one is filled in the same column.
func TestFillRemembersColumns(t *testing.T) {
	t.Parallel()
	h := answered(t)
	data := xlsx(t, "表", []any{"番号", "段階", "何をするか", "A社", "B社"}, []any{1, 1, "x", "", "2"}, []any{120, 3, "y", "", "1"})
	if _, err := h.svc.PlanFill(h.ctx, "own.xlsx", data, sheet.FillOptions{Framework: assessmenttest.JAMA}); problem.CodeOf(err) != problem.CodeInvalid {
		t.Fatalf("found by itself: %v", err)
	}
	i, err := h.intake.Prepare(h.ctx, sheet.Kind, "own.xlsx", data, intake.Setting{
		Sheet: "表", Header: 1, Columns: map[string]int{"number": 1, "level": 2, "condition": 3, "answer": 5},
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := h.intake.Preview(h.ctx, sheet.Kind, i.Key, nil)
	if err != nil || p.Problem != nil {
		t.Fatal(err, p.Problem)
	}
	if _, err := h.intake.Apply(h.ctx, sheet.Kind, i.Key, intake.Consent{Mark: p.Mark}); err != nil {
		t.Fatal(err)
	}
	plan, err := h.svc.PlanFill(h.ctx, "own.xlsx", data, sheet.FillOptions{Framework: assessmenttest.JAMA})
	if err != nil || plan.Same != 1 || len(plan.Answers) != 1 || plan.Answers[0].Cell != "E3" {
		t.Errorf("plan %+v, %v", plan, err)
	}
}

func TestFillForARequest(t *testing.T) {
	t.Parallel()
	h := answered(t)
	key, err := h.asked.Save(h.ctx, request.Request{Customer: "○○自動車", Framework: assessmenttest.JAMA, Items: []string{"1", "120"}})
	if err != nil {
		t.Fatal(err)
	}
	data := xlsx(t, "表", []any{"No.", "レベル", "達成条件", "評価"}, []any{1, 1, "x"}, []any{28, 1, "x"}, []any{120, 3, "x"})
	var buf bytes.Buffer
	plan, err := h.svc.Fill(h.ctx, "own.xlsx", data, sheet.FillOptions{Framework: assessmenttest.JAMA, Request: key, SentTo: "○○自動車", SentOn: jdate.On(2026, 11, 23)}, &buf)
	if err != nil || len(plan.Answers) != 2 || len(plan.Unanswered) != 0 {
		t.Fatalf("plan %+v, %v", plan, err)
	}
	if got := open(t, "own.xlsx", buf.Bytes()).Sheets[0].At(2, 3).Text; got != "" {
		t.Errorf("item 28 was not asked for and holds %q", got)
	}
	var r *request.Request
	err = h.Svc.Read(h.ctx, func(tx *sqlite.Tx) (err error) {
		r, err = h.asked.ByKey(h.ctx, tx, key)
		return err
	})
	if err != nil || len(r.Events) != 1 || !strings.Contains(r.Events[0].What, "own.xlsx") {
		t.Errorf("request %+v, %v", r, err)
	}
	var small bytes.Buffer
	if err := h.svc.Export(h.ctx, sheet.ExportOptions{Framework: assessmenttest.JAMA, Format: tables.CSV, Request: key}, &small); err != nil || strings.Count(small.String(), "\r\n") != 3 {
		t.Errorf("export of the request: %v\n%s", err, small.String())
	}
}
