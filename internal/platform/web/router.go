// Package web is the HTTP floor: router with access rules, strict headers, forms, views and static
// files. It knows no feature and no account: features register routes on it, app gives it functions for
// who is asking (Config.Authenticate) and what frames each page (Config.Frame).
package web

import (
	"log/slog"
	"net/http"
	"sort"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
)

// Handler answers one request. A returned error becomes a page with the right status; nothing may have
// been written before it is returned.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Access says who may use a route.
type Access struct {
	kind       string
	permission string
}

// The accesses that are not a permission.
var (
	// Public routes need nothing: sign-in, static files, health.
	Public = Access{kind: "public"}
	// ByLink routes check a single-purpose link themselves.
	ByLink = Access{kind: "link"}
	// SignedIn routes need an account, whatever its roles.
	SignedIn = Access{kind: "signed-in"}
)

// Needs returns the access of those who hold the permission.
func Needs[P ~string](permission P) Access {
	return Access{kind: "permission", permission: string(permission)}
}

// String gives "public", "link", "signed-in" or the permission.
func (a Access) String() string {
	if a.permission != "" {
		return a.permission
	}
	return a.kind
}

// Viewer is who asks, as far as the router needs to know.
type Viewer interface {
	SignedIn() bool
	Holds(permission string) bool
}

// Config is what the router needs from app.
type Config struct {
	Log      *slog.Logger
	Messages *i18n.Messages
	Now      func() time.Time
	// Authenticate reads the session, puts the actor into the request's context and says who asks.
	Authenticate func(r *http.Request) (*http.Request, Viewer, error)
	// Frame builds what surrounds the page; called once per rendered page.
	Frame func(r *http.Request) (*Frame, error)
	// Changes lists what the act of an earlier request changed; may be nil.
	Changes func(r *http.Request, request string) []Change
	// Hosts lists allowed Host headers besides loopback names; empty allows only those.
	Hosts func() []string
	// Watch, when not nil, is told of every page that features bring ("parsed") and of every one that is shown
	// ("shown"), by language and name: for the test that executes every template.
	Watch func(what, locale, name string)
	// Secure says that the office is reached over TLS: cookies get the Secure mark, the flash the __Host- prefix.
	Secure bool
	// MaxBody bounds request bodies without files, in bytes; 0 means 1 MiB. Upload routes set their own.
	MaxBody int64
}

// Route is one entry of the router, for the route × role test and the manual.
type Route struct {
	Pattern string // "POST /policy/{key}/approve"
	Access  Access
	Upload  int64 // largest body in bytes; 0: Config.MaxBody
}

// Router collects routes and serves them.
type Router struct {
	cfg    Config
	mux    *http.ServeMux
	routes []Route
	shell  *Shell
}

// NewRouter returns a router with the static files registered.
func NewRouter(cfg Config) *Router {
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 1 << 20
	}
	rt := &Router{cfg: cfg, mux: http.NewServeMux()}
	rt.shell = newShell(cfg)
	rt.Handle("GET /static/{hash}/{name}", Public, rt.shell.serveStatic)
	return rt
}

// Shell gives features what they need to render pages.
func (rt *Router) Shell() *Shell { return rt.shell }

// Handle registers a route. Patterns are those of http.ServeMux with a method.
func (rt *Router) Handle(pattern string, access Access, h Handler) {
	rt.add(Route{Pattern: pattern, Access: access}, h)
}

// HandleUpload registers a route that takes files, up to limit bytes in the whole body.
func (rt *Router) HandleUpload(pattern string, access Access, limit int64, h Handler) {
	rt.add(Route{Pattern: pattern, Access: access, Upload: limit}, h)
}

func (rt *Router) add(route Route, h Handler) {
	rt.routes = append(rt.routes, route)
	rt.mux.Handle(route.Pattern, rt.guard(route, h))
}

// Routes lists every route, sorted by pattern.
func (rt *Router) Routes() []Route {
	out := append([]Route(nil), rt.routes...)
	sort.Slice(out, func(i, j int) bool { return out[i].Pattern < out[j].Pattern })
	return out
}
