package question

import (
	"net/http"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Head is what stands above every question.
type Head struct {
	Framework     string // its short name
	Link          bool   // behind a link: no way into the office
	Sheet         string // page of the sheet
	Place         int    // of the question, from 1
	All, Answered int
	Wide          int // answered, in per cent
}

// Content is one item as it is asked: purpose first.
type Content struct {
	Item, Version          string
	Number, Level          string
	Title                  framework.Text
	Objective, Condition   string
	Official               string // criteria of the imported sheet; empty: ours below
	Clauses                []ClauseLine
	Examples               []framework.Text
	ItemWord, CriteriaWord framework.Text
	NeedsImport            bool
}

// ClauseLine is one clause without any verdict.
type ClauseLine struct {
	Kind string // message key
	Text framework.Text
}

// AskView is one item that fills the screen.
type AskView struct {
	Form *web.Form
	Head
	Content
	Action, Only  string
	Choices       []Choice
	NAOpen        bool
	Before, After string // addresses; Before is empty at the first
	Pause         string // empty behind a link
	Locked        string // name of the locked round; empty: answers are taken
	Now           verdict.Result
	HasNow        bool
	OwnClauses    int // clauses with an answer of their own, which count before this one
	Past          i18n.Msg
	HasPast       bool
	Differ        []SaidLine // what the records call 未達成; not empty: the page asks what to do
}

// Choice is one button.
type Choice struct {
	Value, Keys, Key string // Keys: what kizuki.js listens to
	Label            string // message key
	Current          bool
}

// The buttons in the order of the sheet's points; 該当なし stands apart, because it takes a reason.
var choices = []Choice{
	{Value: "met", Keys: "2 ２", Key: "2", Label: "question.met"},
	{Value: "part", Keys: "1 １", Key: "1", Label: "question.part"},
	{Value: "unmet", Keys: "0 ０", Key: "0", Label: "question.unmet"},
	{Value: "unknown", Keys: "? ？", Key: "?", Label: "question.unknown"},
}

// SaidView is the page after an answer: only now what the records say.
type SaidView struct {
	Head
	Number      string
	Title       framework.Text
	Answer      verdict.Result
	Reason      string
	Lines       []SaidLine
	Differs     bool
	Contradicts int // clauses
	HasRecords  bool
	State       verdict.Result
	OwnClauses  int
	Next, Again string
	ItemPath    string // empty behind a link
	Pause       string
}

// SaidLine is one clause with what the records say.
type SaidLine struct {
	Text    framework.Text
	Verdict verdict.Result
	Human   bool // records cannot say anything
	Why     string
	Differs bool
}

// DoneView is the end.
type DoneView struct {
	Head
	Counts           []Count
	Unasked, Unknown []ItemLink
	Start            string // first question without an answer; empty: none
}

// Count says how many items have which value on the sheet.
type Count struct {
	Result verdict.Result
	N      int
}

// ItemLink is a question to go to.
type ItemLink struct {
	Number, Path string
	Title        framework.Text
}

func head(r *http.Request, walk *walk, place int) Head {
	b := walk.sheet.Board
	h := Head{
		Framework: b.Short.In(web.Locale(r.Context())), Link: walk.asked != nil, Place: place + 1,
		All: len(walk.sheet.Items), Answered: walk.sheet.Answered(),
	}
	if walk.asked == nil {
		h.Sheet = "/sheet/" + b.Key()
	}
	if h.All > 0 {
		h.Wide = h.Answered * 100 / h.All
	}
	return h
}

// content describes an item in the words of the office's own sheet where it was imported.
func content(b *assessment.Board, it *assessment.Item, locale string) Content {
	n := it.Node
	c := Content{
		Item: n.ID, Version: versionText(it.Version), Number: it.Number(), Level: b.LevelName(n.Level, locale), Title: n.Title,
		Condition: n.Text.In(locale), Examples: n.Examples, ItemWord: b.Words.Item, CriteriaWord: b.Words.Criterion, NeedsImport: n.NeedsImport,
	}
	for _, kind := range []string{"category", "subcategory", "label"} {
		if up := n.Up(kind); up != nil && up.Text.In(locale) != "" {
			c.Objective = up.Text.In(locale)
		}
	}
	if o := it.Official; o != nil {
		for _, one := range []struct {
			to   *string
			from string
		}{{&c.Objective, o.Objective}, {&c.Condition, o.Condition}, {&c.Official, o.Criteria}} {
			if one.from != "" {
				*one.to = one.from
			}
		}
	}
	for _, cl := range it.Clauses {
		c.Clauses = append(c.Clauses, ClauseLine{"assessment.kind." + cl.Kind, cl.Text})
	}
	return c
}

func ownClauses(it *assessment.Item) int {
	n := 0
	for _, c := range it.Clauses {
		if c.Answer != nil {
			n++
		}
	}
	return n
}

func (h *Web) askView(r *http.Request, walk *walk, place int, form *web.Form) *AskView {
	it := walk.sheet.Items[place]
	v := &AskView{
		Form: form, Head: head(r, walk, place), Content: content(walk.sheet.Board, it, web.Locale(r.Context())),
		Action: walk.base, Only: walk.only, OwnClauses: ownClauses(it), After: walk.at("", "end"),
	}
	if place > 0 {
		v.Before = walk.at(walk.sheet.Items[place-1].Node.ID, "")
	}
	if place+1 < len(walk.sheet.Items) {
		v.After = walk.at(walk.sheet.Items[place+1].Node.ID, "")
	}
	if walk.asked == nil {
		v.Pause = v.Sheet
	}
	if locked := walk.sheet.Locked(); locked != nil {
		v.Locked = locked.Name
	}
	if walk.sheet.Said(it) && it.Answer != nil {
		v.Now, v.HasNow = it.Answer.Value, true
	}
	for _, c := range choices {
		c.Current = v.HasNow && answers[c.Value] == v.Now
		v.Choices = append(v.Choices, c)
	}
	if it.Past != nil && it.Past.AnswerValue != int(verdict.Unanswered) {
		v.HasPast, v.Past = true, pastMsg(it.Past.AnswerValue, walk.sheet.Board.Scoring.PerItem > 0)
	}
	return v
}

// pastMsg writes the value of last year's sheet.
func pastMsg(value int, points bool) i18n.Msg {
	switch {
	case value == int(verdict.NotApplicable):
		return i18n.Msg{Key: "web.verdict.na"}
	case points:
		return i18n.Msg{Key: "question.points", Args: problem.Args{"n": value}}
	case value == int(verdict.ValueMet):
		return i18n.Msg{Key: "web.verdict.met"}
	case value == int(verdict.ValuePart):
		return i18n.Msg{Key: "web.verdict.part"}
	default:
		return i18n.Msg{Key: "web.verdict.unmet"}
	}
}

func (h *Web) addDiffer(r *http.Request, v *AskView, it *assessment.Item) {
	for _, c := range unmet(it) {
		v.Differ = append(v.Differ, h.saidLine(r, c))
	}
}

func (h *Web) saidLine(r *http.Request, c *assessment.Clause) SaidLine {
	line := SaidLine{Text: c.Text, Verdict: c.Verdict.Result, Human: c.Rule == nil, Differs: c.State.Conflict}
	for _, reason := range c.Verdict.Reasons {
		line.Why = reason.Text(h.svc.main.Table(), web.Locale(r.Context()))
		break
	}
	return line
}

func (h *Web) saidView(r *http.Request, walk *walk, place int) *SaidView {
	it := walk.sheet.Items[place]
	v := &SaidView{
		Head: head(r, walk, place), Number: it.Number(), Title: it.Node.Title, Answer: it.Answer.Value, Reason: it.Answer.Reason,
		State: it.State, OwnClauses: ownClauses(it), Next: walk.next(place), Again: walk.at(it.Node.ID, ""),
	}
	if walk.asked == nil {
		v.ItemPath, v.Pause = it.Path(), v.Sheet
	}
	for _, c := range it.Clauses {
		line := h.saidLine(r, c)
		v.Lines = append(v.Lines, line)
		v.HasRecords = v.HasRecords || !line.Human && line.Verdict != verdict.Unknown
		if line.Differs {
			v.Differs = true
			v.Contradicts++
		}
	}
	return v
}

func doneView(r *http.Request, walk *walk) *DoneView {
	v := &DoneView{Head: head(r, walk, -1), Counts: counts(walk.sheet)}
	unasked, unknown := walk.sheet.Open()
	v.Unasked, v.Unknown = links(walk, unasked), links(walk, unknown)
	if len(v.Unasked) > 0 {
		v.Start = v.Unasked[0].Path
	}
	return v
}

func links(walk *walk, items []*assessment.Item) []ItemLink {
	var out []ItemLink
	for _, it := range items {
		out = append(out, ItemLink{it.Number(), walk.at(it.Node.ID, ""), it.Node.Title})
	}
	return out
}

// counts says what the sheet would carry for the asked items; what is not answered stands under 未確認.
func counts(s *Sheet) []Count {
	n := map[verdict.Result]int{}
	for _, it := range s.Items {
		n[it.AnswerValue.Result()]++
	}
	var out []Count
	for _, r := range []verdict.Result{verdict.Met, verdict.Part, verdict.Unmet, verdict.NA, verdict.Unknown} {
		out = append(out, Count{r, n[r]})
	}
	return out
}
