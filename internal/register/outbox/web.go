package outbox

import (
	"context"
	"embed"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/mail"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

// Web serves the pages of this register.
type Web struct {
	svc   *Service
	shell *web.Shell
	views *web.Views
}

// NewWeb returns the handlers.
func NewWeb(svc *Service, shell *web.Shell) *Web {
	return &Web{svc: svc, shell: shell, views: shell.MustViews(viewFiles)}
}

// Routes registers the pages.
func (h *Web) Routes(rt *web.Router) {
	for pattern, fn := range map[string]web.Handler{
		"GET /settings/messages": h.overview, "POST /settings/messages": h.saveTimes,
		"GET /settings/messages/server": h.serverForm, "POST /settings/messages/server": h.saveServer, "POST /settings/messages/server/test": h.testMail,
		"GET /settings/messages/channels/new": h.newChannel, "POST /settings/messages/channels/new": h.addChannel,
		"GET /settings/messages/channels/{key}": h.channel, "POST /settings/messages/channels/{key}": h.saveChannel,
		"POST /settings/messages/channels/{key}/test": h.testChannel, "POST /settings/messages/channels/{key}/secret": h.rotate,
		"POST /settings/messages/channels/{key}/close": h.switchChannel(true), "POST /settings/messages/channels/{key}/open": h.switchChannel(false),
		"GET /settings/messages/log": h.log, "GET /settings/messages/log/export": h.export,
		"POST /settings/messages/log/resend": h.resendAll, "POST /settings/messages/log/{key}/resend": h.resend, "POST /settings/messages/log/{key}/aside": h.putAside,
	} {
		rt.Handle(pattern, web.Needs(PermManage), fn)
	}
	rt.Handle("GET /me/messages", web.SignedIn, h.wishes)
	rt.Handle("POST /me/messages", web.SignedIn, h.saveWishes)
}

// Banners say above every page of an administrator that something could not be sent.
func (s *Service) Banners(ctx context.Context, tx *sqlite.Tx) ([]web.Banner, error) {
	if !actor.From(ctx).May(PermManage) {
		return nil, nil
	}
	_, _, failed, err := count(ctx, tx)
	if err != nil || failed == 0 {
		return nil, err
	}
	return []web.Banner{{Key: "outbox.banner.failed", Args: problem.Args{"n": failed}, Link: "/settings/messages/log?state=open"}}, nil
}

// OverviewView is 設定 › 通知.
type OverviewView struct {
	Form                    *web.Form
	Settings                Settings
	Channels                []Channel
	Waiting, Retried, Fails int
	Unreached               []string
}

func (h *Web) overviewView(ctx context.Context, form *web.Form) (OverviewView, error) {
	v := OverviewView{Form: form}
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		if v.Settings, err = readSettings(ctx, tx); err != nil {
			return err
		}
		if v.Channels, err = listChannels(ctx, tx, ""); err != nil {
			return err
		}
		if v.Waiting, v.Retried, v.Fails, err = count(ctx, tx); err != nil {
			return err
		}
		v.Unreached, err = h.svc.Unreached(ctx, tx)
		return err
	})
	if err == nil && v.Form == nil {
		v.Form = web.NewForm("digest_at", clockText(v.Settings.DigestAt), "keep_days", strconv.Itoa(v.Settings.KeepDays), "version", strconv.FormatInt(v.Settings.Version, 10))
		if v.Settings.Weekdays {
			v.Form.Values.Set("weekdays", "yes")
		}
	}
	return v, err
}

func clockText(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

func (h *Web) overview(w http.ResponseWriter, r *http.Request) error {
	v, err := h.overviewView(r.Context(), nil)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "outbox_overview", v)
}

// again shows the overview with what went wrong.
func (h *Web) again(w http.ResponseWriter, r *http.Request, failed error) error {
	v, err := h.overviewView(r.Context(), nil)
	if err != nil {
		return err
	}
	return h.views.RenderForm(w, r, failed, v.Form, "outbox_overview", v)
}

func version(form *web.Form) int64 {
	n, err := strconv.ParseInt(form.Values.Get("version"), 10, 64)
	if err != nil {
		return -1 // no row has it
	}
	return n
}

func (h *Web) saveTimes(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	at := -1
	if t, err := time.Parse("15:04", form.Text("digest_at")); err == nil {
		at = t.Hour()*60 + t.Minute()
	}
	days := form.Int("keep_days", 1, 3650)
	if err = form.Err(); err == nil {
		err = h.svc.SaveTimes(r.Context(), at, form.Bool("weekdays"), days, version(form))
	}
	if err == nil {
		return h.shell.Done(w, r, "/settings/messages", "outbox.times_saved_done")
	}
	v, failed := h.overviewView(r.Context(), form)
	if failed != nil {
		return failed
	}
	return h.views.RenderForm(w, r, err, form, "outbox_overview", v)
}

