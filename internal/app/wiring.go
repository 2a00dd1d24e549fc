package app

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/gap"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/setup"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/intake/staff"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// The functions below are the small bridges between registers and features: what one needs of the other
// travels through them, never as an import (DESIGN §4).

// assessedCompany is the company profile as assessments read it.
func (a *App) assessedCompany(ctx context.Context, tx *sqlite.Tx) (assessment.Company, error) {
	c, err := a.Org.Company(ctx, tx)
	if err != nil {
		return assessment.Company{}, err
	}
	targets := map[string]string{}
	if c.TargetLevel != "" {
		targets["jama-japia"] = c.TargetLevel
	}
	if c.TargetStar != "" {
		targets["scs"] = c.TargetStar
	}
	return assessment.Company{
		Name: c.Name, FiscalStart: c.FiscalStart, Targets: targets, CountNA: c.NotApplicable == org.Counts, Settings: c.Settings,
	}, nil
}

// assessedStaff is the staff list as assessments read it.
type assessedStaff struct{ *people.Service }

// DepartmentOf gives the key of a person's department.
func (s assessedStaff) DepartmentOf(ctx context.Context, tx *sqlite.Tx, person string) (string, error) {
	p, err := s.ByKey(ctx, tx, person)
	return p.Department, err
}

func (a *App) accountConfig() account.Config {
	return account.Config{
		Binding: account.Bind(Grants()), RequireFactor: a.requireFactor, Notice: a.accountNotice, Lent: a.lentRoles,
		Company: a.Org.Company,
		People:  a.People.Choices,
		Departments: func(ctx context.Context, tx *sqlite.Tx) ([]org.Choice, error) {
			all, err := a.Org.Departments(ctx, tx)
			choices := make([]org.Choice, len(all))
			for i, d := range all {
				choices[i] = org.Choice{Key: d.Key, Name: d.Name}
			}
			return choices, err
		},
	}
}

func (a *App) setupConfig() setup.Config {
	return setup.Config{Company: a.Org.Company, SaveCompany: a.Org.Establish, CreatePerson: a.firstPerson, SaveRequest: a.firstRequest}
}

// firstPerson puts the person of the set-up on the staff list.
func (a *App) firstPerson(ctx context.Context, tx *sqlite.Tx, p setup.FirstPerson) (string, error) {
	return a.People.AddFirst(ctx, tx, people.Person{
		FamilyName: p.FamilyName, GivenName: p.GivenName, FamilyKana: p.FamilyKana, GivenKana: p.GivenKana, Email: p.Email,
		Class: people.Employee, Mail: people.Unknown, Internet: people.Unknown, Joined: jdate.Of(tx.Now),
	})
}

// firstRequest notes who asks for the check sheet.
func (a *App) firstRequest(ctx context.Context, tx *sqlite.Tx, r setup.Request) error {
	return a.Requests.AddFirst(ctx, tx, r.Recipient, r.Due, a.Catalog.Latest("jama-japia").Key(), r.TargetLevel)
}

func (a *App) newIntake() *intake.Service {
	return intake.New(a.DB, filepath.Join(a.cfg.Dir, "intake"), a.Texts, staff.New(a.People, a.Org), a.Sheets.Importer())
}

// nextDeadline is what できていないところ shows as 提出先 and 提出期限.
func (a *App) nextDeadline(ctx context.Context, tx *sqlite.Tx) (*gap.Deadline, error) {
	r, err := a.Requests.Next(ctx, tx)
	if err != nil || r == nil {
		return nil, err
	}
	return &gap.Deadline{Customer: r.Customer, On: r.Deadline, Path: "/requests/" + r.Key}, nil
}

// nameOf is the name behind actor.ID: of an account, else of a person on the staff list; "" when it is gone.
func (a *App) nameOf(ctx context.Context, tx *sqlite.Tx, by string) (string, error) {
	if key, ok := strings.CutPrefix(by, "account/"); ok {
		who, err := a.Accounts.ByKey(ctx, tx, key)
		if problem.CodeOf(err) == problem.CodeNotFound {
			return "", nil
		}
		return who.Name, err
	}
	names, err := a.People.Names(ctx, tx)
	return names[strings.TrimPrefix(by, "person/")], err
}
