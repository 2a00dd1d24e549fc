package intake

import (
	"embed"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of the wizard; importers bring their own.
func Messages() fs.FS { return messages }

// PermImport opens the pages of the wizard; each importer asks for its own permission besides.
const PermImport actor.Permission = "intake.import"

// Web serves the three steps of the wizard for all kinds.
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
	rt.Handle("GET /import", web.Needs(PermImport), h.index)
	rt.Handle("GET /import/{kind}", web.Needs(PermImport), h.start)
	rt.HandleUpload("POST /import/{kind}", web.Needs(PermImport), sheet.DefaultLimits.FileBytes+1<<20, h.upload)
	rt.Handle("GET /import/{kind}/template", web.Needs(PermImport), h.template)
	rt.Handle("GET /import/{kind}/{key}", web.Needs(PermImport), h.check)
	rt.Handle("POST /import/{kind}/{key}", web.Needs(PermImport), h.configure)
	rt.Handle("POST /import/{kind}/{key}/apply", web.Needs(PermImport), h.apply)
	rt.Handle("POST /import/{kind}/{key}/undo", web.Needs(PermImport), h.undo)
	rt.Handle("GET /import/{kind}/{key}/refused", web.Needs(PermImport), h.refused)
	rt.Handle("GET /import/{kind}/{key}/differences", web.Needs(PermImport), h.differences)
}

func (h *Web) index(w http.ResponseWriter, r *http.Request) error {
	v := IndexView{}
	for _, imp := range h.svc.Importers() {
		if actor.From(r.Context()).May(imp.Permission()) {
			v.Kinds = append(v.Kinds, KindRow{imp.Kind(), imp.Title()})
		}
	}
	return h.views.Render(w, r, "import_index", v)
}

func (h *Web) start(w http.ResponseWriter, r *http.Request) error {
	return h.renderStart(w, r, web.NewForm(), nil)
}

func (h *Web) renderStart(w http.ResponseWriter, r *http.Request, form *web.Form, cause error) error {
	ctx := r.Context()
	imp, err := h.svc.Importer(ctx, r.PathValue("kind"))
	if err != nil {
		return err
	}
	v := StartView{Form: form, Kind: imp.Kind(), Title: imp.Title(), Lead: imp.Title() + "_lead", Encodings: h.encodings(r), Now: h.svc.db.Now()}
	for _, c := range imp.Columns() {
		row := ColumnRow{Title: c.Title, Required: c.Required, Example: c.Example}
		for _, a := range c.Aliases {
			if len(row.Words) < shownWords {
				row.Words = append(row.Words, a)
			}
		}
		v.Columns = append(v.Columns, row)
	}
	if v.Recent, err = h.svc.Recent(ctx, imp.Kind()); err != nil {
		return err
	}
	if cause != nil {
		return h.views.RenderForm(w, r, cause, form, "import_start", v)
	}
	return h.views.Render(w, r, "import_start", v)
}

// shownWords is how many header words of a column are shown.
const shownWords = 4

func (h *Web) encodings(r *http.Request) []web.Option {
	out := []web.Option{{Label: h.shell.T(r, "intake.encoding.auto", nil)}}
	for _, e := range []jtext.Encoding{jtext.CP932, jtext.UTF8, jtext.UTF16LE} {
		out = append(out, web.Option{Value: string(e), Label: h.shell.T(r, "intake.encoding."+string(e), nil)})
	}
	return out
}

// readEncoding accepts what encodings offers; anything else is detected.
func readEncoding(form *web.Form) jtext.Encoding {
	e := jtext.Encoding(form.Values.Get("encoding"))
	if slices.Contains([]jtext.Encoding{jtext.CP932, jtext.UTF8, jtext.UTF16LE}, e) {
		return e
	}
	return ""
}

func (h *Web) upload(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	kind := r.PathValue("kind")
	files, err := form.Files("file")
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return h.renderStart(w, r, form, problem.Invalid("file", "intake.choose_file"))
	}
	var last Import
	for _, f := range files {
		if last, err = h.svc.Prepare(r.Context(), kind, f.Name, f.Data, Setting{Encoding: readEncoding(form)}); err != nil {
			return h.renderStart(w, r, form, err)
		}
	}
	if len(files) > 1 {
		return h.shell.Done(w, r, "/import/"+last.Kind, "intake.put_in_many", "n", len(files))
	}
	web.Redirect(w, "/import/"+last.Kind+"/"+last.Key)
	return nil
}

// template writes an empty list with the usual columns, one example row and choices.
func (h *Web) template(w http.ResponseWriter, r *http.Request) error {
	imp, err := h.svc.Importer(r.Context(), r.PathValue("kind"))
	if err != nil {
		return err
	}
	out := sheet.Out{Title: h.shell.T(r, imp.Title(), nil), Choices: map[int][]string{}}
	var example []any
	for _, c := range imp.Columns() {
		if c.Example == "" && c.Choices == nil && !c.Required {
			continue
		}
		for _, choice := range c.Choices {
			i := len(out.Columns)
			out.Choices[i] = append(out.Choices[i], h.shell.T(r, choice, nil))
		}
		out.Columns = append(out.Columns, sheet.OutColumn{Title: h.shell.T(r, c.Title, nil)})
		text := ""
		if c.Example != "" {
			text = h.shell.T(r, c.Example, nil)
		}
		example = append(example, text)
	}
	out.Rows = [][]any{example}
	r.URL.RawQuery = "format=xlsx"
	return web.Export(w, r, imp.Kind()+"-template", out)
}

