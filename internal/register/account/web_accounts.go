package account

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account/factor"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// ListView is the list of accounts.
type ListView struct {
	Rows          []Row
	All           int // before the filter
	Query, State  string
	States        []string
	AdminApproves []string // names of those who administer and approve
}

// Row is one account as listed.
type Row struct {
	Account
	State      string
	ScopeNames []string
}

// states are the filters of the list, in order. Labels: messages account.state.*.
var states = []string{"active", "invited", "ended", "disabled"}

func (h *Web) listView(r *http.Request) (ListView, error) {
	ctx, q := r.Context(), r.URL.Query()
	v := ListView{Query: jtext.Line(q.Get("q")), State: q.Get("state"), States: states}
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) error {
		all, err := h.svc.List(ctx, tx)
		if err != nil {
			return err
		}
		names, err := choices(ctx, tx, h.svc.cfg.Departments)
		if err != nil {
			return err
		}
		v.All = len(all)
		for _, a := range all {
			if a.AdminApproves() {
				v.AdminApproves = append(v.AdminApproves, a.Name)
			}
			row := Row{a, a.State(jdate.Of(tx.Now)), namesOf(a.Scope, names)}
			if (v.State == "" || v.State == row.State) && strings.Contains(jtext.SearchKey(a.Login+" "+a.Name), jtext.SearchKey(v.Query)) {
				v.Rows = append(v.Rows, row)
			}
		}
		return nil
	})
	return v, err
}

func (h *Web) list(w http.ResponseWriter, r *http.Request) error {
	v, err := h.listView(r)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "account_list", v)
}

// export writes the list, as filtered, as a file.
func (h *Web) export(w http.ResponseWriter, r *http.Request) error {
	v, err := h.listView(r)
	if err != nil {
		return err
	}
	out := sheet.Out{Title: h.shell.T(r, "account.list.title", nil)}
	for _, key := range []string{"login", "name", "roles", "scope", "ends", "state", "signed_in"} {
		out.Columns = append(out.Columns, sheet.OutColumn{Title: h.shell.T(r, "account.col."+key, nil)})
	}
	for _, a := range v.Rows {
		var roles []string
		for _, role := range a.Roles {
			roles = append(roles, h.shell.T(r, "account.role."+string(role), nil))
		}
		out.Rows = append(out.Rows, []any{
			a.Login, a.Name, strings.Join(roles, ", "), strings.Join(a.ScopeNames, ", "), a.Ends, h.shell.T(r, "account.state."+a.State, nil), a.SignedInAt,
		})
	}
	return web.Export(w, r, "accounts", out)
}

// EditView is a new account, or one to change.
type EditView struct {
	Form        *web.Form
	Account     Account // zero for a new one
	State       string
	Roles       []RoleChoice
	Departments []ScopeChoice
	People      []web.Option
	Own         bool // the reader's own account
	Factors     factor.State
	Now         *Account // the account as somebody else left it meanwhile; nil without a conflict
}

// RoleChoice is one role with its checkbox.
type RoleChoice struct {
	Role    actor.Role
	Checked bool
}

// ScopeChoice is one department with its checkbox.
type ScopeChoice struct {
	org.Choice
	Checked bool
}

// editView fills the choices from the form, so that what was typed stays.
func (h *Web) editView(r *http.Request, form *web.Form, key string) (EditView, error) {
	ctx := r.Context()
	v := EditView{Form: form, Own: key != "" && key == actor.From(ctx).Account}
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		if key != "" {
			if v.Account, err = h.svc.ByKey(ctx, tx, key); err != nil {
				return err
			}
			v.State = v.Account.State(jdate.Of(tx.Now))
			if v.Factors, err = factor.Of(ctx, tx, v.Account.ID); err != nil {
				return err
			}
		}
		if v.Form == nil {
			v.Form = accountForm(v.Account)
		}
		departments, err := choices(ctx, tx, h.svc.cfg.Departments)
		if err != nil {
			return err
		}
		for _, d := range departments {
			v.Departments = append(v.Departments, ScopeChoice{d, slices.Contains(v.Form.List("scope"), d.Key)})
		}
		people, err := choices(ctx, tx, h.svc.cfg.People)
		v.People = []web.Option{{Value: "", Label: h.shell.T(r, "account.nobody", nil)}}
		for _, p := range people {
			v.People = append(v.People, web.Option{Value: p.Key, Label: p.Name})
		}
		if p := v.Account.Person; p != "" && !slices.ContainsFunc(people, func(c org.Choice) bool { return c.Key == p }) {
			v.People = append(v.People, web.Option{Value: p, Label: h.shell.T(r, "account.person_left", problem.Args{"name": v.Account.Name})})
		}
		return err
	})
	if err != nil {
		return v, err
	}
	for _, role := range actor.Roles() {
		v.Roles = append(v.Roles, RoleChoice{role, slices.Contains(v.Form.List("roles"), string(role))})
	}
	return v, nil
}

func accountForm(a Account) *web.Form {
	form := web.NewForm("login", a.Login, "name", a.Name, "person", a.Person, "ends", a.Ends.String(), "version", strconv.FormatInt(a.Version, 10))
	for _, role := range a.Roles {
		form.Values.Add("roles", string(role))
	}
	for _, d := range a.Scope {
		form.Values.Add("scope", d)
	}
	return form
}

