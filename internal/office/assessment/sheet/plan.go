package sheet

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web/request"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// act is what Apply does: the importer's own part of a plan.
type act struct {
	file      string
	sha256    string // of the file
	framework string
	place     Place
	past      bool
	round     assessment.NewRound
	replaces  string // key of the imported round of the same year
	items     []assessment.PastItem
	answers   []assessment.NewAnswer
	against   []assessment.NewAnswer // 達成 where the records say 未達成
	metas     map[string]assessment.ItemMeta
	official  []assessment.OfficialItem // nil: the wording stays as it is
}

// planner builds one plan.
type planner struct {
	m       *Importer
	ctx     context.Context //nolint:containedctx // lives as long as one call of Plan
	tx      *sqlite.Tx
	in      intake.Input
	parsed  *Parsed
	board   *assessment.Board
	today   jdate.Day
	past    bool
	plan    *intake.Plan
	act     *act
	entries map[string]*intake.Entry // by item
	added   map[string]bool          // items of which nothing was known
}

// round chooses the round that the answers belong to.
func (p *planner) round(company assessment.Company) {
	start := company.FiscalStart
	if start < time.January || start > time.December {
		start = time.April
	}
	day := p.today
	switch p.in.Option(OptionRound) {
	case LastYear:
		day = day.FiscalStart(start).Add(-1)
	case YearBefore:
		day = day.FiscalStart(start).Add(-1).FiscalStart(start).Add(-1)
	}
	p.act.past, p.act.round = p.past, p.m.office.SuggestRound(p.act.framework, company, day)
}

func (p *planner) build() error {
	for _, r := range p.parsed.Refused {
		p.plan.Refused = append(p.plan.Refused, intake.Refusal{Line: r.Line, Column: columnTitle(r.Column), Value: r.Value, Reason: r.Reason})
	}
	for _, id := range p.parsed.Missing {
		if it := p.board.Item(id); it != nil {
			p.plan.Missing = append(p.plan.Missing, intake.Entry{Name: p.name(it), Link: it.Path()})
		}
	}
	p.note(inSheet("checksheet.note.read_as", p.parsed.Sheet), "framework", i18n.Text{JA: p.board.Title.JA, EN: p.board.Title.EN}, "version", p.board.Version,
		"sheet", p.parsed.Sheet, "row", p.parsed.Header.Row+1)
	if p.in.Option(OptionAnswers) != No {
		answers := p.present
		if p.past {
			answers = p.earlier
		}
		if err := answers(); err != nil {
			return err
		}
	}
	p.metas()
	p.collect()
	p.wording()
	p.findings()
	p.plan.Data = p.act
	return nil
}

func (p *planner) note(key string, pairs ...any) {
	args := problem.Args{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if name, ok := pairs[i].(string); ok {
			args[name] = pairs[i+1]
		}
	}
	p.plan.Notes = append(p.plan.Notes, i18n.Msg{Key: key, Args: args})
}

func (p *planner) name(it *assessment.Item) string {
	return it.Number() + " " + it.Node.Title.In(request.Locale(p.ctx))
}

// entry is the line about an item in the plan.
func (p *planner) entry(r *Row, it *assessment.Item) *intake.Entry {
	e := p.entries[r.Item]
	if e == nil {
		e = &intake.Entry{Line: r.Line, Name: p.name(it), Link: it.Path()}
		p.entries[r.Item] = e
	}
	return e
}

// earlier compares with the round of an earlier year that a file brought before.
func (p *planner) earlier() error {
	rounds, err := p.m.office.Rounds(p.ctx, p.tx, p.act.framework)
	if err != nil {
		return err
	}
	known := map[string]assessment.PastItem{}
	for _, r := range rounds {
		if r.FiscalYear != p.act.round.FiscalYear {
			continue
		}
		if !r.Imported {
			return problem.Invalid("", "checksheet.round_own", "round", r.Name)
		}
		p.act.replaces = r.Key
		items, err := p.m.office.PastItems(p.ctx, p.tx, r)
		if err != nil {
			return err
		}
		for _, it := range items {
			known[it.Item] = it
		}
	}
	p.note("checksheet.note.round_past", "round", p.act.round.Name)
	changed := false
	for i := range p.parsed.Rows {
		r := &p.parsed.Rows[i]
		it := p.board.Item(r.Item)
		before, has := known[r.Item]
		now := assessment.PastItem{Item: r.Item, Value: r.Answer, Note: r.Note}
		if r.Answer == verdict.Unanswered && r.Note == "" {
			continue // an empty row says nothing; what an earlier file said of it stays
		}
		if has && before == now {
			continue
		}
		changed = true
		known[r.Item] = now
		e := p.entry(r, it)
		if !has {
			p.added[r.Item] = true
			before.Value = verdict.Unanswered
		}
		e.Fields = append(e.Fields, valueField(before.Value, r.Answer, has)...)
		if before.Note != now.Note {
			e.Fields = append(e.Fields, intake.Field{Label: "checksheet.column.note", Old: before.Note, New: now.Note})
		}
	}
	if !changed {
		return nil
	}
	for _, it := range p.board.Items {
		if past, ok := known[it.Node.ID]; ok {
			p.act.items = append(p.act.items, past)
		}
	}
	return nil
}

// valueField is the change of an answer, nothing when it stays.
func valueField(from, to verdict.Value, known bool) []intake.Field {
	if from == to && known {
		return nil
	}
	f := intake.Field{Label: "checksheet.column.answer", New: valueMsg(to)}
	if from != verdict.Unanswered {
		f.Old = valueMsg(from)
	}
	return []intake.Field{f}
}

