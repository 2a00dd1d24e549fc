package sheet

import (
	"bytes"
	"embed"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	tables "github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

// Web serves the pages on which sheets leave the house; they come in through the wizard at /import/sheet.
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
	rt.Handle("GET /sheet/{framework}/export", web.Needs(assessment.PermRead), h.export)
	rt.Handle("GET /sheet/{framework}/fill", web.Needs(assessment.PermRead), h.fill)
	rt.HandleUpload("POST /sheet/{framework}/fill", web.Needs(assessment.PermRead), tables.DefaultLimits.FileBytes+1<<20, h.upload)
	rt.Handle("POST /sheet/{framework}/fill-in", web.Needs(assessment.PermRead), h.fillIn)
}

// exportOptions reads what the address asks for. Format "csv-cp932" is CSV in Shift_JIS.
func exportOptions(r *http.Request) ExportOptions {
	q := r.URL.Query()
	o := ExportOptions{
		Framework: r.PathValue("framework"), Format: tables.Format(q.Get("format")), Locale: web.Locale(r.Context()),
		Items: q.Get("items"), Request: q.Get("request"), Unanswered: q.Get("unanswered") != "", Lossy: q.Get("lossy") != "",
	}
	if q.Get("format") == "csv-cp932" || o.Format == tables.CSV && q.Get("encoding") == "cp932" {
		o.Format, o.Encoding = tables.CSV, jtext.CP932
	}
	return o
}

// export shows what would be written, and hands it out once a format is chosen and nothing is left to ask.
func (h *Web) export(w http.ResponseWriter, r *http.Request) error {
	o := exportOptions(r)
	form := web.NewForm("format", string(tables.XLSX), "items", o.Items, "request", o.Request)
	if f := r.URL.Query().Get("format"); f != "" {
		form.Values.Set("format", f)
	}
	p, err := h.svc.Prepare(r.Context(), o)
	if problem.CodeOf(err) == problem.CodeInvalid {
		all := o
		all.Items = ""
		if p, problems := h.svc.Prepare(r.Context(), all); problems == nil {
			view, verr := h.exportView(r, p, form)
			if verr != nil {
				return verr
			}
			return h.views.RenderForm(w, r, err, form, "checksheet_export", view)
		}
	}
	if err != nil {
		return err
	}
	if o.Format != "" && (len(p.Unanswered) == 0 || o.Unanswered) && (len(p.Lost) == 0 || o.Lossy) {
		var buf bytes.Buffer
		if err := h.svc.Export(r.Context(), o, &buf); err != nil {
			return err
		}
		return web.Download(w, FileName(p.Document, o), buf.Bytes())
	}
	if o.Unanswered {
		form.Values.Set("unanswered", "yes")
	}
	view, err := h.exportView(r, p, form)
	if err != nil {
		return err
	}
	view.Asked = o.Format != ""
	if view.Asked && len(p.Unanswered) > 0 && !o.Unanswered {
		return h.views.RenderForm(w, r, problem.Invalid("unanswered", "checksheet.open.needed"), form, "checksheet_export", view)
	}
	return h.views.Render(w, r, "checksheet_export", view)
}

// fill asks for the workbook, or shows what would be written into the one that waits.
func (h *Web) fill(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	form := web.NewForm("items", q.Get("items"), "request", q.Get("request"), "unanswered", q.Get("unanswered"))
	if key := q.Get("file"); key != "" {
		return h.check(w, r, nil, form, key)
	}
	return h.start(w, r, nil, form)
}

func (h *Web) start(w http.ResponseWriter, r *http.Request, problems error, form *web.Form) error {
	view, err := h.fillView(r, form)
	if err != nil {
		return err
	}
	if problems != nil {
		return h.views.RenderForm(w, r, problems, form, "checksheet_fill", view)
	}
	return h.views.Render(w, r, "checksheet_fill", view)
}

// upload keeps the workbook and goes on to the page that shows what would be written.
func (h *Web) upload(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	file, err := form.File("file")
	if err != nil {
		return err
	}
	if file == nil {
		return h.start(w, r, problem.Invalid("file", "checksheet.fill.file_needed"), form)
	}
	o := FillOptions{Framework: r.PathValue("framework"), Items: form.Text("items"), Request: form.Text("request")}
	if err := form.Err(); err != nil {
		return h.start(w, r, err, form)
	}
	key, err := h.svc.Keep(r.Context(), file.Name, file.Data, o)
	if err != nil {
		return h.start(w, r, err, form)
	}
	q := url.Values{"file": {key}}
	for name, v := range map[string]string{"items": o.Items, "request": o.Request} {
		if v != "" {
			q.Set(name, v)
		}
	}
	web.Redirect(w, "/sheet/"+url.PathEscape(o.Framework)+"/fill?"+q.Encode())
	return nil
}

func (h *Web) check(w http.ResponseWriter, r *http.Request, problems error, form *web.Form, key string) error {
	// Everything that could be written is shown; what is ticked is written.
	o := FillOptions{
		Framework: r.PathValue("framework"), Items: form.Values.Get("items"), Request: form.Values.Get("request"), Comments: true, Dates: true,
	}
	plan, err := h.svc.PlanKept(r.Context(), key, o)
	if err != nil {
		return h.start(w, r, err, form)
	}
	view := CheckView{Form: form, Key: plan.Framework, File: key, Plan: plan}
	if problems != nil {
		return h.views.RenderForm(w, r, problems, form, "checksheet_check", view)
	}
	return h.views.Render(w, r, "checksheet_check", view)
}

// fillIn writes into the workbook that waits and hands it out.
func (h *Web) fillIn(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	key := form.Text("file")
	o := FillOptions{
		Framework: r.PathValue("framework"), Items: form.Text("items"), Request: form.Text("request"), Comments: form.Bool("comments"),
		Dates: form.Bool("dates"), Unanswered: form.Bool("unanswered"), SentTo: form.Text("sent_to"), SentOn: form.Day("sent_on"),
	}
	if o.SentOn.After(h.svc.office.Today()) {
		form.Add(problem.Invalid("sent_on", "checksheet.fill.sent_on_ahead"))
	}
	if err := form.Err(); err != nil {
		return h.check(w, r, err, form, key)
	}
	var buf bytes.Buffer
	plan, err := h.svc.FillKept(r.Context(), key, o, &buf)
	if err != nil {
		if problem.CodeOf(err) == problem.CodeConflict {
			err = problem.Invalid("unanswered", "checksheet.open.needed")
		}
		return h.check(w, r, err, form, key)
	}
	return hand(w, plan.File, buf.Bytes())
}

// hand gives a filled workbook back under its own name, whatever language that is in (RFC 6266).
func hand(w http.ResponseWriter, name string, data []byte) error {
	if err := web.Download(renamed{w, name}, "kizuki-filled"+path.Ext(name), data); err != nil {
		return fmt.Errorf("hand workbook out: %w", err)
	}
	return nil
}

// renamed hands a download out under the name of a person's own file.
type renamed struct {
	http.ResponseWriter

	name string
}

// Write sets the name just before the first byte.
func (r renamed) Write(data []byte) (int, error) {
	if head := mime.FormatMediaType("attachment", map[string]string{"filename": r.name}); head != "" {
		r.Header().Set("Content-Disposition", head)
	}
	return r.ResponseWriter.Write(data) //nolint:wrapcheck // passes through
}
