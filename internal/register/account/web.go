package account

import (
	"context"
	"embed"
	"net/http"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account/passkey"
	"github.com/kizuki-security/kizuki/internal/register/account/password"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

// Web serves the pages of this register: sign-in, accounts, password links. The second step and the own page
// are served by package signin.
type Web struct {
	svc   *Service
	auth  *Auth
	shell *web.Shell
	views *web.Views
}

// NewWeb returns the handlers.
func NewWeb(svc *Service, auth *Auth, shell *web.Shell) *Web {
	return &Web{svc: svc, auth: auth, shell: shell, views: shell.MustViews(viewFiles)}
}

// Routes registers the pages. /login and /l/password want a bare frame.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /login", web.Public, h.loginForm)
	rt.Handle("POST /login", web.Public, h.login)
	rt.Handle("POST /logout", web.Public, h.logout)
	rt.Handle("GET /l/password/{token}", web.ByLink, h.resetForm)
	rt.Handle("POST /l/password/{token}", web.ByLink, h.reset)
	rt.Handle("GET /settings/accounts", web.Needs(PermManage), h.list)
	rt.Handle("GET /settings/accounts/export", web.Needs(PermManage), h.export)
	rt.Handle("GET /settings/accounts/new", web.Needs(PermManage), h.newForm)
	rt.Handle("POST /settings/accounts/new", web.Needs(PermManage), h.create)
	rt.Handle("GET /settings/accounts/{key}", web.Needs(PermManage), h.show)
	rt.Handle("POST /settings/accounts/{key}", web.Needs(PermManage), h.edit)
	rt.Handle("POST /settings/accounts/{key}/link", web.Needs(PermManage), h.link)
	rt.Handle("POST /settings/accounts/{key}/close", web.Needs(PermManage), h.close)
	rt.Handle("POST /settings/accounts/{key}/open", web.Needs(PermManage), h.open)
	rt.Handle("POST /settings/accounts/{key}/sessions", web.Needs(PermManage), h.endAll)
}

// Banners are the standing notices of this register: an administrator who may also approve is said openly.
func (s *Service) Banners(ctx context.Context, tx *sqlite.Tx) ([]web.Banner, error) {
	all, err := s.List(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if a.AdminApproves() {
			return []web.Banner{{Key: "account.banner.admin_approves", Link: "/settings/accounts"}}, nil
		}
	}
	return nil, nil
}

// LoginView is the sign-in page.
type LoginView struct {
	Form       *web.Form
	NeedsSetup bool // nobody can sign in yet: the page says how to begin
	Passkey    bool // browsers allow passkeys at this address
	Elsewhere  *Elsewhere
}

func (h *Web) loginView(r *http.Request, form *web.Form) (LoginView, error) {
	_, why := passkey.PartyOf(h.auth.OwnAddress(r))
	other, err := h.elsewhere(r)
	return LoginView{Form: form, Passkey: why == "", Elsewhere: other}, err
}

// elsewhere is the other way in; without it the page shows what it always shows.
func (h *Web) elsewhere(r *http.Request) (*Elsewhere, error) {
	if h.auth.Elsewhere == nil {
		return nil, nil //nolint:nilnil // no other way is no error
	}
	return h.auth.Elsewhere(r)
}

func (h *Web) loginForm(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v, err := h.loginView(r, web.NewForm())
	if err != nil {
		return err
	}
	err = h.svc.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		v.NeedsSetup, err = h.svc.NeedsSetup(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "account_login", v)
}

func (h *Web) login(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	try := Attempt{Login: form.Values.Get("login"), Password: form.Values.Get("password"), Old: h.auth.Token(r), Client: h.auth.Client(r)}
	form.Values.Del("password") // never into a page
	var found problem.List
	if try.Login == "" {
		found.Add(problem.Invalid("login", "account.login_needed"))
	}
	if try.Password == "" {
		found.Add(problem.Invalid("password", "account.password.needed"))
	}
	var in Entry
	if err = found.Err(); err == nil {
		in, err = h.svc.SignIn(r.Context(), try)
	}
	if err != nil {
		view, verr := h.loginView(r, form)
		if verr != nil {
			return verr
		}
		return h.views.RenderForm(w, r, err, form, "account_login", view)
	}
	if in.Waiting != "" {
		h.auth.Wait(w, in.Waiting)
		web.Redirect(w, SecondPath)
		return nil
	}
	h.auth.SignIn(w, in.Session)
	web.Redirect(w, "/") // never to an address that the form names
	return nil
}

func (h *Web) logout(w http.ResponseWriter, r *http.Request) error {
	if token := h.auth.Token(r); token != "" {
		if err := h.svc.SignOut(r.Context(), token); err != nil {
			return err
		}
	}
	h.auth.signOut(w)
	return h.shell.Done(w, r, "/login", "account.signed_out_done")
}

// ResetView is the page behind a password link.
type ResetView struct {
	Form  *web.Form
	Token string
	Login string
	Name  string
	Until time.Time // the link ends
}

func (h *Web) resetView(r *http.Request, form *web.Form) (ResetView, error) {
	v := ResetView{Form: form, Token: r.PathValue("token")}
	ctx := r.Context()
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) error {
		a, l, err := h.svc.PasswordLinkFor(ctx, tx, v.Token)
		v.Login, v.Name, v.Until = a.Login, a.Name, l.ExpiresAt
		return err
	})
	return v, err
}

func (h *Web) resetForm(w http.ResponseWriter, r *http.Request) error {
	v, err := h.resetView(r, web.NewForm())
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "account_reset", v)
}

func (h *Web) reset(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	plain := password.FromForm(form)
	v, err := h.resetView(r, form)
	if err != nil {
		return err
	}
	if err = form.Err(); err == nil {
		err = h.svc.ResetPassword(r.Context(), v.Token, plain)
	}
	if err != nil {
		return h.views.RenderForm(w, r, err, form, "account_reset", v)
	}
	return h.shell.Done(w, r, "/login", "account.password_set_done")
}
