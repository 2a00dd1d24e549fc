package account

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account/factor"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/actor"
)

// Auth reads and writes the cookies of sign-in. Its Authenticate is what web.Config wants.
type Auth struct {
	svc     *Service
	secure  bool
	address func(*http.Request) string
	// Elsewhere gives another way in for the sign-in page; nil, or nil given: there is none.
	Elsewhere func(r *http.Request) (*Elsewhere, error)
}

// Elsewhere is a way to sign in with an account that is kept in another place.
type Elsewhere struct {
	Label string // how people call it; empty: 会社のアカウント
	Start string // address of the button
	Leave string // address to sign out there as well, for a browser that came in this way
}

// NewAuth returns the door of the office. secure says that the office is reached over TLS. address tells
// the IP address of who asks, for offices behind a proxy; nil takes that of the connection.
func NewAuth(svc *Service, secure bool, address func(*http.Request) string) *Auth {
	if address == nil {
		address = func(r *http.Request) string {
			host, _, err := net.SplitHostPort(r.RemoteAddr)
			if err != nil {
				return r.RemoteAddr
			}
			return host
		}
	}
	return &Auth{svc: svc, secure: secure, address: address}
}

// viewer is an actor as the router sees it.
type viewer struct{ who actor.Actor }

// SignedIn says whether there is an account behind the request.
func (v viewer) SignedIn() bool { return v.who.Account != "" }

// Holds says whether the account holds the permission.
func (v viewer) Holds(permission string) bool { return v.who.May(actor.Permission(permission)) }

// ID is the account for the log: its key, which names nobody.
func (v viewer) ID() string { return v.who.ID() }

type sessionKey struct{}

// SessionOf is the key of the session of the request, "" for none.
func SessionOf(ctx context.Context) string {
	key, _ := ctx.Value(sessionKey{}).(string)
	return key
}

// Authenticate reads the session cookie and puts the actor into the request's context. A cookie that
// stands for nobody is nobody, not an error: the page then asks to sign in.
func (a *Auth) Authenticate(r *http.Request) (*http.Request, web.Viewer, error) {
	token := a.Token(r)
	if token == "" {
		return r, viewer{}, nil
	}
	who, found, ok, err := a.svc.Authenticated(r.Context(), token)
	if err != nil || !ok {
		return r, viewer{}, err
	}
	ctx := context.WithValue(actor.With(r.Context(), who), sessionKey{}, found.Key)
	return r.WithContext(ctx), viewer{who}, nil
}

// Client is the browser behind the request.
func (a *Auth) Client(r *http.Request) session.Client {
	return session.Client{Address: a.address(r), Agent: r.UserAgent()}
}

// OwnAddress is the address that this request came to; its host the router has checked.
func (a *Auth) OwnAddress(r *http.Request) string {
	if a.secure {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// cookieName has the prefix that binds a cookie to this very host where browsers can check it
// (RFC 6265bis §4.1.3.2): only over TLS.
func (a *Auth) cookieName() string { return a.CookieName("session") }

// CookieName is the name under which a cookie of sign-in goes to the browser; its path must be "/".
func (a *Auth) CookieName(name string) string {
	if a.secure {
		return "__Host-" + name
	}
	return name
}

// Token is that of the session which the browser brings along, "" for none.
func (a *Auth) Token(r *http.Request) string { return valueOf(r, a.cookieName()) }

func valueOf(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// SecondPath is the page of the second step; the cookie of a waiting sign-in goes nowhere else.
const (
	SecondPath    = "/login/second"
	waitingCookie = "waiting"
)

// Wait gives the browser the token of a sign-in that waits for its second step; "" takes it back.
func (a *Auth) Wait(w http.ResponseWriter, token string) {
	life := factor.WaitLife
	if token == "" {
		life = -1
	}
	http.SetCookie(w, a.Cookie(waitingCookie, token, "/login", life))
}

// Waiting is the token of the sign-in that waits, "" for none.
func (a *Auth) Waiting(r *http.Request) string { return valueOf(r, waitingCookie) }

// SignIn gives the browser the token of a session.
func (a *Auth) SignIn(w http.ResponseWriter, token string) {
	http.SetCookie(w, a.Cookie(a.cookieName(), token, "/", session.AbsoluteLife))
}

func (a *Auth) signOut(w http.ResponseWriter) {
	http.SetCookie(w, a.Cookie(a.cookieName(), "", "/", -1))
}

// Cookie makes a cookie that scripts cannot read and other sites cannot send along with a form; a negative
// life removes it.
func (a *Auth) Cookie(name, value, path string, life time.Duration) *http.Cookie {
	age := int(life.Seconds())
	if life < 0 {
		age = -1
	}
	return &http.Cookie{ //nolint:gosec // Secure follows how the office is reached: without TLS a secure cookie never comes back
		Name: name, Value: value, Path: path, MaxAge: age, HttpOnly: true, Secure: a.secure, SameSite: http.SameSiteLaxMode,
	}
}
