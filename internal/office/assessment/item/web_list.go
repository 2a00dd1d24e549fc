package item

import (
	"html/template"
	"net/http"
	"slices"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/chart"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// ListView is the check sheet of one framework.
type ListView struct {
	Form       *web.Form
	Key        string
	Title      framework.Text
	Round      string
	Tabs       []Tab
	Levels     []web.Option
	Labels     []web.Option
	States     []web.Option
	Owners     []web.Option
	Rows       []RowView
	All        int
	ByLevel    []BarView
	ByLabel    []BarView
	Radar      template.HTML // share met of each label, that of the year before beside it
	Unknown    int           // items whose level nobody knows
	Proposed   int
	Unanswered int
	MayAnswer  bool
	MayManage  bool
	HasPast    bool
	Differ     []assessment.LevelDifference
}

// Tab is one framework to choose.
type Tab struct {
	Name, Path string
	Current    bool
	Target     string // name of the level aimed at; empty: no target
}

// RowView is one item in the list.
type RowView struct {
	Number, Path, Level string
	Title               framework.Text
	Label               framework.Text
	State               verdict.Result
	Clauses             []Chip
	Answered            bool
	Value, Past         i18n.Msg
	HasPast             bool
	Owner               string
	Planned             jdate.Day
	NeedsImport         bool
}

// Chip is one clause as shape and short name.
type Chip struct {
	State verdict.Result
	Name  framework.Text
}

// BarView counts the items of a level or a label; the numbers stand beside the bar as text.
type BarView struct {
	Name                               string
	Met, Part, Unmet, Unknown, NA, All int
	MetWide, PartWide, UnknownWide     int // per cent of the bar
	PartFrom, UnknownFrom              int
	Path                               string
}

func (h *Web) list(w http.ResponseWriter, r *http.Request) error {
	view := &ListView{Form: &web.Form{Values: r.URL.Query()}, MayAnswer: mayAnswer(r), MayManage: actor.From(r.Context()).MayWhole(assessment.PermManage)}
	err := h.svc.Read(r.Context(), func(tx *sqlite.Tx) error { return h.fillList(r, tx, view) })
	if err != nil {
		return err
	}
	if web.IsFragment(r) {
		return h.views.Fragment(w, r, "sheet_list", "items", view)
	}
	return h.views.Render(w, r, "sheet_list", view)
}

func (h *Web) fillList(r *http.Request, tx *sqlite.Tx, view *ListView) error {
	ctx := r.Context()
	b, err := h.svc.Board(ctx, tx, r.PathValue("framework"))
	if err != nil {
		return err
	}
	targets, err := h.svc.Targets(ctx, tx)
	if err != nil {
		return err
	}
	names, err := h.svc.Names(ctx, tx)
	if err != nil {
		return err
	}
	view.Key, view.Title, view.All, view.Unanswered = b.Key(), b.Title, len(b.Items), b.Unanswered()
	view.HasPast, view.Differ = b.Previous != nil, b.LevelDifferences()
	if b.Round != nil {
		view.Round = b.Round.Name
	}
	view.Tabs = h.tabs(r, targets, b.Key())
	h.addChoices(r, view, b, names)
	f := readFilter(r)
	for _, it := range b.Items {
		view.Proposed += len(it.Proposed())
		if it.Node.Level == "" {
			view.Unknown++
		}
		if f.fits(it) {
			view.Rows = append(view.Rows, row(b, it, names, web.Locale(ctx)))
		}
	}
	if view.Radar, err = h.radar(r, b); err != nil {
		return err
	}
	view.ByLevel, view.ByLabel = bars(b, web.Locale(ctx), h.shell.T(r, "item.level_unknown", nil))
	return nil
}

// tabs lists the frameworks, the targets first.
func (h *Web) tabs(r *http.Request, targets []assessment.Target, current string) []Tab {
	locale := web.Locale(r.Context())
	var out []Tab
	seen := map[string]bool{}
	for _, t := range targets {
		key := t.Board.Key()
		seen[key] = true
		out = append(out, Tab{t.Board.Short.In(locale) + " " + t.Board.Version, "/sheet/" + key, key == current, t.Board.LevelName(t.Level, locale)})
	}
	for _, f := range h.svc.Catalog().Frameworks() {
		if !seen[f.Key()] {
			out = append(out, Tab{f.Short.In(locale) + " " + f.Version, "/sheet/" + f.Key(), f.Key() == current, ""})
		}
	}
	return out
}

func (h *Web) addChoices(r *http.Request, view *ListView, b *assessment.Board, names map[string]string) {
	locale := web.Locale(r.Context())
	all := h.shell.T(r, "item.filter.all", nil)
	view.Levels = []web.Option{{Value: "", Label: all}}
	for _, l := range b.Levels {
		view.Levels = append(view.Levels, web.Option{Value: l.ID, Label: l.Name.In(locale)})
	}
	view.Levels = append(view.Levels, web.Option{Value: "unknown", Label: h.shell.T(r, "item.level_unknown", nil)})
	view.Labels = []web.Option{{Value: "", Label: all}}
	view.States = []web.Option{{Value: "", Label: all}, {Value: "open", Label: h.shell.T(r, "item.filter.open", nil)}}
	for _, s := range []string{"met", "part", "unmet", "unknown", "na"} {
		view.States = append(view.States, web.Option{Value: s, Label: h.shell.T(r, "web.verdict."+s, nil)})
	}
	for _, it := range b.Items {
		if l := it.Label(); l != nil {
			if o := (web.Option{Value: l.ID, Label: l.Title.In(locale)}); !slices.Contains(view.Labels, o) {
				view.Labels = append(view.Labels, o)
			}
		}
	}
	view.Owners = personOptions(names, all)
}

// filter is what the list is narrowed down to.
type filter struct{ level, label, state, owner string }

func readFilter(r *http.Request) filter {
	q := r.URL.Query()
	return filter{q.Get("level"), q.Get("label"), q.Get("state"), q.Get("owner")}
}

func (f filter) fits(it *assessment.Item) bool {
	level := it.Node.Level
	if level == "" {
		level = "unknown"
	}
	state := string(it.State)
	if it.State == verdict.Unknown {
		state = "unknown"
	}
	label := it.Label()
	return (f.level == "" || f.level == level) && (f.label == "" || label != nil && f.label == label.ID) &&
		(f.state == "" || f.state == state || f.state == "open" && it.OpenClauses() > 0) && (f.owner == "" || f.owner == it.Meta.Owner)
}

func row(b *assessment.Board, it *assessment.Item, names map[string]string, locale string) RowView {
	v := RowView{
		Number: it.Number(), Path: it.Path(), Level: b.LevelName(it.Node.Level, locale), Title: it.Node.Title, State: it.State,
		Answered: it.AnswerValue != verdict.Unanswered, Value: valueMsg(int(it.AnswerValue)), Owner: names[it.Meta.Owner],
		Planned: it.Meta.PlannedOn, NeedsImport: it.Node.NeedsImport,
	}
	if l := it.Label(); l != nil {
		v.Label = l.Title
	}
	if it.Past != nil {
		v.HasPast, v.Past = true, valueMsg(it.Past.AnswerValue)
	}
	for _, c := range it.Clauses {
		v.Clauses = append(v.Clauses, Chip{c.State.Result, c.Short})
	}
	return v
}

// bars counts items by level and by label.
func bars(b *assessment.Board, locale, unknown string) (levels, labels []BarView) {
	groups := map[string][]*assessment.Item{}
	var order []*framework.Node
	for _, it := range b.Items {
		groups["level/"+it.Node.Level] = append(groups["level/"+it.Node.Level], it)
		if l := it.Label(); l != nil {
			if !slices.Contains(order, l) {
				order = append(order, l)
			}
			groups["label/"+l.ID] = append(groups["label/"+l.ID], it)
		}
	}
	for _, l := range b.Levels {
		levels = append(levels, bar(l.Name.In(locale), "/sheet/"+b.Key()+"?level="+l.ID, groups["level/"+l.ID]))
	}
	if list := groups["level/"]; len(list) > 0 {
		levels = append(levels, bar(unknown, "/sheet/"+b.Key()+"?level=unknown", list))
	}
	for _, l := range order {
		labels = append(labels, bar(l.Title.In(locale), "/sheet/"+b.Key()+"?label="+l.ID, groups["label/"+l.ID]))
	}
	return levels, labels
}

// radar draws the share of items met of each label; the table of labels beside it has the numbers.
func (h *Web) radar(r *http.Request, b *assessment.Board) (template.HTML, error) {
	locale := web.Locale(r.Context())
	in := chart.RadarInput{
		Head:      chart.Head{ID: "labels", Title: h.shell.T(r, "item.by_label", nil), Desc: h.shell.T(r, "item.radar_desc", nil)},
		Name:      h.shell.T(r, "item.radar_now", nil),
		LabelName: h.shell.T(r, "item.filter.label", nil), Unknown: h.shell.T(r, "web.verdict.unknown", nil),
	}
	if b.Previous != nil {
		in.BeforeName = h.shell.T(r, "item.past", nil)
	}
	var order []*framework.Node
	items := map[*framework.Node][]*assessment.Item{}
	for _, it := range b.Items {
		if l := it.Label(); l != nil {
			if items[l] == nil {
				order = append(order, l)
			}
			items[l] = append(items[l], it)
		}
	}
	if len(order) < 3 { // fewer spokes make no shape
		return "", nil
	}
	for _, l := range order {
		in.Axes = append(in.Axes, axis(l.Title.In(locale), items[l]))
	}
	return chart.Radar(in).SVG()
}

func axis(name string, items []*assessment.Item) chart.Axis {
	met, before, known := 0, 0, 0
	for _, it := range items {
		if it.State == verdict.Met || it.State == verdict.NA {
			met++
		}
		if it.Past != nil {
			known++
			if it.Past.AnswerValue == int(verdict.ValueMet) || it.Past.AnswerValue == int(verdict.NotApplicable) {
				before++
			}
		}
	}
	a := chart.Axis{Label: name, Value: float64(met * 100 / len(items)), Before: chart.None(), Max: 100}
	if known > 0 {
		a.Before = float64(before * 100 / known)
	}
	return a
}

func bar(name, path string, items []*assessment.Item) BarView {
	c := assessment.Count(items)
	v := BarView{Name: name, Path: path, Met: c.Met, Part: c.Part, Unmet: c.Unmet, Unknown: c.Unknown, NA: c.NA, All: c.Items}
	if c.Items > 0 {
		v.MetWide = (c.Met + c.NA) * 100 / c.Items
		v.PartWide = c.Part * 100 / c.Items
		v.UnknownWide = c.Unknown * 100 / c.Items
	}
	v.PartFrom, v.UnknownFrom = v.MetWide, v.MetWide+v.PartWide
	return v
}

// ConfirmView asks before the whole sheet is answered as the records say.
type ConfirmView struct {
	Key   string
	Title framework.Text
	Items []ConfirmItem
	N     int
}

// ConfirmItem is one item with the clauses that would be answered.
type ConfirmItem struct {
	Number, Path string
	Title        framework.Text
	Clauses      []ConfirmClause
}

// ConfirmClause is one clause and what the records say of it.
type ConfirmClause struct {
	Text    framework.Text
	Verdict verdict.Result
	Why     string
}

func (h *Web) confirmPage(w http.ResponseWriter, r *http.Request) error {
	var view ConfirmView
	err := h.svc.Read(r.Context(), func(tx *sqlite.Tx) error {
		b, err := h.svc.Board(r.Context(), tx, r.PathValue("framework"))
		if err != nil {
			return err
		}
		view.Key, view.Title = b.Key(), b.Title
		for _, it := range b.Items {
			ci := ConfirmItem{Number: it.Number(), Path: it.Path(), Title: it.Node.Title}
			for _, c := range it.Proposed() {
				cc := ConfirmClause{Text: c.Text, Verdict: c.Verdict.Result}
				if why := h.svc.Why(c, web.Locale(r.Context())); len(why) > 0 {
					cc.Why = why[0]
				}
				ci.Clauses = append(ci.Clauses, cc)
			}
			if len(ci.Clauses) > 0 {
				view.Items = append(view.Items, ci)
				view.N += len(ci.Clauses)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "sheet_confirm", view)
}
