// Package app wires everything from a Config; it is the only package that sees every feature.
//
// Open takes the lock of a data folder, opens the database, runs what migrations are due, reads the
// catalogue and builds every register and feature. Handler serves the pages, Run keeps the office going
// until its context ends. Nobody below app reads the environment, flags or the clock.
//
// Subfolders hold what only app and the command use: the sample company, the control socket, what travels over it,
// and the start by the system.
//
//	remote → control, lake
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
	"github.com/kizuki-security/kizuki/internal/platform/disk"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/job"
	"github.com/kizuki-security/kizuki/internal/platform/metrics"
	"github.com/kizuki-security/kizuki/internal/platform/secret"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/emergency"
	"github.com/kizuki-security/kizuki/internal/register/account/setup"
	"github.com/kizuki-security/kizuki/internal/register/account/signin"
	"github.com/kizuki-security/kizuki/internal/register/account/sso"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/audit/checkpoint"
	"github.com/kizuki-security/kizuki/internal/register/backup"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/outbox"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/dossier"
	"github.com/kizuki-security/kizuki/internal/register/people/roster"
)

// Config is all that an office needs to know of its surroundings.
type Config struct {
	Dir    string           // the data folder
	Now    func() time.Time // the clock
	Log    *slog.Logger
	Secure bool // reached over TLS
	TLS    TLS  // the certificate of the office's own listener; it makes Secure true
	// LinksAddress is the base address of links for other people, where it is not that of the office.
	LinksAddress string
	// ReadOnly opens beside a running server: no lock, no migration, no write.
	ReadOnly bool
	Demo     bool // the sample company: pages say so
	// Network names the network file system that holds a path, "" for a disk of this computer; nil asks the system.
	Network func(path string) string
	// Synced are the folders that sync services copy; nil takes those that the services announce themselves.
	Synced []string
	// Watch is told of every page that is parsed or shown (web.Config.Watch); nil outside tests.
	Watch func(what, locale, name string)
	// PasswordAlone lets administrators work without a second factor: in the sample company, and in tests of
	// other things.
	PasswordAlone bool
	// Program is the version of this program; it stands in backups.
	Program string
	// MinFree is the room on the disk below which nothing is written, in bytes; 0 watches only for a full disk.
	MinFree uint64
	// FreeSpace asks for the room; nil asks the system.
	FreeSpace func(dir string) (uint64, error)

	restoring bool // of Restore: the folder is not yet an office
}

// App is an open office.
type App struct {
	cfg         Config
	foot        foot
	Texts       *i18n.Messages
	Catalog     *framework.Catalog
	DB          *sqlite.DB
	Facts       *fact.Store
	Files       *attach.Store
	Org         *org.Service
	People      *people.Service
	Roster      *roster.Service
	Dossier     *dossier.Service
	Accounts    *account.Service
	SignIn      *signin.Service
	Emergency   *emergency.Service
	Secrets     *secret.Box
	Setup       *setup.Service
	Auth        *account.Auth
	Company     *sso.Service
	Intake      *intake.Service
	Policy      *policy.Service
	Demands     *demand.Service
	Training    *training.Service
	Assess      *assessment.Service
	Requests    *assessrequest.Service
	Sheets      *assesssheet.Service
	Home        *home.Service
	Jobs        *job.Queue
	Outbox      *outbox.Service
	Checkpoints *checkpoint.Service

	Backups  *backup.Service
	Disk     *disk.Watch
	Metrics  *metrics.Registry
	Checkers []Checker // more that doctor looks at

	address   string // where the office answers; set by Listen
	linksHost string // host and port of the second listener; set by OpenLinks
	closers   []func() error
	measures
}

// databaseFile is the one file that holds the office; attachments and taken-in files lie beside it.
const databaseFile = "kizuki.db"

// Open opens the office in cfg.Dir, making it when the folder is empty. Problem codes: unsupported for a
// share or a synced folder, unavailable when another process holds it.
func Open(ctx context.Context, cfg Config) (a *App, err error) {
	if err := checkFolder(cfg); err != nil {
		return nil, err
	}
	if err := errors.Join(cfg.TLS.check(), checkLinks(cfg.LinksAddress)); err != nil {
		return nil, err
	}
	cfg.Secure = cfg.Secure || cfg.TLS.On()
	if err := checkRestored(cfg); err != nil {
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
	if err := a.openSecrets(); err != nil {
		return a, err
	}
	if err := a.openMessages(); err != nil {
		return a, err
	}
	a.watchDisk()
	a.measure()
	a.build()
	if cfg.ReadOnly || cfg.restoring { // a restored office catches up when it is first opened
		return a, nil
	}
	return a, a.readable(ctx, errors.Join(a.Backups.Begin(ctx), a.begin(ctx)))
}

// build makes every register and feature, from the lowest floor up.
func (a *App) build() {
	table := a.Catalog.Table
	a.Facts = fact.NewStore(nil)
	a.buildAudit()
	a.Files = attach.New(filepath.Join(a.cfg.Dir, "attachments"))
	a.Org = org.New(a.DB, a.Facts, table.Settings)
	a.People = people.New(a.DB, a.Facts, a.Org)
	a.Roster = roster.New(a.DB, a.Facts, a.People, a.Org, a.Files)
	a.Policy = policy.New(a.DB, a.Facts, a.Files, a.Org, a.People, table.TopicKeys())
	a.Demands = demand.New(a.DB, a.Facts, a.People, a.Policy)
	a.Training = training.New(a.DB, a.Facts, a.Files, a.Org, a.People, table.TopicKeys())
	a.Assess = assessment.New(assessment.Deps{
		DB: a.DB, Facts: a.Facts, Catalog: a.Catalog, Texts: a.Texts, Company: a.assessedCompany, Staff: assessedStaff{a.People}, OneHand: a.oneHand,
	})
	a.Facts.OnTouched(a.recompute)
	a.Org.OnCompanyChanged(a.Assess.RecomputeAll)
	a.Requests = assessrequest.New(a.DB, a.Assess, a.Files)
	a.Sheets = assesssheet.New(assesssheet.Deps{DB: a.DB, Office: a.Assess, Texts: a.Texts, Requests: a.Requests})
	a.guardFiles()
	a.Accounts = account.New(a.DB, a.accountConfig())
	a.SignIn = a.newSignIn()
	a.Emergency = a.newEmergency()
	a.Dossier = a.newDossier()
	a.Home = home.New(a.DB, a.Org, a.People, a.Roster, a.Dossier, a.Policy, a.Demands, a.Training, a.Assess, item.NewDuties(a.Assess, a.Files), a.Requests, a.Outbox, auditDuties{a.Checkpoints}, backupDuties{a}, a.Emergency)
	a.Company = a.newCompanySignIn()
	a.Setup = setup.New(a.DB, a.Accounts, a.setupConfig())
	a.Auth = account.NewAuth(a.Accounts, a.cfg.Secure, nil)
	a.Intake = a.newIntake()
	a.Backups = a.newBackups()
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
