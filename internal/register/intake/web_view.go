package intake

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// IndexView lists what can be taken in.
type IndexView struct{ Kinds []KindRow }

// KindRow is one importer.
type KindRow struct{ Kind, Title string }

// StartView is step ①.
type StartView struct {
	Form        *web.Form
	Kind        string
	Title, Lead string // message keys
	Columns     []ColumnRow
	Encodings   []web.Option
	Recent      []Import
	Now         time.Time
}

// ColumnRow says how a column may be called in a file.
type ColumnRow struct {
	Title, Example string // message keys
	Words          []string
	Required       bool
}

// CheckView is step ②.
type CheckView struct {
	Form      *web.Form
	Import    Import
	Title     string // message key
	Readable  bool   // the file itself could be read
	Text      bool   // a text file: the encoding can be chosen
	Encoding  string // as read
	Encodings []web.Option
	Sheets    []web.Option
	Headers   []web.Option
	Sheet     string
	Header    int // row counted from 1
	Matched   int
	Of        int
	Columns   []MatchRow
	Targets   []web.Option
	Options   []OptionView
	Plan      *Plan // nil when there is a problem
	Mark      string
	Counts    Counts
	Added     []EntryView // the first few of each
	Changed   []EntryView
	Refused   []Refusal
	Missing   []EntryView
	Asks      []AskView
	More      Counts // how many are not shown
}

// MatchRow is one column of the sheet with samples and what it is taken for.
type MatchRow struct {
	Field, Letter, Header, Value string
	Samples                      []string
}

// OptionView is one option as a select.
type OptionView struct {
	Field, Label, Help, Value string // Label and Help are message keys
	Choices                   []web.Option
}

// EntryView is one member with what changes.
type EntryView struct {
	Line   int
	Name   string
	Link   string
	Fields []FieldView
}

// FieldView is one value before and after, as text.
type FieldView struct{ Label, Old, New string }

// AskView is one question with its answers.
type AskView struct {
	Ask
	Field string
	More  int // names that are not shown
}

// DoneView is step ③.
type DoneView struct {
	Form      *web.Form
	Import    Import
	Title     string // message key
	CanUndo   bool
	UndoUntil jdate.Day
}

// shown is how many members of each group step ② shows; all of them are in the download.
const shown = 20

func (h *Web) checkView(r *http.Request, p *Preview, form *web.Form) CheckView {
	v := CheckView{
		Form: form, Import: p.Import, Title: p.Importer.Title(), Readable: p.Book != nil, Encodings: h.encodings(r), Mark: p.Mark, Plan: p.Plan,
	}
	v.Encoding = string(p.Import.Setting.Encoding)
	for _, o := range p.Importer.Options() {
		ov := OptionView{Field: "option_" + o.Name, Label: o.Label, Help: o.Help, Value: options(p.Importer, p.Import.Setting)[o.Name]}
		for _, c := range o.Choices {
			ov.Choices = append(ov.Choices, web.Option{Value: c.Value, Label: h.shell.T(r, c.Label, nil)})
		}
		v.Options = append(v.Options, ov)
	}
	if p.Book == nil {
		v.Text = slices.ContainsFunc(problem.All(p.Problem), func(e *problem.Error) bool { return e.Key == "sheet.text_broken" || e.Key == "sheet.csv_broken" })
		return v
	}
	v.Text = p.Book.Encoding != ""
	h.layoutView(r, p, &v)
	if p.Plan != nil {
		h.planView(r, p.Plan, &v)
	}
	return v
}

// headerChoices is how many rows can be chosen as the header.
const headerChoices = 30

func (h *Web) layoutView(r *http.Request, p *Preview, v *CheckView) {
	if len(p.Book.Sheets) > 1 {
		for _, t := range p.Book.Sheets {
			v.Sheets = append(v.Sheets, web.Option{Value: t.Name, Label: t.Name})
		}
	}
	t := p.Table()
	v.Sheet, v.Header = t.Name, p.Layout.Header.Row+1
	if len(v.Sheets) == 0 {
		v.Sheet = p.Import.Setting.Sheet
	}
	for i := range min(headerChoices, len(t.Rows)) {
		v.Headers = append(v.Headers, web.Option{
			Value: strconv.Itoa(i + 1), Label: h.shell.T(r, "intake.header_row", problem.Args{"row": t.Line(i), "text": rowText(t.Rows[i])}),
		})
	}
	if len(p.Importer.Columns()) == 0 { // it finds its table by itself
		return
	}
	v.Targets = append(v.Targets, web.Option{Label: h.shell.T(r, "intake.not_used", nil)})
	for _, c := range p.Importer.Columns() {
		if len(p.Importer.Columns()) == 0 { // it finds its table by itself
			return
		}
		v.Targets = append(v.Targets, web.Option{Value: c.Name, Label: h.shell.T(r, c.Title, nil)})
	}
	v.Columns = matchRows(p)
	v.Of, v.Matched = len(v.Columns), len(p.Layout.Header.Matches)
}

// rowText shows the first cells of a row.
func rowText(row []sheet.Cell) string {
	const cells, width = 4, 40
	var parts []string
	for _, c := range row {
		if s := jtext.Line(c.Text); s != "" && len(parts) < cells {
			parts = append(parts, s)
		}
	}
	return jtext.Truncate(strings.Join(parts, "　"), width)
}

