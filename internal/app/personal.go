package app

import (
	"context"
	"io"

	"github.com/kizuki-security/kizuki/internal/office/assessment/byperson"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account/forget"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/dossier"
	"github.com/kizuki-security/kizuki/internal/register/personal"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// personalPlaces says where the free text of each table is shown, for names found in it.
var personalPlaces = map[string]dossier.Place{
	"policy_documents":          {Label: "personal.place.policy", Link: "/policy/"},
	"policy_versions":           {Label: "personal.place.policy", Link: "/policy/", Owner: "document", Table: "policy_documents"},
	"policy_notices":            {Label: "personal.place.policy", Link: "/policy/", Owner: "document", Table: "policy_documents"},
	"policy_reviews":            {Label: "personal.place.policy", Link: "/policy/", Owner: "document", Table: "policy_documents"},
	"policy_demands":            {Label: "personal.place.demands", Link: "/demands/"},
	"policy_checks":             {Label: "personal.place.demands", Link: "/demands"},
	"training_sessions":         {Label: "personal.place.training", Link: "/training/"},
	"training_reflections":      {Label: "personal.place.training", Link: "/training/", Owner: "session", Table: "training_sessions"},
	"assessment_answers":        {Label: "personal.place.answers", Link: "/rounds/", Owner: "round", Table: "assessment_rounds"},
	"assessment_items":          {Label: "personal.place.answers", Link: "/sheet"},
	"assessment_rounds":         {Label: "personal.place.answers", Link: "/rounds/"},
	"assessment_actions":        {Label: "personal.place.actions", Link: "/actions/"},
	"assessment_requests":       {Label: "personal.place.requests", Link: "/requests/"},
	"assessment_request_events": {Label: "personal.place.requests", Link: "/requests/", Owner: "request", Table: "assessment_requests"},
	"assessment_sheets":         {Label: "personal.place.answers", Link: "/sheet"},
	"org_departments":           {Label: "personal.place.org", Link: "/org/departments/"},
	"org_sites":                 {Label: "personal.place.org", Link: "/org/sites/"},
	"org_changes":               {Label: "personal.place.org", Link: "/org/changes"},
	"org_company":               {Label: "personal.place.org", Link: "/settings/company"},
	"people_confirmations":      {Label: "personal.place.people", Link: "/people/confirm"},
	"people_exclusions":         {Label: "personal.place.people"},
	"emergency_uses":            {Label: "personal.place.emergency", Link: "/emergency/"},
	"attach_files":              {Label: "personal.place.files", Link: "/attachments/"},
	"intake_imports":            {Label: "personal.place.imports", Link: "/import/people"},
	"audit_log":                 {Label: "personal.place.audit"},
}

// newDossier lists everybody who holds anything about persons.
func (a *App) newDossier() *dossier.Service {
	return dossier.New(a.DB, a.People, dossier.Config{
		Org:      a.Org,
		Settings: a.Org.Settings,
		Accounts: func(ctx context.Context, tx *sqlite.Tx, person string) (keys, logins []string, err error) {
			all, err := forget.Source{Accounts: a.Accounts}.OfPerson(ctx, tx, person)
			for _, acc := range all {
				keys, logins = append(keys, acc.Key), append(logins, acc.Login)
			}
			return keys, logins, err
		},
		Sources: func() []personal.Source {
			return []personal.Source{forget.Source{Accounts: a.Accounts}, link.Personal{}, a.Intake, a.Training, a.Policy, byperson.Source{}, a.Outbox, a.Emergency}
		},
		Places: personalPlaces,
		Label:  a.Texts.T("ja", "personal.erased_name", nil),
	})
}

// ExportPerson writes all that is held about a person, named by key or employee number: xlsx or json (kizuki.person/1).
func (a *App) ExportPerson(ctx context.Context, w io.Writer, who, format, lang string) error {
	word := func(key string, args problem.Args) string { return a.Texts.T(lang, key, args) }
	var d dossier.Disclosure
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		found, err := a.People.Match(ctx, tx, []people.RosterRow{{EmployeeNo: who}})
		if err != nil {
			return err
		}
		if who != "" && found[0].Person != nil {
			who = found[0].Person.Key
		}
		d, err = a.Dossier.Disclosure(ctx, tx, who, word)
		return err
	})
	if err != nil {
		return err
	}
	return d.Write(w, format, word)
}
