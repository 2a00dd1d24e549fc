package staff_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/intake/staff"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type office struct {
	t      testing.TB
	clock  *sqlitetest.Clock
	db     *sqlite.DB
	facts  *fact.Store
	places *org.Service
	people *people.Service
	intake *intake.Service
	ctx    context.Context //nolint:containedctx // one actor for the whole test
}

func open(t testing.TB) *office {
	t.Helper()
	o := &office{t: t, clock: sqlitetest.NewClock("2026-11-23"), facts: fact.NewStore(nil)}
	o.db = sqlitetest.Open(t, o.clock, audit.Migrations(), fact.Migrations(), org.Migrations(), people.Migrations(), intake.Migrations())
	o.places = org.New(o.db, o.facts, nil)
	o.people = people.New(o.db, o.facts, o.places)
	o.intake = intake.New(o.db, t.TempDir(), nil, staff.New(o.people, o.places))
	o.ctx = actor.With(t.Context(), actor.New(actor.Actor{Account: "a1", Via: "session"},
		[]actor.Permission{people.PermRead, people.PermEdit, org.PermRead, org.PermEdit}))
	return o
}

// list gives "number name class mail department left" of everybody, by reading.
func (o *office) list() (out []string) {
	o.t.Helper()
	err := o.db.Read(o.ctx, func(tx *sqlite.Tx) error {
		names, err := o.places.DepartmentNames(o.ctx, tx)
		if err != nil {
			return err
		}
		list, err := o.people.List(o.ctx, tx, people.Filter{})
		for _, p := range list {
			out = append(out, strings.TrimRight(strings.Join([]string{p.EmployeeNo, p.Name(), p.Class, p.Mail, names[p.Department], p.Left.String()}, " "), " "))
		}
		return err
	})
	if err != nil {
		o.t.Fatalf("list: %v", err)
	}
	return out
}

func (o *office) factCount() (n int) {
	o.t.Helper()
	err := o.db.Read(o.ctx, func(tx *sqlite.Tx) error {
		all, err := o.facts.Current(o.ctx, tx)
		n = len(all)
		return err
	})
	if err != nil {
		o.t.Fatalf("facts: %v", err)
	}
	return n
}

func (o *office) put(data string, setting intake.Setting) intake.Import {
	o.t.Helper()
	i, err := o.intake.Prepare(o.ctx, staff.Kind, "名簿.csv", []byte(data), setting)
	if err != nil {
		o.t.Fatalf("prepare: %v", err)
	}
	return i
}

func (o *office) preview(i intake.Import) *intake.Preview {
	o.t.Helper()
	p, err := o.intake.Preview(o.ctx, staff.Kind, i.Key, nil)
	if err != nil {
		o.t.Fatalf("preview: %v", err)
	}
	return p
}

func (o *office) apply(i intake.Import, answers map[string]string) intake.Import {
	o.t.Helper()
	p := o.preview(i)
	if p.Problem != nil {
		o.t.Fatalf("preview: %v", p.Problem)
	}
	done, err := o.intake.Apply(o.ctx, staff.Kind, i.Key, intake.Consent{Mark: p.Mark, Answers: answers})
	if err != nil {
		o.t.Fatalf("apply: %v", err)
	}
	return done
}

const roster = `社員番号,氏名,フリガナ,区分,部署,メール利用,インターネット利用,入社日,退職日
0001,佐藤 花子,サトウ ハナコ,役員,総務部,○,○,2001/4/1,
0002,鈴木 一郎,スズキ イチロウ,正社員,製造部,×,,令和2年4月1日,
0003,高橋 次郎,タカハシ ジロウ,派遣社員,製造部,,×,2024-10-01,
,田中 三郎,タナカ サブロウ,業務委託,,無,無,,2026-03-31
`

