package sheet_test

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/office/assessment/sheet"
	tables "github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// late has not had the training that everybody else had.
var late = fact.Fact{Kind: "people.member", Member: "person/late", Attrs: map[string]string{"class": "employee", "mail": "yes"}, On: jdate.On(2020, 4, 1)}

var lastYear = csv(
	"方針,1,Lv1,方針がある,【規則】,2,社長が署名,",
	"方針,8,Lv2,私物の機器を決める,\"【規則】・決めている\n・守っている\",1,,2027/3/31",
	"教育,28,Lv2,メールの教育,,0,,2026/1/31",
	"権限,49,2,権限,,該当なし,,",
	"権限,53,2,ログ,,,,",
	"権限,999,2,ない,,2,,",
)

func TestLastYearsSheet(t *testing.T) {
	t.Parallel()
	h := small(t)
	p, taken := h.take(t, "2025.csv", lastYear)
	if c := taken.Counts; c.Added != 4 || c.Refused != 1 || c.Missing != 1 || c.Same != 1 || c.Changed != 1 {
		t.Errorf("counts %+v", c)
	}
	for _, want := range []string{"No.28のレベルが違います。ファイルはLv2、これまではLv1です", "回答は「2025年度の自己評価」として残します", "レベルの分からなかった1項目"} {
		if !strings.Contains(h.notes(p), want) {
			t.Errorf("notes lack %q:\n%s", want, h.notes(p))
		}
	}
	if r := p.Plan.Refused[0]; r.Line != 8 || r.Reason.Key != "checksheet.refused.unknown_number" { // line 3 has a line break
		t.Errorf("refused %+v", r)
	}
	b := h.Board(t, assessmenttest.JAMA)
	if b.Previous == nil || b.Previous.FiscalYear != 2025 || !b.Previous.Imported || b.Round != nil {
		t.Fatalf("rounds: previous %+v, present %+v", b.Previous, b.Round)
	}
	past := map[string]int{}
	for _, it := range b.Items {
		past[it.Node.ID] = -9
		if it.Past != nil {
			past[it.Node.ID] = it.Past.AnswerValue
		}
		if it.AnswerValue != verdict.Unanswered {
			t.Errorf("item %s is answered this year", it.Node.ID)
		}
	}
	if diff := cmp.Diff(map[string]int{"1": 2, "8": 1, "28": 0, "49": -1, "53": -9, "120": -9}, past); diff != "" {
		t.Error(diff)
	}
	eight, one, mail := b.Item("8"), b.Item("1"), b.Item("28")
	if eight.Node.Level != "2" || eight.Official.Condition != "私物の機器を決める" || eight.Meta.PlannedOn.String() != "2027-03-31" {
		t.Errorf("item 8: level %q, official %+v, meta %+v", eight.Node.Level, eight.Official, eight.Meta)
	}
	if one.Meta.Note != "社長が署名" || !mail.Meta.PlannedOn.IsZero() || mail.Node.Level != "1" {
		t.Errorf("item 1 note %q, item 28 planned %v, level %q", one.Meta.Note, mail.Meta.PlannedOn, mail.Node.Level)
	}

	{ // again changes nothing
		p := h.check(t, "2025.csv", lastYear)
		if p.Problem != nil || !p.Plan.Nothing() || p.Plan.Same != 5 {
			t.Errorf("plan %+v, %v", p.Plan, p.Problem)
		}
	}
	{ // a corrected file replaces the round
		p, second := h.take(t, "2025b.csv", csv("方針,1,Lv1,方針がある,【規則】,1,社長が署名,", "権限,53,2,ログ,,2,,"))
		if len(p.Plan.Changes) < 1 || len(p.Plan.Adds) != 1 {
			t.Errorf("adds %+v, changes %+v", p.Plan.Adds, p.Plan.Changes)
		}
		b := h.Board(t, assessmenttest.JAMA)
		if b.Item("1").Past.AnswerValue != 1 || b.Item("53").Past.AnswerValue != 2 || b.Item("28").Past.AnswerValue != 0 {
			t.Errorf("past of 1, 53, 28: %+v %+v %+v", b.Item("1").Past, b.Item("53").Past, b.Item("28").Past)
		}
		if _, err := h.intake.Undo(h.ctx, sheet.Kind, second.Key); err != nil {
			t.Fatal(err)
		}
		b = h.Board(t, assessmenttest.JAMA)
		if b.Item("1").Past.AnswerValue != 2 || b.Item("53").Past != nil {
			t.Errorf("after undo: %+v %+v", b.Item("1").Past, b.Item("53").Past)
		}
	}
	if _, err := h.intake.Undo(h.ctx, sheet.Kind, taken.Key); err != nil {
		t.Fatal(err)
	}
	b = h.Board(t, assessmenttest.JAMA)
	if b.Previous != nil || b.Item("8").Official != nil || b.Item("8").Node.Level != "" || b.Item("1").Meta.Note != "" {
		t.Errorf("undo left: previous %+v, official %+v, meta %+v", b.Previous, b.Item("8").Official, b.Item("1").Meta)
	}
}

