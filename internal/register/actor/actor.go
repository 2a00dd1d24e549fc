// Package actor says who acts: a person with an account, a person behind a single-purpose link, or the
// house itself at night. It owns the words role, permission and department scope, and imports no other register.
//
// Features export their permissions as typed constants; app binds them to roles in one table. The actor
// travels in the context, set once per request or command.
package actor

import (
	"context"
	"slices"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Role is one of the six roles of an office. An account holds a set of them.
type Role string

// The roles, with the words on screen.
const (
	Admin    Role = "admin"    // システム管理者: administers, does not approve
	Approver Role = "approver" // 承認者: approves
	Keeper   Role = "keeper"   // 担当: keeps registers
	Viewer   Role = "viewer"   // 閲覧: reads
	Advisor  Role = "advisor"  // 専門家: outside expert, advises until an end date
	Employee Role = "employee" // 従業員: sees what is asked of them
)

// Roles lists every role in the order shown on screen.
func Roles() []Role { return []Role{Admin, Approver, Keeper, Viewer, Advisor, Employee} }

// Valid says whether r is one of Roles.
func (r Role) Valid() bool { return slices.Contains(Roles(), r) }

// Permission names one thing that may be done, e.g. "policy.edit". Each feature declares its own.
type Permission string

// Actor is who acts. The zero value is nobody and may do nothing.
type Actor struct {
	Account string   // key of the account; empty for links and the house
	Person  string   // key of the person on the staff list, when known
	Name    string   // for display only; never stored by features
	Roles   []Role   // empty for links
	Lent    []Role   // taken for an emergency, besides Roles; nearly always empty
	Scope   []string // keys of the departments; empty means the whole company (全社)
	Via     string   // "session", "link", "command" or "house"
	grants  map[Permission]bool
}

// New returns a with the permissions it may use.
func New(a Actor, grants []Permission) Actor {
	a.grants = make(map[Permission]bool, len(grants))
	for _, p := range grants {
		a.grants[p] = true
	}
	return a
}

// House is the actor for what the program does by itself (nightly pass, migrations, demo).
func House() Actor { return Actor{Name: "Kizuki", Via: "house"} }

// Command is the actor for what is done at the command line of the machine itself: whoever may read the
// data folder may do everything, and the audit log says that it came this way.
func Command() Actor { return Actor{Name: "kizuki", Via: "command"} }

// May says whether the actor holds p. The house and the command line may do everything.
func (a Actor) May(p Permission) bool {
	return a.Via == "house" || a.Via == "command" || a.grants[p]
}

// Require returns problem code forbidden unless the actor holds p, and unauthenticated for nobody.
func (a Actor) Require(p Permission) error {
	switch {
	case a.May(p):
		return nil
	case a.Via == "":
		return problem.Unauthenticated("actor.sign_in")
	default:
		return problem.Forbidden("actor.forbidden", "permission", string(p))
	}
}

// Covers says whether the department lies in the actor's scope. An empty department (whole company)
// is covered only by an actor without scope.
func (a Actor) Covers(department string) bool {
	return len(a.Scope) == 0 || slices.Contains(a.Scope, department)
}

// RequireScope returns problem code forbidden unless the actor covers the department.
func (a Actor) RequireScope(department string) error {
	if a.Covers(department) {
		return nil
	}
	return problem.Forbidden("actor.out_of_scope")
}

// InEmergency says whether the actor works with a role taken for an emergency (緊急時の権限).
func (a Actor) InEmergency() bool { return len(a.Lent) > 0 }

// MayGive says whether the actor may turn the roles of an account of that person from before into after. Who holds a
// role for an emergency only must not make it last: it goes to nobody new, and nothing goes to the own person.
func (a Actor) MayGive(person string, before, after []Role) bool {
	gained := func(r Role) bool { return !slices.Contains(before, r) }
	if a.SamePerson(person) && a.InEmergency() && slices.ContainsFunc(after, gained) {
		return false
	}
	return !slices.ContainsFunc(after, func(r Role) bool { return gained(r) && slices.Contains(a.Lent, r) })
}

// MayWhole says whether the actor holds p for the whole company: what concerns everybody, such as a policy, is not
// for an account limited to departments.
func (a Actor) MayWhole(p Permission) bool { return a.May(p) && a.Covers("") }

// RequireWhole is Require, and returns problem code forbidden too for an actor limited to departments.
func (a Actor) RequireWhole(p Permission) error {
	err := a.Require(p)
	if err == nil && !a.Covers("") {
		return problem.Forbidden("actor.whole_company")
	}
	return err
}

// ID is what audit rows and registers store for "by whom": the account, else the person, else how it came.
func (a Actor) ID() string {
	switch {
	case a.Account != "":
		return "account/" + a.Account
	case a.Person != "":
		return "person/" + a.Person
	default:
		return a.Via
	}
}

// SamePerson says whether both are the same human being, whatever account or link they use.
func (a Actor) SamePerson(personKey string) bool { return personKey != "" && a.Person == personKey }

type contextKey struct{}

// With returns a context that carries a.
func With(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, contextKey{}, a)
}

// From returns the actor of ctx; nobody when there is none.
func From(ctx context.Context) Actor {
	a, _ := ctx.Value(contextKey{}).(Actor)
	return a
}
