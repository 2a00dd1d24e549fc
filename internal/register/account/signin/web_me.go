package signin

import (
	"net/http"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/factor"
	"github.com/kizuki-security/kizuki/internal/register/account/password"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// MeView is the page of the own account.
type MeView struct {
	Form     *web.Form
	Account  account.Account
	Scope    []string // names of the departments; empty: the whole company
	Sessions []SessionRow
	Others   int // sessions besides this one
	Factors  factor.State
	Requires bool              // the roles ask for a second factor
	Unseen   []session.Session // from new places, besides this one: nobody has answered for them yet
}

// SessionRow is one session as shown.
type SessionRow struct {
	session.Session
	Present bool // this very browser
}

func (h *Web) meView(r *http.Request, form *web.Form) (MeView, error) {
	ctx := r.Context()
	v := MeView{Form: form}
	err := h.own(ctx, func(tx *sqlite.Tx, a account.Account) (err error) {
		v.Account, v.Requires = a, h.accounts.Requires(a, jdate.Of(tx.Now))
		if v.Scope, err = h.accounts.ScopeNames(ctx, tx, a); err != nil {
			return err
		}
		sessions, err := h.accounts.Sessions(ctx, tx)
		if err != nil {
			return err
		}
		for _, s := range sessions {
			v.Sessions = append(v.Sessions, SessionRow{s, s.Key == account.SessionOf(ctx)})
		}
		v.Others = len(sessions) - 1
		if v.Factors, err = factor.Of(ctx, tx, a.ID); err != nil {
			return err
		}
		v.Unseen, err = session.Unseen(ctx, tx, a.ID, account.SessionOf(ctx))
		return err
	})
	return v, err
}

func (h *Web) me(w http.ResponseWriter, r *http.Request) error {
	v, err := h.meView(r, web.NewForm())
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "me", v)
}

func (h *Web) changePassword(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	c := account.PasswordChange{Current: form.Secret("current"), Client: h.auth.Client(r)}
	form.Values.Del("current")
	c.New = password.FromForm(form)
	v, err := h.meView(r, form)
	if err != nil {
		return err
	}
	var token string
	if err = form.Err(); err == nil {
		token, err = h.accounts.ChangePassword(r.Context(), c)
	}
	if err != nil {
		return h.views.RenderForm(w, r, err, form, "me", v)
	}
	h.auth.SignIn(w, token)
	return h.shell.Done(w, r, "/me", "account.password_changed_done")
}

func (h *Web) endSession(w http.ResponseWriter, r *http.Request) error {
	if err := h.accounts.RevokeSession(r.Context(), r.PathValue("key")); err != nil {
		return err
	}
	return h.shell.Done(w, r, "/me", "account.session_ended_done")
}

func (h *Web) endOthers(w http.ResponseWriter, r *http.Request) error {
	n, err := h.accounts.RevokeOthers(r.Context(), account.SessionOf(r.Context()))
	if err != nil {
		return err
	}
	return h.shell.Done(w, r, "/me", "account.sessions_ended_done", "n", n)
}

// known takes the answer that the sign-ins from new places were the person's own.
func (h *Web) known(w http.ResponseWriter, r *http.Request) error {
	if err := h.svc.Known(r.Context(), account.SessionOf(r.Context())); err != nil {
		return err
	}
	return h.shell.Done(w, r, "/me", "signin.known_done")
}

// alarm ends every other session and leads to the password.
func (h *Web) alarm(w http.ResponseWriter, r *http.Request) error {
	n, err := h.svc.Alarm(r.Context(), account.SessionOf(r.Context()))
	if err != nil {
		return err
	}
	return h.shell.Done(w, r, "/me#password", "signin.alarm_done", "n", n)
}
