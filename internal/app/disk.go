package app

import (
	"context"
	"net/http"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/disk"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// watchDisk makes an office that runs out of room refuse to write and go on reading.
func (a *App) watchDisk() {
	a.Disk = &disk.Watch{Dir: a.cfg.Dir, Floor: a.cfg.MinFree, Free: a.cfg.FreeSpace, Now: a.cfg.Now}
	a.DB.Watch(a.room, a.Disk.Full)
}

// room refuses an act when there is no room for it.
func (a *App) room() error {
	if !a.Disk.Low() {
		return nil
	}
	free, _ := a.Disk.Left()
	return problem.Unavailable("app.disk.low", "mb", int64(free>>20), "floor", int64(a.cfg.MinFree>>20))
}

// lowNotice stands above every page while nothing can be written.
func (a *App) lowNotice() []web.Banner {
	if a.Disk == nil || !a.Disk.Low() {
		return nil
	}
	return []web.Banner{{Key: "app.banner.disk"}}
}

// readable lets an act that only keeps the pages up to date fail while there is no room: reading goes on.
func (a *App) readable(ctx context.Context, err error) error {
	if problem.CodeOf(err) == problem.CodeUnavailable && a.Disk.Low() {
		a.cfg.Log.WarnContext(ctx, "no room to write; reading goes on", "error", err)
		return nil
	}
	return err
}

// authenticate says who asks. Signing in and out goes on when there is no room for anything else.
func (a *App) authenticate(r *http.Request) (*http.Request, web.Viewer, error) {
	ctx := r.Context()
	got, viewer, err := a.Auth.Authenticate(r.WithContext(sqlite.Vital(ctx, true)))
	_, path, _ := strings.Cut(r.Pattern, " ")
	vital := path == "/login" || strings.HasPrefix(path, "/login/") || path == "/logout"
	got = got.WithContext(sqlite.Vital(got.Context(), vital)) //nolint:contextcheck // the request in hand carries it
	got.Pattern = r.Pattern
	return got, viewer, err
}

// healthy answers machines that watch whether the office runs and can write; it tells nothing else.
func (a *App) healthy(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	text := "ok\n"
	if a.Disk.Low() {
		w.WriteHeader(http.StatusServiceUnavailable)
		text = "low disk\n"
	}
	_, err := w.Write([]byte(text))
	return err
}