func TestThisYearsSheet(t *testing.T) {
	t.Parallel()
	h := small(t)
	h.MailTraining(t, 3, "2026-06-10")
	err := h.Svc.SaveAnswer(h.ctx, assessmenttest.JAMA, "120", assessment.WayPage, assessment.NewAnswer{Node: "120", Value: verdict.Unmet})
	if err != nil {
		t.Fatal(err)
	}
	h.ReadAll(t) // nothing recorded about systems: clauses of 49 have no members
	file := csv("方針,1,Lv1,方針,,2,,", "教育,28,1,教育,,2,,", "権限,49,2,権限,,対象外,棚卸の対象なし,", "権限,53,2,ログ,,分からない,,", "高度,120,3,高度,,1,,")
	p := h.check(t, "now.csv", file, sheet.OptionRound, sheet.ThisYear, sheet.OptionWording, sheet.No)
	if p.Problem != nil {
		t.Fatal(p.Problem)
	}
	asks := len(p.Plan.Asks)
	consent := intake.Consent{Mark: p.Mark, Answers: map[string]string{sheet.AskAgainst: sheet.Hold}}
	taken, err := h.intake.Apply(h.ctx, sheet.Kind, p.Import.Key, consent)
	if err != nil {
		t.Fatal(err)
	}
	b := h.Board(t, assessmenttest.JAMA)
	got := map[string]verdict.Value{}
	for _, it := range b.Items {
		got[it.Node.ID] = it.AnswerValue
	}
	want := map[string]verdict.Value{"1": 2, "28": 2, "49": -1, "53": -2, "120": 1, "8": -2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if b.Round == nil || b.Round.FiscalYear != 2026 || b.Item("49").Answer.Reason != "棚卸の対象なし" || b.Item("1").Answer.Way != assessment.WayImport {
		t.Errorf("round %+v, answers %+v %+v", b.Round, b.Item("49").Answer, b.Item("1").Answer)
	}
	if asks == 1 && b.Item("1").Answer.Expires != jdate.On(2026, 11, 23).Add(sheet.HoldDays) {
		t.Errorf("held until %v", b.Item("1").Answer.Expires)
	}
	// Who answers afterwards keeps the answer: the import can no longer be taken back.
	save := func(value verdict.Result) {
		t.Helper()
		version := h.Board(t, assessmenttest.JAMA).Item("120").Version
		err := h.Svc.SaveAnswer(h.ctx, assessmenttest.JAMA, "120", assessment.WayPage, assessment.NewAnswer{Node: "120", Value: value, Version: version})
		if err != nil {
			t.Fatal(err)
		}
	}
	{ // undo
		if _, err := h.intake.Undo(h.ctx, sheet.Kind, taken.Key); err != nil {
			t.Fatal(err)
		}
		b := h.Board(t, assessmenttest.JAMA)
		if b.Item("1").AnswerValue != verdict.Unanswered || b.Item("120").AnswerValue != verdict.ValueUnmet || b.Item("49").Meta.Note != "" {
			t.Errorf("after undo: 1 %d, 120 %d, note %q", b.Item("1").AnswerValue, b.Item("120").AnswerValue, b.Item("49").Meta.Note)
		}
	}
	_, second := h.take(t, "now2.csv", csv("高度,120,3,高度,,1,,"), sheet.OptionRound, sheet.ThisYear, sheet.OptionWording, sheet.No)
	save(verdict.Unmet)
	if _, err := h.intake.Undo(h.ctx, sheet.Kind, second.Key); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("undo over a later answer: %v", err)
	}
}

