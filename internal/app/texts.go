package app

import (
	"embed"
	"io/fs"

	"github.com/kizuki-security/kizuki/internal/app/logs/report"
	"github.com/kizuki-security/kizuki/internal/app/logs/ruleset"
	"github.com/kizuki-security/kizuki/internal/office/assessment"
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
	"github.com/kizuki-security/kizuki/internal/platform/archive"
	"github.com/kizuki-security/kizuki/internal/platform/certificate"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/job"
	"github.com/kizuki-security/kizuki/internal/platform/mail"
	"github.com/kizuki-security/kizuki/internal/platform/notify"
	"github.com/kizuki-security/kizuki/internal/platform/outward"
	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/emergency"
	"github.com/kizuki-security/kizuki/internal/register/account/signin"
	"github.com/kizuki-security/kizuki/internal/register/account/sso"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/audit/checkpoint"
	"github.com/kizuki-security/kizuki/internal/register/audit/journal"
	"github.com/kizuki-security/kizuki/internal/register/backup"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/intake/staff"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/outbox"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/dossier"
	"github.com/kizuki-security/kizuki/internal/register/people/roster"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Texts reads the message files of every package, and of more that the caller brings (the command line).
func Texts(more ...fs.FS) (*i18n.Messages, error) {
	return i18n.New(append(more,
		messages, web.Messages(), outward.Messages(), certificate.Messages(), sheet.Messages(), attach.Messages(), checkpoint.Messages(), journal.Messages(), link.Messages(), framework.Messages(), verdict.Messages(),
		org.Messages(), people.Messages(), roster.Messages(), dossier.Messages(), account.Messages(), signin.Messages(), emergency.Messages(), sso.Messages(), intake.Messages(), staff.Messages(),
		home.Messages(), policy.Messages(), demand.Messages(), reader.Messages(), training.Messages(),
		assessment.Messages(), advice.Messages(), gap.Messages(), item.Messages(), plan.Messages(), question.Messages(), assessrequest.Messages(), assesssheet.Messages(),
		mail.Messages(), notify.Messages(), outbox.Messages(),
		archive.Messages(), backup.Messages(), report.Messages(), ruleset.Messages(),
	)...)
}

// Migrations lists the tables of every package in the order in which they are made: floors from below.
func Migrations() []sqlite.Migration {
	return []sqlite.Migration{
		audit.Migrations(), fact.Migrations(), attach.Migrations(), link.Migrations(), org.Migrations(), people.Migrations(),
		account.Migrations(), emergency.Migrations(), intake.Migrations(), policy.Migrations(), training.Migrations(), assessment.Migrations(),
		job.Migrations(), outbox.Migrations(),
		backup.Migrations(),
	}
}
