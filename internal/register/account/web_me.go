package account

import (
	"net/http"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/actor"
)

// MeView is the page of the own account.
type MeView struct {
	Form     *web.Form
	Account  Account
	Scope    []string // names of the departments; empty: the whole company
	Sessions []SessionRow
	Others   int // sessions besides this one
}

// SessionRow is one session as shown.
type SessionRow struct {
	session.Session
	Present bool   // this very browser
	Browser string // its name as people know it, the raw User-Agent when it is another
}

// browserName reads a User-Agent as people call their browser: "Chrome (Windows)". The order matters, because most
// browsers also name the ones that they follow.
func browserName(agent string) string {
	first := func(pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			if strings.Contains(agent, pairs[i]) {
				return pairs[i+1]
			}
		}
		return ""
	}
	name := first("Edg", "Edge", "Firefox/", "Firefox", "FxiOS/", "Firefox", "CriOS/", "Chrome", "Chrome/", "Chrome", "Safari/", "Safari")
	system := first("Windows", "Windows", "Android", "Android", "iPhone", "iPhone", "iPad", "iPad", "Mac OS", "Mac", "Linux", "Linux")
	if name == "" || system == "" {
		return agent
	}
	return name + " (" + system + ")"
}

func (h *Web) meView(r *http.Request, form *web.Form) (MeView, error) {
	ctx := r.Context()
	v := MeView{Form: form}
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		if v.Account, err = h.svc.ByKey(ctx, tx, actor.From(ctx).Account); err != nil {
			return err
		}
		names, err := choices(ctx, tx, h.svc.cfg.Departments)
		if err != nil {
			return err
		}
		v.Scope = namesOf(v.Account.Scope, names)
		sessions, err := h.svc.Sessions(ctx, tx)
		for _, s := range sessions {
			v.Sessions = append(v.Sessions, SessionRow{s, s.Key == sessionOf(ctx), browserName(s.Agent)})
		}
		v.Others = len(sessions) - 1
		return err
	})
	return v, err
}

func (h *Web) me(w http.ResponseWriter, r *http.Request) error {
	v, err := h.meView(r, web.NewForm())
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "account_me", v)
}

func (h *Web) changePassword(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	c := PasswordChange{Current: form.Secret("current"), Client: h.auth.Client(r)}
	form.Values.Del("current")
	c.New = h.newPassword(form)
	v, err := h.meView(r, form)
	if err != nil {
		return err
	}
	var token string
	if err = form.Err(); err == nil {
		token, err = h.svc.ChangePassword(r.Context(), c)
	}
	if err != nil {
		return h.views.RenderForm(w, r, err, form, "account_me", v)
	}
	h.auth.SignIn(w, token)
	return h.shell.Done(w, r, "/me", "account.password_changed_done")
}

func (h *Web) endSession(w http.ResponseWriter, r *http.Request) error {
	if err := h.svc.RevokeSession(r.Context(), r.PathValue("key")); err != nil {
		return err
	}
	return h.shell.Done(w, r, "/me", "account.session_ended_done")
}

func (h *Web) endOthers(w http.ResponseWriter, r *http.Request) error {
	n, err := h.svc.RevokeOthers(r.Context(), sessionOf(r.Context()))
	if err != nil {
		return err
	}
	return h.shell.Done(w, r, "/me", "account.sessions_ended_done", "n", n)
}
