package policy

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// DemandsView is the list of laws, standards and customer demands with its checks.
type DemandsView struct {
	Form    *web.Form
	Rows    []DemandRow
	Checks  []CheckRow
	Types   []web.Option
	CheckBy jdate.Day // by when it must be looked through; zero: never done
	Overdue bool
	MayEdit bool
}

// DemandRow is one demand.
type DemandRow struct {
	Demand
	TypeKey  string
	DocTitle string
}

// CheckRow is one look through the list.
type CheckRow struct {
	Check
	ByName string
}

// DemandView is the form for one demand.
type DemandView struct {
	Form    *web.Form
	Key     string
	Types   []web.Option
	Docs    []web.Option
	MayEdit bool
}

func (h *Web) demandTypes(r *http.Request) []web.Option {
	return h.options(r, "policy.demand.type.", string(DemandLaw), string(DemandAuthority), string(DemandCustomer))
}

func (h *Web) demands(w http.ResponseWriter, r *http.Request) error {
	return h.renderDemands(w, r, nil, web.NewForm())
}

func (h *Web) renderDemands(w http.ResponseWriter, r *http.Request, problems error, form *web.Form) error {
	demands, checks, err := h.svc.Demands(r.Context())
	if err != nil {
		return err
	}
	docs, err := h.svc.List(r.Context())
	if err != nil {
		return err
	}
	now, err := h.now(r)
	if err != nil {
		return err
	}
	titles := map[string]string{}
	for _, d := range docs {
		titles[d.Key] = d.Title
	}
	view := DemandsView{Form: form, Types: h.demandTypes(r), MayEdit: actor.From(r.Context()).May(PermEdit)}
	for _, d := range demands {
		view.Rows = append(view.Rows, DemandRow{d, "policy.demand.type." + string(d.Type), titles[d.Document]})
	}
	for _, c := range checks {
		view.Checks = append(view.Checks, CheckRow{c, h.name(now, c.By)})
	}
	if len(checks) > 0 {
		view.CheckBy = checks[0].On.Add(ReviewDays)
	}
	view.Overdue = len(demands) > 0 && view.CheckBy.Before(now.today)
	if problems != nil {
		return h.views.RenderForm(w, r, problems, form, "policy_demands", view)
	}
	return h.views.Render(w, r, "policy_demands", view)
}

func (h *Web) newDemand(w http.ResponseWriter, r *http.Request) error {
	return h.renderDemand(w, r, nil, web.NewForm("type", string(DemandLaw), "version", "0"), "")
}

func (h *Web) demand(w http.ResponseWriter, r *http.Request) error {
	d, err := h.svc.FindDemand(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	form := web.NewForm("type", string(d.Type), "title", d.Title, "issuer", d.Issuer, "gist", d.Gist, "document", d.Document,
		"reflected_on", d.ReflectedOn.String(), "ended_on", d.EndedOn.String(), "version", strconv.Itoa(d.Version))
	return h.renderDemand(w, r, nil, form, d.Key)
}

func (h *Web) renderDemand(w http.ResponseWriter, r *http.Request, problems error, form *web.Form, key string) error {
	docs, err := h.svc.List(r.Context())
	if err != nil {
		return err
	}
	view := DemandView{Form: form, Key: key, Types: h.demandTypes(r), MayEdit: actor.From(r.Context()).May(PermEdit)}
	view.Docs = []web.Option{{Value: "", Label: h.shell.T(r, "policy.demand.not_reflected", nil)}}
	for _, d := range docs {
		if d.Type == TypeRegulation {
			view.Docs = append(view.Docs, web.Option{Value: d.Key, Label: d.Title})
		}
	}
	if problems != nil {
		return h.views.RenderForm(w, r, problems, form, "policy_demand", view)
	}
	return h.views.Render(w, r, "policy_demand", view)
}

func (h *Web) saveDemand(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	key := r.PathValue("key")
	d := Demand{
		Key: key, Type: DemandType(form.Text("type")), Title: form.Text("title"), Issuer: form.Text("issuer"), Gist: form.Long("gist"),
		Document: form.Text("document"), ReflectedOn: form.Day("reflected_on"), EndedOn: form.Day("ended_on"), Version: form.Int("version", 0, 1<<30),
	}
	if err := form.Err(); err != nil {
		return h.renderDemand(w, r, err, form, key)
	}
	if _, err := h.svc.SaveDemand(r.Context(), d); err != nil {
		return h.renderDemand(w, r, err, form, key)
	}
	return h.shell.Done(w, r, "/policy/demands", "policy.demand.saved", "title", d.Title)
}

func (h *Web) check(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	c := Check{On: form.Day("on"), Finding: form.Long("finding")}
	for _, t := range form.List("types") {
		if !slices.Contains(DemandTypes(), DemandType(t)) {
			form.Add(problem.Invalid("types", "policy.check.types.choose"))
			continue
		}
		c.Types = append(c.Types, DemandType(t))
	}
	if err := form.Err(); err != nil {
		return h.renderDemands(w, r, err, form)
	}
	if err := h.svc.AddCheck(r.Context(), c); err != nil {
		return h.renderDemands(w, r, err, form)
	}
	return h.shell.Done(w, r, "/policy/demands", "policy.check.done")
}
