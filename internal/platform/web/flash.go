package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"path"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/web/request"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Flash tells on the next page what the act did. It travels in a cookie of the person's own browser
// and holds message keys only, so that nobody can put words into the page.
type Flash struct {
	Key     string       `json:"k"`
	Args    problem.Args `json:"a,omitempty"`
	Request string       `json:"r,omitempty"` // request of the act: app looks up which verdicts it changed
	Changes []Change     `json:"-"`           // filled by app: 「3件が達成になりました」
}

// Msg is the sentence of the act.
func (f *Flash) Msg() i18n.Msg { return i18n.Msg{Key: f.Key, Args: f.Args} }

// Change is one line about what an act changed.
type Change struct {
	Key  string
	Args problem.Args
}

// flashCookie is the name of the cookie.
func (s *Shell) flashCookie() string { return s.cfg.cookie("flash") }

// Done redirects to a page of the house (303) and tells there what the act did. pairs are the
// parameters of the message. to is never taken from the form.
func (s *Shell) Done(w http.ResponseWriter, r *http.Request, to, key string, pairs ...any) error {
	args, err := pairArgs(pairs)
	if err != nil {
		return err
	}
	s.putFlash(w, Flash{Key: key, Args: args, Request: request.ID(r.Context())})
	Redirect(w, to)
	return nil
}

// Redirect sends the browser to a page of the house with status 303.
func Redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

func (s *Shell) putFlash(w http.ResponseWriter, f Flash) {
	text, err := json.Marshal(f)
	if err != nil || len(text) > 2000 { // parameters are short; a flash that does not fit is not worth a failure
		text = []byte(`{"k":"web.done"}`)
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure where the office is reached over TLS; plain loopback has none
		Name: s.flashCookie(), Value: base64.RawURLEncoding.EncodeToString(text), Path: "/", MaxAge: 60,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.cfg.Secure,
	})
}

func (s *Shell) takeFlash(w http.ResponseWriter, r *http.Request) *Flash {
	c, err := r.Cookie(s.flashCookie())
	if err != nil {
		return nil
	}
	http.SetCookie(w, &http.Cookie{Name: s.flashCookie(), Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.cfg.Secure}) //nolint:gosec // as above
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return nil
	}
	var f Flash
	if json.Unmarshal(text, &f) != nil || !s.cfg.Messages.Has(f.Key) {
		return nil
	}
	if s.cfg.Changes != nil && f.Request != "" {
		f.Changes = s.cfg.Changes(r, f.Request)
	}
	return &f
}

// Download sends a file to keep. The name must be ASCII; its ending decides the type.
func Download(w http.ResponseWriter, name string, data []byte) error {
	h := w.Header()
	h.Set("Content-Type", downloadTypes[path.Ext(name)])
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/octet-stream")
	}
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = w.Write(data)
	return nil
}

var downloadTypes = map[string]string{
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12",
	".csv":  "text/csv; charset=utf-8",
	".json": "application/json",
}
