package gap

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// GapsView is できていないところ.
type GapsView struct {
	Form           *web.Form
	NoTarget       bool
	Starter        bool   // nobody but the first person is on the staff list: the first afternoon
	AskAt          string // 一問一答 of the first target
	Lead           i18n.Msg
	When           i18n.Msg
	Request        string // path of the request in the headline
	Open           int
	Unmet, Unknown int
	Since          i18n.Msg // 「先月より12件減」; no key: nothing to compare with
	Goals          []Goal
	HasPoints      bool
	Earned, Most   int
	UnknownLevels  int
	Steps          []StepView
	Turned         int
	Conflicts      int
	Proposed       int
	ProposedAt     string
	MayAnswer      bool
	Levels, Labels []web.Option
	Owners, Dues   []web.Option
	Rows           []Row
	Shown          int // open clauses of the rows
	Query          string
}

// Goal is one bar: a framework up to the level aimed at.
type Goal struct {
	Name, Path                        string
	Met, Unknown, All                 int
	MetWide, UnknownFrom, UnknownWide int    // per cent
	Unit                              string // message key of what is counted
}

// StepView is one of the next five.
type StepView struct {
	N       int
	Title   framework.Text
	Why     framework.Text
	Button  framework.Text
	Link    string
	Gain    int
	Minutes int
	Items   string
	Reasons []Reason
	First   bool
}

// Reason is one clause that a step closes, and why it is open.
type Reason struct {
	Number, Path string
	Text         framework.Text
	Why          string
}

// Row is one item with open clauses.
type Row struct {
	State         verdict.Result
	Number, Level string
	Path          string
	Title         framework.Text
	Clauses       []Chip
	Why           string
	Owner         string
	When          i18n.Msg
	HasDue        bool
	Overdue       bool
	label, level  string
	owner         string
	due           jdate.Day
	open          int
}

// Chip is one clause as shape and short name.
type Chip struct {
	State verdict.Result
	Name  framework.Text
}

func (h *Web) gaps(w http.ResponseWriter, r *http.Request) error {
	view := &GapsView{Form: &web.Form{Values: r.URL.Query()}, MayAnswer: actor.From(r.Context()).May(assessment.PermAnswer)}
	err := h.svc.Read(r.Context(), func(tx *sqlite.Tx) error { return h.fill(r, tx, view) })
	if err != nil {
		return err
	}
	if web.IsFragment(r) {
		return h.views.Fragment(w, r, "gaps", "rows", view)
	}
	return h.views.Render(w, r, "gaps", view)
}

func (h *Web) fill(r *http.Request, tx *sqlite.Tx, v *GapsView) error {
	ctx, locale := r.Context(), web.Locale(r.Context())
	o, err := h.svc.Overview(ctx, tx)
	if err != nil {
		return err
	}
	names, err := h.svc.Names(ctx, tx)
	if err != nil {
		return err
	}
	v.NoTarget = len(o.Targets) == 0
	v.Starter = v.MayAnswer && len(names) <= 1
	if !v.NoTarget {
		v.AskAt = "/sheet/" + o.Targets[0].Board.Key() + "/ask"
	}
	v.Open, v.Unmet, v.Unknown = o.Open.OpenClauses, o.Open.UnmetClauses, o.Open.UnknownClauses
	v.Since, v.Conflicts, v.Proposed = since(o.SinceMonth), o.Conflicts, o.Proposed
	v.HasPoints = o.HasPoints
	v.Earned, v.Most = o.Earned()
	if err := h.headline(r, tx, v); err != nil {
		return err
	}
	for i, t := range o.Targets {
		v.Goals = append(v.Goals, goal(t, o.Counts[i], locale))
		v.UnknownLevels += t.UnknownLevels()
		if v.ProposedAt == "" && slices.ContainsFunc(t.Items(), func(it *assessment.Item) bool { return len(it.Proposed()) > 0 }) {
			v.ProposedAt = "/sheet/" + t.Board.Key() + "/confirm"
		}
	}
	v.Turned = verdict.Turned(o.Steps)
	for i, st := range o.Steps {
		step := h.step(o, i, st, locale)
		step.First = step.First && !v.Starter
		v.Steps = append(v.Steps, step)
	}
	h.list(r, o, names, v)
	return nil
}

// headline says for whom the sheet is made and until when.
func (h *Web) headline(r *http.Request, tx *sqlite.Tx, v *GapsView) error {
	v.Lead = i18n.Msg{Key: "gap.lead"}
	if h.next == nil {
		return nil
	}
	next, err := h.next(r.Context(), tx)
	if err != nil || next == nil {
		return err
	}
	v.Lead = i18n.Msg{Key: "gap.lead_customer", Args: problem.Args{"customer": next.Customer}}
	v.When, v.Request = assessment.When(next.On, jdate.Of(tx.Now), web.Locale(r.Context())), next.Path
	return nil
}

func since(n *int) i18n.Msg {
	switch {
	case n == nil:
		return i18n.Msg{}
	case *n == 0:
		return i18n.Msg{Key: "gap.since_same"}
	case *n < 0:
		return i18n.Msg{Key: "gap.since_fewer", Args: problem.Args{"n": -*n}}
	default:
		return i18n.Msg{Key: "gap.since_more", Args: problem.Args{"n": *n}}
	}
}

