package web

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web/request"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// policy is the Content-Security-Policy of every page: nothing inline, nothing from elsewhere.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Handler returns the whole router as an http.Handler: headers, host check, cross-origin protection,
// language, panic and log around the routes.
func (rt *Router) Handler() http.Handler {
	return rt.wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := rt.mux.Handler(r); pattern == "" {
			rt.unrouted(w, r)
			return
		}
		rt.mux.ServeHTTP(w, r)
	}))
}

func (rt *Router) wrap(next http.Handler) http.Handler {
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rt.fail(w, r, problem.Forbidden("web.cross_origin"))
	}))
	return rt.outermost(rt.hosts(rt.language(csrf.Handler(next))))
}

// unrouted answers 404, or 405 when the path exists for another method.
func (rt *Router) unrouted(w http.ResponseWriter, r *http.Request) {
	r2, _, err := rt.cfg.Authenticate(r)
	if err == nil {
		r = r2
	}
	rec := &probe{header: http.Header{}}
	rt.mux.ServeHTTP(rec, r)
	if rec.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", rec.header.Get("Allow"))
		rt.failStatus(w, r, http.StatusMethodNotAllowed, problem.NotFound("web.method"))
		return
	}
	rt.fail(w, r, problem.NotFound("web.not_found"))
}

// probe swallows a response; only the status matters.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
func (p *probe) WriteHeader(status int)      { p.status = status }

func (rt *Router) outermost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := rt.cfg.Now()
		id := sqlite.NewKey(start)
		t := &trail{}
		ctx := context.WithValue(request.WithID(r.Context(), id), trailKey{}, t)
		r = r.WithContext(request.WithLocale(ctx, rt.localeOf(r)))
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store") // pages name people and weak points; static files say otherwise
		if rt.cfg.Secure && !rt.cfg.NoHSTS {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		sw := &statusWriter{ResponseWriter: w}
		defer func() { //nolint:contextcheck // the request in hand carries it
			if v := recover(); v != nil {
				if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(v)
				}
				rt.cfg.Log.ErrorContext(r.Context(), "handler panicked", "request", id, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
				if sw.status == 0 { // without a frame: it may be what panicked
					rt.failStatus(sw, bare(r), http.StatusInternalServerError, fmt.Errorf("panic: %v", v))
				}
			}
			if rt.cfg.Observe != nil {
				rt.cfg.Observe(r.Pattern, sw.status, rt.cfg.Now().Sub(start))
			}
			rt.logRefusal(r, id, sw.status, t)
			// The path may hold the secret of a link, so only the route's pattern is logged.
			rt.cfg.Log.DebugContext(r.Context(), "request", "request", id, "method", methodOf(r), "route", r.Pattern,
				"status", sw.status, "ms", rt.cfg.Now().Sub(start).Milliseconds())
		}()
		next.ServeHTTP(sw, r)
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// hosts refuses foreign Host headers: a page elsewhere could point its own name at this address (DNS rebinding).
func (rt *Router) hosts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !rt.allowedHost(r.Host) {
			// Without a frame: the page of a foreign name may be read by whoever owns that name.
			rt.failStatus(w, bare(r), http.StatusMisdirectedRequest, problem.Forbidden("web.foreign_host"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (rt *Router) allowedHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	if name == "localhost" {
		return true
	}
	if ip := net.ParseIP(name); ip != nil && ip.IsLoopback() {
		return true
	}
	return rt.cfg.Hosts != nil && slices.ContainsFunc(rt.cfg.Hosts(), func(allowed string) bool {
		return strings.EqualFold(allowed, name) || strings.EqualFold(allowed, host)
	})
}

// language switches with ?lang= and keeps the page.
func (rt *Router) language(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if lang := r.URL.Query().Get("lang"); (lang == "ja" || lang == "en") && r.Method == http.MethodGet {
			http.SetCookie(w, &http.Cookie{Name: rt.cfg.cookie(langCookie), Value: lang, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: rt.cfg.Secure}) //nolint:gosec // Secure where the office is reached over TLS
			q := r.URL.Query()
			q.Del("lang")
			to := ownPath(r.URL)
			if len(q) > 0 {
				to += "?" + q.Encode()
			}
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusSeeOther)
			return
		}
		next.ServeHTTP(w, r)
	})
}

const langCookie = "lang"

// cookie is the name under which a cookie of path / goes to the browser. The prefix keeps other hosts of the same
// domain from setting it; browsers take it over TLS only.
func (c Config) cookie(name string) string {
	if c.Secure {
		return "__Host-" + name
	}
	return name
}

