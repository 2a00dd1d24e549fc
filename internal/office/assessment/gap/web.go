package gap

import (
	"bytes"
	"embed"
	"encoding/json"
	"net/http"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
)

//go:embed views/*.html
var viewFiles embed.FS

// Web serves the first page and the contradictions.
type Web struct {
	svc   *assessment.Service
	next  NextDeadline
	shell *web.Shell
	views *web.Views
}

// NewWeb returns the pages. next gives the deadline in the headline; nil leaves it out.
func NewWeb(svc *assessment.Service, shell *web.Shell, next NextDeadline) *Web {
	return &Web{svc: svc, next: next, shell: shell, views: shell.MustViews(viewFiles)}
}

// Routes registers the pages, "GET /" among them.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /{$}", web.SignedIn, h.first)
	rt.Handle("GET /gaps", web.Needs(assessment.PermRead), h.gaps)
	rt.Handle("GET /gaps/export", web.Needs(assessment.PermRead), h.export)
	rt.Handle("GET /conflicts", web.Needs(assessment.PermRead), h.conflicts)
	rt.Handle("GET /conflicts/export", web.Needs(assessment.PermRead), h.exportConflicts)
	rt.Handle("POST /conflicts", web.Needs(assessment.PermAnswer), h.settle)
}

// first sends who is in charge to the gaps and everybody else to what they have to do.
func (h *Web) first(w http.ResponseWriter, r *http.Request) error {
	to := "/today"
	if actor.From(r.Context()).May(assessment.PermRead) {
		to = "/gaps"
	}
	web.Redirect(w, to)
	return nil
}

// export sends the open clauses: xlsx and csv as a table, json as assessment.GapsReport.
func (h *Web) export(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	locale := web.Locale(ctx)
	var report *assessment.GapsReport
	var names map[string]string
	err := h.svc.Read(ctx, func(tx *sqlite.Tx) error {
		o, err := h.svc.Overview(ctx, tx)
		if err != nil {
			return err
		}
		if report, err = h.svc.Report(ctx, tx, o, locale); err != nil {
			return err
		}
		names, err = h.svc.Names(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	name := "kizuki-gaps-" + report.AsOf.String()
	if r.URL.Query().Get("format") != "json" {
		return web.Export(w, r, name, Table(report, names, func(key string) string { return h.shell.T(r, key, nil) }))
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(report); err != nil {
		return err
	}
	return web.Download(w, name+".json", buf.Bytes())
}
