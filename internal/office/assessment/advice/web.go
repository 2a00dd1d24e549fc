package advice

import (
	"context"
	"embed"
	"net/http"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

//go:embed views/*.html
var viewFiles embed.FS

// NameOf gives the name behind an actor.ID; "" when it is gone.
type NameOf func(ctx context.Context, tx *sqlite.Tx, by string) (string, error)

// Web serves the list of advice and takes it at the items.
type Web struct {
	svc   *Service
	shell *web.Shell
	views *web.Views
	name  NameOf
}

// NewWeb returns the pages.
func NewWeb(svc *Service, shell *web.Shell, name NameOf) *Web {
	return &Web{svc: svc, shell: shell, views: shell.MustViews(viewFiles), name: name}
}

// Routes registers the pages.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /advice", web.Needs(assessment.PermRead), h.list)
	rt.Handle("GET /advice/export", web.Needs(assessment.PermRead), h.export)
	rt.Handle("GET /sheet/{framework}/{item}/advice", web.Needs(assessment.PermRead), h.item)
	rt.Handle("POST /sheet/{framework}/{item}/advice", web.Needs(PermAdvise), h.give)
}

// Line is one word of an expert as pages show it.
type Line struct {
	Advice
	Name    string
	When    string
	Number  string // of the item, with the short name of its framework
	Title   framework.Text
	Path    string
	Changed bool // signed, and the item changed since
}

// ListView is the list of all advice.
type ListView struct {
	Rows   []Line
	Signed int // signatures that still stand
	Mine   bool
}

// ItemView is the advice about one item.
type ItemView struct {
	Form          *web.Form
	Number        string
	Title         framework.Text
	State         verdict.Result
	Back, Action  string
	Seal          string
	Rows          []Line
	MayAdvise     bool
	Confirmations []web.Option
}

func (h *Web) lines(ctx context.Context, tx *sqlite.Tx, all []Advice) ([]Line, error) {
	var out []Line
	for _, a := range all {
		line := Line{Advice: a, When: a.At.In(jdate.Tokyo).Format("2006-01-02 15:04"), Number: a.Item}
		var err error
		if line.Name, err = h.name(ctx, tx, a.By); err != nil {
			return nil, err
		}
		if b, it, err := h.svc.main.Item(ctx, tx, a.Framework, a.Item); err == nil {
			line.Number, line.Title, line.Path = b.Short.In(web.Locale(ctx))+" "+it.Number(), it.Node.Title, it.Path()+"/advice"
			line.Changed = a.Signed && Seal(it) != a.Seal
		}
		out = append(out, line)
	}
	return out, nil
}

func (h *Web) listView(r *http.Request) (ListView, error) {
	ctx := r.Context()
	v := ListView{Mine: actor.From(ctx).May(PermAdvise)}
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) error {
		all, err := h.svc.Of(ctx, tx, "", "")
		if err != nil {
			return err
		}
		v.Rows, err = h.lines(ctx, tx, all)
		return err
	})
	for _, row := range v.Rows {
		if row.Signed && !row.Changed {
			v.Signed++
		}
	}
	return v, err
}

func (h *Web) list(w http.ResponseWriter, r *http.Request) error {
	v, err := h.listView(r)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "advice_list", v)
}

// export writes the list as a file.
func (h *Web) export(w http.ResponseWriter, r *http.Request) error {
	v, err := h.listView(r)
	if err != nil {
		return err
	}
	word := func(key string) string { return h.shell.T(r, key, nil) }
	out := sheet.Out{Title: word("advice.title"), Columns: []sheet.OutColumn{
		{Title: word("advice.col.when")},
		{Title: word("advice.col.item")},
		{Title: word("advice.col.title"), Width: 30},
		{Title: word("advice.col.text"), Width: 60},
		{Title: word("advice.col.signed")},
		{Title: word("advice.col.by")},
	}}
	for _, row := range v.Rows {
		out.Rows = append(out.Rows, []any{row.When, row.Number, row.Title.In(web.Locale(r.Context())), row.Text, word(row.SignedKey()), row.Name})
	}
	return web.Export(w, r, "advice", out)
}

// SignedKey is the message for the column 確認済.
func (l Line) SignedKey() string {
	switch {
	case !l.Signed:
		return "advice.signed.no"
	case l.Changed:
		return "advice.signed.changed"
	default:
		return "advice.signed.yes"
	}
}

func (h *Web) itemView(r *http.Request, form *web.Form) (ItemView, error) {
	ctx := r.Context()
	v := ItemView{Form: form, MayAdvise: actor.From(ctx).May(PermAdvise)}
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) error {
		b, it, err := h.svc.main.Item(ctx, tx, r.PathValue("framework"), r.PathValue("item"))
		if err != nil {
			return err
		}
		v.Number, v.Title, v.State, v.Back, v.Action, v.Seal = it.Number(), it.Node.Title, it.State, it.Path(), it.Path()+"/advice", Seal(it)
		all, err := h.svc.Of(ctx, tx, b.Key(), it.Node.ID)
		if err != nil {
			return err
		}
		v.Rows, err = h.lines(ctx, tx, all)
		return err
	})
	return v, err
}

func (h *Web) item(w http.ResponseWriter, r *http.Request) error {
	v, err := h.itemView(r, web.NewForm())
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "advice_item", v)
}

func (h *Web) give(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	e := Entry{Text: form.Long("text"), Signed: form.Values.Get("signed") != "", Seen: form.Values.Get("seen")}
	if err = form.Err(); err == nil {
		err = h.svc.Give(r.Context(), r.PathValue("framework"), r.PathValue("item"), e)
	}
	if err != nil {
		v, verr := h.itemView(r, form)
		if verr != nil {
			return verr
		}
		return h.views.RenderForm(w, r, err, form, "advice_item", v)
	}
	key := "advice.given"
	if e.Signed {
		key = "advice.given_signed"
	}
	return h.shell.Done(w, r, "/sheet/"+r.PathValue("framework")+"/"+r.PathValue("item")+"/advice", key)
}