func TestImportAndUndo(t *testing.T) {
	t.Parallel()
	o := open(t)
	cp932, lost := jtext.EncodeCP932(strings.ReplaceAll(roster, "\n", "\r\n"))
	if len(lost) > 0 {
		t.Fatalf("encode: %v", lost)
	}
	i := o.put(string(cp932), intake.Setting{})
	p := o.preview(i)
	if p.Problem != nil || p.Book.Encoding != jtext.CP932 {
		t.Fatalf("problem %v, encoding %s", p.Problem, p.Book.Encoding)
	}
	if len(p.Plan.Adds) != 4 || len(p.Plan.Refused) != 0 || len(p.Plan.Asks) != 1 {
		t.Fatalf("plan: %d adds, %+v refused, %+v asks", len(p.Plan.Adds), p.Plan.Refused, p.Plan.Asks)
	}
	if got := o.list(); len(got) != 0 {
		t.Fatalf("before the consent: %v", got)
	}
	done := o.apply(i, nil)
	want := []string{
		"0001 佐藤 花子 officer yes 総務部", "0002 鈴木 一郎 employee no 製造部", "0003 高橋 次郎 dispatched unknown 製造部", " 田中 三郎 external no  2026-03-31",
	}
	if diff := cmp.Diff(want, o.list()); diff != "" {
		t.Errorf("people (-want +got):\n%s", diff)
	}
	if n := o.factCount(); n != 10 { // 4 members, 3 joined, 1 left, 2 departments
		t.Errorf("%d facts, want 10", n)
	}
	if again := o.preview(o.put(roster, intake.Setting{})); !again.Plan.Nothing() || again.Plan.Same != 4 {
		t.Errorf("the same file again: %+v", again.Plan)
	}
	if _, err := o.intake.Undo(o.ctx, staff.Kind, done.Key); err != nil {
		t.Fatalf("undo: %v", err)
	}
	if got := o.list(); len(got) != 0 || o.factCount() != 0 {
		t.Errorf("after undo: %v, %d facts", got, o.factCount())
	}
	if _, err := o.intake.Undo(o.ctx, staff.Kind, done.Key); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("second undo: got %v, want conflict", err)
	}
}

func TestChangesMovesAndMissing(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.apply(o.put(roster, intake.Setting{}), nil)
	before := o.list()
	next := "社員番号,氏名,部署,メール利用\n1,佐藤花子,総務部,\n0002,鈴木 一郎,品質保証課,○\n"
	i := o.put(next, intake.Setting{})
	p := o.preview(i)
	if len(p.Plan.Changes) != 1 || p.Plan.Same != 1 || len(p.Plan.Missing) != 1 {
		t.Fatalf("plan: %+v", p.Plan)
	}
	var fields []string
	for _, f := range p.Plan.Changes[0].Fields {
		fields = append(fields, f.Label)
	}
	if diff := cmp.Diff([]string{"people.field.department", "people.field.mail"}, fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	done := o.apply(i, map[string]string{"missing": "left"})
	want := []string{
		"0001 佐藤 花子 officer yes 総務部", "0002 鈴木 一郎 employee yes 品質保証課", "0003 高橋 次郎 dispatched unknown 製造部 2026-11-23",
		" 田中 三郎 external no  2026-03-31",
	}
	if diff := cmp.Diff(want, o.list()); diff != "" {
		t.Errorf("people (-want +got):\n%s", diff)
	}
	moved := func() int {
		n := 0
		err := o.db.Read(o.ctx, func(tx *sqlite.Tx) error {
			all, err := o.facts.Current(o.ctx, tx, "people.moved")
			n = len(all)
			return err
		})
		if err != nil {
			t.Fatalf("facts: %v", err)
		}
		return n
	}
	if moved() != 1 {
		t.Errorf("%d moves, want 1", moved())
	}
	if _, err := o.intake.Undo(o.ctx, staff.Kind, done.Key); err != nil {
		t.Fatalf("undo: %v", err)
	}
	if diff := cmp.Diff(before, o.list()); diff != "" || moved() != 0 {
		t.Errorf("after undo %d moves, people (-before +after):\n%s", moved(), diff)
	}
}

func TestUndoIsRefusedAfterChanges(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		do   func(o *office, p people.Person) error
	}{
		{"a person was changed", func(o *office, p people.Person) error {
			p.Mail = people.No
			return o.people.Save(o.ctx, p, 0)
		}},
		{"a person became an owner", func(o *office, p people.Person) error {
			_, err := o.places.SaveDepartment(o.ctx, org.Department{Name: "監査室", Owner: p.Key})
			return err
		}},
		{"another record speaks of a person", func(o *office, p people.Person) error {
			return o.db.Write(o.ctx, func(tx *sqlite.Tx) error {
				f := fact.Fact{Kind: "training.completed", Record: "training/x", Member: "person/" + p.Key}
				return o.facts.Put(o.ctx, tx, "training/x", []string{"training.completed"}, []fact.Fact{f})
			})
		}},
		{"a person is excluded", func(o *office, p people.Person) error {
			return o.people.Exclude(o.ctx, people.Exclusion{Person: p.Key, Reason: "leave", Until: jdate.On(2026, 12, 1)})
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			done := o.apply(o.put(roster, intake.Setting{}), nil)
			var first people.Person
			err := o.db.Read(o.ctx, func(tx *sqlite.Tx) error {
				list, err := o.people.List(o.ctx, tx, people.Filter{})
				first = list[0]
				return err
			})
			if err != nil {
				t.Fatalf("list: %v", err)
			}
			if err := tc.do(o, first); err != nil {
				t.Fatalf("change: %v", err)
			}
			before := o.list()
			if _, err := o.intake.Undo(o.ctx, staff.Kind, done.Key); problem.CodeOf(err) != problem.CodeConflict {
				t.Errorf("undo: got %v, want conflict", err)
			}
			if diff := cmp.Diff(before, o.list()); diff != "" {
				t.Errorf("a refused undo changed people:\n%s", diff)
			}
		})
	}
	t.Run("30 days are over", func(t *testing.T) {
		t.Parallel()
		o := open(t)
		done := o.apply(o.put(roster, intake.Setting{}), nil)
		o.clock.SetDay("2026-12-24")
		if _, err := o.intake.Undo(o.ctx, staff.Kind, done.Key); problem.CodeOf(err) != problem.CodeConflict {
			t.Errorf("undo: got %v, want conflict", err)
		}
		if n, err := o.intake.Sweep(o.ctx); n != 1 || err != nil {
			t.Errorf("sweep: %d, %v", n, err)
		}
		if _, err := o.intake.Preview(o.ctx, staff.Kind, done.Key, nil); problem.CodeOf(err) != problem.CodeNotFound {
			t.Errorf("the file after the sweep: got %v, want not found", err)
		}
	})
}

