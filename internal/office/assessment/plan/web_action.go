package plan

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// ActionView is the form of one action, or its page for those who may only read.
type ActionView struct {
	Form       *web.Form
	Key        string // empty for a new one
	Row        ActionRow
	Note       string
	Targets    []TargetLine
	Owners     []web.Option
	Frameworks []web.Option
	Version    string
	MayAnswer  bool
	Now        *ActionRow // as somebody else left it meanwhile; nil: nobody did
}

// TargetLine is an item, or one clause of it, that an action is about.
type TargetLine struct {
	Value     string // on the form
	Framework string // short name
	Number    string
	Path      string // empty: the catalogue no longer has it
	Title     framework.Text
	Clause    framework.Text // empty: the whole item
	State     verdict.Result
}

// encode writes a target as the value of a checkbox; none of its parts holds the sign.
func encode(t assessment.ActionTarget) string { return t.Framework + "|" + t.Item + "|" + t.Clause }

func decode(value string) (assessment.ActionTarget, error) {
	parts := strings.Split(value, "|")
	if len(parts) != 3 {
		return assessment.ActionTarget{}, problem.Invalid("", "web.form_broken")
	}
	return assessment.ActionTarget{Framework: parts[0], Item: parts[1], Clause: parts[2]}, nil
}

// target describes what an action is about, as far as the catalogue still knows it.
func (h *Web) target(r *http.Request, tx *sqlite.Tx, t assessment.ActionTarget) (TargetLine, error) {
	line := TargetLine{Value: encode(t), Framework: h.frameworkName(r, t.Framework), Number: t.Item}
	b, err := h.svc.Board(r.Context(), tx, t.Framework)
	if problem.CodeOf(err) == problem.CodeNotFound {
		return line, nil
	}
	if err != nil {
		return line, err
	}
	it := b.Item(t.Item)
	if it == nil {
		return line, nil
	}
	line.Number, line.Title, line.State = it.Number(), it.Node.Title, it.State
	if t.Clause == "" {
		line.Path = it.Path()
		return line, nil
	}
	for _, c := range it.Clauses {
		if c.ID == t.Clause {
			line.Path, line.Clause, line.State = it.Path(), c.Text, c.State.Result
		}
	}
	return line, nil
}

// newAction suggests an action for the item or clause that the address names.
func (h *Web) newAction(w http.ResponseWriter, r *http.Request) error {
	form := web.NewForm("version", "0")
	q := r.URL.Query()
	err := h.svc.Read(r.Context(), func(tx *sqlite.Tx) error {
		if q.Get("framework") == "" || q.Get("item") == "" {
			form.Values.Set("add_framework", q.Get("framework"))
			return nil
		}
		_, it, err := h.svc.Item(r.Context(), tx, q.Get("framework"), q.Get("item"))
		if err != nil {
			return err
		}
		t := assessment.ActionTarget{Framework: q.Get("framework"), Item: q.Get("item")}
		for _, c := range it.Clauses {
			if c.ID == q.Get("clause") {
				t.Clause = c.ID
			}
		}
		form.Values.Set("target", encode(t))
		form.Values.Set("title", h.suggestedTitle(r, it, t.Clause))
		form.Values.Set("owner", it.Meta.Owner)
		form.Values.Set("due", it.Meta.PlannedOn.String())
		return nil
	})
	if err != nil {
		return err
	}
	return h.renderAction(w, r, nil, form)
}

// suggestedTitle is what closes the first open clause, as the catalogue calls it; else the clause or the item itself.
func (h *Web) suggestedTitle(r *http.Request, it *assessment.Item, clause string) string {
	locale := web.Locale(r.Context())
	for _, c := range it.Clauses {
		if clause != "" && c.ID != clause {
			continue
		}
		if cure, ok := h.svc.Cure(c); ok && c.Open() {
			return cure.Title.In(locale)
		}
		if clause != "" {
			return h.shell.T(r, "plan.suggested", problem.Args{"number": it.Number(), "text": c.Text.In(locale)})
		}
	}
	return h.shell.T(r, "plan.suggested", problem.Args{"number": it.Number(), "text": it.Node.Title.In(locale)})
}

