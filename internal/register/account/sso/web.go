package sso

import (
	"embed"
	"net/http"
	"strconv"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

// Names of the cookies: the sign-in on its way, and the mark of a browser that came in this way. The
// prefix goes to the browser over TLS only, as with the session.
const (
	cookieFlow = "company-sign-in"
	cookieMark = "company-account"
)

// Web serves the pages of this package.
type Web struct {
	svc   *Service
	auth  *account.Auth
	shell *web.Shell
	views *web.Views
	// After takes over when somebody was recognised, before any session: it may ask for a second factor, of
	// its own rule when multi is false, and then says that it has answered. nil: nobody asks.
	After func(w http.ResponseWriter, r *http.Request, accountKey string, multi bool) (answered bool, err error)
}

// NewWeb returns the handlers.
func NewWeb(svc *Service, auth *account.Auth, shell *web.Shell) *Web {
	return &Web{svc: svc, auth: auth, shell: shell, views: shell.MustViews(viewFiles)}
}

// Routes registers the pages. /login and what lies below want a bare frame.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET "+PathStart, web.Public, h.start)
	rt.Handle("GET "+PathCallback, web.Public, h.callback)
	rt.Handle("GET /logout/company", web.Public, h.leave)
	rt.Handle("GET "+PathSettings, web.Needs(account.PermManage), h.settings)
	rt.Handle("POST "+PathSettings, web.Needs(account.PermManage), h.save)
	rt.Handle("POST "+PathSettings+"/test", web.Needs(account.PermManage), h.test)
	rt.Handle("POST "+PathSettings+"/accounts/{key}/expect", web.Needs(account.PermManage), h.expect)
	rt.Handle("POST "+PathSettings+"/accounts/{key}/unlink", web.Needs(account.PermManage), h.unlink)
}

// Elsewhere is what the sign-in page offers beside the password; nil when the office has no provider.
func (h *Web) Elsewhere(r *http.Request) (*account.Elsewhere, error) {
	set, err := h.svc.read(r.Context())
	if err != nil || !set.Enabled {
		return nil, err
	}
	e := &account.Elsewhere{Label: set.Label, Start: h.base(r) + PathStart}
	if _, err := r.Cookie(h.auth.CookieName(cookieMark)); err == nil {
		e.Leave = "/logout/company"
	}
	return e, nil
}

// base is where this office is opened. The provider knows one address only; where the company profile names
// it, the sign-in happens there.
func (h *Web) base(r *http.Request) string {
	if h.svc.cfg.Base != nil {
		if base := h.svc.cfg.Base(r.Context()); base != "" {
			return base
		}
	}
	return h.auth.OwnAddress(r)
}

func (h *Web) cookie(name, value string, life time.Duration) *http.Cookie {
	return h.auth.Cookie(h.auth.CookieName(name), value, "/", life)
}

// FailedView is the page of a sign-in that did not come about.
type FailedView struct {
	Form *web.Form
}

// failed shows in words what to do; a sign-in page that has gone wrong must not end in a number.
func (h *Web) failed(w http.ResponseWriter, r *http.Request, err error) error {
	if problem.CodeOf(err) == problem.CodeNotFound && !h.enabled(r) {
		return err
	}
	form := web.NewForm()
	return h.views.RenderForm(w, r, err, form, "sso_failed", FailedView{form})
}

func (h *Web) enabled(r *http.Request) bool {
	set, err := h.svc.read(r.Context())
	return err == nil && set.Enabled
}

func (h *Web) start(w http.ResponseWriter, r *http.Request) error {
	address, cookie, err := h.svc.Begin(r.Context(), h.base(r)+PathCallback)
	if err != nil {
		return h.failed(w, r, err)
	}
	http.SetCookie(w, h.cookie(cookieFlow, cookie, flowLife))
	web.Redirect(w, address)
	return nil
}