func TestRefusedRows(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.apply(o.put("社員番号,氏名\n0008,神田 学\n0009,神田 学\n", intake.Setting{}), nil)
	const file = `従業員の名簿（2026年度）
社員番号,氏名,区分,メール,入社日,E-mail
0001,,正社員,○,,
0002,佐藤,宇宙人,○,,
0003,鈴木,パート,たぶん,,
0004,高橋,パート,○,2026/2/30,
0005,田中,パート,○,4月1日,
0006,伊藤,パート,○,,ito
0007,渡辺,パート,watanabe@example.jp,,
0007,渡辺 二,パート,○,,
,神田学,パート,○,,
0009,神田 学,パート,○,,
合計,,,,,
`
	p := o.preview(o.put(file, intake.Setting{}))
	if p.Problem != nil {
		t.Fatalf("problem: %v", p.Problem)
	}
	var got []string
	for _, r := range p.Plan.Refused {
		got = append(got, fmt.Sprint(r.Line, " ", r.Reason.Key))
	}
	want := []string{
		"3 staff.reason.no_name", "4 staff.reason.class", "5 staff.reason.use", "6 staff.reason.day", "7 staff.reason.day_incomplete", "8 people.email_wrong",
		"9 staff.reason.twice_no", "10 staff.reason.twice_no", "11 staff.reason.several", "13 staff.reason.no_name",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
	if len(p.Plan.Adds) != 0 || len(p.Plan.Changes) != 1 || len(p.Plan.Missing) != 0 || p.Plan.Total != 11 {
		t.Errorf("adds %+v, changes %+v, missing %+v, total %d", p.Plan.Adds, p.Plan.Changes, p.Plan.Missing, p.Plan.Total)
	}
}

// TestRowsThatSayTheSame: of two rows with one number, or of one person, nobody can tell which is right.
func TestRowsThatSayTheSame(t *testing.T) {
	t.Parallel()
	const head = "社員番号,氏名,フリガナ,区分,メール,入社日\n"
	for _, tc := range []struct {
		name, rows string
		want       []string // "line key other lines"
		planned    int      // added, changed or the same
	}{
		{"one number, two people", "0101,田中 一郎,,役員,,\n0101,山本 花,,派遣,,\n0102,森 健,,役員,,\n", []string{"2 staff.reason.twice_no 3", "3 staff.reason.twice_no 2"}, 1},
		{"full-width and three times", "０１０１,田中,,役員,,\n0101,山本,,派遣,,\n0101,森,,役員,,\n", []string{"2 staff.reason.twice_no 3・4", "3 staff.reason.twice_no 2・4", "4 staff.reason.twice_no 2・3"}, 0},
		{"one of them cannot be read", "0101,田中,,役員,,2026/2/30\n0101,山本,,派遣,,\n", []string{"2 staff.reason.day ", "3 staff.reason.twice_no 2"}, 0},
		{"one of them is an error of Excel", "0101,田中,,#REF!,,\n0101,山本,,派遣,,\n", []string{"2 staff.reason.class ", "3 staff.reason.twice_no 2"}, 0},
		{"one name without numbers", ",森 健,モリ ケン,役員,,\n,森健,モリケン,役員,,\n,森 健,モリ タケシ,役員,,\n", []string{"2 staff.reason.twice_name 3", "3 staff.reason.twice_name 2"}, 1},
		{"one person of the list, changed and the same", "0008,神田 学,,,○,\n8,神田 学,,,,\n", []string{"2 staff.reason.twice_name 3", "3 staff.reason.twice_name 2"}, 0},
		{"one person of the list, the same and changed", "0008,神田 学,,,,\n8,神田 学,,,○,\n0009,岸 学,,,○,\n", []string{"2 staff.reason.twice_name 3", "3 staff.reason.twice_name 2"}, 1},
		{"formulas as numbers", "=1+1,田中,,役員,,\n-7,山本,,派遣,,\n＠x,森,,役員,,\n", []string{"2 people.number_formula ", "3 people.number_formula ", "4 people.number_formula "}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			o.apply(o.put("社員番号,氏名\n0008,神田 学\n0009,岸 学\n", intake.Setting{}), nil)
			i := o.put(head+tc.rows, intake.Setting{})
			p := o.preview(i)
			if p.Problem != nil {
				t.Fatal(p.Problem)
			}
			var got []string
			for _, r := range p.Plan.Refused {
				lines, _ := r.Reason.Args["lines"].(string)
				got = append(got, fmt.Sprint(r.Line, " ", r.Reason.Key, " ", lines))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
			if n := len(p.Plan.Adds) + len(p.Plan.Changes) + p.Plan.Same; n != tc.planned || n+len(got) != p.Plan.Total {
				t.Errorf("%d rows are planned, want %d: %+v %+v %d", n, tc.planned, p.Plan.Adds, p.Plan.Changes, p.Plan.Same)
			}
			before := o.list()
			if p.Plan.Nothing() {
				return
			}
			o.apply(i, nil)
			if n := len(o.list()) - len(before); n != len(p.Plan.Adds) {
				t.Errorf("%d people were added, want %d", n, len(p.Plan.Adds))
			}
		})
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	o := open(t)
	for _, tc := range []struct {
		name, data, key string
		args            problem.Args
	}{
		{"broken CP932 is named by line", "社員番号,氏名\n1,\x93\xfa\x96{\n2,\x81 \xff\n", "sheet.text_broken", problem.Args{"line": 1}},
		{"another kind of list", "品番,数量\nA-1,3\n", "staff.no_name_column", nil},
		{"a picture", "\x89PNG\r\n\x1a\n", "sheet.not_a_workbook", nil},
		{"quotes that do not close", "氏名,区分\n\"佐藤,役員\n", "sheet.csv_broken", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := o.preview(o.put(tc.data, intake.Setting{}))
			all := problem.All(p.Problem)
			if len(all) != 1 || all[0].Key != tc.key || p.Plan != nil {
				t.Errorf("got %v, want %s", p.Problem, tc.key)
			}
		})
	}
}

func TestFormulaCells(t *testing.T) {
	t.Parallel()
	o := open(t)
	p := o.preview(o.put(workbook(t, [][]string{
		{"社員番号", "氏名", "部署"},
		{"1", "佐藤 花子", "=VLOOKUP(1,A1:B2,2)"},
		{"2", "鈴木 一郎", "製造部"},
	}), intake.Setting{}))
	if p.Problem != nil {
		t.Fatalf("problem: %v", p.Problem)
	}
	if len(p.Plan.Refused) != 1 || p.Plan.Refused[0].Line != 2 || p.Plan.Refused[0].Reason.Key != "intake.cell_formula" || len(p.Plan.Adds) != 1 {
		t.Errorf("plan: %+v", p.Plan)
	}
}

func TestConflictsBetweenPreviewAndConsent(t *testing.T) {
	t.Parallel()
	o := open(t)
	i := o.put(roster, intake.Setting{})
	seen := o.preview(i)
	if _, err := o.people.Add(o.ctx, people.Person{EmployeeNo: "0001", FamilyName: "佐藤", GivenName: "花子", Class: people.Officer}); err != nil {
		t.Fatalf("add: %v", err)
	}
	before := o.list()
	if _, err := o.intake.Apply(o.ctx, staff.Kind, i.Key, intake.Consent{Mark: seen.Mark}); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("apply of an old preview: got %v, want conflict", err)
	}
	if diff := cmp.Diff(before, o.list()); diff != "" {
		t.Errorf("a refused apply changed people:\n%s", diff)
	}
	o.apply(i, nil)
	if _, err := o.intake.Apply(o.ctx, staff.Kind, i.Key, intake.Consent{Mark: seen.Mark}); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("apply twice: got %v, want conflict", err)
	}
}