func TestRecordsAgainstAreAsked(t *testing.T) {
	t.Parallel()
	h := small(t)
	h.MailTraining(t, 3, "2026-06-10")
	h.Put(t, "people/new", late)
	file := csv("教育,28,1,教育,,2,,")
	p := h.check(t, "now.csv", file, sheet.OptionRound, sheet.ThisYear)
	if p.Problem != nil || len(p.Plan.Asks) != 1 || len(p.Plan.Asks[0].Names) != 1 {
		t.Fatalf("asks %+v, %v", p.Plan, p.Problem)
	}
	if _, err := h.intake.Apply(h.ctx, sheet.Kind, p.Import.Key, intake.Consent{Mark: p.Mark}); err != nil {
		t.Fatal(err)
	}
	if got := h.Board(t, assessmenttest.JAMA).Item("28").AnswerValue; got != verdict.Unanswered {
		t.Errorf("the default takes the answer over: %d", got)
	}
	p = h.check(t, "now.csv", file, sheet.OptionRound, sheet.ThisYear)
	if _, err := h.intake.Apply(h.ctx, sheet.Kind, p.Import.Key, intake.Consent{Mark: p.Mark, Answers: map[string]string{sheet.AskAgainst: sheet.Hold}}); err != nil {
		t.Fatal(err)
	}
	it := h.Board(t, assessmenttest.JAMA).Item("28")
	if it.AnswerValue != verdict.ValueMet || it.Answer.Expires.String() != "2027-02-21" || it.Answer.Reason == "" {
		t.Errorf("held answer %+v", it.Answer)
	}
}

func TestImportRefusesWhatIsNoSheet(t *testing.T) {
	t.Parallel()
	h := small(t)
	one := []any{"No.", "レベル", "達成条件", "評価"}
	locked, err := h.Svc.OpenRound(h.ctx, assessment.NewRound{Framework: assessmenttest.JAMA, FiscalYear: 2024, Name: "2024年度", From: jdate.On(2024, 4, 1), To: jdate.On(2025, 3, 31)})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Svc.LockRound(h.ctx, locked.Key, locked.Version); err != nil {
		t.Fatal(err)
	}
	big := [][]any{one}
	for i := range 1000 {
		big = append(big, []any{i%6 + 1, 1, "x", 2})
	}
	tests := map[string]struct {
		name    string
		data    []byte
		options []string
		want    string
	}{
		"staff list":   {"meibo.xlsx", xlsx(t, "名簿", []any{"社員番号", "氏名"}, []any{1, "山田"}), nil, "見たシート：名簿"},
		"old xls":      {"old.xls", []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 old"), nil, "Excel ブック"},
		"no numbers":   {"a.xlsx", xlsx(t, "表", one, []any{"", "", "方針"}), nil, "A列"},
		"many rows":    {"a.xlsx", xlsx(t, "表", big...), nil, "1,000行"},
		"own round":    {"a.csv", csv("方針,1,1,x,,2,,"), []string{sheet.OptionRound, sheet.YearBefore}, "確定した回です"},
		"text":         {"a.txt", []byte("こんにちは\n"), nil, "見つかりません"},
		"image":        {"a.xlsx", []byte("\x89PNG\r\n\x1a\n0000"), nil, "PNG"},
		"cut workbook": {"a.xlsx", xlsx(t, "表", one, []any{1, 1, "x", 2})[:900], nil, "壊れている"},
	}
	for name, test := range tests {
		p := h.check(t, test.name, test.data, test.options...)
		if p.Problem == nil || !strings.Contains(h.Texts.Problem("ja", p.Problem), test.want) {
			t.Errorf("%s: problem %v: %s", name, p.Problem, h.Texts.Problem("ja", p.Problem))
		}
		_, err := h.intake.Apply(h.ctx, sheet.Kind, p.Import.Key, intake.Consent{Mark: p.Mark})
		if err == nil {
			t.Errorf("%s was taken over", name)
		}
	}
	if b := h.Board(t, assessmenttest.JAMA); b.Source != "" || len(b.Official) > 0 || b.Item("1").Past != nil && b.Item("1").Past.AnswerValue != -2 {
		t.Error("something of a refused file was saved")
	}
}

func TestFormulasAndDoubleNumbers(t *testing.T) {
	t.Parallel()
	h := small(t)
	data := xlsx(t, "表", []any{"No.", "レベル", "達成条件", "評価"}, []any{1, "Lv1", "x", "=1+1"}, []any{28, "Lv1", "y", 2}, []any{"２８", "Lv1", "y", 1}, []any{49, 2, "z", "１"})
	p, _ := h.take(t, "a.xlsx", data, sheet.OptionWording, sheet.No)
	lines := map[int]bool{}
	for _, r := range p.Plan.Refused {
		lines[r.Line] = true
	}
	if !lines[2] || !lines[3] || !lines[4] || len(p.Plan.Adds) != 1 || p.Plan.Total != 4 {
		t.Errorf("refused %+v, added %+v, total %d", p.Plan.Refused, p.Plan.Adds, p.Plan.Total)
	}
}

func TestVersionIsReadFromTheFile(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shipped(t))
	for name, want := range map[string]string{"check.csv": "2.3", "ガイドライン2.2版.csv": "2.2", "check_v2.3.csv": "2.3", "12.2.csv": "2.3", "2.2と2.3.csv": "2.3"} {
		p := h.check(t, name, csv("方針,1,Lv1,x,,2,,"))
		if p.Problem != nil || !strings.Contains(h.notes(p), want+"のシート") {
			t.Errorf("%s: %v %s", name, p.Problem, h.notes(p))
		}
	}
}

