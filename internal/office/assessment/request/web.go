package request

import (
	"embed"
	"net/http"
	"slices"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

// Web serves the pages of requests.
type Web struct {
	svc   *Service
	shell *web.Shell
	views *web.Views
}

// NewWeb returns the pages.
func NewWeb(svc *Service, shell *web.Shell) *Web {
	return &Web{svc: svc, shell: shell, views: shell.MustViews(viewFiles)}
}

// Routes registers the pages.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /requests", web.Needs(assessment.PermRead), h.list)
	rt.Handle("GET /requests/export", web.Needs(assessment.PermRead), h.export)
	rt.Handle("GET /requests/new", web.Needs(assessment.PermRequest), h.newForm)
	rt.Handle("POST /requests/new", web.Needs(assessment.PermRequest), h.save)
	rt.Handle("GET /requests/{key}", web.Needs(assessment.PermRead), h.show)
	rt.Handle("GET /requests/{key}/edit", web.Needs(assessment.PermRequest), h.editForm)
	rt.Handle("POST /requests/{key}/edit", web.Needs(assessment.PermRequest), h.save)
	rt.HandleUpload("POST /requests/{key}/events", web.Needs(assessment.PermRequest), attach.MaxBytes+1<<16, h.addEvent)
	rt.Handle("POST /requests/{key}/close", web.Needs(assessment.PermRequest), h.close)
	rt.Handle("POST /requests/{key}/remove", web.Needs(assessment.PermRequest), h.remove)
}

func (h *Web) list(w http.ResponseWriter, r *http.Request) error {
	view, err := h.listView(r)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "request_list", view)
}

func (h *Web) newForm(w http.ResponseWriter, r *http.Request) error {
	if err := actor.From(r.Context()).RequireWhole(assessment.PermRequest); err != nil {
		return err
	}
	form := web.NewForm("framework", r.URL.Query().Get("framework"), "version", "0")
	return h.views.Render(w, r, "request_edit", h.editView(r, form, ""))
}

func (h *Web) editForm(w http.ResponseWriter, r *http.Request) error {
	if err := actor.From(r.Context()).RequireWhole(assessment.PermRequest); err != nil {
		return err
	}
	form, err := h.firstValues(r)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "request_edit", h.editView(r, form, r.PathValue("key")))
}

// firstValues fills the form with the request as it stands.
func (h *Web) firstValues(r *http.Request) (*web.Form, error) {
	var form *web.Form
	err := h.svc.main.Read(r.Context(), func(tx *sqlite.Tx) error {
		req, err := h.svc.ByKey(r.Context(), tx, r.PathValue("key"))
		if err != nil {
			return err
		}
		b, err := h.svc.main.Board(r.Context(), tx, req.Framework)
		if err != nil {
			return err
		}
		form = web.NewForm("customer", req.Customer, "framework", req.Framework, "level", req.Level, "items", req.Numbers(b),
			"deadline", req.Deadline.String(), "form", req.Form, "note", req.Note, "version", strconv.Itoa(req.Version))
		if req.Mean > 0 {
			form.Values.Set("mean", mean(req.Mean))
		}
		return nil
	})
	return form, err
}

func (h *Web) save(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	req := Request{
		Key: r.PathValue("key"), Customer: form.Text("customer"), Framework: form.Text("framework"), Level: form.Text("level"),
		Mean: readMean(form), Deadline: form.Day("deadline"), Form: form.Text("form"), Note: form.Long("note"),
		Version: form.Int("version", 0, 1<<30),
	}
	if req.Key != "" && req.Version == 0 {
		return problem.Invalid("", "web.form_broken")
	}
	if err := h.readItems(r, form, &req); err != nil {
		return err
	}
	if err = form.Err(); err == nil {
		var key string
		if key, err = h.svc.Save(r.Context(), req); err == nil {
			return h.shell.Done(w, r, "/requests/"+key, "request.saved", "customer", req.Customer)
		}
	}
	view := h.editView(r, form, req.Key)
	if problem.CodeOf(err) == problem.CodeConflict { // what the other person wrote stands beside the form
		now, nerr := h.showView(r, web.NewForm())
		if nerr != nil {
			return nerr
		}
		view.Now = &now
		form.Values.Set("version", now.Version)
	}
	return h.views.RenderForm(w, r, err, form, "request_edit", view)
}

