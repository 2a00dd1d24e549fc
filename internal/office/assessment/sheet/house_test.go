package sheet_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/office/assessment/request"
	"github.com/kizuki-security/kizuki/internal/office/assessment/sheet"
	tables "github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/intake"
)

// house is an office with the wizard and the sheets.
type house struct {
	*assessmenttest.Office

	ctx    context.Context //nolint:containedctx // a keeper for the whole test
	svc    *sheet.Service
	intake *intake.Service
	asked  *request.Service
}

func newHouse(t testing.TB, c *framework.Catalog) *house {
	t.Helper()
	h := &house{ctx: assessmenttest.Keeper(t)}
	h.Office = assessmenttest.OpenWith(t, c, sheet.Messages(), request.Messages(), tables.Messages(), intake.Messages())
	if err := h.DB.Migrate(h.ctx, []sqlite.Migration{intake.Migrations()}); err != nil {
		t.Fatal(err)
	}
	h.asked = request.New(h.DB, h.Svc, nil)
	h.svc = sheet.New(sheet.Deps{DB: h.DB, Office: h.Svc, Texts: h.Texts, Requests: h.asked})
	h.intake = intake.New(h.DB, t.TempDir(), h.Texts, h.svc.Importer())
	return h
}

// small is an office with the catalogue of tests: items 1, 8, 28, 49, 53, 120.
func small(t testing.TB) *house {
	t.Helper()
	return newHouse(t, assessmenttest.Catalog(t))
}

// take runs the wizard to its end; options are name, value, name, value.
func (h *house) take(t testing.TB, name string, data []byte, options ...string) (*intake.Preview, intake.Import) {
	t.Helper()
	p := h.check(t, name, data, options...)
	if p.Problem != nil {
		t.Fatalf("%s: %s", name, h.Texts.Problem("ja", p.Problem))
	}
	i, err := h.intake.Apply(h.ctx, sheet.Kind, p.Import.Key, intake.Consent{Mark: p.Mark})
	if err != nil {
		t.Fatalf("take %s over: %v", name, err)
	}
	return p, i
}

func (h *house) check(t testing.TB, name string, data []byte, options ...string) *intake.Preview {
	t.Helper()
	setting := intake.Setting{Options: map[string]string{}}
	for i := 0; i+1 < len(options); i += 2 {
		setting.Options[options[i]] = options[i+1]
	}
	i, err := h.intake.Prepare(h.ctx, sheet.Kind, name, data, setting)
	if err != nil {
		t.Fatal(err)
	}
	p, err := h.intake.Preview(h.ctx, sheet.Kind, i.Key, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (h *house) notes(p *intake.Preview) string {
	var b strings.Builder
	for _, n := range p.Plan.Notes {
		b.WriteString(h.Texts.T("ja", n.Key, n.Args) + "\n")
	}
	return b.String()
}

// csv is a small sheet of the catalogue of tests.
func csv(lines ...string) []byte {
	return []byte("ラベル,No.,レベル,達成条件,達成基準,評価,コメント,予定日\n" + strings.Join(lines, "\n") + "\n")
}

// xlsx writes rows as a workbook of one sheet.
func xlsx(t testing.TB, name string, rows ...[]any) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	if err := f.SetSheetName("Sheet1", name); err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		for j, v := range row {
			if text, ok := v.(string); ok && strings.HasPrefix(text, "=") {
				if err := f.SetCellFormula(name, tables.CellName(i, j), text); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if err := f.SetCellValue(name, tables.CellName(i, j), v); err != nil {
				t.Fatal(err)
			}
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
