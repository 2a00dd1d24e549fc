package policy

import (
	"context"
	"embed"
	"net/http"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/people/within"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

//go:embed views/*.html
var viewFiles embed.FS

// Web serves the pages of this feature.
type Web struct {
	svc     *Service
	shell   *web.Shell
	views   *web.Views
	topics  map[string]framework.Text
	address func(context.Context) string // base address of the office, for links and QR codes
}

// NewWeb returns the pages. address gives the base address without a slash at its end.
func NewWeb(svc *Service, shell *web.Shell, topics map[string]framework.Text, address func(context.Context) string) *Web {
	return &Web{svc: svc, shell: shell, views: shell.MustViews(viewFiles), topics: topics, address: address}
}

// Routes registers the pages.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /policy", web.Needs(PermRead), h.list)
	rt.Handle("GET /policy/export", web.Needs(PermRead), h.export)
	rt.Handle("GET /policy/new", web.Needs(PermEdit), h.newForm)
	rt.Handle("POST /policy/new", web.Needs(PermEdit), h.create)
	rt.Handle("GET /policy/{key}", web.Needs(PermRead), h.show)
	rt.Handle("GET /policy/{key}/draft", web.Needs(PermEdit), h.draftForm)
	rt.Handle("POST /policy/{key}/draft", web.Needs(PermEdit), h.saveDraft)
	rt.Handle("GET /policy/{key}/print", web.Needs(PermRead), h.print)
	rt.Handle("POST /policy/{key}/approve", web.Needs(PermApprove), h.approve)
	rt.HandleUpload("POST /policy/{key}/sealed", web.Needs(PermEdit), attach.MaxBytes, h.sealed)
	rt.Handle("POST /policy/{key}/ask", web.Needs(PermEdit), h.ask)
	rt.HandleUpload("POST /policy/{key}/notify", web.Needs(PermEdit), attach.MaxBytes, h.notify)
	rt.Handle("GET /policy/{key}/roster", web.Needs(PermEdit), h.roster)
	rt.Handle("POST /policy/{key}/review", web.Needs(PermEdit), h.review)
	rt.Handle("POST /policy/{key}/retire", web.Needs(PermEdit), h.retire)
}

func (h *Web) list(w http.ResponseWriter, r *http.Request) error {
	rows, err := h.rows(r)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "policy_list", ListView{Rows: rows, MayEdit: actor.From(r.Context()).MayWhole(PermEdit), Scoped: !actor.From(r.Context()).Covers("")})
}

func (h *Web) rows(r *http.Request) ([]Row, error) {
	docs, err := h.svc.List(r.Context())
	if err != nil {
		return nil, err
	}
	now, err := h.now(r)
	if err != nil {
		return nil, err
	}
	rows := make([]Row, len(docs))
	for i, d := range docs {
		rows[i] = h.row(r, d, now)
	}
	return rows, nil
}

// now gives today and the names and number of the people on the staff list.
func (h *Web) now(r *http.Request) (snapshot, error) {
	var s snapshot
	ctx := r.Context()
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		s.today = jdate.Of(tx.Now)
		if s.names, err = h.svc.people.Names(ctx, tx); err != nil {
			return err
		}
		if s.within, err = within.Of(ctx, tx, h.svc.people); err != nil {
			return err
		}
		s.staff, err = h.svc.active(ctx, tx, s.today)
		return err
	})
	return s, err
}

func (h *Web) newForm(w http.ResponseWriter, r *http.Request) error {
	kind := TypeRegulation
	if r.URL.Query().Get("type") == string(TypePolicy) {
		kind = TypePolicy
	}
	form := web.NewForm("type", string(kind))
	for _, t := range r.URL.Query()["topic"] {
		form.Values.Add("topics", t)
	}
	return h.renderDraft(w, r, nil, form, "")
}

func (h *Web) renderDraft(w http.ResponseWriter, r *http.Request, problems error, form *web.Form, key string) error {
	if err := actor.From(r.Context()).RequireWhole(PermEdit); err != nil {
		return err
	}
	now, err := h.now(r)
	if err != nil {
		return err
	}
	view := DraftView{Form: form, Key: key, Types: h.typeOptions(r), Owners: h.peopleOptions(r, now)}
	view.Topics = h.topicChoices(r, form)
	if problems != nil {
		return h.views.RenderForm(w, r, problems, form, "policy_draft", view)
	}
	return h.views.Render(w, r, "policy_draft", view)
}

func readDraft(f *web.Form) Draft {
	return Draft{
		Type: Type(f.Choice("type", string(TypePolicy), string(TypeRegulation))), Title: f.Need("title", "policy.title.required"),
		Topics: f.List("topics"), Owner: f.Text("owner"), Body: f.Long("body"), ChangeNote: f.Long("change_note"),
		Version: f.Int("version", 0, 1<<30),
	}
}

func (h *Web) create(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	draft := readDraft(form)
	if err := form.Err(); err != nil {
		return h.renderDraft(w, r, err, form, "")
	}
	key, err := h.svc.Create(r.Context(), draft)
	if err != nil {
		return h.renderDraft(w, r, err, form, "")
	}
	return h.shell.Done(w, r, "/policy/"+key, "policy.created_done", "title", draft.Title)
}

