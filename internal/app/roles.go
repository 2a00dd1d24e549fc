package app

import (
	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/advice"
	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/office/training"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/emergency"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/audit/checkpoint"
	"github.com/kizuki-security/kizuki/internal/register/backup"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/outbox"
	"github.com/kizuki-security/kizuki/internal/register/people"
)

// reading is what everybody who runs the office may see.
var reading = []actor.Permission{
	org.PermRead, people.PermRead, policy.PermRead, training.PermRead, assessment.PermRead, attach.PermRead,
}

// Grants is the one table that binds permissions to roles (DESIGN §7): システム管理者 administers and does
// not approve, 承認者 approves, 担当 keeps registers, 閲覧 reads, 専門家 advises, 従業員 sees what is asked
// of them, for which an account is enough.
func Grants() map[actor.Role][]actor.Permission {
	with := func(more ...actor.Permission) []actor.Permission {
		return append(append([]actor.Permission(nil), reading...), more...)
	}
	return map[actor.Role][]actor.Permission{
		actor.Admin: with(org.PermCompany, account.PermManage, outbox.PermManage, audit.PermRead, checkpoint.PermKeep, backup.PermManage, people.PermErase, emergency.PermReview),
		actor.Approver: with(
			policy.PermApprove, people.PermConfirm, audit.PermRead, emergency.PermReview,
		),
		actor.Keeper: with(
			org.PermEdit, people.PermEdit, people.PermConfirm, people.PermErase, policy.PermEdit, training.PermEdit,
			assessment.PermAnswer, assessment.PermManage, assessment.PermRequest, intake.PermImport,
		),
		actor.Viewer:   with(),
		actor.Advisor:  with(advice.PermAdvise),
		actor.Employee: nil,
	}
}
