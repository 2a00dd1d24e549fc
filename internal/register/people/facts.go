package people

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/fact"
)

// Kinds lists the kinds of facts that this register gives.
func Kinds() []string { return append(personKinds(), "people.confirmed") }

func personKinds() []string {
	return []string{"people.member", "people.joined", "people.left", "people.moved", "people.excluded"}
}

func confirmationKinds() []string { return []string{"people.confirmed"} }

// Kinds lists the kinds of facts that this register gives.
func (s *Service) Kinds() []string { return Kinds() }

// EachRecord yields the facts of every person and every confirmation.
func (s *Service) EachRecord(ctx context.Context, tx *sqlite.Tx, yield func(record string, facts []fact.Fact) error) error {
	all, err := findPersons(ctx, tx, Filter{})
	if err != nil {
		return err
	}
	moves, err := findMoves(ctx, tx, "")
	if err != nil {
		return err
	}
	exclusions, err := findExclusions(ctx, tx, "")
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := yield("people/"+p.Key, personFacts(p, moves[p.Key], exclusions[p.Key])); err != nil {
			return err
		}
	}
	confirmations, err := findConfirmations(ctx, tx)
	if err != nil {
		return err
	}
	for _, c := range confirmations {
		if err := yield("people/roster/"+c.Key, confirmationFacts(c)); err != nil {
			return err
		}
	}
	return nil
}

// personFacts derives all facts of one person. Attributes are small closed values, keys and days: names
// never leave the tables of this register.
func personFacts(p Person, moves []Move, exclusions []Exclusion) []fact.Fact {
	record, member, link := "people/"+p.Key, "person/"+p.Key, "/people/"+p.Key
	kiosk := No
	if p.Kiosk {
		kiosk = Yes
	}
	uses := func() map[string]string {
		return map[string]string{"class": p.Class, "mail": p.Mail, "internet": p.Internet}
	}
	attrs := uses()
	attrs["joined"], attrs["left"] = p.Joined.String(), p.Left.String()
	attrs["department"], attrs["site"], attrs["kiosk"] = p.Department, p.Site, kiosk
	facts := []fact.Fact{{Kind: "people.member", Record: record, Member: member, Attrs: attrs, On: p.Joined, Link: link}}
	if !p.Joined.IsZero() {
		facts = append(facts, fact.Fact{Kind: "people.joined", Record: record, Member: member, Attrs: uses(), On: p.Joined, Link: link})
	}
	class := map[string]string{"class": p.Class}
	if !p.Left.IsZero() {
		facts = append(facts, fact.Fact{Kind: "people.left", Record: record, Member: member, Attrs: class, On: p.Left, Link: link})
	}
	for _, m := range moves {
		facts = append(facts, fact.Fact{Kind: "people.moved", Record: record, Member: member, Attrs: class, On: m.On, Link: link})
	}
	for _, e := range exclusions {
		facts = append(facts, fact.Fact{
			Kind: "people.excluded", Record: record, Member: member, Attrs: map[string]string{"reason": e.Reason},
			On: e.From, ValidUntil: e.Until, Link: link,
		})
	}
	return facts
}

func confirmationFacts(c Confirmation) []fact.Fact {
	return []fact.Fact{{Kind: "people.confirmed", Record: "people/roster/" + c.Key, On: c.On, Link: "/people/confirm"}}
}