func TestEveryFrameworkHasAName(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shipped(t))
	for _, o := range h.svc.Importer().Options() {
		keys := []string{o.Label, o.Help}
		for _, c := range o.Choices {
			keys = append(keys, c.Label)
		}
		for _, key := range keys {
			if !h.Texts.Has(key) {
				t.Errorf("option %s: no text %s", o.Name, key)
			}
		}
	}
	for _, c := range h.svc.Importer().Columns() {
		for _, key := range append([]string{c.Title}, c.Choices...) {
			if !h.Texts.Has(key) {
				t.Errorf("column %s: no text %s", c.Name, key)
			}
		}
	}
}

// TestWholeSheetGoesInAndOut takes generated workbooks of 153 items in, through preview, consent and round, writes our
// sheet, and takes that in again elsewhere. The whole trip for every seed takes minutes: KIZUKI_PROVE=1.
func TestWholeSheetGoesInAndOut(t *testing.T) {
	t.Parallel()
	trips := uint64(2)
	if os.Getenv("KIZUKI_PROVE") != "" {
		trips = seeds
	}
	for seed := range trips {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			h, other := newHouse(t, shipped(t)), newHouse(t, shipped(t))
			made := workbook(t, seed)
			options := []string{sheet.OptionRound, sheet.ThisYear}
			p, taken := h.take(t, made.Name, made.Data, options...)
			if len(p.Plan.Refused) > 0 || len(p.Plan.Missing) > 0 {
				t.Fatalf("refused %+v, missing %+v", p.Plan.Refused, p.Plan.Missing)
			}
			b := h.Board(t, "jama-japia@2.3")
			for _, it := range made.Items {
				if got := b.Item(strconv.Itoa(it.Number)); got.AnswerValue != value(it.Answer) || len(got.Clauses) == 0 {
					t.Errorf("item %d: value %d of %q, %d clauses", it.Number, got.AnswerValue, it.Answer, len(got.Clauses))
				}
			}
			for _, format := range []tables.Format{tables.XLSX, tables.CSV} {
				var buf bytes.Buffer
				o := sheet.ExportOptions{Framework: "jama-japia", Format: format}
				if err := h.svc.Export(h.ctx, o, &buf); problem.CodeOf(err) != problem.CodeConflict || buf.Len() > 0 {
					t.Fatalf("export with unanswered items: %v", err)
				}
				o.Unanswered = true
				if err := h.svc.Export(h.ctx, o, &buf); err != nil {
					t.Fatal(err)
				}
				p := other.check(t, "ours."+string(format), buf.Bytes(), options...)
				if format == tables.XLSX {
					_, err := other.intake.Apply(other.ctx, sheet.Kind, p.Import.Key, intake.Consent{Mark: p.Mark})
					if err != nil {
						t.Fatal(err)
					}
				} else if !p.Plan.Nothing() {
					t.Errorf("the CSV says more than the workbook: %+v %+v", p.Plan.Adds, p.Plan.Changes)
				}
			}
			again := other.Board(t, "jama-japia@2.3")
			if again.Source != "" {
				t.Error("our own words became the official wording")
			}
			for _, it := range b.Items {
				o := again.Item(it.Node.ID)
				if o.AnswerValue != it.AnswerValue || o.Meta.Note != it.Meta.Note {
					t.Errorf("item %s: %d %q became %d %q", it.Node.ID, it.AnswerValue, it.Meta.Note, o.AnswerValue, o.Meta.Note)
				}
			}
			if _, err := h.intake.Undo(h.ctx, sheet.Kind, taken.Key); err != nil {
				t.Fatal(err)
			}
			if b := h.Board(t, "jama-japia@2.3"); b.Unanswered() != 153 || b.Source != "" {
				t.Errorf("after undo %d of 153 are unanswered, source %q", b.Unanswered(), b.Source)
			}
		})
	}
}

func TestImportNeedsThePermission(t *testing.T) {
	t.Parallel()
	h := small(t)
	ctx := assessmenttest.As(t, "suzuki", nil, assessment.PermRead, assessment.PermAnswer)
	if _, err := h.intake.Prepare(ctx, sheet.Kind, "a.csv", lastYear, intake.Setting{}); problem.CodeOf(err) != problem.CodeForbidden {
		t.Errorf("error %v", err)
	}
}