// localeOf reads the cookie, then Accept-Language.
func (rt *Router) localeOf(r *http.Request) string {
	if c, err := r.Cookie(rt.cfg.cookie(langCookie)); err == nil && (c.Value == "ja" || c.Value == "en") {
		return c.Value
	}
	if accept := strings.ToLower(r.Header.Get("Accept-Language")); accept != "" && !strings.Contains(accept, "ja") {
		return "en"
	}
	return "ja"
}

// ownPath is the path of an address with exactly one leading slash: with two, browsers would read the rest
// as the name of another host.
func ownPath(u *url.URL) string { return "/" + strings.TrimLeft(u.EscapedPath(), "/\\") }

// guard runs a route: size limit, who asks, may they, then the handler; errors become pages.
func (rt *Router) guard(route Route, h Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := route.Upload
		if limit == 0 {
			limit = rt.cfg.MaxBody
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		r, viewer, err := rt.authenticate(r)
		if err != nil {
			rt.fail(w, r, err)
			return
		}
		trailOf(r.Context()).asked(route.Access, viewer)
		if err := allowed(route.Access, viewer); err != nil {
			rt.refuse(w, r, err)
			return
		}
		if rt.gated(w, r, route.Access) {
			return
		}
		if route.Upload > 0 { // slow plant networks need more than the server's usual time; strangers get none
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(10 * time.Minute)) //nolint:forbidigo // deadlines are on the real clock; not every writer has one
		}
		defer func() {
			if r.MultipartForm != nil { // the server cleans up after its own request only, not after copies of it
				_ = r.MultipartForm.RemoveAll()
			}
		}()
		gz := newGzip(w, r)
		err = h(gz, r)
		if err != nil {
			if tooBig := (*http.MaxBytesError)(nil); errors.As(err, &tooBig) {
				err = problem.TooLarge("web.body_too_large", "mb", fmt.Sprintf("%.0f", float64(limit)/(1<<20)))
			}
			gz.discard()
			rt.fail(w, r, err)
			return
		}
		gz.close()
	})
}

func allowed(a Access, v Viewer) error {
	switch a.kind {
	case "public", "link":
		return nil
	case "signed-in":
		if v != nil && v.SignedIn() {
			return nil
		}
	case "permission":
		if v != nil && v.SignedIn() {
			if v.Holds(a.permission) {
				return nil
			}
			return problem.Forbidden("web.forbidden")
		}
	}
	return problem.Unauthenticated("web.sign_in_first")
}

// gated answers in the handler's place when somebody must do something else first.
func (rt *Router) gated(w http.ResponseWriter, r *http.Request, a Access) bool {
	if rt.cfg.Gate == nil || a.kind == "public" || a.kind == "link" {
		return false
	}
	to, err := rt.cfg.Gate(r)
	switch {
	case err == nil:
		return false
	case to != "" && wantsPage(r):
		Redirect(w, to)
	default:
		rt.fail(w, r, err)
	}
	return true
}

// wantsPage says whether a person waits for a page of its own; programs, posts and fragments get the status.
func wantsPage(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get("X-Fragment") == "" && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// refuse sends people who are not signed in to the sign-in page; programs and posts get the status.
func (rt *Router) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if problem.CodeOf(err) == problem.CodeUnauthenticated && wantsPage(r) {
		Redirect(w, "/login")
		return
	}
	rt.fail(w, r, err)
}

// gzipWriter compresses what is text when the browser takes it; pictures and workbooks are packed already.
type gzipWriter struct {
	http.ResponseWriter
	accepts bool
	gz      *gzip.Writer
	started bool
}

func newGzip(w http.ResponseWriter, r *http.Request) *gzipWriter {
	return &gzipWriter{ResponseWriter: w, accepts: strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")}
}

func (w *gzipWriter) WriteHeader(status int) {
	if !w.started {
		w.started = true
		kind, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
		compressible := kind == "text/html" || kind == "text/csv" || kind == "application/json" || kind == "text/css" || kind == "text/javascript"
		if w.accepts && compressible && status != http.StatusNoContent && status != http.StatusNotModified {
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Add("Vary", "Accept-Encoding")
			w.Header().Del("Content-Length")
			w.gz, _ = gzip.NewWriterLevel(w.ResponseWriter, gzip.BestSpeed) // the level is valid: no error
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *gzipWriter) Write(b []byte) (int, error) {
	if !w.started {
		w.WriteHeader(http.StatusOK)
	}
	if w.gz != nil {
		return w.gz.Write(b)
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *gzipWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *gzipWriter) close() {
	if w.gz != nil {
		_ = w.gz.Close()
	}
}

func (w *gzipWriter) discard() { w.gz = nil }

// Locale is the language of the request, "ja" or "en".
func Locale(ctx context.Context) string { return request.Locale(ctx) }
