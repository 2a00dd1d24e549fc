package item

import (
	"net/http"
	"slices"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// factLimit bounds the records listed under なぜ？, nameLimit the names under 残り.
const (
	factLimit = 10
	nameLimit = 50
)

// View is the page of one item.
type View struct {
	Form          *web.Form
	Action        string // where the answers go
	Number, Level string
	Title         framework.Text
	Theme         framework.Text
	Crumbs        []framework.Text
	Back, Before  string // paths; empty at the ends
	After         string
	State         verdict.Result
	Summary       i18n.Msg // 「あと2件です」
	ItemWord      framework.Text
	CriterionWord framework.Text
	Objective     string
	Requirement   string
	Condition     string
	OneWord       bool   // the requirement and the condition go by one word, which stands once
	Official      string // 達成基準 of the imported sheet; empty: none
	Source        string // file it came from
	NeedsImport   bool
	LevelNote     framework.Text
	LevelOther    string // level of the imported sheet where it differs
	Clauses       []ClauseView
	Whole         AnswerView // the answer at the item
	WholeOpen     bool
	Proposed      int
	MayAnswer     bool
	Locked        string // name of the locked round; empty: can be answered
	Value, Past   i18n.Msg
	HasPast       bool
	Points        bool
	Meta          assessment.ItemMeta
	MetaVersion   string
	Owners        []web.Option
	Owner         string
	NotesOpen     bool
	Files         []FileView
	HasFiles      bool
	Examples      []framework.Text
	Twins         []TwinView
	ISO           []string
	SourceTitle   framework.Text
	SourceDate    jdate.Day
	Confidence    string // message key
	History       []HistoryLine
	NewAction     string
}

// FileView is a 証跡ファイル of the item.
type FileView struct {
	attach.Attachment
	Old bool // it no longer counts as proof
}

// ClauseView is one line of the criterion.
type ClauseView struct {
	Kind     string // message key
	Text     framework.Text
	Verdict  verdict.Verdict
	HasRule  bool
	State    verdict.ClauseState
	Differs  bool
	Reasons  []string
	First    string   // the first reason
	Names    []string // who is missing
	Unsure   []string // of whom a blank hides whether they are meant
	MoreOut  int
	Rule     []string
	AnyOf    bool
	Facts    []assessment.FactLine
	More     int
	Cure     assessment.Cure
	HasCure  bool
	ByItem   verdict.Result // what the answer at the item says of it, when it has none of its own
	HasBy    bool
	Answer   AnswerView
	Proposed bool
}

// AnswerView is one answer on the form.
type AnswerView struct {
	Field, Node, Version string
	Value                string
	Was                  string // value, reason and last day as they stand, to save only what changed
	Reason               string
	Expires              string
	Choices              []web.Option
	Reached              bool // reason and last day are shown open
	Stands               *assessment.Answer
	Label                framework.Text
	MayAnswer            bool
	Form                 *web.Form // problems stand in it under value-, reason- and expires- and the field
	NameValue            string
	NameReason           string
	NameExpires          string
}

// TwinView is an item of another framework that the same records serve.
type TwinView struct {
	Name, Path string
	State      verdict.Result
	Known      bool
	Relation   string // message key
}

// HistoryLine is one earlier answer.
type HistoryLine struct {
	At      string
	Value   verdict.Result
	Taken   bool // it was taken back
	About   framework.Text
	Reason  string
	Verdict verdict.Result
	Frozen  []assessment.FactLine // the records that stood beside the answer, as they were then
	More    int
}

func (h *Web) itemView(r *http.Request, form *web.Form) (*View, error) {
	ctx := r.Context()
	view := &View{Form: form, Action: "/sheet/" + r.PathValue("framework") + "/" + r.PathValue("item"), MayAnswer: mayAnswer(r), HasFiles: h.files != nil}
	err := h.svc.Read(ctx, func(tx *sqlite.Tx) error {
		b, it, err := h.svc.Item(ctx, tx, r.PathValue("framework"), r.PathValue("item"))
		if err != nil {
			return err
		}
		names, err := h.svc.Names(ctx, tx)
		if err != nil {
			return err
		}
		view.describe(b, it, web.Locale(ctx))
		view.fillMeta(it, names, h.shell.T(r, "item.owner_none", nil), form)
		for i, c := range it.Clauses {
			cv, err := h.clauseView(r, tx, it, c, fieldOf(i), form, names)
			if err != nil {
				return err
			}
			cv.Answer.Label, cv.Answer.MayAnswer = c.Text, view.MayAnswer && view.Locked == ""
			view.Clauses = append(view.Clauses, cv)
		}
		view.Whole = h.answerView(r, form, "item", it.Node.ID, it.Version, it.Answer, true)
		view.Whole.Label, view.Whole.MayAnswer = it.Node.Title, view.MayAnswer && view.Locked == ""
		view.WholeOpen = it.Answer != nil || len(it.Clauses) == 0 || view.Whole.Value != ""
		if h.files != nil {
			files, err := h.files.Seen(ctx, tx, assessment.RecordOf(b.Key(), it.Node.ID))
			if err != nil {
				return err
			}
			for _, f := range files {
				view.Files = append(view.Files, FileView{f, f.Expired(b.Today)})
			}
		}
		if err := h.addTwins(r, tx, view, it); err != nil {
			return err
		}
		return h.addHistory(r, tx, view, b, it, names)
	})
	return view, err
}

// describe fills what the catalogue and the imported sheet say of the item, and what counts.
func (v *View) describe(b *assessment.Board, it *assessment.Item, locale string) {
	n := it.Node
	v.Number, v.Level, v.Title, v.Theme = it.Number(), b.LevelName(n.Level, locale), n.Title, n.Theme
	v.State, v.Back = it.State, "/sheet/"+b.Key()
	v.ItemWord, v.CriterionWord = b.Words.Item, b.Words.Criterion
	for _, kind := range []string{"category", "subcategory", "label"} {
		if up := n.Up(kind); up != nil {
			v.Crumbs = append(v.Crumbs, up.Title)
			v.Objective = up.Text.In(locale)
		}
	}
	if up := n.Up("requirement"); up != nil {
		v.Requirement = up.Text.In(locale)
		if v.Requirement == "" {
			v.Requirement = up.Title.In(locale)
		}
	}
	v.Condition = n.Text.In(locale)
	v.OneWord = v.Requirement != "" && n.Kind == "criterion"
	if o := it.Official; o != nil {
		v.overlay(o, b.Source)
		if o.Level != "" && o.Level != n.Level {
			v.LevelOther = b.LevelName(o.Level, locale)
		}
	}
	before, after := b.Neighbours(it)
	if before != nil {
		v.Before = before.Path()
	}
	if after != nil {
		v.After = after.Path()
	}
	v.NeedsImport, v.LevelNote, v.Examples, v.ISO = n.NeedsImport, n.LevelNote, n.Examples, n.ISO
	src := b.Sources[n.Source]
	v.SourceTitle, v.SourceDate, v.Confidence = src.Title, src.Date, confidenceKey(n.Confidence)
	v.Proposed = len(it.Proposed())
	if b.Round.Locked() && !b.Round.To.Before(b.Today) {
		v.Locked = b.Round.Name
	}
	v.Points = b.Scoring.PerItem > 0
	v.Value = valueMsg(int(it.Value))
	if it.Past != nil {
		v.HasPast, v.Past = true, valueMsg(it.Past.AnswerValue)
	}
	v.Summary = summary(it)
	v.NewAction = "/actions/new?framework=" + b.Key() + "&item=" + n.ID
}

// overlay puts the official wording of the office's own workbook in place of ours.
func (v *View) overlay(o *assessment.OfficialItem, source string) {
	for _, one := range []struct {
		to   *string
		from string
	}{{&v.Objective, o.Objective}, {&v.Requirement, o.Requirement}, {&v.Condition, o.Condition}, {&v.Official, o.Criteria}} {
		if one.from != "" {
			*one.to = one.from
			v.Source = source
		}
	}
}

func summary(it *assessment.Item) i18n.Msg {
	switch n := it.OpenClauses(); {
	case len(it.Clauses) == 0:
		return i18n.Msg{Key: "item.summary_none"}
	case n == 0:
		return i18n.Msg{Key: "item.summary_done"}
	default:
		return i18n.Msg{Key: "item.summary_open", Args: problem.Args{"n": n}}
	}
}

func valueMsg(v int) i18n.Msg {
	switch v {
	case int(verdict.NotApplicable):
		return i18n.Msg{Key: "item.value_na"}
	case int(verdict.Unanswered):
		return i18n.Msg{Key: "item.value_open"}
	default:
		return i18n.Msg{Key: "item.value", Args: problem.Args{"n": v}}
	}
}

func confidenceKey(c string) string {
	switch c {
	case "S":
		return "item.confidence.s"
	case "F":
		return "item.confidence.f"
	case "F?":
		return "item.confidence.fq"
	case "D":
		return "item.confidence.d"
	default:
		return "item.confidence.k"
	}
}

func (v *View) fillMeta(it *assessment.Item, names map[string]string, nobody string, form *web.Form) {
	v.Meta, v.Owner, v.Owners = it.Meta, names[it.Meta.Owner], personOptions(names, nobody)
	v.MetaVersion = i18nInt(it.Meta.Version)
	if _, posted := form.Values["meta_version"]; posted {
		return // the form is shown again with what was entered
	}
	form.Values.Set("owner", it.Meta.Owner)
	form.Values.Set("planned", it.Meta.PlannedOn.String())
	form.Values.Set("note", it.Meta.Note)
}

func i18nInt(n int) string { return fieldOf(n) }

func (h *Web) clauseView(r *http.Request, tx *sqlite.Tx, it *assessment.Item, c *assessment.Clause, field string, form *web.Form, names map[string]string) (ClauseView, error) {
	locale := web.Locale(r.Context())
	v := ClauseView{
		Kind: "assessment.kind." + c.Kind, Text: c.Text, Verdict: c.Verdict, State: c.State, Differs: c.State.Conflict,
		HasRule: c.Rule != nil, Reasons: h.svc.Why(c, locale), Proposed: c.Proposed,
	}
	if len(v.Reasons) > 0 {
		v.First = v.Reasons[0]
	}
	v.Rule, v.AnyOf = h.svc.Rule(c, locale)
	v.Names, v.Unsure, v.MoreOut = missingNames(c, names, nameLimit)
	var err error
	if v.Facts, v.More, err = h.svc.FactLines(r.Context(), tx, c.Verdict.Facts, names, factLimit); err != nil {
		return v, err
	}
	if c.Open() {
		v.Cure, v.HasCure = h.svc.Cure(c)
	}
	if c.Answer == nil && c.Effective.Given && it.Answer != nil {
		v.HasBy, v.ByItem = true, c.Effective.Value
	}
	v.Answer = h.answerView(r, form, field, c.ID, c.Version, c.Answer, false)
	return v, nil
}

func (h *Web) answerView(r *http.Request, form *web.Form, field, node string, version int, stands *assessment.Answer, whole bool) AnswerView {
	v := AnswerView{Field: field, Node: node, Version: fieldOf(version), Stands: stands, Value: choiceOf(stands)}
	if stands != nil {
		v.Reason, v.Expires = stands.Reason, stands.Expires.String()
	}
	v.Was = v.Value + "|" + v.Reason + "|" + v.Expires
	if _, posted := form.Values["value-"+field]; posted { // shown again with what was entered
		v.Value, v.Reason, v.Expires = form.Values.Get("value-"+field), form.Values.Get("reason-"+field), form.Values.Get("expires-"+field)
	}
	v.Form, v.NameValue, v.NameReason, v.NameExpires = form, "value-"+field, "reason-"+field, "expires-"+field
	v.Reached = v.Reason != "" || v.Expires != "" || v.Value == string(verdict.NA)
	values := []string{"", "met", "unmet", "unknown", "na"}
	if whole {
		values = []string{"", "met", "part", "unmet", "unknown", "na"}
	}
	for _, value := range values {
		v.Choices = append(v.Choices, web.Option{Value: value, Label: h.shell.T(r, "item.answer."+orNone(value), nil)})
	}
	return v
}

func orNone(value string) string {
	if value == "" {
		return "none"
	}
	return value
}

func (h *Web) addTwins(r *http.Request, tx *sqlite.Tx, view *View, it *assessment.Item) error {
	for _, twin := range h.svc.Catalog().Twins(it.Node) {
		n := twin.Node
		tv := TwinView{Name: n.Framework.Short.In(web.Locale(r.Context())) + " " + assessment.NumberOf(n), Relation: "item.relation." + twin.Relation}
		if n.Assessable {
			b, err := h.svc.Board(r.Context(), tx, n.Framework.Key())
			if err != nil {
				return err
			}
			if other := b.Item(n.ID); other != nil {
				tv.Path, tv.State, tv.Known = other.Path(), other.State, true
			}
		}
		if !slices.Contains(view.Twins, tv) {
			view.Twins = append(view.Twins, tv)
		}
	}
	return nil
}

func (h *Web) addHistory(r *http.Request, tx *sqlite.Tx, view *View, b *assessment.Board, it *assessment.Item, names map[string]string) error {
	answers, err := h.svc.History(r.Context(), tx, b.Key(), it.Node.ID)
	if err != nil {
		return err
	}
	for _, a := range answers {
		line := HistoryLine{
			At: a.At.In(jdate.Tokyo).Format("2006-01-02 15:04"), Value: a.Value, Taken: a.Value == assessment.None, Reason: a.Reason,
			Verdict: a.Verdict, About: it.Node.Title,
		}
		if line.Frozen, line.More, err = h.svc.FactLines(r.Context(), tx, a.Facts, names, factLimit); err != nil {
			return err
		}
		if c := b.Clause(a.Node); c != nil {
			line.About = c.Short
		}
		view.History = append(view.History, line)
	}
	return nil
}
