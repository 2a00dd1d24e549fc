package policy

import (
	"net/http"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/link"
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
	var departments map[string]string
	err = h.svc.db.Read(r.Context(), func(tx *sqlite.Tx) (err error) {
		departments, err = h.svc.org.DepartmentNames(r.Context(), tx)
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
