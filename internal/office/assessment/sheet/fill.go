package sheet

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	asked "github.com/kizuki-security/kizuki/internal/office/assessment/request"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	tables "github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web/request"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// FillOptions says what is written into somebody else's workbook. Answers always are; only Framework is needed.
type FillOptions struct {
	Framework  string // key, or id for its newest version
	Items      string // 「1-20, 28」; "" is all items
	Request    string // key of a customer's request, instead of Items
	Comments   bool   // write our notes into the column of comments
	Dates      bool   // write planned dates into their column
	Unanswered bool   // go on although items are 分からない; their cells stay as they are
	SentTo     string // to whom the workbook goes; "" is not noted
	SentOn     jdate.Day
}

// Miss is an item that could not be written, with the reason.
type Miss struct {
	Number string // empty when the row names no item of ours
	Cell   string // "F12"; empty when the workbook has no cell for it
	Line   int    // row of the workbook; 0: none
	Reason i18n.Msg
}

// Write is one cell that changes.
type Write struct {
	Number, Cell string
	Old, New     string // as they stand in the cell
}

// FillPlan is what Fill does to a workbook.
type FillPlan struct {
	File, Sheet string
	Framework   string
	Answers     []Write
	Comments    []Write
	Dates       []Write
	Same        int // answer cells that say it already
	Misses      []Miss
	Unanswered  []Unanswered

	place Place
	data  []byte
}

// filling gathers the edits of one workbook.
type filling struct {
	s      *Service
	parsed *Parsed
	table  tables.Table
	plan   *FillPlan
	edits  []tables.Edit
	number map[string]string // cell → item, of the edits
	spell  *speller
	at     map[string]int
}

// PlanFill reads a workbook and computes what Fill would write. Nothing is stored. Problem codes: those of Parse;
// unsupported for files that are no .xlsx or .xlsm; invalid when there is no column for answers.
func (s *Service) PlanFill(ctx context.Context, name string, data []byte, o FillOptions) (*FillPlan, error) {
	f, err := s.framework(o.Framework)
	if err != nil {
		return nil, err
	}
	book, err := tables.Open(name, data, tables.Limits{})
	if err != nil {
		return nil, err
	}
	if book.Format != tables.XLSX && book.Format != tables.XLSM {
		return nil, problem.Unsupported("sheet.fill.not_xlsx")
	}
	var plan *FillPlan
	err = s.office.Read(ctx, func(tx *sqlite.Tx) error {
		b, err := s.office.Board(ctx, tx, f.Key())
		if err != nil {
			return err
		}
		items, err := s.wanted(ctx, tx, b, o.Request, o.Items)
		if err != nil {
			return err
		}
		used, err := findUsed(ctx, tx, f.Key())
		if err != nil {
			return err
		}
		plan, err = s.planFill(ctx, name, data, book, f, items, used, o)
		return err
	})
	return plan, err
}

func (s *Service) planFill(ctx context.Context, name string, data []byte, book *tables.Book, f *framework.Framework, items []*assessment.Item, used []Used, o FillOptions) (*FillPlan, error) {
	layout, err := locate(book, knownPlace(book, used), formFor(f))
	if err != nil {
		return nil, withFile(name, err)
	}
	table := book.Sheets[layout.Sheet]
	parsed, err := parseTable(name, table, layout.Header, f, nil, true)
	if err != nil {
		return nil, err
	}
	w := &filling{s: s, parsed: parsed, table: table, number: map[string]string{}, at: map[string]int{}}
	for _, m := range layout.Header.Matches {
		w.at[m.Column] = m.Index
	}
	answers, ok := w.at[colAnswer]
	if !ok {
		if answers, ok = w.at[colPoints]; !ok {
			return nil, problem.Invalid("", "checksheet.fill.no_answers", "file", name, "sheet", table.Name)
		}
	}
	w.at[colAnswer] = answers
	choices, err := tables.Choices(data, book, table.Name)
	if err != nil {
		return nil, fmt.Errorf("read lists of workbook: %w", err)
	}
	w.spell = newSpeller(parsed, choices)
	w.plan = &FillPlan{File: name, Sheet: table.Name, Framework: f.Key(), Unanswered: unansweredOf(items, request.Locale(ctx)), place: placeOf(parsed)}
	w.refused()
	for _, it := range items {
		w.item(it, o)
	}
	if err := w.write(data); err != nil {
		return nil, err
	}
	return w.plan, nil
}

