package people

import (
	"embed"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this register.
func Messages() fs.FS { return messages }

// Web serves the pages of this register.
type Web struct {
	svc   *Service
	shell *web.Shell
	views *web.Views
}

// NewWeb returns the handlers.
func NewWeb(svc *Service, shell *web.Shell) *Web {
	return &Web{svc: svc, shell: shell, views: shell.MustViews(viewFiles)}
}

// Routes registers the pages.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /people", web.Needs(PermRead), h.list)
	rt.Handle("GET /people/export", web.Needs(PermRead), h.export)
	rt.Handle("POST /people/fill", web.Needs(PermEdit), h.fill)
	rt.Handle("GET /people/new", web.Needs(PermEdit), h.newForm)
	rt.Handle("POST /people/new", web.Needs(PermEdit), h.create)
	rt.Handle("GET /people/{key}", web.Needs(PermRead), h.show)
	rt.Handle("POST /people/{key}", web.Needs(PermEdit), h.save)
	rt.Handle("POST /people/{key}/leave", web.Needs(PermEdit), h.leave)
	rt.Handle("POST /people/{key}/exclude", web.Needs(PermEdit), h.exclude)
	rt.Handle("POST /people/{key}/exclusions/{exclusion}/end", web.Needs(PermEdit), h.endExclusion)
}

func (h *Web) read(r *http.Request, fn func(tx *sqlite.Tx) error) error {
	return h.svc.db.Read(r.Context(), fn)
}

func (h *Web) labelled(r *http.Request, prefix string, values ...string) []web.Option {
	out := make([]web.Option, len(values))
	for i, v := range values {
		out[i] = web.Option{Value: v, Label: h.shell.T(r, prefix+v, nil)}
	}
	return out
}

