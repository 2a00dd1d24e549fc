// Package emergency lends a role for some hours to somebody of the office who does not hold it (緊急時の権限): the only
// システム管理者 is in hospital, and something happens at night.
//
// Who may is decided before: whoever keeps or approves already, or the accounts that an administrator names. The
// person shows password and second factor again and says why; all who are signed in see it on every page until
// another person, with a role of their own, has reviewed it. It ends by the clock, read with every request; while the
// clock is set back behind the audit log, nothing is lent. Separation stays by person: nobody approves an own draft,
// and the lent role goes to nobody new (account, actor.MayGive). Rows are append-only. It imports account and the
// registers below it; account asks for lent roles through a function that app hands over.
//
//	emergency → session, signin
package emergency

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// PermReview lets a person review how others used a role for an emergency; app binds it to roles.
const PermReview actor.Permission = "emergency.review"

// Bounds of what people write, in characters.
const (
	minReason = 10 // without spaces: enough to say what happened
	maxReason = 300
	maxNote   = 1000
)

// DefaultHours is what the form proposes.
const DefaultHours = 4

// Hours lists for how long a role can be taken.
func Hours() []int { return []int{1, DefaultHours, 8, 24} }

// Roles lists the roles that can be taken. 閲覧 and 専門家 are for outsiders, and 従業員 opens nothing.
func Roles() []actor.Role { return []actor.Role{actor.Admin, actor.Approver, actor.Keeper} }

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Migrations returns the tables of this register.
func Migrations() sqlite.Migration { return sqlite.Migration{Feature: "emergency", FS: migrations} }

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

// Use is one time that somebody took a role.
type Use struct {
	Key        string
	Account    string // key
	Person     string // key on the staff list at that time; may be empty
	Role       actor.Role
	Reason     string
	TakenAt    time.Time
	Until      time.Time // it ends then by itself
	EndedAt    time.Time // zero: nobody ended it before
	EndedBy    string    // actor.ID
	ReviewedAt time.Time // zero: nobody reviewed it yet
	ReviewedBy string    // actor.ID
	Note       string    // of the review
}

// Open says whether the role counts at a time; Until itself is the first moment at which it does not.
func (u Use) Open(now time.Time) bool { return u.EndedAt.IsZero() && now.Before(u.Until) }

// Over is when the role stopped counting, or will by itself.
func (u Use) Over() time.Time {
	if u.EndedAt.IsZero() {
		return u.Until
	}
	return u.EndedAt
}

// Reviewed says whether another person has looked at it.
func (u Use) Reviewed() bool { return !u.ReviewedAt.IsZero() }

// State is what pages show: "open", "waiting" (for a review) or "reviewed".
func (u Use) State(now time.Time) string {
	switch {
	case u.Reviewed():
		return "reviewed"
	case u.Open(now):
		return "open"
	default:
		return "waiting"
	}
}

// by says whether the actor is the person who took the role, whatever account it is.
func (u Use) by(who actor.Actor) bool { return who.Account == u.Account || who.SamePerson(u.Person) }

// Who says who may take a role.
type Who string

// The two ways.
const (
	Managers Who = "managers" // whoever is システム管理者, 承認者 or 担当
	Named    Who = "named"    // the accounts of the list only; an empty list: nobody
)

// Setting is what an administrator decides before anything happens.
type Setting struct {
	Who     Who
	Named   []string // keys of accounts, sorted; kept also while Who is Managers
	Version int64
}

// Eligible says whether the account may take a role on the day. Outsiders (閲覧 and 専門家 alone) never may.
func (s Setting) Eligible(a account.Account, today jdate.Day) bool {
	holds := func(roles ...actor.Role) bool {
		return slices.ContainsFunc(a.ActiveRoles(today), func(r actor.Role) bool { return slices.Contains(roles, r) })
	}
	if s.Who == Named {
		return slices.Contains(s.Named, a.Key) && holds(insiders()...)
	}
	return holds(Roles()...)
}

func insiders() []actor.Role { return append(Roles(), actor.Employee) }

// Offered lists the roles that the account could take: those that it does not hold today. Who keeps or approves must be
// known as a person, so that nobody approves an own draft.
func Offered(a account.Account, today jdate.Day) []actor.Role {
	own := a.ActiveRoles(today)
	return slices.DeleteFunc(Roles(), func(r actor.Role) bool {
		return slices.Contains(own, r) || a.Person == "" && r != actor.Admin
	})
}

// Request is what a person enters to take a role.
type Request struct {
	Role   actor.Role
	Hours  int
	Reason string
}

// check adds every field that must be changed.
func (q Request) check(found *problem.List) {
	if !slices.Contains(Roles(), q.Role) {
		found.Add(problem.Invalid("role", "web.choose"))
	}
	if !slices.Contains(Hours(), q.Hours) {
		found.Add(problem.Invalid("hours", "web.choose"))
	}
	said := utf8.RuneCountInString(strings.Join(strings.Fields(q.Reason), ""))
	switch n := utf8.RuneCountInString(q.Reason); {
	case said < minReason:
		found.Add(problem.Invalid("reason", "emergency.reason_needed", "n", minReason))
	case n > maxReason:
		found.Add(problem.Invalid("reason", "web.too_long", "limit", maxReason, "n", n))
	}
}
