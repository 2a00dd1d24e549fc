package demand

import (
	"cmp"
	"embed"
	"net/http"
	"slices"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

// Web serves the pages of this noun.
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
	rt.Handle("GET /demands", web.Needs(policy.PermRead), h.demands)
	rt.Handle("GET /demands/export", web.Needs(policy.PermRead), h.export)
	rt.Handle("GET /demands/new", web.Needs(policy.PermEdit), h.newDemand)
	rt.Handle("POST /demands/new", web.Needs(policy.PermEdit), h.saveDemand)
	rt.Handle("GET /demands/{key}", web.Needs(policy.PermRead), h.demand)
	rt.Handle("POST /demands/{key}", web.Needs(policy.PermEdit), h.saveDemand)
	rt.Handle("POST /demands/check", web.Needs(policy.PermEdit), h.check)
}

// ListView is the list of laws, standards and customer demands with its checks.
type ListView struct {
	Form    *web.Form
	Rows    []Row
	Checks  []CheckRow
	Types   []web.Option
	CheckBy jdate.Day // by when it must be looked through; zero: never done
	Overdue bool
	MayEdit bool
}

// Row is one demand.
type Row struct {
	Demand
	TypeKey  string
	DocTitle string
}

// CheckRow is one look through the list.
type CheckRow struct {
	Check
	ByName string
}

// EditView is the form for one demand.
type EditView struct {
	Form    *web.Form
	Key     string
	Types   []web.Option
	Docs    []web.Option
	MayEdit bool
}

func (h *Web) demandTypes(r *http.Request) []web.Option {
	var out []web.Option
	for _, t := range Types() {
		out = append(out, web.Option{Value: string(t), Label: h.shell.T(r, "demand.type."+string(t), nil)})
	}
	return out
}

func (h *Web) demands(w http.ResponseWriter, r *http.Request) error {
	return h.renderDemands(w, r, nil, web.NewForm())
}

func (h *Web) renderDemands(w http.ResponseWriter, r *http.Request, problems error, form *web.Form) error {
	demands, checks, err := h.svc.List(r.Context())
	if err != nil {
		return err
	}
	titles, err := h.titles(r)
	if err != nil {
		return err
	}
	var names map[string]string
	var today jdate.Day
	ctx := r.Context()
	err = h.svc.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		today = jdate.Of(tx.Now)
		names, err = h.svc.people.Names(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	view := ListView{Form: form, Types: h.demandTypes(r), MayEdit: actor.From(r.Context()).MayWhole(policy.PermEdit)}
	for _, d := range demands {
		view.Rows = append(view.Rows, Row{d, "demand.type." + string(d.Type), titles[d.Document]})
	}
	for _, c := range checks {
		view.Checks = append(view.Checks, CheckRow{c, cmp.Or(names[c.By], c.By)})
	}
	by, needed := checkBy(demands, checks, today)
	view.CheckBy, view.Overdue = by, needed && by.Before(today)
	if problems != nil {
		return h.views.RenderForm(w, r, problems, form, "demand_list", view)
	}
	return h.views.Render(w, r, "demand_list", view)
}

func (h *Web) newDemand(w http.ResponseWriter, r *http.Request) error {
	if err := actor.From(r.Context()).RequireWhole(policy.PermEdit); err != nil {
		return err
	}
	return h.renderDemand(w, r, nil, web.NewForm("type", string(Law), "version", "0"), "")
}

func (h *Web) demand(w http.ResponseWriter, r *http.Request) error {
	d, err := h.svc.Find(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	form := web.NewForm("type", string(d.Type), "title", d.Title, "issuer", d.Issuer, "gist", d.Gist, "document", d.Document,
		"reflected_on", d.ReflectedOn.String(), "ended_on", d.EndedOn.String(), "version", strconv.Itoa(d.Version))
	return h.renderDemand(w, r, nil, form, d.Key)
}

func (h *Web) renderDemand(w http.ResponseWriter, r *http.Request, problems error, form *web.Form, key string) error {
	docs, err := h.svc.docs.List(r.Context())
	if err != nil {
		return err
	}
	view := EditView{Form: form, Key: key, Types: h.demandTypes(r), MayEdit: actor.From(r.Context()).MayWhole(policy.PermEdit)}
	form.ReadOnly = !view.MayEdit
	view.Docs = []web.Option{{Value: "", Label: h.shell.T(r, "demand.not_reflected", nil)}}
	for _, d := range docs {
		if d.Type == policy.TypeRegulation {
			view.Docs = append(view.Docs, web.Option{Value: d.Key, Label: d.Title})
		}
	}
	if problems != nil {
		return h.views.RenderForm(w, r, problems, form, "demand_edit", view)
	}
	return h.views.Render(w, r, "demand_edit", view)
}

func (h *Web) saveDemand(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	key := r.PathValue("key")
	d := Demand{
		Key: key, Type: Type(form.Text("type")), Title: form.Text("title"), Issuer: form.Text("issuer"), Gist: form.Long("gist"),
		Document: form.Text("document"), ReflectedOn: form.Day("reflected_on"), EndedOn: form.Day("ended_on"), Version: form.Int("version", 0, 1<<30),
	}
	if err := form.Err(); err != nil {
		return h.renderDemand(w, r, err, form, key)
	}
	if _, err := h.svc.Save(r.Context(), d); err != nil {
		return h.renderDemand(w, r, err, form, key)
	}
	return h.shell.Done(w, r, "/demands", "demand.saved", "title", d.Title)
}

func (h *Web) check(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	c := Check{On: form.Day("on"), Finding: form.Long("finding")}
	for _, t := range form.List("types") {
		if !slices.Contains(Types(), Type(t)) {
			form.Add(problem.Invalid("types", "demand.check.types.choose"))
			continue
		}
		c.Types = append(c.Types, Type(t))
	}
	if err := form.Err(); err != nil {
		return h.renderDemands(w, r, err, form)
	}
	if err := h.svc.AddCheck(r.Context(), c); err != nil {
		return h.renderDemands(w, r, err, form)
	}
	return h.shell.Done(w, r, "/demands", "demand.check.done")
}
