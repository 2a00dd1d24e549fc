package org

import (
	"net/http"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func (h *Web) listView(r *http.Request) (ListView, error) {
	ctx := r.Context()
	v := ListView{MayEdit: actor.From(ctx).May(PermEdit), NoOwner: r.URL.Query().Get("show") == "no_owner"}
	err := h.read(r, func(tx *sqlite.Tx) error {
		departments, err := h.svc.Departments(ctx, tx)
		if err != nil {
			return err
		}
		if v.Sites, err = h.svc.Sites(ctx, tx); err != nil {
			return err
		}
		sites, err := h.svc.SiteNames(ctx, tx)
		if err != nil {
			return err
		}
		names, err := h.names(r, tx)
		if err != nil {
			return err
		}
		for _, d := range departments {
			row := DepartmentRow{Department: d, SiteName: sites[d.Site], Owned: d.Owned(today(tx))}
			if row.Owned {
				row.OwnerName = names[d.Owner]
			} else {
				v.Without++
			}
			v.All++
			if !v.NoOwner || !row.Owned {
				v.Departments = append(v.Departments, row)
			}
		}
		return nil
	})
	return v, err
}

func (h *Web) names(r *http.Request, tx *sqlite.Tx) (map[string]string, error) {
	if h.svc.people == nil {
		return map[string]string{}, nil
	}
	return h.svc.people.Names(r.Context(), tx)
}

func (h *Web) list(w http.ResponseWriter, r *http.Request) error {
	v, err := h.listView(r)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "org_list", v)
}

// departmentView fills the choices, and the department itself when it exists.
func (h *Web) departmentView(r *http.Request, form *web.Form) (DepartmentView, error) {
	ctx := r.Context()
	key := r.PathValue("key")
	v := DepartmentView{
		Form: form, Key: key, MayEdit: actor.From(ctx).May(PermEdit) && actor.From(ctx).Covers(key),
		Sites:  []web.Option{{Label: h.shell.T(r, "org.no_site", nil)}},
		Owners: []web.Option{{Label: h.shell.T(r, "org.no_owner", nil)}},
	}
	form.ReadOnly = !v.MayEdit
	err := h.read(r, func(tx *sqlite.Tx) error {
		if key != "" {
			d, err := h.svc.Department(ctx, tx, key)
			if err != nil {
				return err
			}
			v.Now = d
		}
		sites, err := h.svc.Sites(ctx, tx)
		if err != nil {
			return err
		}
		for _, s := range sites {
			v.Sites = append(v.Sites, web.Option{Value: s.Key, Label: s.Name})
		}
		if h.svc.people == nil {
			return nil
		}
		owners, err := h.svc.people.Choices(ctx, tx)
		for _, o := range owners {
			v.Owners = append(v.Owners, web.Option{Value: o.Key, Label: o.Name})
		}
		return err
	})
	return v, err
}

func (h *Web) department(w http.ResponseWriter, r *http.Request) error {
	form := web.NewForm()
	v, err := h.departmentView(r, form)
	if err != nil {
		return err
	}
	d := v.Now
	for name, value := range map[string]string{
		"name": d.Name, "kana": d.Kana, "site": d.Site, "owner": d.Owner, "ended": d.Ended.String(), "version": strconv.FormatInt(d.Version, 10),
	} {
		form.Values.Set(name, value)
	}
	return h.views.Render(w, r, "org_department", v)
}

func (h *Web) saveDepartment(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	d := Department{
		Key: r.PathValue("key"), Name: form.Text("name"), Kana: form.Text("kana"), Site: form.Values.Get("site"),
		Owner: form.Values.Get("owner"), Ended: form.Day("ended"), Version: version(form),
	}
	if err = form.Err(); err == nil {
		_, err = h.svc.SaveDepartment(r.Context(), d)
	}
	if err != nil {
		v, verr := h.departmentView(r, form)
		if verr != nil {
			return verr
		}
		if problem.CodeOf(err) == problem.CodeConflict { // show what stands there now; saving again is on purpose
			v.Changed = true
			form.Values.Set("version", strconv.FormatInt(v.Now.Version, 10))
		}
		return h.views.RenderForm(w, r, err, form, "org_department", v)
	}
	return h.shell.Done(w, r, "/org", "org.department.saved", "name", d.Name)
}

func (h *Web) siteView(r *http.Request, form *web.Form) (SiteView, error) {
	ctx := r.Context()
	v := SiteView{Form: form, Key: r.PathValue("key"), MayEdit: actor.From(ctx).May(PermEdit)}
	form.ReadOnly = !v.MayEdit
	if v.Key == "" {
		return v, nil
	}
	err := h.read(r, func(tx *sqlite.Tx) error {
		all, err := h.svc.AllSites(ctx, tx)
		for _, s := range all {
			if s.Key == v.Key {
				v.Now = s
			}
		}
		return err
	})
	if err == nil && v.Now.Key == "" {
		err = problem.NotFound("org.site.unknown")
	}
	return v, err
}

func (h *Web) site(w http.ResponseWriter, r *http.Request) error {
	form := web.NewForm()
	v, err := h.siteView(r, form)
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"name": v.Now.Name, "kana": v.Now.Kana, "ended": v.Now.Ended.String(), "version": strconv.FormatInt(v.Now.Version, 10),
	} {
		form.Values.Set(name, value)
	}
	return h.views.Render(w, r, "org_site", v)
}

func (h *Web) saveSite(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	s := Site{Key: r.PathValue("key"), Name: form.Text("name"), Kana: form.Text("kana"), Ended: form.Day("ended"), Version: version(form)}
	if err = form.Err(); err == nil {
		_, err = h.svc.SaveSite(r.Context(), s)
	}
	if err != nil {
		v, verr := h.siteView(r, form)
		if verr != nil {
			return verr
		}
		if problem.CodeOf(err) == problem.CodeConflict {
			v.Changed = true
			form.Values.Set("version", strconv.FormatInt(v.Now.Version, 10))
		}
		return h.views.RenderForm(w, r, err, form, "org_site", v)
	}
	return h.shell.Done(w, r, "/org", "org.site.saved", "name", s.Name)
}
