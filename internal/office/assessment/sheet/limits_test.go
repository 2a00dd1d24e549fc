package sheet_test

import (
	"archive/zip"
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/office/assessment/sheet"
	tables "github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// bomb is a workbook whose sheet inflates to more than any check sheet needs.
func bomb(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name, text string, times int) {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		for range times {
			if _, err := w.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	add("_rels/.rels", `<Relationships><Relationship Id="1" Type="x/officeDocument" Target="xl/workbook.xml"/></Relationships>`, 1)
	add("xl/workbook.xml", `<workbook xmlns:r="x/relationships"><sheets><sheet name="a" r:id="1"/></sheets></workbook>`, 1)
	add("xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="1" Type="x/worksheet" Target="s.xml"/></Relationships>`, 1)
	add("xl/s.xml", strings.Repeat(" ", 1<<20), 201)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBombsAndProtectedFiles(t *testing.T) {
	t.Parallel()
	h := small(t)
	locked := []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1....")
	for _, c := range "EncryptedPackage" {
		locked = append(locked, byte(c), 0)
	}
	for name, test := range map[string]struct {
		data []byte
		want string
		code problem.Code
	}{
		"bomb.xlsx":   {bomb(t), "異常に大きくなる", problem.CodeTooLarge},
		"locked.xlsx": {locked, "パスワード", problem.CodeUnsupported},
	} {
		p := h.check(t, name, test.data)
		if p.Problem == nil || !strings.Contains(h.Texts.Problem("ja", p.Problem), test.want) {
			t.Errorf("import of %s: %v", name, p.Problem)
		}
		if _, err := h.intake.Apply(h.ctx, sheet.Kind, p.Import.Key, intake.Consent{Mark: p.Mark}); problem.CodeOf(err) != test.code {
			t.Errorf("taking %s over: %v", name, err)
		}
		if _, err := h.svc.PlanFill(h.ctx, name, test.data, sheet.FillOptions{Framework: assessmenttest.JAMA}); problem.CodeOf(err) != test.code {
			t.Errorf("filling %s: %v", name, err)
		}
	}
	if b := h.Board(t, assessmenttest.JAMA); b.Previous != nil || b.Source != "" {
		t.Error("something was saved")
	}
}

// TestExportBesideARunningOffice writes the sheet from a database that another process holds.
func TestExportBesideARunningOffice(t *testing.T) {
	t.Parallel()
	h := answered(t)
	beside, err := sqlite.OpenReading(t.Context(), h.DB.Path(), h.Clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = beside.Close() }()
	office := assessment.New(assessment.Deps{
		DB: beside, Facts: h.Facts, Catalog: assessmenttest.Catalog(t), Texts: h.Texts, Staff: h.Staff,
		Company: func(context.Context, *sqlite.Tx) (assessment.Company, error) { return h.Company, nil },
	})
	svc := sheet.New(sheet.Deps{DB: beside, Office: office, Texts: h.Texts})
	var buf bytes.Buffer
	err = svc.Export(h.ctx, sheet.ExportOptions{Framework: assessmenttest.JAMA, Format: tables.JSON, Unanswered: true}, &buf)
	if err != nil || !strings.Contains(buf.String(), `"answer": "2"`) {
		t.Errorf("%v\n%s", err, buf.String())
	}
}
