package app

import (
	"github.com/kizuki-security/kizuki/internal/office/assessment/advice"
	"github.com/kizuki-security/kizuki/internal/office/assessment/gap"
	"github.com/kizuki-security/kizuki/internal/office/assessment/item"
	"github.com/kizuki-security/kizuki/internal/office/assessment/plan"
	"github.com/kizuki-security/kizuki/internal/office/assessment/question"
	assessrequest "github.com/kizuki-security/kizuki/internal/office/assessment/request"
	assesssheet "github.com/kizuki-security/kizuki/internal/office/assessment/sheet"
	"github.com/kizuki-security/kizuki/internal/office/home"
	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/office/policy/demand"
	"github.com/kizuki-security/kizuki/internal/office/policy/reader"
	"github.com/kizuki-security/kizuki/internal/office/training"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/setup"
	"github.com/kizuki-security/kizuki/internal/register/account/signin"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/audit/checkpoint"
	"github.com/kizuki-security/kizuki/internal/register/audit/journal"
	"github.com/kizuki-security/kizuki/internal/register/backup"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/outbox"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/dossier"
	"github.com/kizuki-security/kizuki/internal/register/people/roster"
)

// routes registers the pages of every feature. The route × role test reads them from the router.
func (a *App) routes(rt *web.Router) {
	shell, topics := rt.Shell(), a.Catalog.Table.Topics
	rt.Handle("GET /healthz", web.Public, a.healthy)
	for _, pages := range []interface{ Routes(*web.Router) }{
		account.NewWeb(a.Accounts, a.Auth, shell), signin.NewWeb(a.SignIn, a.Auth, shell), a.emergencyPages(shell), a.companySignIn(shell), setup.NewWeb(a.Setup, a.Auth, shell),
		attach.NewWeb(a.DB, a.Files), journal.NewWeb(a.journal(), shell), checkpoint.NewWeb(a.Checkpoints, shell, link.QR), org.NewWeb(a.Org, shell), people.NewWeb(a.People, shell), roster.NewWeb(a.Roster, shell), dossier.NewWeb(a.Dossier, shell), intake.NewWeb(a.Intake, shell),
		home.NewWeb(a.Home, shell), policy.NewWeb(a.Policy, shell, topics, a.linkAddress), demand.NewWeb(a.Demands, shell),
		reader.NewWeb(a.DB, a.Policy, a.People, shell, topics), training.NewWeb(a.Training, shell, topics),
		gap.NewWeb(a.Assess, shell, a.nextDeadline), advice.NewWeb(advice.New(a.DB, a.Assess), shell, a.nameOf), item.NewWeb(a.Assess, shell, a.Files), plan.NewWeb(a.Assess, shell),
		question.NewWeb(question.New(a.DB, a.Assess, a.Files), shell, a.linkAddress, a.nameOf), assessrequest.NewWeb(a.Requests, shell), assesssheet.NewWeb(a.Sheets, shell),
		outbox.NewWeb(a.Outbox, shell),
		backup.NewWeb(a.Backups, shell),
	} {
		pages.Routes(rt)
	}
}
