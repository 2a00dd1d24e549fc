package training

import (
	"cmp"
	"embed"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

// Web serves the pages of this feature.
type Web struct {
	svc    *Service
	shell  *web.Shell
	views  *web.Views
	topics map[string]framework.Text
}

// NewWeb returns the pages.
func NewWeb(svc *Service, shell *web.Shell, topics map[string]framework.Text) *Web {
	return &Web{svc: svc, shell: shell, views: shell.MustViews(viewFiles), topics: topics}
}

// Routes registers the pages.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /training", web.Needs(PermRead), h.list)
	rt.Handle("GET /training/new", web.Needs(PermEdit), h.newForm)
	rt.Handle("POST /training/new", web.Needs(PermEdit), h.save)
	rt.Handle("GET /training/missing", web.Needs(PermRead), h.missing)
	rt.Handle("GET /training/{key}", web.Needs(PermRead), h.show)
	rt.Handle("GET /training/{key}/edit", web.Needs(PermEdit), h.editForm)
	rt.Handle("POST /training/{key}/edit", web.Needs(PermEdit), h.save)
	rt.Handle("GET /training/{key}/sheet", web.Needs(PermRead), h.sheet)
	rt.HandleUpload("POST /training/{key}/attend", web.Needs(PermEdit), attach.MaxBytes, h.attend)
	rt.HandleUpload("POST /training/{key}/roster", web.Needs(PermEdit), attach.MaxBytes, h.roster)
	rt.Handle("POST /training/{key}/unattend", web.Needs(PermEdit), h.unattend)
	rt.Handle("POST /training/{key}/reflect", web.Needs(PermEdit), h.reflect)
	rt.Handle("GET /training/export", web.Needs(PermRead), h.export)
}

// snapshot is what the pages need beside the sessions.
type snapshot struct {
	today       jdate.Day
	start       jdate.Day // first day of the fiscal year
	names       map[string]string
	staff       []people.Person
	departments map[string]string
}

func (h *Web) now(r *http.Request) (snapshot, error) {
	var s snapshot
	ctx := r.Context()
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) error {
		s.today = jdate.Of(tx.Now)
		company, err := h.svc.org.Company(ctx, tx)
		if err != nil {
			return err
		}
		s.start = s.today.FiscalStart(cmp.Or(company.FiscalStart, time.April))
		if s.names, err = h.svc.people.Names(ctx, tx); err != nil {
			return err
		}
		if s.departments, err = h.svc.org.DepartmentNames(ctx, tx); err != nil {
			return err
		}
		s.staff, err = h.svc.people.List(ctx, tx, people.Filter{ActiveOn: s.today, Scope: actor.From(ctx).Scope})
		return err
	})
	return s, err
}

func (h *Web) list(w http.ResponseWriter, r *http.Request) error {
	now, err := h.now(r)
	if err != nil {
		return err
	}
	topic := r.URL.Query().Get("topic")
	sessions, err := h.svc.List(r.Context(), Filter{})
	if err != nil {
		return err
	}
	view := ListView{Scoped: !actor.From(r.Context()).Covers(""), MayEdit: actor.From(r.Context()).May(PermEdit), Topic: topic, Year: strconv.Itoa(now.start.Time().Year())}
	var year []*Session
	for _, s := range sessions {
		if !s.On.Before(now.start) {
			year = append(year, s)
		}
		if topic == "" || slices.Contains(s.Topics, topic) {
			view.Rows = append(view.Rows, h.row(r, s))
		}
	}
	for _, t := range Common() {
		c := cover(t, now.staff, year)
		view.Coverage = append(view.Coverage, CoverageRow{Topic: t, Name: h.topic(r, t), Done: c.Done, All: c.All, Missing: len(c.Missing), Current: t == topic})
	}
	return h.views.Render(w, r, "training_list", view)
}

