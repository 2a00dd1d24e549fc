package web

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// trail collects what the log may say about one refused request: who asked by account, for which access, and the
// message that was the answer. Names, addresses and what was typed never come into it (ASVS 5.0, 16.2.5, 16.3.2).
type trail struct {
	who    string
	access string
	key    string
	cause  error
}

type trailKey struct{}

func trailOf(ctx context.Context) *trail {
	if t, ok := ctx.Value(trailKey{}).(*trail); ok {
		return t
	}
	return &trail{} // outside a request nobody reads it
}

// asked notes who asks for a route, and what it needs.
func (t *trail) asked(a Access, v Viewer) {
	t.access = a.String()
	if known, ok := v.(interface{ ID() string }); ok {
		t.who = known.ID()
	}
}

// answered notes the first problem that became the answer.
func (t *trail) answered(err error) {
	all := problem.All(err)
	if len(all) == 0 || t.key != "" {
		return
	}
	t.key, t.cause = all[0].Key, all[0].Err
	if p, ok := all[0].Args["permission"].(string); ok {
		t.access = p
	}
}

// logRefusal writes one line for a request that was refused: a warning where somebody tried what is not allowed to
// them (no or too few rights, bad link, foreign host, post from another site), information where an act was not
// possible (a wrong password, a wait, a form with mistakes). The audit log gets no row: anybody could fill it.
func (rt *Router) logRefusal(r *http.Request, id string, status int, t *trail) {
	write := func(attrs ...slog.Attr) {
		rt.cfg.Log.LogAttrs(r.Context(), slog.LevelInfo, "request refused", attrs...)
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusMisdirectedRequest:
		write = func(attrs ...slog.Attr) { rt.cfg.Log.LogAttrs(r.Context(), slog.LevelWarn, "access refused", attrs...) }
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		if t.cause == nil {
			return // addresses that do not exist say nothing about anybody
		}
	}
	if t.key == "" {
		return
	}
	attrs := []slog.Attr{
		slog.String("request", id), slog.String("method", methodOf(r)), slog.String("route", r.Pattern), slog.Int("status", status),
		slog.String("who", t.who), slog.String("access", t.access), slog.String("key", t.key),
	}
	if t.cause != nil {
		attrs = append(attrs, slog.Any("cause", t.cause))
	}
	write(attrs...)
}

// methodOf is the method when it is one of the known: others are text of a stranger.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace, http.MethodConnect:
		return r.Method
	}
	return "other"
}
