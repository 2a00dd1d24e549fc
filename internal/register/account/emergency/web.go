package emergency

import (
	"context"
	"embed"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/signin"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

// NameOf gives the name behind an actor.ID; "" when it is gone.
type NameOf func(ctx context.Context, tx *sqlite.Tx, by string) (string, error)

// Web serves the list of uses, the form to take a role, the review and the setting.
type Web struct {
	svc   *Service
	auth  *account.Auth
	shell *web.Shell
	views *web.Views
	name  NameOf
}

// NewWeb returns the pages.
func NewWeb(svc *Service, auth *account.Auth, shell *web.Shell, name NameOf) *Web {
	return &Web{svc: svc, auth: auth, shell: shell, views: shell.MustViews(viewFiles), name: name}
}

// Routes registers the pages. All who are signed in see who used which role: nothing of it is done in the dark.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /emergency", web.SignedIn, h.list)
	rt.Handle("GET /emergency/export", web.SignedIn, h.export)
	rt.Handle("GET /emergency/new", web.SignedIn, h.takeForm)
	rt.Handle("POST /emergency/new", web.SignedIn, h.take)
	rt.Handle("GET /emergency/setting", web.Needs(account.PermManage), h.settingForm)
	rt.Handle("POST /emergency/setting", web.Needs(account.PermManage), h.saveSetting)
	rt.Handle("GET /emergency/{key}", web.SignedIn, h.show)
	rt.Handle("POST /emergency/{key}/end", web.SignedIn, h.end)
	rt.Handle("POST /emergency/{key}/review", web.Needs(PermReview), h.review)
}

// Line is one use as pages show it.
type Line struct {
	Use
	State    string // "open", "waiting" or "reviewed"
	RoleKey  string
	Name     string // of the account
	Ender    string
	Reviewer string
}

func (h *Web) line(ctx context.Context, tx *sqlite.Tx, u Use, now time.Time) (l Line, err error) {
	l = Line{Use: u, State: u.State(now), RoleKey: roleKey(u.Role)}
	if l.Name, err = h.name(ctx, tx, "account/"+u.Account); err != nil {
		return l, err
	}
	if u.EndedBy != "" {
		if l.Ender, err = h.name(ctx, tx, u.EndedBy); err != nil {
			return l, err
		}
	}
	if u.ReviewedBy != "" {
		l.Reviewer, err = h.name(ctx, tx, u.ReviewedBy)
	}
	return l, err
}

// ListView is the list of all uses.
type ListView struct {
	Rows    []Line
	Door    Door
	MaySet  bool
	Waiting int // over, and not reviewed
}

func (h *Web) listView(r *http.Request) (ListView, error) {
	ctx := r.Context()
	v := ListView{MaySet: actor.From(ctx).May(account.PermManage) && !actor.From(ctx).InEmergency()}
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		if v.Door, err = h.svc.Door(ctx, tx); err != nil {
			return err
		}
		now, err := clock(ctx, tx)
		if err != nil {
			return err
		}
		all, err := h.svc.List(ctx, tx)
		for _, u := range all {
			line, err := h.line(ctx, tx, u, now)
			if err != nil {
				return err
			}
			if line.State == "waiting" {
				v.Waiting++
			}
			v.Rows = append(v.Rows, line)
		}
		return err
	})
	return v, err
}

func (h *Web) list(w http.ResponseWriter, r *http.Request) error {
	v, err := h.listView(r)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "emergency_list", v)
}

// export writes the list as a file.
func (h *Web) export(w http.ResponseWriter, r *http.Request) error {
	v, err := h.listView(r)
	if err != nil {
		return err
	}
	word := func(key string) string { return h.shell.T(r, key, nil) }
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(jdate.Tokyo).Format("2006-01-02 15:04")
	}
	out := sheet.Out{Title: word("emergency.title")}
	for _, key := range []string{"who", "role", "reason", "from", "until", "over", "state", "reviewer", "reviewed", "note"} {
		out.Columns = append(out.Columns, sheet.OutColumn{Title: word("emergency.col." + key)})
	}
	for _, l := range v.Rows {
		out.Rows = append(out.Rows, []any{
			l.Name, word(l.RoleKey), l.Reason, at(l.TakenAt), at(l.Until), at(l.Over()), word("emergency.state." + l.State), l.Reviewer, at(l.ReviewedAt), l.Note,
		})
	}
	return web.Export(w, r, "emergency", out)
}

// TakeView is the form to take a role.
type TakeView struct {
	Form  *web.Form
	Door  Door
	Roles []web.Option
	Hours []web.Option
	Asked signin.Asked
	First []string // message keys of roles that cannot be taken before a second factor is set up
}

func (h *Web) takeView(r *http.Request, form *web.Form) (TakeView, error) {
	ctx := r.Context()
	v := TakeView{Form: form}
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		if v.Door, err = h.svc.Door(ctx, tx); err != nil {
			return err
		}
		present := account.SessionOf(ctx)
		for _, role := range v.Door.Offered {
			if v.Asked, err = h.svc.signin.Asks(ctx, tx, present, []actor.Role{role}); err != nil {
				return err
			}
			if v.Asked.First {
				v.First = append(v.First, roleKey(role))
				continue
			}
			v.Roles = append(v.Roles, web.Option{Value: string(role), Label: h.shell.T(r, roleKey(role), nil)})
		}
		return nil
	})
	for _, n := range Hours() {
		v.Hours = append(v.Hours, web.Option{Value: strconv.Itoa(n), Label: h.shell.T(r, "emergency.hours", problem.Args{"n": n})})
	}
	return v, err
}

