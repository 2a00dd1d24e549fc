package signin

import (
	"context"
	"embed"
	"net/http"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/passkey"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

// Web serves the second step and the own page.
type Web struct {
	svc      *Service
	accounts *account.Service
	auth     *account.Auth
	shell    *web.Shell
	views    *web.Views
}

// NewWeb returns the handlers.
func NewWeb(svc *Service, auth *account.Auth, shell *web.Shell) *Web {
	return &Web{svc: svc, accounts: svc.accounts, auth: auth, shell: shell, views: shell.MustViews(viewFiles)}
}

// factorsPath is the page of the second factors; who lacks one is sent there.
const factorsPath = "/me/factors"

// Routes registers the pages.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /login/second", web.Public, h.secondForm)
	rt.Handle("POST /login/second", web.Public, h.second)
	rt.Handle("POST /login/passkey/begin", web.Public, h.beginSignIn)
	rt.Handle("POST /login/passkey", web.Public, h.signIn)
	rt.Handle("GET /me", web.SignedIn, h.me)
	rt.Handle("POST /me/password", web.SignedIn, h.changePassword)
	rt.Handle("POST /me/sessions/{key}/end", web.SignedIn, h.endSession)
	rt.Handle("POST /me/sessions/end", web.SignedIn, h.endOthers)
	rt.Handle("POST /me/sessions/known", web.SignedIn, h.known)
	rt.Handle("POST /me/sessions/alarm", web.SignedIn, h.alarm)
	rt.Handle("GET /me/factors", web.SignedIn, h.factors)
	rt.Handle("GET /me/factors/app/new", web.SignedIn, h.confirmForm(askApp))
	rt.Handle("POST /me/factors/app/new", web.SignedIn, h.offerApp)
	rt.Handle("GET /me/factors/app", web.SignedIn, h.appForm)
	rt.Handle("POST /me/factors/app", web.SignedIn, h.confirmApp)
	rt.Handle("GET /me/factors/app/remove", web.SignedIn, h.confirmForm(askAppGone))
	rt.Handle("POST /me/factors/app/remove", web.SignedIn, h.removeApp)
	rt.Handle("GET /me/factors/codes", web.SignedIn, h.confirmForm(askCodes))
	rt.Handle("POST /me/factors/codes", web.SignedIn, h.renewCodes)
	rt.Handle("GET /me/factors/passkeys/new", web.SignedIn, h.passkeyForm)
	rt.Handle("POST /me/factors/passkeys/begin", web.SignedIn, h.beginPasskey)
	rt.Handle("POST /me/factors/passkeys", web.SignedIn, h.addPasskey)
	rt.Handle("GET /me/factors/passkeys/{key}/remove", web.SignedIn, h.confirmForm(askPasskeyGone))
	rt.Handle("POST /me/factors/passkeys/{key}/remove", web.SignedIn, h.removePasskey)
	rt.Handle("POST /settings/accounts/{key}/factors", web.Needs(account.PermManage), h.reset)
}

// Gate lets nobody past the own pages whose roles ask for a second factor that they do not have. It is what
// web.Config wants.
func (s *Service) Gate(r *http.Request) (to string, err error) {
	if r.URL.Path == "/me" || strings.HasPrefix(r.URL.Path, "/me/") {
		return "", nil
	}
	lacks, err := s.Lacks(r.Context())
	if err == nil && lacks {
		return factorsPath, problem.Forbidden("signin.factor_first")
	}
	return "", err
}

// Banners tell of sign-ins from new places that the person has not answered for.
func (s *Service) Banners(ctx context.Context, tx *sqlite.Tx) ([]web.Banner, error) {
	a, err := s.self(ctx, tx)
	if err != nil {
		return nil, err
	}
	open, err := session.Unseen(ctx, tx, a.ID, account.SessionOf(ctx))
	if err != nil || len(open) == 0 {
		return nil, err
	}
	return []web.Banner{{Key: "signin.banner.new_place", Args: problem.Args{"n": len(open)}, Link: "/me#unseen"}}, nil
}

// party is the office as the browser sees it in this request; the router has checked its host.
func (h *Web) party(r *http.Request) (p passkey.Party, why string) {
	return passkey.PartyOf(h.auth.OwnAddress(r))
}

// SecondView is the page of the second step.
type SecondView struct {
	Form    *web.Form
	App     bool // an authenticator app is set up
	Passkey bool // a passkey may be tried here
}

func (h *Web) secondView(r *http.Request, form *web.Form) (SecondView, error) {
	v, ctx := SecondView{Form: form}, r.Context()
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) error {
		_, have, err := h.svc.Waits(ctx, tx, h.auth.Waiting(r))
		_, why := h.party(r)
		v.App, v.Passkey = !have.AppSince.IsZero(), have.Passkeys > 0 && why == ""
		return err
	})
	return v, err
}

// over leads back to the first step when the second took too long, or too many tries.
func (h *Web) over(w http.ResponseWriter, r *http.Request, err error) error {
	if problem.CodeOf(err) != problem.CodeUnauthenticated {
		return err
	}
	h.auth.Wait(w, "")
	return h.shell.Done(w, r, "/login", "signin.waiting_over")
}

func (h *Web) secondForm(w http.ResponseWriter, r *http.Request) error {
	v, err := h.secondView(r, web.NewForm())
	if err != nil {
		return h.over(w, r, err)
	}
	return h.views.Render(w, r, "second", v)
}

func (h *Web) second(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	try := Step{Waiting: h.auth.Waiting(r), Code: form.Secret("code"), Old: h.auth.Token(r), Client: h.auth.Client(r)}
	form.Values.Del("code")
	if try.Code == "" {
		form.Add(problem.Invalid("code", "signin.code_needed"))
	}
	var token string
	left := -1
	if err = form.Err(); err == nil {
		token, left, err = h.svc.Finish(r.Context(), try)
	}
	if err != nil {
		v, verr := h.secondView(r, form) // after the last wrong code nothing waits any longer
		if verr != nil {
			return h.over(w, r, verr)
		}
		return h.views.RenderForm(w, r, err, form, "second", v)
	}
	h.auth.Wait(w, "")
	h.auth.SignIn(w, token)
	if left >= 0 {
		return h.shell.Done(w, r, factorsPath, "signin.recovery_used_done", "left", left)
	}
	web.Redirect(w, "/")
	return nil
}

// reset takes the factors of another account away.
func (h *Web) reset(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	if err := h.svc.Reset(r.Context(), key); err != nil {
		return err
	}
	return h.shell.Done(w, r, "/settings/accounts/"+key, "signin.reset_done")
}

// proof reads the password that a change of factors asks for, and takes it out of the form.
func (h *Web) proof(r *http.Request, form *web.Form) Proof {
	p := Proof{Password: form.Secret("current"), Present: account.SessionOf(r.Context()), Client: h.auth.Client(r)}
	form.Values.Del("current")
	return p
}

// own reads the actor's account inside a view.
func (h *Web) own(ctx context.Context, read func(tx *sqlite.Tx, a account.Account) error) error {
	return h.svc.db.Read(ctx, func(tx *sqlite.Tx) error {
		a, err := h.accounts.ByKey(ctx, tx, actor.From(ctx).Account)
		if err != nil {
			return err
		}
		return read(tx, a)
	})
}
