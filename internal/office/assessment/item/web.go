package item

import (
	"embed"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

// Web serves the check sheet and the pages of its items.
type Web struct {
	svc   *assessment.Service
	shell *web.Shell
	views *web.Views
	files *attach.Store
}

// NewWeb returns the pages. files keeps 証跡ファイル; nil leaves them out.
func NewWeb(svc *assessment.Service, shell *web.Shell, files *attach.Store) *Web {
	return &Web{svc: svc, shell: shell, views: shell.MustViews(viewFiles), files: files}
}

// Routes registers the pages.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /sheet", web.Needs(assessment.PermRead), h.first)
	rt.Handle("GET /sheet/{framework}", web.Needs(assessment.PermRead), h.list)
	rt.Handle("GET /sheet/{framework}/confirm", web.Needs(assessment.PermAnswer), h.confirmPage)
	rt.Handle("POST /sheet/{framework}/confirm", web.Needs(assessment.PermAnswer), h.confirmAll)
	rt.Handle("GET /sheet/{framework}/{item}", web.Needs(assessment.PermRead), h.show)
	rt.Handle("POST /sheet/{framework}/{item}", web.Needs(assessment.PermAnswer), h.answer)
	rt.Handle("POST /sheet/{framework}/{item}/confirm", web.Needs(assessment.PermAnswer), h.confirmItem)
	rt.Handle("POST /sheet/{framework}/{item}/note", web.Needs(assessment.PermAnswer), h.note)
	if h.files != nil {
		rt.HandleUpload("POST /sheet/{framework}/{item}/attach", web.Needs(assessment.PermAnswer), attach.MaxBytes+1<<16, h.attach)
	}
}

func (h *Web) show(w http.ResponseWriter, r *http.Request) error {
	view, err := h.itemView(r, web.NewForm())
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "sheet_item", view)
}

// answer saves every answer of the form that differs from the one that stands.
func (h *Web) answer(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	key, id := r.PathValue("framework"), r.PathValue("item")
	answers, err := readAnswers(form)
	if err == nil && len(answers) > 0 {
		err = h.svc.SaveAnswers(r.Context(), key, id, assessment.WayPage, answers)
	}
	if err != nil {
		view, verr := h.itemView(r, form)
		if verr != nil {
			return verr
		}
		return h.views.RenderForm(w, r, err, form, "sheet_item", view)
	}
	return h.done(w, r, "item.answered", "n", len(answers))
}

// done shows the item again: in place for the page's script, else by a redirect.
func (h *Web) done(w http.ResponseWriter, r *http.Request, key string, pairs ...any) error {
	if web.IsFragment(r) {
		view, err := h.itemView(r, web.NewForm())
		if err != nil {
			return err
		}
		return h.views.Fragment(w, r, "sheet_item", "item", view)
	}
	return h.shell.Done(w, r, "/sheet/"+r.PathValue("framework")+"/"+r.PathValue("item"), key, pairs...)
}

// readAnswers gives what changed against the answers that the form was made from.
func readAnswers(form *web.Form) ([]assessment.NewAnswer, error) {
	var out []assessment.NewAnswer
	for _, field := range form.List("field") {
		if len(out) > 500 || strings.Trim(field, "0123456789item") != "" {
			return nil, problem.Invalid("", "web.form_broken")
		}
		in := assessment.NewAnswer{
			Node: form.Values.Get("node-" + field), Value: valueOf(form.Values.Get("value-" + field)), Field: "-" + field,
			Reason: form.Long("reason-" + field), Expires: form.Day("expires-" + field), Version: form.Int("version-"+field, 0, 1<<30),
		}
		was := form.Values.Get("was-" + field)
		if form.Values.Get("value-"+field)+"|"+in.Reason+"|"+in.Expires.String() == was {
			continue
		}
		if form.Values.Get("value-"+field) == "" {
			if in.Version == 0 {
				continue
			}
			in.Value = assessment.None
		}
		out = append(out, in)
	}
	return out, form.Err()
}