func goal(t assessment.Target, c assessment.Counts, locale string) Goal {
	g := Goal{Path: "/sheet/" + t.Board.Key(), Met: c.Met + c.NA, Unknown: c.Unknown, All: c.Items, Unit: "gap.unit_items"}
	var names []string
	for i, l := range t.Board.Levels {
		if i <= t.Board.LevelIndex(t.Level) {
			names = append(names, l.Name.In(locale))
		}
	}
	g.Name = strings.Join(names, "・")
	if t.Board.Scoring.PerItem == 0 {
		g.Unit = "gap.unit_criteria"
	}
	if c.Items > 0 {
		g.MetWide, g.UnknownWide = g.Met*100/c.Items, c.Unknown*100/c.Items
		g.UnknownFrom = g.MetWide
	}
	return g
}

func (h *Web) step(o *assessment.Overview, i int, st verdict.Step, locale string) StepView {
	v := StepView{
		N: i + 1, Title: st.Title, Why: st.Why, Button: st.Button, Link: st.Link, Gain: len(st.Clauses), Minutes: st.Minutes, First: i == 0,
	}
	var numbers []string
	for _, c := range st.Clauses {
		number := assessment.NumberOf(c.Item)
		if c.Item.Number == 0 {
			number = c.Item.Framework.Short.In(locale) + " " + number
		}
		if !slices.Contains(numbers, number) {
			numbers = append(numbers, number)
		}
		reason := Reason{Number: number, Path: assessment.PathOf(c.Item), Text: c.Text}
		if cl := find(o, c); cl != nil {
			if why := h.svc.Why(cl, locale); len(why) > 0 {
				reason.Why = why[0]
			}
		}
		v.Reasons = append(v.Reasons, reason)
	}
	if st.Confirm && len(st.Clauses) > 0 {
		v.Link = "/sheet/" + st.Clauses[0].Item.Framework.Key() + "/confirm"
	}
	v.Items = itemList(numbers)
	return v
}

// shownItems is how many item numbers stand beside a step; the rest are counted, and open under なぜ？.
const shownItems = 5

func itemList(numbers []string) string {
	if len(numbers) <= shownItems {
		return strings.Join(numbers, "・")
	}
	return strings.Join(numbers[:shownItems], "・") + " +" + strconv.Itoa(len(numbers)-shownItems)
}

func find(o *assessment.Overview, c *framework.Clause) *assessment.Clause {
	for _, t := range o.Targets {
		if it := t.Board.Item(c.Item.ID); it != nil && t.Board.Key() == c.Item.Framework.Key() {
			for _, cl := range it.Clauses {
				if cl.ID == c.ID {
					return cl
				}
			}
		}
	}
	return nil
}

// list makes the rows of all items with open clauses, and what they can be narrowed down to.
func (h *Web) list(r *http.Request, o *assessment.Overview, names map[string]string, v *GapsView) {
	locale := web.Locale(r.Context())
	all := h.shell.T(r, "gap.filter.all", nil)
	v.Levels, v.Labels, v.Owners = []web.Option{{Label: all}}, []web.Option{{Label: all}}, []web.Option{{Label: all}}
	v.Dues = []web.Option{{Label: all}}
	for _, d := range []string{"over", "30", "none"} {
		v.Dues = append(v.Dues, web.Option{Value: d, Label: h.shell.T(r, "gap.due."+d, nil)})
	}
	for _, t := range o.Targets {
		for _, it := range t.Items() {
			if it.OpenClauses() == 0 {
				continue
			}
			row := h.row(o, t, it, names, locale)
			v.Levels = add(v.Levels, row.level, row.Level)
			if l := it.Label(); l != nil {
				v.Labels = add(v.Labels, row.label, l.Title.In(locale))
			}
			if row.Owner != "" {
				v.Owners = add(v.Owners, row.owner, row.Owner)
			}
			if fits(r, row, o.Today) {
				v.Rows = append(v.Rows, row)
				v.Shown += row.open
			}
		}
	}
}

func add(list []web.Option, value, label string) []web.Option {
	if slices.ContainsFunc(list, func(o web.Option) bool { return o.Value == value }) {
		return list
	}
	return append(list, web.Option{Value: value, Label: label})
}

func (h *Web) row(o *assessment.Overview, t assessment.Target, it *assessment.Item, names map[string]string, locale string) Row {
	row := Row{
		State: it.State, Number: it.Number(), Level: t.Board.LevelName(it.Node.Level, locale), Path: it.Path(), Title: it.Node.Title,
		level: t.Board.Key() + "/" + it.Node.Level, owner: it.Meta.Owner, due: it.Meta.PlannedOn, open: it.OpenClauses(),
	}
	if it.Node.Number == 0 {
		row.Number = t.Board.Short.In(locale) + " " + it.Node.ID
	}
	if l := it.Label(); l != nil {
		row.label = t.Board.Key() + "/" + l.ID
	}
	for _, c := range it.Clauses {
		row.Clauses = append(row.Clauses, Chip{c.State.Result, c.Short})
		if !c.Open() {
			continue
		}
		if a := o.ActionFor(c); a != nil {
			row.due = a.Due
			if a.Owner != "" {
				row.owner = a.Owner
			}
		}
		if why := h.svc.Why(c, locale); row.Why == "" && len(why) > 0 {
			row.Why = why[0]
		}
	}
	row.Owner, row.HasDue = names[row.owner], !row.due.IsZero()
	row.When, row.Overdue = assessment.When(row.due, o.Today, locale), row.HasDue && row.due.Before(o.Today)
	return row
}

func fits(r *http.Request, row Row, today jdate.Day) bool {
	q := r.URL.Query()
	due := true
	switch q.Get("due") {
	case "over":
		due = row.Overdue
	case "30":
		due = row.HasDue && row.due.Sub(today) <= 30
	case "none":
		due = !row.HasDue
	}
	match := func(name, value string) bool { return q.Get(name) == "" || q.Get(name) == value }
	return due && match("level", row.level) && match("label", row.label) && match("owner", row.owner)
}
