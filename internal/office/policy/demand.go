package policy

import (
	"slices"

	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// DemandType tells where a demand comes from (JAMA/JAPIA guideline 2.3, No. 9–11; SCS 1-1-1-1).
type DemandType string

// The types of demands.
const (
	DemandLaw       DemandType = "law"       // 法令
	DemandAuthority DemandType = "authority" // 所管省庁・団体の基準
	DemandCustomer  DemandType = "customer"  // 得意先の要求
)

// DemandTypes lists the types in the order shown.
func DemandTypes() []DemandType { return []DemandType{DemandLaw, DemandAuthority, DemandCustomer} }

// Demand is one law, standard or customer demand that the rules of the house must answer to.
type Demand struct {
	ID          int64
	Key         string
	Type        DemandType
	Title       string
	Issuer      string // who issued it: ministry, association, customer
	Gist        string // what it asks of us
	Document    string // key of the regulation that reflects it; empty: not yet
	ListedOn    jdate.Day
	ReflectedOn jdate.Day
	EndedOn     jdate.Day // no longer applies from this day; zero: applies
	Version     int
}

// Validate reports everything that is missing.
func (d *Demand) Validate() error {
	var list problem.List
	if !slices.Contains(DemandTypes(), d.Type) {
		list.Add(problem.Invalid("type", "policy.demand.type.choose"))
	}
	if d.Title == "" {
		list.Add(problem.Invalid("title", "policy.demand.title.required"))
	}
	if d.Document != "" && d.ReflectedOn.IsZero() {
		list.Add(problem.Invalid("reflected_on", "policy.demand.reflected_on.required"))
	}
	return list.Err()
}

// Check is one look through the list for changes (JAMA/JAPIA guideline 2.3, No. 11: 年1回以上).
type Check struct {
	Key     string
	Types   []DemandType
	On      jdate.Day
	Finding string // what changed, or that nothing did
	By      string
}
