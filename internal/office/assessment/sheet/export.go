package sheet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	tables "github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web/request"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Schema names the shape of the JSON export. A field that means something else, or is gone, gets a new number.
const Schema = "kizuki.sheet/1"

// ExportOptions says what is written and how. Only Framework and Format are needed.
type ExportOptions struct {
	Framework  string         // key, or id for its newest version
	Format     tables.Format  // XLSX, CSV or JSON
	Encoding   jtext.Encoding // of CSV: jtext.CP932, or "" for UTF-8 with byte order mark
	Locale     string         // "" is the language of the context
	Items      string         // 「1-20, 28」; "" is all items
	Request    string         // key of a customer's request, instead of Items
	Unanswered bool           // write although items are still 分からない
	Lossy      bool           // write CP932 although characters are lost
}

// Line is one item as our own sheet shows it.
type Line struct {
	Number  string    `json:"number"` // "28", "4-2-1-3"
	Level   string    `json:"level"`  // id; "" while nobody knows it
	Label   string    `json:"label"`
	Title   string    `json:"title"` // in our own words; "" for items of which only the official wording is known
	Text    string    `json:"text"`
	Answer  string    `json:"answer"`  // "2", "1", "0", "na" or "unknown": what the sheet carries
	Records string    `json:"records"` // "met", "part", "unmet", "na" or "unknown": what the records alone say
	State   string    `json:"state"`   // the same, records and answers together
	Note    string    `json:"note"`
	Owner   string    `json:"owner"` // display name
	Planned jdate.Day `json:"planned"`
	Past    string    `json:"past"` // the answer of the round before, "" when there is none

	levelName string
	answer    verdict.Value
}

// Document is our own sheet: what the JSON export holds.
type Document struct {
	Schema     string    `json:"schema"` // Schema
	AsOf       jdate.Day `json:"as_of"`
	Company    string    `json:"company"`
	Language   string    `json:"language"`
	Framework  string    `json:"framework"`
	Title      string    `json:"title"`
	Round      string    `json:"round"` // "" while none was opened
	Unanswered int       `json:"unanswered"`
	Items      []Line    `json:"items"`             // never null
	OneHand    string    `json:"roles_in_one_hand"` // who holds several roles at once, in a sentence; "" for nobody

	form  Form
	short string
}

// Unanswered is one item that the sheet would show without a value.
type Unanswered struct {
	Number, Title, Link string
}

