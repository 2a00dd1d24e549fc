package sheet_test

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/office/assessment/sheet"
	tables "github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
)

// content is what must survive writing and reading again.
type content struct {
	Item, Level, Note string
	Answer            int
	Planned           string
}

func contents(p *sheet.Parsed) []content {
	var out []content
	for _, r := range p.Rows {
		out = append(out, content{r.Item, r.Level, r.Note, int(r.Answer), r.Planned.String()})
	}
	return out
}

// TestExportReadsBack is the property import(export(x)) = x, for 200 workbooks of varied layout, in every form and language.
func TestExportReadsBack(t *testing.T) {
	t.Parallel()
	m, f := texts(t), jama(t)
	read := func(name string, data []byte) *sheet.Parsed {
		t.Helper()
		p, err := sheet.Parse(name, open(t, name, data), f, intake.Setting{})
		if err != nil {
			t.Fatalf("read %s: %v", name, err)
		}
		return p
	}
	forms := []sheet.ExportOptions{
		{Format: tables.XLSX, Locale: "ja"},
		{Format: tables.CSV, Locale: "ja"},
		{Format: tables.CSV, Encoding: jtext.CP932, Locale: "ja"},
		{Format: tables.XLSX, Locale: "en"},
		{Format: tables.CSV, Locale: "en"},
	}
	for seed := range uint64(seeds) {
		made := workbook(t, seed)
		p := read(made.Name, made.Data)
		for i := range p.Rows {
			if i%5 == int(seed%5) {
				p.Rows[i].Planned = jdate.On(2026, 1, 1).Add(i * 7)
			}
			if i%11 == 0 {
				p.Rows[i].Answer = -1
			}
			if i%13 == 0 {
				p.Rows[i].Note = "=1+1\n'引用' \"二重\" " + strconv.Itoa(i)
			}
		}
		o := forms[seed%uint64(len(forms))]
		var buf bytes.Buffer
		if err := sheet.WriteParsed(&buf, m, p, o); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		back := read("b."+string(o.Format), buf.Bytes())
		if !back.Ours() || len(back.Refused)+len(back.Warnings)+len(back.Missing) > 0 {
			t.Fatalf("seed %d as %s %s: ours %v, refused %v, warned %v, missing %v", seed, o.Locale, o.Format, back.Ours(), back.Refused, back.Warnings, back.Missing)
		}
		if diff := cmp.Diff(contents(p), contents(back)); diff != "" {
			t.Fatalf("seed %d as %s %s (-written +read):\n%s", seed, o.Locale, o.Format, diff)
		}
	}
}