// readItems reads the numbers against the chosen framework; what names no item becomes a problem of the form.
func (h *Web) readItems(r *http.Request, form *web.Form, req *Request) error {
	text := form.Long("items")
	if text == "" {
		return nil
	}
	return h.svc.main.Read(r.Context(), func(tx *sqlite.Tx) error {
		o, err := h.svc.main.Outline(r.Context(), tx, req.Framework)
		if problem.CodeOf(err) == problem.CodeNotFound {
			return nil // Save says what is wrong with the framework
		}
		if err != nil {
			return err
		}
		chosen, err := o.Select("items", text)
		for _, p := range problem.All(err) {
			form.Add(p)
		}
		for _, n := range chosen {
			req.Items = append(req.Items, n.ID)
		}
		return nil
	})
}

// readMean reads "1.8" as 180 hundredths.
func readMean(form *web.Form) int {
	text := form.Text("mean")
	if text == "" {
		return 0
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v < 0 || v > 2 {
		form.Add(problem.Invalid("mean", "request.mean_range"))
		return 0
	}
	return int(v*100 + 0.5)
}

func (h *Web) show(w http.ResponseWriter, r *http.Request) error {
	view, err := h.showView(r, web.NewForm("on", h.svc.main.Today().String()))
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "request_show", view)
}

func (h *Web) addEvent(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	file, err := form.File("file")
	if err != nil {
		return err
	}
	e := Event{On: form.Day("on"), What: form.Text("what"), How: form.Text("how"), Note: form.Long("event_note")}
	var up *attach.Upload
	if file != nil {
		up = &attach.Upload{Name: file.Name, Data: file.Data, Note: e.What}
	}
	key := r.PathValue("key")
	if err = form.Err(); err == nil {
		if err = h.svc.AddEvent(r.Context(), key, e, up); err == nil {
			return h.shell.Done(w, r, "/requests/"+key, "request.event_saved")
		}
	}
	view, verr := h.showView(r, form)
	if verr != nil {
		return verr
	}
	return h.views.RenderForm(w, r, err, form, "request_show", view)
}

func (h *Web) close(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	closed := form.Choice("closed", "yes", "no") == "yes"
	version := form.Int("version", 0, 1<<30)
	if err := form.Err(); err != nil {
		return err
	}
	key := r.PathValue("key")
	if err := h.svc.Close(r.Context(), key, version, closed); err != nil {
		return err
	}
	done := "request.closed_done"
	if !closed {
		done = "request.opened_done"
	}
	return h.shell.Done(w, r, "/requests/"+key, done)
}

func (h *Web) remove(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	version := form.Int("version", 0, 1<<30)
	if err := form.Err(); err != nil {
		return err
	}
	if err := h.svc.Remove(r.Context(), r.PathValue("key"), version); err != nil {
		return err
	}
	return h.shell.Done(w, r, "/requests", "request.removed_done")
}

func mayKeep(r *http.Request) bool { return actor.From(r.Context()).MayWhole(assessment.PermRequest) }

// editView is the form. The levels are those of all frameworks, each named with its framework, because the page
// works without a script; Save refuses one that does not fit.
func (h *Web) editView(r *http.Request, form *web.Form, key string) EditView {
	locale := web.Locale(r.Context())
	view := EditView{Form: form, Key: key, Levels: []web.Option{{Value: "", Label: h.shell.T(r, "request.level_all", nil)}}}
	for _, f := range h.svc.main.Catalog().Frameworks() {
		view.Frameworks = append(view.Frameworks, web.Option{Value: f.Key(), Label: f.Short.In(locale) + " " + f.Version})
		for _, l := range f.Levels {
			label := h.shell.T(r, "request.level_choice", problem.Args{"framework": f.Short.In(locale), "level": l.Name.In(locale)})
			i := slices.IndexFunc(view.Levels, func(o web.Option) bool { return o.Value == l.ID })
			switch {
			case i < 0:
				view.Levels = append(view.Levels, web.Option{Value: l.ID, Label: label})
			case view.Levels[i].Label != label: // two frameworks share the name of a level: "3" is Lv3 and ★3
				view.Levels[i].Label += "／" + label
			}
		}
	}
	return view
}
