package org

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/fact"
)

// Kinds lists the kinds of facts that this register gives.
func Kinds() []string { return []string{"org.department", "org.owner", "org.major_change"} }

// Kinds lists the kinds of facts that this register gives.
func (s *Service) Kinds() []string { return Kinds() }

// EachRecord yields the facts of every department and every major change.
func (s *Service) EachRecord(ctx context.Context, tx *sqlite.Tx, yield func(record string, facts []fact.Fact) error) error {
	departments, err := findDepartments(ctx, tx, "")
	if err != nil {
		return err
	}
	for _, d := range departments {
		if err := yield("department/"+d.Key, departmentFacts(d)); err != nil {
			return err
		}
	}
	changes, err := findChanges(ctx, tx)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if err := yield("change/"+c.Key, changeFacts(c)); err != nil {
			return err
		}
	}
	return nil
}

func departmentFacts(d Department) []fact.Fact {
	record, link := "department/"+d.Key, "/org/departments/"+d.Key
	facts := []fact.Fact{{
		Kind: "org.department", Record: record, Member: record, Attrs: map[string]string{"site": d.Site}, ValidUntil: d.Ended, Link: link,
	}}
	if d.Owner != "" {
		until := d.OwnerUntil
		if until.IsZero() || !d.Ended.IsZero() && d.Ended.Before(until) {
			until = d.Ended
		}
		facts = append(facts, fact.Fact{Kind: "org.owner", Record: record, Member: record, On: d.OwnerSince, ValidUntil: until, Link: link})
	}
	return facts
}

func changeFacts(c MajorChange) []fact.Fact {
	return []fact.Fact{{
		Kind: "org.major_change", Record: "change/" + c.Key, On: c.On, Attrs: map[string]string{"what": c.What}, Link: "/org/changes",
	}}
}
