package app

import (
	"net/http"

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
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/dossier"
	"github.com/kizuki-security/kizuki/internal/register/people/roster"
)

// routes registers the pages of every feature. The route × role test reads them from the router.
func (a *App) routes(rt *web.Router) {
	shell, topics := rt.Shell(), a.Catalog.Table.Topics
	rt.Handle("GET /healthz", web.Public, healthy)
	for _, pages := range []interface{ Routes(*web.Router) }{
		account.NewWeb(a.Accounts, a.Auth, shell), setup.NewWeb(a.Setup, a.Auth, shell),
		attach.NewWeb(a.DB, a.Files), org.NewWeb(a.Org, shell), people.NewWeb(a.People, shell), roster.NewWeb(a.Roster, shell), dossier.NewWeb(a.Dossier, shell), intake.NewWeb(a.Intake, shell),
		home.NewWeb(a.Home, shell), policy.NewWeb(a.Policy, shell, topics, a.baseAddress), demand.NewWeb(a.Demands, shell),
		reader.NewWeb(a.DB, a.Policy, a.People, shell, topics), training.NewWeb(a.Training, shell, topics),
		gap.NewWeb(a.Assess, shell, a.nextDeadline), item.NewWeb(a.Assess, shell, a.Files), plan.NewWeb(a.Assess, shell),
		question.NewWeb(question.New(a.DB, a.Assess, a.Files), shell, a.baseAddress, a.nameOf), assessrequest.NewWeb(a.Requests, shell), assesssheet.NewWeb(a.Sheets, shell),
	} {
		pages.Routes(rt)
	}
}

// healthy answers machines that watch whether the office runs; it tells nothing else.
func healthy(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := w.Write([]byte("ok\n"))
	return err
}
