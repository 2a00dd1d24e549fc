package app

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/secret"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account/sso"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// buildCompanySignIn makes the sign-in by the accounts that a company keeps elsewhere.
func (a *App) buildCompanySignIn() error {
	box, err := secret.Open(a.cfg.Dir, rand.Reader)
	if err != nil {
		return fmt.Errorf("open the key of the data folder: %w", err)
	}
	a.Company = sso.New(a.DB, a.Accounts, sso.Config{Secrets: box, Staff: a.staffMails, Base: a.namedAddress})
	return nil
}

// companySignIn gives its pages, and offers it on the sign-in page.
func (a *App) companySignIn(shell *web.Shell) *sso.Web {
	pages := sso.NewWeb(a.Company, a.Auth, shell)
	a.Auth.Elsewhere = pages.Elsewhere
	return pages
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