func (h *Web) missing(w http.ResponseWriter, r *http.Request) error {
	now, err := h.now(r)
	if err != nil {
		return err
	}
	topic := r.URL.Query().Get("topic")
	if !slices.Contains(h.svc.topics, topic) {
		return problem.NotFound("training.topics.unknown", "topic", topic)
	}
	sessions, err := h.svc.List(r.Context(), Filter{From: now.start, Topic: topic})
	if err != nil {
		return err
	}
	c := cover(topic, now.staff, sessions)
	view := MissingView{Topic: topic, Name: h.topic(r, topic), Done: c.Done, All: c.All, MayEdit: actor.From(r.Context()).May(PermEdit)}
	view.Scoped = !actor.From(r.Context()).Covers("")
	view.Groups = groupByDepartment(c.Missing, now, func(people.Person) bool { return false })
	for _, s := range sessions {
		view.Sessions = append(view.Sessions, h.row(r, s))
	}
	return h.views.Render(w, r, "training_missing", view)
}

func (h *Web) newForm(w http.ResponseWriter, r *http.Request) error {
	form := web.NewForm("version", "0", "method", "class")
	form.Values["topics"] = r.URL.Query()["topic"]
	return h.renderEdit(w, r, nil, form, "")
}

func (h *Web) editForm(w http.ResponseWriter, r *http.Request) error {
	s, err := h.svc.Find(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	if !s.Keeps(actor.From(r.Context())) {
		return problem.Forbidden("actor.whole_company")
	}
	form := web.NewForm("title", s.Title, "on", s.On.String(), "method", s.Method, "content", s.Content, "teacher", s.Teacher, "version", strconv.Itoa(s.Version))
	form.Values["topics"] = s.Topics
	return h.renderEdit(w, r, nil, form, s.Key)
}

func (h *Web) renderEdit(w http.ResponseWriter, r *http.Request, problems error, form *web.Form, key string) error {
	view := EditView{Form: form, Key: key}
	for _, m := range Methods() {
		view.Methods = append(view.Methods, web.Option{Value: m, Label: h.shell.T(r, "training.method."+m, nil)})
	}
	ordered := append(Common(), h.svc.topics...)
	for i, t := range ordered {
		if slices.Contains(ordered[:i], t) {
			continue
		}
		view.Topics = append(view.Topics, TopicChoice{Key: t, Name: h.topic(r, t), Checked: slices.Contains(form.Values["topics"], t), More: !slices.Contains(Common(), t)})
	}
	if problems != nil {
		return h.views.RenderForm(w, r, problems, form, "training_edit", view)
	}
	return h.views.Render(w, r, "training_edit", view)
}

func (h *Web) save(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	s := Session{
		Key: r.PathValue("key"), Title: form.Text("title"), On: form.Day("on"), Topics: form.List("topics"), Method: form.Text("method"),
		Content: form.Long("content"), Teacher: form.Text("teacher"), Version: form.Int("version", 0, 1<<30),
	}
	if err := form.Err(); err != nil {
		return h.renderEdit(w, r, err, form, s.Key)
	}
	key, err := h.svc.Save(r.Context(), s)
	if err != nil {
		return h.renderEdit(w, r, err, form, s.Key)
	}
	return h.shell.Done(w, r, "/training/"+key, "training.saved", "title", s.Title)
}

func (h *Web) show(w http.ResponseWriter, r *http.Request) error {
	return h.renderShow(w, r, nil, web.NewForm(), nil)
}

func (h *Web) renderShow(w http.ResponseWriter, r *http.Request, problems error, form *web.Form, roster *RosterView) error {
	s, err := h.svc.Find(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	now, err := h.now(r)
	if err != nil {
		return err
	}
	who := actor.From(r.Context())
	view := ShowView{MayKeep: s.Keeps(who), Scoped: !who.Covers(""), Form: form, Session: s, Row: h.row(r, s), Roster: roster, MayEdit: who.May(PermEdit), Today: now.today}
	for _, a := range s.Attendance {
		view.Attended = append(view.Attended, AttendeeView{a, cmp.Or(now.names[a.Person], a.Person), "training.way." + a.Way})
	}
	for _, rf := range s.Reflections {
		view.Reflections = append(view.Reflections, ReflectionView{rf, cmp.Or(now.names[rf.By], rf.By)})
	}
	open := slices.DeleteFunc(slices.Clone(now.staff), func(p people.Person) bool { return s.Attended(p.Key) })
	view.Groups = groupByDepartment(open, now, func(p people.Person) bool { return slices.Contains(form.Values["people"], p.Key) })
	view.Open = len(open)
	ctx := r.Context()
	err = h.svc.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		view.Files, err = h.svc.attach.Seen(ctx, tx, record(s.Key))
		return err
	})
	if err != nil {
		return err
	}
	if problems != nil {
		return h.views.RenderForm(w, r, problems, form, "training_show", view)
	}
	return h.views.Render(w, r, "training_show", view)
}

