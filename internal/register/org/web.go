package org

import (
	"embed"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this register.
func Messages() fs.FS { return messages }

// Web serves the pages of this register.
type Web struct {
	svc   *Service
	shell *web.Shell
	views *web.Views
}

// NewWeb returns the handlers.
func NewWeb(svc *Service, shell *web.Shell) *Web {
	return &Web{svc: svc, shell: shell, views: shell.MustViews(viewFiles)}
}

// Routes registers the pages.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /settings/company", web.Needs(PermRead), h.company)
	rt.Handle("POST /settings/company", web.Needs(PermCompany), h.saveCompany)
	rt.Handle("GET /org", web.Needs(PermRead), h.list)
	rt.Handle("GET /org/export", web.Needs(PermRead), h.export)
	rt.Handle("GET /org/departments/new", web.Needs(PermEdit), h.department)
	rt.Handle("POST /org/departments/new", web.Needs(PermEdit), h.saveDepartment)
	rt.Handle("GET /org/departments/{key}", web.Needs(PermRead), h.department)
	rt.Handle("POST /org/departments/{key}", web.Needs(PermEdit), h.saveDepartment)
	rt.Handle("GET /org/sites/new", web.Needs(PermEdit), h.site)
	rt.Handle("POST /org/sites/new", web.Needs(PermEdit), h.saveSite)
	rt.Handle("GET /org/sites/{key}", web.Needs(PermRead), h.site)
	rt.Handle("POST /org/sites/{key}", web.Needs(PermEdit), h.saveSite)
	rt.Handle("GET /org/changes", web.Needs(PermRead), h.changes)
	rt.Handle("POST /org/changes", web.Needs(PermEdit), h.addChange)
	rt.Handle("POST /org/changes/{key}/remove", web.Needs(PermEdit), h.removeChange)
}

func (h *Web) read(r *http.Request, fn func(tx *sqlite.Tx) error) error {
	return h.svc.db.Read(r.Context(), fn)
}

// labelled makes options whose labels are messages prefix + value.
func (h *Web) labelled(r *http.Request, prefix string, values []string, blank bool) []web.Option {
	var out []web.Option
	if blank {
		out = append(out, web.Option{Label: h.shell.T(r, "org.not_chosen", nil)})
	}
	for _, v := range values {
		out = append(out, web.Option{Value: v, Label: h.shell.T(r, prefix+v, nil)})
	}
	return out
}

// Labels of the targets: the empty star needs a word of its own.
const noStar = "none"

func (h *Web) companyView(r *http.Request, form *web.Form) CompanyView {
	v := CompanyView{
		Form: form, MayEdit: actor.From(r.Context()).May(PermCompany),
		Industries: h.labelled(r, "org.industry.", Industries(), true), Sizes: h.labelled(r, "org.size.", Sizes(), true),
		Levels: h.labelled(r, "org.level.", []string{"1", "2", "3"}, false), Stars: h.labelled(r, "org.star.", []string{noStar, "3", "4"}, false),
		Readings: h.labelled(r, "org.reading.", []string{Counts, Leaves}, false),
	}
	form.ReadOnly = !v.MayEdit
	for m := 1; m <= 12; m++ {
		v.Months = append(v.Months, web.Option{Value: strconv.Itoa(m), Label: h.shell.T(r, "org.month."+strconv.Itoa(m), nil)})
	}
	for _, name := range h.svc.SettingNames() {
		setting := h.svc.Setting(name)
		field := "setting_" + name
		v.Settings = append(v.Settings, SettingView{
			Field: field, Name: setting.Name.In(web.Locale(r.Context())), Value: form.Values.Get(field), Error: form.Errors[field], Default: setting.Value,
		})
	}
	return v
}

func (h *Web) company(w http.ResponseWriter, r *http.Request) error {
	var c Company
	err := h.read(r, func(tx *sqlite.Tx) (err error) {
		c, err = h.svc.Company(r.Context(), tx)
		return err
	})
	if err != nil {
		return err
	}
	star := c.TargetStar
	if star == "" {
		star = noStar
	}
	form := web.NewForm("name", c.Name, "industry", c.Industry, "size", c.Size, "fiscal_start", strconv.Itoa(int(c.FiscalStart)),
		"base_address", c.BaseAddress, "hosts", strings.Join(c.Hosts, "\n"), "target_level", c.TargetLevel, "target_star", star,
		"not_applicable", c.NotApplicable, "version", strconv.FormatInt(c.Version, 10))
	for _, name := range h.svc.SettingNames() {
		value := h.svc.Setting(name).Value
		if own, ok := c.Settings[name]; ok {
			value = own
		}
		form.Values.Set("setting_"+name, strconv.Itoa(value))
	}
	return h.views.Render(w, r, "org_company", h.companyView(r, form))
}