// document gathers what is written, and the items that are still 分からない.
func (s *Service) document(ctx context.Context, tx *sqlite.Tx, o ExportOptions) (*Document, []Unanswered, error) {
	f, err := s.framework(o.Framework)
	if err != nil {
		return nil, nil, err
	}
	b, err := s.office.Board(ctx, tx, f.Key())
	if err != nil {
		return nil, nil, err
	}
	items, err := s.wanted(ctx, tx, b, o.Request, o.Items)
	if err != nil {
		return nil, nil, err
	}
	names, err := s.office.Names(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	company, err := s.office.Company(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	d := &Document{
		Schema: Schema, AsOf: b.Today, Company: company.Name, Language: o.Locale, Framework: f.Key(), Title: b.Title.In(o.Locale) + " " + b.Version,
		Items: []Line{}, form: formFor(b.Framework), short: b.Short.In(o.Locale) + " " + b.Version,
	}
	if d.OneHand, err = s.office.OneHand(ctx, tx, o.Locale); err != nil {
		return nil, nil, err
	}
	if b.Round != nil {
		d.Round = b.Round.Name
	}
	for _, it := range items {
		l := line(b, it, names, o.Locale)
		// Where the office sees official wording, ours goes out: that text stays in this database.
		l.Title, l.Text = "", ""
		if ours := f.Item(it.Node.ID); !ours.NeedsImport {
			l.Title, l.Text = ours.Title.In(o.Locale), ours.Text.In(o.Locale)
		}
		d.Items = append(d.Items, l)
	}
	open := unansweredOf(items, o.Locale)
	d.Unanswered = len(open)
	return d, open, nil
}

func unansweredOf(items []*assessment.Item, locale string) []Unanswered {
	var out []Unanswered
	for _, it := range items {
		if it.AnswerValue == verdict.Unanswered {
			out = append(out, Unanswered{it.Number(), it.Node.Title.In(locale), it.Path()})
		}
	}
	return out
}

func line(b *assessment.Board, it *assessment.Item, names map[string]string, locale string) Line {
	l := Line{
		Number: it.Node.ID, Level: it.Node.Level, levelName: b.LevelName(it.Node.Level, locale),
		Answer: valueWord(it.AnswerValue), Records: resultWord(records(it)), State: resultWord(it.State), Note: it.Meta.Note,
		Owner: names[it.Meta.Owner], Planned: it.Meta.PlannedOn, answer: it.AnswerValue,
	}
	if label := it.Label(); label != nil {
		l.Label = label.Title.In(locale)
	}
	if it.Past != nil {
		l.Past = valueWord(verdict.Value(it.Past.AnswerValue))
	}
	return l
}

// records is what the records alone say of an item.
func records(it *assessment.Item) verdict.Result {
	states := make([]verdict.ClauseState, 0, len(it.Clauses))
	for _, c := range it.Clauses {
		states = append(states, verdict.ClauseState{Result: c.Verdict.Result})
	}
	return verdict.ItemState(states, verdict.Answer{})
}

func resultWord(r verdict.Result) string {
	if r == verdict.Unknown {
		return "unknown"
	}
	return string(r)
}

// Prepared says whether an export may be written as it is.
type Prepared struct {
	Document   *Document
	Unanswered []Unanswered
	Lost       []tables.Lost // characters that CP932 cannot write
}

// Prepare gathers what Export would write and what a person should be asked before. Problem codes: not_found,
// forbidden, invalid (items).
func (s *Service) Prepare(ctx context.Context, o ExportOptions) (*Prepared, error) {
	if o.Locale == "" {
		o.Locale = request.Locale(ctx)
	}
	p := &Prepared{}
	err := s.office.Read(ctx, func(tx *sqlite.Tx) error {
		var err error
		p.Document, p.Unanswered, err = s.document(ctx, tx, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	if o.Format == tables.CSV && o.Encoding == jtext.CP932 {
		p.Lost = tables.CheckCP932(s.table(p.Document))
	}
	return p, nil
}

// Export writes our own sheet and notes that it was written. Problem codes: conflict (checksheet.unanswered, with the
// number n and the first numbers) while items are 分からない and Unanswered is not set; conflict
// (checksheet.lossy) while CP932 would lose characters and Lossy is not set; not_found, forbidden, unsupported for another format.
func (s *Service) Export(ctx context.Context, o ExportOptions, w io.Writer) error {
	p, err := s.Prepare(ctx, o)
	if err != nil {
		return err
	}
	if len(p.Unanswered) > 0 && !o.Unanswered {
		return problem.Conflict("checksheet.unanswered", "n", len(p.Unanswered), "items", firstNumbers(p.Unanswered))
	}
	if len(p.Lost) > 0 && !o.Lossy {
		return problem.Conflict("checksheet.lossy", "n", len(p.Lost), "text", p.Lost[0].Text)
	}
	var buf bytes.Buffer
	if err := s.write(&buf, p.Document, o); err != nil {
		return err
	}
	if err := s.noteExport(ctx, p, o, buf.Bytes()); err != nil {
		return err
	}
	if _, err := w.Write(buf.Bytes()); err != nil {
		return fmt.Errorf("write sheet: %w", err)
	}
	return nil
}

// noteExport writes the export into the audit log. A command that reads beside a running office has no log to write to.
func (s *Service) noteExport(ctx context.Context, p *Prepared, o ExportOptions, data []byte) error {
	if s.db.ReadOnly() {
		return nil
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if err := actor.From(ctx).Require(assessment.PermRead); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "checksheet.exported", "assessment/"+p.Document.Framework, audit.Image{
			"format": string(o.Format), "items": len(p.Document.Items), "unanswered": len(p.Unanswered), "sha256": sum(data),
		})
	})
}

// firstNumbers names some items, for a sentence.
func firstNumbers(list []Unanswered) string {
	const most = 5
	text := ""
	for i, u := range list {
		switch {
		case i == most:
			return text + " …"
		case i > 0:
			text += ", "
		}
		text += u.Number
	}
	return text
}

func (s *Service) write(w io.Writer, d *Document, o ExportOptions) error {
	switch o.Format {
	case tables.JSON:
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		if err := enc.Encode(d); err != nil {
			return fmt.Errorf("write sheet as json: %w", err)
		}
		return nil
	case tables.CSV:
		_, err := tables.WriteCSV(w, s.table(d), o.Encoding)
		return err
	case tables.XLSX:
		return tables.WriteXLSX(w, s.table(d))
	default:
		return problem.Unsupported("sheet.format", "format", string(o.Format))
	}
}

// table is our own sheet with headers that we read back ourselves.
func (s *Service) table(d *Document) tables.Out {
	t := func(key string) string { return s.texts.T(d.Language, key, nil) }
	number, text := "checksheet.out.number", "checksheet.out.condition"
	if d.form == CriteriaSheet {
		number, text = "checksheet.out.criterion_number", "checksheet.out.criterion"
	}
	out := tables.Out{
		Title: s.texts.T(d.Language, "checksheet.out.title", problem.Args{"framework": d.short}), Day: d.AsOf, Foot: d.OneHand,
		Columns: []tables.OutColumn{
			{Title: t("checksheet.out.label"), Width: 20},
			{Title: t(number), Width: 9},
			{Title: t("checksheet.out.level"), Width: 9},
			{Title: t(text), Width: 48},
			{Title: t("checksheet.out.answer"), Width: 10},
			{Title: t("checksheet.out.records"), Width: 18},
			{Title: t("checksheet.out.state"), Width: 18},
			{Title: t("checksheet.out.note"), Width: 40},
			{Title: t("checksheet.out.owner"), Width: 14},
			{Title: t("checksheet.out.planned"), Width: 12, Kind: tables.Date},
		},
	}
	word := func(v verdict.Value) string { return s.texts.T(d.Language, "checksheet.cell."+valueWord(v), nil) }
	out.Choices = map[int][]string{4: {word(verdict.ValueMet), word(verdict.ValuePart), word(verdict.ValueUnmet), word(verdict.NotApplicable)}}
	for _, l := range d.Items {
		answer := ""
		if l.answer != verdict.Unanswered {
			answer = word(l.answer)
		}
		words := strings.TrimSpace(l.Title + "\n" + l.Text)
		if words == "" {
			words = t("checksheet.out.no_words")
		}
		out.Rows = append(out.Rows, []any{
			l.Label, l.Number, l.levelName, words, answer, t("checksheet.result." + l.Records),
			t("checksheet.result." + l.State), l.Note, l.Owner, l.Planned,
		})
	}
	return out
}

// FileName is the name under which an export is handed out: ASCII, with framework and day.
func FileName(d *Document, o ExportOptions) string {
	return "kizuki-sheet-" + d.Framework + "-" + d.AsOf.String() + "." + string(o.Format)
}
