package people

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/people/person"
)

// Kinds lists the kinds of facts that this register gives; people.confirmed comes from the subfolder roster.
func Kinds() []string {
	return []string{"people.member", "people.joined", "people.left", "people.moved", "people.excluded"}
}

// Kinds lists the kinds of facts that this register gives.
func (s *Service) Kinds() []string { return Kinds() }

// EachRecord yields the facts of every person.
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
		if err := yield("people/"+p.Key, person.Facts(p, moves[p.Key], exclusions[p.Key])); err != nil {
			return err
		}
	}
	return nil
}
