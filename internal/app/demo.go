package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kizuki-security/kizuki/internal/app/sample"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// OpenDemo opens an office with the sample company, building it when the folder is empty. History is made
// by the real acts, with a clock that is moved through three years before it follows cfg.Now.
func OpenDemo(ctx context.Context, cfg Config, progress func(done, total int)) (*App, error) {
	clock := sample.NewClock(cfg.Now)
	now := cfg.Now
	cfg.Now = clock.Now
	// A new folder opens before the history begins: what the pages compare with starts there.
	if _, err := os.Stat(filepath.Join(cfg.Dir, databaseFile)); errors.Is(err, fs.ErrNotExist) {
		clock.Set(jdate.Of(now()).Add(-sample.HistoryDays))
	}
	a, err := Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := a.fillDemo(actor.With(ctx, actor.House()), clock, jdate.Of(now()), progress); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) fillDemo(ctx context.Context, clock *sample.Clock, today jdate.Day, progress func(done, total int)) error {
	defer a.DB.RepeatKeys()()
	var setUp bool
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		company, err := a.Org.Company(ctx, tx)
		setUp = company.IsSetUp()
		return err
	})
	if err != nil {
		return err
	}
	if setUp {
		clock.Follow()
		return checkSample(a.cfg.Dir)
	}
	if err := markSample(a.cfg.Dir, ""); err != nil {
		return err
	}
	office := sample.Office{
		DB: a.DB, Facts: a.Facts, Files: a.Files, Org: a.Org, People: a.People, Roster: a.Roster, Policy: a.Policy, Demands: a.Demands,
		Training: a.Training, Assess: a.Assess, Requests: a.Requests, Catalog: a.Catalog,
	}
	built, err := sample.Build(ctx, office, clock, today, progress)
	if err != nil {
		return err
	}
	clock.Follow()
	if err := a.demoAccounts(ctx, built); err != nil {
		return err
	}
	if err := a.Nightly(ctx); err != nil {
		return err
	}
	for name, data := range built.Files {
		if err := writeSample(a.cfg.Dir, name, data); err != nil {
			return err
		}
	}
	return markSample(a.cfg.Dir, "complete\n")
}

// demoAccounts makes three accounts with one password: the person in charge, the president, an employee.
func (a *App) demoAccounts(ctx context.Context, built sample.Built) error {
	for _, acc := range []account.NewAccount{
		{Login: DemoLogin, Password: DemoPassword, Profile: account.Profile{Name: built.InCharge.Name, Person: built.InCharge.Key, Roles: []actor.Role{actor.Admin, actor.Keeper}}},
		{Login: "shacho", Password: DemoPassword, Profile: account.Profile{Name: built.President.Name, Person: built.President.Key, Roles: []actor.Role{actor.Approver}}},
		{Login: "genba", Password: DemoPassword, Profile: account.Profile{Name: built.Worker.Name, Person: built.Worker.Key, Roles: []actor.Role{actor.Employee}}},
	} {
		if _, err := a.Accounts.Create(ctx, acc); err != nil {
			return err
		}
	}
	return nil
}