func TestWithoutConsentToNewPlaces(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.apply(o.put(roster, intake.Setting{}), map[string]string{"places": "blank"})
	if got := o.list(); !strings.HasSuffix(got[0], "officer yes") {
		t.Errorf("people: %q, want no department", got)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.apply(o.put("氏名,E-mail,メール利用\n佐藤,s@example.jp,\n鈴木,,○\n", intake.Setting{Options: map[string]string{"class": "dispatched", "mail": "address"}}), nil)
	if diff := cmp.Diff([]string{" 佐藤 dispatched yes", " 鈴木 dispatched yes"}, o.list()); diff != "" {
		t.Errorf("people (-want +got):\n%s", diff)
	}
	o.apply(o.put("氏名,メール利用\n佐藤,○\n鈴木,\n", intake.Setting{Options: map[string]string{"blank": "clear"}}), nil)
	if diff := cmp.Diff([]string{" 佐藤 dispatched yes", " 鈴木 dispatched unknown"}, o.list()); diff != "" {
		t.Errorf("people (-want +got):\n%s", diff)
	}
}

func TestMatchedByHandIsRemembered(t *testing.T) {
	t.Parallel()
	o := open(t)
	i := o.put("番号,だれ,どこ\n1,佐藤,総務部\n", intake.Setting{})
	if p := o.preview(i); p.Problem == nil {
		t.Fatal("words that nobody knows must be asked for")
	}
	setting := intake.Setting{Header: 1, Columns: map[string]int{"employee_no": 1, "name": 2, "department": 3}}
	if err := o.intake.Configure(o.ctx, staff.Kind, i.Key, i.Version, setting); err != nil {
		t.Fatalf("configure: %v", err)
	}
	if err := o.intake.Configure(o.ctx, staff.Kind, i.Key, i.Version, setting); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("configure an old version: got %v, want conflict", err)
	}
	p := o.preview(i)
	if p.Problem != nil || len(p.Plan.Adds) != 1 {
		t.Fatalf("after matching: %v, %+v", p.Problem, p.Plan)
	}
	next := o.preview(o.put("どこ,だれ,番号\n総務部,鈴木,2\n", intake.Setting{}))
	if next.Problem != nil || len(next.Plan.Adds) != 1 || next.Plan.Adds[0].Name != "鈴木" {
		t.Errorf("the next file with these words: %v, %+v", next.Problem, next.Plan)
	}
}

