package dossier

import (
	"bytes"
	"embed"
	"io/fs"
	"net/http"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/personal"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of these pages and of what every source says it holds.
func Messages() fs.FS { return messages }

// Web serves the pages.
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
	rt.Handle("GET /people/retention", web.Needs(people.PermErase), h.list)
	rt.Handle("GET /people/{key}/data", web.Needs(people.PermErase), h.show)
	rt.Handle("POST /people/{key}/data/export", web.Needs(people.PermErase), h.export)
	rt.Handle("GET /people/{key}/erase", web.Needs(people.PermErase), h.confirm)
	rt.Handle("POST /people/{key}/erase", web.Needs(people.PermErase), h.erase)
}

// ListView is who left and is not erased yet.
type ListView struct {
	Leavers []Leaver
	Over    int
	Days    int
}

// DataView is what is held about one person.
type DataView struct {
	Report
	MayErase bool
}

// EraseView is the last page before something goes for good.
type EraseView struct {
	Report
	Form    *web.Form
	Gone    []personal.Item // what goes
	Stay    int             // records that stay
	Early   bool            // the retention still runs: a reason is needed
	Reasons []web.Option
}

func (h *Web) list(w http.ResponseWriter, r *http.Request) error {
	var v ListView
	err := h.svc.db.Read(r.Context(), func(tx *sqlite.Tx) (err error) {
		v.Leavers, v.Days, err = h.svc.Leavers(r.Context(), tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, l := range v.Leavers {
		if l.Over {
			v.Over++
		}
	}
	return h.views.Render(w, r, "dossier_list", v)
}

func (h *Web) report(r *http.Request) (v Report, err error) {
	err = h.svc.db.Read(r.Context(), func(tx *sqlite.Tx) error {
		v, err = h.svc.Report(r.Context(), tx, r.PathValue("key"))
		return err
	})
	return v, err
}

func (h *Web) show(w http.ResponseWriter, r *http.Request) error {
	report, err := h.report(r)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "dossier_show", DataView{report, report.State == Kept || report.State == Over})
}

// export is a POST, because that somebody's data were handed out is written down.
func (h *Web) export(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	format := form.Choice("format", "xlsx", "json")
	if err := form.Err(); err != nil {
		return err
	}
	word := func(key string, args problem.Args) string { return h.shell.T(r, key, args) }
	d, err := h.svc.Disclose(r.Context(), r.PathValue("key"), word)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	if err := d.Write(&buf, format, word); err != nil {
		return err
	}
	return web.Download(w, "person."+format, buf.Bytes())
}

func (h *Web) confirm(w http.ResponseWriter, r *http.Request) error {
	return h.renderErase(w, r, web.NewForm(), nil)
}

func (h *Web) renderErase(w http.ResponseWriter, r *http.Request, form *web.Form, cause error) error {
	err := h.svc.db.Read(r.Context(), func(tx *sqlite.Tx) error {
		_, err := h.svc.mayErase(r.Context(), tx, r.PathValue("key"))
		return err
	})
	if err != nil {
		return err
	}
	report, err := h.report(r)
	if err != nil {
		return err
	}
	v := EraseView{Report: report, Form: form, Early: report.State == Kept}
	for _, i := range report.Items {
		if i.Retained == "" {
			v.Gone = append(v.Gone, i)
		}
	}
	_, v.Stay = report.Records()
	v.Reasons = []web.Option{{Label: h.shell.T(r, "personal.reason.none", nil)}}
	for _, reason := range Reasons() {
		v.Reasons = append(v.Reasons, web.Option{Value: reason, Label: h.shell.T(r, "personal.reason."+reason, nil)})
	}
	form.Values.Set("version", strconv.FormatInt(report.Person.Version, 10))
	if cause != nil {
		return h.views.RenderForm(w, r, cause, form, "dossier_erase", v)
	}
	return h.views.Render(w, r, "dossier_erase", v)
}

func (h *Web) erase(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	key := r.PathValue("key")
	version, err := strconv.ParseInt(form.Values.Get("version"), 10, 64)
	if err != nil {
		version = 0 // no version: a conflict, not a crash
	}
	if !form.Bool("sure") {
		form.Add(problem.Invalid("sure", "personal.sure_needed"))
	}
	reason := form.Values.Get("reason")
	if err = form.Err(); err == nil {
		err = h.svc.Erase(r.Context(), key, version, reason)
	}
	if err != nil {
		return h.renderErase(w, r, form, err)
	}
	return h.shell.Done(w, r, "/people/"+key, "personal.done", "day", jdate.Of(h.svc.db.Now()))
}