// knownPlace looks for a sheet whose columns a person or an earlier file settled before.
func knownPlace(book *tables.Book, used []Used) intake.Setting {
	for _, u := range used {
		i := slices.IndexFunc(book.Sheets, func(t tables.Table) bool { return t.Name == u.Place.Sheet })
		if i < 0 || u.Place.Row == 0 || u.Way == "export" {
			continue
		}
		h := tables.Header{Row: u.Place.Row - 1, Rows: max(u.Place.Rows, 1)}
		fits, n := true, 0
		for _, name := range allColumns {
			col, ok := u.Place.Columns[name]
			if !ok {
				continue
			}
			now := headerText(h, book.Sheets[i], col-1)
			fits = fits && n < len(u.Place.Headers) && strings.HasSuffix(u.Place.Headers[n], now) && (now == "") == (u.Place.Headers[n] == "")
			n++
		}
		if fits && n > 0 {
			return intake.Setting{Sheet: u.Place.Sheet, Header: u.Place.Row, Columns: u.Place.Columns}
		}
	}
	return intake.Setting{}
}

// refused reports the rows of the workbook to which no item belongs for sure.
func (w *filling) refused() {
	for _, r := range w.parsed.Refused {
		id, _ := itemNumber(r.Value)
		w.plan.Misses = append(w.plan.Misses, Miss{Number: id, Line: r.Line, Reason: r.Reason})
	}
}

func (w *filling) item(it *assessment.Item, o FillOptions) {
	r := w.parsed.Row(it.Node.ID)
	if r == nil {
		if it.AnswerValue != verdict.Unanswered && slices.Contains(w.parsed.Missing, it.Node.ID) {
			w.plan.Misses = append(w.plan.Misses, Miss{Number: it.Node.ID, Reason: i18n.Msg{Key: "checksheet.fill.missing"}})
		}
		return
	}
	w.answer(it, r)
	if o.Comments && it.Meta.Note != "" {
		w.text(r, colNote, it.Meta.Note, &w.plan.Comments)
	}
	if o.Dates && !it.Meta.PlannedOn.IsZero() {
		w.text(r, colPlanned, strings.ReplaceAll(it.Meta.PlannedOn.String(), "-", "/"), &w.plan.Dates)
	}
}

func (w *filling) answer(it *assessment.Item, r *Row) {
	if it.AnswerValue == verdict.Unanswered {
		return
	}
	col := w.at[colAnswer]
	cell := tables.CellName(r.row, col)
	if value, ok := Score(r.AnswerText); ok && value == it.AnswerValue && r.AnswerText != "" {
		w.plan.Same++
		return
	}
	if r.formula {
		w.miss(r, cell, i18n.Msg{Key: "checksheet.fill.formula"})
		return
	}
	way, ok := w.spell.of(it.AnswerValue, r.row, col)
	if !ok {
		w.miss(r, cell, i18n.Msg{Key: "checksheet.fill.not_offered", Args: problem.Args{"value": valueMsg(it.AnswerValue)}})
		return
	}
	w.put(way.edit(w.table.Name, cell), r, &w.plan.Answers, r.AnswerText, way.text)
}

// text writes a note or a date, where the workbook has a column for it.
func (w *filling) text(r *Row, column, text string, to *[]Write) {
	col, ok := w.at[column]
	if !ok {
		return
	}
	c := w.table.At(r.row, col)
	cell := tables.CellName(r.row, col)
	switch {
	case jtext.StoreLines(c.Text) == text:
	case column == colPlanned && sameDay(c.Text, text):
	case c.Formula:
		w.miss(r, cell, i18n.Msg{Key: "checksheet.fill.formula"})
	default:
		w.put(tables.TextEdit(w.table.Name, cell, text), r, to, jtext.Line(c.Text), text)
	}
}

func sameDay(a, b string) bool {
	x, err := jdate.Parse(a)
	if err != nil {
		return false
	}
	y, err := jdate.Parse(b)
	return err == nil && x == y && !x.IsZero()
}

func (w *filling) miss(r *Row, cell string, reason i18n.Msg) {
	w.plan.Misses = append(w.plan.Misses, Miss{Number: r.Item, Cell: cell, Line: r.Line, Reason: reason})
}

func (w *filling) put(e tables.Edit, r *Row, to *[]Write, old, now string) {
	w.edits = append(w.edits, e)
	w.number[e.Cell] = r.Item
	*to = append(*to, Write{Number: r.Item, Cell: e.Cell, Old: old, New: now})
}

