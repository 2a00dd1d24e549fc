package question

import (
	"context"
	"embed"
	"net/http"
	"net/url"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

// Web serves the questions.
type Web struct {
	svc     *Service
	shell   *web.Shell
	views   *web.Views
	address func(context.Context) string
	asker   func(ctx context.Context, tx *sqlite.Tx, by string) (string, error)
}

// NewWeb returns the pages. address gives the base address of the office without a slash at its end; asker gives the
// name of who made a link from actor.ID, "" when nobody knows it any more.
func NewWeb(svc *Service, shell *web.Shell, address func(context.Context) string, asker func(ctx context.Context, tx *sqlite.Tx, by string) (string, error)) *Web {
	return &Web{svc: svc, shell: shell, views: shell.MustViews(viewFiles), address: address, asker: asker}
}

// Routes registers the pages.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /sheet/owners", web.Needs(assessment.PermAnswer), h.firstOwners)
	rt.Handle("GET /sheet/{framework}/ask", web.Needs(assessment.PermAnswer), h.ask)
	rt.Handle("POST /sheet/{framework}/ask", web.Needs(assessment.PermAnswer), h.answer)
	rt.Handle("GET /sheet/{framework}/owners", web.Needs(assessment.PermAnswer), h.owners)
	rt.Handle("POST /sheet/{framework}/owners", web.Needs(assessment.PermAnswer), h.assign)
	rt.Handle("POST /sheet/{framework}/owners/{person}/link", web.Needs(assessment.PermAnswer), h.makeLink)
	rt.Handle("POST /sheet/{framework}/owners/{person}/close", web.Needs(assessment.PermAnswer), h.closeLinks)
	rt.Handle("GET /sheet/{framework}/paper", web.Needs(assessment.PermAnswer), h.paper)
	rt.Handle("GET /sheet/{framework}/paper/entry", web.Needs(assessment.PermAnswer), h.entry)
	rt.HandleUpload("POST /sheet/{framework}/paper/entry", web.Needs(assessment.PermAnswer), attach.MaxBytes+1<<20, h.enter)
	rt.Handle("GET /l/answer/{token}", web.ByLink, h.linkPage)
	rt.Handle("POST /l/answer/{token}", web.ByLink, h.linkAnswer)
}

// walk is one way through the questions: of somebody signed in, or of an owner behind a link.
type walk struct {
	base  string // address of the pages
	only  string // list of items in the address
	sheet *Sheet
	asked *Asked // nil: signed in
}

// at is the address of one question, of the page after its answer, or with both empty of the first open question.
func (w *walk) at(item, more string) string {
	q := url.Values{}
	if item != "" {
		q.Set("at", item)
	}
	if more != "" {
		q.Set(more, "1")
	}
	if w.only != "" {
		q.Set("items", w.only)
	}
	if len(q) == 0 {
		return w.base
	}
	return w.base + "?" + q.Encode()
}

// next is where it goes after a question: the next one without an answer, or the end.
func (w *walk) next(place int) string {
	if it := w.sheet.after(place); it != nil {
		return w.at(it.Node.ID, "")
	}
	return w.at("", "end")
}

func (h *Web) walk(r *http.Request, only string) (*walk, error) {
	walk := &walk{base: "/sheet/" + r.PathValue("framework") + "/ask", only: only}
	err := h.svc.main.Read(r.Context(), func(tx *sqlite.Tx) (err error) {
		walk.sheet, err = h.svc.Sheet(r.Context(), tx, r.PathValue("framework"), only)
		return err
	})
	return walk, err
}

func (h *Web) ask(w http.ResponseWriter, r *http.Request) error {
	walk, err := h.walk(r, r.URL.Query().Get("items"))
	if err != nil {
		return err
	}
	return h.show(w, r, walk)
}