func (h *Web) takeForm(w http.ResponseWriter, r *http.Request) error {
	v, err := h.takeView(r, web.NewForm("hours", strconv.Itoa(DefaultHours)))
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "emergency_take", v)
}

func (h *Web) take(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	p := signin.Proof{Password: form.Secret("current"), Present: account.SessionOf(r.Context()), Client: h.auth.Client(r)}
	code := form.Secret("code")
	form.Values.Del("current") // never into a page
	form.Values.Del("code")
	const longest = 24
	q := Request{Role: actor.Role(form.Values.Get("role")), Hours: form.Int("hours", 1, longest), Reason: form.Long("reason")}
	if err = form.Err(); err == nil {
		_, err = h.svc.Take(r.Context(), q, p, code)
	}
	if err != nil {
		v, verr := h.takeView(r, form)
		if verr != nil {
			return verr
		}
		return h.views.RenderForm(w, r, err, form, "emergency_take", v)
	}
	return h.shell.Done(w, r, "/emergency", "emergency.done.taken", "n", q.Hours)
}

// ShowView is one use.
type ShowView struct {
	Form      *web.Form
	Line      Line
	MayEnd    bool
	MayReview bool
	Own       bool   // who looks at it took the role: another person must review
	Journal   string // address of what was done meanwhile; "" for who may not read the log
}

func (h *Web) showView(r *http.Request, form *web.Form) (ShowView, error) {
	ctx := r.Context()
	v, who := ShowView{Form: form}, actor.From(ctx)
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) error {
		u, err := byKey(ctx, tx, r.PathValue("key"))
		if err != nil {
			return err
		}
		now, err := clock(ctx, tx)
		if err != nil {
			return err
		}
		v.MayEnd, v.MayReview, v.Own = u.Open(now) && mayEnd(who, u), mayReview(who, u, now) == nil, u.by(who)
		if who.May(audit.PermRead) {
			v.Journal = journalOf(u)
		}
		v.Line, err = h.line(ctx, tx, u, now)
		return err
	})
	return v, err
}

// journalOf is the page of what the account did on the days of a use.
func journalOf(u Use) string {
	return "/audit?" + url.Values{"who": {"account/" + u.Account}, "from": {jdate.Of(u.TakenAt).String()}, "to": {jdate.Of(u.Over()).String()}}.Encode()
}

func (h *Web) show(w http.ResponseWriter, r *http.Request) error {
	v, err := h.showView(r, web.NewForm())
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "emergency_use", v)
}

func (h *Web) end(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	if err := h.svc.End(r.Context(), key); err != nil {
		return err
	}
	return h.shell.Done(w, r, "/emergency/"+key, "emergency.done.ended")
}

func (h *Web) review(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	v, err := h.showView(r, form)
	if err != nil {
		return err
	}
	note := form.Long("note")
	if err = form.Err(); err == nil {
		err = h.svc.Review(r.Context(), v.Line.Key, note)
	}
	if err != nil {
		return h.views.RenderForm(w, r, err, form, "emergency_use", v)
	}
	return h.shell.Done(w, r, "/emergency", "emergency.done.reviewed")
}

// SettingView is the page of who may take a role.
type SettingView struct {
	Form     *web.Form
	Who      []web.Option
	Accounts []Choice
	Version  int64
	Lent     bool // who looks at it administers only for an emergency
}

// Choice is one account that can be named.
type Choice struct {
	account.Account
	Checked bool
}

func (h *Web) settingView(r *http.Request, form *web.Form) (SettingView, error) {
	ctx := r.Context()
	v := SettingView{Form: form, Lent: actor.From(ctx).InEmergency()}
	for _, who := range []Who{Managers, Named} {
		v.Who = append(v.Who, web.Option{Value: string(who), Label: h.shell.T(r, "emergency.who."+string(who), nil)})
	}
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) error {
		set, err := h.svc.Setting(ctx, tx)
		if err != nil {
			return err
		}
		named := set.Named
		if v.Form == nil {
			v.Form = web.NewForm("who", string(set.Who), "version", strconv.FormatInt(set.Version, 10))
		} else {
			named = v.Form.List("named")
		}
		all, err := h.svc.Nameable(ctx, tx)
		for _, a := range all {
			v.Accounts = append(v.Accounts, Choice{a, slices.Contains(named, a.Key)})
		}
		return err
	})
	return v, err
}

func (h *Web) settingForm(w http.ResponseWriter, r *http.Request) error {
	v, err := h.settingView(r, nil)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "emergency_setting", v)
}

func (h *Web) saveSetting(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	set := Setting{Who: Who(form.Values.Get("who")), Named: form.List("named"), Version: int64(form.Int("version", 1, 1<<31-1))}
	if err = form.Err(); err == nil {
		err = h.svc.SaveSetting(r.Context(), set)
	}
	if err != nil {
		v, verr := h.settingView(r, form)
		if verr != nil {
			return verr
		}
		return h.views.RenderForm(w, r, err, form, "emergency_setting", v)
	}
	return h.shell.Done(w, r, "/emergency", "emergency.done.set")
}