// places gives the choices of departments and sites in use; a place that has ended stays while it is chosen.
func (h *Web) places(r *http.Request, tx *sqlite.Tx, department, site string) (departments, sites []web.Option, err error) {
	ctx := r.Context()
	blank := web.Option{Label: h.shell.T(r, "people.no_place", nil)}
	departments, sites = []web.Option{blank}, []web.Option{blank}
	who := actor.From(ctx)
	all, err := h.svc.org.AllDepartments(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range all {
		if d.Key == department || who.Covers(d.Key) && (d.Ended.IsZero() || !d.Ended.Before(today(tx))) {
			departments = append(departments, web.Option{Value: d.Key, Label: d.Name})
		}
	}
	allSites, err := h.svc.org.AllSites(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range allSites {
		if s.Key == site || s.Ended.IsZero() || !s.Ended.Before(today(tx)) {
			sites = append(sites, web.Option{Value: s.Key, Label: s.Name})
		}
	}
	return departments, sites, nil
}

// formView fills the choices of the form of one person.
func (h *Web) formView(r *http.Request, tx *sqlite.Tx, form *web.Form) (FormView, error) {
	v := FormView{
		Form:    form,
		Classes: h.labelled(r, "people.class.", Classes()...), Uses: h.labelled(r, "people.use.", Uses()...),
	}
	var err error
	v.Departments, v.Sites, err = h.places(r, tx, form.Values.Get("department"), form.Values.Get("site"))
	return v, err
}

// formOf puts a person into a form.
func formOf(p Person) *web.Form {
	form := web.NewForm()
	for name, value := range map[string]string{
		"employee_no": p.EmployeeNo, "family_name": p.FamilyName, "given_name": p.GivenName, "family_kana": p.FamilyKana,
		"given_kana": p.GivenKana, "display_name": p.DisplayName, "class": p.Class, "mail": p.Mail, "internet": p.Internet, "email": p.Email,
		"department": p.Department, "site": p.Site, "joined": p.Joined.String(), "version": strconv.FormatInt(p.Version, 10),
	} {
		form.Values.Set(name, value)
	}
	if p.Kiosk {
		form.Values.Set("kiosk", Yes)
	}
	return form
}

// personOf reads the form over what the person was; the last day has a form of its own.
func personOf(form *web.Form, p Person) Person {
	p.EmployeeNo, p.FamilyName, p.GivenName = form.Text("employee_no"), form.Text("family_name"), form.Text("given_name")
	p.FamilyKana, p.GivenKana, p.DisplayName = form.Text("family_kana"), form.Text("given_kana"), form.Text("display_name")
	p.Class, p.Mail, p.Internet = form.Values.Get("class"), form.Values.Get("mail"), form.Values.Get("internet")
	p.Email, p.Department, p.Site = form.Text("email"), form.Values.Get("department"), form.Values.Get("site")
	p.Joined, p.Kiosk = form.Day("joined"), form.Bool("kiosk")
	p.Version = int64Of(form.Values.Get("version"))
	return p
}

func int64Of(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (h *Web) newForm(w http.ResponseWriter, r *http.Request) error {
	form := formOf(Person{Class: Employee, Mail: Unknown, Internet: Unknown, Department: r.URL.Query().Get("department")})
	return h.renderNew(w, r, form, nil)
}

func (h *Web) renderNew(w http.ResponseWriter, r *http.Request, form *web.Form, cause error) error {
	var v FormView
	err := h.read(r, func(tx *sqlite.Tx) (err error) {
		v, err = h.formView(r, tx, form)
		return err
	})
	if err != nil {
		return err
	}
	if cause != nil {
		return h.views.RenderForm(w, r, cause, form, "people_new", v)
	}
	return h.views.Render(w, r, "people_new", v)
}

func (h *Web) create(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	p := personOf(form, Person{})
	key := ""
	if err = form.Err(); err == nil {
		key, err = h.svc.Add(r.Context(), p)
	}
	if err != nil {
		return h.renderNew(w, r, form, err)
	}
	return h.shell.Done(w, r, "/people/"+key, "people.done.added", "name", p.Tidy().Name())
}

func (h *Web) show(w http.ResponseWriter, r *http.Request) error {
	return h.renderPerson(w, r, forms{}, nil)
}

// forms are the three forms of the page of a person; the one that failed comes back filled.
type forms struct {
	edit, leave, exclude *web.Form
	changed              bool // somebody saved meanwhile
}

func (f forms) failed() *web.Form {
	switch {
	case f.edit != nil:
		return f.edit
	case f.leave != nil:
		return f.leave
	default:
		return f.exclude
	}
}

func (h *Web) renderPerson(w http.ResponseWriter, r *http.Request, f forms, cause error) error {
	var v PersonView
	err := h.read(r, func(tx *sqlite.Tx) (err error) {
		v, err = h.personView(r, tx, f)
		return err
	})
	if err != nil {
		return err
	}
	if cause != nil {
		return h.views.RenderForm(w, r, cause, f.failed(), "people_show", v)
	}
	return h.views.Render(w, r, "people_show", v)
}

func (h *Web) save(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	var old Person
	err = h.read(r, func(tx *sqlite.Tx) (err error) {
		old, err = h.svc.ByKey(ctx, tx, r.PathValue("key"))
		return err
	})
	if err != nil {
		return err
	}
	p := personOf(form, old)
	movedOn := form.Day("moved_on")
	if err = form.Err(); err == nil {
		err = h.svc.Save(ctx, p, movedOn)
	}
	if err != nil {
		return h.renderPerson(w, r, forms{edit: form, changed: problem.CodeOf(err) == problem.CodeConflict}, err)
	}
	return h.shell.Done(w, r, "/people/"+p.Key, "people.done.saved", "name", p.Tidy().Name())
}

func (h *Web) leave(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	key := r.PathValue("key")
	last, done := form.Day("left"), "people.done.returned"
	if !form.Bool("back") {
		done = "people.done.left"
		if last.IsZero() && form.Err() == nil {
			form.Add(problem.Invalid("left", "people.left_needed"))
		}
	} else {
		last = 0
	}
	if err = form.Err(); err == nil {
		err = h.svc.Leave(r.Context(), key, int64Of(form.Values.Get("version")), last)
	}
	if err != nil {
		return h.renderPerson(w, r, forms{leave: form}, err)
	}
	return h.shell.Done(w, r, "/people/"+key, done)
}

func (h *Web) exclude(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	e := Exclusion{
		Person: r.PathValue("key"), Reason: form.Values.Get("reason"), Note: form.Text("note"), From: form.Day("from"), Until: form.Day("until"),
	}
	if err = form.Err(); err == nil {
		err = h.svc.Exclude(r.Context(), e)
	}
	if err != nil {
		return h.renderPerson(w, r, forms{exclude: form}, err)
	}
	return h.shell.Done(w, r, "/people/"+e.Person, "people.done.excluded")
}

func (h *Web) endExclusion(w http.ResponseWriter, r *http.Request) error {
	if err := h.svc.EndExclusion(r.Context(), r.PathValue("exclusion")); err != nil {
		return err
	}
	return h.shell.Done(w, r, "/people/"+r.PathValue("key"), "people.done.exclusion_ended")
}

// fill answers mail and internet for the rows that are ticked. Each row carries the version that was seen.
func (h *Web) fill(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	versions := map[string]int64{}
	for _, row := range form.List("row") {
		if key, version, ok := strings.Cut(row, ":"); ok {
			versions[key] = int64Of(version)
		}
	}
	mail, internet := form.Choice("fill_mail", "", Yes, No, Unknown), form.Choice("fill_internet", "", Yes, No, Unknown)
	if err = form.Err(); err == nil {
		err = h.svc.Fill(r.Context(), versions, mail, internet)
	}
	q := queryOf(form.Values)
	if err != nil {
		return h.renderList(w, r, q, form, versions, err)
	}
	return h.shell.Done(w, r, q.address("/people"), "people.done.filled", "n", len(versions))
}