func (h *Web) saveCompany(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	c := Company{
		Name: form.Text("name"), Industry: form.Choice("industry", append(Industries(), "")...), Size: form.Choice("size", append(Sizes(), "")...),
		FiscalStart: time.Month(form.Int("fiscal_start", 1, 12)), BaseAddress: form.Text("base_address"),
		Hosts: strings.Fields(form.Long("hosts")), TargetLevel: form.Choice("target_level", "1", "2", "3"),
		NotApplicable: form.Choice("not_applicable", Counts, Leaves), Version: version(form), Settings: map[string]int{},
	}
	if star := form.Choice("target_star", noStar, "3", "4"); star != noStar {
		c.TargetStar = star
	}
	for _, name := range h.svc.SettingNames() {
		if n := form.Int("setting_"+name, 1, maxSetting); n > 0 {
			c.Settings[name] = n
		}
	}
	err = form.Err()
	if err == nil {
		err = h.svc.SaveCompany(r.Context(), c)
	}
	if err != nil {
		return h.renderForm(w, r, err, form, "org_company", func() any { return h.companyView(r, form) })
	}
	return h.shell.Done(w, r, "/settings/company", "org.company.saved")
}

// renderForm shows a form again; the view is made after the problems stand in the form, because it shows
// some of them itself.
func (h *Web) renderForm(w http.ResponseWriter, r *http.Request, err error, form *web.Form, page string, view func() any) error {
	for _, p := range problem.All(err) {
		if strings.HasPrefix(p.Field, "setting_") {
			form.Errors[p.Field] = h.shell.T(r, p.Key, p.Args)
		}
	}
	return h.views.RenderForm(w, r, err, form, page, view())
}

func version(form *web.Form) int64 {
	n, err := strconv.ParseInt(form.Values.Get("version"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (h *Web) changes(w http.ResponseWriter, r *http.Request) error {
	return h.showChanges(w, r, web.NewForm("on", "", "what", "organisation"), nil)
}

func (h *Web) showChanges(w http.ResponseWriter, r *http.Request, form *web.Form, cause error) error {
	ctx := r.Context()
	v := ChangesView{Form: form, MayEdit: actor.From(ctx).May(PermEdit), Kinds: h.labelled(r, "org.change.", ChangeKinds(), false)}
	err := h.read(r, func(tx *sqlite.Tx) (err error) {
		v.Rows, err = h.svc.MajorChanges(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	if cause != nil {
		return h.views.RenderForm(w, r, cause, form, "org_changes", v)
	}
	return h.views.Render(w, r, "org_changes", v)
}

func (h *Web) addChange(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	c := MajorChange{On: form.Day("on"), What: form.Choice("what", ChangeKinds()...), Note: form.Text("note")}
	if err = form.Err(); err == nil {
		err = h.svc.AddMajorChange(r.Context(), c)
	}
	if err != nil {
		return h.showChanges(w, r, form, err)
	}
	return h.shell.Done(w, r, "/org/changes", "org.change.added")
}

func (h *Web) removeChange(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	if err := h.svc.RemoveMajorChange(r.Context(), r.PathValue("key"), version(form)); err != nil {
		return err
	}
	return h.shell.Done(w, r, "/org/changes", "org.change.removed")
}

// export writes departments with site and owner.
func (h *Web) export(w http.ResponseWriter, r *http.Request) error {
	v, err := h.listView(r)
	if err != nil {
		return err
	}
	out := sheet.Out{Title: h.shell.T(r, "org.departments", nil)}
	for _, key := range []string{"name", "kana", "site", "owner", "owner_since"} {
		out.Columns = append(out.Columns, sheet.OutColumn{Title: h.shell.T(r, "org.col."+key, nil)})
	}
	out.Columns[4].Kind = sheet.Date
	for _, d := range v.Departments {
		out.Rows = append(out.Rows, []any{d.Name, d.Kana, d.SiteName, d.OwnerName, d.OwnerSince})
	}
	return web.Export(w, r, "departments", out)
}
