package people

import (
	"net/http"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// ListView is the staff list.
type ListView struct {
	Form                      *web.Form
	Query, Department, Site   string
	MayEdit, MayConfirm       bool
	Empty                     bool // nobody is on the list at all
	Filtered                  bool // one of Filters is on
	Count, From               int
	Rows                      []Row
	States, Filters           []Chip
	Departments, Sites        []web.Option
	Answers                   []web.Option
	Hidden                    []web.Option // the filter: name in Label
	Export                    string
	SelectAll, Previous, Next string // addresses
}

// Row is one person on the list.
type Row struct {
	Person
	DepartmentName       string
	Ticked, Gone, Coming bool
}

// Chip is one filter.
type Chip struct {
	Label, Href string
	On          bool
}

// FormView is the form of one person.
type FormView struct {
	Form                              *web.Form
	Classes, Uses, Departments, Sites []web.Option
}

// PersonView is the page of one person.
type PersonView struct {
	FormView
	Person         Person
	DepartmentName string
	SiteName       string
	MayEdit        bool
	MayErase       bool
	State          string // active, left, coming
	Theirs         []Difference
	LeaveForm      *web.Form
	ExcludeForm    *web.Form
	Reasons        []web.Option
	Exclusions     []ExclusionRow
	Moves          []MoveRow
	Acts           []ActRow
}

// Difference is a field in which the form and the stored row differ, after two people saved one row.
type Difference struct{ Label, Mine, Theirs string }

// ExclusionRow is one exclusion with whether it can still be ended.
type ExclusionRow struct {
	Exclusion
	Open bool
}

// MoveRow is one move with names.
type MoveRow struct {
	On       jdate.Day
	From, To string
}

// ActRow is one line of the history.
type ActRow struct {
	At  time.Time
	Act string // message key
}

// historyActs is how many lines of the history the page shows.
const historyActs = 20

func (h *Web) personView(r *http.Request, tx *sqlite.Tx, f forms) (PersonView, error) {
	ctx := r.Context()
	p, err := h.svc.ByKey(ctx, tx, r.PathValue("key"))
	if err != nil {
		return PersonView{}, err
	}
	who := actor.From(ctx)
	if err := who.RequireScope(p.Department); err != nil {
		return PersonView{}, err
	}
	v := PersonView{Person: p, MayEdit: who.May(PermEdit) && p.Erased.IsZero(), MayErase: who.May(PermErase), LeaveForm: f.leave, ExcludeForm: f.exclude, Reasons: h.labelled(r, "people.reason.", Reasons()...)}
	switch {
	case p.Joined.After(today(tx)):
		v.State = "coming"
	case p.ActiveOn(today(tx)):
		v.State = "active"
	default:
		v.State = "left"
	}
	if v.LeaveForm == nil {
		v.LeaveForm = web.NewForm("left", p.Left.String())
	}
	if v.ExcludeForm == nil {
		v.ExcludeForm = web.NewForm("from", today(tx).String())
	}
	form := f.edit
	if form == nil {
		form = formOf(p)
	}
	if v.FormView, err = h.formView(r, tx, form); err != nil {
		return v, err
	}
	if f.changed {
		v.Theirs = v.differences(h, r, p)
		form.Values.Set("version", formOf(p).Values.Get("version"))
	}
	return v, h.history(r, tx, &v)
}

// differences compares the form with what somebody else stored meanwhile.
func (v PersonView) differences(h *Web, r *http.Request, p Person) []Difference {
	stored := formOf(p)
	show := func(name, value string) string {
		var options []web.Option
		switch name {
		case "class":
			options = v.Classes
		case "mail", "internet":
			options = v.Uses
		case "department":
			options = v.Departments
		case "site":
			options = v.Sites
		}
		for _, o := range options {
			if o.Value == value {
				return o.Label
			}
		}
		if value == "" {
			return "—"
		}
		return value
	}
	var out []Difference
	for _, name := range []string{
		"employee_no", "family_name", "given_name", "family_kana", "given_kana", "display_name", "class", "department", "site", "email",
		"mail", "internet", "joined", "kiosk",
	} {
		if mine, theirs := v.Form.Values.Get(name), stored.Values.Get(name); mine != theirs {
			out = append(out, Difference{h.shell.T(r, "people.field."+name, nil), show(name, mine), show(name, theirs)})
		}
	}
	return out
}

// history fills places, exclusions, moves and acts.
func (h *Web) history(r *http.Request, tx *sqlite.Tx, v *PersonView) error {
	ctx := r.Context()
	names, err := h.svc.org.DepartmentNames(ctx, tx)
	if err != nil {
		return err
	}
	sites, err := h.svc.org.SiteNames(ctx, tx)
	if err != nil {
		return err
	}
	v.DepartmentName, v.SiteName = names[v.Person.Department], sites[v.Person.Site]
	exclusions, err := h.svc.Exclusions(ctx, tx, v.Person.Key)
	if err != nil {
		return err
	}
	for _, e := range exclusions {
		v.Exclusions = append(v.Exclusions, ExclusionRow{e, !e.Until.Before(today(tx))})
	}
	moves, err := h.svc.Moves(ctx, tx, v.Person.Key)
	if err != nil {
		return err
	}
	for _, m := range moves {
		v.Moves = append(v.Moves, MoveRow{m.On, names[m.From], names[m.To]})
	}
	acts, err := audit.List(ctx, tx, audit.Filter{Object: "people/" + v.Person.Key, Limit: historyActs})
	for _, a := range acts {
		v.Acts = append(v.Acts, ActRow{a.At, "people.act." + a.Act})
	}
	return err
}
