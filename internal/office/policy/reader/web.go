// Package reader is what people see who are only asked to read a rule or to approve a draft: with an account
// (/read), or by a single-purpose link from a mail, a poster or a kiosk. The third noun of policy.
//
// It serves JAMA/JAPIA item 3 and SCS 1-3-1-2 (the newest policy can always be read) and uses the acts of its parent.
package reader

import (
	"embed"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

// Web serves the pages for readers.
type Web struct {
	db     *sqlite.DB
	svc    *policy.Service
	people *people.Service
	shell  *web.Shell
	views  *web.Views
	topics map[string]framework.Text
}

// NewWeb returns the pages.
func NewWeb(db *sqlite.DB, svc *policy.Service, staff *people.Service, shell *web.Shell, topics map[string]framework.Text) *Web {
	return &Web{db: db, svc: svc, people: staff, shell: shell, views: shell.MustViews(viewFiles), topics: topics}
}

// Routes registers the pages.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /read", web.SignedIn, h.readList)
	rt.Handle("GET /read/{key}", web.SignedIn, h.read)
	rt.Handle("POST /read/{key}", web.SignedIn, h.confirmRead)
	rt.Handle("GET /l/policy/{token}", web.ByLink, h.linkRead)
	rt.Handle("POST /l/policy/{token}", web.ByLink, h.linkConfirm)
	rt.Handle("GET /l/approve/{token}", web.ByLink, h.linkApproval)
	rt.Handle("POST /l/approve/{token}", web.ByLink, h.linkApprove)
}

// ReadView is what one person reads and confirms, with an account or by a link.
type ReadView struct {
	Form    *web.Form
	Doc     *policy.Document
	Edition policy.Edition
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

func (h *Web) topicNames(r *http.Request, topics []string) string {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = h.topics[t].In(web.Locale(r.Context()))
	}
	return strings.Join(names, "・")
}