func (h *Web) callback(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	a := Answer{State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss"), Error: q.Get("error")}
	if c, err := r.Cookie(h.auth.CookieName(cookieFlow)); err == nil {
		a.Cookie = c.Value
	}
	http.SetCookie(w, h.cookie(cookieFlow, "", -1)) // whatever comes of it: one answer for one question
	known, err := h.svc.Recognise(r.Context(), a)
	if err != nil {
		return h.failed(w, r, err)
	}
	if h.After != nil {
		if answered, err := h.After(w, r, known.Account, known.Multi); answered || err != nil {
			return err
		}
	}
	token, err := h.svc.SignIn(r.Context(), known.Account, h.auth.Token(r), h.auth.Client(r))
	if err != nil {
		return h.failed(w, r, err)
	}
	h.auth.SignIn(w, token)
	http.SetCookie(w, h.cookie(cookieMark, "yes", session.AbsoluteLife))
	web.Redirect(w, "/") // never to an address that the answer names
	return nil
}

// leave sends the browser to the provider's own page for signing out.
func (h *Web) leave(w http.ResponseWriter, r *http.Request) error {
	http.SetCookie(w, h.cookie(cookieMark, "", -1))
	to := h.svc.EndPage(r.Context())
	if to == "" {
		return h.shell.Done(w, r, "/login", "sso.no_end_page")
	}
	web.Redirect(w, to)
	return nil
}

// SettingsView is the page of the settings.
type SettingsView struct {
	Form      *web.Form
	Settings  Settings
	Callback  string // what the provider must be told
	Providers []string
	Accounts  []Linked
	Tested    bool
	Findings  []Finding
	Trouble   []string // why the test came to nothing
}

func (h *Web) view(r *http.Request, form *web.Form) (SettingsView, error) {
	ctx := r.Context()
	v := SettingsView{Form: form, Callback: h.base(r) + PathCallback, Providers: []string{"entra", "google", "keycloak", "hennge", "trustlogin"}}
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		if v.Settings, err = h.svc.Settings(ctx, tx); err != nil {
			return err
		}
		v.Accounts, err = h.svc.Links(ctx, tx)
		return err
	})
	if v.Form == nil {
		v.Form = formOf(v.Settings)
	}
	return v, err
}

func formOf(s Settings) *web.Form {
	form := web.NewForm("issuer", s.Issuer, "client", s.Client, "label", s.Label, "version", strconv.FormatInt(s.Version, 10))
	for name, set := range map[string]bool{"enabled": s.Enabled || s.Issuer == "", "private": s.Private, "joins": s.Joins} {
		if set {
			form.Values.Set(name, "yes")
		}
	}
	return form
}

func (h *Web) settings(w http.ResponseWriter, r *http.Request) error {
	v, err := h.view(r, nil)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "sso_settings", v)
}

func (h *Web) save(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	secret := form.Secret("secret")
	form.Values.Del("secret") // never into a page
	set := Settings{
		Enabled: form.Bool("enabled"), Issuer: form.Text("issuer"), Client: form.Text("client"), Label: form.Text("label"),
		Private: form.Bool("private"), Joins: form.Bool("joins"),
	}
	set.Version, _ = strconv.ParseInt(form.Values.Get("version"), 10, 64) // a version that is none fits no row
	if err = form.Err(); err == nil {
		err = h.svc.Save(r.Context(), set, secret)
	}
	if err != nil {
		v, verr := h.view(r, form)
		if verr != nil {
			return verr
		}
		return h.views.RenderForm(w, r, err, form, "sso_settings", v)
	}
	return h.shell.Done(w, r, PathSettings, "sso.saved")
}

// test shows its findings on the page itself: they are true for this moment.
func (h *Web) test(w http.ResponseWriter, r *http.Request) error {
	findings, err := h.svc.Test(r.Context())
	if code := problem.CodeOf(err); code == problem.CodeForbidden || code == problem.CodeInternal {
		return err
	}
	v, verr := h.view(r, nil)
	if verr != nil {
		return verr
	}
	v.Tested, v.Findings = true, findings
	for _, p := range problem.All(err) {
		v.Trouble = append(v.Trouble, h.shell.T(r, p.Key, p.Args))
	}
	return h.views.Render(w, r, "sso_settings", v)
}

func (h *Web) expect(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	if err := h.svc.Expect(r.Context(), r.PathValue("key"), form.Text("identifier")); err != nil {
		return err
	}
	return h.shell.Done(w, r, PathSettings, "sso.expected_saved")
}

func (h *Web) unlink(w http.ResponseWriter, r *http.Request) error {
	if err := h.svc.Unlink(r.Context(), r.PathValue("key")); err != nil {
		return err
	}
	return h.shell.Done(w, r, PathSettings, "sso.unlinked")
}
