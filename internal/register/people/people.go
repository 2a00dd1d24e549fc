// Package people keeps the staff list (従業員名簿): who belongs to the company, in which class and
// department, who uses mail and the internet, who joined, moved and left, who is excluded for a while, and
// the yearly confirmation that the list is right.
//
// It owns the facts people.member, people.joined, people.left, people.moved, people.excluded and
// (with the subfolder roster) people.confirmed, and with them the population "people" that most rules count on. Names of persons stand
// in its tables only; everything else knows persons by key. It imports org and the registers below it.
package people

import (
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/people/person"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// Permissions of this register; app binds them to roles.
const (
	PermRead    actor.Permission = "people.read"    // see the staff list
	PermEdit    actor.Permission = "people.edit"    // keep the staff list
	PermConfirm actor.Permission = "people.confirm" // confirm once a year that it is right
	PermErase   actor.Permission = "people.erase"   // see all that is held about a person, hand it out, erase it
)

// The types of the subfolder person, under the names that other packages use.
type (
	// Person is one person on the staff list.
	Person = person.Person
	// Move is one 異動 between departments.
	Move = person.Move
	// Exclusion leaves a person out of the populations for a while, with reason and expiry.
	Exclusion = person.Exclusion
	// RosterRow is what a file or a signed sheet says about one person.
	RosterRow = person.RosterRow
	// Matched is a row with the person it means, or those it may mean.
	Matched = person.Matched
)

// The classes (区分) of people, as attribute class of the facts.
const (
	Officer    = person.Officer
	Employee   = person.Employee
	Dispatched = person.Dispatched
	External   = person.External
)

// The answers to "uses mail", "uses the internet".
const (
	Yes     = person.Yes
	No      = person.No
	Unknown = person.Unknown
)

// Classes lists the classes in the order shown. Labels: messages people.class.*.
func Classes() []string { return person.Classes() }

// Uses lists the answers in the order shown. Labels: messages people.use.*.
func Uses() []string { return person.Uses() }

// Reasons lists why somebody may be excluded. Labels: messages people.reason.*.
func Reasons() []string { return person.Reasons() }

// NewMatcher indexes people for matching rows. Among people of one name those active on today come first.
func NewMatcher(list []Person, today jdate.Day) *person.Matcher {
	return person.NewMatcher(list, today)
}