// show draws the question that the address names, what the records say after its answer, or the end.
func (h *Web) show(w http.ResponseWriter, r *http.Request, walk *walk) error {
	q := r.URL.Query()
	place := walk.sheet.place(q.Get("at"))
	switch first := walk.sheet.first(); {
	case q.Get("at") != "" && place < 0:
		return problem.NotFound("assessment.item.not_found")
	case place < 0 && (q.Get("end") != "" || first == nil):
		return h.end(w, r, walk)
	case place < 0:
		place = walk.sheet.place(first.Node.ID)
	}
	it := walk.sheet.Items[place]
	if q.Get("said") != "" && walk.sheet.Said(it) && it.Answer != nil {
		return h.views.Render(w, r, "question_said", h.saidView(r, walk, place))
	}
	return h.views.Render(w, r, "question_ask", h.askView(r, walk, place, web.NewForm()))
}

func (h *Web) end(w http.ResponseWriter, r *http.Request, walk *walk) error {
	if walk.asked != nil {
		return h.linkEnd(w, r, walk)
	}
	return h.views.Render(w, r, "question_done", doneView(r, walk))
}

// answers are the values of the buttons.
var answers = map[string]verdict.Result{
	"met": verdict.Met, "part": verdict.Part, "unmet": verdict.Unmet, "unknown": verdict.Unknown, "na": verdict.NA,
}

// readAnswer reads the button that was pressed. A reason belongs to 該当なし, or to 達成 against the records.
func readAnswer(form *web.Form) (item string, in assessment.NewAnswer) {
	item = form.Text("item")
	in = assessment.NewAnswer{Node: item, Version: form.Int("version", 0, 1<<30)}
	value, known := answers[form.Values.Get("value")]
	if !known {
		form.Add(problem.Invalid("", "web.choose"))
	}
	in.Value = value
	switch value {
	case verdict.NA:
		in.Reason, in.Field = form.Long("reason_na"), "_na"
	case verdict.Met:
		in.Reason, in.Expires = form.Long("reason"), form.Day("expires")
	default:
	}
	return item, in
}

func (h *Web) answer(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	walk, err := h.walk(r, form.Text("items"))
	if err != nil {
		return err
	}
	item, in := readAnswer(form)
	if walk.sheet.place(item) < 0 {
		return problem.NotFound("assessment.item.not_found")
	}
	if err = form.Err(); err == nil {
		err = h.svc.main.SaveAnswers(r.Context(), r.PathValue("framework"), item, assessment.WayAsk, []assessment.NewAnswer{in})
	}
	if err != nil {
		return h.again(w, r, walk, item, form, err)
	}
	return h.shell.Done(w, r, walk.at(item, "said"), "question.saved")
}

// again shows the question with what is still needed. An answer against the records is no mistake: the first time
// the page asks what to do, without a word of blame.
func (h *Web) again(w http.ResponseWriter, r *http.Request, walk *walk, item string, form *web.Form, err error) error {
	asking := form.Values.Get("differ") != ""
	view := h.askView(r, walk, walk.sheet.place(item), form)
	view.NAOpen = form.Values.Get("value") == "na"
	if against(err) || asking && problem.CodeOf(err) == problem.CodeInvalid {
		h.addDiffer(r, view, walk.sheet.Items[walk.sheet.place(item)])
	}
	if against(err) && !asking {
		form.Values.Set("expires", walk.sheet.Board.Today.Add(keepDays).String())
		return h.views.Render(w, r, "question_ask", view)
	}
	return h.views.RenderForm(w, r, err, form, "question_ask", view)
}

// firstOwners leads from the list of frameworks to the owners of the first target.
func (h *Web) firstOwners(w http.ResponseWriter, r *http.Request) error {
	key := ""
	err := h.svc.main.Read(r.Context(), func(tx *sqlite.Tx) error {
		targets, err := h.svc.main.Targets(r.Context(), tx)
		if len(targets) > 0 {
			key = targets[0].Board.Key()
		}
		return err
	})
	if err != nil {
		return err
	}
	if all := h.svc.main.Catalog().Frameworks(); key == "" && len(all) > 0 {
		key = all[len(all)-1].Key()
	}
	web.Redirect(w, "/sheet/"+key+"/owners")
	return nil
}

func versionText(n int) string { return strconv.Itoa(n) }
