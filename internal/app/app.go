// Package app wires everything from a Config; it is the only package that sees every feature.
//
// Open takes the lock of a data folder, opens the database, runs what migrations are due, reads the
// catalogue and builds every register and feature. Handler serves the pages, Run keeps the office going
// until its context ends. Nobody below app reads the environment, flags or the clock.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/kizuki-security/kizuki/catalog"
	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/item"
	assessrequest "github.com/kizuki-security/kizuki/internal/office/assessment/request"
	assesssheet "github.com/kizuki-security/kizuki/internal/office/assessment/sheet"
	"github.com/kizuki-security/kizuki/internal/office/home"
	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/office/policy/demand"
	"github.com/kizuki-security/kizuki/internal/office/training"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/setup"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/dossier"
	"github.com/kizuki-security/kizuki/internal/register/people/roster"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Config is all that an office needs to know of its surroundings.
type Config struct {
	Dir    string           // the data folder
	Now    func() time.Time // the clock
	Log    *slog.Logger
	Secure bool // reached over TLS
	// ReadOnly opens beside a running server: no lock, no migration, no write.
	ReadOnly bool
	Demo     bool // the sample company: pages say so
	// Network names the network file system that holds a path, "" for a disk of this computer; nil asks the system.
	Network func(path string) string
	// Synced are the folders that sync services copy; nil takes those that the services announce themselves.
	Synced []string
	// Watch is told of every page that is parsed or shown (web.Config.Watch); nil outside tests.
	Watch func(what, locale, name string)
}

// App is an open office.
type App struct {
	cfg      Config
	Texts    *i18n.Messages
	Catalog  *framework.Catalog
	DB       *sqlite.DB
	Facts    *fact.Store
	Files    *attach.Store
	Org      *org.Service
	People   *people.Service
	Roster   *roster.Service
	Dossier  *dossier.Service
	Accounts *account.Service
	Setup    *setup.Service
	Auth     *account.Auth
	Intake   *intake.Service
	Policy   *policy.Service
	Demands  *demand.Service
	Training *training.Service
	Assess   *assessment.Service
	Requests *assessrequest.Service
	Sheets   *assesssheet.Service
	Home     *home.Service

	address string // where the office answers; set by Listen
	closers []func() error
}

// databaseFile is the one file that holds the office; attachments and taken-in files lie beside it.
const databaseFile = "kizuki.db"

// Open opens the office in cfg.Dir, making it when the folder is empty. Problem codes: unsupported for a
// share or a synced folder, unavailable when another process holds it.
func Open(ctx context.Context, cfg Config) (a *App, err error) {
	if err := checkFolder(cfg); err != nil {
		return nil, err
	}
	cfg.Demo = cfg.Demo || isSample(cfg.Dir)
	a = &App{cfg: cfg}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if !cfg.ReadOnly {
		unlock, err := lockFolder(cfg.Dir)
		if err != nil {
			return a, err
		}
		a.closers = append(a.closers, unlock)
	}
	if a.Texts, err = Texts(); err != nil {
		return a, fmt.Errorf("read messages: %w", err)
	}
	if a.Catalog, err = framework.Load(catalog.FS); err != nil {
		return a, fmt.Errorf("read catalogue: %w", err)
	}
	open := sqlite.Open
	if cfg.ReadOnly {
		open = sqlite.OpenReading
	}
	if a.DB, err = open(ctx, filepath.Join(cfg.Dir, databaseFile), cfg.Now); err != nil {
		return a, err
	}
	a.closers = append(a.closers, a.DB.Close)
	if err := a.migrate(ctx); err != nil {
		return a, err
	}
	a.build()
	if cfg.ReadOnly {
		return a, nil
	}
	return a, a.begin(ctx)
}

// migrate copies the database before it changes an existing one: an upgrade can be taken back.
func (a *App) migrate(ctx context.Context) error {
	pending, err := a.DB.Pending(ctx, Migrations())
	if err != nil {
		return err
	}
	if a.cfg.ReadOnly && len(pending) > 0 {
		return problem.Unavailable("app.upgrade_first")
	}
	if len(pending) == 0 {
		return nil
	}
	if !a.DB.Fresh(ctx) {
		copyTo := filepath.Join(a.cfg.Dir, "before-upgrade-"+a.cfg.Now().UTC().Format("20060102-150405")+".db")
		if err := a.DB.CopyTo(ctx, copyTo); err != nil {
			return fmt.Errorf("copy the database before the upgrade: %w", err)
		}
		a.cfg.Log.InfoContext(ctx, "database copied before upgrade", "file", filepath.Base(copyTo), "pending", len(pending))
	}
	return a.DB.Migrate(ctx, Migrations())
}

// build makes every register and feature, from the lowest floor up.
func (a *App) build() {
	table := a.Catalog.Table
	a.Facts = fact.NewStore(nil)
	a.Files = attach.New(filepath.Join(a.cfg.Dir, "attachments"))
	a.Org = org.New(a.DB, a.Facts, table.Settings)
	a.People = people.New(a.DB, a.Facts, a.Org)
	a.Roster = roster.New(a.DB, a.Facts, a.People, a.Org, a.Files)
	a.Policy = policy.New(a.DB, a.Facts, a.Files, a.Org, a.People, table.TopicKeys())
	a.Demands = demand.New(a.DB, a.Facts, a.People, a.Policy)
	a.Training = training.New(a.DB, a.Facts, a.Files, a.Org, a.People, table.TopicKeys())
	a.Assess = assessment.New(assessment.Deps{
		DB: a.DB, Facts: a.Facts, Catalog: a.Catalog, Texts: a.Texts, Company: a.assessedCompany, Staff: assessedStaff{a.People},
	})
	a.Facts.OnTouched(a.Assess.Recompute)
	a.Org.OnCompanyChanged(a.Assess.RecomputeAll)
	a.Requests = assessrequest.New(a.DB, a.Assess, a.Files)
	a.Sheets = assesssheet.New(assesssheet.Deps{DB: a.DB, Office: a.Assess, Texts: a.Texts, Requests: a.Requests})
	a.Dossier = a.newDossier()
	a.Home = home.New(a.DB, a.Org, a.People, a.Roster, a.Dossier, a.Policy, a.Demands, a.Training, a.Assess, item.NewDuties(a.Assess, a.Files), a.Requests)
	a.Accounts = account.New(a.DB, a.accountConfig())
	a.Setup = setup.New(a.DB, a.Accounts, a.setupConfig())
	a.Auth = account.NewAuth(a.Accounts, a.cfg.Secure, nil)
	a.Intake = a.newIntake()
}

// Sources lists every source of facts, for the nightly pass and the contract test.
func (a *App) Sources() []fact.Source {
	return []fact.Source{a.Org, a.People, a.Roster, a.Policy, a.Demands, a.Training}
}

// Close releases everything, the folder's lock last.
func (a *App) Close() error {
	var errs []error
	for _, closer := range slices.Backward(a.closers) {
		errs = append(errs, closer())
	}
	a.closers = nil
	return errors.Join(errs...)
}

// Config gives what the office was opened with.
func (a *App) Config() Config { return a.cfg }

// DiscardLog is the logger of commands that print their own results.
func DiscardLog() *slog.Logger { return slog.New(slog.DiscardHandler) }
