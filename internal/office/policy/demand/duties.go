package demand

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// duesAhead is how many days before its end the yearly check shows up as a duty.
const duesAhead = 45

// Duties lists the yearly check of the list when it falls due; a list on which nothing applies needs none.
func (s *Service) Duties(ctx context.Context, tx *sqlite.Tx, today jdate.Day) ([]due.Duty, error) {
	demands, err := findDemands(ctx, tx, "")
	if err != nil {
		return nil, err
	}
	checks, err := findChecks(ctx, tx)
	if err != nil {
		return nil, err
	}
	by, needed := checkBy(demands, checks, today)
	if !needed || !by.IsZero() && by.Sub(today) > duesAhead {
		return nil, nil
	}
	return []due.Duty{{Key: "demand.check", Text: "demand.duty.check", Link: "/demands", On: by, Needs: string(policy.PermEdit)}}, nil
}