func TestScopeOfDepartments(t *testing.T) {
	t.Parallel()
	o := open(t)
	i := o.put(roster, intake.Setting{})
	scoped := actor.With(t.Context(), actor.New(actor.Actor{Account: "a2", Via: "session", Scope: []string{"d"}}, []actor.Permission{people.PermEdit}))
	if _, err := o.intake.Preview(scoped, staff.Kind, i.Key, nil); problem.CodeOf(err) != problem.CodeForbidden {
		t.Errorf("preview by a keeper of one department: got %v, want forbidden", err)
	}
	nobody := actor.With(t.Context(), actor.New(actor.Actor{Account: "a3", Via: "session"}, nil))
	if _, err := o.intake.Prepare(nobody, staff.Kind, "x.csv", []byte("氏名\n佐藤\n"), intake.Setting{}); problem.CodeOf(err) != problem.CodeForbidden {
		t.Errorf("prepare without permission: got %v, want forbidden", err)
	}
}

// workbook writes rows as texts; cells that begin with = become formulas without a stored value.
func workbook(t testing.TB, rows [][]string) string {
	t.Helper()
	return string(makeWorkbook(t, rows))
}

// made returns a CSV of n made-up people.
func made(n int) string {
	var b bytes.Buffer
	b.WriteString("社員番号,氏名,フリガナ,区分,部署,拠点,メールアドレス,メール利用,インターネット利用,入社日,退職日,キオスクのみ\r\n")
	for i := range n {
		fmt.Fprintf(&b, "%06d,試験 太郎%d,シケン タロウ,正社員,第%d課,本社,t%d@example.jp,○,×,2020/04/01,,\r\n", i, i, i%40, i)
	}
	return b.String()
}

