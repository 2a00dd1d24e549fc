package policy

import (
	"net/http"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// RosterView is the roster: printed with boxes to sign, and after that the form that takes it in.
type RosterView struct {
	Form    *web.Form
	Doc     *Document
	Edition string
	Groups  []RosterGroup
	Today   jdate.Day
}

// RosterGroup is one department of the roster.
type RosterGroup struct {
	Department string
	People     []RosterLine
}

// RosterLine is one person of the roster.
type RosterLine struct {
	Key, Name, Number string
	Got               jdate.Day // zero: not yet
	Checked           bool
}

// ReadView is what one person reads and confirms, with an account or by a link.
type ReadView struct {
	Form    *web.Form
	Doc     *Document
	Edition Edition
	Topics  string
	Got     jdate.Day
	Asks    bool // by a shared link: who are you?
	Done    bool
	Expires jdate.Day
	Notice  bool // there is a page notice to confirm
	Author  string
	Name    string // of the approver the link names
}

// ReadListView lists what everybody may read.
type ReadListView struct{ Rows []ReadRow }

// ReadRow is one document to read.
type ReadRow struct {
	Key, Title, Type, Edition string
	Effective, Got            jdate.Day
}

func (h *Web) renderLink(w http.ResponseWriter, r *http.Request, purpose, token string) error {
	doc, err := h.svc.Find(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	url := h.address(r.Context()) + "/l/" + purpose + "/" + token
	qr, err := link.QR(url)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "policy_link", LinkView{Key: doc.Key, Purpose: purpose, Title: doc.Title, URL: url, QR: qr})
}

func (h *Web) roster(w http.ResponseWriter, r *http.Request) error {
	return h.renderRoster(w, r, nil, web.NewForm())
}

func (h *Web) renderRoster(w http.ResponseWriter, r *http.Request, problems error, form *web.Form) error {
	doc, err := h.svc.Find(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	now, err := h.now(r)
	if err != nil {
		return err
	}
	current := doc.InForce(now.today)
	if current == nil {
		return problem.Conflict("policy.notice.nothing_in_force")
	}
	view := RosterView{Form: form, Doc: doc, Edition: current.label(), Today: now.today}
	got := doc.Notified(current.Number)
	departments := map[string]string{}
	err = h.svc.db.Read(r.Context(), func(tx *sqlite.Tx) error {
		all, err := h.svc.org.Departments(r.Context(), tx)
		for _, d := range all {
			departments[d.Key] = d.Name
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, p := range now.staff {
		name := departments[p.Department]
		i := slices.IndexFunc(view.Groups, func(g RosterGroup) bool { return g.Department == name })
		if i < 0 {
			view.Groups = append(view.Groups, RosterGroup{Department: name})
			i = len(view.Groups) - 1
		}
		line := RosterLine{Key: p.Key, Name: now.names[p.Key], Number: p.EmployeeNo, Got: got[p.Key]}
		line.Checked = slices.Contains(form.Values["people"], p.Key)
		view.Groups[i].People = append(view.Groups[i].People, line)
	}
	if problems != nil {
		return h.views.RenderForm(w, r, problems, form, "policy_roster", view)
	}
	return h.views.Render(w, r, "policy_roster", view)
}

// readable lists the documents in force; everybody with an account may read them (JAMA/JAPIA guideline 2.3, No. 3).
func (h *Web) readList(w http.ResponseWriter, r *http.Request) error {
	var view ReadListView
	who := actor.From(r.Context())
	err := h.svc.db.Read(r.Context(), func(tx *sqlite.Tx) error {
		docs, err := findDocuments(r.Context(), tx, "")
		if err != nil {
			return err
		}
		for _, d := range docs {
			if e := d.InForce(jdate.Of(tx.Now)); e != nil {
				view.Rows = append(view.Rows, ReadRow{
					Key: d.Key, Title: d.Title, Type: "policy.type." + string(d.Type), Edition: e.label(),
					Effective: e.EffectiveOn, Got: d.Notified(e.Number)[who.Person],
				})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "policy_read_list", view)
}

func (h *Web) read(w http.ResponseWriter, r *http.Request) error {
	view := ReadView{Form: web.NewForm()}
	who := actor.From(r.Context())
	err := h.svc.db.Read(r.Context(), func(tx *sqlite.Tx) error {
		doc, err := findDocument(r.Context(), tx, r.PathValue("key"))
		if err != nil {
			return err
		}
		current := doc.InForce(jdate.Of(tx.Now))
		if current == nil {
			return problem.NotFound("policy.not_found")
		}
		view.Doc, view.Edition, view.Topics = doc, *current, h.topicNames(r, doc.Topics)
		view.Got = doc.Notified(current.Number)[who.Person]
		for _, n := range doc.Notices {
			view.Notice = view.Notice || n.Edition == current.Number && n.Way == WayPage && who.Person != ""
		}
		return nil
	})
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "policy_read", view)
}

func (h *Web) confirmRead(w http.ResponseWriter, r *http.Request) error {
	if err := h.svc.Read(r.Context(), r.PathValue("key")); err != nil {
		return err
	}
	return h.shell.Done(w, r, "/read", "policy.read_done")
}

// linkRead shows the edition of a notice to whoever holds its link; the page asks who is reading.
func (h *Web) linkRead(w http.ResponseWriter, r *http.Request) error {
	return h.renderLinkRead(w, r, nil, web.NewForm(), false)
}

func (h *Web) renderLinkRead(w http.ResponseWriter, r *http.Request, problems error, form *web.Form, done bool) error {
	view := ReadView{Form: form, Asks: true, Done: done}
	err := h.svc.db.Read(r.Context(), func(tx *sqlite.Tx) error {
		l, err := link.Resolve(r.Context(), tx, r.PathValue("token"), linkRead)
		if err != nil {
			return err
		}
		view.Expires = jdate.Of(l.ExpiresAt)
		doc, n, err := noticeOf(r, tx, l)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(doc.Editions, func(e Edition) bool { return e.Number == n.Edition })
		view.Doc, view.Edition, view.Topics = doc, doc.Editions[i], h.topicNames(r, doc.Topics)
		return nil
	})
	if err != nil {
		return err
	}
	if problems != nil {
		return h.views.RenderForm(w, r, problems, form, "policy_link_read", view)
	}
	return h.views.Render(w, r, "policy_link_read", view)
}

// noticeOf finds the notice that a link was made for.
func noticeOf(r *http.Request, tx *sqlite.Tx, l link.Link) (*Document, *Notice, error) {
	parts := strings.Split(l.Subject, "/") // policy/KEY/NOTICE
	if len(parts) != 3 {
		return nil, nil, problem.NotFound("policy.notice.not_found")
	}
	doc, err := findDocument(r.Context(), tx, parts[1])
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(doc.Notices, func(n Notice) bool { return n.Key == parts[2] })
	if i < 0 {
		return nil, nil, problem.NotFound("policy.notice.not_found")
	}
	return doc, &doc.Notices[i], nil
}

func (h *Web) linkConfirm(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	row := people.RosterRow{EmployeeNo: form.Text("number"), Name: form.Text("name")}
	if row.EmployeeNo == "" && row.Name == "" {
		form.Add(problem.Invalid("number", "policy.link.who"))
	}
	if err := form.Err(); err != nil {
		return h.renderLinkRead(w, r, err, form, false)
	}
	err = h.svc.db.Write(r.Context(), func(tx *sqlite.Tx) error {
		l, err := link.Resolve(r.Context(), tx, r.PathValue("token"), linkRead)
		if err != nil {
			return err
		}
		doc, n, err := noticeOf(r, tx, l)
		if err != nil {
			return err
		}
		found, err := h.svc.people.Match(r.Context(), tx, []people.RosterRow{row})
		if err != nil {
			return err
		}
		if len(found) != 1 || found[0].Person == nil {
			return problem.Invalid("number", "policy.link.not_on_list")
		}
		ctx := actor.With(r.Context(), actor.Actor{Person: found[0].Person.Key, Via: "link"})
		return h.svc.Acknowledge(ctx, tx, doc.Key, n.Key, found[0].Person.Key)
	})
	if err != nil {
		return h.renderLinkRead(w, r, err, form, false)
	}
	return h.renderLinkRead(w, r, nil, form, true)
}

// linkApproval shows a draft to the one person who is asked to approve it.
func (h *Web) linkApproval(w http.ResponseWriter, r *http.Request) error {
	view := ReadView{Form: web.NewForm()}
	err := h.svc.db.Read(r.Context(), func(tx *sqlite.Tx) error {
		l, doc, err := h.askedDraft(r, tx)
		if err != nil {
			return err
		}
		names, err := h.svc.people.Names(r.Context(), tx)
		if err != nil {
			return err
		}
		draft := doc.Draft()
		view.Doc, view.Edition, view.Topics, view.Expires = doc, *draft, h.topicNames(r, doc.Topics), jdate.Of(l.ExpiresAt)
		view.Author, view.Name = names[draft.Author], names[l.Person]
		return nil
	})
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "policy_link_approve", view)
}

// askedDraft finds the draft behind an approval link; a draft changed after asking is a conflict.
func (h *Web) askedDraft(r *http.Request, tx *sqlite.Tx) (link.Link, *Document, error) {
	l, err := link.Resolve(r.Context(), tx, r.PathValue("token"), linkApprove)
	if err != nil {
		return l, nil, err
	}
	parts := strings.Split(l.Subject, "/") // policy/KEY/EDITION/VERSION
	if len(parts) != 4 {
		return l, nil, problem.NotFound("policy.not_found")
	}
	doc, err := findDocument(r.Context(), tx, parts[1])
	if err != nil {
		return l, nil, err
	}
	draft := doc.Draft()
	if draft == nil || draft.Key != parts[2] || versionText(draft.Version) != parts[3] {
		return l, nil, problem.Conflict("policy.approve.changed_since")
	}
	return l, doc, nil
}

func (h *Web) linkApprove(w http.ResponseWriter, r *http.Request) error {
	var view ReadView
	err := h.svc.db.Write(r.Context(), func(tx *sqlite.Tx) error {
		l, doc, err := h.askedDraft(r, tx)
		if err != nil {
			return err
		}
		ctx := actor.With(r.Context(), actor.Actor{Person: l.Person, Via: "link"})
		if err := h.svc.ApproveByLink(ctx, tx, doc.Key, l.Person); err != nil {
			return err
		}
		view = ReadView{Form: web.NewForm(), Doc: doc, Edition: *doc.Draft(), Done: true}
		return link.Use(ctx, tx, l)
	})
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "policy_link_approve", view)
}
