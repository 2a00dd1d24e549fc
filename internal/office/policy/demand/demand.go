// Package demand keeps the list of laws, standards and customer demands that the regulations answer to, with
// its yearly check for changes: the second noun of policy.
//
// It serves JAMA/JAPIA items 9–11 and SCS 1-1-1. It uses the documents and permissions of its parent.
package demand

import (
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Type tells where a demand comes from (JAMA/JAPIA guideline 2.3, No. 9–11; SCS 1-1-1-1).
type Type string

// The types of demands.
const (
	Law       Type = "law"       // 法令
	Authority Type = "authority" // 所管省庁・団体の基準
	Customer  Type = "customer"  // 得意先の要求
)

// Types lists the types in the order shown.
func Types() []Type { return []Type{Law, Authority, Customer} }

// Demand is one law, standard or customer demand that the rules of the house must answer to.
type Demand struct {
	ID          int64
	Key         string
	Type        Type
	Title       string
	Issuer      string // who issued it: ministry, association, customer
	Gist        string // what it asks of us
	Document    string // key of the regulation that reflects it; empty: not yet
	ListedOn    jdate.Day
	ReflectedOn jdate.Day
	EndedOn     jdate.Day // no longer applies from this day; zero: applies
	Version     int
}

// Validate reports everything that is missing or lies in the future; a demand may end later than today.
func (d *Demand) Validate(today jdate.Day) error {
	var list problem.List
	if !slices.Contains(Types(), d.Type) {
		list.Add(problem.Invalid("type", "demand.type.choose"))
	}
	if d.Title == "" {
		list.Add(problem.Invalid("title", "demand.title.required"))
	}
	if d.Document != "" && d.ReflectedOn.IsZero() {
		list.Add(problem.Invalid("reflected_on", "demand.reflected_on.required"))
	}
	if d.ReflectedOn.After(today) {
		list.Add(problem.Invalid("reflected_on", "demand.day.future"))
	}
	if d.ListedOn.After(today) {
		list.Add(problem.Invalid("listed_on", "demand.day.future"))
	}
	return list.Err()
}

// applies says whether the demand still counts on a day.
func (d *Demand) applies(on jdate.Day) bool { return d.EndedOn.IsZero() || on.Before(d.EndedOn) }

// Check is one look through the list for changes (JAMA/JAPIA guideline 2.3, No. 11: 年1回以上).
type Check struct {
	Key     string
	Types   []Type
	On      jdate.Day
	Finding string // what changed, or that nothing did
	By      string
}

// checkDays is how long a check counts: 年1回以上 (JAMA/JAPIA guideline 2.3, No. 11).
const checkDays = 365

// checkBy gives the day by which the list must be looked through again, zero when a type on it never was. Each
// type counts by itself; needed is false when nothing on the list applies.
func checkBy(demands []Demand, checks []Check, today jdate.Day) (by jdate.Day, needed bool) {
	for _, t := range Types() {
		if !slices.ContainsFunc(demands, func(d Demand) bool { return d.Type == t && d.applies(today) }) {
			continue
		}
		i := slices.IndexFunc(checks, func(c Check) bool { return slices.Contains(c.Types, t) }) // newest first
		if i < 0 {
			return 0, true
		}
		if next := checks[i].On.Add(checkDays); !needed || next.Before(by) {
			by = next
		}
		needed = true
	}
	return by, needed
}

func splitList(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