// ServerView is the form of the mail server.
type ServerView struct {
	Form       *web.Form
	Password   bool // one is stored
	Securities []web.Option
}

func (h *Web) serverView(r *http.Request, form *web.Form) (ServerView, error) {
	ctx := r.Context()
	v := ServerView{Form: form}
	for _, s := range mail.Securities() {
		v.Securities = append(v.Securities, web.Option{Value: string(s), Label: h.shell.T(r, "mail.security."+string(s), nil)})
	}
	var set Settings
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		set, err = readSettings(ctx, tx)
		return err
	})
	v.Password = set.Password
	if v.Form == nil {
		s := set.Server
		if s.Security == "" {
			s.Security = mail.StartTLS
		}
		port := ""
		if s.Port != 0 {
			port = strconv.Itoa(s.Port)
		}
		v.Form = web.NewForm("host", s.Host, "port", port, "security", string(s.Security), "user", s.User, "from", s.From, "from_name", s.FromName,
			"ca", s.CA, "fingerprint", s.Fingerprint, "version", strconv.FormatInt(set.Version, 10))
	}
	return v, err
}

func (h *Web) serverForm(w http.ResponseWriter, r *http.Request) error {
	v, err := h.serverView(r, nil)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "outbox_server", v)
}

func (h *Web) saveServer(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	server := mail.Server{
		Host: form.Text("host"), Port: form.Int("port", 1, 65535), Security: mail.Security(form.Text("security")), User: form.Text("user"), Password: form.Secret("password"),
		From: form.Text("from"), FromName: form.Text("from_name"), CA: form.Long("ca"), Fingerprint: form.Text("fingerprint"),
	}
	form.Values.Del("password") // never into a page
	if err = form.Err(); err == nil {
		err = h.svc.SaveServer(r.Context(), server, version(form))
	}
	if err == nil {
		return h.shell.Done(w, r, "/settings/messages", "outbox.server_saved_done")
	}
	v, failed := h.serverView(r, form)
	if failed != nil {
		return failed
	}
	return h.views.RenderForm(w, r, err, form, "outbox_server", v)
}

func (h *Web) testMail(w http.ResponseWriter, r *http.Request) error {
	address, err := h.svc.TestMail(r.Context())
	if err != nil {
		return h.again(w, r, err)
	}
	return h.shell.Done(w, r, "/settings/messages", "outbox.mail_tested_done", "address", address)
}

// WishesView is what a person chooses about the own mails.
type WishesView struct {
	Form    *web.Form
	Address string // "" while none is known
	Server  bool   // the office sends mails
	At      string
	Langs   []web.Option
}

func (h *Web) wishesView(r *http.Request, form *web.Form) (WishesView, error) {
	ctx := r.Context()
	v := WishesView{Form: form, Langs: []web.Option{{Value: "ja", Label: h.shell.T(r, "account.me.japanese", nil)}, {Value: "en", Label: h.shell.T(r, "account.me.english", nil)}}}
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) error {
		set, err := readSettings(ctx, tx)
		if err != nil {
			return err
		}
		v.Server, v.At = set.Server.Host != "", clockText(set.DigestAt)
		own, err := h.svc.Wishes(ctx, tx, actor.From(ctx).Account)
		if err != nil {
			return err
		}
		if v.Form == nil {
			v.Form = web.NewForm("lang", own.Lang)
			if own.Digest {
				v.Form.Values.Set("digest", "yes")
			}
		}
		reader, err := h.svc.reader(ctx, tx, actor.From(ctx).Account)
		if problem.CodeOf(err) == problem.CodeUnsupported {
			return nil
		}
		v.Address = reader.Email
		return err
	})
	return v, err
}

func (h *Web) wishes(w http.ResponseWriter, r *http.Request) error {
	v, err := h.wishesView(r, nil)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "outbox_wishes", v)
}

func (h *Web) saveWishes(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	lang := form.Choice("lang", i18n.Locales...)
	if err = form.Err(); err == nil {
		err = h.svc.SaveWishes(r.Context(), Wishes{Digest: form.Bool("digest"), Lang: lang})
	}
	if err == nil {
		return h.shell.Done(w, r, "/me/messages", "outbox.wishes_saved_done")
	}
	v, failed := h.wishesView(r, form)
	if failed != nil {
		return failed
	}
	return h.views.RenderForm(w, r, err, form, "outbox_wishes", v)
}
