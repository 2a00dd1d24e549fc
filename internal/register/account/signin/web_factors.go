package signin

import (
	"html/template"
	"net/http"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/factor"
	"github.com/kizuki-security/kizuki/internal/register/account/passkey"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// FactorsView is the page of the second factors.
type FactorsView struct {
	Have     factor.State
	Passkeys []passkey.Passkey
	Requires bool   // the roles ask for a factor
	Few      bool   // few recovery codes are left
	Relaxed  bool   // the sample company asks nobody
	WhyNot   string // message: why passkeys cannot be made at this address; "" when they can
	Instead  string // the address to open instead; "" for none
}

func (h *Web) factors(w http.ResponseWriter, r *http.Request) error {
	v := FactorsView{Relaxed: h.svc.cfg.Relaxed}
	v.WhyNot, v.Instead = h.whyNot(r)
	err := h.own(r.Context(), func(tx *sqlite.Tx, a account.Account) (err error) {
		v.Requires = h.accounts.Requires(a, jdate.Of(tx.Now))
		if v.Passkeys, err = passkey.Of(r.Context(), tx, a.ID); err != nil {
			return err
		}
		v.Have, err = factor.Of(r.Context(), tx, a.ID)
		return err
	})
	if err != nil {
		return err
	}
	v.Few = v.Have.Any() && v.Have.Codes <= factor.Few
	return h.views.Render(w, r, "factors", v)
}

// ask is a page that asks for the password before something about the factors changes.
type ask struct {
	name   string // of the messages signin.ask.NAME…
	path   string // of the form; empty: that of the page
	danger bool
}

var (
	askApp         = ask{"app", "/me/factors/app/new", false}
	askAppGone     = ask{"app_gone", "/me/factors/app/remove", true}
	askCodes       = ask{"codes", "/me/factors/codes", false}
	askPasskeyGone = ask{"passkey_gone", "", true}
)

// AskView is such a page.
type AskView struct {
	Form   *web.Form
	Name   string // of the messages
	Action string
	Danger bool
	Login  string // for the browser's keeper of passwords; "" where the account has no password
}

func (h *Web) askView(r *http.Request, form *web.Form, what ask) (AskView, error) {
	v := AskView{Form: form, Name: what.name, Action: what.path, Danger: what.danger}
	if v.Action == "" {
		v.Action = r.URL.Path
	}
	err := h.own(r.Context(), func(_ *sqlite.Tx, a account.Account) error {
		if a.HasPassword {
			v.Login = a.Login
		}
		return nil
	})
	return v, err
}

func (h *Web) confirmForm(what ask) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := h.askView(r, web.NewForm(), what)
		if err != nil {
			return err
		}
		return h.views.Render(w, r, "ask", v)
	}
}

// confirmed runs an act with the password that the page asked for; a refusal shows the page again.
func (h *Web) confirmed(w http.ResponseWriter, r *http.Request, what ask, act func(Proof) error) (done bool, err error) {
	form, err := web.ReadForm(r)
	if err != nil {
		return false, err
	}
	p := h.proof(r, form)
	if err = form.Err(); err == nil {
		err = act(p)
	}
	if err == nil {
		return true, nil
	}
	v, verr := h.askView(r, form, what)
	if verr != nil {
		return false, verr
	}
	return false, h.views.RenderForm(w, r, err, form, "ask", v)
}

func (h *Web) offerApp(w http.ResponseWriter, r *http.Request) error {
	done, err := h.confirmed(w, r, askApp, func(p Proof) error { return h.svc.OfferApp(r.Context(), p) })
	if done {
		web.Redirect(w, "/me/factors/app")
	}
	return err
}

func (h *Web) removeApp(w http.ResponseWriter, r *http.Request) error {
	done, err := h.confirmed(w, r, askAppGone, func(p Proof) error { return h.svc.RemoveApp(r.Context(), p) })
	if done {
		return h.shell.Done(w, r, factorsPath, "signin.app_removed_done")
	}
	return err
}

func (h *Web) removePasskey(w http.ResponseWriter, r *http.Request) error {
	done, err := h.confirmed(w, r, askPasskeyGone, func(p Proof) error { return h.svc.RemovePasskey(r.Context(), r.PathValue("key"), p) })
	if done {
		return h.shell.Done(w, r, factorsPath, "signin.passkey_removed_done")
	}
	return err
}

func (h *Web) renewCodes(w http.ResponseWriter, r *http.Request) error {
	var codes []string
	done, err := h.confirmed(w, r, askCodes, func(p Proof) (err error) {
		codes, err = h.svc.RenewCodes(r.Context(), p)
		return err
	})
	if done {
		return h.views.Render(w, r, "codes", CodesView{Codes: codes})
	}
	return err
}

// CodesView shows recovery codes, this once.
type CodesView struct {
	Codes []string
	First bool // they came with a first factor
}

// gained shows the recovery codes that came with a factor, or leads back to the page of the factors.
func (h *Web) gained(w http.ResponseWriter, r *http.Request, codes []string, key string) error {
	if codes != nil {
		return h.views.Render(w, r, "codes", CodesView{Codes: codes, First: true})
	}
	return h.shell.Done(w, r, factorsPath, key)
}

// AppView shows the seed of an authenticator app, until its first code.
type AppView struct {
	Form  *web.Form
	QR    template.HTML
	Seed  string // in groups of four
	Login string
}

// issuer is under which name an authenticator app lists the codes.
const issuer = "Kizuki"

func (h *Web) appView(r *http.Request, form *web.Form) (AppView, error) {
	v, ctx := AppView{Form: form}, r.Context()
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) error {
		seed, a, err := h.svc.OfferedSeed(ctx, tx)
		if err != nil {
			return err
		}
		v.Login, v.Seed = a.Login, factor.Text(seed)
		v.QR, err = link.QR(factor.URI(seed, issuer, a.Login))
		return err
	})
	return v, err
}

// lost leads back when no seed waits: the page was opened too late, or again after its code.
func (h *Web) lost(w http.ResponseWriter, err error) error {
	if problem.CodeOf(err) == problem.CodeNotFound {
		web.Redirect(w, factorsPath)
		return nil
	}
	return err
}

func (h *Web) appForm(w http.ResponseWriter, r *http.Request) error {
	v, err := h.appView(r, web.NewForm())
	if err != nil {
		return h.lost(w, err)
	}
	return h.views.Render(w, r, "app", v)
}

func (h *Web) confirmApp(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	code := form.Secret("code")
	form.Values.Del("code")
	if code == "" {
		form.Add(problem.Invalid("code", "signin.code_needed"))
	}
	var codes []string
	if err = form.Err(); err == nil {
		p := Proof{Present: account.SessionOf(r.Context()), Client: h.auth.Client(r)}
		codes, err = h.svc.ConfirmApp(r.Context(), code, p)
	}
	if err != nil {
		v, verr := h.appView(r, form)
		if verr != nil {
			return h.lost(w, verr)
		}
		return h.views.RenderForm(w, r, err, form, "app", v)
	}
	return h.gained(w, r, codes, "signin.app_set_done")
}
