package app

import (
	"context"
	"net/http"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/sso"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// newCompanySignIn makes the sign-in by the accounts that a company keeps elsewhere.
func (a *App) newCompanySignIn() *sso.Service {
	return sso.New(a.DB, a.Accounts, sso.Config{Secrets: a.Secrets, Staff: a.staffMails, Base: a.namedAddress})
}

// companySignIn gives its pages, and offers it on the sign-in page.
func (a *App) companySignIn(shell *web.Shell) *sso.Web {
	pages := sso.NewWeb(a.Company, a.Auth, shell)
	a.Auth.Elsewhere = pages.Elsewhere
	pages.After = a.afterCompany
	return pages
}

// afterCompany asks for the office's own second factor, unless the provider saw one itself. Who must have a factor and
// has none is led to set one up by the gate, as after a password.
func (a *App) afterCompany(w http.ResponseWriter, r *http.Request, accountKey string, multi bool) (answered bool, err error) {
	if multi {
		return false, nil
	}
	waiting, err := a.Accounts.WaitFor(r.Context(), accountKey)
	if err != nil || waiting == "" {
		return false, err
	}
	a.Auth.Wait(w, waiting)
	web.Redirect(w, account.SecondPath)
	return true, nil
}

// staffMails lists who is on the staff list today.
func (a *App) staffMails(ctx context.Context, tx *sqlite.Tx) ([]sso.Person, error) {
	list, err := a.People.List(ctx, tx, people.Filter{ActiveOn: jdate.Of(tx.Now)})
	out := make([]sso.Person, len(list))
	for i, p := range list {
		out[i] = sso.Person{Key: p.Key, Name: p.Name(), Mail: p.Email}
	}
	return out, err
}

// namedAddress is the base address of the company profile, "" before there is one.
func (a *App) namedAddress(ctx context.Context) string {
	base := a.baseAddress(ctx)
	if base == a.address {
		return ""
	}
	return base
}