// matchRows lists the columns of the sheet that have a header or a value.
func matchRows(p *Preview) []MatchRow {
	t, header := p.Table(), p.Layout.Header
	headers, target := map[int]string{}, map[int]string{}
	for _, m := range append(slices.Clone(header.Matches), header.Unmatched...) {
		headers[m.Index], target[m.Index] = m.Header, m.Column
	}
	first := min(header.First(), len(t.Rows))
	sample := t.Rows[first:min(first+sampleRows, len(t.Rows))]
	width := 0
	for index := range headers {
		width = max(width, index+1)
	}
	for _, row := range sample {
		width = max(width, len(row))
	}
	var out []MatchRow
	const longest = 24
	for i := range width {
		m := MatchRow{Field: "at_" + strconv.Itoa(i+1), Letter: sheet.ColumnName(i), Header: headers[i], Value: target[i]}
		for _, row := range sample {
			if i < len(row) && row[i].Text != "" {
				m.Samples = append(m.Samples, jtext.Truncate(jtext.Line(row[i].Text), longest))
			}
		}
		if m.Header != "" || len(m.Samples) > 0 {
			out = append(out, m)
		}
	}
	return out
}

func (h *Web) planView(r *http.Request, p *Plan, v *CheckView) {
	v.Counts = p.counts()
	v.Added, v.More.Added = h.entries(r, p.Adds)
	v.Changed, v.More.Changed = h.entries(r, p.Changes)
	v.Missing, v.More.Missing = h.entries(r, p.Missing)
	v.Refused = p.Refused[:min(shown, len(p.Refused))]
	v.More.Refused = len(p.Refused) - len(v.Refused)
	for _, a := range p.Asks {
		view := AskView{Ask: a, Field: "ask_" + a.Name}
		if len(a.Names) > shown {
			view.Names, view.More = a.Names[:shown], len(a.Names)-shown
		}
		v.Asks = append(v.Asks, view)
	}
}

// entries shows the first few members and counts the others.
func (h *Web) entries(r *http.Request, list []Entry) (out []EntryView, more int) {
	for _, e := range list[:min(shown, len(list))] {
		out = append(out, h.entry(r, e))
	}
	return out, len(list) - len(out)
}

func (h *Web) entry(r *http.Request, e Entry) EntryView {
	v := EntryView{Line: e.Line, Name: e.Name, Link: e.Link}
	texts, locale := h.shell.Texts(), web.Locale(r.Context())
	for _, f := range e.Fields {
		v.Fields = append(v.Fields, FieldView{h.shell.T(r, f.Label, nil), texts.Format(locale, f.Old), texts.Format(locale, f.New)})
	}
	return v
}

// refused writes the refused rows, with reason and as they stand in the file, so that they can be mended
// and taken in alone.
func (h *Web) refused(w http.ResponseWriter, r *http.Request) error {
	p, err := h.planned(r)
	if err != nil {
		return err
	}
	t, header := p.Table(), p.Layout.Header
	out := sheet.Out{Title: h.shell.T(r, "intake.refused", nil)}
	for _, key := range []string{"intake.col.line", "intake.col.reason"} {
		out.Columns = append(out.Columns, sheet.OutColumn{Title: h.shell.T(r, key, nil)})
	}
	rows := matchRows(p)
	for _, m := range rows {
		out.Columns = append(out.Columns, sheet.OutColumn{Title: m.Header})
	}
	reasons := map[int]string{}
	for _, f := range p.Plan.Refused {
		if have := reasons[f.Line]; have != "" {
			reasons[f.Line] = have + " "
		}
		reasons[f.Line] += h.shell.T(r, f.Reason.Key, f.Reason.Args)
	}
	for i := header.First(); i < len(t.Rows); i++ {
		reason, ok := reasons[t.Line(i)]
		if !ok {
			continue
		}
		row := []any{t.Line(i), reason}
		for _, m := range rows {
			at, err := strconv.Atoi(strings.TrimPrefix(m.Field, "at_"))
			if err != nil {
				return err
			}
			row = append(row, t.At(i, at-1).Text)
		}
		out.Rows = append(out.Rows, row)
	}
	return web.Export(w, r, "refused-rows", out)
}

// differences writes everything that the file would change.
func (h *Web) differences(w http.ResponseWriter, r *http.Request) error {
	p, err := h.planned(r)
	if err != nil {
		return err
	}
	out := sheet.Out{Title: h.shell.T(r, "intake.differences", nil)}
	for _, key := range []string{"act", "line", "name", "field", "old", "new"} {
		out.Columns = append(out.Columns, sheet.OutColumn{Title: h.shell.T(r, "intake.col."+key, nil)})
	}
	for _, group := range []struct {
		key  string
		list []Entry
	}{{"intake.added", p.Plan.Adds}, {"intake.changed", p.Plan.Changes}, {"intake.missing", p.Plan.Missing}} {
		act := h.shell.T(r, group.key, nil)
		for _, e := range group.list {
			v := h.entry(r, e)
			if len(v.Fields) == 0 {
				out.Rows = append(out.Rows, []any{act, lineText(v.Line), v.Name})
			}
			for _, f := range v.Fields {
				out.Rows = append(out.Rows, []any{act, lineText(v.Line), v.Name, f.Label, f.Old, f.New})
			}
		}
	}
	return web.Export(w, r, "differences", out)
}

func lineText(line int) string {
	if line == 0 {
		return ""
	}
	return strconv.Itoa(line)
}

func (h *Web) planned(r *http.Request) (*Preview, error) {
	p, err := h.svc.Preview(r.Context(), r.PathValue("kind"), r.PathValue("key"), nil)
	if err != nil {
		return nil, err
	}
	if p.Plan == nil {
		return nil, p.Problem
	}
	return p, nil
}
