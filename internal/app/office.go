package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/gap"
	assesssheet "github.com/kizuki-security/kizuki/internal/office/assessment/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/setup"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// AsCommand is the context of what a person does at the command line of the machine itself: whoever may
// read the folder may do everything, and the audit log says that it came this way.
func AsCommand(ctx context.Context) context.Context { return actor.With(ctx, actor.Command()) }

// GapsReport is what the company has not done yet, in the documented shape kizuki.gaps/1.
type GapsReport = assessment.GapsReport

// Required is how a framework stands against a level that somebody requires.
type Required = assessment.Required

// Gaps writes the gaps of all targets in a language.
func (a *App) Gaps(ctx context.Context, lang string) (*GapsReport, error) {
	return a.Assess.GapsReport(ctx, lang)
}

// SetupLink gives the one-time address of the set-up, "" when the office has an account.
func (a *App) SetupLink(ctx context.Context) (string, error) {
	token, err := a.Setup.Token(ctx)
	if problem.CodeOf(err) == problem.CodeConflict {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return a.address + setup.Path(token), nil
}

// FirstOffice is what kizuki init asks.
type FirstOffice struct {
	Company, FamilyName, GivenName, Login, Password string
	FamilyKana, GivenKana                           string // may be empty
	Email                                           string // of the person; empty takes the login when that is an address
	Industry, Size                                  string // as in org.Industries and org.Sizes
	FiscalStart                                     int    // month
	Recipient                                       string // who asks for the check sheet; may be empty
	Due                                             jdate.Day
	BaseAddress                                     string // may be empty
	Level, Star                                     string
	Roles                                           []string
}

// ProposeTarget is the level and star that fit the three answers of the set-up ("yes", "no", "unknown"; asked is
// "none", "3", "4" or "unknown"), with the reason.
func ProposeTarget(important, leads, asked string) (level, star string, why i18n.Msg) {
	level, star, key := setup.Answers{Important: important, Leads: leads, Asked: asked}.Propose()
	return level, star, i18n.Msg{Key: key}
}

// Init sets an empty office up without a browser.
func (a *App) Init(ctx context.Context, f FirstOffice) error {
	var company org.Company
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) (err error) {
		company, err = a.Org.Company(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	company.Name, company.FiscalStart, company.TargetLevel, company.TargetStar = f.Company, time.Month(f.FiscalStart), f.Level, f.Star
	company.Industry, company.Size, company.BaseAddress = f.Industry, f.Size, strings.TrimSuffix(f.BaseAddress, "/")
	roles, err := rolesOf(f.Roles)
	if err != nil {
		return err
	}
	email := f.Email
	if login, _ := account.CheckLogin(f.Login); email == "" && strings.Contains(login, "@") {
		email = login
	}
	return a.Setup.Init(ctx, setup.Input{
		Company: company, Recipient: f.Recipient, Due: f.Due,
		Person: setup.FirstPerson{FamilyName: f.FamilyName, GivenName: f.GivenName, FamilyKana: f.FamilyKana, GivenKana: f.GivenKana, Email: email},
		Login:  f.Login, Password: f.Password, Roles: roles,
	})
}

func rolesOf(names []string) ([]actor.Role, error) {
	var roles []actor.Role
	for _, name := range names {
		r := actor.Role(name)
		if !r.Valid() {
			return nil, problem.Invalid("role", "app.role_unknown", "role", name)
		}
		roles = append(roles, r)
	}
	return roles, nil
}

// User is one account as the command line lists it.
type User struct {
	Login string   `json:"login"`
	State string   `json:"state"`
	Roles []string `json:"roles"`
}

// Users lists the accounts.
func (a *App) Users(ctx context.Context) (users []User, err error) {
	err = a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		all, err := a.Accounts.List(ctx, tx)
		for _, acc := range all {
			u := User{Login: acc.Login, State: acc.State(jdate.Of(tx.Now)), Roles: []string{}}
			for _, r := range acc.Roles {
				u.Roles = append(u.Roles, string(r))
			}
			users = append(users, u)
		}
		return err
	})
	return users, err
}

// NewUser is what kizuki user add asks.
type NewUser struct {
	Login, Name, EmployeeNo, Password string
	Roles                             []string
}

