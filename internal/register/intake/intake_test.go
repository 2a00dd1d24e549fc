package intake_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// tools is a register of tools in memory: what an importer of any feature looks like from outside.
type tools struct {
	names []string
}

func (*tools) Kind() string                 { return "tools" }
func (*tools) Title() string                { return "tools.title" }
func (*tools) Permission() actor.Permission { return "tools.edit" }
func (t *tools) Columns() []intake.Column {
	return []intake.Column{{Name: "name", Title: "tools.name", Aliases: []string{"工具"}, Required: true}, {Name: "place", Title: "tools.place", Aliases: []string{"置き場"}}}
}

func (*tools) Options() []intake.Option {
	return []intake.Option{{Name: "case", Choices: []intake.Choice{{Value: "keep"}, {Value: "upper"}}}}
}

func (t *tools) Plan(_ context.Context, _ *sqlite.Tx, in intake.Input) (*intake.Plan, error) {
	p := &intake.Plan{Total: len(in.Rows), Asks: []intake.Ask{{Name: "sure", Choices: []intake.Choice{{Value: "yes"}, {Value: "no"}}}}}
	var fresh []string
	for _, row := range in.Rows {
		name := row.Text("name")
		if in.Option("case") == "upper" {
			name = strings.ToUpper(name)
		}
		switch {
		case name == "":
			p.Refused = append(p.Refused, intake.Refusal{Line: row.Line, Reason: i18n.Msg{Key: "tools.no_name"}})
		case slices.Contains(t.names, name):
			p.Same++
		default:
			fresh = append(fresh, name)
			p.Adds = append(p.Adds, intake.Entry{Line: row.Line, Name: name})
		}
	}
	p.Data = fresh
	return p, nil
}

func (t *tools) Apply(_ context.Context, _ *sqlite.Tx, p *intake.Plan, c intake.Consent) ([]byte, error) {
	fresh, ok := p.Data.([]string)
	if !ok {
		return nil, fmt.Errorf("plan of %T", p.Data)
	}
	if c.Answer("sure") != "no" {
		t.names = append(t.names, fresh...)
	}
	return []byte(strings.Join(fresh, "\n")), nil
}

func (t *tools) Undo(_ context.Context, _ *sqlite.Tx, undo []byte) error {
	for name := range strings.SplitSeq(string(undo), "\n") {
		t.names = slices.DeleteFunc(t.names, func(n string) bool { return n == name })
	}
	return nil
}

// ownTable is tools with a table that no header word finds.
type ownTable struct{ tools }

func (*ownTable) Locate(book *sheet.Book, _ intake.Setting) (intake.Layout, error) {
	for i, t := range book.Sheets {
		for row := range t.Rows {
			if t.At(row, 0).Text == "BEGIN" {
				return intake.Layout{Sheet: i, Header: sheet.Header{Row: row, Rows: 1, Matches: []sheet.Match{{Column: "name", Index: 1}}}}, nil
			}
		}
	}
	return intake.Layout{}, problem.Invalid("", "tools.no_begin")
}

type office struct {
	t     *testing.T
	clock *sqlitetest.Clock
	svc   *intake.Service
	ctx   context.Context //nolint:containedctx // one actor for the whole test
	kind  string
}

func open(t *testing.T, imp intake.Importer) *office {
	t.Helper()
	o := &office{t: t, clock: sqlitetest.NewClock("2026-11-23"), kind: imp.Kind()}
	db := sqlitetest.Open(t, o.clock, audit.Migrations(), intake.Migrations())
	o.svc = intake.New(db, t.TempDir(), nil)
	o.svc.Add(imp)
	o.ctx = actor.With(t.Context(), actor.New(actor.Actor{Account: "a", Via: "session"}, []actor.Permission{"tools.edit"}))
	return o
}

func (o *office) put(data string, setting intake.Setting) intake.Import {
	o.t.Helper()
	i, err := o.svc.Prepare(o.ctx, o.kind, `..\..\etc/名 簿.csv`, []byte(data), setting)
	if err != nil {
		o.t.Fatalf("prepare: %v", err)
	}
	return i
}

func (o *office) preview(key string) *intake.Preview {
	o.t.Helper()
	p, err := o.svc.Preview(o.ctx, o.kind, key, nil)
	if err != nil {
		o.t.Fatalf("preview: %v", err)
	}
	return p
}

