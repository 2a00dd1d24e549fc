package signin

import (
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// The token of a ceremony travels in a cookie of the pages that use it.
const (
	ceremonyCookie = "ceremony"
	ceremonyLife   = 5 * time.Minute
)

// whyNot says why browsers allow no passkeys at this address, and which address of the same office they would
// allow them at: localhost for a loopback address.
func (h *Web) whyNot(r *http.Request) (why, instead string) {
	_, why = h.party(r)
	if why != "signin.passkey.why_loopback" {
		return why, ""
	}
	u, err := url.Parse(h.auth.OwnAddress(r))
	if err != nil {
		return why, ""
	}
	u.Host = net.JoinHostPort("localhost", u.Port())
	if u.Port() == "" {
		u.Host = "localhost"
	}
	return why, u.String() + factorsPath
}

// PasskeyView is the page that makes a passkey.
type PasskeyView struct {
	Form            *web.Form
	Login           string
	WhyNot, Instead string // as in FactorsView
}

func (h *Web) passkeyView(r *http.Request, form *web.Form) (PasskeyView, error) {
	v := PasskeyView{Form: form}
	v.WhyNot, v.Instead = h.whyNot(r)
	err := h.own(r.Context(), func(_ *sqlite.Tx, a account.Account) error {
		if a.HasPassword {
			v.Login = a.Login
		}
		return nil
	})
	return v, err
}

func (h *Web) passkeyForm(w http.ResponseWriter, r *http.Request) error {
	v, err := h.passkeyView(r, web.NewForm("name", h.auth.Client(r).Device().Shown()))
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "passkey", v)
}

// options answers the page's script with what the browser needs, and binds the ceremony to the browser.
func (h *Web) options(w http.ResponseWriter, options []byte, token, path string) error {
	http.SetCookie(w, h.auth.Cookie(ceremonyCookie, token, path, ceremonyLife))
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(options) // JSON, sent as JSON and with nosniff: no browser reads it as a page
	return nil
}

// ceremony takes the token of the browser's ceremony: it is good for one answer.
func (h *Web) ceremony(w http.ResponseWriter, r *http.Request, path string) string {
	c, err := r.Cookie(ceremonyCookie)
	if err != nil {
		return ""
	}
	http.SetCookie(w, h.auth.Cookie(ceremonyCookie, "", path, -1))
	return c.Value
}

func (h *Web) beginPasskey(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	party, why := h.party(r)
	if why != "" {
		return problem.Conflict(why)
	}
	p := h.proof(r, form)
	if err := form.Err(); err != nil {
		return err
	}
	options, token, err := h.svc.BeginPasskey(r.Context(), party, p)
	if err != nil {
		return err
	}
	return h.options(w, options, token, factorsPath)
}

func (h *Web) addPasskey(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	form.Values.Del("current") // asked before the ceremony began
	party, why := h.party(r)
	n := NewPasskey{Token: h.ceremony(w, r, factorsPath), Name: form.Text("name"), Answer: []byte(form.Values.Get("answer"))}
	form.Values.Del("answer")
	if why != "" {
		form.Add(problem.Conflict(why))
	}
	var codes []string
	if err = form.Err(); err == nil {
		p := Proof{Present: account.SessionOf(r.Context()), Client: h.auth.Client(r)}
		codes, err = h.svc.AddPasskey(r.Context(), party, n, p)
	}
	if err != nil {
		v, verr := h.passkeyView(r, form)
		if verr != nil {
			return verr
		}
		return h.views.RenderForm(w, r, err, form, "passkey", v)
	}
	return h.gained(w, r, codes, "signin.passkey_set_done")
}

func (h *Web) beginSignIn(w http.ResponseWriter, r *http.Request) error {
	party, why := h.party(r)
	if why != "" {
		return problem.Conflict(why)
	}
	options, token, err := h.svc.BeginSignIn(party, h.auth.Client(r))
	if err != nil {
		return err
	}
	return h.options(w, options, token, "/login")
}

// FailedView tells that a passkey did not open.
type FailedView struct {
	Form    *web.Form
	Waiting bool // the password was right: another second step may be tried
}

func (h *Web) signIn(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	party, why := h.party(r)
	if why != "" {
		return problem.Conflict(why)
	}
	try := PasskeyTry{
		Token: h.ceremony(w, r, "/login"), Answer: []byte(form.Values.Get("answer")), Waiting: h.auth.Waiting(r), Old: h.auth.Token(r), Client: h.auth.Client(r),
	}
	form.Values.Del("answer")
	token, err := h.svc.SignIn(r.Context(), party, try)
	if err != nil {
		return h.views.RenderForm(w, r, err, form, "failed", FailedView{Form: form, Waiting: try.Waiting != ""})
	}
	h.auth.Wait(w, "")
	h.auth.SignIn(w, token)
	web.Redirect(w, "/")
	return nil
}
