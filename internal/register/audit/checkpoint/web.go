package checkpoint

import (
	"embed"
	"html/template"
	"net/http"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

// Web serves the pages of the checkpoints.
type Web struct {
	svc   *Service
	shell *web.Shell
	views *web.Views
	qr    func(text string) (template.HTML, error)
}

// NewWeb returns the pages; qr draws a text.
func NewWeb(svc *Service, shell *web.Shell, qr func(text string) (template.HTML, error)) *Web {
	return &Web{svc: svc, shell: shell, views: shell.MustViews(viewFiles), qr: qr}
}

// Routes registers the pages.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /audit/checkpoints", web.Needs(audit.PermRead), h.show)
	rt.Handle("POST /audit/checkpoints", web.Needs(PermKeep), h.save)
	rt.Handle("POST /audit/checkpoints/make", web.Needs(PermKeep), h.make)
	rt.Handle("POST /audit/checkpoints/key", web.Needs(PermKeep), h.changeKey)
	rt.Handle("GET /audit/checkpoints/{size}/note", web.Needs(audit.PermRead), h.note)
	rt.Handle("GET /audit/checkpoints/{size}/print", web.Needs(audit.PermRead), h.print)
	rt.Handle("POST /audit/checkpoints/{size}/printed", web.Needs(audit.PermRead), h.printed)
}

// ShowView is the page of the checkpoints.
type ShowView struct {
	Form    *web.Form
	Status  Status
	Ways    []WayRow
	Rows    []KeptRow
	Since   int64 // rows of the log after the newest checkpoint
	MayKeep bool
}

// WayRow is one way of keeping, as shown.
type WayRow struct {
	Way
	Late bool
}

// KeptRow is one checkpoint, as shown.
type KeptRow struct {
	Kept
	In []string // ways
}

func (h *Web) show(w http.ResponseWriter, r *http.Request) error { return h.render(w, r, nil, nil) }

func (h *Web) render(w http.ResponseWriter, r *http.Request, cause error, form *web.Form) error {
	ctx := r.Context()
	v := ShowView{Form: form, MayKeep: actor.From(ctx).May(PermKeep)}
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		v.Status, err = h.svc.Status(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	st := v.Status
	pairs := []string{"hour", strconv.Itoa(st.Schedule.Hour), "every", strconv.Itoa(st.Schedule.Every)}
	for _, way := range st.Ways {
		row := WayRow{Way: way}
		for _, l := range st.Late {
			row.Late = row.Late || l.What == way.Name
		}
		v.Ways = append(v.Ways, row)
		pairs = append(pairs, way.Name, way.Place)
	}
	if v.Form == nil {
		v.Form = web.NewForm(pairs...)
	}
	for _, k := range st.Recent {
		v.Rows = append(v.Rows, KeptRow{k, st.Kept[k.ID]})
	}
	v.Since = st.Rows
	if st.Last != nil {
		v.Since -= st.Last.Size
	}
	if cause != nil {
		return h.views.RenderForm(w, r, cause, v.Form, "checkpoint_list", v)
	}
	return h.views.Render(w, r, "checkpoint_list", v)
}

func (h *Web) save(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	const longestGap = 31
	in := Setting{
		Hour: form.Int("hour", 0, 23), Every: form.Int("every", 1, longestGap), Folder: form.Text("file"), Mail: form.Text("mail"), Print: form.Bool("print"),
	}
	if err = form.Err(); err == nil {
		err = h.svc.SaveSetting(r.Context(), in)
	}
	if err != nil {
		return h.render(w, r, err, form)
	}
	return h.shell.Done(w, r, "/audit/checkpoints", "checkpoint.done.saved")
}

func (h *Web) make(w http.ResponseWriter, r *http.Request) error {
	k, err := h.svc.Make(r.Context())
	if err != nil {
		return h.render(w, r, err, web.NewForm())
	}
	if err := h.svc.keepOutside(r.Context()); err != nil && problem.CodeOf(err) != problem.CodeInternal { // else it stands beside the way
		return err
	}
	return h.shell.Done(w, r, "/audit/checkpoints", "checkpoint.done.made", "n", k.Size)
}

func (h *Web) changeKey(w http.ResponseWriter, r *http.Request) error {
	if _, err := h.svc.ChangeKey(r.Context()); err != nil {
		return h.render(w, r, err, web.NewForm())
	}
	return h.shell.Done(w, r, "/audit/checkpoints", "checkpoint.done.key")
}

func (h *Web) find(r *http.Request) (Kept, error) {
	size, err := strconv.ParseInt(r.PathValue("size"), 10, 64)
	if err != nil {
		return Kept{}, problem.NotFound("checkpoint.not_found")
	}
	return h.svc.BySize(r.Context(), size)
}

func (h *Web) note(w http.ResponseWriter, r *http.Request) error {
	k, err := h.find(r)
	if err != nil {
		return err
	}
	return web.Download(w, k.FileName(), []byte(k.Note))
}

// PrintView is the page that is printed, stamped and stored.
type PrintView struct {
	Kept Kept
	Keys []Key
	QR   template.HTML
}

func (h *Web) print(w http.ResponseWriter, r *http.Request) error {
	k, err := h.find(r)
	if err != nil {
		return err
	}
	v := PrintView{Kept: k}
	if v.QR, err = h.qr(k.Note); err != nil {
		return err
	}
	err = h.svc.db.Read(r.Context(), func(tx *sqlite.Tx) (err error) { v.Keys, err = keys(r.Context(), tx); return err })
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "checkpoint_print", v)
}

func (h *Web) printed(w http.ResponseWriter, r *http.Request) error {
	k, err := h.find(r)
	if err != nil {
		return err
	}
	if err := h.svc.Printed(r.Context(), k.Size); err != nil {
		return err
	}
	return h.shell.Done(w, r, "/audit/checkpoints", "checkpoint.done.printed")
}