func (h *Web) show(w http.ResponseWriter, r *http.Request) error {
	return h.renderShow(w, r, nil, web.NewForm())
}

func (h *Web) renderShow(w http.ResponseWriter, r *http.Request, problems error, form *web.Form) error {
	view, err := h.found(r)
	if err != nil {
		return err
	}
	view.Form = form
	if problems != nil {
		return h.views.RenderForm(w, r, problems, form, "policy_show", view)
	}
	return h.views.Render(w, r, "policy_show", view)
}

// found is the view of the document that the address names.
func (h *Web) found(r *http.Request) (ShowView, error) {
	doc, err := h.svc.Find(r.Context(), r.PathValue("key"))
	if err != nil {
		return ShowView{}, err
	}
	now, err := h.now(r)
	if err != nil {
		return ShowView{}, err
	}
	return h.showView(r, doc, now)
}

func (h *Web) draftForm(w http.ResponseWriter, r *http.Request) error {
	doc, err := h.svc.Find(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	form := web.NewForm("type", string(doc.Type), "title", doc.Title, "owner", doc.Owner, "version", strconv.Itoa(doc.Version))
	form.Values["topics"] = doc.Topics
	if len(doc.Editions) > 0 {
		form.Values.Set("body", doc.Editions[0].Body)
	}
	if open := doc.Draft(); open != nil {
		form.Values.Set("change_note", open.ChangeNote)
	}
	return h.renderDraft(w, r, nil, form, doc.Key)
}

func (h *Web) saveDraft(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	key := r.PathValue("key")
	draft := readDraft(form)
	if err := form.Err(); err != nil {
		return h.renderDraft(w, r, err, form, key)
	}
	if err := h.svc.SaveDraft(r.Context(), key, draft); err != nil {
		return h.renderDraft(w, r, err, form, key)
	}
	return h.shell.Done(w, r, "/policy/"+key, "policy.drafted_done", "title", draft.Title)
}

func (h *Web) print(w http.ResponseWriter, r *http.Request) error {
	view, err := h.found(r)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "policy_print", view)
}

func (h *Web) approve(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	a := Approval{EffectiveOn: form.Day("effective_on"), Seen: form.Int("seen", 0, 1<<30)}
	if err := form.Err(); err != nil {
		return h.renderShow(w, r, err, form)
	}
	if err := h.svc.Approve(r.Context(), r.PathValue("key"), a); err != nil {
		return h.renderShow(w, r, err, form)
	}
	return h.shell.Done(w, r, "/policy/"+r.PathValue("key"), "policy.approved_done")
}

func (h *Web) sealed(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	a := Approval{Approver: form.Text("approver"), On: form.Day("approved_on"), EffectiveOn: form.Day("effective_on"), Seen: form.Int("seen", 0, 1<<30)}
	scan, err := readScan(form, "sealed")
	if err != nil {
		return err
	}
	if err := form.Err(); err != nil {
		return h.renderShow(w, r, err, form)
	}
	if err := h.svc.ApproveSealed(r.Context(), r.PathValue("key"), a, scan); err != nil {
		return h.renderShow(w, r, err, form)
	}
	return h.shell.Done(w, r, "/policy/"+r.PathValue("key"), "policy.sealed_done")
}

func readScan(form *web.Form, name string) (attach.Upload, error) {
	file, err := form.File(name)
	if err != nil || file == nil {
		return attach.Upload{}, err
	}
	return attach.Upload{Name: file.Name, Data: file.Data}, nil
}

func (h *Web) ask(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	token, err := h.svc.AskApproval(r.Context(), r.PathValue("key"), form.Text("approver"))
	if err != nil {
		return h.renderShow(w, r, err, form)
	}
	return h.renderLink(w, r, "approve", token)
}

func (h *Web) notify(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	key := r.PathValue("key")
	n := NewNotice{
		Way: Way(form.Text("way")), On: form.Day("on"), Place: form.Text("place"), Site: form.Text("site"),
		People: form.List("people"), Note: form.Text("note"),
	}
	if n.Scan, err = readScan(form, "scan"); err != nil {
		return err
	}
	render := h.renderShow
	if n.Way == WayRoster {
		render = h.renderRoster
	}
	if err := form.Err(); err != nil {
		return render(w, r, err, form)
	}
	_, token, err := h.svc.Notify(r.Context(), key, n)
	if err != nil {
		return render(w, r, err, form)
	}
	if token != "" {
		return h.renderLink(w, r, "policy", token)
	}
	return h.shell.Done(w, r, "/policy/"+key, "policy.notified_done")
}

func (h *Web) review(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	rev := Review{On: form.Day("on"), Result: form.Text("result"), Considered: form.Long("considered")}
	if err := form.Err(); err != nil {
		return h.renderShow(w, r, err, form)
	}
	if err := h.svc.AddReview(r.Context(), r.PathValue("key"), rev); err != nil {
		return h.renderShow(w, r, err, form)
	}
	return h.shell.Done(w, r, "/policy/"+r.PathValue("key"), "policy.reviewed_done")
}

func (h *Web) retire(w http.ResponseWriter, r *http.Request) error {
	if err := h.svc.Retire(r.Context(), r.PathValue("key")); err != nil {
		return err
	}
	return h.shell.Done(w, r, "/policy", "policy.retired_done")
}
