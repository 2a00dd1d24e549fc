// Package account keeps who may sign in: accounts with their set of roles, passwords and sessions.
//
// An account is not a person: the staff list holds persons, an account names one by key. Roles are bound
// to permissions by app, in one table (Bind). Nobody changes the own roles, at least one administrator
// stays, and an administrator who may also approve is said so openly. Passwords are argon2id (subfolder
// password); guessing is slowed down per account and address (subfolder throttle), never by locking the
// account. The first account is made by subfolder setup; the table of sessions is kept by subfolder session.
// Second factors are kept by factor (app and recovery codes) and passkey; signin holds the acts and pages of the second
// step; emergency lends a role for some hours (緊急時の権限). The package imports org and the registers below it; it
// knows no feature.
//
//	setup → password, session
//	factor → session
//	passkey → session
//	signin → factor, passkey, password, session, throttle
//	emergency → session, signin
//	sso → session
//	forget → session
package account

import (
	"embed"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// PermManage lets a person keep accounts; app binds it to roles.
const PermManage actor.Permission = "account.manage"

// maxName is the longest name of an account, in characters.
const maxName = 80

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Migrations returns the tables of this register.
func Migrations() sqlite.Migration { return sqlite.Migration{Feature: "account", FS: migrations} }

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

// Account is one account, without its password.
type Account struct {
	ID          int64 // row number, inside only
	Key         string
	Login       string // lower case: a login name or a mail address
	Name        string // how the person is shown
	Person      string // key on the staff list; may be empty for roles that only look
	Roles       []actor.Role
	Scope       []string  // keys of departments; empty: the whole company
	Ends        jdate.Day // last day of the roles viewer and advisor; zero: no end
	Disabled    bool
	HasPassword bool
	PasswordAt  time.Time // of the last change of the password; zero: none yet
	CreatedAt   time.Time
	SignedInAt  time.Time // of the last sign-in; zero: never
	Version     int64
}

// ActiveRoles are the roles that count on the day: viewer and advisor stop on the day after Ends.
func (a Account) ActiveRoles(today jdate.Day) []actor.Role {
	if a.Disabled {
		return nil
	}
	if a.Ends.IsZero() || !today.After(a.Ends) {
		return a.Roles
	}
	return slices.DeleteFunc(slices.Clone(a.Roles), endDated)
}

// Holds says whether the account has the role, counting or not.
func (a Account) Holds(r actor.Role) bool { return slices.Contains(a.Roles, r) }

// AdminApproves says whether one account both administers and approves: allowed, and shown openly.
func (a Account) AdminApproves() bool {
	return !a.Disabled && a.Holds(actor.Admin) && a.Holds(actor.Approver)
}

// State is what the list shows: "active", "ended", "disabled" or "invited" (no password yet).
func (a Account) State(today jdate.Day) string {
	switch {
	case a.Disabled:
		return "disabled"
	case len(a.ActiveRoles(today)) == 0:
		return "ended"
	case !a.HasPassword:
		return "invited"
	default:
		return "active"
	}
}

func endDated(r actor.Role) bool { return r == actor.Viewer || r == actor.Advisor }

// Profile is what a person decides about an account.
type Profile struct {
	Name   string
	Person string
	Roles  []actor.Role
	Scope  []string
	Ends   jdate.Day
}

// NewAccount is a new account. Password may be empty: then a link lets the person choose one.
type NewAccount struct {
	Login    string
	Password string
	Profile
}

// profile of an account as stored.
func (a Account) profile() Profile {
	return Profile{Name: a.Name, Person: a.Person, Roles: a.Roles, Scope: a.Scope, Ends: a.Ends}
}

// tidy sorts and drops doubles, so that two profiles compare.
func (p Profile) tidy() Profile {
	p.Name = strings.TrimSpace(p.Name)
	var roles []actor.Role
	for _, r := range actor.Roles() {
		if slices.Contains(p.Roles, r) {
			roles = append(roles, r)
		}
	}
	for _, r := range p.Roles {
		if !r.Valid() {
			roles = append(roles, r) // kept for check to refuse
		}
	}
	p.Roles = roles
	p.Scope = slices.Compact(slices.Sorted(slices.Values(p.Scope)))
	p.Scope = slices.DeleteFunc(p.Scope, func(s string) bool { return s == "" })
	return p
}

// sameRights says whether both give the same rights.
func (p Profile) sameRights(q Profile) bool {
	return slices.Equal(p.Roles, q.Roles) && slices.Equal(p.Scope, q.Scope) && p.Ends == q.Ends && p.Person == q.Person
}

// check adds every field that must be changed.
func (p Profile) check(found *problem.List) {
	switch n := utf8.RuneCountInString(p.Name); {
	case n == 0:
		found.Add(problem.Invalid("name", "account.name_needed"))
	case n > maxName:
		found.Add(problem.Invalid("name", "web.too_long", "limit", maxName, "n", n))
	}
	switch {
	case len(p.Roles) == 0:
		found.Add(problem.Invalid("roles", "account.role_needed"))
	case slices.ContainsFunc(p.Roles, func(r actor.Role) bool { return !r.Valid() }):
		found.Add(problem.Invalid("roles", "web.choose"))
	}
	// Who approves must not approve an own draft: both must be known as persons, not as accounts.
	if p.Person == "" && slices.ContainsFunc(p.Roles, func(r actor.Role) bool { return r == actor.Approver || r == actor.Keeper }) {
		found.Add(problem.Invalid("person", "account.person_needed"))
	}
	if p.Ends.IsZero() && slices.Contains(p.Roles, actor.Advisor) {
		found.Add(problem.Invalid("ends", "account.end_needed"))
	}
	if !p.Ends.IsZero() && !slices.ContainsFunc(p.Roles, endDated) {
		found.Add(problem.Invalid("ends", "account.end_without_role"))
	}
}

var loginForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{1,99}$`)

// cleanLogin is the form in which logins are stored and compared: case and width do not matter.
func cleanLogin(login string) string {
	return strings.ToLower(strings.TrimSpace(norm.NFKC.String(login)))
}

// CheckLogin returns the login as it is stored, and why it cannot be one, nil when it can.
func CheckLogin(login string) (string, *problem.Error) {
	login = cleanLogin(login)
	return login, checkLogin(login)
}

func checkLogin(login string) *problem.Error {
	switch {
	case login == "":
		return problem.Invalid("login", "account.login_needed")
	case !loginForm.MatchString(login):
		return problem.Invalid("login", "account.login_form")
	default:
		return nil
	}
}

// Binding says which permissions each role has.
type Binding map[actor.Role][]actor.Permission

// Bind makes the binding that app gives; a role that does not exist is a programmer's mistake and panics.
func Bind(table map[actor.Role][]actor.Permission) Binding {
	b := make(Binding, len(table))
	for role, grants := range table {
		if !role.Valid() {
			panic("account: bind unknown role " + string(role))
		}
		b[role] = slices.Clone(grants)
	}
	return b
}

// Grants is the union of what the roles may do.
func (b Binding) Grants(roles []actor.Role) []actor.Permission {
	var all []actor.Permission
	for _, r := range roles {
		all = append(all, b[r]...)
	}
	return all
}
