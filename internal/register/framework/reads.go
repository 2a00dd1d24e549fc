package framework

import (
	"maps"
	"slices"
)

// The kinds that approved_by compares: what is in force, and who approved it.
const (
	InForceKind  = "policy.in_force"
	ApprovedKind = "policy.approved"
)

// Kinds returns the kinds of facts that c reads, without duplicates, registers included.
func (c *Clause) Kinds(t *Table) []string {
	if c.Rule == nil {
		return nil
	}
	var kinds []string
	ops, _ := c.Rule.Ops()
	for i := range ops {
		for _, k := range ops[i].Kinds(t) {
			if !slices.Contains(kinds, k) {
				kinds = append(kinds, k)
			}
		}
	}
	return kinds
}

// Kinds returns the kinds of facts that one operator reads, without duplicates, the kind it names first.
func (o *Op) Kinds(t *Table) []string {
	kinds := make([]string, 0, 5)
	add := func(names ...string) {
		for _, k := range names {
			if k != "" && !slices.Contains(kinds, k) {
				kinds = append(kinds, k)
			}
		}
	}
	add(o.Kind, o.Trigger)
	if o.Op == "approved_by" {
		add(InForceKind)
		if o.Kind == "" {
			add(ApprovedKind)
		}
	}
	register := ""
	switch {
	case o.Population != nil:
		register = o.Population.Of
	case o.Op == "each_after": // joiners are members of a confirmed register too
		register = t.RegisterOf(o.Trigger)
	}
	p := t.Populations[register]
	add(p.MemberKind, p.ExcludedKind, p.ConfirmedKind)
	return kinds
}

// RegisterOf names the population whose members a kind is about ("people" for people.joined), "" when
// there is none: same owner, same sort of member.
func (t *Table) RegisterOf(kind string) string {
	k := t.Kinds[kind]
	if k.Member == "" {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(t.Populations)) {
		p := t.Populations[name]
		if p.Owner == k.Owner && t.Kinds[p.MemberKind].Member == k.Member {
			return name
		}
	}
	return ""
}
