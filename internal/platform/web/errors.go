package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/web/request"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// statusOf is the one table from problem codes to HTTP.
var statusOf = map[problem.Code]int{
	problem.CodeInvalid:         http.StatusUnprocessableEntity,
	problem.CodeNotFound:        http.StatusNotFound,
	problem.CodeConflict:        http.StatusConflict,
	problem.CodeForbidden:       http.StatusForbidden,
	problem.CodeUnauthenticated: http.StatusUnauthorized,
	problem.CodeTooLarge:        http.StatusRequestEntityTooLarge,
	problem.CodeUnsupported:     http.StatusUnsupportedMediaType,
	problem.CodeUnavailable:     http.StatusServiceUnavailable,
	problem.CodeInternal:        http.StatusInternalServerError,
}

func statusFor(code problem.Code) int {
	if status, known := statusOf[code]; known {
		return status
	}
	return http.StatusInternalServerError
}

type bareKey struct{}

// bare returns the request with a mark that pages have no frame: no company, no menu, no database.
func bare(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), bareKey{}, true))
}

// ErrorView is the page for an error: what happened, why, what to do.
type ErrorView struct {
	Status    int
	Title     string
	Texts     []string
	Reference string // of the log line, for internal errors
}

func (rt *Router) fail(w http.ResponseWriter, r *http.Request, err error) {
	rt.failStatus(w, r, statusFor(problem.CodeOf(err)), err)
}

func (rt *Router) failStatus(w http.ResponseWriter, r *http.Request, status int, err error) {
	ctx := r.Context()
	locale, id := request.Locale(ctx), request.ID(ctx)
	view := ErrorView{Status: status}
	w.Header().Del("Content-Disposition") // of the file that did not come about
	m := rt.cfg.Messages
	if all := problem.All(err); len(all) > 0 {
		view.Title = m.T(locale, "web.error."+string(problem.CodeOf(err)), nil)
		for _, e := range all {
			view.Texts = append(view.Texts, m.T(locale, e.Key, e.Args))
		}
		trailOf(ctx).answered(err)
	} else {
		view.Title = m.T(locale, "web.error.internal", nil)
		view.Texts = []string{m.T(locale, "web.internal", nil)}
		view.Reference = id
		rt.cfg.Log.ErrorContext(ctx, "request failed", "request", id, "error", err)
	}
	if strings.HasPrefix(r.URL.Path, "/api/") || r.Header.Get("X-Fragment") != "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(strings.Join(view.Texts, "\n")))
		return
	}
	if rerr := rt.shell.views.render(w, r, status, "error", view); rerr != nil {
		rt.cfg.Log.ErrorContext(ctx, "error page failed", "request", id, "error", rerr)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(view.Title + "\n" + strings.Join(view.Texts, "\n")))
	}
}