func (h *Web) check(w http.ResponseWriter, r *http.Request) error {
	return h.renderCheck(w, r, web.NewForm(), nil)
}

func (h *Web) renderCheck(w http.ResponseWriter, r *http.Request, form *web.Form, cause error) error {
	ctx := r.Context()
	kind, key := r.PathValue("kind"), r.PathValue("key")
	i, err := h.svc.Find(ctx, kind, key)
	if err != nil {
		return err
	}
	if i.State != Waiting || !i.SweptAt.IsZero() {
		return h.renderDone(w, r, i, form, cause)
	}
	p, err := h.svc.Preview(ctx, kind, key, nil)
	if err != nil {
		return err
	}
	v := h.checkView(r, p, form)
	switch {
	case cause != nil:
		return h.views.RenderForm(w, r, cause, form, "import_check", v)
	case p.Problem != nil:
		return h.views.RenderForm(w, r, p.Problem, form, "import_check", v)
	default:
		return h.views.Render(w, r, "import_check", v)
	}
}

func (h *Web) renderDone(w http.ResponseWriter, r *http.Request, i Import, form *web.Form, cause error) error {
	imp, err := h.svc.Importer(r.Context(), i.Kind)
	if err != nil {
		return err
	}
	v := DoneView{Form: form, Import: i, Title: imp.Title(), CanUndo: i.CanUndo(h.svc.db.Now()), UndoUntil: jdate.Of(i.UndoUntil())}
	if i.UndoUntil().IsZero() {
		v.UndoUntil = 0
	}
	if cause != nil {
		return h.views.RenderForm(w, r, cause, form, "import_done", v)
	}
	return h.views.Render(w, r, "import_done", v)
}

// configure reads how the file is to be read. A changed sheet, header row or encoding makes the matching of
// columns start anew.
func (h *Web) configure(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	kind, key := r.PathValue("kind"), r.PathValue("key")
	imp, err := h.svc.Importer(ctx, kind)
	if err != nil {
		return err
	}
	i, err := h.svc.Find(ctx, kind, key)
	if err != nil {
		return err
	}
	setting := Setting{
		Encoding: readEncoding(form), Sheet: form.Values.Get("sheet"), Header: form.Int("header", 0, sheet.DefaultLimits.Rows), Options: map[string]string{},
	}
	for _, o := range imp.Options() {
		setting.Options[o.Name] = form.Values.Get("option_" + o.Name)
	}
	if form.Values.Get("seen_sheet") != setting.Sheet {
		setting.Header = 0 // the header row of another sheet says nothing about this one
	}
	seen := form.Values.Get("seen_sheet") == setting.Sheet && form.Values.Get("seen_header") == strconv.Itoa(setting.Header) && i.Setting.Encoding == setting.Encoding
	if seen && form.Bool("matched") {
		setting.Columns = columnsOf(form, imp)
	}
	version, err := strconv.ParseInt(form.Values.Get("version"), 10, 64)
	if err != nil {
		version = 0
	}
	if err = form.Err(); err == nil {
		err = h.svc.Configure(ctx, kind, key, version, setting)
	}
	if err != nil {
		return h.renderCheck(w, r, form, err)
	}
	web.Redirect(w, "/import/"+i.Kind+"/"+i.Key)
	return nil
}

// columnsOf reads the selects of the columns: field at_N holds the name of the column at position N. When two
// name the same, the first stands.
func columnsOf(form *web.Form, imp Importer) map[string]int {
	out := map[string]int{}
	for _, c := range imp.Columns() {
		out[c.Name] = 0
	}
	for field, values := range form.Values {
		at, ok := strings.CutPrefix(field, "at_")
		n, err := strconv.Atoi(at)
		if !ok || err != nil || n < 1 || n > sheet.DefaultLimits.Cols || len(values) == 0 {
			continue
		}
		if have, known := out[values[0]]; known && (have == 0 || n < have) {
			out[values[0]] = n
		}
	}
	return out
}

func (h *Web) apply(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	consent := Consent{Mark: form.Values.Get("mark"), Answers: map[string]string{}}
	for field, values := range form.Values {
		if name, ok := strings.CutPrefix(field, "ask_"); ok && len(values) > 0 {
			consent.Answers[name] = values[0]
		}
	}
	i, err := h.svc.Apply(r.Context(), r.PathValue("kind"), r.PathValue("key"), consent)
	if err != nil {
		return h.renderCheck(w, r, form, err)
	}
	return h.shell.Done(w, r, "/import/"+i.Kind+"/"+i.Key, "intake.applied", "added", i.Counts.Added, "changed", i.Counts.Changed)
}

func (h *Web) undo(w http.ResponseWriter, r *http.Request) error {
	i, err := h.svc.Undo(r.Context(), r.PathValue("kind"), r.PathValue("key"))
	if err != nil {
		return h.renderCheck(w, r, web.NewForm(), err)
	}
	return h.shell.Done(w, r, "/import/"+i.Kind+"/"+i.Key, "intake.undone")
}