func (h *Web) attend(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	way := form.Choice("way", WayFile, WaySheet, WayHand)
	file, err := form.File("scan")
	if err != nil {
		return err
	}
	var scan attach.Upload
	if file != nil {
		scan = attach.Upload{Name: file.Name, Data: file.Data}
		if way == WayHand {
			way = WaySheet
		}
	}
	if err := form.Err(); err != nil {
		return h.renderShow(w, r, err, form, nil)
	}
	key := r.PathValue("key")
	n, err := h.svc.Attend(r.Context(), key, form.List("people"), way, scan)
	if err != nil {
		return h.renderShow(w, r, err, form, nil)
	}
	return h.shell.Done(w, r, "/training/"+key, "training.attended_done", "n", n)
}

// roster reads a file and shows whom it means; the form below it asks before anything is noted.
func (h *Web) roster(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	file, err := form.File("roster")
	if err != nil {
		return err
	}
	if file == nil {
		return h.renderShow(w, r, problem.Invalid("roster", "training.roster.choose"), form, nil)
	}
	lines, err := h.svc.ReadRoster(r.Context(), file.Name, file.Data)
	if err != nil {
		return h.renderShow(w, r, err, form, nil)
	}
	view := &RosterView{File: file.Name}
	seen := map[string]bool{}
	for _, l := range lines {
		switch {
		case l.Match.Person != nil && seen[l.Match.Person.Key]:
			view.Twice++
		case l.Match.Person != nil:
			seen[l.Match.Person.Key] = true
			view.Found = append(view.Found, RosterPerson{l.Match.Person.Key, l.Match.Person.Name(), l.Line})
		case len(l.Match.Candidates) > 0:
			view.Refused = append(view.Refused, RosterRefusal{l.Line, l.Text, "training.roster.several"})
		case !actor.From(r.Context()).Covers(""):
			view.Refused = append(view.Refused, RosterRefusal{l.Line, l.Text, "training.roster.outside"})
		default:
			view.Refused = append(view.Refused, RosterRefusal{l.Line, l.Text, "training.roster.unknown"})
		}
	}
	return h.renderShow(w, r, nil, form, view)
}

func (h *Web) unattend(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	key := r.PathValue("key")
	if err := h.svc.Unattend(r.Context(), key, form.Text("person")); err != nil {
		return err
	}
	return h.shell.Done(w, r, "/training/"+key, "training.unattended_done")
}

func (h *Web) reflect(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	rf := Reflection{On: form.Day("reflected_on"), Found: form.Long("found"), NextTime: form.Long("next_time")}
	if err := form.Err(); err != nil {
		return h.renderShow(w, r, err, form, nil)
	}
	key := r.PathValue("key")
	if err := h.svc.Reflect(r.Context(), key, rf); err != nil {
		return h.renderShow(w, r, err, form, nil)
	}
	return h.shell.Done(w, r, "/training/"+key, "training.reflected_done")
}

func (h *Web) sheet(w http.ResponseWriter, r *http.Request) error {
	s, err := h.svc.Find(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	now, err := h.now(r)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "training_sheet", SheetView{
		Session: s, Row: h.row(r, s), Groups: groupByDepartment(now.staff, now, func(p people.Person) bool { return s.Attended(p.Key) }),
	})
}
