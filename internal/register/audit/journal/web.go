package journal

import (
	"bytes"
	"embed"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/audit"
)

//go:embed views/*.html
var viewFiles embed.FS

// Web serves the pages of the journal.
type Web struct {
	svc   *Service
	shell *web.Shell
	views *web.Views
}

// NewWeb returns the pages.
func NewWeb(svc *Service, shell *web.Shell) *Web {
	return &Web{svc: svc, shell: shell, views: shell.MustViews(viewFiles)}
}

// Routes registers the pages.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /audit", web.Needs(audit.PermRead), h.list)
	rt.Handle("GET /audit/export", web.Needs(audit.PermRead), h.export)
	rt.Handle("GET /audit/chain", web.Needs(audit.PermRead), h.chain)
}

// ListView is the list of acts.
type ListView struct {
	Form   *web.Form
	Actors []web.Option
	Kinds  []web.Option
	Lines  []Line
	N      int
	Any    bool   // a filter is set
	Export string // address of the export with its filters
	Older  string // address of the next page, "" on the last
	Newest string // address of the first page, "" there
}

const perPage = 50

// filterOf reads the filters of an address.
func filterOf(form *web.Form) audit.Filter {
	return audit.Filter{
		Actor: form.Text("who"), Act: form.Text("kind"), Object: form.Text("object"), From: since(form.Day("from")), Until: until(form.Day("to")),
	}
}

func (h *Web) list(w http.ResponseWriter, r *http.Request) error {
	form := &web.Form{Values: r.URL.Query(), Errors: map[string]string{}}
	f := filterOf(form)
	f.Before, f.Limit = int64(form.Int("before", 0, 1<<31-1)), perPage
	if err := form.Err(); err != nil { // a day that is none: say so, and show everything
		f = audit.Filter{Limit: perPage}
	}
	lines, n, err := h.svc.Lines(r.Context(), web.Locale(r.Context()), f)
	if err != nil {
		return err
	}
	v := ListView{Form: form, Lines: lines, N: n}
	if v.Actors, v.Kinds, err = h.choices(r); err != nil {
		return err
	}
	keep := url.Values{}
	for _, name := range []string{"who", "kind", "object", "from", "to"} {
		if text := form.Values.Get(name); text != "" {
			keep.Set(name, text)
		}
	}
	v.Any = len(keep) > 0
	v.Export = "/audit/export?" + withAmp(keep)
	if f.Before > 0 {
		v.Newest = "/audit?" + keep.Encode()
	}
	if len(lines) == perPage && lines[perPage-1].ID > 1 {
		keep.Set("before", strconv.FormatInt(lines[perPage-1].ID, 10))
		v.Older = "/audit?" + keep.Encode()
	}
	if err := form.Err(); err != nil {
		return h.views.RenderForm(w, r, err, form, "audit_list", v)
	}
	return h.views.Render(w, r, "audit_list", v)
}

func withAmp(q url.Values) string {
	if len(q) == 0 {
		return ""
	}
	return q.Encode() + "&"
}

// choices lists who and what stands in the log.
func (h *Web) choices(r *http.Request) (actors, kinds []web.Option, err error) {
	ctx, lang := r.Context(), web.Locale(r.Context())
	actors = []web.Option{{Label: h.shell.T(r, "audit.everybody", nil)}}
	kinds = []web.Option{{Label: h.shell.T(r, "audit.everything", nil)}}
	err = h.svc.db.Read(ctx, func(tx *sqlite.Tx) error {
		who, acts, err := audit.Distinct(ctx, tx)
		if err != nil {
			return err
		}
		names, err := h.svc.cfg.Names(ctx, tx)
		if err != nil {
			return err
		}
		for _, by := range who {
			actors = append(actors, web.Option{Value: by, Label: h.svc.who(lang, by, names)})
		}
		last := ""
		for _, act := range acts {
			if kind, _, _ := strings.Cut(act, "."); kind != last && h.svc.texts.Has("audit.kind."+kind) {
				kinds = append(kinds, web.Option{Value: kind + ".", Label: h.shell.T(r, "audit.kind."+kind, nil)})
				last = kind
			}
		}
		return nil
	})
	return actors, kinds, err
}

func (h *Web) export(w http.ResponseWriter, r *http.Request) error {
	form := &web.Form{Values: r.URL.Query(), Errors: map[string]string{}}
	f := filterOf(form)
	f.All = true
	if err := form.Err(); err != nil {
		return err
	}
	lines, _, err := h.svc.Lines(r.Context(), web.Locale(r.Context()), f)
	if err != nil {
		return err
	}
	t := func(key string) string { return h.shell.T(r, key, nil) }
	out := sheet.Out{Title: t("audit.title"), Columns: []sheet.OutColumn{
		{Title: t("audit.col.number"), Kind: sheet.Number},
		{Title: t("audit.col.at"), Kind: sheet.Date},
		{Title: t("audit.col.who"), Width: 20},
		{Title: t("audit.col.said"), Width: 36},
		{Title: t("audit.col.kind")},
		{Title: t("audit.col.object"), Width: 30},
		{Title: t("audit.col.after"), Width: 60},
		{Title: t("audit.col.hash"), Width: 20},
	}}
	for _, l := range lines {
		var after strings.Builder
		for i, f := range l.Fields {
			if i > 0 {
				after.WriteString("\n")
			}
			after.WriteString(f.Name + ": " + f.Value)
		}
		out.Rows = append(out.Rows, []any{l.ID, l.At, strings.TrimSpace(l.Who + " " + l.How), l.Said, l.Kind, l.Label, after.String(), l.Hash})
	}
	return web.Export(w, r, "audit-log", out)
}

func (h *Web) chain(w http.ResponseWriter, r *http.Request) error {
	var buf bytes.Buffer
	if err := h.svc.Chain(r.Context(), &buf); err != nil {
		return err
	}
	return web.Download(w, "audit-log.jsonl", buf.Bytes())
}