// present compares with the answers of the present round.
func (p *planner) present() error {
	if r := p.board.Round; r != nil && r.Locked() && !r.To.Before(p.today) {
		return problem.Invalid("", "checksheet.round_locked", "round", r.Name)
	}
	p.note("checksheet.note.round_now", "round", p.act.round.Name)
	var names []string
	for i := range p.parsed.Rows {
		r := &p.parsed.Rows[i]
		it := p.board.Item(r.Item)
		if r.Answer == verdict.Unanswered || it.AnswerValue == r.Answer {
			continue
		}
		in := assessment.NewAnswer{Node: r.Item, Value: r.Answer.Result(), Note: r.Note, Version: it.Version}
		if r.Answer == verdict.NotApplicable {
			in.Reason = cmp.Or(r.Note, p.m.texts.T("ja", "checksheet.reason.na", problem.Args{"file": p.in.File}))
		}
		if valueWith(it, in) != r.Answer {
			p.plan.Refused = append(p.plan.Refused, intake.Refusal{
				Line: r.Line, Column: "checksheet.column.answer", Value: r.AnswerText, Reason: i18n.Msg{Key: "checksheet.refused.clauses_answered"},
			})
			continue
		}
		e := p.entry(r, it)
		p.added[r.Item] = it.AnswerValue == verdict.Unanswered
		e.Fields = append(e.Fields, valueField(it.AnswerValue, r.Answer, true)...)
		if in.Value == verdict.Met && recordsAgainst(it) {
			in.Reason = p.m.texts.T("ja", "checksheet.reason.hold", problem.Args{"file": p.in.File})
			in.Expires = p.today.Add(HoldDays)
			p.act.against = append(p.act.against, in)
			names = append(names, p.name(it))
			continue
		}
		p.act.answers = append(p.act.answers, in)
	}
	if len(names) > 0 {
		p.plan.Asks = append(p.plan.Asks, intake.Ask{
			Name: AskAgainst, Text: i18n.Msg{Key: "checksheet.ask.against", Args: problem.Args{"n": len(names), "days": HoldDays}}, Names: names,
			Choices: []intake.Choice{{Value: Skip, Label: "checksheet.ask.against.skip"}, {Value: Hold, Label: "checksheet.ask.against.hold"}},
		})
	}
	return nil
}

// valueWith is the value that the sheet would carry with the answer at the item: answers at clauses weigh more.
func valueWith(it *assessment.Item, in assessment.NewAnswer) verdict.Value {
	answers := make([]verdict.Answer, 0, len(it.Clauses))
	for _, c := range it.Clauses {
		answers = append(answers, c.Answer.Engine())
	}
	return verdict.AnswerValue(answers, verdict.Answer{Given: true, Value: in.Value, Reason: in.Reason})
}

// recordsAgainst says whether the records contradict 達成 at a clause that has no answer of its own.
func recordsAgainst(it *assessment.Item) bool {
	return slices.ContainsFunc(it.Clauses, func(c *assessment.Clause) bool {
		return c.Answer == nil && c.Verdict.Result == verdict.Unmet
	})
}

// metas takes comments and planned dates over to the items themselves.
func (p *planner) metas() {
	how := p.in.Option(OptionNotes)
	p.act.metas = map[string]assessment.ItemMeta{}
	if how == No {
		return
	}
	for i := range p.parsed.Rows {
		r := &p.parsed.Rows[i]
		it := p.board.Item(r.Item)
		meta := it.Meta
		if r.Note != "" && r.Note != meta.Note && (meta.Note == "" || how == Replace) {
			meta.Note = r.Note
		}
		planned := r.Planned
		if p.past && planned.Before(p.today) {
			planned = 0 // last year's plan that has passed is no plan
		}
		if !planned.IsZero() && planned != meta.PlannedOn && (meta.PlannedOn.IsZero() || how == Replace) {
			meta.PlannedOn = planned
		}
		if meta == it.Meta {
			continue
		}
		p.act.metas[r.Item] = meta
		e := p.entry(r, it)
		if meta.Note != it.Meta.Note {
			e.Fields = append(e.Fields, intake.Field{Label: "checksheet.field.memo", Old: it.Meta.Note, New: meta.Note})
		}
		if meta.PlannedOn != it.Meta.PlannedOn {
			e.Fields = append(e.Fields, intake.Field{Label: "checksheet.column.planned", Old: it.Meta.PlannedOn, New: meta.PlannedOn})
		}
	}
}

// collect sorts the items into added, changed and same, in the order of the sheet.
func (p *planner) collect() {
	refused := map[int]bool{}
	for _, r := range p.plan.Refused {
		refused[r.Line] = true
	}
	for i := range p.parsed.Rows {
		r := &p.parsed.Rows[i]
		e := p.entries[r.Item]
		switch {
		case e != nil && p.added[r.Item]:
			p.plan.Adds = append(p.plan.Adds, *e)
		case e != nil:
			p.plan.Changes = append(p.plan.Changes, *e)
		case !refused[r.Line]:
			p.plan.Same++
		}
	}
}

func valueMsg(v verdict.Value) i18n.Msg { return i18n.Msg{Key: "checksheet.value." + valueWord(v)} }

// valueWord is how a value is called in message keys and in JSON.
func valueWord(v verdict.Value) string {
	switch v {
	case verdict.ValueMet:
		return "2"
	case verdict.ValuePart:
		return "1"
	case verdict.ValueUnmet:
		return "0"
	case verdict.NotApplicable:
		return "na"
	default:
		return "unknown"
	}
}
