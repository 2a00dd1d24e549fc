package roster

import (
	"embed"
	"io/fs"
	"net/http"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

//go:embed views/*.html
var viewFiles embed.FS

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of the confirmation.
func Messages() fs.FS { return messages }

// Web serves the page of the confirmation.
type Web struct {
	svc   *Service
	shell *web.Shell
	views *web.Views
}

// NewWeb returns the handlers.
func NewWeb(svc *Service, shell *web.Shell) *Web {
	return &Web{svc: svc, shell: shell, views: shell.MustViews(viewFiles)}
}

// Routes registers the page.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /people/confirm", web.Needs(people.PermRead), h.confirmForm)
	rt.HandleUpload("POST /people/confirm", web.Needs(people.PermConfirm), attach.MaxBytes+1<<20, h.confirm)
}

// ConfirmView is the page of the yearly confirmation.
type ConfirmView struct {
	Form       *web.Form
	MayConfirm bool
	Roster     Roster
	Groups     []ChangeGroup
	Due        jdate.Day
	Past       []Confirmation
}

// ChangeGroup lists people who changed in one way since the last confirmation.
type ChangeGroup struct {
	Label  string // message key
	People []people.Person
	More   int // how many further ones are not shown
}

// shownNames is how many names of a group are shown.
const shownNames = 30

// someOf cuts a list to what is shown.
func someOf(label string, list []people.Person) ChangeGroup {
	if len(list) > shownNames {
		return ChangeGroup{label, list[:shownNames], len(list) - shownNames}
	}
	return ChangeGroup{label, list, 0}
}

func (h *Web) confirmForm(w http.ResponseWriter, r *http.Request) error {
	return h.renderConfirm(w, r, web.NewForm(), nil)
}

func (h *Web) renderConfirm(w http.ResponseWriter, r *http.Request, form *web.Form, cause error) error {
	ctx := r.Context()
	who := actor.From(ctx)
	if err := who.RequireScope(""); err != nil {
		return err
	}
	v := ConfirmView{Form: form, MayConfirm: who.May(people.PermConfirm)}
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		if v.Roster, err = h.svc.Roster(ctx, tx); err != nil {
			return err
		}
		v.Past, err = h.svc.Confirmations(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	v.Due = confirmationDue(v.Roster.Last)
	if v.Roster.Last != nil { // before the first confirmation everybody is new: a list of all helps nobody
		for _, g := range []ChangeGroup{
			someOf("people.changed.added", v.Roster.Added), someOf("people.changed.left", v.Roster.Left),
			someOf("people.changed.moved", v.Roster.Moved), someOf("people.changed.changed", v.Roster.Changed),
		} {
			if len(g.People) > 0 {
				v.Groups = append(v.Groups, g)
			}
		}
	}
	form.Values.Set("mark", v.Roster.Mark)
	if cause != nil {
		return h.views.RenderForm(w, r, cause, form, "roster_confirm", v)
	}
	return h.views.Render(w, r, "roster_confirm", v)
}

func (h *Web) confirm(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	file, err := form.File("paper")
	if err != nil {
		return err
	}
	var paper *Paper
	if file != nil {
		paper = &Paper{Name: file.Name, Data: file.Data}
	}
	note, mark := form.Text("note"), form.Values.Get("mark")
	if err = form.Err(); err == nil {
		err = h.svc.Confirm(r.Context(), mark, note, paper)
	}
	if err != nil {
		return h.renderConfirm(w, r, form, err)
	}
	return h.shell.Done(w, r, "/people/confirm", "people.done.confirmed")
}