// valueOf reads the value of a choice; 分からない is "unknown" on the form.
func valueOf(text string) verdict.Result {
	if text == "unknown" {
		return verdict.Unknown
	}
	return verdict.Result(text)
}

func choiceOf(a *assessment.Answer) string {
	switch {
	case a == nil:
		return ""
	case a.Value == verdict.Unknown:
		return "unknown"
	default:
		return string(a.Value)
	}
}

func (h *Web) confirmItem(w http.ResponseWriter, r *http.Request) error {
	n, err := h.svc.ConfirmProposed(r.Context(), r.PathValue("framework"), r.PathValue("item"))
	if err != nil {
		return err
	}
	return h.done(w, r, "item.confirmed", "n", n)
}

func (h *Web) confirmAll(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("framework")
	n, err := h.svc.ConfirmProposed(r.Context(), key, "")
	if err != nil {
		return err
	}
	return h.shell.Done(w, r, "/sheet/"+key, "item.confirmed", "n", n)
}

func (h *Web) note(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	m := assessment.ItemMeta{
		Owner: form.Text("owner"), PlannedOn: form.Day("planned"), Note: form.Long("note"), Version: form.Int("meta_version", 0, 1<<30),
	}
	if err = form.Err(); err == nil {
		err = h.svc.SaveItemMeta(r.Context(), r.PathValue("framework"), r.PathValue("item"), m)
	}
	if err != nil {
		view, verr := h.itemView(r, form)
		if verr != nil {
			return verr
		}
		view.NotesOpen = true
		return h.views.RenderForm(w, r, err, form, "sheet_item", view)
	}
	return h.done(w, r, "item.noted")
}

func (h *Web) attach(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	file, err := form.File("file")
	if err != nil {
		return err
	}
	up := attach.Upload{Note: form.Text("file_note"), From: form.Day("file_from"), To: form.Day("file_to"), Expires: form.Day("file_expires")}
	if file == nil {
		form.Add(problem.Invalid("file", "item.file_needed"))
	} else {
		up.Name, up.Data = file.Name, file.Data
	}
	if !up.To.IsZero() && up.To.Before(up.From) {
		form.Add(problem.Invalid("file_to", "attach.period_turned"))
	}
	if err = form.Err(); err == nil {
		err = h.svc.Attach(r.Context(), h.files, r.PathValue("framework"), r.PathValue("item"), up)
	}
	if err != nil {
		view, verr := h.itemView(r, form)
		if verr != nil {
			return verr
		}
		view.NotesOpen = true
		return h.views.RenderForm(w, r, err, form, "sheet_item", view)
	}
	return h.done(w, r, "item.attached", "name", up.Name)
}

// first sends to the sheet of the first target, else to the newest framework.
func (h *Web) first(w http.ResponseWriter, r *http.Request) error {
	to := ""
	err := h.svc.Read(r.Context(), func(tx *sqlite.Tx) error {
		targets, err := h.svc.Targets(r.Context(), tx)
		if len(targets) > 0 {
			to = targets[0].Board.Key()
		}
		return err
	})
	if err != nil {
		return err
	}
	if all := h.svc.Catalog().Frameworks(); to == "" && len(all) > 0 {
		to = all[len(all)-1].Key()
	}
	if to == "" {
		return problem.NotFound("assessment.framework_unknown", "framework", "")
	}
	web.Redirect(w, "/sheet/"+to)
	return nil
}

func mayAnswer(r *http.Request) bool { return actor.From(r.Context()).May(assessment.PermAnswer) }

func personOptions(names map[string]string, first string) []web.Option {
	out := []web.Option{{Value: "", Label: first}}
	for key, name := range names {
		out = append(out, web.Option{Value: key, Label: name})
	}
	slices.SortFunc(out[1:], func(a, b web.Option) int { return strings.Compare(a.Label+a.Value, b.Label+b.Value) })
	return out
}

func fieldOf(i int) string { return strconv.Itoa(i) }
