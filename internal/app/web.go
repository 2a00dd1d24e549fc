package app

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/backup"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/outbox"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// entry is one line of the menu, by what a person does. It shows only what exists.
type entry struct {
	key, href string
	needs     actor.Permission // "" for everybody with an account
	under     []string         // addresses that belong to it
	wide      bool             // behind もっと見る on a phone
}

var menu = []entry{
	{"app.nav.today", "/today", "", []string{"/today"}, false},
	{"app.nav.gaps", "/gaps", assessment.PermRead, []string{"/gaps", "/conflicts", "/actions"}, false},
	{"app.nav.sheet", "/sheet", assessment.PermRead, []string{"/sheet", "/rounds", "/requests", "/advice", "/import/sheet"}, false},
	{"app.nav.people", "/people", people.PermRead, []string{"/people", "/training", "/import/people"}, false},
	{"app.nav.training", "/training", people.PermRead, []string{"/training"}, true},
	{"app.nav.policy", "/policy", people.PermRead, []string{"/policy", "/demands"}, true},
	{"app.nav.read", "/read", "", []string{"/read"}, true},
	{"app.nav.org", "/org", org.PermRead, []string{"/org"}, true},
	{"app.nav.settings", "/settings/company", org.PermRead, []string{"/settings"}, true},
	{"app.nav.audit", "/audit", audit.PermRead, []string{"/audit"}, true},
	{"app.nav.accounts", "/settings/accounts", account.PermManage, []string{"/settings/accounts", "/settings/sso"}, true},
	{"app.nav.messages", "/settings/messages", outbox.PermManage, []string{"/settings/messages"}, true},
	{"app.nav.backup", "/backup", backup.PermManage, []string{"/backup"}, true},
}

// frame builds what surrounds a page.
func (a *App) frame(r *http.Request) (*web.Frame, error) {
	ctx := r.Context()
	who := actor.From(ctx)
	f := &web.Frame{Banners: a.lowNotice()}
	var company org.Company
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) (err error) {
		f.Today = jdate.Of(tx.Now)
		company, err = a.Org.Company(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("frame: read company: %w", err)
	}
	f.Company = company.Name
	f.Bare = who.Account == ""
	if f.Bare {
		return f, nil
	}
	f.Person = who.Name
	f.Period = a.Texts.T(web.Locale(ctx), "app.fiscal_year", map[string]any{"year": strconv.Itoa(f.Today.FiscalYear(company.FiscalStart))})
	path := r.URL.Path
	for _, e := range menu {
		if e.needs != "" && !who.May(e.needs) {
			continue
		}
		item := web.NavItem{Key: e.key, Href: e.href, Wide: e.wide}
		for _, u := range e.under {
			item.Current = item.Current || path == u || strings.HasPrefix(path, u+"/")
		}
		f.Nav = append(f.Nav, item)
	}
	onlyOne(f.Nav)
	if err := a.counts(ctx, who, f); err != nil {
		return nil, err
	}
	err = a.DB.Read(ctx, func(tx *sqlite.Tx) (err error) {
		for _, standing := range []interface {
			Banners(ctx context.Context, tx *sqlite.Tx) ([]web.Banner, error)
		}{a.Emergency, a.SignIn, a.Accounts, a.Outbox} {
			more, err := standing.Banners(ctx, tx)
			if err != nil {
				return err
			}
			f.Banners = append(f.Banners, more...)
		}
		return a.frameBackup(ctx, tx, who, f)
	})
	if err != nil {
		return nil, fmt.Errorf("frame: read banners: %w", err)
	}
	if f.Foot, err = a.footOf(ctx, web.Locale(ctx)); err != nil {
		return nil, fmt.Errorf("frame: read foot: %w", err)
	}
	if a.cfg.Demo {
		f.Banners = append(f.Banners, web.Banner{Key: "app.banner.demo"})
	}
	return f, nil
}

// onlyOne keeps the last entry marked: a page under two entries belongs to the narrower one.
func onlyOne(nav []web.NavItem) {
	seen := false
	for i := len(nav) - 1; i >= 0; i-- {
		nav[i].Current = nav[i].Current && !seen
		seen = seen || nav[i].Current
	}
}

// counts writes the numbers beside 今日やること and できていないところ.
func (a *App) counts(ctx context.Context, who actor.Actor, f *web.Frame) error {
	for i := range f.Nav {
		var n int
		switch f.Nav[i].Href {
		case "/today":
			duties, _, err := a.Home.Today(ctx)
			if err != nil {
				return err
			}
			n = len(duties)
		case "/gaps":
			if !who.May(assessment.PermRead) {
				continue
			}
			open, err := a.Assess.OpenClauses(ctx)
			if err != nil {
				return err
			}
			n = open
		default:
			continue
		}
		f.Nav[i].Count = a.Texts.T(web.Locale(ctx), "app.nav.count", map[string]any{"n": n})
	}
	return nil
}

// changes tells which clauses an earlier request turned: 「3件が達成になりました」.
func (a *App) changes(r *http.Request, request string) []web.Change {
	ctx := r.Context()
	if !actor.From(ctx).May(assessment.PermRead) {
		return nil
	}
	var out []web.Change
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		all, err := a.Assess.Changes(ctx, tx, request)
		for _, line := range assessment.Lines(all) {
			out = append(out, web.Change(line))
		}
		return err
	})
	if err != nil {
		a.cfg.Log.WarnContext(ctx, "changes of the last act are not shown", "error", err)
	}
	return out
}

// routerConfig is what the HTTP floor needs to know of the office.
func (a *App) routerConfig() web.Config {
	return web.Config{
		Log: a.cfg.Log, Messages: a.Texts, Now: a.cfg.Now, Authenticate: a.authenticate, Gate: a.SignIn.Gate,
		Frame: a.frame, Changes: a.changes, Hosts: a.hosts, Observe: a.observe, Secure: a.cfg.Secure, NoHSTS: a.cfg.TLS.Self, Watch: a.cfg.Watch,
	}
}

// hosts lists the names under which the office answers, besides loopback: those of the company profile and
// the very address that it listens on, without which the set-up on a server could not be opened.
func (a *App) hosts() []string {
	own := a.linkHosts()
	if u, err := url.Parse(a.address); err == nil && u.Host != "" {
		own = append(own, u.Host)
	}
	var company org.Company
	err := a.DB.Read(context.Background(), func(tx *sqlite.Tx) (err error) {
		company, err = a.Org.Company(context.Background(), tx)
		return err
	})
	if err != nil {
		return own // the safe side
	}
	return append(own, company.AllowedHosts()...)
}

// baseAddress is where links and QR codes lead.
func (a *App) baseAddress(ctx context.Context) string {
	var company org.Company
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) (err error) {
		company, err = a.Org.Company(ctx, tx)
		return err
	})
	if err == nil && company.BaseAddress != "" {
		return company.BaseAddress
	}
	return a.address
}
