package people

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// query is the filter of the list as it stands in the address: closed values only, apart from the search.
type query map[string]string

// queryFields lists the parameters of the list.
func queryFields() []string {
	return []string{"q", "show", "class", "department", "site", "mail", "internet", "kiosk", "kana"}
}

// states lists who is shown; the first is the default.
func states() []string { return []string{"active", "left", "coming", "excluded", "all"} }

func queryOf(values url.Values) query {
	q := query{}
	for _, name := range queryFields() {
		if v := values.Get(name); v != "" && len(v) <= 100 {
			q[name] = v
		}
	}
	if !slices.Contains(states(), q["show"]) || q["show"] == states()[0] {
		delete(q, "show")
	}
	return q
}

// address writes the query behind a path, ready for one more parameter when asked for.
func (q query) address(path string) string {
	values := url.Values{}
	for name, v := range q {
		values.Set(name, v)
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

// with returns the address of the list with one parameter changed; "" removes it.
func (q query) with(name, value string) string {
	next := query{}
	maps.Copy(next, q)
	if value == "" {
		delete(next, name)
	} else {
		next[name] = value
	}
	return next.address("/people")
}

func (q query) filter(today jdate.Day) Filter {
	f := Filter{
		Query: q["q"], Class: q["class"], Department: q["department"], Site: q["site"], Mail: q["mail"], Internet: q["internet"],
		Kiosk: q["kiosk"], NoKana: q["kana"] == "none",
	}
	switch q["show"] {
	case "all":
	case "left":
		f.LeftBefore = today
	case "coming":
		f.JoinAfter = today
	case "excluded":
		f.ExcludedOn = today
	default:
		f.ActiveOn = today
	}
	return f
}

// pageRows is how many people one page shows.
const pageRows = 200

func (h *Web) list(w http.ResponseWriter, r *http.Request) error {
	return h.renderList(w, r, queryOf(r.URL.Query()), web.NewForm(), nil, nil)
}

func (h *Web) renderList(w http.ResponseWriter, r *http.Request, q query, form *web.Form, ticked map[string]int64, cause error) error {
	v, err := h.listView(r, q, form, ticked)
	if err != nil {
		return err
	}
	if cause != nil {
		return h.views.RenderForm(w, r, cause, form, "people_list", v)
	}
	return h.views.Render(w, r, "people_list", v)
}

func (h *Web) listView(r *http.Request, q query, form *web.Form, ticked map[string]int64) (ListView, error) {
	ctx := r.Context()
	who := actor.From(ctx)
	v := ListView{
		Form: form, Query: q["q"], MayEdit: who.May(PermEdit), MayConfirm: who.May(PermConfirm) && who.Covers(""), Hidden: q.hidden(),
		Export: exportAddress(q), Answers: append([]web.Option{{Label: h.shell.T(r, "people.fill.keep", nil)}}, h.labelled(r, "people.use.", Uses()...)...),
	}
	err := h.read(r, func(tx *sqlite.Tx) error {
		list, err := h.svc.Browse(ctx, tx, q.filter(today(tx)))
		if err != nil {
			return err
		}
		v.Count = len(list)
		names, err := h.svc.org.DepartmentNames(ctx, tx)
		if err != nil {
			return err
		}
		all := r.URL.Query().Get("select") == "all"
		for _, p := range v.page(list, r.URL.Query().Get("page"), q) {
			_, again := ticked[p.Key]
			v.Rows = append(v.Rows, Row{
				Person: p, DepartmentName: names[p.Department], Ticked: all || again, Gone: !p.Left.IsZero() && p.Left.Before(today(tx)),
				Coming: p.Joined.After(today(tx)),
			})
		}
		if v.Empty, err = anybody(ctx, tx); err != nil {
			return err
		}
		v.Empty = !v.Empty
		v.Departments, v.Sites, err = h.places(r, tx, q["department"], q["site"])
		return err
	})
	v.Departments[0].Label, v.Department, v.Site = h.shell.T(r, "people.all_departments", nil), q["department"], q["site"]
	v.Departments = append(v.Departments, web.Option{Value: "none", Label: h.shell.T(r, "people.without_department", nil)})
	v.Sites[0].Label = h.shell.T(r, "people.all_sites", nil)
	v.chips(h, r, q)
	v.SelectAll = q.with("select", "all")
	return v, err
}

// page cuts the list into pages and notes the addresses of the neighbours.
func (v *ListView) page(list []Person, text string, q query) []Person {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || (n-1)*pageRows >= len(list) {
		n = 1
	}
	if n > 1 {
		v.Previous = q.with("page", strconv.Itoa(n-1))
	}
	if n*pageRows < len(list) {
		v.Next = q.with("page", strconv.Itoa(n+1))
	}
	v.From = (n-1)*pageRows + 1
	list = list[(n-1)*pageRows:]
	return list[:min(pageRows, len(list))]
}

func (v *ListView) chips(h *Web, r *http.Request, q query) {
	now := q["show"]
	if now == "" {
		now = states()[0]
	}
	for _, s := range states() {
		v.States = append(v.States, Chip{Label: h.shell.T(r, "people.show."+s, nil), Href: q.with("show", s), On: s == now})
	}
	for _, c := range Classes() {
		v.Filters = append(v.Filters, q.toggle("class", c, h.shell.T(r, "people.class."+c, nil)))
	}
	v.Filters = append(v.Filters,
		q.toggle("mail", Unknown, h.shell.T(r, "people.chip.mail", nil)),
		q.toggle("internet", Unknown, h.shell.T(r, "people.chip.internet", nil)),
		q.toggle("kiosk", Yes, h.shell.T(r, "people.chip.kiosk", nil)),
		q.toggle("kana", "none", h.shell.T(r, "people.chip.kana", nil)),
	)
	v.Filtered = slices.ContainsFunc(v.Filters, func(c Chip) bool { return c.On })
}

// toggle is a chip that sets a parameter, or takes it away when it is set.
func (q query) toggle(name, value, label string) Chip {
	if q[name] == value {
		return Chip{Label: label, Href: q.with(name, ""), On: true}
	}
	return Chip{Label: label, Href: q.with(name, value)}
}

// hidden carries the filter through a form.
func (q query) hidden() []web.Option {
	var out []web.Option
	for _, name := range queryFields() {
		if q[name] != "" {
			out = append(out, web.Option{Value: q[name], Label: name})
		}
	}
	return out
}

// exportAddress is the address of the export with its filter, ready for the format.
func exportAddress(q query) string {
	if len(q) == 0 {
		return "/people/export?"
	}
	return q.address("/people/export") + "&"
}

// export writes the list, as filtered. The titles are those that the import recognises, so that the file
// can come back changed.
func (h *Web) export(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	word := func(key string) string { return h.shell.T(r, key, nil) }
	var out sheet.Out
	err := h.read(r, func(tx *sqlite.Tx) error {
		list, err := h.svc.Browse(ctx, tx, queryOf(r.URL.Query()).filter(today(tx)))
		if err != nil {
			return err
		}
		out, err = h.svc.Table(ctx, tx, list, word)
		return err
	})
	if err != nil {
		return err
	}
	return web.Export(w, r, "people", out)
}
