package attach

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
)

// Web serves the one page of this register: the download.
type Web struct {
	db    *sqlite.DB
	store *Store
}

// NewWeb returns the handlers over store.
func NewWeb(db *sqlite.DB, store *Store) *Web { return &Web{db: db, store: store} }

// Routes registers the pages.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /attachments/{key}", web.Needs(PermRead), h.download)
}

// download sends the file to be saved, never to be shown: what came from outside must not act in the
// office's own name, so it is also sandboxed and its type is not to be guessed.
func (h *Web) download(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := actor.From(ctx).Require(PermRead); err != nil {
		return err
	}
	var a Attachment
	err := h.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		if a, err = h.store.ByKey(ctx, tx, r.PathValue("key")); err != nil {
			return err
		}
		return h.store.InScope(ctx, tx, a)
	})
	if err != nil {
		return err
	}
	data, err := h.store.Read(a)
	if err != nil {
		return err
	}
	head := w.Header()
	head.Set("Content-Type", mediaTypes[a.Type])
	head.Set("Content-Length", strconv.Itoa(len(data)))
	head.Set("Content-Disposition", disposition(a.Name))
	head.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "private, no-store")
	_, _ = w.Write(data) // an error means that the client went away
	return nil
}

// disposition names the file for saving: plain ASCII for old programs, the real name as in RFC 5987 §3.2.
func disposition(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || strings.ContainsRune(`"\%;`, r) {
			return '_'
		}
		return r
	}, name)
	return `attachment; filename="` + plain + `"; filename*=UTF-8''` + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}
