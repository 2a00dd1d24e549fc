package app

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account/emergency"
	"github.com/kizuki-security/kizuki/internal/register/actor"
)

// newEmergency makes the lending of roles for an emergency (緊急時の権限).
func (a *App) newEmergency() *emergency.Service { return emergency.New(a.DB, a.Accounts, a.SignIn) }

// lentRoles are the roles that an account has taken for an emergency. Accounts ask with every request.
func (a *App) lentRoles(ctx context.Context, tx *sqlite.Tx, accountKey string) ([]actor.Role, error) {
	return a.Emergency.Lent(ctx, tx, accountKey)
}

func (a *App) emergencyPages(shell *web.Shell) *emergency.Web {
	return emergency.NewWeb(a.Emergency, a.Auth, shell, a.nameOf)
}