func TestLargeFiles(t *testing.T) {
	t.Parallel()
	o := open(t)
	t.Run("100,000 rows below the header are planned, one more is named", func(t *testing.T) {
		t.Parallel()
		p, err := o.intake.Try(o.ctx, staff.Kind, "big.csv", []byte(made(100_000)), intake.Setting{}, nil)
		if err != nil || p.Problem != nil || len(p.Plan.Adds) != 100_000 {
			t.Errorf("100,000 rows: %v, %v", err, p.Problem)
		}
		for _, n := range []int{100_001, 100_200} {
			p, err = o.intake.Try(o.ctx, staff.Kind, "big.csv", []byte(made(n)), intake.Setting{}, nil)
			all := problem.All(p.Problem)
			if err != nil || len(all) != 1 || all[0].Code != problem.CodeTooLarge || all[0].Args["row"] != 100_002 {
				t.Errorf("%d rows: %v, %v, want too large from row 100,002 on", n, err, p.Problem)
			}
		}
	})
	t.Run("a large plant is taken over", func(t *testing.T) {
		t.Parallel()
		n := 8_000
		if os.Getenv("KIZUKI_PROVE") == "1" {
			n = 99_000
		}
		o := open(t)
		start := time.Now()
		done := o.apply(o.put(made(n), intake.Setting{}), nil)
		t.Logf("%d rows in %v", n, time.Since(start))
		if done.Counts.Added != n || len(o.list()) != n {
			t.Errorf("%d people were added, want %d", done.Counts.Added, n)
		}
	})
	t.Run("progress is told", func(t *testing.T) {
		t.Parallel()
		var seen []int
		_, err := o.intake.Try(o.ctx, staff.Kind, "s.csv", []byte(made(1200)), intake.Setting{}, func(done, total int) { seen = append(seen, done, total) })
		if diff := cmp.Diff([]int{0, 1200, 500, 1200, 1000, 1200, 1200, 1200}, seen); err != nil || diff != "" {
			t.Errorf("progress: %v (-want +got):\n%s", err, diff)
		}
	})
}

func BenchmarkImport5000(b *testing.B) {
	data := made(5000)
	for b.Loop() {
		b.StopTimer()
		o := open(b)
		b.StartTimer()
		o.apply(o.put(data, intake.Setting{}), nil)
	}
}

func FuzzPlan(f *testing.F) {
	f.Add([]byte(roster))
	cp932, _ := jtext.EncodeCP932(roster)
	f.Add(cp932)
	f.Add([]byte("氏名\t区分\n佐藤\t役員\n"))
	f.Add([]byte("氏名,氏名,氏名\n=1+1,#REF!,\n"))
	f.Add([]byte("姓,名,セイ,メイ,退職日\n佐藤,花子,さとう,はなこ,R8.11.23\n"))
	o := open(f)
	o.apply(o.put(roster, intake.Setting{}), nil)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return // long files only cost time here
		}
		p, err := o.intake.Try(o.ctx, staff.Kind, "f.csv", data, intake.Setting{}, nil)
		if err != nil {
			t.Fatalf("a file must never be an internal error: %v", err)
		}
		if p.Plan == nil {
			if p.Problem == nil {
				t.Fatal("neither plan nor problem")
			}
			return
		}
		if sum := len(p.Plan.Adds) + len(p.Plan.Changes) + p.Plan.Same + len(p.Plan.Refused); sum != p.Plan.Total {
			t.Fatalf("%d rows, but %d accounted for", p.Plan.Total, sum)
		}
	})
}