// readList lists the documents in force; everybody with an account may read them (JAMA/JAPIA guideline 2.3, No. 3).
func (h *Web) readList(w http.ResponseWriter, r *http.Request) error {
	var view ReadListView
	who := actor.From(r.Context())
	ctx := r.Context()
	err := h.db.Read(ctx, func(tx *sqlite.Tx) error {
		docs, err := h.svc.Documents(ctx, tx)
		if err != nil {
			return err
		}
		for _, d := range docs {
			if e := d.InForce(jdate.Of(tx.Now)); e != nil {
				view.Rows = append(view.Rows, ReadRow{
					Key: d.Key, Title: d.Title, Type: "policy.type." + string(d.Type), Edition: strconv.Itoa(e.Number),
					Effective: e.EffectiveOn, Got: d.Notified(e.Number)[who.Person],
				})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "read_list", view)
}

func (h *Web) read(w http.ResponseWriter, r *http.Request) error {
	view := ReadView{Form: web.NewForm()}
	who := actor.From(r.Context())
	ctx := r.Context()
	err := h.db.Read(ctx, func(tx *sqlite.Tx) error {
		doc, err := h.svc.Document(ctx, tx, r.PathValue("key"))
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
			view.Notice = view.Notice || n.Edition == current.Number && n.Way == policy.WayPage && who.Person != ""
		}
		return nil
	})
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "read", view)
}

func (h *Web) confirmRead(w http.ResponseWriter, r *http.Request) error {
	if err := h.svc.Read(r.Context(), r.PathValue("key")); err != nil {
		return err
	}
	return h.shell.Done(w, r, "/read", "reader.done")
}

// linkRead shows the edition of a notice to whoever holds its link; the page asks who is reading.
func (h *Web) linkRead(w http.ResponseWriter, r *http.Request) error {
	return h.renderLinkRead(w, r, nil, web.NewForm(), false)
}

func (h *Web) renderLinkRead(w http.ResponseWriter, r *http.Request, problems error, form *web.Form, done bool) error {
	view := ReadView{Form: form, Asks: true, Done: done}
	ctx := r.Context()
	err := h.db.Read(ctx, func(tx *sqlite.Tx) error {
		l, err := link.Resolve(ctx, tx, r.PathValue("token"), policy.LinkRead)
		if err != nil {
			return err
		}
		view.Expires = jdate.Of(l.ExpiresAt)
		doc, n, err := h.noticeOf(r, tx, l)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(doc.Editions, func(e policy.Edition) bool { return e.Number == n.Edition })
		view.Doc, view.Edition, view.Topics = doc, doc.Editions[i], h.topicNames(r, doc.Topics)
		return nil
	})
	if err != nil {
		return err
	}
	if problems != nil {
		return h.views.RenderForm(w, r, problems, form, "link_read", view)
	}
	return h.views.Render(w, r, "link_read", view)
}

// noticeOf finds the notice that a link was made for. A poster may hang longer than its edition is in force:
// nobody confirms what no longer holds, so that is a conflict.
func (h *Web) noticeOf(r *http.Request, tx *sqlite.Tx, l link.Link) (*policy.Document, *policy.Notice, error) {
	parts := strings.Split(l.Subject, "/") // policy/KEY/NOTICE
	if len(parts) != 3 {
		return nil, nil, problem.NotFound("reader.notice_not_found")
	}
	doc, err := h.svc.Document(r.Context(), tx, parts[1])
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(doc.Notices, func(n policy.Notice) bool { return n.Key == parts[2] })
	if i < 0 {
		return nil, nil, problem.NotFound("reader.notice_not_found")
	}
	if current := doc.InForce(jdate.Of(tx.Now)); current == nil || current.Number != doc.Notices[i].Edition {
		return nil, nil, problem.Conflict("reader.superseded", "title", doc.Title)
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
		form.Add(problem.Invalid("number", "reader.link.who"))
	}
	if err := form.Err(); err != nil {
		return h.renderLinkRead(w, r, err, form, false)
	}
	ctx := r.Context()
	err = h.db.Write(ctx, func(tx *sqlite.Tx) error {
		l, err := link.Resolve(ctx, tx, r.PathValue("token"), policy.LinkRead)
		if err != nil {
			return err
		}
		doc, n, err := h.noticeOf(r, tx, l)
		if err != nil {
			return err
		}
		found, err := h.people.Match(ctx, tx, []people.RosterRow{row})
		if err != nil {
			return err
		}
		if len(found) != 1 || found[0].Person == nil {
			return problem.Invalid("number", "reader.link.not_on_list")
		}
		ctx := actor.With(ctx, actor.Actor{Person: found[0].Person.Key, Via: "link"})
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
	ctx := r.Context()
	err := h.db.Read(ctx, func(tx *sqlite.Tx) error {
		l, doc, err := h.askedDraft(r, tx)
		if err != nil {
			return err
		}
		names, err := h.people.Names(ctx, tx)
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
	return h.views.Render(w, r, "link_approve", view)
}

// askedDraft finds the draft behind an approval link; a draft changed after asking is a conflict.
func (h *Web) askedDraft(r *http.Request, tx *sqlite.Tx) (link.Link, *policy.Document, error) {
	l, err := link.Resolve(r.Context(), tx, r.PathValue("token"), policy.LinkApprove)
	if err != nil {
		return l, nil, err
	}
	parts := strings.Split(l.Subject, "/") // policy/KEY/EDITION/VERSION
	if len(parts) != 4 {
		return l, nil, problem.NotFound("policy.not_found")
	}
	doc, err := h.svc.Document(r.Context(), tx, parts[1])
	if err != nil {
		return l, nil, err
	}
	draft := doc.Draft()
	if draft == nil || draft.Key != parts[2] || strconv.Itoa(draft.Version) != parts[3] {
		return l, nil, problem.Conflict("reader.changed_since")
	}
	return l, doc, nil
}

func (h *Web) linkApprove(w http.ResponseWriter, r *http.Request) error {
	var view ReadView
	ctx := r.Context()
	err := h.db.Write(ctx, func(tx *sqlite.Tx) error {
		l, doc, err := h.askedDraft(r, tx)
		if err != nil {
			return err
		}
		if who := actor.From(ctx); who.Account != "" && !who.SamePerson(l.Person) { // whoever asked holds the link, too
			return problem.Forbidden("reader.approve.other_person")
		}
		ctx := actor.With(ctx, actor.Actor{Person: l.Person, Via: "link"})
		if err := h.svc.ApproveByLink(ctx, tx, doc.Key, l.Person); err != nil {
			return err
		}
		view = ReadView{Form: web.NewForm(), Doc: doc, Edition: *doc.Draft(), Done: true}
		return link.Use(ctx, tx, l)
	})
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "link_approve", view)
}
