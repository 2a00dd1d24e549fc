package web

import (
	"context"
	"net/http"
	"slices"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// LinkHandler is the router for a listener that people outside reach: pages behind links answer there, what
// these pages need, and the patterns named besides. All else is a page without a frame that says nothing
// but that it does not exist. Nobody is signed in there, whatever cookie comes along: browsers send those of
// the office to every port of its host.
func (rt *Router) LinkHandler(besides ...string) http.Handler {
	open := map[string]bool{staticPattern: true}
	for _, r := range rt.routes {
		if r.Access == ByLink || slices.Contains(besides, r.Pattern) {
			open[r.Pattern] = true
		}
	}
	return rt.wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := rt.mux.Handler(r); !open[pattern] {
			rt.fail(w, bare(r), problem.NotFound("web.not_found"))
			return
		}
		rt.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), strangersKey{}, true)))
	}))
}

type strangersKey struct{}

// nobody is the viewer of a listener where nobody is signed in.
type nobody struct{}

func (nobody) SignedIn() bool    { return false }
func (nobody) Holds(string) bool { return false }

// authenticate says who asks.
func (rt *Router) authenticate(r *http.Request) (*http.Request, Viewer, error) {
	if r.Context().Value(strangersKey{}) != nil {
		return r, nobody{}, nil
	}
	return rt.cfg.Authenticate(r)
}
