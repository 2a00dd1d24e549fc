package person

import "github.com/kizuki-security/kizuki/internal/register/fact"

// Facts derives all facts of one person. Attributes are small closed values, keys and days: names
// never leave the tables of people.
func Facts(p Person, moves []Move, exclusions []Exclusion) []fact.Fact {
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