// AddUser adds an account, for the person with the employee number when one is given.
func (a *App) AddUser(ctx context.Context, n NewUser) error {
	roles, err := rolesOf(n.Roles)
	if err != nil {
		return err
	}
	person := ""
	if n.EmployeeNo != "" {
		err := a.DB.Read(ctx, func(tx *sqlite.Tx) error {
			found, err := a.People.Match(ctx, tx, []people.RosterRow{{EmployeeNo: n.EmployeeNo}})
			if err == nil && found[0].Person == nil {
				err = problem.NotFound("app.person_unknown", "number", n.EmployeeNo)
			}
			if err == nil {
				person = found[0].Person.Key
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	_, err = a.Accounts.Create(ctx, account.NewAccount{
		Login: n.Login, Password: n.Password, Profile: account.Profile{Name: n.Name, Person: person, Roles: roles},
	})
	return err
}

// SetPassword sets the password of an account.
func (a *App) SetPassword(ctx context.Context, login, password string) error {
	return a.Accounts.SetPassword(ctx, login, password)
}

// DisableUser switches an account off.
func (a *App) DisableUser(ctx context.Context, login string) error {
	key, err := a.accountKey(ctx, login)
	if err != nil {
		return err
	}
	return a.Accounts.SetDisabled(ctx, key, true)
}

// ExportGaps writes the gaps: xlsx, csv or json (kizuki.gaps/1).
func (a *App) ExportGaps(ctx context.Context, w io.Writer, format, lang string) error {
	report, err := a.Assess.GapsReport(ctx, lang)
	if err != nil {
		return err
	}
	if format == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(report)
	}
	var names map[string]string
	err = a.DB.Read(ctx, func(tx *sqlite.Tx) (err error) {
		names, err = a.People.Names(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	word := func(key string) string { return a.Texts.T(lang, key, nil) }
	return writeList(w, format, gap.Table(report, names, word))
}

// ExportSheet writes the check sheet of a framework ("" is the first target) with the answers of the open round. Items that
// are still 分からない are refused unless unanswered says that they may stay empty.
func (a *App) ExportSheet(ctx context.Context, w io.Writer, id, format, lang string, unanswered bool) error {
	key, err := a.frameworkKey(id)
	if err != nil {
		return err
	}
	o := assesssheet.ExportOptions{Framework: key, Format: sheet.Format(format), Locale: lang, Unanswered: unanswered}
	if format == CP932 {
		o.Format, o.Encoding = sheet.CSV, jtext.CP932
	}
	return a.Sheets.Export(ctx, o, w)
}

// frameworkKey completes "jama-japia" to the newest version.
func (a *App) frameworkKey(id string) (string, error) {
	if id == "" {
		id = "jama-japia"
	}
	if a.Catalog.Key(id) != nil {
		return id, nil
	}
	if f := a.Catalog.Latest(id); f != nil {
		return f.Key(), nil
	}
	return "", problem.NotFound("app.framework_unknown", "framework", id)
}

// ExportPeople writes the staff list in the form that the import reads back.
func (a *App) ExportPeople(ctx context.Context, w io.Writer, format, lang string) error {
	word := func(key string) string { return a.Texts.T(lang, key, nil) }
	var out sheet.Out
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		list, err := a.People.List(ctx, tx, people.Filter{})
		if err != nil {
			return err
		}
		out, err = a.People.Table(ctx, tx, list, word)
		return err
	})
	if err != nil {
		return err
	}
	return writeList(w, format, out)
}

// DemoLogin and DemoPassword open the sample company; it holds nothing real and answers on loopback.
const (
	DemoLogin    = "sato"
	DemoPassword = "mihon-no-kaisha-2026" //nolint:gosec // printed at every start of the sample, which holds nothing real
)

// sampleMark is the file that tells a folder with the sample company from an office: whatever command opens it
// later, its pages must say that everybody can know the password. It is empty while the sample is being built.
const sampleMark = "sample-company"

func markSample(dir, state string) error {
	if err := os.WriteFile(filepath.Join(dir, sampleMark), []byte(state), 0o600); err != nil {
		return fmt.Errorf("mark folder as sample: %w", err)
	}
	return nil
}

func isSample(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, sampleMark))
	return err == nil
}

// checkSample refuses a folder that is set up and yet no whole sample: an office, or a sample whose building was
// interrupted, which lacks its accounts.
func checkSample(dir string) error {
	state, err := os.ReadFile(filepath.Join(dir, sampleMark)) //nolint:gosec // the person names the folder
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return problem.Conflict("app.sample.office", "dir", dir)
	case err != nil:
		return fmt.Errorf("read mark of sample: %w", err)
	case len(state) == 0:
		return problem.Conflict("app.sample.unfinished", "dir", dir)
	}
	return nil
}

// SampleDir is where the demo puts files to try the import with.
func SampleDir(dir string) string { return filepath.Join(dir, "samples") }

func writeSample(dir, name string, data []byte) error {
	if err := os.MkdirAll(SampleDir(dir), 0o700); err != nil {
		return fmt.Errorf("make folder of samples: %w", err)
	}
	if err := os.WriteFile(filepath.Join(SampleDir(dir), name), data, 0o600); err != nil {
		return fmt.Errorf("write sample %s: %w", name, err)
	}
	return nil
}