func (h *Web) action(w http.ResponseWriter, r *http.Request) error {
	form := web.NewForm()
	err := h.svc.Read(r.Context(), func(tx *sqlite.Tx) error {
		a, err := h.svc.ActionByKey(r.Context(), tx, r.PathValue("key"))
		if err != nil {
			return err
		}
		form = web.NewForm("title", a.Title, "owner", a.Owner, "due", a.Due.String(), "note", a.Note, "version", strconv.Itoa(a.Version))
		for _, t := range a.Targets {
			form.Values.Add("target", encode(t))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return h.renderAction(w, r, nil, form)
}

func (h *Web) saveAction(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	a := assessment.Action{
		Key: r.PathValue("key"), Title: form.Text("title"), Due: form.Day("due"), Note: form.Long("note"), Version: form.Int("version", 0, 1<<30),
	}
	if (a.Key == "") != (a.Version == 0) {
		return problem.Invalid("", "web.form_broken")
	}
	if err := h.readAction(r, form, &a); err != nil {
		return err
	}
	if err = form.Err(); err == nil {
		if _, err = h.svc.SaveAction(r.Context(), a); err == nil {
			return h.shell.Done(w, r, "/actions", "plan.action_saved", "title", a.Title)
		}
	}
	return h.renderAction(w, r, err, form)
}

// readAction reads owner and targets: those that stay checked, and those whose numbers were added.
func (h *Web) readAction(r *http.Request, form *web.Form, a *assessment.Action) error {
	for _, value := range form.List("target") {
		t, err := decode(value)
		if err != nil {
			return err
		}
		a.Targets = append(a.Targets, t)
	}
	return h.svc.Read(r.Context(), func(tx *sqlite.Tx) error {
		names, err := h.svc.Names(r.Context(), tx)
		if err != nil {
			return err
		}
		if a.Owner = form.Text("owner"); a.Owner != "" && names[a.Owner] == "" {
			form.Add(problem.Invalid("owner", "web.choose"))
		}
		numbers := form.Text("add_items")
		if numbers == "" {
			return nil
		}
		o, err := h.svc.Outline(r.Context(), tx, form.Text("add_framework"))
		if problem.CodeOf(err) == problem.CodeNotFound {
			form.Add(problem.Invalid("add_framework", "web.choose"))
			return nil
		}
		if err != nil {
			return err
		}
		chosen, err := o.Select("add_items", numbers)
		for _, p := range problem.All(err) {
			form.Add(p)
		}
		for _, n := range chosen {
			if t := (assessment.ActionTarget{Framework: o.Key(), Item: n.ID}); !slices.Contains(a.Targets, t) {
				a.Targets = append(a.Targets, t)
			}
		}
		return nil
	})
}

func (h *Web) renderAction(w http.ResponseWriter, r *http.Request, problems error, form *web.Form) error {
	view := ActionView{
		Form: form, Key: r.PathValue("key"), MayAnswer: mayAnswer(r), Note: form.Values.Get("note"),
		Frameworks: h.frameworks(web.Locale(r.Context())),
	}
	err := h.svc.Read(r.Context(), func(tx *sqlite.Tx) error {
		names, err := h.svc.Names(r.Context(), tx)
		if err != nil {
			return err
		}
		view.Owners = personOptions(names, h.shell.T(r, "plan.owner_none", nil))
		if err := h.addTargets(r, tx, &view); err != nil || view.Key == "" {
			return err
		}
		a, err := h.svc.ActionByKey(r.Context(), tx, view.Key)
		if err != nil {
			return err
		}
		if view.Row, err = h.actionRow(r, tx, a, names); err != nil {
			return err
		}
		if problem.CodeOf(problems) == problem.CodeConflict {
			view.Now = &view.Row
			form.Values.Set("version", view.Row.Version)
		}
		return nil
	})
	if err != nil {
		return err
	}
	view.Version = form.Values.Get("version")
	if problems != nil {
		return h.views.RenderForm(w, r, problems, form, "plan_action", view)
	}
	return h.views.Render(w, r, "plan_action", view)
}

// addTargets lists what the form's action is about. What the catalogue no longer has is left out, so that the next
// save drops it.
func (h *Web) addTargets(r *http.Request, tx *sqlite.Tx, view *ActionView) error {
	for _, value := range view.Form.List("target") {
		t, err := decode(value)
		if err != nil {
			return err
		}
		line, err := h.target(r, tx, t)
		if err != nil {
			return err
		}
		if line.Path != "" {
			view.Targets = append(view.Targets, line)
		}
	}
	return nil
}

func (h *Web) finish(w http.ResponseWriter, r *http.Request) error {
	form, version, err := readVersion(r)
	if err != nil {
		return err
	}
	done := form.Choice("done", "yes", "no") == "yes"
	if err := form.Err(); err != nil {
		return err
	}
	if err := h.svc.FinishAction(r.Context(), r.PathValue("key"), version, done); err != nil {
		return err
	}
	if !done {
		return h.shell.Done(w, r, "/actions/"+r.PathValue("key"), "plan.action_again")
	}
	return h.shell.Done(w, r, "/actions", "plan.action_done", "on", h.svc.Today().String())
}

func (h *Web) remove(w http.ResponseWriter, r *http.Request) error {
	_, version, err := readVersion(r)
	if err != nil {
		return err
	}
	if err := h.svc.RemoveAction(r.Context(), r.PathValue("key"), version); err != nil {
		return err
	}
	return h.shell.Done(w, r, "/actions", "plan.action_removed")
}
