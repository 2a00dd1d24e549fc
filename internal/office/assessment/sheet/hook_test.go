package sheet

import (
	"io"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// WriteParsed writes what was read as our own sheet, without an office, for the property that reading it again gives the same.
func WriteParsed(w io.Writer, texts *i18n.Messages, p *Parsed, o ExportOptions) error {
	d := &Document{Language: o.Locale, Framework: "jama-japia@2.3", short: "自工会・部工会 2.3", form: p.Form, AsOf: jdate.On(2026, 11, 23)}
	for _, r := range p.Rows {
		d.Items = append(d.Items, Line{
			Number: r.Item, levelName: "Lv" + r.Level, Label: r.Label, Title: "要点", Text: "文", answer: r.Answer, Records: "unknown", State: "met",
			Note: r.Note, Owner: "佐藤 花子", Planned: r.Planned,
		})
	}
	return (&Service{texts: texts}).write(w, d, o)
}
