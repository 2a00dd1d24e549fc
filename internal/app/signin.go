package app

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/secret"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account/signin"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// openSecrets reads the key that seals what must be usable again: seeds of second factors, passwords of other
// servers. A new folder gets it with its first secret.
func (a *App) openSecrets() (err error) {
	a.Secrets, err = secret.Open(a.cfg.Dir, rand.Reader)
	if errors.Is(err, secret.ErrKey) {
		return problem.Unavailable("app.secret_key", "file", secret.KeyFile).Because(err)
	}
	return err
}

func (a *App) newSignIn() *signin.Service {
	return signin.New(a.DB, a.Accounts, signin.Config{Box: a.Secrets, Rand: rand.Reader, Relaxed: a.cfg.Demo})
}

// requireFactor is the rule of the house (DESIGN §7): who administers shows more than a password. In the sample
// company everybody can know the password, and nothing is real.
func (a *App) requireFactor(roles []actor.Role) bool {
	return !a.cfg.Demo && !a.cfg.PasswordAlone && slices.Contains(roles, actor.Admin)
}

// ResetFactor takes the second factors of a login away: kizuki user reset-factor, for the one administrator who
// is locked out. Whoever may read the data folder owns the machine.
func (a *App) ResetFactor(ctx context.Context, login string) error {
	key, err := a.accountKey(ctx, login)
	if err != nil {
		return err
	}
	return a.SignIn.Reset(ctx, key)
}

// accountKey finds an account by its login; problem code not_found.
func (a *App) accountKey(ctx context.Context, login string) (key string, err error) {
	err = a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		acc, err := a.Accounts.ByLogin(ctx, tx, login)
		key = acc.Key
		return err
	})
	return key, err
}
