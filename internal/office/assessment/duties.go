package assessment

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// askAgain is how many days before its last day an answer is asked again. Ours.
const askAgain = 30

// Duties lists actions to do, answers that run out within askAgain days, and answers that one click would give.
// Deadlines of customers come from assessment/request.
func (s *Service) Duties(ctx context.Context, tx *sqlite.Tx, today jdate.Day) ([]due.Duty, error) {
	actions, err := findActions(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []due.Duty
	for _, a := range actions {
		if !a.Done.IsZero() {
			continue
		}
		out = append(out, due.Duty{
			Key: "assessment.action/" + a.Key, Text: "assessment.duty.action", Args: problem.Args{"title": a.Title},
			Why: "assessment.duty.action_why", Link: "/actions/" + a.Key, On: a.Due, Person: a.Owner, Needs: string(PermAnswer),
		})
	}
	targets, err := s.targets(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, t := range targets {
		out = append(out, dutiesOf(t, today)...)
	}
	return out, nil
}

func dutiesOf(t Target, today jdate.Day) []due.Duty {
	var out []due.Duty
	proposed := 0
	for _, it := range t.Items() {
		proposed += len(it.Proposed())
		last := it.lastDay(today)
		if last.IsZero() {
			continue
		}
		out = append(out, due.Duty{
			Key: "assessment.expiring/" + t.Board.Key() + "/" + it.Node.ID, Text: "assessment.duty.expiring",
			Args: problem.Args{"item": i18n.Text(it.Node.Title), "day": last}, Why: "assessment.duty.expiring_why",
			Link: "/sheet/" + t.Board.Key() + "/" + it.Node.ID, On: last, Person: it.Meta.Owner, Needs: string(PermAnswer),
		})
	}
	if proposed > 0 {
		out = append(out, due.Duty{
			Key: "assessment.proposed/" + t.Board.Key(), Text: "assessment.duty.proposed",
			Args: problem.Args{"n": proposed, "framework": i18n.Text(t.Board.Short)}, Why: "assessment.duty.proposed_why",
			Link: "/sheet/" + t.Board.Key() + "/confirm", Needs: string(PermAnswer),
		})
	}
	return out
}

// lastDay is the first day on which an answer of the item runs out, zero when none does soon.
func (it *Item) lastDay(today jdate.Day) jdate.Day {
	var first jdate.Day
	for _, c := range it.Clauses {
		if !c.State.Declared && !c.State.Held {
			continue
		}
		if last := c.Effective.Expires; !last.IsZero() && last.Sub(today) <= askAgain {
			first = earliest(first, last)
		}
	}
	return first
}
