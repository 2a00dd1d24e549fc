package roster

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Kinds lists the kinds of facts that confirmations give.
func Kinds() []string { return []string{"people.confirmed"} }

// Kinds lists the kinds of facts that confirmations give.
func (s *Service) Kinds() []string { return Kinds() }

// EachRecord yields the fact of every confirmation.
func (s *Service) EachRecord(ctx context.Context, tx *sqlite.Tx, yield func(record string, facts []fact.Fact) error) error {
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

func confirmationFacts(c Confirmation) []fact.Fact {
	return []fact.Fact{{Kind: "people.confirmed", Record: "people/roster/" + c.Key, On: c.On, Link: "/people/confirm"}}
}

// ahead is how many days before its date the confirmation is shown.
const ahead = 30

// Duties asks for the first confirmation of a list that has people, and for the next one from 30 days before
// the last one ends.
func (s *Service) Duties(ctx context.Context, tx *sqlite.Tx, today jdate.Day) ([]due.Duty, error) {
	confirmations, err := findConfirmations(ctx, tx)
	if err != nil {
		return nil, err
	}
	if len(confirmations) == 0 {
		list, err := s.people.List(ctx, tx, people.Filter{ActiveOn: today})
		if err != nil || len(list) == 0 {
			return nil, err
		}
		return []due.Duty{{
			Key: "people.confirm", Text: "people.duty.confirm_first", Why: "people.duty.confirm_why", Link: "/people/confirm", Needs: string(people.PermConfirm),
		}}, nil
	}
	last := confirmations[0]
	if confirmationDue(&last).After(today.Add(ahead)) {
		return nil, nil
	}
	return []due.Duty{{
		Key: "people.confirm", Text: "people.duty.confirm", Args: problem.Args{"last": last.On},
		Why: "people.duty.confirm_why", Link: "/people/confirm", On: confirmationDue(&last), Needs: string(people.PermConfirm),
	}}, nil
}