func TestOptionsAndAnswersReachTheImporter(t *testing.T) {
	t.Parallel()
	imp := &tools{}
	o := open(t, imp)
	i := o.put("題名\n\n置き場,工具\nA棚,hammer\n,\nB棚,saw\nC棚,\n", intake.Setting{Options: map[string]string{"case": "upper", "other": "x"}})
	p := o.preview(i.Key)
	if p.Problem != nil || len(p.Plan.Adds) != 2 || p.Plan.Adds[1].Line != 6 || len(p.Plan.Refused) != 1 || p.Plan.Refused[0].Line != 7 {
		t.Fatalf("plan: %v, %+v", p.Problem, p.Plan)
	}
	if _, err := o.svc.Apply(o.ctx, "tools", i.Key, intake.Consent{Mark: p.Mark, Answers: map[string]string{"sure": "no"}}); err != nil {
		t.Fatalf("apply: %v", err)
	}
	if len(imp.names) != 0 {
		t.Errorf("names %v against the answer", imp.names)
	}
	i = o.put("工具\nhammer\n", intake.Setting{})
	p = o.preview(i.Key)
	done, err := o.svc.Apply(o.ctx, "tools", i.Key, intake.Consent{Mark: p.Mark})
	if err != nil || done.State != intake.Applied || done.Counts.Added != 1 {
		t.Fatalf("apply: %v, %+v", err, done)
	}
	if diff := cmp.Diff([]string{"hammer"}, imp.names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if _, err := o.svc.Undo(o.ctx, "tools", i.Key); err != nil || len(imp.names) != 0 {
		t.Errorf("undo: %v, %v", err, imp.names)
	}
}

func TestImporterThatFindsItsOwnTable(t *testing.T) {
	t.Parallel()
	o := open(t, &ownTable{})
	p := o.preview(o.put("x,y\nBEGIN,\n,hammer\n", intake.Setting{}).Key)
	if p.Problem != nil || len(p.Plan.Adds) != 1 || p.Plan.Adds[0].Name != "hammer" {
		t.Errorf("plan: %v, %+v", p.Problem, p.Plan)
	}
	p = o.preview(o.put("x,y\n", intake.Setting{}).Key)
	if all := problem.All(p.Problem); len(all) != 1 || all[0].Key != "tools.no_begin" {
		t.Errorf("got %v, want the importer's own problem", p.Problem)
	}
}

func TestMissingRequiredColumnIsNamed(t *testing.T) {
	t.Parallel()
	o := open(t, &tools{})
	p := o.preview(o.put("置き場,数\nA,1\n", intake.Setting{}).Key)
	all := problem.All(p.Problem)
	if len(all) != 1 || all[0].Key != "intake.column_missing" || !cmp.Equal(all[0].Args["column"], i18n.Msg{Key: "tools.name"}) {
		t.Errorf("got %v", p.Problem)
	}
}

func TestFilesAreKept(t *testing.T) {
	t.Parallel()
	o := open(t, &tools{})
	for _, tc := range []struct {
		name string
		data []byte
		code problem.Code
	}{
		{"empty", nil, problem.CodeInvalid},
		{"too large", make([]byte, sheet.DefaultLimits.FileBytes+1), problem.CodeTooLarge},
	} {
		if _, err := o.svc.Prepare(o.ctx, "tools", "x.csv", tc.data, intake.Setting{}); problem.CodeOf(err) != tc.code {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.code)
		}
	}
	if _, err := o.svc.Prepare(o.ctx, "nothing", "x.csv", []byte("x"), intake.Setting{}); problem.CodeOf(err) != problem.CodeNotFound {
		t.Errorf("unknown kind: got %v", err)
	}
	if _, err := o.svc.Find(o.ctx, "tools", "../../secret"); problem.CodeOf(err) != problem.CodeNotFound {
		t.Errorf("a path as key: got %v", err)
	}
	i := o.put("工具\nsaw\n", intake.Setting{})
	o.clock.SetDay("2026-12-01")
	if n, err := o.svc.Sweep(o.ctx); n != 1 || err != nil {
		t.Errorf("sweep of a waiting file: %d, %v", n, err)
	}
	if _, err := o.svc.Preview(o.ctx, "tools", i.Key, nil); problem.CodeOf(err) != problem.CodeNotFound {
		t.Errorf("preview after the sweep: got %v", err)
	}
	if n, err := o.svc.Sweep(o.ctx); n != 0 || err != nil {
		t.Errorf("second sweep: %d, %v", n, err)
	}
}
