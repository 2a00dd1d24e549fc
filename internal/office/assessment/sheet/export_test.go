package sheet

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/catalog"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	tables "github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sheet/sheettest"
	"github.com/kizuki-security/kizuki/internal/register/framework"
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

func contents(p *Parsed) []content {
	var out []content
	for _, r := range p.Rows {
		out = append(out, content{r.Item, r.Level, r.Note, int(r.Answer), r.Planned.String()})
	}
	return out
}

func document(p *Parsed, locale string) *Document {
	d := &Document{Language: locale, Framework: "jama-japia@2.3", short: "自工会・部工会 2.3", form: p.Form, AsOf: jdate.On(2026, 11, 23)}
	for _, r := range p.Rows {
		d.Items = append(d.Items, Line{
			Number: r.Item, levelName: "Lv" + r.Level, Label: r.Label, Title: "要点", Text: "文", answer: r.Answer, Records: "unknown", State: "met",
			Note: r.Note, Owner: "佐藤 花子", Planned: r.Planned,
		})
	}
	return d
}

// TestExportReadsBack is the property import(export(x)) = x, for 200 workbooks of varied layout, in every form and language.
func TestExportReadsBack(t *testing.T) {
	t.Parallel()
	m, err := i18n.New(Messages(), tables.Messages())
	if err != nil {
		t.Fatal(err)
	}
	c, err := framework.Load(catalog.FS)
	if err != nil {
		t.Fatal(err)
	}
	f := c.Latest("jama-japia")
	s := &Service{texts: m}
	read := func(name string, data []byte) *Parsed {
		t.Helper()
		book, err := tables.Open(name, data, tables.Limits{})
		if err != nil {
			t.Fatalf("open %s: %v", name, err)
		}
		p, err := Parse(name, book, f, intake.Setting{})
		if err != nil {
			t.Fatalf("read %s: %v", name, err)
		}
		return p
	}
	forms := []ExportOptions{
		{Format: tables.XLSX, Locale: "ja"}, {Format: tables.CSV, Locale: "ja"}, {Format: tables.CSV, Encoding: jtext.CP932, Locale: "ja"},
		{Format: tables.XLSX, Locale: "en"}, {Format: tables.CSV, Locale: "en"},
	}
	for seed := range uint64(200) {
		made, err := sheettest.Workbook(seed)
		if err != nil {
			t.Fatal(err)
		}
		p := read("a.xlsx", made.Data)
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
		if err := s.write(&buf, document(p, o.Locale), o); err != nil {
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