// write fills the workbook. Cells that it refuses (inside merged blocks, parts of array formulas) become misses, and
// the others are written.
func (w *filling) write(data []byte) error {
	out, err := tables.Fill(data, w.edits)
	findings := problem.All(err)
	if err != nil && (len(findings) == 0 || problem.CodeOf(err) != problem.CodeConflict) {
		return fmt.Errorf("fill workbook: %w", err)
	}
	if err == nil {
		w.plan.data = out
		return nil
	}
	gone := map[string]bool{}
	for _, e := range findings {
		cell, ok := e.Args["cell"].(string)
		if !ok {
			return fmt.Errorf("fill workbook: %w", err)
		}
		gone[cell] = true
		row, _, perr := tables.ParseCellName(cell)
		if perr != nil {
			return fmt.Errorf("read refused cell: %w", perr)
		}
		w.plan.Misses = append(w.plan.Misses, Miss{
			Number: w.number[cell], Cell: cell, Line: w.table.Line(row), Reason: i18n.Msg{Key: e.Key, Args: e.Args},
		})
	}
	w.edits = slices.DeleteFunc(w.edits, func(e tables.Edit) bool { return gone[e.Cell] })
	for _, list := range []*[]Write{&w.plan.Answers, &w.plan.Comments, &w.plan.Dates} {
		*list = slices.DeleteFunc(*list, func(x Write) bool { return gone[x.Cell] })
	}
	slices.SortStableFunc(w.plan.Misses, func(a, b Miss) int { return cmp.Compare(a.Line, b.Line) })
	if w.plan.data, err = tables.Fill(data, w.edits); err != nil {
		return fmt.Errorf("fill the rest of workbook: %w", err)
	}
	return nil
}

// Fill writes our answers into a workbook and hands it to w: only answer cells, the columns that were ticked, and the flag that makes
// Excel recalculate change. It notes that the workbook was filled, and at the customer's request that it was sent, when SentTo
// or Request and SentOn say so. Problem codes: those of PlanFill; conflict (checksheet.unanswered) while items are 分からない and
// Unanswered is not set.
func (s *Service) Fill(ctx context.Context, name string, data []byte, o FillOptions, w io.Writer) (*FillPlan, error) {
	atRequest := o.Request != "" && !o.SentOn.IsZero() && s.requests != nil
	if atRequest {
		if err := actor.From(ctx).RequireWhole(assessment.PermRequest); err != nil {
			return nil, err
		}
	}
	plan, err := s.PlanFill(ctx, name, data, o)
	if err != nil {
		return nil, err
	}
	if len(plan.Unanswered) > 0 && !o.Unanswered {
		return plan, problem.Conflict("checksheet.unanswered", "n", len(plan.Unanswered), "items", firstNumbers(plan.Unanswered))
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if err := actor.From(ctx).Require(assessment.PermRead); err != nil {
			return err
		}
		_, err := insertUsed(ctx, tx, Used{
			Framework: plan.Framework, Way: "fill", File: name, SHA256: sum(plan.data), Place: plan.place, Items: len(plan.Answers) + plan.Same,
			SentTo: o.SentTo, SentOn: o.SentOn, By: actor.From(ctx).ID(),
		})
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, "checksheet.filled", "assessment/"+plan.Framework, audit.Image{
			"file": audit.Personal(name), "before": sum(data), "after": sum(plan.data), "answers": len(plan.Answers), "same": plan.Same,
			"comments": len(plan.Comments), "dates": len(plan.Dates), "not_written": len(plan.Misses), "unanswered": len(plan.Unanswered), "sent_to": o.SentTo,
		})
	})
	if err != nil {
		return nil, err
	}
	if atRequest {
		event := asked.Event{On: o.SentOn, What: s.texts.T(request.Locale(ctx), "checksheet.sent", problem.Args{"file": name, "n": strconv.Itoa(len(plan.Answers) + plan.Same)})}
		if err := s.requests.AddEvent(ctx, o.Request, event, &attach.Upload{Name: name, Data: plan.data}); err != nil {
			return nil, fmt.Errorf("note at request: %w", err)
		}
	}
	if _, err := w.Write(plan.data); err != nil {
		return nil, fmt.Errorf("write filled workbook: %w", err)
	}
	return plan, nil
}