func readProfile(form *web.Form) Profile {
	p := Profile{Name: form.Text("name"), Person: form.Text("person"), Ends: form.Day("ends"), Scope: form.List("scope")}
	for _, role := range form.List("roles") {
		p.Roles = append(p.Roles, actor.Role(role))
	}
	return p
}

func (h *Web) newForm(w http.ResponseWriter, r *http.Request) error {
	v, err := h.editView(r, nil, "")
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "account_new", v)
}

func (h *Web) create(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	n := NewAccount{Login: form.Text("login"), Profile: readProfile(form)}
	var made Account
	if err = form.Err(); err == nil {
		made, err = h.svc.Create(r.Context(), n)
	}
	if err != nil {
		v, verr := h.editView(r, form, "")
		if verr != nil {
			return verr
		}
		return h.views.RenderForm(w, r, err, form, "account_new", v)
	}
	return h.shell.Done(w, r, "/settings/accounts/"+made.Key, doneKey("account.created_done", made), "name", made.Name)
}

// doneKey says openly when somebody administers and approves.
func doneKey(key string, a Account) string {
	if a.AdminApproves() {
		return "account.saved_admin_approves"
	}
	return key
}

func (h *Web) show(w http.ResponseWriter, r *http.Request) error {
	v, err := h.editView(r, nil, r.PathValue("key"))
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "account_edit", v)
}

func (h *Web) edit(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	key := r.PathValue("key")
	p := readProfile(form)
	version, err := strconv.ParseInt(form.Values.Get("version"), 10, 64)
	if err != nil {
		form.Add(problem.Invalid("", "web.form_broken").Because(err))
	}
	if err = form.Err(); err == nil {
		err = h.svc.Edit(r.Context(), key, version, p)
	}
	v, verr := h.editView(r, form, key)
	if verr != nil {
		return verr
	}
	if err != nil {
		if problem.CodeOf(err) == problem.CodeConflict { // both values stand on the page; saving again takes the new ones
			v.Now = &v.Account
			form.Values.Set("version", strconv.FormatInt(v.Account.Version, 10))
		}
		return h.views.RenderForm(w, r, err, form, "account_edit", v)
	}
	return h.shell.Done(w, r, "/settings/accounts/"+key, doneKey("account.saved_done", v.Account), "name", v.Account.Name)
}

// LinkView shows a password link, this once.
type LinkView struct {
	Account Account
	URL     string
	QR      any       // SVG of link.QR
	Until   time.Time // the link ends
}

// link makes a password link and shows it at once: it is nowhere to be looked up again.
func (h *Web) link(w http.ResponseWriter, r *http.Request) error {
	ctx, key := r.Context(), r.PathValue("key")
	token, l, err := h.svc.PasswordLink(ctx, key)
	if err != nil {
		return err
	}
	v := LinkView{Until: l.ExpiresAt}
	err = h.svc.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		if v.Account, err = h.svc.ByKey(ctx, tx, key); err != nil {
			return err
		}
		v.URL, err = h.address(ctx, tx, r)
		return err
	})
	if err != nil {
		return err
	}
	v.URL += link.Path(purposePassword, token)
	if v.QR, err = link.QR(v.URL); err != nil {
		return err
	}
	return h.views.Render(w, r, "account_link", v)
}

// address is the base address of the office; before one is set, the one this request came to.
func (h *Web) address(ctx context.Context, tx *sqlite.Tx, r *http.Request) (string, error) {
	if h.svc.cfg.Company != nil {
		c, err := h.svc.cfg.Company(ctx, tx)
		if err != nil || c.BaseAddress != "" {
			return strings.TrimSuffix(c.BaseAddress, "/"), err
		}
	}
	return h.auth.OwnAddress(r), nil
}

func (h *Web) close(w http.ResponseWriter, r *http.Request) error {
	return h.setDisabled(w, r, true, "account.closed_done")
}

func (h *Web) open(w http.ResponseWriter, r *http.Request) error {
	return h.setDisabled(w, r, false, "account.opened_done")
}

func (h *Web) setDisabled(w http.ResponseWriter, r *http.Request, disabled bool, done string) error {
	key := r.PathValue("key")
	if err := h.svc.SetDisabled(r.Context(), key, disabled); err != nil {
		return err
	}
	return h.shell.Done(w, r, "/settings/accounts/"+key, done)
}

func (h *Web) endAll(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	n, err := h.svc.RevokeSessionsOf(r.Context(), key)
	if err != nil {
		return err
	}
	return h.shell.Done(w, r, "/settings/accounts/"+key, "account.sessions_ended_done", "n", n)
}

// choices calls a list that may be absent.
func choices(ctx context.Context, tx *sqlite.Tx, list func(context.Context, *sqlite.Tx) ([]org.Choice, error)) ([]org.Choice, error) {
	if list == nil {
		return nil, nil
	}
	return list(ctx, tx)
}

// namesOf turns keys into names, in the order of the list.
func namesOf(keys []string, list []org.Choice) []string {
	var names []string
	for _, c := range list {
		if slices.Contains(keys, c.Key) {
			names = append(names, c.Name)
		}
	}
	return names
}
