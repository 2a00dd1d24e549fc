package backup

import (
	"embed"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

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
	rt.Handle("GET /backup", web.Needs(PermManage), h.show)
	rt.Handle("POST /backup/now", web.Needs(PermManage), h.start)
	rt.Handle("GET /backup/files/{key}", web.Needs(PermManage), h.download)
	rt.Handle("GET /backup/settings", web.Needs(PermManage), h.settings)
	rt.Handle("POST /backup/settings", web.Needs(PermManage), h.saveSettings)
	rt.Handle("GET /backup/key", web.Needs(PermManage), h.key)
	rt.Handle("POST /backup/key", web.Needs(PermManage), h.makeKey)
	rt.Handle("POST /backup/key/confirm", web.Needs(PermManage), h.confirmKey)
}

// shownRuns is how many tries the page lists.
const shownRuns = 10

// refreshSeconds is how often the page looks again while a backup runs.
const refreshSeconds = "3"

func (h *Web) show(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v := ShowView{Now: h.svc.Progress()}
	var set Settings
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		v.Today = jdate.Of(tx.Now)
		if set, err = h.svc.Settings(ctx, tx); err != nil {
			return err
		}
		if v.Status, err = h.svc.Status(ctx, tx); err != nil {
			return err
		}
		if v.Keys, err = h.svc.Keys(ctx, tx); err != nil {
			return err
		}
		if v.Runs, err = h.svc.Runs(ctx, tx, shownRuns); err != nil {
			return err
		}
		files, err := h.svc.Files(ctx, tx)
		v.Files = group(files)
		return err
	})
	if err != nil {
		return err
	}
	v.Settings, v.SameDisk = set, h.svc.SameDisk(set)
	for _, f := range set.Folders {
		v.Missing = v.Missing || missing(f) && f != standard(h.svc.cfg.Dir).Folders[0]
	}
	if v.Now.Running {
		w.Header().Set("Refresh", refreshSeconds)
	}
	return h.views.Render(w, r, "backup_show", v)
}

func missing(folder string) bool {
	info, err := os.Stat(folder)
	return err != nil || !info.IsDir()
}

func (h *Web) start(w http.ResponseWriter, r *http.Request) error {
	if err := h.svc.Start(r.Context()); err != nil {
		return err
	}
	return h.shell.Done(w, r, "/backup", "backup.started_done")
}

// downloadLimit is how long the sending of one backup may take: a gigabyte over a slow plant network.
const downloadLimit = 2 * time.Hour

// download sends a backup as it lies there: encrypted.
func (h *Web) download(w http.ResponseWriter, r *http.Request) error {
	f, err := h.svc.Take(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	in, err := os.Open(f.Path())
	if err != nil {
		return problem.Unavailable("backup.file_gone", "name", f.Name).Because(err)
	}
	defer func() { _ = in.Close() }()                                                     // only read
	_ = http.NewResponseController(w).SetWriteDeadline(h.svc.db.Now().Add(downloadLimit)) // a test's writer has none
	header := w.Header()
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Content-Disposition", `attachment; filename="`+f.Name+`"`)
	http.ServeContent(w, r, "", f.MadeAt, in)
	return nil
}

func (h *Web) settings(w http.ResponseWriter, r *http.Request) error {
	var set Settings
	err := h.svc.db.Read(r.Context(), func(tx *sqlite.Tx) (err error) {
		set, err = h.svc.Settings(r.Context(), tx)
		return err
	})
	if err != nil {
		return err
	}
	form := web.NewForm("folders", strings.Join(set.Folders, "\n"), "at", clock(set.AtMinute), "daily", strconv.Itoa(set.Rule.Daily),
		"weekly", strconv.Itoa(set.Rule.Weekly), "monthly", strconv.Itoa(set.Rule.Monthly), "warn_days", strconv.Itoa(set.WarnDays),
		"version", strconv.FormatInt(set.Version, 10))
	return h.views.Render(w, r, "backup_settings", SettingsView{form})
}

func (h *Web) saveSettings(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	set := Settings{
		AtMinute: minuteOf(form.Text("at")), WarnDays: form.Int("warn_days", 1, maxWarn),
		Rule: Rule{Daily: form.Int("daily", 1, maxKept), Weekly: form.Int("weekly", 0, maxKept), Monthly: form.Int("monthly", 0, maxKept)},
	}
	set.Version, _ = strconv.ParseInt(form.Values.Get("version"), 10, 64) // 0 fits no saved settings
	for line := range strings.Lines(form.Long("folders")) {
		if line = strings.TrimSpace(line); line != "" {
			set.Folders = append(set.Folders, line)
		}
	}
	if err = form.Err(); err == nil {
		err = h.svc.SaveSettings(r.Context(), set)
	}
	if err != nil {
		return h.views.RenderForm(w, r, err, form, "backup_settings", SettingsView{form})
	}
	return h.shell.Done(w, r, "/backup", "backup.settings_done")
}

// clock writes minutes after midnight as people do.
func clock(minute int) string { return fmt.Sprintf("%d:%02d", minute/60, minute%60) }

// minuteOf reads "2:00"; -1 for what is no time of day.
func minuteOf(text string) int {
	hour, minute, ok := strings.Cut(strings.ReplaceAll(text, "：", ":"), ":")
	h, herr := strconv.Atoi(hour)
	m, merr := strconv.Atoi(minute)
	if !ok || herr != nil || merr != nil || h < 0 || h > 23 || m < 0 || m > 59 {
		return -1
	}
	return h*60 + m
}

func (h *Web) key(w http.ResponseWriter, r *http.Request) error {
	return h.showKey(w, r, web.NewForm(), nil)
}

func (h *Web) showKey(w http.ResponseWriter, r *http.Request, form *web.Form, cause error) error {
	ctx := r.Context()
	v := KeyView{Form: form, Letters: typedLetters}
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) error {
		keys, err := h.svc.Keys(ctx, tx)
		_, v.Has = current(keys)
		return err
	})
	if err != nil {
		return err
	}
	if secret, mark, until, ok := h.svc.ShownKey(ctx); ok {
		v.Groups, v.Mark, v.Until = groups(secret), mark, until
		if v.QR, err = link.QR(secret); err != nil {
			return err
		}
	}
	if cause != nil {
		return h.views.RenderForm(w, r, cause, form, "backup_key", v)
	}
	return h.views.Render(w, r, "backup_key", v)
}

func (h *Web) makeKey(w http.ResponseWriter, r *http.Request) error {
	if err := h.svc.NewKey(r.Context()); err != nil {
		return err
	}
	web.Redirect(w, "/backup/key")
	return nil
}

func (h *Web) confirmKey(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	if err := h.svc.ConfirmKey(r.Context(), form.Secret("typed")); err != nil {
		return h.showKey(w, r, form, err)
	}
	return h.shell.Done(w, r, "/backup", "backup.key_done")
}
