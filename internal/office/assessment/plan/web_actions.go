package plan

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
)

// ActionsView is the list of actions (対応).
type ActionsView struct {
	Form      *web.Form
	States    []web.Option
	Owners    []web.Option
	Rows      []ActionRow
	All       int
	MayAnswer bool
	Export    string
}

// ActionRow is one action in the list.
type ActionRow struct {
	Key, Title, Owner, Version string
	Due, Done                  jdate.Day
	When                       i18n.Msg
	Overdue                    bool
	Targets                    []TargetLine
}

// The filters of the list; "open" is what the list shows at first.
var actionStates = []string{"open", "overdue", "done", "all"}

func (h *Web) actions(w http.ResponseWriter, r *http.Request) error {
	view, err := h.actionsView(r)
	if err != nil {
		return err
	}
	if web.IsFragment(r) {
		return h.views.Fragment(w, r, "plan_actions", "actions", view)
	}
	return h.views.Render(w, r, "plan_actions", view)
}

func (h *Web) actionsView(r *http.Request) (ActionsView, error) {
	q := r.URL.Query()
	view := ActionsView{Form: &web.Form{Values: q}, MayAnswer: mayAnswer(r)}
	for _, state := range actionStates {
		view.States = append(view.States, web.Option{Value: state, Label: h.shell.T(r, "plan.filter."+state, nil)})
	}
	view.Export = "/actions/export?" + url.Values{"state": {q.Get("state")}, "owner": {q.Get("owner")}, "q": {q.Get("q")}}.Encode() + "&"
	err := h.svc.Read(r.Context(), func(tx *sqlite.Tx) error {
		all, err := h.svc.Actions(r.Context(), tx)
		if err != nil {
			return err
		}
		names, err := h.svc.Names(r.Context(), tx)
		if err != nil {
			return err
		}
		view.Owners, view.All = personOptions(names, h.shell.T(r, "plan.filter.anybody", nil)), len(all)
		for _, a := range all {
			if !fits(a, q, names, jdate.Of(tx.Now)) {
				continue
			}
			line, err := h.actionRow(r, tx, a, names)
			if err != nil {
				return err
			}
			view.Rows = append(view.Rows, line)
		}
		return nil
	})
	return view, err
}

// fits says whether an action belongs to what the list is narrowed down to.
func fits(a *assessment.Action, q url.Values, names map[string]string, today jdate.Day) bool {
	if owner := q.Get("owner"); owner != "" && owner != a.Owner {
		return false
	}
	if text := jtext.SearchKey(q.Get("q")); text != "" && !strings.Contains(jtext.SearchKey(a.Title+" "+a.Note+" "+names[a.Owner]), text) {
		return false
	}
	switch q.Get("state") {
	case "all":
		return true
	case "done":
		return !a.Done.IsZero()
	case "overdue":
		return overdue(a, today)
	default:
		return a.Done.IsZero()
	}
}

func overdue(a *assessment.Action, today jdate.Day) bool {
	return a.Done.IsZero() && !a.Due.IsZero() && a.Due.Before(today)
}

func (h *Web) actionRow(r *http.Request, tx *sqlite.Tx, a *assessment.Action, names map[string]string) (ActionRow, error) {
	today := jdate.Of(tx.Now)
	line := ActionRow{
		Key: a.Key, Title: a.Title, Owner: names[a.Owner], Version: strconv.Itoa(a.Version), Due: a.Due, Done: a.Done,
		When: assessment.When(a.Due, today, web.Locale(r.Context())), Overdue: overdue(a, today),
	}
	for _, t := range a.Targets {
		target, err := h.target(r, tx, t)
		if err != nil {
			return line, err
		}
		line.Targets = append(line.Targets, target)
	}
	return line, nil
}

func (h *Web) exportActions(w http.ResponseWriter, r *http.Request) error {
	view, err := h.actionsView(r)
	if err != nil {
		return err
	}
	t := func(key string) string { return h.shell.T(r, key, nil) }
	out := sheet.Out{Title: t("plan.actions"), Day: h.svc.Today(), Columns: []sheet.OutColumn{
		{Title: t("plan.what"), Width: 50},
		{Title: t("plan.items")},
		{Title: t("plan.owner")},
		{Title: t("plan.due"), Kind: sheet.Date},
		{Title: t("plan.done_on"), Kind: sheet.Date},
	}}
	for _, line := range view.Rows {
		var items []string
		for _, target := range line.Targets {
			items = append(items, target.Framework+" "+target.Number)
		}
		out.Rows = append(out.Rows, []any{line.Title, strings.Join(items, ", "), line.Owner, line.Due, line.Done})
	}
	return web.Export(w, r, "kizuki-actions-"+h.svc.Today().String(), out)
}
